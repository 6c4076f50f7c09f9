//! COPY on an engine: rows of Python objects, encoded in slices and sent under back-pressure.

use data_bridge_driver::Error;
use data_bridge_driver::wire::CommandTag;
use pyo3::prelude::*;

use super::call::{Completion, Reply};
use super::{Engine, Held, Hold, Job, Kind};
use crate::errors;

/// A COPY that is outstanding.
pub(super) struct Copying {
    /// Who waits for the server to take data.
    ready: Option<Reply>,
    /// Who waits for the end.
    end: Option<Reply>,
    error: Option<PyErr>,
    rows: u64,
}

impl Copying {
    pub(super) fn answers(&self, is_it: impl Fn(&Reply) -> bool) -> bool {
        self.ready.iter().chain(&self.end).any(is_it)
    }

    /// The server takes data now.
    pub(super) fn started(&mut self) -> Option<Reply> {
        self.ready.take()
    }

    pub(super) fn command_done(&mut self, tag: &CommandTag) {
        self.rows = tag.rows();
    }

    pub(super) fn fail(&mut self, error: PyErr) {
        self.error.get_or_insert(error);
    }

    pub(super) fn complete(mut self, py: Python<'_>, done: &mut Vec<Completion>) {
        let reply = self
            .ready
            .take()
            .or(self.end.take())
            .unwrap_or(Reply::Nobody);
        done.push((
            reply,
            match self.error {
                Some(error) => Err(error),
                None => self
                    .rows
                    .into_pyobject(py)
                    .map(|rows| rows.into_any().unbind())
                    .map_err(Into::into),
            },
        ));
    }
}

impl Engine {
    /// Starts `COPY ... FROM STDIN`; the answer comes when the server takes data, or fails.
    pub fn copy_in(&self, py: Python<'_>, sql: &str, ready: Reply, done: &mut Vec<Completion>) {
        let mut state = self.lock();
        if state.hold != Hold::No {
            return state.held.push(Held::CopyIn(sql.into(), ready));
        }
        state.send_preludes();
        match state.session.copy_in(sql) {
            Ok(_) => {
                let copying = Copying {
                    ready: Some(ready),
                    end: None,
                    error: None,
                    rows: 0,
                };
                state.jobs.push_back(Job {
                    kind: Kind::Copy(copying),
                    waiting: Vec::new(),
                });
            }
            Err(error) => {
                drop(state);
                done.push((ready, Err(errors::to_py(py, &error))));
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
            let reason = match state.jobs.front_mut().map(|job| &mut job.kind) {
                Some(Kind::Copy(copying)) => copying.error.take(),
                _ => None,
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
        let mut state = self.lock();
        if let Some(Job {
            kind: Kind::Copy(copying),
            ..
        }) = state.jobs.front_mut()
        {
            copying.end = Some(end);
            match reason {
                None => state.session.copy_done(),
                Some(reason) => state.session.copy_fail(reason),
            }
        } else {
            drop(state);
            done.push((end, Err(errors::interface_error(py, "no COPY is running"))));
        }
    }
}
