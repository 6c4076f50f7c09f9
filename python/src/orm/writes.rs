//! The statements that write: INSERT, upsert, UPDATE and DELETE, from Python's arguments to rendered text.

use std::sync::Arc;

use data_bridge_orm::query::{
    Conflict, Delete, Expr, Insert, Lock, Select, Strength, Update, ValueType, Wait,
};
use data_bridge_orm::schema::{ColumnRef, Fragment, Name, Table};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyTuple};

use super::derived::Alias;
use super::expression::{Expression, Value};
use super::hydrate::{Entity, Hydrator};
use super::model::{Field, Model, OnUpdate};
use super::operand::{condition, of_value, operand};
use super::queries::{at, column, finish};
use super::query::PyQuery;
use super::readable::Readable;
use super::rows;
use super::scope::{check_unscoped, scope};
use super::statement::Statement;
use super::tuples::{Part, Rows};
use crate::engine::Shape;
use crate::errors;

/// INSERT of an instance, which then takes the row's values, or of a mapping, which becomes an instance.
#[pyfunction(name = "orm_insert")]
pub fn insert(model: &Bound<'_, Model>, source: &Bound<'_, PyAny>) -> PyResult<Statement> {
    let py = model.py();
    let (insert, _) = with_row(Insert::into(model.get().table()), model, source, &[])?;
    let rows = Some(into(model, source));
    finish(
        py,
        insert.returning().render_in(&scope(py)?),
        Shape::Row,
        rows,
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
    let insert = Insert::into(model.get().table());
    let (insert, given) = with_row(insert, model, source, &conflict)?;
    let target = columns(py, model.get(), &conflict)?;
    let mut reaction = Conflict::columns(target.clone());
    if update.as_ref().is_none_or(|update| !update.is_empty()) {
        reaction = proposed(
            model.get(),
            reaction,
            &target,
            &given,
            update.as_deref(),
            py,
        )?;
    }
    let insert = insert.on_conflict(reaction).returning();
    let rows = Some(into(model, source));
    finish(py, insert.render_in(&scope(py)?), Shape::Row, rows)
}

/// How ON CONFLICT is spelled in Python.
#[derive(FromPyObject)]
pub struct Reaction<'py> {
    columns: Vec<String>,
    constraint: Option<String>,
    index_where: Option<String>,
    /// Whether the row that is there is updated.
    updates: bool,
    /// What its columns are set to; all that were given where this is not said.
    set: Option<Bound<'py, PyDict>>,
    /// Columns that take what was proposed.
    take: Vec<String>,
    conditions: Vec<Bound<'py, PyAny>>,
    excluded: Option<Py<Alias>>,
}

/// INSERT of rows, or of what `query` finds as `columns`. Without `returning` the answer is the number of rows.
#[pyfunction(name = "orm_insert_statement")]
#[pyo3(signature = (model, rows, columns, query, reaction, returning))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn insert_statement(
    model: &Bound<'_, Model>,
    rows: Vec<Bound<'_, PyAny>>,
    columns: Vec<String>,
    query: Option<Bound<'_, PyQuery>>,
    reaction: Option<Reaction<'_>>,
    returning: Option<Bound<'_, PyTuple>>,
) -> PyResult<Statement> {
    let (py, this) = (model.py(), model.get());
    let needed = reaction.as_ref().map(|it| it.columns.clone());
    let needed = needed.unwrap_or_default();
    let mut insert = Insert::into(this.table());
    let mut given = Vec::new();
    if let Some(query) = query {
        if let Some(tenant) = this.fields().iter().find(|field| field.is_tenant) {
            check_unscoped(py, &tenant.column.to_string())?;
        }
        let columns = self::columns(py, this, &columns)?;
        given.extend(columns.iter().map(ColumnRef::index));
        insert = insert.query(columns, query.get().select().clone());
    } else {
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                insert = insert.row();
            }
            let names;
            (insert, names) = with_row(insert, model, row, &needed)?;
            if index == 0 {
                given = names;
            }
        }
    }
    if let Some(reaction) = reaction {
        if let Some(excluded) = &reaction.excluded {
            insert = insert.excluded(excluded.get().table());
        }
        insert = insert.on_conflict(reaction.conflict(py, this, &given)?);
    }
    let Some(returning) = returning else {
        return finish(py, insert.render_in(&scope(py)?), Shape::Count, None);
    };
    let (items, rows) = returned(&returning)?;
    let insert = items.into_iter().fold(insert, |insert, item| match item {
        Item::Expr(expr) => insert.returning_expr(expr),
        Item::Table(table) => insert.returning_table(&table),
    });
    returning_rows(py, insert.render_in(&scope(py)?), rows)
}

impl Reaction<'_> {
    fn conflict(
        &self,
        py: Python<'_>,
        model: &Model,
        given: &[usize],
    ) -> PyResult<Conflict<Value>> {
        let error = |error| errors::to_py(py, &error);
        let target = columns(py, model, &self.columns)?;
        let mut conflict = match &self.constraint {
            Some(name) => Conflict::constraint(Name::new(name).map_err(error)?),
            None if target.is_empty() && !self.updates => Conflict::any(),
            None => Conflict::columns(target.clone()),
        };
        if let Some(sql) = &self.index_where {
            conflict = conflict.of_index(Fragment::new(sql).map_err(error)?);
        }
        if !self.updates {
            return Ok(conflict);
        }
        for one in &self.conditions {
            conflict = conflict.filter(condition(one)?);
        }
        let Some(set) = &self.set else {
            let take = (!self.take.is_empty()).then_some(self.take.as_slice());
            return proposed(model, conflict, &target, given, take, py);
        };
        let mut named: Vec<usize> = target.iter().map(ColumnRef::index).collect();
        for (name, value) in set.iter() {
            let column = column(py, model, &name.extract::<String>()?)?;
            named.push(column.index());
            let value = assigned(model, &column, &value)?;
            conflict = conflict.set(column, value);
        }
        for column in columns(py, model, &self.take)? {
            named.push(column.index());
            conflict = conflict.update(column);
        }
        others(py, model, &named, conflict, Conflict::set)
    }
}

/// UPDATE of the rows for which the conditions are true; `every` where all are meant. With `one` it fails where those are
/// several. Without `returning` the answer is the number of rows.
#[pyfunction(name = "orm_update")]
#[pyo3(signature = (model, values, conditions, every, one, reading, returning))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn update(
    model: &Bound<'_, Model>,
    values: &Bound<'_, PyMapping>,
    conditions: Vec<Bound<'_, PyAny>>,
    every: bool,
    one: bool,
    reading: Vec<Bound<'_, PyAny>>,
    returning: Option<Bound<'_, PyTuple>>,
) -> PyResult<Statement> {
    let (py, this) = (model.py(), model.get());
    let mut update = Update::table(this.table());
    let mut given = Vec::new();
    for pair in values.items()?.iter() {
        let (name, value): (String, Bound<'_, PyAny>) = pair.extract()?;
        let column = column(py, this, &name)?;
        given.push(column.index());
        let value = assigned(this, &column, &value)?;
        update = update.set(column, value);
    }
    if !given.is_empty() {
        update = others(py, this, &given, update, Update::set)?;
    }
    for source in &reading {
        update = update.reading(Readable::needed(source)?.relation());
    }
    update = match chosen(py, this, &conditions, every, one)? {
        Chosen::Rows(conditions) => conditions.into_iter().fold(update, Update::filter),
        Chosen::Every => update.every_row(),
        Chosen::Unsaid => update,
    };
    let Some(returning) = returning else {
        return finish(py, update.render_in(&scope(py)?), Shape::Count, None);
    };
    let (items, rows) = returned(&returning)?;
    let update = items.into_iter().fold(update, |update, item| match item {
        Item::Expr(expr) => update.returning_expr(expr),
        Item::Table(table) => update.returning_table(&table),
    });
    returning_rows(py, update.render_in(&scope(py)?), rows)
}

/// DELETE of the rows for which the conditions are true; see `update`.
#[pyfunction(name = "orm_delete")]
#[pyo3(signature = (model, conditions, every, one, reading, returning, hard = false))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn delete(
    model: &Bound<'_, Model>,
    conditions: Vec<Bound<'_, PyAny>>,
    every: bool,
    one: bool,
    reading: Vec<Bound<'_, PyAny>>,
    returning: Option<Bound<'_, PyTuple>>,
    hard: bool,
) -> PyResult<Statement> {
    let (py, this) = (model.py(), model.get());
    let mut delete = Delete::from(this.table());
    if hard {
        delete = delete.hard();
    }
    for source in &reading {
        delete = delete.reading(Readable::needed(source)?.relation());
    }
    delete = match chosen(py, this, &conditions, every, one)? {
        Chosen::Rows(conditions) => conditions.into_iter().fold(delete, Delete::filter),
        Chosen::Every => delete.every_row(),
        Chosen::Unsaid => delete,
    };
    let Some(returning) = returning else {
        return finish(py, delete.render_in(&scope(py)?), Shape::Count, None);
    };
    let (items, rows) = returned(&returning)?;
    let delete = items.into_iter().fold(delete, |delete, item| match item {
        Item::Expr(expr) => delete.returning_expr(expr),
        Item::Table(table) => delete.returning_table(&table),
    });
    returning_rows(py, delete.render_in(&scope(py)?), rows)
}

/// The condition that a row has one of these keys: values, or tuples of them where the key has several columns.
#[pyfunction(name = "orm_has_key")]
pub fn has_key(model: &Bound<'_, Model>, keys: &Bound<'_, PyAny>) -> PyResult<Expression> {
    let (py, this) = (model.py(), model.get());
    let parts = key(py, this)?;
    let key = match &*parts {
        [one] => one.clone(),
        _ => Expr::row(parts),
    };
    Expression(key).among(keys, false)
}

enum Chosen {
    Unsaid,
    Every,
    Rows(Vec<Expr<Value>>),
}

fn chosen(
    py: Python<'_>,
    model: &Model,
    conditions: &[Bound<'_, PyAny>],
    every: bool,
    one: bool,
) -> PyResult<Chosen> {
    let conditions = conditions
        .iter()
        .map(condition)
        .collect::<PyResult<Vec<_>>>()?;
    if conditions.is_empty() && !every {
        return Ok(Chosen::Unsaid);
    }
    if !one {
        return Ok(if conditions.is_empty() {
            Chosen::Every
        } else {
            Chosen::Rows(conditions)
        });
    }
    // The server fails a subquery of several rows that stands for one value, before anything is written.
    let parts = key(py, model)?;
    let mut rows = Select::of(parts.clone()).source(model.table());
    for condition in conditions {
        rows = rows.filter(condition);
    }
    let own = match &*parts {
        [one] => one.clone(),
        _ => Expr::row(parts),
    };
    let rows = rows.lock(Lock {
        strength: Strength::Update,
        of: Vec::new(),
        wait: Wait::Wait,
    });
    Ok(Chosen::Rows(vec![own.eq(Expr::scalar(rows))]))
}

/// The primary key's columns as expressions.
fn key(py: Python<'_>, model: &Model) -> PyResult<Vec<Expr<Value>>> {
    let key = model.table().primary_key();
    if key.is_empty() {
        return Err(errors::interface_error(
            py,
            &format!(
                "{} has no primary key; update or delete its rows by a condition, with update_many or delete_many",
                model.table().name()
            ),
        ));
    }
    key.iter()
        .map(|index| Ok(at(py, model, *index)?.expr()))
        .collect()
}

/// What comes back of one item of RETURNING.
enum Item {
    Expr(Expr<Value>),
    Table(Table),
}

/// Expressions and classes, and what becomes of their values: of one item itself, of several tuples.
fn returned(items: &Bound<'_, PyTuple>) -> PyResult<(Vec<Item>, Rows)> {
    let (mut found, mut parts) = (Vec::new(), Vec::new());
    for item in items {
        match Readable::find(&item)? {
            Some(Readable::Entity(model, table)) => {
                parts.push(Part::Entity(Arc::new(Entity::new(model.unbind(), None))));
                found.push(Item::Table(table));
            }
            Some(Readable::Derived(_)) => {
                return Err(PyTypeError::new_err(
                    "return the columns of a subquery one by one: sub.c.name",
                ));
            }
            None => {
                let expr = operand(&item, of_value(&item)?)?;
                parts.push(Part::value(&expr));
                found.push(Item::Expr(expr));
            }
        }
    }
    if found.is_empty() {
        return Err(PyTypeError::new_err(
            "returning() needs a class, a column or another expression",
        ));
    }
    let single = found.len() == 1;
    Ok((found, Rows::new(parts, single)))
}

fn returning_rows(
    py: Python<'_>,
    rendered: Result<data_bridge_orm::query::Statement<'_, Value>, data_bridge_driver::Error>,
    rows: Rows,
) -> PyResult<Statement> {
    let rendered = rendered.map_err(|error| errors::to_py(py, &error))?;
    let is_typed = rows.is_typed();
    Statement::of_rows(py, &rendered, Shape::Rows, Some(rows), is_typed)
}

/// What a row becomes: the instance that it came from, or a new one.
fn into(model: &Bound<'_, Model>, source: &Bound<'_, PyAny>) -> Hydrator {
    let of = model.clone().unbind();
    if model.get().slots().fit(source) {
        return Hydrator::into_instance(of, source.clone().unbind());
    }
    Hydrator::new(of)
}

/// Gives the last row of an INSERT the values of an instance or a mapping; also which columns that gave by itself. Of
/// instances the numbers that the server alone gives are left out, unless they are `needed`.
fn with_row(
    mut insert: Insert<Value>,
    model: &Bound<'_, Model>,
    source: &Bound<'_, PyAny>,
    needed: &[String],
) -> PyResult<(Insert<Value>, Vec<usize>)> {
    let this = model.get();
    let mut given = Vec::new();
    if this.slots().fit(source) {
        for (index, field) in this.fields().iter().enumerate() {
            let is_always = field.is_given_by_server();
            if is_always && !needed.iter().any(|name| field.is_called(name)) {
                continue;
            }
            if let Some(value) = this.slots().get(source, index)? {
                if is_always {
                    insert = insert.overriding_system_value();
                }
                given.push(index);
                insert = insert.set(field.column.clone(), sent(field, value)?);
            }
        }
        return Ok((insert, given));
    }
    let values = rows::mapping(this, source)?;
    // In the order of the table, so that the order of the keys does not make another statement.
    for (index, field) in this.fields().iter().enumerate() {
        if let Some(value) = values.get_item(&field.name)? {
            given.push(index);
            let value = assigned(this, &field.column, &value)?;
            insert = insert.set(field.column.clone(), value);
        } else if let Some(value) = field.default.value(model.py())? {
            insert = insert.set(field.column.clone(), sent(field, value)?);
        }
    }
    if given.len() == values.len() {
        Ok((insert, given))
    } else {
        Err(this.unknown(&values))
    }
}

/// Has an existing row take what was proposed: these columns, by default all that were given and are not in the key.
/// Columns with `onupdate` that are not named take that.
fn proposed(
    model: &Model,
    mut conflict: Conflict<Value>,
    target: &[ColumnRef],
    given: &[usize],
    named: Option<&[String]>,
    py: Python<'_>,
) -> PyResult<Conflict<Value>> {
    let is_target = |index: usize| target.iter().any(|column| column.index() == index);
    let mut taken = match named {
        Some(names) => columns(py, model, names)?,
        None => model
            .fields()
            .iter()
            .enumerate()
            .filter(|(index, field)| {
                given.contains(index)
                    && !is_target(*index)
                    && matches!(field.on_update, OnUpdate::Nothing)
            })
            .map(|(_, field)| field.column.clone())
            .collect(),
    };
    let mut set: Vec<usize> = taken.iter().map(ColumnRef::index).collect();
    let has_others = model.fields().iter().enumerate().any(|(index, field)| {
        !matches!(field.on_update, OnUpdate::Nothing) && !is_target(index) && !set.contains(&index)
    });
    // With nothing else to update, the key is set to what it is, since only an updated row is returned.
    if taken.is_empty() && !has_others {
        taken.extend(target.first().cloned());
    }
    for column in taken {
        conflict = conflict.update(column);
    }
    set.extend(target.iter().map(ColumnRef::index));
    others(py, model, &set, conflict, Conflict::set)
}

/// Sets the columns that have `onupdate` and are not `named`.
fn others<S>(
    py: Python<'_>,
    model: &Model,
    named: &[usize],
    mut statement: S,
    set: fn(S, ColumnRef, Expr<Value>) -> S,
) -> PyResult<S> {
    for (index, field) in model.fields().iter().enumerate() {
        if named.contains(&index) {
            continue;
        }
        let value = match &field.on_update {
            OnUpdate::Nothing => continue,
            OnUpdate::Sql(sql) => Expr::fragment(sql),
            OnUpdate::Call(call) => sent(field, call.bind(py).call0()?)?,
        };
        statement = set(statement, field.column.clone(), value);
    }
    Ok(statement)
}

/// The same for the row of one instance, of which these columns are written anyway.
pub fn with_onupdate(
    py: Python<'_>,
    model: &Model,
    named: &[usize],
    update: Update<Value>,
) -> PyResult<Update<Value>> {
    others(py, model, named, update, Update::set)
}

/// What a column is set to: an expression, a query for its one value, or a value.
fn assigned(model: &Model, column: &ColumnRef, value: &Bound<'_, PyAny>) -> PyResult<Expr<Value>> {
    let ty = ValueType::of_column(column.column());
    let field = model.fields().get(column.index());
    if value.is_instance_of::<Expression>() || value.is_instance_of::<PyQuery>() {
        if field.is_some_and(|field| field.is_tenant) {
            check_unscoped(value.py(), &column.to_string())?;
        }
        return operand(value, ty);
    }
    match field {
        Some(field) => sent(field, field.accept(value.clone())?),
        None => Ok(Expr::param(Value(value.clone().unbind()), ty)),
    }
}

/// A value of a column as a parameter.
pub fn sent(field: &Field, value: Bound<'_, PyAny>) -> PyResult<Expr<Value>> {
    let ty = ValueType::of_column(field.column.column());
    Ok(Expr::param(Value(field.sent(value)?.unbind()), ty))
}

fn columns(py: Python<'_>, model: &Model, names: &[String]) -> PyResult<Vec<ColumnRef>> {
    names.iter().map(|name| column(py, model, name)).collect()
}
