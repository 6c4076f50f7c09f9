//! What queries read from: classes, aliases, subqueries.

use data_bridge_orm::query::Relation;
use data_bridge_orm::schema::Table;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::derived::{Alias, PyDerived};
use super::expression::{Expression, Value};
use super::model::Model;

/// What can stand in FROM.
pub enum Readable<'py> {
    /// A class, or an alias of one: its model and its table.
    Entity(Bound<'py, Model>, Table),
    /// A subquery or CTE.
    Derived(Bound<'py, PyDerived>),
}

impl<'py> Readable<'py> {
    /// A class, an alias of one, or a subquery or CTE.
    pub fn find(object: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        if object.is_instance_of::<Expression>() {
            return Ok(None);
        }
        if let Ok(alias) = object.cast::<Alias>() {
            let alias = alias.get();
            let model = alias.model().bind(object.py()).clone();
            return Ok(Some(Self::Entity(model, alias.table().clone())));
        }
        if let Ok(derived) = object.cast::<PyDerived>() {
            return Ok(Some(Self::Derived(derived.clone())));
        }
        let model = object.getattr_opt(pyo3::intern!(object.py(), "__model__"))?;
        Ok(match model.map(Bound::cast_into::<Model>) {
            Some(Ok(model)) => {
                let table = model.get().table().clone();
                Some(Self::Entity(model, table))
            }
            _ => None,
        })
    }

    /// The same, which it has to be.
    pub fn needed(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Self::find(object)?.ok_or_else(|| {
            PyTypeError::new_err(format!(
                "expected a Table class, an alias, a subquery or a link, not {}",
                object
                    .get_type()
                    .name()
                    .map_or_else(|_| String::new(), |name| name.to_string())
            ))
        })
    }

    /// As queries take it.
    pub fn relation(&self) -> Relation<Value> {
        match self {
            Self::Entity(_, table) => table.into(),
            Self::Derived(derived) => derived.get().derived().into(),
        }
    }
}
