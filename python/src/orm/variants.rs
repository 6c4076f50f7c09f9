//! Several classes over one table: a column tells which of them a row is an instance of.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::model::Model;
use super::slots::Slots;

/// The classes derived from one that share its table.
#[derive(Debug)]
pub struct Variants {
    /// The column that tells.
    column: Option<usize>,
    /// Its values, and the class of each.
    classes: Mutex<Vec<(Py<PyAny>, Py<Model>)>>,
}

impl Variants {
    /// Told apart by this column, if by any.
    pub fn by(column: Option<usize>) -> Self {
        Self {
            column,
            classes: Mutex::default(),
        }
    }

    /// Adds a class.
    pub fn add(&self, value: Py<PyAny>, variant: Py<Model>) {
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        classes.push((value, variant));
    }

    /// The models of the classes.
    pub fn models(&self, py: Python<'_>) -> Vec<Py<Model>> {
        let classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        classes
            .iter()
            .map(|(_, model)| model.clone_ref(py))
            .collect()
    }

    /// The instance of the right class: this one, or one of a derived class that takes over its values.
    ///
    /// # Errors
    /// Exhausted memory; a value that cannot be compared.
    #[inline]
    pub fn instance<'py>(
        &self,
        slots: &Slots,
        columns: usize,
        instance: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.column {
            None => Ok(instance),
            Some(column) => self.derived(slots, column, columns, instance),
        }
    }

    fn derived<'py>(
        &self,
        slots: &Slots,
        column: usize,
        columns: usize,
        instance: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = instance.py();
        let Some(value) = slots.get(&instance, column)? else {
            return Ok(instance);
        };
        let models = {
            // Comparing runs Python code, which must not meet the lock.
            let classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
            let each = classes
                .iter()
                .map(|(known, model)| (known.clone_ref(py), model.clone_ref(py)));
            each.collect::<Vec<_>>()
        };
        for (known, model) in models {
            if value.eq(known.bind(py))? {
                let made = model.get().slots().allocate(py)?;
                for slot in 0..columns {
                    slots.set(&made, slot, slots.get(&instance, slot)?)?;
                }
                return Ok(made);
            }
        }
        Ok(instance)
    }

    /// Shows the classes to the garbage collector.
    ///
    /// # Errors
    /// The collector's own.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // A collection in the middle of an addition finds them the next time.
        if let Ok(classes) = self.classes.try_lock() {
            for (value, model) in classes.iter() {
                visit.call(value)?;
                visit.call(model)?;
            }
        }
        Ok(())
    }
}
