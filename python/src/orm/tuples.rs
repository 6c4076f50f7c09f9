//! What the rows of a query become: tuples of values and instances, or their first one alone.

use std::sync::Arc;

use data_bridge_driver::wire::Row;
use data_bridge_orm::query::Expr;
use data_bridge_orm::schema::Table;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::batch::Batches;
use super::converter::{self, Conversions};
use super::expression::Value;
use super::hydrate::Entity;
use super::model::Model;
use super::way::Ends;
use crate::convert::Layout;
use crate::engine::RowBuilder;

/// What becomes of a row.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What it is made of.
    pub parts: Arc<[Part]>,
    /// Linked instances that come with a row, behind the parts.
    pub joined: Arc<[Arc<Joined>]>,
    /// The first part by itself instead of a tuple of all.
    pub single: bool,
}

/// What becomes of some of a row's columns.
#[derive(Clone, Debug)]
pub enum Part {
    /// A column: whether its type is known, and what becomes of its values.
    Value(bool, Option<Conversions>),
    /// An instance of several columns.
    Entity(Arc<Entity>),
}

impl Part {
    /// A column of what an expression gives.
    pub fn value(expr: &Expr<Value>) -> Self {
        let ty = expr.value_type();
        Self::Value(super::is_binary(ty.oid()), Conversions::of(ty))
    }
}

/// A linked instance.
#[derive(Debug)]
pub struct Joined {
    /// The table that it is read from.
    pub table: Table,
    /// The place of the instance that links to it.
    pub parent: usize,
    /// The model of that instance.
    pub model: Py<Model>,
    /// The position of the link among its links.
    pub link: usize,
    /// Both ends of the link.
    pub ends: Arc<Ends>,
    /// What makes the linked instance.
    pub entity: Entity,
}

/// What makes the rows of one run of a query.
pub struct Making {
    /// How each is made.
    pub rows: Arc<Rows>,
    /// What their instances share.
    pub batches: Batches,
}

impl Rows {
    /// Of these parts; with `single` of the first of them only.
    pub fn new(parts: Vec<Part>, single: bool) -> Self {
        Self {
            parts: parts.into(),
            joined: Arc::new([]),
            single,
        }
    }

    /// The same with rows that are their first part.
    pub fn scalars(&self) -> Self {
        let mut rows = self.clone();
        rows.single = true;
        rows
    }

    /// Whether every column is of a type that needs no look-up.
    pub fn is_typed(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Value(known, _) => *known,
            Part::Entity(entity) => entity.model.get().is_typed(),
        }) && self
            .joined
            .iter()
            .all(|joined| joined.entity.model.get().is_typed())
    }

    /// Whether its instances have links.
    pub fn has_links(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Value(..) => false,
            Part::Entity(entity) => !entity.model.get().links().is_empty(),
        })
    }

    /// What the first part makes instances of.
    ///
    /// # Errors
    /// The query begins with a value.
    pub fn entity(&self) -> PyResult<&Entity> {
        match self.parts.first() {
            Some(Part::Entity(entity)) => Ok(entity),
            _ => Err(PyTypeError::new_err(
                "links are loaded, and columns left out, of the instances of a class; begin the query with one",
            )),
        }
    }

    /// Every part of a row, and every linked instance behind it.
    fn make<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        batches: &Batches,
        row: Row<'_>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let mut values = row.values();
        let mut made = Vec::with_capacity(self.parts.len() + self.joined.len());
        let mut at = 0;
        for part in &*self.parts {
            made.push(match part {
                Part::Value(_, conversion) => {
                    at += 1;
                    let value = values.next().flatten();
                    converter::load(conversion.as_ref(), py, layout, at - 1, value)?
                }
                Part::Entity(entity) => {
                    let place = (made.len(), at);
                    at += entity.width();
                    entity.row(py, layout, batches, place, &mut values)?
                }
            });
        }
        for joined in &*self.joined {
            let place = (made.len(), at);
            at += joined.entity.width();
            let linked = joined.entity.row(py, layout, batches, place, &mut values)?;
            if let Some(parent) = made.get(joined.parent).filter(|parent| !parent.is_none()) {
                let model = joined.model.get();
                model.keep_link(parent, joined.link, &joined.ends, linked.clone())?;
            }
            made.push(linked);
        }
        Ok(made)
    }
}

impl RowBuilder for Making {
    fn build<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        row: Row<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Rows {
            parts,
            joined,
            single,
        } = &*self.rows;
        match (&**parts, single) {
            ([Part::Entity(entity), ..], true) if joined.is_empty() => {
                entity.row(py, layout, &self.batches, (0, 0), &mut row.values())
            }
            ([Part::Value(_, conversion), ..], true) => {
                let value = row.values().next().flatten();
                converter::load(conversion.as_ref(), py, layout, 0, value)
            }
            (_, single) => {
                let mut made = self.rows.make(py, layout, &self.batches, row)?;
                if *single && !made.is_empty() {
                    return Ok(made.swap_remove(0));
                }
                made.truncate(parts.len());
                Ok(PyTuple::new(py, made)?.into_any())
            }
        }
    }
}
