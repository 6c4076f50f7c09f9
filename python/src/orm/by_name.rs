//! Instances from the rows of SQL that somebody wrote: its columns are the class's of the same names.

use std::sync::{Arc, OnceLock};

use data_bridge_driver::Error;
use data_bridge_driver::wire::Row;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::batch::Batches;
use super::hydrate::fill;
use super::model::Model;
use super::statement::Statement;
use crate::convert::Layout;
use crate::engine::RowBuilder;
use crate::errors;

/// Makes instances of rows whose columns stand in any order, and need not be all that the class has.
#[derive(Debug)]
pub struct ByName {
    model: Py<Model>,
    /// For each column of the result the slot that it fills, found with the first row.
    slots: OnceLock<Box<[usize]>>,
}

/// SQL whose rows become instances of a class.
#[pyfunction(name = "orm_from_sql")]
pub fn from_sql(
    model: &Bound<'_, Model>,
    sql: &Bound<'_, PyString>,
    args: &Bound<'_, PyTuple>,
) -> Statement {
    let rows = ByName {
        model: model.clone().unbind(),
        slots: OnceLock::new(),
    };
    Statement::of_sql(sql, args, rows)
}

impl ByName {
    fn slots(&self, py: Python<'_>, layout: &Layout) -> PyResult<&[usize]> {
        if let Some(slots) = self.slots.get() {
            return Ok(slots);
        }
        let table = self.model.get().table();
        let slots = layout
            .names()
            .map(|name| table.column(name).map(|column| column.index()))
            .collect::<Result<_, Error>>()
            .map_err(|error| errors::to_py(py, &error))?;
        Ok(self.slots.get_or_init(|| slots))
    }
}

/// The same in one run of a statement, and what the instances share.
pub struct Naming {
    /// How each is made.
    pub rows: Arc<ByName>,
    /// What they share.
    pub batches: Batches,
}

impl RowBuilder for Naming {
    fn build<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        row: Row<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.rows.model.get();
        let slots = self.rows.slots(py, layout)?;
        let instance = model.slots().allocate(py)?;
        let slots = slots.iter().copied();
        fill(model, &instance, layout, 0, slots, &mut row.values())?;
        self.batches.join(0, model, &instance)?;
        model.loaded(&instance)?;
        Ok(instance)
    }
}
