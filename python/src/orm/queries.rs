//! The statements over a model: from Python's arguments to rendered text.

use data_bridge_driver::Error;
use data_bridge_orm::query::{Delete, Insert, Link, Order, Select, Statement as Rendered, Update};
use data_bridge_orm::schema::{ColumnRef, Existing, Reference, Table, create_all, drop_all};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString, PyTuple};

use super::expression::{Value, condition as expression};
use super::hydrate::{Entity, Hydrator, Joined};
use super::model::{Field, Model, OnUpdate, Way};
use super::order::order as expression_order;
use super::query::row_count;
use super::rows;
use super::scope::scope;
use super::statement::Statement;
use crate::engine::Shape;
use crate::errors;

/// SELECT. `links` are names; with `one` at most one row.
#[pyfunction(name = "orm_select")]
#[pyo3(signature = (model, condition, links, order_by, limit, offset, one))]
pub fn select(
    model: &Bound<'_, Model>,
    condition: Option<&Bound<'_, PyAny>>,
    links: Option<Vec<String>>,
    order_by: Option<&Bound<'_, PyAny>>,
    limit: Option<&Bound<'_, PyAny>>,
    offset: Option<&Bound<'_, PyAny>>,
    one: bool,
) -> PyResult<Statement> {
    let py = model.py();
    let this = model.get();
    let mut select = filtered(this, condition)?;
    let mut ways = Vec::new();
    for name in links.unwrap_or_default() {
        let (index, way) = way(this, &name)?;
        let target = way.model(py)?;
        let to = column(py, target.get(), &way.target)?;
        let from = at(py, this, way.column)?;
        let key = to.index();
        let link = Link::new(&way.text, from, to).map_err(|error| errors::to_py(py, &error))?;
        select = select.link(&link);
        ways.push((index, target, key));
    }
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
    let joined = ways
        .into_iter()
        .zip(select.link_columns())
        .map(|((link, model, key), columns)| Joined {
            link,
            entity: Entity::new(model, columns, Some(key)),
        })
        .collect();
    let hydrator = Hydrator::new(model.clone().unbind(), joined);
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

/// INSERT of an instance, which then takes the row's values, or of a mapping, which becomes an instance.
#[pyfunction(name = "orm_insert")]
pub fn insert(model: &Bound<'_, Model>, source: &Bound<'_, PyAny>) -> PyResult<Statement> {
    let row = Row::new(model, source, &[])?;
    finish(
        model.py(),
        row.insert.returning().render_in(&scope(model.py())?),
        Shape::Row,
        Some(row.hydrator),
    )
}

/// INSERT ... ON CONFLICT. `update` names the columns to update, by default all that were given and are not in
/// `conflict`; an empty list does nothing on a conflict.
#[pyfunction(name = "orm_upsert")]
#[pyo3(signature = (model, source, conflict, update))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn upsert(
    model: &Bound<'_, Model>,
    source: &Bound<'_, PyAny>,
    conflict: Vec<String>,
    update: Option<Vec<String>>,
) -> PyResult<Statement> {
    let py = model.py();
    let this = model.get();
    let row = Row::new(model, source, &conflict)?;
    let target = conflict
        .iter()
        .map(|name| column(py, this, name))
        .collect::<PyResult<Vec<_>>>()?;
    let is_target = |index: usize| target.iter().any(|column| column.index() == index);
    let nothing = update.as_ref().is_some_and(Vec::is_empty);
    let named = update.as_ref().map_or(Ok(Vec::new()), |names| {
        names
            .iter()
            .map(|name| Ok(column(py, this, name)?.index()))
            .collect::<PyResult<_>>()
    })?;
    let mut update = match update {
        Some(_) => named.clone(),
        None => row
            .given
            .iter()
            .copied()
            .filter(|index| !is_target(*index))
            .collect::<Vec<_>>(),
    };
    let mut insert = row.insert.on_conflict(target.clone());
    if !nothing {
        for (index, field) in this
            .fields()
            .iter()
            .enumerate()
            .filter(|(index, _)| !is_target(*index) && !named.contains(index))
        {
            let column = || field.column.clone();
            insert = match &field.on_update {
                OnUpdate::Nothing => continue,
                OnUpdate::Sql(sql) => insert.update_with_sql(column(), sql.clone()),
                OnUpdate::Call(call) => insert.update_with(column(), Value(call.call0(py)?)),
            };
            update.retain(|other| *other != index);
        }
        // With nothing else to update, the key is set to what it is, since only an updated row is returned.
        if update.is_empty() {
            update.extend(target.first().map(ColumnRef::index));
        }
        for index in update {
            insert = insert.update(at(py, this, index)?);
        }
    }
    finish(
        py,
        insert.returning().render_in(&scope(py)?),
        Shape::Row,
        Some(row.hydrator),
    )
}

/// UPDATE of the rows for which the condition is true; `every` where all are meant.
#[pyfunction(name = "orm_update")]
#[pyo3(signature = (model, condition, values, every, returning))]
pub fn update(
    model: &Bound<'_, Model>,
    condition: Option<&Bound<'_, PyAny>>,
    values: &Bound<'_, PyMapping>,
    every: bool,
    returning: bool,
) -> PyResult<Statement> {
    let py = model.py();
    let this = model.get();
    let mut update = Update::table(this.table());
    let mut given = Vec::new();
    for pair in values.items()?.iter() {
        let (name, value): (String, Bound<'_, PyAny>) = pair.extract()?;
        let column = column(py, this, &name)?;
        given.push(column.index());
        let value = match this.fields().get(column.index()) {
            Some(field) => field.sent(field.accept(value)?)?,
            None => value,
        };
        update = update.set(column, Value(value.unbind()));
    }
    for (index, field) in this.fields().iter().enumerate() {
        if !given.is_empty() && !given.contains(&index) {
            update = match &field.on_update {
                OnUpdate::Nothing => update,
                OnUpdate::Sql(sql) => update.set_sql(field.column.clone(), sql.clone()),
                OnUpdate::Call(call) => update.set(field.column.clone(), Value(call.call0(py)?)),
            };
        }
    }
    if let Some(condition) = condition {
        update = update.filter(expression(condition)?);
    } else if every {
        update = update.every_row();
    }
    if returning {
        let rows = Some(Hydrator::new(model.clone().unbind(), Vec::new()));
        return finish(
            py,
            update.returning().render_in(&scope(py)?),
            Shape::Rows,
            rows,
        );
    }
    finish(py, update.render_in(&scope(py)?), Shape::Count, None)
}

/// DELETE of the rows for which the condition is true; `every` where all are meant.
#[pyfunction(name = "orm_delete")]
#[pyo3(signature = (model, condition, every, returning, hard = false))]
pub fn delete(
    model: &Bound<'_, Model>,
    condition: Option<&Bound<'_, PyAny>>,
    every: bool,
    returning: bool,
    hard: bool,
) -> PyResult<Statement> {
    let py = model.py();
    let mut delete = Delete::from(model.get().table());
    if hard {
        delete = delete.hard();
    }
    if let Some(condition) = condition {
        delete = delete.filter(expression(condition)?);
    } else if every {
        delete = delete.every_row();
    }
    if returning {
        let rows = Some(Hydrator::new(model.clone().unbind(), Vec::new()));
        return finish(
            py,
            delete.returning().render_in(&scope(py)?),
            Shape::Rows,
            rows,
        );
    }
    finish(py, delete.render_in(&scope(py)?), Shape::Count, None)
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

/// One row on its way in.
struct Row {
    insert: Insert<Value>,
    hydrator: Hydrator,
    /// Positions of the columns that it has values for.
    given: Vec<usize>,
}

impl Row {
    /// Of instances the numbers that the server alone gives are left out, unless they are `needed`.
    fn new(
        model: &Bound<'_, Model>,
        source: &Bound<'_, PyAny>,
        needed: &[String],
    ) -> PyResult<Self> {
        let this = model.get();
        let mut row = Self {
            insert: Insert::into(this.table()),
            hydrator: Hydrator::new(model.clone().unbind(), Vec::new()),
            given: Vec::new(),
        };
        if this.slots().fit(source) {
            row = row.of_instance(this, source, needed)?;
            row.hydrator = Hydrator::into_instance(model.clone().unbind(), source.clone().unbind());
            return Ok(row);
        }
        row.of_dict(this, &rows::mapping(this, source)?)
    }

    fn of_instance(
        mut self,
        model: &Model,
        instance: &Bound<'_, PyAny>,
        needed: &[String],
    ) -> PyResult<Self> {
        for (index, field) in model.fields().iter().enumerate() {
            let is_always = field.is_given_by_server();
            if is_always && !needed.iter().any(|name| field.is_called(name)) {
                continue;
            }
            if let Some(value) = model.slots().get(instance, index)? {
                if is_always {
                    self.insert = self.insert.overriding_system_value();
                }
                self = self.set(index, field, value)?;
            }
        }
        Ok(self)
    }

    /// In the order of the table, so that the order of the keys does not make another statement.
    fn of_dict(mut self, model: &Model, values: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = values.py();
        for (index, field) in model.fields().iter().enumerate() {
            if let Some(value) = values.get_item(&field.name)? {
                self = self.set(index, field, field.accept(value)?)?;
            } else if let Some(value) = field.default.value(py)? {
                let value = Value(field.sent(value)?.unbind());
                self.insert = self.insert.set(field.column.clone(), value);
            }
        }
        if self.given.len() == values.len() {
            Ok(self)
        } else {
            Err(model.unknown(values))
        }
    }

    fn set(mut self, index: usize, field: &Field, value: Bound<'_, PyAny>) -> PyResult<Self> {
        self.given.push(index);
        let value = Value(field.sent(value)?.unbind());
        self.insert = self.insert.set(field.column.clone(), value);
        Ok(self)
    }
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

fn tables(models: &[Py<Model>]) -> Vec<Table> {
    models
        .iter()
        .map(|model| model.get().table().clone())
        .collect()
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

fn way<'m>(model: &'m Model, name: &str) -> PyResult<(usize, &'m Way)> {
    model
        .links()
        .iter()
        .enumerate()
        .find(|(_, way)| way.text == name)
        .ok_or_else(|| {
            let known = model
                .links()
                .iter()
                .map(|way| way.text.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known
            };
            PyValueError::new_err(format!(
                "{} has no link {name:?}; it has {known}",
                model.table().name()
            ))
        })
}
