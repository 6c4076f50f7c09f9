//! One connection in the hands of one thread at a time.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use data_bridge_driver::Error;
use data_bridge_driver::dial::Stream;
use data_bridge_driver::error::Outcome;
use data_bridge_driver::pool::SlotId;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyString};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::limit::Limit;
use super::pool::Pool;
use super::shared::Shared;
use crate::copy::CopyWriter;
use crate::dial::Dialed;
use crate::engine::{Base, Call, Completion, Engine, Progress, Reply, Request};
use crate::errors;
use crate::fork::Forks;
use crate::orm::Statement;
use crate::request;

/// Bytes of one read.
const READ_SIZE: usize = 128 * 1024;
/// How long a cancel request and the end of the cancelled statement may take together, before the connection is given
/// up: a call ends at most half a second after its time.
const CANCEL_DEADLINE: Duration = Duration::from_millis(400);
/// How long a statement may run on before it is cancelled once more.
const CANCEL_AGAIN: Duration = Duration::from_millis(100);

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A connection whose calls return when they are done. One thread uses it at a time.
#[pyclass(
    frozen,
    subclass,
    weakref,
    module = "data_bridge._native",
    name = "BlockingConnection",
    extends = Base
)]
pub struct Connection {
    engine: Arc<Engine>,
    forks: Forks,
    pool: Weak<Shared>,
    slot: SlotId,
    in_use: AtomicBool,
    tickets: AtomicU64,
}

#[pymethods]
impl Connection {
    #[new]
    fn new(
        pool: &Bound<'_, Pool>,
        slot: u64,
        dialed: &Bound<'_, Dialed>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let shared = pool.get().shared();
        let catalog = Arc::clone(&shared.catalog);
        let engine = Arc::new(dialed.get().engine(pool.py(), catalog)?);
        let base = Base(Arc::clone(&engine));
        Ok(PyClassInitializer::from(base).add_subclass(Self {
            engine,
            forks: Forks::so_far(),
            pool: Arc::downgrade(shared),
            slot: SlotId::from_number(slot),
            in_use: AtomicBool::new(false),
            tickets: AtomicU64::new(0),
        }))
    }

    /// Runs a statement; see [`request::build`] for shapes and options.
    #[pyo3(name = "_run", signature = (sql, args, shape, /, *, timeout=None, **options))]
    fn run_with_options(
        &self,
        sql: Bound<'_, PyString>,
        args: &Bound<'_, PyAny>,
        shape: &str,
        timeout: Option<f64>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let py = sql.py();
        let limit = Limit::from_argument(py, timeout)?;
        self.run(py, request::build(sql, args, shape, options)?, limit)
    }

    /// Runs a statement of the ORM.
    #[pyo3(signature = (statement, /, *, timeout=None))]
    fn _run_statement(
        &self,
        statement: &Bound<'_, Statement>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let py = statement.py();
        let limit = Limit::from_argument(py, timeout)?;
        self.run(py, statement.get().request(py), limit)
    }

    /// Sends statements through the simple protocol; the last command tag.
    #[pyo3(signature = (sql, /, *, timeout=None))]
    fn _simple(&self, py: Python<'_>, sql: &str, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let limit = Limit::from_argument(py, timeout)?;
        self.ask(py, limit, |reply, done| {
            self.engine.simple(py, sql, reply, done);
        })
    }

    /// Starts a COPY; returns when the server takes data.
    #[pyo3(signature = (sql, /, *, timeout=None))]
    fn _copy_in(&self, py: Python<'_>, sql: &str, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let limit = Limit::from_argument(py, timeout)?;
        self.ask(py, limit, |reply, done| {
            self.engine.copy_in(py, sql, reply, done);
        })
    }

    /// Ends a COPY; the number of rows.
    #[pyo3(signature = (reason=None, /, *, timeout=None))]
    fn _copy_end(
        &self,
        py: Python<'_>,
        reason: Option<&str>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let limit = Limit::from_argument(py, timeout)?;
        self.ask(py, limit, |reply, done| {
            self.engine.copy_end(py, reason, reply, done);
        })
    }

    /// Queues bytes of a COPY; [`Connection::_drained`] sends them.
    fn _copy_bytes(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        self.alone(py, || self.engine.copy_bytes(py, bytes))
    }

    /// Encodes and queues one slice of rows; whether the iterator has ended.
    fn _copy_rows(
        &self,
        writer: &Bound<'_, CopyWriter>,
        rows: &Bound<'_, PyIterator>,
    ) -> PyResult<bool> {
        let py = rows.py();
        // The rows are the program's own iterator, which may well use this connection's siblings, but not itself.
        self.alone(py, || {
            writer
                .get()
                .encode(rows, |bytes| self.engine.copy_bytes(py, bytes))
        })
    }

    /// Returns when all bytes are sent.
    #[pyo3(signature = (*, timeout=None))]
    fn _drained(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let limit = Limit::from_argument(py, timeout)?;
        self.alone(py, || {
            with_buffer(|buffer| {
                let mut done = Vec::new();
                while self.engine.unsent() > 0 && self.engine.closed().is_none() {
                    self.step(py, buffer, Goal::Sent, limit, &mut done);
                    py.check_signals()?;
                    if limit.is_over() {
                        break;
                    }
                }
                self.settle();
                if limit.is_over() {
                    return Err(limit.query_timeout(py));
                }
                Ok(())
            })
        })
    }

    /// Closes a portal before its transaction ends; that goes with what comes next.
    fn _close_portal(&self, py: Python<'_>, portal: &str) -> PyResult<()> {
        self.alone(py, || {
            self.engine.close_portal(portal);
            Ok(())
        })
    }

    /// Undoes by these commands what changed the session, if anything did. They go ahead of whatever comes next; nobody
    /// waits for them, and if they fail the connection is closed.
    fn _reset(&self, py: Python<'_>, sql: &str) -> PyResult<()> {
        // The socket of a fork belongs to the parent as well, and so does the session.
        if self.forks.check(py).is_err() {
            return Ok(());
        }
        self.alone(py, || {
            self.engine.reset(sql);
            self.engine.write();
            Ok(())
        })
    }

    /// Says goodbye and closes the socket.
    fn _close(&self, py: Python<'_>) {
        self.say_goodbye(py);
    }
}

impl Connection {
    /// Its place in the pool.
    pub(super) fn slot(&self) -> SlotId {
        self.slot
    }

    /// Runs a statement.
    #[inline]
    pub(super) fn run(
        &self,
        py: Python<'_>,
        request: Request,
        limit: Limit,
    ) -> PyResult<Py<PyAny>> {
        self.ask(py, limit, |reply, done| {
            self.engine
                .start(py, Call::new(reply, request).watched(py), done);
        })
    }

    /// Whether it can be lent to somebody else as it is.
    pub(super) fn is_clean(&self) -> bool {
        self.engine.is_reusable() && !self.engine.is_touched()
    }

    /// Whether an idle connection still stands. What the server said meanwhile is read; usually that is nothing, or its
    /// farewell.
    pub(super) fn is_alive(&self, py: Python<'_>) -> bool {
        let is_readable = self
            .engine
            .socket()
            .is_some_and(|socket| wait(&socket, PollFlags::IN, Duration::ZERO));
        if is_readable {
            with_buffer(|buffer| self.engine.read(buffer));
            self.drain(py, &mut Vec::new());
            self.settle();
        }
        self.engine.is_reusable()
    }

    /// Whether it is closed.
    pub(super) fn is_over(&self) -> bool {
        self.engine.closed().is_some()
    }

    /// Tells the server, and closes the socket.
    pub(super) fn say_goodbye(&self, py: Python<'_>) {
        // The socket of a fork belongs to the parent as well: it is closed here, and nothing is sent.
        if self.forks.check(py).is_ok() {
            self.engine.terminate();
            self.engine.write();
        }
        drop(self.engine.take_stream());
        self.settle();
    }

    /// Starts something and waits for its answer.
    fn ask(
        &self,
        py: Python<'_>,
        limit: Limit,
        start: impl FnOnce(Reply, &mut Vec<Completion>),
    ) -> PyResult<Py<PyAny>> {
        self.alone(py, || {
            let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
            let mut done = Vec::new();
            start(Reply::Ticket(ticket), &mut done);
            let answer = with_buffer(|buffer| self.answer(py, buffer, ticket, limit, done));
            self.settle();
            answer
        })
    }

    /// Does something as the only user; a bug met in it closes the connection.
    fn alone<T>(&self, py: Python<'_>, work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
        self.forks.check(py)?;
        if self.in_use.swap(true, Ordering::Acquire) {
            return Err(errors::raise(
                py,
                "ConcurrentUse",
                "the connection is in use by another call; lend one to each thread",
                Outcome::NotSent,
            ));
        }
        let result = errors::guarded(py, work, || {
            self.engine.fail(Error::lost("a bug was met"));
            self.settle();
        });
        self.in_use.store(false, Ordering::Release);
        result
    }

    fn answer(
        &self,
        py: Python<'_>,
        buffer: &mut [u8],
        ticket: u64,
        limit: Limit,
        mut done: Vec<Completion>,
    ) -> PyResult<Py<PyAny>> {
        loop {
            for (reply, answer) in done.drain(..) {
                if matches!(reply, Reply::Ticket(answered) if answered == ticket) {
                    return answer;
                }
            }
            if let Some(error) = self.engine.closed() {
                return Err(errors::to_py(py, &error));
            }
            self.step(py, buffer, Goal::Answered, limit, &mut done);
            if !done.is_empty() {
                continue;
            }
            let stop = match py.check_signals() {
                Err(signal) => signal,
                Ok(()) if limit.is_over() => limit.query_timeout(py),
                Ok(()) => continue,
            };
            self.cancel(py, buffer);
            return Err(stop);
        }
    }

    /// Sends what the socket takes, waits a while for more to do, and handles what was received. Signals are not looked
    /// at.
    fn step(
        &self,
        py: Python<'_>,
        buffer: &mut [u8],
        goal: Goal,
        limit: Limit,
        done: &mut Vec<Completion>,
    ) {
        py.detach(|| {
            let (interest, piece) = match (self.engine.write(), goal) {
                (Progress::Complete, Goal::Sent) => (PollFlags::IN, Duration::ZERO),
                (Progress::Complete, Goal::Answered) => (PollFlags::IN, limit.piece()),
                (Progress::Partial, _) => (PollFlags::IN | PollFlags::OUT, limit.piece()),
            };
            if self.engine.closed().is_none()
                && let Some(socket) = self.engine.socket()
                && wait(&socket, interest, piece)
            {
                self.engine.read(buffer);
            }
        });
        self.drain(py, done);
    }

    fn drain(&self, py: Python<'_>, done: &mut Vec<Completion>) {
        let news = self.engine.drain(py, done);
        for notice in &news.notices {
            if let Err(error) = errors::log_notice(py, notice) {
                // What a handler of the program's log raises is not the statement's failure.
                error.write_unraisable(py, None);
            }
        }
    }

    /// Has the server stop what it runs for this connection, and waits for its end, so that the connection can be used
    /// again; if that takes too long, it is closed.
    fn cancel(&self, py: Python<'_>, buffer: &mut [u8]) {
        let mut done = Vec::new();
        self.engine.give_up_copy("the client has given up");
        self.engine.write();
        if self.engine.unsent() == 0 {
            self.engine.hold_all_for_cancel();
            let canceller = self.engine.canceller().clone();
            let limit = Limit::after(CANCEL_DEADLINE.as_secs_f64());
            while self.engine.outstanding() > 0 && !limit.is_over() {
                // What went wrong here shows in the statement not ending.
                let _ = py.detach(|| canceller.cancel(CANCEL_DEADLINE));
                // The server overlooks a request that comes while it goes from one command to the next.
                let again = limit.min(Limit::after(CANCEL_AGAIN.as_secs_f64()));
                while self.engine.outstanding() > 0 && !again.is_over() {
                    self.step(py, buffer, Goal::Answered, again, &mut done);
                }
            }
            self.engine.cancel_sent(py, &mut done);
        }
        if self.engine.outstanding() > 0 {
            self.engine
                .fail(Error::lost("a cancelled statement did not end in time"));
            self.drain(py, &mut done);
        }
    }

    /// Closes the socket of a connection that is over, and makes room for another one.
    fn settle(&self) {
        if self.engine.closed().is_some() {
            drop(self.engine.take_stream());
            if let Some(pool) = self.pool.upgrade() {
                pool.gone(self.slot);
            }
        }
    }
}

impl Drop for Connection {
    /// A connection that its holder has lost counts no more.
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.gone(self.slot);
        }
    }
}

/// What a caller waits for.
#[derive(Clone, Copy)]
enum Goal {
    /// The socket has taken all bytes; what has been received is read on the way.
    Sent,
    /// Something was received.
    Answered,
}

/// Runs `work` with this thread's buffer.
fn with_buffer<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = BUFFER.take();
    buffer.resize(READ_SIZE, 0);
    let result = work(&mut buffer);
    BUFFER.set(buffer);
    result
}

/// Waits until the socket is ready for `interest`; whether it can be read, or is over.
fn wait(socket: &Stream, interest: PollFlags, limit: Duration) -> bool {
    let mut sockets = [PollFd::new(socket, interest)];
    let limit = Timespec::try_from(limit).ok();
    match poll(&mut sockets, limit.as_ref()) {
        // An interrupted wait is an empty one: the caller looks after signals and comes back.
        Ok(0) | Err(_) => false,
        Ok(_) => sockets[0]
            .revents()
            .intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL),
    }
}
