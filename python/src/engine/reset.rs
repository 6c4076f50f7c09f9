//! What one holder of a connection leaves behind, and how the next one is kept from it.

use data_bridge_driver::wire::TransactionStatus;

use super::hold::Hold;
use super::{Call, Engine, Job, Kind, Prepared, Reply, State};

impl Engine {
    /// Whether session state was changed since the last [`Engine::reset`].
    pub fn is_touched(&self) -> bool {
        self.lock().touched
    }

    /// Session state may have been changed, in a way that no answer tells of.
    pub fn touch(&self) {
        self.lock().touched = true;
    }

    /// Whether statements were prepared by SQL; to drop them is to drop the statement cache too.
    pub fn has_prepared(&self) -> bool {
        self.lock().has_prepared
    }

    /// Whether a statement has left a transaction open, or session state changed: others must not run on it.
    pub fn is_unclean(&self) -> bool {
        let state = self.lock();
        state.touched || state.session.status() != TransactionStatus::Idle
    }

    /// Resets the session with `sql`, if its state was changed. That goes ahead of whatever comes next, in a Sync of its
    /// own: an error of what follows must not undo it. Nobody waits for it; if it fails, the session is over.
    pub fn reset(&self, sql: &str) {
        let mut state = self.lock();
        if state.touched && state.session.simple(sql).is_ok() {
            state.touched = false;
            state.jobs.push_back(Job::new(Kind::Reset));
        }
    }

    /// Closes a portal before its transaction ends. Nobody waits for the answer, and one that is gone does not mind.
    pub fn close_portal(&self, portal: &str) {
        let mut state = self.lock();
        // While a statement is being cancelled nothing is sent; its transaction fails, and takes the portal along.
        if state.hold != Hold::No {
            return;
        }
        let sent = state.session.batch().and_then(|mut batch| {
            batch.close_portal(portal)?;
            batch.finish();
            Ok(())
        });
        if sent.is_ok() {
            let kind = Kind::Simple {
                reply: Reply::Nobody,
                error: None,
                tag: None,
            };
            state.jobs.push_back(Job::new(kind));
        }
    }
}

impl State {
    /// Notes what a command tag tells of the session.
    pub(super) fn note_traces(&mut self, tag: &str) {
        match tag {
            "SET" | "LISTEN" | "DECLARE CURSOR" => self.touched = true,
            "PREPARE" => self.has_prepared = true,
            "DEALLOCATE ALL" | "DISCARD ALL" => self.has_prepared = false,
            _ => {}
        }
    }

    /// Whether a reset of the session is on its way. It was sent on an idle connection, so it is the first.
    pub(super) fn is_resetting(&self) -> bool {
        matches!(
            self.jobs.front(),
            Some(Job {
                kind: Kind::Reset,
                ..
            })
        )
    }

    /// Whether a reset is all that is on its way.
    pub(super) fn is_only_resetting(&self) -> bool {
        self.is_resetting() && self.jobs.len() == 1 && self.session.is_ready()
    }
}

impl Call {
    /// Whether its text names what changes the session without a command tag that tells.
    pub(super) fn leaves_traces(&self) -> bool {
        // The statement that follows an upsert counts by a setting of its transaction.
        let Some(statement) = self
            .statement
            .as_ref()
            .filter(|_| self.request.follow.is_none())
        else {
            return false;
        };
        match statement.resolved_layout::<Prepared>() {
            Some(prepared) => prepared.leaves_traces,
            None => leaves_traces(statement.sql()),
        }
    }
}

/// Whether a statement calls a function that changes the session. In a text or a comment that is a false alarm, which
/// costs a reset.
pub(super) fn leaves_traces(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    sql.contains("set_config") || sql.contains("advisory_lock")
}

#[cfg(test)]
mod tests {
    use super::leaves_traces;

    #[test]
    fn functions_that_change_the_session_are_told_by_their_names() {
        for sql in [
            "SELECT set_config('a.b', 'c', false)",
            "SELECT pg_catalog.PG_Try_Advisory_Lock_Shared(1, 2)",
        ] {
            assert!(leaves_traces(sql), "{sql}");
        }
        for sql in ["SELECT pg_advisory_xact_lock(1)", "SELECT 1", "SHOW ALL"] {
            assert!(!leaves_traces(sql), "{sql}");
        }
    }
}
