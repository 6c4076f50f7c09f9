//! A connection must not be used by two processes.

use std::sync::atomic::{AtomicU32, Ordering};

use data_bridge_driver::error::Outcome;
use pyo3::prelude::*;

use crate::errors;

static FORKS: AtomicU32 = AtomicU32::new(0);

/// Notes that this process is a fork; registered with `os.register_at_fork`.
#[pyfunction]
pub fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// The number of forks that lay before something was opened.
#[derive(Clone, Copy, Debug)]
pub struct Forks(u32);

impl Forks {
    /// As of now.
    pub fn so_far() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Refuses to go on in a child of the process that opened it.
    pub fn check(self, py: Python<'_>) -> PyResult<()> {
        if self.0 == FORKS.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(errors::raise(
            py,
            "ForkedConnection",
            "the connection was opened before this process was forked; connect anew in the child",
            Outcome::NotSent,
        ))
    }
}
