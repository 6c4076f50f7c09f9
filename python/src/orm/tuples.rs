//! What the rows of a query become: tuples of values and instances, or their first one alone.

use std::sync::Arc;

use data_bridge_driver::wire::Row;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::converter::{self, Conversions};
use super::hydrate::Entity;
use crate::convert::Layout;
use crate::engine::RowBuilder;

/// What becomes of a row.
#[derive(Clone, Debug)]
pub struct Rows {
    parts: Arc<[Part]>,
    /// The first part by itself instead of a tuple of all.
    single: bool,
}

/// What becomes of some of a row's columns.
#[derive(Debug)]
pub enum Part {
    /// The column at this position; whether its type is known, and what becomes of its values.
    Value(usize, bool, Option<Conversions>),
    /// An instance of several columns.
    Entity(Entity),
}

impl Rows {
    /// Of these parts; with `single` of the first of them only.
    pub fn new(parts: Vec<Part>, single: bool) -> Self {
        Self {
            parts: parts.into(),
            single,
        }
    }

    /// The same with rows that are their first part.
    pub fn scalars(&self) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            single: true,
        }
    }

    /// Whether every column is of a type that needs no look-up.
    pub fn is_typed(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Value(_, known, _) => *known,
            Part::Entity(entity) => entity.model.get().is_typed(),
        })
    }
}

impl RowBuilder for Rows {
    fn build<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        row: Row<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut values = row.values();
        let mut part = |part: &Part| match part {
            Part::Value(at, _, conversion) => converter::load(
                conversion.as_ref(),
                py,
                layout,
                *at,
                values.next().flatten(),
            ),
            Part::Entity(entity) => {
                entity.row(py, layout, values.by_ref().take(entity.columns.len()))
            }
        };
        match &*self.parts {
            [first, ..] if self.single => part(first),
            parts => {
                let made = parts.iter().map(part).collect::<PyResult<Vec<_>>>()?;
                Ok(PyTuple::new(py, made)?.into_any())
            }
        }
    }
}
