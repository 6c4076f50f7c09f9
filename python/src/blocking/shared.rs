//! The part of a pool that outlives its Python object while a connection is being opened or is still lent.
//!
//! Nobody attaches to the interpreter while the state is locked, and no Python object is dropped under the lock: both
//! could wait for a thread that waits for the lock. Connections are opened on threads that never attach at all, so that
//! one that is slow to open holds up neither a caller beyond its time limit nor the exit of the interpreter.

use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use data_bridge_driver::Error;
use data_bridge_driver::dial::Connected;
use data_bridge_driver::error::Kind;
use data_bridge_driver::pool::{self, Counts, Grant, SlotId, Ticket, Turn, Want};
use pyo3::prelude::*;

use super::Connection;
use crate::dial::PyConfig;
use crate::engine::Catalog;

/// A pool's bookkeeping and its idle connections.
pub(super) struct Shared {
    pub(super) catalog: Arc<Catalog>,
    config: PyConfig,
    state: Mutex<State>,
}

struct State {
    policy: pool::Pool,
    idle: HashMap<SlotId, Idle>,
    waiting: HashMap<Ticket, Arc<Waiter>>,
    /// Why the last attempt to open a connection failed, until one succeeds.
    failure: Option<Error>,
    is_closed: bool,
}

/// A connection that nobody uses.
pub(super) enum Idle {
    /// It was just opened.
    Fresh(Box<Connected>),
    /// It was used before.
    Used(Py<Connection>),
}

/// Whether a caller can go on.
pub(super) enum Entry {
    /// With this connection.
    Now(SlotId, Idle),
    /// When its turn comes.
    Wait(Ticket, Arc<Waiter>),
}

/// A caller that waits for a connection of its own.
#[derive(Default)]
pub(super) struct Waiter {
    turn: Mutex<Option<Result<SlotId, Error>>>,
    changed: Condvar,
}

impl Waiter {
    /// Waits for its turn, at most so long.
    pub(super) fn wait(&self, limit: Duration) -> Option<Result<SlotId, Error>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut turn, _) = self
            .changed
            .wait_timeout_while(turn, limit, |turn| turn.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        turn.take()
    }

    fn wake(&self, turn: Result<SlotId, Error>) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
        self.changed.notify_one();
    }
}

impl Shared {
    pub(super) fn new(config: PyConfig, pool_max: usize) -> Self {
        let state = State {
            policy: pool::Pool::new(pool_max, 1),
            idle: HashMap::new(),
            waiting: HashMap::new(),
            failure: None,
            is_closed: false,
        };
        Self {
            catalog: Arc::default(),
            config,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a connection.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Entry, Error> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(closed());
        }
        match state.policy.request(Want::Exclusive) {
            Turn::Now(slot) => match state.idle.remove(&slot) {
                Some(idle) => Ok(Entry::Now(slot, idle)),
                None => Err(Error::interface("a connection of the pool is missing")),
            },
            Turn::Wait(ticket) => {
                let waiter = Arc::<Waiter>::default();
                state.waiting.insert(ticket, Arc::clone(&waiter));
                drop(state);
                self.grow();
                Ok(Entry::Wait(ticket, waiter))
            }
        }
    }

    /// The connection of a caller whose turn has come.
    pub(super) fn take(&self, slot: SlotId) -> Option<Idle> {
        self.lock().idle.remove(&slot)
    }

    /// A caller no longer waits. What it was given in this very moment goes to the next one.
    pub(super) fn withdraw(&self, ticket: Ticket, waiter: &Waiter) {
        let mut state = self.lock();
        state.waiting.remove(&ticket);
        if state.policy.withdraw(ticket) {
            return;
        }
        if let Some(Ok(slot)) = waiter.wait(Duration::ZERO) {
            let grants = state.policy.released(slot);
            state.carry_out(grants);
        }
    }

    /// Takes back a connection that is clean; if the pool is closed, it comes back to be closed.
    pub(super) fn release(&self, connection: Py<Connection>) -> Option<Py<Connection>> {
        let slot = connection.get().slot();
        let mut state = self.lock();
        if state.is_closed {
            return Some(connection);
        }
        state.idle.insert(slot, Idle::Used(connection));
        let grants = state.policy.released(slot);
        state.carry_out(grants);
        None
    }

    /// A connection is no more; others are opened for those who wait.
    pub(super) fn gone(self: &Arc<Self>, slot: SlotId) {
        let idle = {
            let mut state = self.lock();
            state.policy.removed(slot);
            state.idle.remove(&slot)
        };
        drop(idle);
        self.grow();
    }

    /// Opens connections until the pool holds `min`.
    pub(super) fn warm(self: &Arc<Self>, min: usize) {
        while let Some(slot) = { self.lock().policy.wants_warming(min) } {
            self.open(slot);
        }
    }

    /// Takes no more callers; the idle connections come out to be closed.
    pub(super) fn shut(&self) -> Vec<Idle> {
        let mut state = self.lock();
        state.is_closed = true;
        state.dismiss(&closed());
        let idle: Vec<_> = state.idle.drain().collect();
        idle.into_iter()
            .map(|(slot, idle)| {
                state.policy.removed(slot);
                idle
            })
            .collect()
    }

    /// Counts at this moment, and why no connection can be opened, if so.
    pub(super) fn counts(&self) -> (Counts, Option<Error>) {
        let state = self.lock();
        (state.policy.counts(), state.failure.clone())
    }

    /// Opens connections while those who wait want more.
    fn grow(self: &Arc<Self>) {
        loop {
            let slot = {
                let mut state = self.lock();
                if state.is_closed {
                    return;
                }
                state.policy.wants_opening()
            };
            match slot {
                Some(slot) => self.open(slot),
                None => return,
            }
        }
    }

    fn open(self: &Arc<Self>, slot: SlotId) {
        let config = self.config.clone();
        let pool = Arc::downgrade(self);
        let spawned = thread::Builder::new()
            .name("data-bridge-dial".to_owned())
            .spawn(move || {
                let dialed = catch_unwind(|| config.connect())
                    .unwrap_or_else(|_| Err(Error::connect("a bug was met while connecting")));
                if let Some(pool) = pool.upgrade() {
                    pool.opened(slot, dialed);
                }
            });
        if let Err(error) = spawned {
            self.opened(slot, Err(Error::io("start a thread to connect on", error)));
        }
    }

    /// An attempt to open a connection has ended. If it failed, whoever waits learns why, unless others may still serve
    /// them.
    fn opened(&self, slot: SlotId, dialed: Result<Connected, Error>) {
        let mut state = self.lock();
        match dialed {
            // Dropping what was opened closes it.
            Ok(_) if state.is_closed => state.policy.removed(slot),
            Ok(connected) => {
                state.failure = None;
                state.idle.insert(slot, Idle::Fresh(Box::new(connected)));
                let grants = state.policy.opened(slot);
                state.carry_out(grants);
            }
            Err(error) => {
                state.policy.removed(slot);
                if state.policy.counts().size() == 0 {
                    state.dismiss(&error);
                }
                state.failure = Some(error);
            }
        }
    }
}

impl State {
    fn carry_out(&mut self, grants: Vec<Grant>) {
        for Grant { ticket, slot } in grants {
            if let Some(waiter) = self.waiting.remove(&ticket) {
                waiter.wake(Ok(slot));
            }
        }
    }

    fn dismiss(&mut self, error: &Error) {
        self.policy.dismiss();
        for (_, waiter) in self.waiting.drain() {
            waiter.wake(Err(error.clone()));
        }
    }
}

fn closed() -> Error {
    Error::new(Kind::PoolClosed, "the pool is closed")
}
