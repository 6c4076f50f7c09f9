//! Rows into instances: values go from the wire straight into slots.

use std::ops::Range;

use data_bridge_driver::wire::Row;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::converter;
use super::model::Model;
use crate::convert::Layout;
use crate::engine::RowBuilder;

/// Makes instances of one class, and of the classes linked to it, from rows of known order.
#[derive(Debug)]
pub struct Hydrator {
    model: Py<Model>,
    links: Vec<Joined>,
    /// An instance that takes the row's values instead of a new one.
    into: Option<Py<PyAny>>,
    /// The positions of the columns that the row holds, where those are not all.
    only: Option<Box<[usize]>>,
}

/// A link that came with the row.
#[derive(Debug)]
pub struct Joined {
    /// Its position among the model's links.
    pub link: usize,
    pub entity: Entity,
}

/// An instance among what a row holds.
#[derive(Debug)]
pub struct Entity {
    pub model: Py<Model>,
    /// Where its table's columns lie in the row.
    pub columns: Range<usize>,
    /// The column that is NULL when an outer join found no row; without one there always is an instance.
    key: Option<usize>,
}

impl Hydrator {
    /// Of rows that hold the model's columns and then those of each link.
    pub fn new(model: Py<Model>, links: Vec<Joined>) -> Self {
        Self {
            model,
            links,
            into: None,
            only: None,
        }
    }

    /// Of the one row that belongs to this instance.
    pub fn into_instance(model: Py<Model>, instance: Py<PyAny>) -> Self {
        Self {
            model,
            links: Vec::new(),
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
        let places = only.iter().copied().zip(0..);
        fill(model, instance, layout, places, values.by_ref())?;
        model.slots().track(instance);
        model.set_clean_columns(instance, only)
    }

    /// Whether every column is of a type that needs no look-up.
    pub fn is_typed(&self) -> bool {
        self.model.get().is_typed()
            && self
                .links
                .iter()
                .all(|link| link.entity.model.get().is_typed())
    }

    /// One row; `values` gives the bytes of each column, `None` for NULL.
    ///
    /// # Errors
    /// `DataError` for a value that is malformed or that no Python object can hold.
    pub fn row<'py, 'r>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        mut values: impl Iterator<Item = Option<&'r [u8]>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.model.get();
        if let (Some(instance), Some(only)) = (&self.into, &self.only) {
            let instance = instance.bind(py);
            self.refresh(instance, only, layout, values)?;
            return Ok(instance.clone());
        }
        let columns = 0..model.fields().len();
        let instance = match &self.into {
            None => model.slots().allocate(py)?,
            Some(instance) => instance.bind(py).clone(),
        };
        fill(
            model,
            &instance,
            layout,
            columns.enumerate(),
            values.by_ref(),
        )?;
        if self.into.is_some() {
            model.set_clean(&instance)?;
            model.slots().track(&instance);
        } else if self.links.is_empty() && layout.is_flat() && model.is_flat() {
            model.slots().untrack(&instance);
        }
        for joined in &self.links {
            let columns = joined.entity.columns.len();
            let linked = joined
                .entity
                .row(py, layout, values.by_ref().take(columns))?;
            if linked.is_none() {
                model.check_missing(&instance, joined.link)?;
            }
            model
                .slots()
                .set(&instance, model.link_slot(joined.link), Some(linked))?;
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
        for link in &self.links {
            visit.call(&link.entity.model)?;
        }
        visit.call(&self.into)
    }
}

impl RowBuilder for Hydrator {
    fn build<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        row: Row<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.row(py, layout, row.values())
    }
}

impl Entity {
    /// Instances of this model whose columns lie there.
    pub fn new(model: Py<Model>, columns: Range<usize>, key: Option<usize>) -> Self {
        Self {
            model,
            columns,
            key,
        }
    }

    /// The instance, or `None` where the key is NULL.
    ///
    /// # Errors
    /// Those of [`Hydrator::row`].
    pub fn row<'py, 'r>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        mut values: impl Iterator<Item = Option<&'r [u8]>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.model.get();
        let instance = model.slots().allocate(py)?;
        fill(
            model,
            &instance,
            layout,
            self.columns.clone().enumerate(),
            values.by_ref(),
        )?;
        if let Some(key) = self.key
            && model
                .slots()
                .get(&instance, key)?
                .is_none_or(|key| key.is_none())
        {
            return Ok(py.None().into_bound(py));
        }
        if layout.is_flat() && model.is_flat() {
            model.slots().untrack(&instance);
        }
        model.loaded(&instance)?;
        Ok(instance)
    }
}

/// `places` are pairs of a slot and the column whose value it takes.
///
/// # Errors
/// `DataError` for a value that is malformed or that no Python object can hold.
#[inline]
pub fn fill<'r>(
    model: &Model,
    instance: &Bound<'_, PyAny>,
    layout: &Layout,
    places: impl Iterator<Item = (usize, usize)>,
    values: &mut impl Iterator<Item = Option<&'r [u8]>>,
) -> PyResult<()> {
    let slots = model.slots();
    for (slot, column) in places {
        // The layout refuses a row that is shorter than it should be as it refuses a column beyond its own.
        let value = match values.next() {
            Some(value) => {
                let conversion = model
                    .fields()
                    .get(slot)
                    .and_then(|field| field.conversion.as_ref());
                converter::load(conversion, instance.py(), layout, column, value)?
            }
            None => layout.value(instance.py(), layout.len(), None)?,
        };
        slots.set(instance, slot, Some(value))?;
    }
    Ok(())
}
