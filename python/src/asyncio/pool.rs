//! The pool of one event loop: statements that stand alone share its connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_bridge_driver::error::Outcome;
use data_bridge_driver::pool::{self, Grant, SlotId, Ticket, Turn, Want};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::{Connection, Home, check_timeout, deliver};
use crate::engine::{Args, Call, Catalog, Reply, Request, Shape};
use crate::errors;
use crate::orm::Statement;
use crate::request;

/// Statements in flight that one connection takes before others wait.
const DEPTH: usize = 1000;

/// A pool of connections in one asyncio event loop.
///
/// Its Python subclass opens connections (`_open(slot)`), sends cancel requests (`_cancel(connection)`) and closes.
#[pyclass(
    frozen,
    subclass,
    weakref,
    module = "data_bridge._native",
    name = "AsyncPool"
)]
pub struct Pool {
    pub(super) home: Arc<Home>,
    pub(super) catalog: Arc<Catalog>,
    state: Mutex<State>,
}

struct State {
    policy: pool::Pool,
    members: HashMap<SlotId, Py<Connection>>,
    waiting: HashMap<Ticket, Waiter>,
    is_closed: bool,
}

/// Who waits for a connection.
enum Waiter {
    /// A statement that will share one.
    Call(Box<Call>),
    /// A caller that will have one alone; its future resolves to the connection.
    Caller(Py<PyAny>),
}

#[pymethods]
impl Pool {
    /// `reply` makes the futures of `event_loop`.
    #[new]
    fn new(
        py: Python<'_>,
        event_loop: Py<PyAny>,
        reply: Py<PyAny>,
        pool_max: usize,
    ) -> PyResult<Self> {
        let state = State {
            policy: pool::Pool::new(pool_max, DEPTH),
            members: HashMap::new(),
            waiting: HashMap::new(),
            is_closed: false,
        };
        Ok(Self {
            home: Arc::new(Home::new(py, event_loop, reply)?),
            catalog: Arc::default(),
            state: Mutex::new(state),
        })
    }

    /// All rows of a query.
    #[pyo3(signature = (sql, /, *args, timeout=None))]
    fn fetch<'py>(
        slf: &Bound<'py, Self>,
        sql: Bound<'py, PyString>,
        args: Bound<'py, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(
            slf,
            Request::plain(sql, Args::One(args.unbind()), Shape::Rows),
            timeout,
        )
    }

    /// The first row of a query, or `None`.
    #[pyo3(signature = (sql, /, *args, timeout=None))]
    fn fetch_row<'py>(
        slf: &Bound<'py, Self>,
        sql: Bound<'py, PyString>,
        args: Bound<'py, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(
            slf,
            Request::plain(sql, Args::One(args.unbind()), Shape::Row),
            timeout,
        )
    }

    /// One value of the first row, or `None`.
    #[pyo3(signature = (sql, /, *args, column=0, timeout=None))]
    fn fetch_val<'py>(
        slf: &Bound<'py, Self>,
        sql: Bound<'py, PyString>,
        args: Bound<'py, PyTuple>,
        column: isize,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(
            slf,
            Request::plain(
                sql,
                Args::One(args.unbind()),
                request::value_of(slf.py(), column)?,
            ),
            timeout,
        )
    }

    /// Runs a statement; the number of rows affected.
    #[pyo3(signature = (sql, /, *args, timeout=None))]
    fn execute<'py>(
        slf: &Bound<'py, Self>,
        sql: Bound<'py, PyString>,
        args: Bound<'py, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(
            slf,
            Request::plain(sql, Args::One(args.unbind()), Shape::Count),
            timeout,
        )
    }

    /// Runs a statement; see `request::build` for shapes and options.
    #[pyo3(signature = (sql, args, shape, /, *, timeout=None, **options))]
    fn _run<'py>(
        slf: &Bound<'py, Self>,
        sql: Bound<'py, PyString>,
        args: &Bound<'py, PyAny>,
        shape: &str,
        timeout: Option<f64>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(slf, request::build(sql, args, shape, options)?, timeout)
    }

    /// Runs a statement of the ORM.
    #[pyo3(signature = (statement, /, *, timeout=None))]
    fn _run_statement<'py>(
        slf: &Bound<'py, Self>,
        statement: &Bound<'py, Statement>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(slf, statement.get().request(slf.py()), timeout)
    }

    /// A future of a connection for the caller alone.
    fn _acquire<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let py = slf.py();
        this.home.check(py)?;
        let future = this.home.reply(py)?;
        let connection = {
            let mut state = this.open_state(py)?;
            match state.policy.request(Want::Exclusive) {
                Turn::Now(slot) => state
                    .members
                    .get(&slot)
                    .map(|connection| connection.clone_ref(py)),
                Turn::Wait(ticket) => {
                    state
                        .waiting
                        .insert(ticket, Waiter::Caller(future.clone().unbind()));
                    None
                }
            }
        };
        if let Some(connection) = connection {
            deliver(
                py,
                vec![(
                    Reply::Future(future.clone().unbind()),
                    Ok(connection.into_any()),
                )],
            )?;
        }
        Self::grow(slf)?;
        Ok(future)
    }

    /// Gives back a connection that is reusable.
    fn _release(slf: &Bound<'_, Self>, connection: &Bound<'_, Connection>) -> PyResult<()> {
        let Some(slot) = connection.get().slot() else {
            return Ok(());
        };
        let grants = slf.get().lock().policy.released(slot);
        Self::carry_out(slf, grants)
    }

    /// The connection is being closed: it counts until it is gone.
    fn _closing(&self, connection: &Bound<'_, Connection>) {
        if let Some(slot) = connection.get().slot() {
            self.lock().policy.closing(slot);
        }
    }

    /// A connection that should be opened for the pool to hold `min`, if there is one.
    fn _warm(&self, min: usize) -> Option<u64> {
        self.lock().policy.wants_warming(min).map(SlotId::number)
    }

    /// A connection is open.
    fn _opened(slf: &Bound<'_, Self>, connection: &Bound<'_, Connection>) -> PyResult<()> {
        let Some(slot) = connection.get().slot() else {
            return Ok(());
        };
        let grants = {
            let mut state = slf.get().lock();
            if state.is_closed {
                state.policy.removed(slot);
                None
            } else {
                state.members.insert(slot, connection.clone().unbind());
                Some(state.policy.opened(slot))
            }
        };
        match grants {
            Some(grants) => Self::carry_out(slf, grants),
            // The pool was closed while it was opened.
            None => Connection::close(connection),
        }
    }

    /// A connection could not be opened. Whoever waits learns why, unless others may still serve them.
    fn _open_failed(slf: &Bound<'_, Self>, slot: u64, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let failed = {
            let mut state = slf.get().lock();
            state.policy.removed(SlotId::from_number(slot));
            if state.policy.counts().size() > 0 {
                Vec::new()
            } else {
                state.dismiss()
            }
        };
        fail_all(py, failed, &PyErr::from_value(error.clone()))
    }

    /// Takes all waiting callers out, to end with `error`, and takes no more.
    fn _shut(slf: &Bound<'_, Self>, error: &Bound<'_, PyAny>) -> PyResult<Vec<Py<Connection>>> {
        let py = slf.py();
        let (failed, members) = {
            let mut state = slf.get().lock();
            state.is_closed = true;
            (
                state.dismiss(),
                state
                    .members
                    .values()
                    .map(|member| member.clone_ref(py))
                    .collect(),
            )
        };
        fail_all(py, failed, &PyErr::from_value(error.clone()))?;
        Ok(members)
    }

    /// Takes a caller out that still waits for a connection; whether it did.
    #[pyo3(name = "_withdraw")]
    fn withdraw(&self, reply: &Bound<'_, PyAny>) -> bool {
        let waiter = {
            let mut state = self.lock();
            let mut waiting = state.waiting.iter();
            let ticket = waiting
                .find(|(_, waiter)| waiter.answers(reply))
                .map(|(ticket, _)| *ticket);
            ticket.and_then(|ticket| {
                state.policy.withdraw(ticket);
                state.waiting.remove(&ticket)
            })
        };
        // Dropped here, not under the lock: its arguments may run code of their own when they go.
        waiter.is_some()
    }

    /// Called for a future of this pool that was cancelled, or whose time is over.
    fn _abandon(slf: &Bound<'_, Self>, reply: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        if slf.get().withdraw(reply) {
            return Ok(());
        }
        let members: Vec<Py<Connection>> = {
            let state = slf.get().lock();
            let members = state.members.values();
            members.map(|member| member.clone_ref(py)).collect()
        };
        for connection in members {
            if Connection::abandon(connection.bind(py), reply)? {
                let slot = connection.get().slot();
                let shared = slot.is_some_and(|slot| slf.get().lock().policy.withheld(slot));
                slf.call_method1("_cancel", (connection, shared))?;
                // Whoever waits for a statement's turn may need another connection now.
                return Self::grow(slf);
            }
        }
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The home is shared with the connections, but its objects are counted once: here.
        self.home.traverse(&visit)?;
        // A locked state is in use, so its objects are reachable: not visiting them only keeps them alive.
        if let Ok(state) = self.state.try_lock() {
            for connection in state.members.values() {
                visit.call(connection)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let members = self
            .state
            .try_lock()
            .map(|mut state| std::mem::take(&mut state.members));
        drop(members);
    }

    /// Counts: opening, idle, shared, exclusive, closing, waiting.
    fn _counts(&self) -> (usize, usize, usize, usize, usize, usize) {
        let counts = self.lock().policy.counts();
        (
            counts.opening,
            counts.idle,
            counts.shared,
            counts.exclusive,
            counts.closing,
            counts.waiting,
        )
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_state(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.is_closed {
            drop(state);
            return Err(errors::raise(
                py,
                "PoolClosed",
                "the pool is closed",
                Outcome::NotSent,
            ));
        }
        Ok(state)
    }

    /// Starts a statement on the least busy connection, or queues it.
    #[inline]
    fn submit<'py>(
        slf: &Bound<'py, Self>,
        request: Request,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let py = slf.py();
        this.home.check(py)?;
        request.check_alone(py)?;
        check_timeout(py, timeout)?;
        let reply = this.home.reply(py)?;
        let call = Call::new(Reply::Future(reply.clone().unbind()), request).watched(py);
        let mut state = this.open_state(py)?;
        match state.policy.request(Want::Shared) {
            Turn::Now(slot) => {
                let connection = state
                    .members
                    .get(&slot)
                    .map(|connection| connection.clone_ref(py));
                let opening = state.policy.wants_opening();
                drop(state);
                if let Some(connection) = connection {
                    Connection::start(connection.bind(py), call)?;
                }
                if let Some(slot) = opening {
                    slf.call_method1(pyo3::intern!(py, "_open"), (slot.number(),))?;
                }
            }
            Turn::Wait(ticket) => {
                state.waiting.insert(ticket, Waiter::Call(Box::new(call)));
                drop(state);
                slf.call_method1(pyo3::intern!(py, "_limit_wait"), (&reply,))?;
                Self::grow(slf)?;
            }
        }
        if let Some(timeout) = timeout {
            Self::limit(slf, &reply, timeout)?;
        }
        Ok(reply)
    }

    /// Has the call given up when its time is over.
    pub(super) fn limit(
        slf: &Bound<'_, Self>,
        reply: &Bound<'_, PyAny>,
        timeout: f64,
    ) -> PyResult<()> {
        slf.call_method1(pyo3::intern!(slf.py(), "_limit"), (reply, timeout))?;
        Ok(())
    }

    /// Opens connections while the policy wants more.
    fn grow(slf: &Bound<'_, Self>) -> PyResult<()> {
        loop {
            let slot = {
                let mut state = slf.get().lock();
                if state.is_closed {
                    None
                } else {
                    state.policy.wants_opening()
                }
            };
            match slot {
                None => return Ok(()),
                Some(slot) => {
                    slf.call_method1(pyo3::intern!(slf.py(), "_open"), (slot.number(),))?
                }
            };
        }
    }

    /// So many calls ended on a connection.
    pub(super) fn finished(slf: &Bound<'_, Self>, slot: SlotId, count: usize) -> PyResult<()> {
        for _ in 0..count {
            let grants = slf.get().lock().policy.finished(slot);
            if !grants.is_empty() {
                Self::carry_out(slf, grants)?;
            }
        }
        Ok(())
    }

    /// A statement has left the session changed. On a connection that is shared, that would be the next statement's: the
    /// Python half cleans it first.
    pub(super) fn unclean(
        slf: &Bound<'_, Self>,
        connection: &Bound<'_, Connection>,
        slot: SlotId,
    ) -> PyResult<()> {
        if slf.get().lock().policy.unclean(slot) {
            slf.call_method1(pyo3::intern!(slf.py(), "_unclean"), (connection,))?;
            return Self::grow(slf);
        }
        Ok(())
    }

    /// A connection is gone; others are opened for those who wait.
    pub(super) fn lost(slf: &Bound<'_, Self>, slot: SlotId) -> PyResult<()> {
        {
            let mut state = slf.get().lock();
            state.policy.removed(slot);
            state.members.remove(&slot);
        }
        Self::grow(slf)
    }

    fn carry_out(slf: &Bound<'_, Self>, grants: Vec<Grant>) -> PyResult<()> {
        let py = slf.py();
        for Grant { ticket, slot } in grants {
            let (waiter, connection) = {
                let mut state = slf.get().lock();
                let connection = state
                    .members
                    .get(&slot)
                    .map(|connection| connection.clone_ref(py));
                (state.waiting.remove(&ticket), connection)
            };
            let Some(connection) = connection else {
                continue;
            };
            match waiter {
                Some(Waiter::Call(call)) => Connection::start(connection.bind(py), *call)?,
                Some(Waiter::Caller(future)) => {
                    if future
                        .bind(py)
                        .call_method0(pyo3::intern!(py, "done"))?
                        .is_truthy()?
                    {
                        // Cancelled in this very moment: the next one gets it.
                        let grants = slf.get().lock().policy.released(slot);
                        Self::carry_out(slf, grants)?;
                    } else {
                        deliver(py, vec![(Reply::Future(future), Ok(connection.into_any()))])?;
                    }
                }
                None => {}
            }
        }
        Ok(())
    }
}

impl State {
    fn dismiss(&mut self) -> Vec<Waiter> {
        self.policy.dismiss();
        self.waiting.drain().map(|(_, waiter)| waiter).collect()
    }
}

impl Waiter {
    fn answers(&self, reply: &Bound<'_, PyAny>) -> bool {
        match self {
            Self::Call(call) => call.answers(reply),
            Self::Caller(future) => future.is(reply),
        }
    }
}

fn fail_all(py: Python<'_>, waiters: Vec<Waiter>, error: &PyErr) -> PyResult<()> {
    let done = waiters.into_iter().map(|waiter| {
        let reply = match waiter {
            Waiter::Call(call) => call.into_reply(),
            Waiter::Caller(future) => Reply::Future(future),
        };
        (reply, Err(error.clone_ref(py)))
    });
    deliver(py, done.collect())
}
