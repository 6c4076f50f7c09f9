//! What the program has called with each instance that a query has made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

/// Nothing, as a rule: then an instance pays for one load of an atomic flag.
#[derive(Debug, Default)]
pub struct Loaded {
    wanted: AtomicBool,
    hooks: Mutex<Vec<Py<PyAny>>>,
}

impl Loaded {
    /// Takes the place of what was to be called before.
    pub fn set(&self, py: Python<'_>, hooks: Vec<Py<PyAny>>) {
        self.wanted.store(!hooks.is_empty(), Ordering::Relaxed);
        let before = {
            let mut current = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, hooks)
        };
        // Not under the lock: an object that goes may run code of its own.
        for hook in before {
            drop(hook.into_bound(py));
        }
    }

    /// Calls all of them.
    ///
    /// # Errors
    /// The first of theirs.
    #[inline]
    pub fn call(&self, instance: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.wanted.load(Ordering::Relaxed) {
            self.call_all(instance)
        } else {
            Ok(())
        }
    }

    #[cold]
    fn call_all(&self, instance: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = instance.py();
        let hooks: Vec<_> = {
            let hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
            hooks.iter().map(|hook| hook.clone_ref(py)).collect()
        };
        for hook in hooks {
            hook.bind(py).call1((instance,))?;
        }
        Ok(())
    }

    /// Shows what it holds to the garbage collector.
    ///
    /// # Errors
    /// The collector's own.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Locked ones are in use, so their objects are reachable: not visiting them only keeps them alive.
        if let Ok(hooks) = self.hooks.try_lock() {
            for hook in &*hooks {
                visit.call(hook)?;
            }
        }
        Ok(())
    }
}
