//! Who may use which connection: the bookkeeping of a pool, without I/O, clock or threads.
//!
//! Statements that stand alone *share* connections and are pipelined; whoever needs state between two statements (a
//! transaction, a COPY, a cursor) has one *exclusively*.
//!
//! ```text
//!            opened                    acquire                 release(reusable)
//!  Opening ---------> Shared{load} <------------> Exclusive ---------------------> Shared
//!     |                  |   ^                        |
//!     | failed           |   | load falls to 0        | release(not reusable), lost
//!     v                  v   |                        v
//!   (gone) <--- lost   Promised: takes no new statements, goes to the longest waiting caller
//! ```
//! Each front maps a [`SlotId`] to a connection and a [`Ticket`] to a waiting caller, and carries out the
//! [`Grant`]s.

use std::collections::VecDeque;

/// Names a connection of the pool, from the moment its opening is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(u64);

impl SlotId {
    /// As a number, for fronts whose language knows no `SlotId`.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Back from [`SlotId::number`].
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// Names a caller that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What a caller wants of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// To run one statement beside those of others.
    Shared,
    /// To have it alone until it is released.
    Exclusive,
}

/// A caller's turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub ticket: Ticket,
    /// With which connection.
    pub slot: SlotId,
}

/// The answer to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At once, with this connection.
    Now(SlotId),
    /// Later: a [`Grant`] will name the ticket.
    Wait(Ticket),
}

/// Counts of a pool at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that are being opened.
    pub opening: usize,
    /// Connections with nothing to do.
    pub idle: usize,
    /// Connections that run statements of several callers.
    pub shared: usize,
    /// Connections that belong to one caller.
    pub exclusive: usize,
    /// Connections that are being closed; they count towards the size until they are.
    pub closing: usize,
    /// Callers that wait.
    pub waiting: usize,
}

impl Counts {
    /// All connections, in whatever state.
    pub fn size(&self) -> usize {
        self.opening + self.idle + self.shared + self.exclusive + self.closing
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Shared { load: usize },
    Promised { load: usize },
    Exclusive,
    Closing,
}

/// The bookkeeping of one pool.
#[derive(Debug)]
pub struct Pool {
    max: usize,
    depth: usize,
    slots: Vec<(SlotId, State)>,
    waiting: VecDeque<(Ticket, Want)>,
    next: u64,
}

impl Pool {
    /// A pool of at most `max` connections, each shared by at most `depth` statements in flight.
    pub fn new(max: usize, depth: usize) -> Self {
        Self {
            max: max.max(1),
            depth: depth.max(1),
            slots: Vec::new(),
            waiting: VecDeque::new(),
            next: 0,
        }
    }

    /// Asks for a connection.
    ///
    /// Callers are served in the order in which they came: nobody overtakes a waiting caller that wants the same.
    pub fn request(&mut self, want: Want) -> Turn {
        if let Some(slot) = self.available(want) {
            return Turn::Now(self.take(slot, want));
        }
        let ticket = Ticket(self.number());
        self.waiting.push_back((ticket, want));
        self.promise();
        Turn::Wait(ticket)
    }

    /// A connection that should be opened now, because all others are busy or missing and the limit allows one more.
    ///
    /// Ask again until there is none, and open each; then call [`Pool::opened`] or [`Pool::removed`].
    pub fn wants_opening(&mut self) -> Option<SlotId> {
        let opening = self.count(|state| state == State::Opening);
        let idle = self.count(|state| state == State::Shared { load: 0 });
        let busy = self.count(
            |state| matches!(state, State::Shared { load } | State::Promised { load } if load > 0),
        );
        let demand = self.waiting.len() + usize::from(busy > 0);
        if idle > 0 || opening >= demand || self.slots.len() >= self.max {
            return None;
        }
        Some(self.open())
    }

    /// A connection to open so that the pool holds at least `min`.
    pub fn wants_warming(&mut self, min: usize) -> Option<SlotId> {
        (self.slots.len() < min.min(self.max)).then(|| self.open())
    }

    /// A connection is open; callers that waited for it get their turn.
    pub fn opened(&mut self, slot: SlotId) -> Vec<Grant> {
        self.set(slot, State::Shared { load: 0 });
        self.serve()
    }

    /// A statement on a shared connection ended.
    #[inline]
    pub fn finished(&mut self, slot: SlotId) -> Vec<Grant> {
        match self.state_mut(slot) {
            Some(State::Shared { load } | State::Promised { load }) => {
                *load = load.saturating_sub(1);
            }
            _ => return Vec::new(),
        }
        if self.waiting.is_empty() {
            Vec::new()
        } else {
            self.serve()
        }
    }

    /// The only statement of a shared connection is being cancelled: until [`Pool::released`] it takes no others, which
    /// would have to wait for that. `false` if somebody has the connection alone anyway, or others share it.
    pub fn withheld(&mut self, slot: SlotId) -> bool {
        let is_shared = matches!(
            self.state_mut(slot),
            Some(State::Shared { load: 1 } | State::Promised { load: 1 })
        );
        if is_shared {
            self.set(slot, State::Exclusive);
            self.promise();
        }
        is_shared
    }

    /// A shared connection was left in a transaction, or its session changed: until [`Pool::released`] it takes no more
    /// statements. `false` if somebody has the connection alone anyway.
    pub fn unclean(&mut self, slot: SlotId) -> bool {
        let is_shared = matches!(
            self.state_mut(slot),
            Some(State::Shared { .. } | State::Promised { .. })
        );
        if is_shared {
            self.set(slot, State::Exclusive);
            self.promise();
        }
        is_shared
    }

    /// An exclusive connection comes back, clean: outside a transaction, with nothing outstanding.
    pub fn released(&mut self, slot: SlotId) -> Vec<Grant> {
        if matches!(self.state_mut(slot), Some(State::Exclusive)) {
            self.set(slot, State::Shared { load: 0 });
        }
        self.serve()
    }

    /// Whoever got the connection for `want` is done with it: [`Pool::finished`] or [`Pool::released`].
    ///
    /// Never both: the first may have given it to the next caller, from whom the second would take it away.
    pub fn returned(&mut self, slot: SlotId, want: Want) -> Vec<Grant> {
        match want {
            Want::Shared => self.finished(slot),
            Want::Exclusive => self.released(slot),
        }
    }

    /// A connection is being closed; it counts until [`Pool::removed`].
    pub fn closing(&mut self, slot: SlotId) {
        self.set(slot, State::Closing);
    }

    /// A connection is gone: closed, lost, or never opened.
    pub fn removed(&mut self, slot: SlotId) {
        self.slots.retain(|(id, _)| *id != slot);
    }

    /// A caller no longer waits. `false` if its turn has come already: it must give the connection back.
    pub fn withdraw(&mut self, ticket: Ticket) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != ticket);
        let withdrawn = self.waiting.len() < before;
        if withdrawn {
            self.release_promises();
        }
        withdrawn
    }

    /// All waiting callers, for a pool that is closed or cannot open connections.
    pub fn dismiss(&mut self) -> Vec<Ticket> {
        self.waiting.drain(..).map(|(ticket, _)| ticket).collect()
    }

    /// All connections.
    pub fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.slots.iter().map(|(slot, _)| *slot)
    }

    /// The counts at this moment.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            waiting: self.waiting.len(),
            ..Counts::default()
        };
        for (_, state) in &self.slots {
            *match state {
                State::Opening => &mut counts.opening,
                State::Shared { load: 0 } | State::Promised { load: 0 } => &mut counts.idle,
                State::Shared { .. } | State::Promised { .. } => &mut counts.shared,
                State::Exclusive => &mut counts.exclusive,
                State::Closing => &mut counts.closing,
            } += 1;
        }
        counts
    }

    /// The best connection for a caller that comes now, if none waits who must be served before.
    #[inline]
    fn available(&self, want: Want) -> Option<SlotId> {
        if self.waiting.iter().any(|(_, waiting)| *waiting == want) {
            return None;
        }
        self.candidate(want)
    }

    fn candidate(&self, want: Want) -> Option<SlotId> {
        let limit = match want {
            Want::Shared => self.depth,
            Want::Exclusive => 1,
        };
        let mut best: Option<(usize, SlotId)> = None;
        for (slot, state) in &self.slots {
            let load = match state {
                State::Shared { load } => *load,
                State::Promised { load: 0 } if want == Want::Exclusive => 0,
                _ => continue,
            };
            if load == 0 {
                return Some(*slot);
            }
            if load < limit && best.is_none_or(|(least, _)| load < least) {
                best = Some((load, *slot));
            }
        }
        best.map(|(_, slot)| slot)
    }

    fn take(&mut self, slot: SlotId, want: Want) -> SlotId {
        if let Some(state) = self.state_mut(slot) {
            *state = match (want, *state) {
                (Want::Exclusive, _) => State::Exclusive,
                (Want::Shared, State::Shared { load }) => State::Shared { load: load + 1 },
                (Want::Shared, other) => other,
            };
        }
        slot
    }

    /// Gives waiting callers what has become free.
    fn serve(&mut self) -> Vec<Grant> {
        let mut grants = Vec::new();
        // The kinds wait in one line, but a shared statement need not wait for a caller that needs a whole connection.
        let mut blocked = [false; 2];
        let mut index = 0;
        while let Some((ticket, want)) = self.waiting.get(index).copied() {
            let kind = &mut blocked[usize::from(want == Want::Exclusive)];
            match self.candidate(want) {
                Some(slot) if !*kind => {
                    self.waiting.remove(index);
                    grants.push(Grant {
                        ticket,
                        slot: self.take(slot, want),
                    });
                }
                _ => {
                    *kind = true;
                    index += 1;
                }
            }
        }
        self.release_promises();
        self.promise();
        grants
    }

    /// Keeps new statements off as many shared connections as callers wait for one of their own, the least busy first:
    /// otherwise a busy pool would never let one run dry.
    fn promise(&mut self) {
        let wanted = self
            .waiting
            .iter()
            .filter(|(_, want)| *want == Want::Exclusive)
            .count();
        let coming = self.count(|state| matches!(state, State::Promised { .. } | State::Opening));
        for _ in coming..wanted {
            // One connection stays open to statements, unless it is the only one: then everybody takes turns.
            let shared = self.count(|state| matches!(state, State::Shared { .. }));
            if shared == 0 || (shared == 1 && self.slots.len() > 1) {
                return;
            }
            let least = self.slots.iter_mut().filter_map(|(_, state)| match state {
                State::Shared { load } => Some((*load, state)),
                _ => None,
            });
            if let Some((load, state)) = least.min_by_key(|(load, _)| *load) {
                *state = State::Promised { load };
            }
        }
    }

    /// Opens promised connections to statements again when fewer callers wait than were promised one.
    fn release_promises(&mut self) {
        let wanted = self
            .waiting
            .iter()
            .filter(|(_, want)| *want == Want::Exclusive)
            .count();
        let promised = self.count(|state| matches!(state, State::Promised { .. }));
        let mut surplus = promised.saturating_sub(wanted);
        for (_, state) in &mut self.slots {
            if surplus == 0 {
                return;
            }
            if let State::Promised { load } = *state {
                *state = State::Shared { load };
                surplus -= 1;
            }
        }
    }

    fn open(&mut self) -> SlotId {
        let slot = SlotId(self.number());
        self.slots.push((slot, State::Opening));
        slot
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn count(&self, matches: impl Fn(State) -> bool) -> usize {
        self.slots
            .iter()
            .filter(|(_, state)| matches(*state))
            .count()
    }

    fn state_mut(&mut self, slot: SlotId) -> Option<&mut State> {
        self.slots
            .iter_mut()
            .find(|(id, _)| *id == slot)
            .map(|(_, state)| state)
    }

    fn set(&mut self, slot: SlotId, new: State) {
        if let Some(state) = self.state_mut(slot) {
            *state = new;
        }
    }
}

#[cfg(test)]
mod tests;
