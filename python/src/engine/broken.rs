//! A bug met while a call is handled: an exception for every caller, and the end of the connection.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use data_bridge_driver::Error;
use pyo3::prelude::*;

use super::{Completion, Engine, Held, Job, Kind, News, Reply};
use crate::errors;

impl Engine {
    /// Runs `work`, which handles a call for `reply`. If it panics, all callers get the exception for that, and the
    /// session is over, since nobody knows how far it came. `true` if it went well.
    #[inline]
    pub(super) fn guarded(
        &self,
        py: Python<'_>,
        reply: Reply,
        done: &mut Vec<Completion>,
        work: impl FnOnce(&mut Vec<Completion>),
    ) -> bool {
        // The session is not used again after a panic, so it does not matter how it was left.
        match catch_unwind(AssertUnwindSafe(|| work(done))) {
            Ok(()) => true,
            Err(payload) => {
                self.give_up(py, reply, payload.as_ref(), done);
                false
            }
        }
    }

    /// Handles all events that the received bytes give. Answers are added to `done`, for the front to deliver.
    pub fn drain(&self, py: Python<'_>, done: &mut Vec<Completion>) -> News {
        let mut news = News::default();
        let went_well = self.guarded(py, Reply::Nobody, done, |done| {
            self.handle_events(py, &mut news, done);
        });
        if !went_well {
            // What is left to tell is the end of the session, in which nothing is decoded.
            self.handle_events(py, &mut news, done);
        }
        news
    }

    #[cold]
    fn give_up(
        &self,
        py: Python<'_>,
        reply: Reply,
        payload: &(dyn Any + Send),
        done: &mut Vec<Completion>,
    ) {
        let error = errors::panicked(py, payload);
        let (jobs, held) = {
            let mut state = self.lock();
            state.session.fail(Error::lost(
                "the connection was closed because of a bug in data_bridge",
            ));
            (
                std::mem::take(&mut state.jobs),
                std::mem::take(&mut state.held),
            )
        };
        let mut replies: Vec<Reply> = jobs.into_iter().flat_map(Job::into_replies).collect();
        replies.extend(held.into_iter().map(Held::into_reply));
        // The call may have got as far as its place in the pipeline, or not.
        if !replies.iter().any(|other| other.is(&reply)) {
            replies.push(reply);
        }
        replies.retain(|reply| !matches!(reply, Reply::Nobody));
        done.extend(
            replies
                .into_iter()
                .map(|reply| (reply, Err(error.clone_ref(py)))),
        );
    }
}

impl Job {
    fn into_replies(self) -> Vec<Reply> {
        let mut replies: Vec<Reply> = match self.kind {
            Kind::Run(call) => vec![call.into_reply()],
            Kind::Simple { reply, .. } => vec![reply],
            Kind::Copy(copying) => copying.into_replies(),
            Kind::Prepare | Kind::Types(_) | Kind::Reset => Vec::new(),
        };
        replies.extend(self.waiting.into_iter().map(super::Call::into_reply));
        replies
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use data_bridge_driver::config::Config;
    use data_bridge_driver::dial;
    use data_bridge_driver::wire::Row;
    use pyo3::types::{PyString, PyTuple};

    use super::*;
    use crate::convert::Layout;
    use crate::engine::{Args, Call, Request, RowBuilder, Shape};
    use crate::testing::{describe, with_python};

    /// Stands for a bug in decoding.
    struct Broken;

    impl RowBuilder for Broken {
        fn build<'py>(
            &self,
            _: Python<'py>,
            _: &Layout,
            _: Row<'_>,
        ) -> PyResult<Bound<'py, PyAny>> {
            panic!("a bug")
        }
    }

    fn call(py: Python<'_>, number: u64, builder: Option<Arc<dyn RowBuilder>>) -> Call {
        let args = Args::One(PyTuple::empty(py).unbind());
        let mut request = Request::plain(PyString::new(py, "SELECT 1"), args, Shape::Rows);
        request.builder = builder;
        Call::new(Reply::Ticket(number), request)
    }

    #[test]
    fn a_panic_ends_the_session_and_answers_every_caller() {
        let Ok(url) = env::var("DATA_BRIDGE_TEST_URL") else {
            assert!(
                env::var_os("DATA_BRIDGE_TEST_REQUIRED").is_none(),
                "this run must have a server"
            );
            return eprintln!("skipped: no test server");
        };
        let config = Config::from_url_or_dsn(&url).unwrap();
        let connected = dial::connect(&config, dial::STATEMENT_CACHE).unwrap();
        with_python(|py| {
            let engine = Engine::new(connected, Arc::default()).unwrap();
            let mut done = Vec::new();
            engine.start(py, call(py, 1, Some(Arc::new(Broken))), &mut done);
            engine.start(py, call(py, 2, None), &mut done);
            let mut buffer = [0; 4096];
            let mut closed = None;
            while closed.is_none() {
                engine.write();
                engine.read(&mut buffer);
                closed = engine.drain(py, &mut done).closed;
                thread::sleep(Duration::from_millis(1));
            }
            let answers: Vec<_> = done
                .iter()
                .map(|(reply, answer)| {
                    let Reply::Ticket(number) = reply else {
                        panic!("nobody asked")
                    };
                    (*number, describe(py, answer.as_ref().unwrap_err()))
                })
                .collect();
            let panicked = "RustPanic: a bug in data_bridge, please report it: a bug".to_owned();
            assert_eq!(answers, [(1, panicked.clone()), (2, panicked)]);
            assert!(!engine.is_reusable());

            let mut done = Vec::new();
            engine.start(py, call(py, 3, None), &mut done);
            assert!(matches!(&done[..], [(Reply::Ticket(3), Err(_))]));
        });
    }
}
