//! Rows into instances: values go from the wire straight into slots.

use std::sync::Arc;

use data_bridge_driver::wire::Row;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::batch::Batches;
use super::converter;
use super::model::Model;
use crate::convert::Layout;
use crate::engine::RowBuilder;

/// Makes instances of one class from rows that hold its columns, or gives one instance its row.
#[derive(Debug)]
pub struct Hydrator {
    model: Py<Model>,
    /// An instance that takes the row's values instead of a new one.
    into: Option<Py<PyAny>>,
    /// The positions of the columns that the row holds, where those are not all.
    only: Option<Box<[usize]>>,
}

/// A hydrator and the batches of the instances that it makes in one run of a statement.
pub struct Hydrating {
    pub hydrator: Arc<Hydrator>,
    pub batches: Batches,
}

/// An instance among what a row holds.
#[derive(Debug)]
pub struct Entity {
    pub model: Py<Model>,
    /// The slots of the columns that the row holds, where these are not all.
    pub only: Option<Arc<[usize]>>,
    /// The slot that is NULL when an outer join found no row; without one there always is an instance.
    key: Option<usize>,
}

impl Hydrator {
    /// Of rows that hold the model's columns.
    pub fn new(model: Py<Model>) -> Self {
        Self {
            model,
            into: None,
            only: None,
        }
    }

    /// Of the one row that belongs to this instance.
    pub fn into_instance(model: Py<Model>, instance: Py<PyAny>) -> Self {
        Self {
            model,
            into: Some(instance),
            only: None,
        }
    }

    /// The same of a row that holds only these of the table's columns.
    #[must_use]
    pub fn of_columns(mut self, columns: Box<[usize]>) -> Self {
        self.only = Some(columns);
        self
    }

    /// An instance takes the values of some columns, whose own change is then forgotten.
    fn refresh<'py, 'r>(
        &self,
        instance: &Bound<'py, PyAny>,
        only: &[usize],
        layout: &Layout,
        mut values: impl Iterator<Item = Option<&'r [u8]>>,
    ) -> PyResult<()> {
        let model = self.model.get();
        let slots = only.iter().copied();
        fill(model, instance, layout, 0, slots, &mut values)?;
        model.slots().track(instance);
        model.set_clean_columns(instance, only)
    }

    /// Whether every column is of a type that needs no look-up.
    pub fn is_typed(&self) -> bool {
        self.model.get().is_typed()
    }

    /// Whether its instances have links.
    pub fn has_links(&self) -> bool {
        !self.model.get().links().is_empty()
    }

    /// One row; `values` gives the bytes of each column, `None` for NULL.
    ///
    /// # Errors
    /// `DataError` for a value that is malformed or that no Python object can hold.
    pub fn row<'py, 'r>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        batches: &Batches,
        mut values: impl Iterator<Item = Option<&'r [u8]>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.model.get();
        if let (Some(instance), Some(only)) = (&self.into, &self.only) {
            let instance = instance.bind(py);
            self.refresh(instance, only, layout, values)?;
            return Ok(instance.clone());
        }
        let instance = match &self.into {
            None => model.slots().allocate(py)?,
            Some(instance) => instance.bind(py).clone(),
        };
        let slots = 0..model.fields().len();
        fill(model, &instance, layout, 0, slots, &mut values)?;
        let instance = match &self.into {
            None => model.of_kind(instance)?,
            Some(_) => instance,
        };
        // An instance that a write gives its row keeps the siblings that it has.
        if self.into.is_none() || batches.has_home() {
            batches.join(0, model, &instance)?;
        }
        if self.into.is_some() {
            model.set_clean(&instance)?;
            model.slots().track(&instance);
        } else if layout.is_flat() && model.is_flat() {
            model.slots().untrack(&instance);
        }
        if self.into.is_none() {
            model.loaded(&instance)?;
        }
        Ok(instance)
    }

    /// Shows what it holds to the garbage collector.
    ///
    /// # Errors
    /// The collector's own.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.model)?;
        visit.call(&self.into)
    }
}

impl RowBuilder for Hydrating {
    fn build<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        row: Row<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.hydrator.row(py, layout, &self.batches, row.values())
    }
}

impl Entity {
    /// Instances of this model; `key` is the slot that tells whether there is one.
    pub fn new(model: Py<Model>, key: Option<usize>) -> Self {
        Self {
            model,
            only: None,
            key,
        }
    }

    /// The same from rows that hold only the columns of these slots.
    pub fn narrowed(&self, py: Python<'_>, only: Arc<[usize]>) -> Self {
        Self {
            model: self.model.clone_ref(py),
            only: Some(only),
            key: self.key,
        }
    }

    /// Count of the row's columns that are its.
    pub fn width(&self) -> usize {
        match &self.only {
            Some(only) => only.len(),
            None => self.model.get().fields().len(),
        }
    }

    /// The instance whose columns begin at `at`, or `None` where its key is NULL. `place` is its own among the row's.
    ///
    /// # Errors
    /// Those of [`Hydrator::row`].
    pub fn row<'py, 'r>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        batches: &Batches,
        (place, at): (usize, usize),
        values: &mut impl Iterator<Item = Option<&'r [u8]>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.model.get();
        let instance = model.slots().allocate(py)?;
        match &self.only {
            None => fill(
                model,
                &instance,
                layout,
                at,
                0..model.fields().len(),
                values,
            )?,
            Some(only) => fill(model, &instance, layout, at, only.iter().copied(), values)?,
        }
        if let Some(key) = self.key
            && model
                .slots()
                .get(&instance, key)?
                .is_none_or(|key| key.is_none())
        {
            return Ok(py.None().into_bound(py));
        }
        let instance = model.of_kind(instance)?;
        batches.join(place, model, &instance)?;
        if layout.is_flat() && model.is_flat() {
            model.slots().untrack(&instance);
        }
        model.loaded(&instance)?;
        Ok(instance)
    }
}

/// Fills these slots of an instance from the columns that begin at `at`.
///
/// # Errors
/// `DataError` for a value that is malformed or that no Python object can hold.
#[inline]
pub fn fill<'r>(
    model: &Model,
    instance: &Bound<'_, PyAny>,
    layout: &Layout,
    at: usize,
    slots: impl Iterator<Item = usize>,
    values: &mut impl Iterator<Item = Option<&'r [u8]>>,
) -> PyResult<()> {
    for (column, slot) in slots.enumerate() {
        // The layout refuses a row that is shorter than it should be as it refuses a column beyond its own.
        let value = match values.next() {
            Some(value) => converter::load(
                model.conversion(slot),
                instance.py(),
                layout,
                at + column,
                value,
            )?,
            None => layout.value(instance.py(), layout.len(), None)?,
        };
        model.slots().set(instance, slot, Some(value))?;
    }
    Ok(())
}
