//! Cancelling: what waits while a cancel request is on its way.

use data_bridge_driver::wire::TransactionStatus;
use pyo3::prelude::*;

use super::{Call, Completion, Engine, Job, Kind, Reply, State};

/// While a cancel request is on its way nothing may be sent, for it could hit what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Calls are sent.
    No,
    /// The cancel request is being sent.
    Cancelling,
    /// The server has taken the cancel request, or what was given up is a COPY that has still to begin; it has still to
    /// end.
    Cancelled,
}

/// Something that was asked for while nothing may be sent.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are calls; a box each would cost more than the room"
)]
pub(super) enum Held {
    Call(Call),
    Simple(Box<str>, Reply),
    CopyIn(Box<str>, Reply),
}

impl Engine {
    /// Whoever waits for the call that answers to `is_it` does so no more. `true` if nobody wants what is outstanding now:
    /// then, and only then, may it be cancelled on the server. From then on nothing is sent until
    /// [`Engine::cancel_sent`].
    ///
    /// Preparing a statement is such a request too: it waits for locks on its tables like any other.
    pub fn hold_for_cancel(&self, is_it: impl Fn(&Reply) -> bool) -> bool {
        let mut state = self.lock();
        state.jobs.iter_mut().any(|job| job.give_up(&is_it)) && state.hold_if_unwanted()
    }

    /// Gives up all that is outstanding, for a front whose connection has one user: from then on nothing is sent until
    /// the cancel request has been dealt with.
    pub fn hold_all_for_cancel(&self) {
        let mut state = self.lock();
        state.hold = Hold::Cancelling;
        // What is being prepared for them must not make them run.
        for call in state.jobs.iter_mut().flat_map(|job| &mut job.waiting) {
            call.give_up();
        }
    }

    /// The cancel request has been dealt with.
    pub fn cancel_sent(&self, py: Python<'_>, done: &mut Vec<Completion>) {
        self.lock().hold = Hold::Cancelled;
        self.resume_if_cancelled(py, done);
    }

    /// Another cancel request will be sent, for the cancelled call has not ended. `false` if it has.
    pub fn hold_again(&self) -> bool {
        let mut state = self.lock();
        if state.hold == Hold::Cancelled {
            state.hold = Hold::Cancelling;
        }
        state.hold != Hold::No
    }

    /// Sends calls again once both the cancel request and what it was aimed at are over.
    pub(super) fn resume_if_cancelled(&self, py: Python<'_>, done: &mut Vec<Completion>) {
        let held = {
            let mut state = self.lock();
            if state.hold != Hold::Cancelled || !state.jobs.is_empty() {
                return;
            }
            state.hold = Hold::No;
            std::mem::take(&mut state.held)
        };
        for held in held {
            match held {
                Held::Call(call) => self.start(py, call, done),
                Held::Simple(sql, reply) => self.simple(py, &sql, reply, done),
                Held::CopyIn(sql, reply) => self.copy_in(py, &sql, reply, done),
            }
        }
    }

    /// Gives up a call that has not been sent: it waits for its statement or for a cancel request. Its completion is
    /// added to `done`, so that whoever counts calls sees it end. Whether there was such a call.
    ///
    /// Without this, the first statement of a cancelled transaction could still run, after the transaction.
    pub fn drop_unsent(
        &self,
        py: Python<'_>,
        is_it: impl Fn(&Reply) -> bool,
        done: &mut Vec<Completion>,
    ) -> bool {
        // Taken out under the lock, taken apart after it: arguments may run code of their own when they go.
        let unsent = {
            let mut state = self.lock();
            let held = state.held.iter().position(|held| is_it(held.reply()));
            match held {
                Some(index) => Some(state.held.remove(index)),
                None => state.jobs.iter_mut().find_map(|job| {
                    let index = job.waiting.iter().position(|call| is_it(&call.reply))?;
                    Some(Held::Call(job.waiting.remove(index)))
                }),
            }
        };
        let was_unsent = unsent.is_some();
        done.extend(unsent.map(|unsent| (unsent.into_reply(), Ok(py.None()))));
        was_unsent
    }

    /// Whether calls are held back because of a cancel request.
    pub fn is_held(&self) -> bool {
        self.lock().hold != Hold::No
    }
}

impl State {
    fn hold_if_unwanted(&mut self) -> bool {
        // A cancel request hits one statement. In a transaction those behind it then fail at once; elsewhere they would
        // run.
        let is_one = self.jobs.len() == 1 || self.session.status() != TransactionStatus::Idle;
        let may_hold = self.hold == Hold::No && is_one && self.jobs.iter().all(Job::is_unwanted);
        if may_hold {
            self.hold = Hold::Cancelling;
        }
        may_hold
    }
}

impl Job {
    /// Nobody waits any more for the call that answers to `is_it`; whether it is of this request.
    fn give_up(&mut self, is_it: impl Fn(&Reply) -> bool) -> bool {
        let is_its_own = match &self.kind {
            Kind::Run(call) => is_it(&call.reply),
            Kind::Simple { reply, .. } => is_it(reply),
            Kind::Copy(copying) => copying.answers(&is_it),
            Kind::Prepare | Kind::Types(_) | Kind::Reset => false,
        };
        self.given_up |= is_its_own;
        let waiting = self.waiting.iter_mut().find(|call| is_it(&call.reply));
        is_its_own || waiting.map(Call::give_up).is_some()
    }

    /// Whether nobody waits for it. Calls that wait for a statement which it prepares would be sent while it is being
    /// cancelled.
    fn is_unwanted(&self) -> bool {
        let is_given_up = match self.kind {
            Kind::Prepare | Kind::Types(_) => true,
            Kind::Run(_) | Kind::Simple { .. } | Kind::Copy(_) => self.given_up,
            Kind::Reset => false,
        };
        is_given_up && self.waiting.iter().all(Call::is_over)
    }
}

impl Held {
    fn reply(&self) -> &Reply {
        match self {
            Self::Call(call) => &call.reply,
            Self::Simple(_, reply) | Self::CopyIn(_, reply) => reply,
        }
    }

    pub(super) fn into_reply(self) -> Reply {
        match self {
            Self::Call(call) => call.into_reply(),
            Self::Simple(_, reply) | Self::CopyIn(_, reply) => reply,
        }
    }
}
