//! One connection in an event loop.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use data_bridge_driver::Error;
use data_bridge_driver::error::Kind;
use data_bridge_driver::pool::SlotId;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyString};

use super::pool::Pool;
use super::watch::Watch;
use super::{Home, check_timeout, deliver};
use crate::copy::CopyWriter;
use crate::dial::Dialed;
use crate::engine::{Base, Call, Completion, Engine, News, Progress, Reply, Request};
use crate::errors;
use crate::orm::Statement;
use crate::request;

/// Bytes of one read. Several reads of a busy socket are handled before the loop gets its turn.
const READ_SIZE: usize = 128 * 1024;
/// Reads handled in one callback: bounds how long other tasks wait for a large result.
const READS_PER_CALLBACK: usize = 4;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A connection that lives in an asyncio event loop.
#[pyclass(
    frozen,
    subclass,
    weakref,
    module = "data_bridge._native",
    name = "AsyncConnection",
    extends = Base
)]
pub struct Connection {
    pub(super) engine: Arc<Engine>,
    pub(super) home: Arc<Home>,
    owner: OnceLock<(Py<Pool>, SlotId)>,
    /// A flush is scheduled for the end of this turn of the loop.
    flush_scheduled: AtomicBool,
    /// The loop tells when the socket takes more.
    awaits_writable: AtomicBool,
    /// The last read answered several calls: their successors will come together too, and are sent together.
    is_busy: AtomicBool,
    detached: AtomicBool,
    /// Futures of those who wait until everything is sent.
    drained: Mutex<Vec<Py<PyAny>>>,
}

#[pymethods]
impl Connection {
    #[new]
    fn new(
        pool: &Bound<'_, Pool>,
        slot: u64,
        dialed: &Bound<'_, Dialed>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let py = pool.py();
        let home = Arc::clone(&pool.get().home);
        let engine = Arc::new(dialed.get().engine(py, Arc::clone(&pool.get().catalog))?);
        let base = Base(Arc::clone(&engine));
        let owner = OnceLock::new();
        let _ = owner.set((pool.clone().unbind(), SlotId::from_number(slot)));
        Ok(PyClassInitializer::from(base).add_subclass(Self {
            engine,
            home,
            owner,
            flush_scheduled: AtomicBool::new(false),
            awaits_writable: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            drained: Mutex::new(Vec::new()),
        }))
    }

    /// Registers the socket with the event loop.
    fn _attach(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        let Some(fd) = this.engine.fd() else {
            return Ok(());
        };
        let readable = Watch::new(slf, pyo3::intern!(slf.py(), "_on_readable"))?;
        this.home
            .event_loop
            .bind(slf.py())
            .call_method1("add_reader", (fd, readable))?;
        Ok(())
    }

    /// Runs a statement; see [`request::build`] for shapes and options.
    #[pyo3(signature = (sql, args, shape, /, *, timeout=None, **options))]
    fn _run<'py>(
        slf: &Bound<'py, Self>,
        sql: Bound<'py, PyString>,
        args: &Bound<'py, PyAny>,
        shape: &str,
        timeout: Option<f64>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(slf, request::build(sql, args, shape, options)?, timeout)
    }

    /// Runs a statement of the ORM.
    #[pyo3(signature = (statement, /, *, timeout=None))]
    fn _run_statement<'py>(
        slf: &Bound<'py, Self>,
        statement: &Bound<'py, Statement>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::submit(slf, statement.get().request(slf.py()), timeout)
    }

    /// Closes a portal before its transaction ends; nobody waits for the answer.
    fn _close_portal(slf: &Bound<'_, Self>, portal: &str) -> PyResult<()> {
        slf.get().home.check_fork(slf.py())?;
        slf.get().engine.close_portal(portal);
        Self::flush_if_needed(slf)
    }

    /// Undoes by these commands what changed the session, if anything did. They go ahead of whatever comes next; nobody
    /// waits for them, and if they fail the connection is closed.
    fn _reset(slf: &Bound<'_, Self>, sql: &str) -> PyResult<()> {
        // The socket of a fork belongs to the parent as well, and so does the session.
        if slf.get().home.check_fork(slf.py()).is_err() {
            return Ok(());
        }
        slf.get().engine.reset(sql);
        Self::flush_if_needed(slf)
    }

    /// Sends statements through the simple protocol; the answer is the last command tag.
    fn _simple<'py>(slf: &Bound<'py, Self>, sql: &str) -> PyResult<Bound<'py, PyAny>> {
        Self::with_reply(slf, |this, reply, done| {
            this.engine.simple(slf.py(), sql, reply, done);
        })
    }

    /// Starts a COPY; the answer comes when the server takes data.
    fn _copy_in<'py>(slf: &Bound<'py, Self>, sql: &str) -> PyResult<Bound<'py, PyAny>> {
        Self::with_reply(slf, |this, reply, done| {
            this.engine.copy_in(slf.py(), sql, reply, done);
        })
    }

    /// Ends a COPY; the answer is the number of rows.
    #[pyo3(signature = (reason=None))]
    fn _copy_end<'py>(slf: &Bound<'py, Self>, reason: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        Self::with_reply(slf, |this, reply, done| {
            this.engine.copy_end(slf.py(), reason, reply, done);
        })
    }

    /// Sends bytes of a COPY.
    fn _copy_bytes(slf: &Bound<'_, Self>, bytes: &[u8]) -> PyResult<()> {
        let this = slf.get();
        this.engine.copy_bytes(slf.py(), bytes)?;
        Self::flush(slf)
    }

    /// Encodes and sends one slice of rows; whether the iterator has ended.
    fn _copy_rows(
        slf: &Bound<'_, Self>,
        writer: &Bound<'_, CopyWriter>,
        rows: &Bound<'_, PyIterator>,
    ) -> PyResult<bool> {
        let this = slf.get();
        let py = slf.py();
        let ended = errors::guarded(
            py,
            || {
                writer
                    .get()
                    .encode(rows, |bytes| this.engine.copy_bytes(py, bytes))
            },
            || this.engine.fail(Error::lost("a bug was met")),
        )?;
        Self::flush(slf)?;
        Ok(ended)
    }

    /// A future that resolves when all bytes are sent.
    fn _drained<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let future = this.home.reply(slf.py())?;
        if this.engine.unsent() == 0 || this.engine.closed().is_some() {
            deliver(
                slf.py(),
                vec![(Reply::Future(future.clone().unbind()), Ok(slf.py().None()))],
            )?;
        } else {
            this.drained
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(future.clone().unbind());
        }
        Ok(future)
    }

    /// Sends a cancel request and waits for its end; blocks, so it runs on a worker thread.
    fn _send_cancel(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::from_secs(5));
        let canceller = self.engine.canceller().clone();
        py.detach(move || canceller.cancel(timeout))
            .map_err(|error| errors::to_py(py, &error))
    }

    /// The cancel request is over: once the cancelled call has ended too, calls are sent again.
    fn _cancel_sent(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut done = Vec::new();
        slf.get().engine.cancel_sent(slf.py(), &mut done);
        Self::settle(slf, done, &News::default())
    }

    /// Whether the cancelled call still runs: then another cancel request is to be sent.
    fn _hold_again(&self) -> bool {
        self.engine.hold_again()
    }

    /// Ends the connection at once, for this reason.
    fn _abort(slf: &Bound<'_, Self>, reason: String) -> PyResult<()> {
        slf.get()
            .engine
            .fail(Error::new(Kind::ConnectionLost, reason));
        Self::drain(slf)
    }

    /// Says goodbye and closes the socket.
    #[pyo3(name = "_close")]
    pub(super) fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        if this.home.check_fork(slf.py()).is_err() {
            // The socket belongs to the parent as well: it is closed here, and nothing is sent.
            drop(this.engine.take_stream());
            return Ok(());
        }
        this.engine.terminate();
        this.engine.write();
        Self::drain(slf)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.owner.get() {
            Some((pool, _)) => visit.call(pool),
            None => Ok(()),
        }
    }

    fn _on_readable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        let mut buffer = BUFFER.take();
        buffer.resize(READ_SIZE, 0);
        let mut done = Vec::new();
        let mut news = News::default();
        for _ in 0..READS_PER_CALLBACK {
            let progress = this.engine.read(&mut buffer);
            news.merge(this.engine.drain(slf.py(), &mut done));
            if progress == Progress::Complete {
                break;
            }
        }
        BUFFER.set(buffer);
        this.is_busy.store(done.len() > 1, Ordering::Relaxed);
        Self::settle(slf, done, &news)
    }

    fn _on_writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        if this.engine.write() == Progress::Complete {
            this.awaits_writable.store(false, Ordering::Relaxed);
            if let Some(fd) = this.engine.fd() {
                this.home
                    .event_loop
                    .bind(slf.py())
                    .call_method1("remove_writer", (fd,))?;
            }
            Self::everything_sent(slf)?;
        }
        Self::drain(slf)
    }

    fn _flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().flush_scheduled.store(false, Ordering::Relaxed);
        Self::flush(slf)
    }
}

impl Connection {
    /// Its place in the pool.
    pub(super) fn slot(&self) -> Option<SlotId> {
        self.owner.get().map(|(_, slot)| *slot)
    }

    /// Starts a call and returns the future of its answer.
    fn submit<'py>(
        slf: &Bound<'py, Self>,
        request: Request,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        this.home.check(slf.py())?;
        check_timeout(slf.py(), timeout)?;
        let reply = this.home.reply(slf.py())?;
        Self::start(
            slf,
            Call::new(Reply::Future(reply.clone().unbind()), request).watched(slf.py()),
        )?;
        if let (Some(timeout), Some((pool, _))) = (timeout, this.owner.get()) {
            Pool::limit(pool.bind(slf.py()), &reply, timeout)?;
        }
        Ok(reply)
    }

    /// Starts a call whose reply exists already.
    #[inline]
    pub(super) fn start(slf: &Bound<'_, Self>, call: Call) -> PyResult<()> {
        let this = slf.get();
        let was_idle = this.engine.outstanding() == 0;
        let mut done = Vec::new();
        this.engine.start(slf.py(), call, &mut done);
        Self::sent(slf, was_idle, done)
    }

    fn with_reply<'py>(
        slf: &Bound<'py, Self>,
        start: impl FnOnce(&Self, Reply, &mut Vec<Completion>),
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        this.home.check(slf.py())?;
        let reply = this.home.reply(slf.py())?;
        let was_idle = this.engine.outstanding() == 0;
        let mut done = Vec::new();
        start(this, Reply::Future(reply.clone().unbind()), &mut done);
        Self::sent(slf, was_idle, done)?;
        Ok(reply)
    }

    /// Sends at once on an idle connection; otherwise at the end of this turn of the loop, with all that comes until
    /// then.
    fn sent(slf: &Bound<'_, Self>, was_idle: bool, done: Vec<Completion>) -> PyResult<()> {
        let this = slf.get();
        if was_idle && !this.is_busy.load(Ordering::Relaxed) {
            Self::flush(slf)?;
        } else if !this.flush_scheduled.swap(true, Ordering::Relaxed) {
            let flush = slf.getattr(pyo3::intern!(slf.py(), "_flush"))?;
            this.home
                .event_loop
                .bind(slf.py())
                .call_method1(pyo3::intern!(slf.py(), "call_soon"), (flush,))?;
        }
        if done.is_empty() {
            Ok(())
        } else {
            Self::settle(slf, done, &News::default())
        }
    }

    pub(super) fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        match this.engine.write() {
            Progress::Complete => {
                if this.engine.closed().is_some() {
                    return Self::drain(slf);
                }
                Self::everything_sent(slf)
            }
            Progress::Partial if this.awaits_writable.swap(true, Ordering::Relaxed) => Ok(()),
            Progress::Partial => {
                let Some(fd) = this.engine.fd() else {
                    return Ok(());
                };
                let writable = Watch::new(slf, pyo3::intern!(slf.py(), "_on_writable"))?;
                this.home
                    .event_loop
                    .bind(slf.py())
                    .call_method1("add_writer", (fd, writable))?;
                Ok(())
            }
        }
    }

    fn everything_sent(slf: &Bound<'_, Self>) -> PyResult<()> {
        let waiting = std::mem::take(
            &mut *slf
                .get()
                .drained
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        if waiting.is_empty() {
            return Ok(());
        }
        let done = waiting
            .into_iter()
            .map(|future| (Reply::Future(future), Ok(slf.py().None())));
        deliver(slf.py(), done.collect())
    }

    fn drain(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut done = Vec::new();
        let news = slf.get().engine.drain(slf.py(), &mut done);
        Self::settle(slf, done, &news)
    }

    /// Delivers answers, sends what they led to, and deals with the end of the connection. Nothing is locked here:
    /// whoever is woken may come back at once.
    fn settle(slf: &Bound<'_, Self>, done: Vec<Completion>, news: &News) -> PyResult<()> {
        let this = slf.get();
        let py = slf.py();
        let finished = done
            .iter()
            .filter(|(reply, _)| matches!(reply, Reply::Future(_)))
            .count();
        deliver(py, done)?;
        if let Some((pool, slot)) = this.owner.get() {
            if finished > 0 && news.closed.is_none() && this.engine.is_unclean() {
                Pool::unclean(pool.bind(py), slf, *slot)?;
            }
            Pool::finished(pool.bind(py), *slot, finished)?;
        }
        if news.closed.is_some() {
            Self::detach(slf)?;
            Self::everything_sent(slf)?;
            if let Some((pool, slot)) = this.owner.get() {
                Pool::lost(pool.bind(py), *slot)?;
            }
        } else {
            Self::flush_if_needed(slf)?;
        }
        Self::tell(slf, news);
        Ok(())
    }

    /// Passes notices on. A handler that raises is reported and hinders nothing.
    fn tell(slf: &Bound<'_, Self>, news: &News) {
        let py = slf.py();
        let Some((pool, _)) = slf.get().owner.get() else {
            return;
        };
        for notice in &news.notices {
            let code = notice.code();
            let told = (notice.severity(), code.as_str(), notice.message());
            if let Err(error) = pool.bind(py).call_method1("_notice", told) {
                error.write_unraisable(py, Some(pool.bind(py).as_any()));
            }
        }
    }

    fn flush_if_needed(slf: &Bound<'_, Self>) -> PyResult<()> {
        let engine = &slf.get().engine;
        // What a closed connection has left will never be sent.
        if engine.unsent() > 0 && engine.closed().is_none() {
            Self::flush(slf)
        } else {
            Ok(())
        }
    }

    /// Takes the socket out of the event loop, then closes it: uvloop demands this order.
    fn detach(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        if this.detached.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(fd) = this.engine.fd() {
            let event_loop = this.home.event_loop.bind(slf.py());
            if !event_loop.call_method0("is_closed")?.is_truthy()? {
                event_loop.call_method1("remove_reader", (fd,))?;
                event_loop.call_method1("remove_writer", (fd,))?;
            }
        }
        drop(this.engine.take_stream());
        Ok(())
    }

    /// The caller no longer waits for `reply`. What was not sent is dropped; where nobody wants what runs any more, it is
    /// to be cancelled on the server: `true` asks the pool's Python half to send the request.
    pub(super) fn abandon(slf: &Bound<'_, Self>, reply: &Bound<'_, PyAny>) -> PyResult<bool> {
        let is_it = |other: &Reply| matches!(other, Reply::Future(future) if future.is(reply));
        let engine = &slf.get().engine;
        if engine.hold_for_cancel(is_it) {
            return Ok(true);
        }
        let mut done = Vec::new();
        if engine.drop_unsent(slf.py(), is_it, &mut done) {
            Self::settle(slf, done, &News::default())?;
        }
        Ok(false)
    }
}
