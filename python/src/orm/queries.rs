//! The statements over a model: from Python's arguments to rendered text.

use std::collections::HashMap;

use data_bridge_driver::Error;
use data_bridge_orm::query::{Order, Select, Statement as Rendered};
use data_bridge_orm::schema::{ColumnRef, Existing, Reference, Table, create_all, drop_all};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use super::composing::row_count;
use super::expression::{Value, condition as expression};
use super::hydrate::Hydrator;
use super::model::Model;
use super::order::order as expression_order;
use super::scope::scope;
use super::statement::Statement;
use crate::engine::Shape;
use crate::errors;

/// SELECT; with `one` at most one row.
#[pyfunction(name = "orm_select")]
#[pyo3(signature = (model, condition, order_by, limit, offset, one))]
pub fn select(
    model: &Bound<'_, Model>,
    condition: Option<&Bound<'_, PyAny>>,
    order_by: Option<&Bound<'_, PyAny>>,
    limit: Option<&Bound<'_, PyAny>>,
    offset: Option<&Bound<'_, PyAny>>,
    one: bool,
) -> PyResult<Statement> {
    let py = model.py();
    let this = model.get();
    let mut select = filtered(this, condition)?;
    if let Some(order_by) = order_by {
        select = ordered(this, select, order_by)?;
    }
    if one {
        select = select.one();
    } else if let Some(limit) = limit {
        select = select.limit(row_count(limit, "limit")?);
    }
    if let Some(offset) = offset {
        select = select.offset(row_count(offset, "offset")?);
    }
    let hydrator = Hydrator::new(model.clone().unbind());
    let shape = if one { Shape::Row } else { Shape::Rows };
    finish(py, select.render_in(&scope(py)?), shape, Some(hydrator))
}

/// `SELECT count(*)`
#[pyfunction(name = "orm_count")]
#[pyo3(signature = (model, condition))]
pub fn count(
    model: &Bound<'_, Model>,
    condition: Option<&Bound<'_, PyAny>>,
) -> PyResult<Statement> {
    finish(
        model.py(),
        filtered(model.get(), condition)?
            .count()
            .render_in(&scope(model.py())?),
        Shape::Value(0),
        None,
    )
}

/// `SELECT EXISTS (...)`
#[pyfunction(name = "orm_exists")]
#[pyo3(signature = (model, condition))]
pub fn exists(
    model: &Bound<'_, Model>,
    condition: Option<&Bound<'_, PyAny>>,
) -> PyResult<Statement> {
    finish(
        model.py(),
        filtered(model.get(), condition)?
            .exists()
            .render_in(&scope(model.py())?),
        Shape::Value(0),
        None,
    )
}

/// The table, as `table` or `schema.table`, and the column of a foreign key's target.
#[pyfunction(name = "orm_split_foreign_key")]
pub fn split_foreign_key(py: Python<'_>, target: &str) -> PyResult<(String, String)> {
    let reference = Reference::parse(target).map_err(|error| errors::to_py(py, &error))?;
    let column = reference
        .columns
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    Ok((reference.table.to_string(), column))
}

/// The statements that make the tables of these models, those that are referred to first.
#[pyfunction(name = "orm_create_statements")]
#[pyo3(signature = (models, if_not_exists))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn create_statements(
    py: Python<'_>,
    models: Vec<Py<Model>>,
    if_not_exists: bool,
) -> PyResult<Vec<String>> {
    create_all(&tables(&models), existing(if_not_exists)).map_err(|error| errors::to_py(py, &error))
}

/// The statements that drop the tables of these models.
#[pyfunction(name = "orm_drop_statements")]
#[pyo3(signature = (models, if_exists))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn drop_statements(models: Vec<Py<Model>>, if_exists: bool) -> Vec<String> {
    drop_all(&tables(&models), existing(if_exists))
}

pub(super) fn finish(
    py: Python<'_>,
    rendered: Result<Rendered<'_, Value>, Error>,
    shape: Shape,
    rows: Option<Hydrator>,
) -> PyResult<Statement> {
    match rendered {
        Ok(rendered) => Statement::new(py, &rendered, shape, rows),
        Err(error) => Err(errors::to_py(py, &error)),
    }
}

/// The tables, each once: the classes that share one add what each has of its own.
fn tables(models: &[Py<Model>]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::with_capacity(models.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for table in models.iter().map(|model| model.get().table()) {
        let name = table.name().quoted().to_owned();
        if let Some(known) = places.get(&name).and_then(|place| tables.get_mut(*place)) {
            *known = known.merged(table);
        } else {
            places.insert(name, tables.len());
            tables.push(table.clone());
        }
    }
    tables
}

fn existing(skip: bool) -> Existing {
    if skip {
        Existing::Skip
    } else {
        Existing::Error
    }
}

fn filtered(model: &Model, condition: Option<&Bound<'_, PyAny>>) -> PyResult<Select<Value>> {
    let select = Select::from(model.table());
    Ok(match condition {
        None => select,
        Some(condition) => select.filter(expression(condition)?),
    })
}

/// A column, an order, a name (descending after a minus), or several of them.
fn ordered(
    model: &Model,
    mut select: Select<Value>,
    order_by: &Bound<'_, PyAny>,
) -> PyResult<Select<Value>> {
    if order_by.is_instance_of::<PyList>() || order_by.is_instance_of::<PyTuple>() {
        for one in order_by.try_iter()? {
            select = select.order_by(order(model, &one?)?);
        }
        return Ok(select);
    }
    Ok(select.order_by(order(model, order_by)?))
}

fn order(model: &Model, by: &Bound<'_, PyAny>) -> PyResult<Order<Value>> {
    if let Ok(name) = by.cast::<PyString>() {
        let name = name.to_str()?;
        return Ok(match name.strip_prefix('-') {
            Some(name) => column(by.py(), model, name)?.desc(),
            None => column(by.py(), model, name)?.asc(),
        });
    }
    expression_order(by)
}

pub(super) fn column(py: Python<'_>, model: &Model, name: &str) -> PyResult<ColumnRef> {
    model
        .table()
        .column(name)
        .map_err(|error| errors::to_py(py, &error))
}

pub(super) fn at(py: Python<'_>, model: &Model, index: usize) -> PyResult<ColumnRef> {
    model.table().column_at(index).ok_or_else(|| {
        errors::interface_error(
            py,
            &format!("{} has no column {index}", model.table().name()),
        )
    })
}
