//! The asyncio front: sockets read and written in the event loop's own thread, through `add_reader`.
//!
//! No thread hop and no channel: the callback that sees a readable socket parses the answers, builds the Python objects
//! and resolves the futures.

mod connection;
mod pool;
mod watch;

use data_bridge_driver::error::Outcome;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

pub use connection::Connection;

pub use pool::Pool;

use crate::engine::{Completion, Reply};
use crate::errors;
use crate::fork::Forks;

/// What belongs to one event loop: the connections of a pool share it.
#[derive(Debug)]
pub struct Home {
    event_loop: Py<PyAny>,
    running_loop: Py<PyAny>,
    /// Makes a future of this loop that belongs to this pool.
    reply: Py<PyAny>,
    forks: Forks,
}

impl Home {
    fn new(py: Python<'_>, event_loop: Py<PyAny>, reply: Py<PyAny>) -> PyResult<Self> {
        let running_loop = py.import("asyncio")?.getattr("get_running_loop")?.unbind();
        Ok(Self {
            event_loop,
            running_loop,
            reply,
            forks: Forks::so_far(),
        })
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.running_loop)?;
        visit.call(&self.reply)
    }

    /// Refuses another event loop, and a forked process.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.check_fork(py)?;
        let why = match self.running_loop.bind(py).call0() {
            Ok(running) if running.is(&self.event_loop) => return Ok(()),
            Ok(_) => "the pool belongs to another event loop; connect anew in this one",
            Err(_) => {
                "the pool belongs to an event loop, and this thread runs none; use asyncio.run_coroutine_threadsafe, or \
                 connect_sync for threads"
            }
        };
        Err(errors::raise(py, "WrongLoop", why, Outcome::NotSent))
    }

    fn check_fork(&self, py: Python<'_>) -> PyResult<()> {
        self.forks.check(py)
    }

    fn reply<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.reply.bind(py).call0()
    }
}

/// Refuses what no timer can wait for.
fn check_timeout(py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
    if timeout.is_some_and(f64::is_nan) {
        return Err(errors::interface_error(
            py,
            "a timeout is a number of seconds",
        ));
    }
    Ok(())
}

/// Resolves the futures of finished calls. A future that was cancelled meanwhile does not mind.
fn deliver(py: Python<'_>, done: Vec<Completion>) -> PyResult<()> {
    for (reply, answer) in done {
        let Reply::Future(future) = reply else {
            continue;
        };
        let future = future.bind(py);
        let set = match answer {
            Ok(value) => future.call_method1(pyo3::intern!(py, "set_result"), (value,)),
            Err(error) => {
                future.call_method1(pyo3::intern!(py, "set_exception"), (error.into_value(py),))
            }
        };
        if let Err(error) = set {
            let is_done = future
                .call_method0(pyo3::intern!(py, "done"))?
                .is_truthy()?;
            if !is_done {
                return Err(error);
            }
        }
    }
    Ok(())
}
