//! The statements that write and read the row of one instance.

use data_bridge_orm::query::{Delete, Expr, Select, Update};
use data_bridge_orm::schema::ColumnRef;
use pyo3::prelude::*;

use super::expression::Value;
use super::hydrate::Hydrator;
use super::model::Model;
use super::queries::{at, column, finish};
use super::scope::scope;
use super::statement::Statement;
use super::writes::{insert, sent, with_onupdate};
use crate::engine::Shape;
use crate::errors;

/// What saves an instance: INSERT of a new one, UPDATE of what has changed. No statement where nothing has. Its answer is the
/// instance; none where the UPDATE has found no row.
#[pyfunction(name = "orm_save")]
pub fn save(model: &Bound<'_, Model>, instance: &Bound<'_, PyAny>) -> PyResult<Option<Statement>> {
    let (py, this) = (model.py(), model.get());
    let Some(_) = this.changes(instance)? else {
        return insert(model, instance).map(Some);
    };
    let changed = this.to_write(instance)?;
    if changed.is_empty() {
        return Ok(None);
    }
    let mut update = Update::table(this.table()).filter(own_row(this, instance, true)?);
    for index in &changed {
        if let Some(field) = this.fields().get(*index) {
            let value = this.slots().get(instance, *index)?;
            let value = value.unwrap_or_else(|| py.None().into_bound(py));
            update = update.set(field.column.clone(), sent(field, value)?);
        }
    }
    update = with_onupdate(py, this, &changed, update)?;
    let into = Hydrator::into_instance(model.clone().unbind(), instance.clone().unbind());
    let rendered = update.returning();
    finish(py, rendered.render_in(&scope(py)?), Shape::Row, Some(into)).map(Some)
}

/// What deletes the row of an instance; its answer is the number of rows.
#[pyfunction(name = "orm_remove")]
pub fn remove(model: &Bound<'_, Model>, instance: &Bound<'_, PyAny>) -> PyResult<Statement> {
    let this = model.get();
    let delete = Delete::from(this.table()).filter(own_row(this, instance, true)?);
    finish(
        model.py(),
        delete.render_in(&scope(model.py())?),
        Shape::Count,
        None,
    )
}

/// What reads the row of an instance into it: all columns, or these. Its answer is the instance; none where there is no row.
#[pyfunction(name = "orm_refresh")]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn refresh(
    model: &Bound<'_, Model>,
    instance: &Bound<'_, PyAny>,
    columns: Vec<String>,
) -> PyResult<Statement> {
    let (py, this) = (model.py(), model.get());
    let own = own_row(this, instance, false)?;
    let into = Hydrator::into_instance(model.clone().unbind(), instance.clone().unbind());
    if columns.is_empty() {
        let select = Select::from(this.table()).filter(own);
        return finish(py, select.render_in(&scope(py)?), Shape::Row, Some(into));
    }
    let columns = columns
        .iter()
        .map(|name| column(py, this, name))
        .collect::<PyResult<Vec<_>>>()?;
    let select = Select::of(columns.iter().map(ColumnRef::expr));
    let select = select.source(this.table()).filter(own);
    let into = into.of_columns(columns.iter().map(ColumnRef::index).collect());
    finish(py, select.render_in(&scope(py)?), Shape::Row, Some(into))
}

/// The condition that a row is this instance's: by the primary key, and with `same_version` as the instance knows it.
fn own_row(
    model: &Model,
    instance: &Bound<'_, PyAny>,
    same_version: bool,
) -> PyResult<Expr<Value>> {
    let py = instance.py();
    let key = model.table().primary_key();
    let refuse = |why: &str| {
        let class = model.slots().class(py).name()?;
        Err(errors::interface_error(py, &format!("{class} {why}")))
    };
    if key.is_empty() {
        return refuse(
            "has no primary key, by which its row could be found; use update_many or delete_many with a condition",
        );
    }
    let Some(changed) = model.changes(instance)? else {
        return refuse("is not in the database yet; save() inserts it");
    };
    let version = model.version().filter(|_| same_version);
    let mut conditions = Vec::with_capacity(key.len() + 1);
    for index in key.iter().copied().chain(version) {
        let column = at(py, model, index)?;
        let is_key = Some(index) != version;
        if is_key && changed.contains(&index) {
            return refuse(&format!(
                "has another {} than its row, which can no more be found; to change a key use update_many with a condition on the old one",
                column.column().name
            ));
        }
        let Some(value) = model.slots().get(instance, index)? else {
            if !is_key {
                return refuse(&format!(
                    "does not know {}, the version of its row; refresh() it",
                    column.column().name
                ));
            }
            return refuse(&format!(
                "has no value for {0}, by which its row is found; insert it with insert_one or insert_many(returning=True), or fetch it with {0}",
                column.column().name
            ));
        };
        let value = match model.fields().get(index) {
            Some(field) => field.sent(value)?,
            None => value,
        };
        conditions.push(column.eq(Value(value.unbind())));
    }
    Ok(Expr::all(conditions))
}
