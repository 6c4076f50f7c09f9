//! The native half of the ORM: models, their columns as expressions, queries over them, rows into instances.

mod column;
mod condition;
mod hydrate;
mod link;
mod model;
pub mod queries;
mod rows;
mod slots;
mod spec;
mod statement;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

pub use column::Col;
pub use condition::{Condition, PyOrder};
pub use hydrate::Hydrator;
pub use link::{LinkField, Linked};
pub use model::Model;
pub use rows::RowReader;
pub use statement::Statement;

/// `class[item]`, for annotations.
fn generic_alias<'py>(
    class: &Bound<'py, PyType>,
    item: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    static ALIAS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    ALIAS
        .import(class.py(), "types", "GenericAlias")?
        .call1((class, item))
}
