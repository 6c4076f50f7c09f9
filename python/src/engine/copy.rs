//! COPY on an engine: rows of Python objects, encoded in slices and sent under back-pressure.

use data_bridge_driver::Error;
use data_bridge_driver::wire::CommandTag;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::call::{Completion, Reply, into_any};
use super::{Engine, Held, Hold, Job, Kind, State};
use crate::capture::Watch;
use crate::errors;

/// A COPY that is outstanding.
pub(super) struct Copying {
    /// Who waits for the server to take data.
    ready: Option<Reply>,
    /// Who waits for the end.
    end: Option<Reply>,
    error: Option<PyErr>,
    rows: u64,
    /// It was given up, for this reason, before the server was ready for it.
    given_up: Option<Box<str>>,
    /// Who wants to hear of it besides, and its text.
    watch: Option<(Box<Watch>, Box<str>)>,
}

impl Copying {
    pub(super) fn answers(&self, is_it: impl Fn(&Reply) -> bool) -> bool {
        self.ready.iter().chain(&self.end).any(is_it)
    }

    pub(super) fn into_replies(self) -> Vec<Reply> {
        self.ready.into_iter().chain(self.end).collect()
    }

    /// The server takes data now: whom to tell, and why there will be none if that is so.
    pub(super) fn started(&mut self) -> (Option<Reply>, Option<Box<str>>) {
        (self.ready.take(), self.given_up.take())
    }

    pub(super) fn command_done(&mut self, tag: &CommandTag) {
        self.rows = tag.rows();
    }

    pub(super) fn fail(&mut self, error: PyErr) {
        self.error.get_or_insert(error);
    }

    /// Tells who waits; the failure of a COPY that the server ended on its own is given back, for whoever comes next.
    pub(super) fn complete(mut self, py: Python<'_>, done: &mut Vec<Completion>) -> Option<PyErr> {
        if let Some((watch, sql)) = self.watch.take() {
            let sql = PyString::new(py, &sql);
            watch.tell(py, &sql, None, self.rows, self.error.as_ref());
        }
        let Some(reply) = self.end.or(self.ready) else {
            return self.error;
        };
        done.push((
            reply,
            match self.error {
                Some(error) => Err(error),
                None => into_any(py, self.rows),
            },
        ));
        None
    }
}

impl Engine {
    /// Starts `COPY ... FROM STDIN`; the answer comes when the server takes data, or fails.
    pub fn copy_in(&self, py: Python<'_>, sql: &str, ready: Reply, done: &mut Vec<Completion>) {
        let watch = Watch::of_caller(py).map(|watch| (watch, sql.into()));
        let mut state = self.lock();
        if state.hold != Hold::No {
            return state.held.push(Held::CopyIn(sql.into(), ready));
        }
        state.copy_failure = None;
        state.send_preludes();
        match state.session.copy_in(sql) {
            Ok(_) => {
                let copying = Copying {
                    ready: Some(ready),
                    end: None,
                    error: None,
                    rows: 0,
                    given_up: None,
                    watch,
                };
                state.jobs.push_back(Job::new(Kind::Copy(copying)));
            }
            Err(error) => {
                drop(state);
                done.push((ready, Err(errors::to_py(py, &error))));
            }
        }
    }

    /// Has a COPY that nobody waits for any more end as soon as the server listens. A cancel request alone does not end it: a
    /// server that waits for data looks at none.
    pub fn give_up_copy(&self, reason: &str) {
        let mut state = self.lock();
        let State { session, jobs, .. } = &mut *state;
        if let Some(Job {
            kind: Kind::Copy(copying),
            ..
        }) = jobs.back_mut()
        {
            if session.is_copying() {
                session.copy_fail(reason);
            } else {
                copying.given_up = Some(reason.into());
            }
        }
    }

    /// Sends bytes of the COPY's format as they are.
    pub fn copy_bytes(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        let mut state = self.lock();
        let sent = state.session.copy_data(|out| {
            out.extend_from_slice(bytes);
            Ok::<_, Error>(())
        });
        if let Err(error) = sent {
            // The server may have ended the COPY already; its reason is better than ours.
            let reason = match state.jobs.back().map(|job| &job.kind) {
                Some(Kind::Copy(Copying {
                    error: Some(error), ..
                })) => Some(error.clone_ref(py)),
                _ => state.copy_failure.take(),
            };
            drop(state);
            return Err(reason.unwrap_or_else(|| errors::to_py(py, &error)));
        }
        Ok(())
    }

    /// Ends a COPY: with all rows, or with a reason for which the server shall drop them. The answer is the count.
    pub fn copy_end(
        &self,
        py: Python<'_>,
        reason: Option<&str>,
        end: Reply,
        done: &mut Vec<Completion>,
    ) {
        let _given_up: Vec<Held>; // dropped behind the lock
        let mut state = self.lock();
        // One that was given up while it was held back is not started at all.
        _given_up = state
            .held
            .extract_if(.., |held| matches!(held, Held::CopyIn(..)))
            .collect();
        let State {
            session,
            jobs,
            hold,
            ..
        } = &mut *state;
        // Nothing is queued behind a COPY, but what goes ahead of it may still be on its way.
        if let Some(Job {
            kind: Kind::Copy(copying),
            ..
        }) = jobs.back_mut()
        {
            copying.end = Some(end);
            match reason {
                None => session.copy_done(),
                Some(reason) if session.is_copying() => session.copy_fail(reason),
                Some(reason) => {
                    copying.given_up = Some(reason.into());
                    // The server must hear of that before it hears anything else, and does not listen yet.
                    if *hold == Hold::No {
                        *hold = Hold::Cancelled;
                    }
                }
            }
        } else {
            let failure = state.copy_failure.take();
            drop(state);
            let none = || errors::interface_error(py, "no COPY is running");
            done.push((end, Err(failure.unwrap_or_else(none))));
        }
    }
}
