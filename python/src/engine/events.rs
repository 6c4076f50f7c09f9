//! Events to answers.

use std::sync::Arc;

use data_bridge_driver::error::Outcome;
use data_bridge_driver::session::{Event, RequestId, Statement};
use data_bridge_driver::wire::{CommandTag, RowBatch, TransactionStatus};
use data_bridge_driver::{DbError, Error};
use pyo3::prelude::*;

use super::call::{Call, Completion};
use super::{Engine, Job, Kind};
use crate::errors;

/// What happened besides answers to calls.
#[derive(Debug, Default)]
pub struct News {
    /// Notices of the server.
    pub notices: Vec<DbError>,
    /// The connection is over.
    pub closed: Option<Error>,
}

impl News {
    /// Adds what happened later.
    pub fn merge(&mut self, later: Self) {
        self.notices.extend(later.notices);
        self.closed = self.closed.take().or(later.closed);
    }
}

impl Engine {
    /// See [`Engine::drain`], which guards this.
    pub(super) fn handle_events(
        &self,
        py: Python<'_>,
        news: &mut News,
        done: &mut Vec<Completion>,
    ) {
        loop {
            let event = self.lock().session.poll_event();
            match event {
                None => {
                    return self.resume_if_cancelled(py, done);
                }
                Some(Event::Rows { request, rows }) => self.rows(py, request, &rows),
                Some(Event::Done { request, tag }) => self.command_done(request, &tag),
                Some(Event::Finished { request }) => self.finished(py, request, done),
                Some(Event::Prepared { request, statement }) => {
                    self.statement_ready(py, request, &statement, done);
                }
                Some(Event::Failed { request, error }) => self.failed(py, request, &error),
                Some(Event::Suspended { request }) => {
                    if let Some(Job {
                        kind: Kind::Run(call),
                        ..
                    }) = self.lock().job_mut(request)
                    {
                        call.suspend();
                    }
                }
                Some(Event::CopyIn { request, .. }) => {
                    let mut state = self.lock();
                    let (ready, given_up) = match state.job_mut(request) {
                        Some(Job {
                            kind: Kind::Copy(copying),
                            ..
                        }) => copying.started(),
                        _ => (None, None),
                    };
                    if let Some(reason) = given_up {
                        state.session.copy_fail(&reason);
                    }
                    drop(state);
                    if let Some(reply) = ready {
                        done.push((reply, Ok(py.None())));
                    }
                }
                Some(Event::Notice(notice)) => news.notices.push(notice),
                Some(Event::Notification(_) | Event::Ready) => {}
                Some(Event::Closed(error)) => {
                    let held = std::mem::take(&mut self.lock().held);
                    let unsent = error.clone().with_outcome(Outcome::NotSent);
                    done.extend(
                        held.into_iter()
                            .map(|held| (held.into_reply(), Err(errors::to_py(py, &unsent)))),
                    );
                    news.closed = Some(error);
                }
            }
        }
    }

    fn rows(&self, py: Python<'_>, request: RequestId, rows: &RowBatch) {
        let sink = match self.lock().job_mut(request) {
            Some(Job {
                kind: Kind::Run(call),
                ..
            }) => call.sink(py),
            Some(Job {
                kind: Kind::Types(_),
                ..
            }) => return self.learn(rows),
            _ => None,
        };
        let Some(sink) = sink else { return };
        let taken = match self.prepared(py, sink.statement()) {
            Ok(Some(prepared)) => sink.take(py, &prepared.layout, rows),
            Ok(None) => Err(errors::interface_error(
                py,
                "the statement was declared typed, but returns a type that only a look-up can decode",
            )),
            Err(error) => Err(error),
        };
        if let Some(Job {
            kind: Kind::Run(call),
            ..
        }) = self.lock().job_mut(request)
        {
            match taken {
                Ok(taken) => call.keep(taken),
                Err(error) => call.fail(error),
            }
        }
    }

    /// A malformed answer to a look-up means that nothing this server says can be trusted.
    fn learn(&self, rows: &RowBatch) {
        if let Err(error) = self.catalog.learn(rows) {
            self.lock().session.fail(error);
        }
    }

    fn command_done(&self, request: RequestId, tag: &CommandTag) {
        let mut state = self.lock();
        let mut touched = false;
        match state.job_mut(request).map(|job| &mut job.kind) {
            Some(Kind::Reset) => return,
            Some(Kind::Run(call)) => {
                touched = call.leaves_traces();
                call.command_done(tag);
            }
            Some(Kind::Copy(copying)) => copying.command_done(tag),
            Some(Kind::Simple { tag: last, .. }) => *last = Some(tag.as_str().into()),
            Some(Kind::Prepare | Kind::Types(_)) | None => {}
        }
        state.touched |= touched;
        state.note_traces(tag.as_str());
    }

    /// A statement is prepared: whoever waited for it goes on.
    fn statement_ready(
        &self,
        py: Python<'_>,
        request: RequestId,
        statement: &Arc<Statement>,
        done: &mut Vec<Completion>,
    ) {
        let waiting = match self.lock().job_mut(request) {
            // Those who wait for a look-up wait for its rows, not for its statement.
            None
            | Some(Job {
                kind: Kind::Types(_),
                ..
            }) => return,
            Some(job) => {
                if let Kind::Run(call) = &mut job.kind {
                    call.statement = Some(Arc::clone(statement));
                }
                std::mem::take(&mut job.waiting)
            }
        };
        for call in waiting {
            if call.error.is_some() || call.runs(py, statement) {
                self.run(py, call, Arc::clone(statement), done);
            } else {
                // It needed this one to be known, and runs another.
                self.start_call(py, call, done);
            }
        }
    }

    fn failed(&self, py: Python<'_>, request: RequestId, error: &Error) {
        let exception = errors::to_py(py, error);
        let mut state = self.lock();
        let Some(job) = state.job_mut(request) else {
            return;
        };
        for call in &mut job.waiting {
            call.fail(exception.clone_ref(py));
        }
        match &mut job.kind {
            Kind::Run(call) => {
                call.stale = error.is_stale_statement();
                call.fail(exception);
            }
            Kind::Copy(copying) => copying.fail(exception),
            Kind::Simple { error, .. } => *error = Some(exception),
            Kind::Prepare | Kind::Types(_) => {}
            Kind::Reset => {
                let lost = Error::lost("the session could not be reset for its next use");
                state.session.fail(lost.with_source(error.clone()));
            }
        }
    }

    fn finished(&self, py: Python<'_>, request: RequestId, done: &mut Vec<Completion>) {
        let (job, status, is_over) = {
            let mut state = self.lock();
            if state.first != request.number() {
                return;
            }
            let job = state.finish_job();
            (
                job,
                state.session.status(),
                state.session.closed().is_some(),
            )
        };
        let Some(Job { kind, waiting, .. }) = job else {
            return;
        };
        match kind {
            Kind::Run(call) if may_retry(&call, status, is_over) => {
                for stale in call.statement.iter().chain(&call.checked) {
                    self.lock().session.forget(stale);
                }
                if call.checked.is_some() {
                    // Its rows must be encoded anew.
                    done.push((call.into_reply(), Ok(py.None())));
                } else {
                    self.start(py, call.restart(), done);
                }
            }
            Kind::Run(call) => done.push(call.complete(py)),
            Kind::Copy(copying) => {
                let failure = copying.complete(py, done);
                self.lock().copy_failure = failure;
            }
            Kind::Simple {
                reply,
                error: Some(error),
                ..
            } => done.push((reply, Err(error))),
            Kind::Simple { reply, tag, .. } => {
                let tag = tag.as_deref().unwrap_or_default();
                done.push((
                    reply,
                    tag.into_pyobject(py)
                        .map(|tag| tag.into_any().unbind())
                        .map_err(Into::into),
                ));
            }
            Kind::Types(statement) => return self.types_known(py, waiting, &statement, done),
            Kind::Prepare | Kind::Reset => {}
        }
        // Whoever still waits here did so for a statement that was not prepared.
        done.extend(waiting.into_iter().map(|call| call.complete(py)));
    }
}

/// A stale plan or a statement that somebody dropped is prepared anew, once, and only where the failure cannot have
/// spoiled a transaction.
fn may_retry(call: &Call, status: TransactionStatus, is_over: bool) -> bool {
    call.stale
        && !call.retried
        && !is_over
        && status == TransactionStatus::Idle
        && call.request.portal.is_none()
}
