//! What the program's statements were and what they cost, told to whoever asked for it in the caller's context.
//!
//! While nobody asks, a statement pays for one load of an atomic number.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString};

use crate::engine::Args;

/// Blocks of the program that listen now, in whatever context.
static LISTENING: AtomicUsize = AtomicUsize::new(0);

/// A block of the program listens from now on (`by` 1) or no more (-1).
#[pyfunction]
pub fn capturing(by: isize) {
    LISTENING.fetch_add(by.cast_unsigned(), Ordering::Relaxed);
}

/// Who wants to hear of one statement, and since when it runs.
pub struct Watch {
    observer: Py<PyAny>,
    started: Instant,
}

impl Watch {
    /// Of the context that the caller runs in.
    #[inline]
    pub fn of_caller(py: Python<'_>) -> Option<Box<Self>> {
        if LISTENING.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Self::listening(py)
    }

    #[cold]
    fn listening(py: Python<'_>) -> Option<Box<Self>> {
        static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let current = CURRENT
            .import(py, "data_bridge.postgres._capture", "current")
            .ok()?;
        let observer = current.call_method0("get").ok()?;
        (!observer.is_none()).then(|| {
            Box::new(Self {
                observer: observer.unbind(),
                started: Instant::now(),
            })
        })
    }

    /// Tells what has run: the rows that came or were affected, or what went wrong.
    pub fn tell(
        self,
        py: Python<'_>,
        sql: &Bound<'_, PyString>,
        args: Option<&Args>,
        rows: u64,
        error: Option<&PyErr>,
    ) {
        let seconds = self.started.elapsed().as_secs_f64();
        let executions = args.map_or(1, Args::executions);
        let args = match args {
            Some(Args::One(row)) => Some(row.bind(py).clone().into_any()),
            Some(Args::Many(rows)) => PyList::new(py, rows).ok().map(Bound::into_any),
            Some(Args::Columns(_)) | None => None,
        };
        let error = error.map(|error| error.value(py));
        let told = (sql, args, executions, rows, seconds, error);
        if let Err(error) = self.observer.bind(py).call_method1("tell", told) {
            error.write_unraisable(py, None);
        }
    }
}
