//! How queries are composed: what the methods of [`PyQuery`] have in common.

use std::sync::Arc;

use data_bridge_orm::query::{Expr, Join, Lock, Named, Select, SetOperator, Strength, Wait};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyTuple};

use super::column::Col;
use super::expression::Value;
use super::link::LinkField;
use super::operand::condition;
use super::query::PyQuery;
use super::readable::Readable;
use super::tuples::Part;
use crate::errors;

impl PyQuery {
    /// The query itself.
    pub fn select(&self) -> &Select<Value> {
        &self.select
    }

    pub(super) fn with(&self, change: impl FnOnce(Select<Value>) -> Select<Value>) -> Self {
        self.replaced(change(self.select.clone()))
    }

    /// The same with what its SELECT has become.
    pub(super) fn replaced(&self, select: Select<Value>) -> Self {
        Self {
            select,
            rows: self.rows.clone(),
            limited: self.limited,
            branches: self.branches.clone(),
            inferred: self.inferred,
        }
    }

    pub(super) fn joined(&self, change: impl FnOnce(Select<Value>) -> Select<Value>) -> Self {
        let mut query = self.with(change);
        query.inferred = false;
        query
    }

    /// The query, reading from the table or subquery of the first column in the expression if it reads nothing yet.
    pub(super) fn reading(select: Select<Value>, expr: &Expr<Value>) -> Select<Value> {
        match expr.first_column() {
            Some(Named::Column(column)) if !select.has_source() => {
                let table = column.table().root().clone();
                select.source(&table)
            }
            Some(Named::Field(derived)) if !select.has_source() => {
                let derived = derived.clone();
                select.source(&derived)
            }
            _ => select,
        }
    }

    pub(super) fn combined(&self, operator: SetOperator, other: &Bound<'_, Self>) -> Self {
        Self {
            select: self
                .select
                .clone()
                .combine(operator, other.get().select.clone()),
            rows: self.rows.clone(),
            limited: false,
            branches: self.branches.clone(),
            inferred: true,
        }
    }

    pub(super) fn locked(
        &self,
        strength: Strength,
        of: &Bound<'_, PyTuple>,
        nowait: bool,
        skip_locked: bool,
    ) -> PyResult<Self> {
        let wait = match (nowait, skip_locked) {
            (false, false) => Wait::Wait,
            (true, false) => Wait::NoWait,
            (false, true) => Wait::SkipLocked,
            (true, true) => {
                return Err(PyValueError::new_err(
                    "nowait and skip_locked exclude each other",
                ));
            }
        };
        let of = of
            .iter()
            .map(|one| match Readable::needed(&one)? {
                Readable::Entity(_, table) => Ok(table),
                Readable::Derived(_) => Err(PyTypeError::new_err(
                    "only the rows of tables can be locked",
                )),
            })
            .collect::<PyResult<_>>()?;
        Ok(self.with(|select| select.lock(Lock { strength, of, wait })))
    }

    /// Joins the other end of a link, whichever the query reads already.
    pub(super) fn join_link(&self, how: Join, link: &Bound<'_, LinkField>) -> PyResult<Self> {
        let py = link.py();
        let field = link.get();
        let (from, linked, ends) = (field.from(), field.linked(py)?, field.ends(py)?);
        let target = ends.target.get().table();
        if !self.select.has_source() || self.select.reads(from.root()) {
            return Ok(self.joined(|select| select.join_link(how, &linked)));
        }
        if ends.between.is_some() || !self.select.reads(target) {
            return Err(PyValueError::new_err(format!(
                "the query reads neither {} nor {}",
                from.name(),
                target.name()
            )));
        }
        let pairs = ends.own.iter().zip(&ends.to);
        let on = pairs
            .filter_map(|(own, to)| Some(from.column_at(*own)?.eq(&target.column_at(*to)?)))
            .collect::<Vec<_>>();
        Ok(self.joined(|select| select.join(how, from, Expr::all(on))))
    }

    /// The columns of the first class that these name.
    pub(super) fn columns(&self, columns: &Bound<'_, PyTuple>) -> PyResult<Vec<usize>> {
        let table = self.rows.entity()?.model.get().table();
        let position = |column: &Bound<'_, PyAny>| {
            let name: String = match column.cast::<PyString>() {
                Ok(name) => name.extract()?,
                Err(_) => column.cast::<Col>()?.get().text().to_owned(),
            };
            let column = table.column(&name);
            Ok(column
                .map_err(|error| errors::to_py(columns.py(), &error))?
                .index())
        };
        columns.iter().map(|column| position(&column)).collect()
    }

    /// Of the first class only these columns, and those of its key and of the keys of its links.
    pub(super) fn narrowed(&self, py: Python<'_>, mut wanted: Vec<usize>) -> Self {
        let mut query = self.with(|select| select);
        let mut parts = query.rows.parts.to_vec();
        if let Some(Part::Entity(entity)) = parts.first_mut() {
            let model = entity.model.get();
            wanted.extend(model.table().primary_key());
            wanted.extend(model.key_columns());
            wanted.sort_unstable();
            wanted.dedup();
            *entity = Arc::new(entity.narrowed(py, wanted.into()));
        }
        query.rows.parts = parts.into();
        query
    }

    /// Joins whatever can be joined.
    pub(super) fn join_any(
        &self,
        target: &Bound<'_, PyAny>,
        on: Option<&Bound<'_, PyAny>>,
        how: &str,
    ) -> PyResult<Self> {
        let how = match how {
            "inner" => Join::Inner,
            "left" => Join::Left,
            "right" => Join::Right,
            "full" => Join::Full,
            "cross" => {
                if on.is_some() {
                    return Err(PyTypeError::new_err("a cross join has no condition"));
                }
                let relation = Readable::needed(target)?.relation();
                return Ok(self.joined(|select| select.source(relation)));
            }
            other => {
                return Err(PyValueError::new_err(format!(
                    "how={other:?} is unknown; use \"inner\", \"left\", \"right\", \"full\" or \"cross\""
                )));
            }
        };
        if let Ok(link) = target.cast::<LinkField>() {
            return self.join_link(how, link);
        }
        let target_of_join = Readable::needed(target)?;
        if let Some(on) = on {
            let on = condition(on)?;
            return Ok(self.joined(|select| select.join(how, target_of_join.relation(), on)));
        }
        match target_of_join {
            Readable::Entity(_, table) => {
                let select = self.select.clone().join_by_key(how, &table);
                let select = select.map_err(|error| errors::to_py(target.py(), &error))?;
                Ok(self.joined(|_| select))
            }
            Readable::Derived(derived) if derived.get().derived().is_lateral() => {
                let relation = derived.get().derived();
                Ok(self.joined(|select| select.join(how, relation, Expr::all([]))))
            }
            Readable::Derived(_) => Err(PyTypeError::new_err(
                "a subquery has no foreign keys; say on which condition to join it",
            )),
        }
    }
}

/// A number of rows as a value.
pub fn row_count(count: &Bound<'_, PyAny>, what: &str) -> PyResult<Value> {
    let number = count
        .cast::<PyInt>()
        .ok()
        .and_then(|number| number.extract::<i64>().ok());
    match number {
        Some(0..) => Ok(Value(count.clone().unbind())),
        _ => Err(PyValueError::new_err(format!(
            "{what} must be a whole number from 0 up"
        ))),
    }
}
