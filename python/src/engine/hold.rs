//! Cancelling: what waits while a cancel request is on its way.

use pyo3::prelude::*;

use super::{Call, Completion, Engine, Kind, Reply, State};

/// While a cancel request is on its way nothing may be sent, for it could hit what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// Calls are sent.
    No,
    /// The cancel request is being sent.
    Cancelling,
    /// The server has taken the cancel request; the cancelled call has still to end.
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
    /// Whether the only outstanding request is for the call that answers to `is_it`, and for no other: then, and only
    /// then, may it be cancelled on the server. From then on nothing is sent until [`Engine::cancel_sent`].
    ///
    /// Preparing a statement is such a request too: it waits for locks on its tables like any other.
    pub fn hold_for_cancel(&self, is_it: impl Fn(&Reply) -> bool) -> bool {
        let mut state = self.lock();
        let State { jobs, hold, .. } = &mut *state;
        let [job] = jobs.make_contiguous() else {
            return false;
        };
        // Calls that wait for a statement which this request prepares would be sent while it is being cancelled.
        let alone = match (&job.kind, &mut job.waiting[..]) {
            (Kind::Run(call), []) => is_it(&call.reply),
            (Kind::Simple { reply, .. }, []) => is_it(reply),
            (Kind::Copy(copying), []) => copying.answers(&is_it),
            (Kind::Prepare | Kind::Types(_), [call]) if is_it(&call.reply) => {
                call.give_up();
                true
            }
            _ => false,
        };
        if alone {
            *hold = Hold::Cancelling;
        }
        alone
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
