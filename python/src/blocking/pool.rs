//! The pool for threads: each call has a connection alone, and waits its turn for one.

use std::sync::Arc;

use data_bridge_driver::pool::SlotId;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::Connection;
use super::limit::Limit;
use super::shared::{Entry, Idle, Shared};
use crate::dial::{Dialed, PyConfig};
use crate::engine::{Args, Request, Shape};
use crate::errors;
use crate::fork::Forks;
use crate::orm::Statement;
use crate::request;

/// A pool of connections for any number of threads.
///
/// Its Python subclass cleans connections that come back in use (`_restore(connection)`) and words the error of a caller
/// for whom none became free (`_exhausted()`).
#[pyclass(
    frozen,
    subclass,
    weakref,
    module = "data_bridge._native",
    name = "BlockingPool"
)]
pub struct Pool {
    shared: Arc<Shared>,
    forks: Forks,
    /// Makes the Python object of a connection.
    connection: Py<PyAny>,
    acquire_timeout: f64,
}

#[pymethods]
impl Pool {
    /// `connection` makes a connection of `(pool, slot, dialed)`.
    #[new]
    fn new(
        config: &Bound<'_, PyConfig>,
        connection: Py<PyAny>,
        pool_max: usize,
        acquire_timeout: f64,
    ) -> Self {
        Self {
            shared: Arc::new(Shared::new(config.get().clone(), pool_max)),
            forks: Forks::so_far(),
            connection,
            acquire_timeout,
        }
    }

    /// All rows of a query.
    #[pyo3(signature = (sql, /, *args, timeout=None))]
    fn fetch(
        slf: &Bound<'_, Self>,
        sql: Bound<'_, PyString>,
        args: Bound<'_, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        Self::run(slf, plain(sql, args, Shape::Rows), timeout)
    }

    /// The first row of a query, or `None`.
    #[pyo3(signature = (sql, /, *args, timeout=None))]
    fn fetch_row(
        slf: &Bound<'_, Self>,
        sql: Bound<'_, PyString>,
        args: Bound<'_, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        Self::run(slf, plain(sql, args, Shape::Row), timeout)
    }

    /// One value of the first row, or `None`.
    #[pyo3(signature = (sql, /, *args, column=0, timeout=None))]
    fn fetch_val(
        slf: &Bound<'_, Self>,
        sql: Bound<'_, PyString>,
        args: Bound<'_, PyTuple>,
        column: isize,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let shape = request::value_of(slf.py(), column)?;
        Self::run(slf, plain(sql, args, shape), timeout)
    }

    /// Runs a statement; the number of rows affected.
    #[pyo3(signature = (sql, /, *args, timeout=None))]
    fn execute(
        slf: &Bound<'_, Self>,
        sql: Bound<'_, PyString>,
        args: Bound<'_, PyTuple>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        Self::run(slf, plain(sql, args, Shape::Count), timeout)
    }

    /// Runs a statement; see `request::build` for shapes and options.
    #[pyo3(name = "_run", signature = (sql, args, shape, /, *, timeout=None, **options))]
    fn run_with_options(
        slf: &Bound<'_, Self>,
        sql: Bound<'_, PyString>,
        args: &Bound<'_, PyAny>,
        shape: &str,
        timeout: Option<f64>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::run(slf, request::build(sql, args, shape, options)?, timeout)
    }

    /// Runs a statement of the ORM.
    #[pyo3(signature = (statement, /, *, timeout=None))]
    fn _run_statement(
        slf: &Bound<'_, Self>,
        statement: &Bound<'_, Statement>,
        timeout: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        Self::run(slf, statement.get().request(slf.py()), timeout)
    }

    /// A connection for the caller alone.
    #[pyo3(signature = (timeout=None))]
    fn _acquire(slf: &Bound<'_, Self>, timeout: Option<f64>) -> PyResult<Py<Connection>> {
        let limit = Limit::from_argument(slf.py(), timeout)?;
        Self::acquire(slf, limit)
    }

    /// Gives back a connection; one that is not clean is closed.
    fn _release(&self, connection: &Bound<'_, Connection>) {
        self.take_back(connection.py(), connection.clone().unbind());
    }

    /// Opens connections until there are `min`, and waits for the first one.
    fn _warm(slf: &Bound<'_, Self>, min: usize) -> PyResult<()> {
        // Whoever waits learns why it fails; the others are opened behind the caller's back.
        let connection = Self::acquire(slf, Limit::NONE)?;
        slf.get().take_back(slf.py(), connection);
        slf.get().shared.warm(min);
        Ok(())
    }

    /// Takes no more callers, and closes the idle connections; those in use are closed when they come back.
    fn _shut(&self, py: Python<'_>) {
        if self.forks.check(py).is_err() {
            // The connections are the parent's, and a lock may be held by a thread that this process does not have.
            return;
        }
        for idle in self.shared.shut() {
            // One that was never used is closed by being dropped.
            if let Idle::Used(connection) = idle {
                connection.get().say_goodbye(py);
            }
        }
    }

    /// Counts: opening, idle, shared, exclusive, closing, waiting.
    fn _counts(&self) -> (usize, usize, usize, usize, usize, usize) {
        let (counts, _) = self.shared.counts();
        (
            counts.opening,
            counts.idle,
            counts.shared,
            counts.exclusive,
            counts.closing,
            counts.waiting,
        )
    }

    /// Why no connection could be opened at the last attempt, if so.
    #[getter]
    fn _failure(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let (_, failure) = self.shared.counts();
        failure.map(|error| errors::to_py(py, &error).into_value(py).into_any())
    }
}

impl Pool {
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs a statement on a connection of the pool: all of it in one call of the native half.
    #[inline]
    fn run(slf: &Bound<'_, Self>, request: Request, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let limit = Limit::from_argument(py, timeout)?;
        request.check_alone(py)?;
        let connection = Self::acquire(slf, limit)?;
        let answer = connection.get().run(py, request, limit);
        if connection.get().is_clean() || connection.get().is_over() {
            slf.get().take_back(py, connection);
        } else {
            slf.call_method1(pyo3::intern!(py, "_restore"), (connection,))?;
        }
        answer
    }

    fn take_back(&self, py: Python<'_>, connection: Py<Connection>) {
        let unwanted = if connection.get().is_clean() {
            self.shared.release(connection)
        } else {
            Some(connection)
        };
        if let Some(connection) = unwanted {
            self.discard(connection.bind(py));
        }
    }

    /// Takes a connection that stands.
    fn acquire(slf: &Bound<'_, Self>, limit: Limit) -> PyResult<Py<Connection>> {
        let py = slf.py();
        let this = slf.get();
        this.forks.check(py)?;
        let patience = Limit::after(this.acquire_timeout);
        loop {
            let entry = this
                .shared
                .enter()
                .map_err(|error| errors::to_py(py, &error))?;
            let (slot, idle) = match entry {
                Entry::Now(slot, idle) => (slot, Some(idle)),
                Entry::Wait(ticket, waiter) => {
                    let turn = loop {
                        let piece = patience.min(limit).piece();
                        if let Some(turn) = py.detach(|| waiter.wait(piece)) {
                            break turn;
                        }
                        let stop = match py.check_signals() {
                            Err(signal) => signal,
                            Ok(()) if limit.is_over() => limit.query_timeout(py),
                            Ok(()) if patience.is_over() => Self::exhausted(slf),
                            Ok(()) => continue,
                        };
                        this.shared.withdraw(ticket, &waiter);
                        return Err(stop);
                    };
                    let slot = turn.map_err(|error| errors::to_py(py, &error))?;
                    (slot, this.shared.take(slot))
                }
            };
            let connection = match idle {
                None => continue,
                Some(Idle::Used(connection)) => connection,
                Some(Idle::Fresh(connected)) => {
                    match Self::connection(slf, slot, Dialed::from(*connected)) {
                        Ok(connection) => return Ok(connection),
                        Err(error) => {
                            this.shared.gone(slot);
                            return Err(error);
                        }
                    }
                }
            };
            if connection.get().is_alive(py) {
                return Ok(connection);
            }
            this.discard(connection.bind(py));
        }
    }

    /// The Python object of a connection that was just opened.
    fn connection(slf: &Bound<'_, Self>, slot: SlotId, dialed: Dialed) -> PyResult<Py<Connection>> {
        let made = slf
            .get()
            .connection
            .bind(slf.py())
            .call1((slf, slot.number(), dialed))?;
        Ok(made.cast_into::<Connection>()?.unbind())
    }

    /// Closes a connection that nobody may use any more.
    fn discard(&self, connection: &Bound<'_, Connection>) {
        connection.get().say_goodbye(connection.py());
        self.shared.gone(connection.get().slot());
    }

    #[cold]
    fn exhausted(slf: &Bound<'_, Self>) -> PyErr {
        match slf.call_method0("_exhausted") {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        }
    }
}

fn plain(sql: Bound<'_, PyString>, args: Bound<'_, PyTuple>, shape: Shape) -> Request {
    Request::plain(sql, Args::One(args.unbind()), shape)
}
