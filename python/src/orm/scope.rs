//! Where a statement runs: the tenant, the schema and the ways out that the caller's context has set.
//!
//! While no block of the program sets any, a statement pays for one load of an atomic number.

use std::sync::atomic::{AtomicUsize, Ordering};

use data_bridge_orm::query::Scope;
use data_bridge_orm::schema::Table;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::expression::Value;
use super::model::Model;
use crate::errors;

/// Blocks of the program that set something now, in whatever context.
static SET: AtomicUsize = AtomicUsize::new(0);

/// A block of the program sets something from now on (`by` 1) or no more (-1).
#[pyfunction]
pub fn scoping(by: isize) {
    SET.fetch_add(by.cast_unsigned(), Ordering::Relaxed);
}

/// What `data_bridge.postgres.orm._filters.Scope` holds.
#[derive(FromPyObject)]
struct Current {
    /// A tuple of the one value, since any value may be meant.
    tenant: Option<(Py<PyAny>,)>,
    schema: Option<String>,
    with_deleted: bool,
    unscoped: bool,
}

/// The scope of the context that the caller runs in.
///
/// # Errors
/// A schema whose name is none.
#[inline]
pub fn scope(py: Python<'_>) -> PyResult<Scope<Value>> {
    match current(py)? {
        None => Ok(Scope::new()),
        Some(current) => current.scope(py),
    }
}

/// What a bulk upsert asks of the rows that are there, as SQL; `None` for nothing.
///
/// # Errors
/// Those of [`scope`]; a tenant is needed, and none is set.
#[pyfunction(name = "orm_conflict_filter")]
pub fn conflict_filter(model: &Bound<'_, Model>) -> PyResult<Option<String>> {
    let py = model.py();
    let condition = model.get().table().conflict_condition(&scope(py)?);
    let condition = condition.map_err(|error| errors::to_py(py, &error))?;
    Ok((!condition.is_empty()).then_some(condition))
}

/// The column that says whose the rows are, and the value of the tenant whose turn it is, as it is sent; `None` where none
/// is asked for.
///
/// # Errors
/// Those of a converter of the user.
#[pyfunction(name = "orm_tenant")]
pub fn tenant<'py>(model: &Bound<'py, Model>) -> PyResult<Option<(String, Bound<'py, PyAny>)>> {
    let Some(current) = current(model.py())?.filter(|current| !current.unscoped) else {
        return Ok(None);
    };
    let field = model.get().fields().iter().find(|field| field.is_tenant);
    let (Some(field), Some((tenant,))) = (field, current.tenant) else {
        return Ok(None);
    };
    let value = field.sent(tenant.into_bound(model.py()))?;
    Ok(Some((
        field.column.column().name.as_str().to_owned(),
        value,
    )))
}

/// A table's name for SQL that is not rendered: in its own schema, or else in that of the caller's context.
///
/// # Errors
/// See [`scope`].
pub fn placed(py: Python<'_>, table: &Table) -> PyResult<String> {
    Ok(scope(py)?.placed(table))
}

/// Refuses to write a row of another tenant than the one whose turn it is.
///
/// # Errors
/// Another tenant, or none at all.
pub fn check_tenant(value: &Bound<'_, PyAny>, column: &str) -> PyResult<()> {
    let py = value.py();
    let current = current(py)?;
    if current.as_ref().is_some_and(|current| current.unscoped) {
        return Ok(());
    }
    match current.and_then(|current| current.tenant) {
        Some((tenant,)) if value.eq(&tenant)? => Ok(()),
        Some(_) => Err(errors::interface_error(
            py,
            &format!(
                "{column} is another tenant's than that of the tenant() block; leave the column out, or write rows of several \
                 tenants in a block of unscoped()"
            ),
        )),
        None => Err(errors::interface_error(
            py,
            &format!(
                "{column} says whose row it is, and no tenant is set: write it in `with tenant(...):`, or rows of several \
                 tenants in `with unscoped():`"
            ),
        )),
    }
}

/// Refuses to leave to the server whose rows are written, where nobody can say that they are the tenant's.
///
/// # Errors
/// Outside of blocks of `unscoped()`.
pub fn check_unscoped(py: Python<'_>, column: &str) -> PyResult<()> {
    if current(py)?.is_some_and(|current| current.unscoped) {
        return Ok(());
    }
    Err(errors::interface_error(
        py,
        &format!(
            "{column} says whose row it is, and must be a value; rows whose tenant an expression or a query gives are written in \
             `with unscoped():`"
        ),
    ))
}

#[inline]
fn current(py: Python<'_>) -> PyResult<Option<Current>> {
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if SET.load(Ordering::Relaxed) == 0 {
        return Ok(None);
    }
    let current = CURRENT.import(py, "data_bridge.postgres.orm._filters", "current")?;
    current.call_method0(pyo3::intern!(py, "get"))?.extract()
}

impl Current {
    fn scope(self, py: Python<'_>) -> PyResult<Scope<Value>> {
        let mut scope = Scope::new();
        if let Some((tenant,)) = self.tenant {
            scope = scope.tenant(Value(tenant));
        }
        if let Some(schema) = &self.schema {
            scope = scope
                .schema(schema)
                .map_err(|error| errors::to_py(py, &error))?;
        }
        if self.with_deleted {
            scope = scope.with_deleted();
        }
        if self.unscoped {
            scope = scope.unscoped();
        }
        Ok(scope)
    }
}
