//! The native half of the ORM: models, their columns as expressions, queries over them, rows into instances.

mod batch;
pub mod between;
pub mod builders;
pub mod by_name;
mod column;
mod composing;
pub mod converter;
pub mod copies;
pub mod derived;
mod expression;
mod handle;
mod hydrate;
pub mod instances;
mod keyset;
mod link;
mod loaded;
mod model;
mod operand;
mod order;
pub mod queries;
pub mod query;
mod readable;
pub mod reflect;
pub mod rows;
pub mod scope;
mod slots;
mod spec;
mod spread;
mod state;
mod statement;
mod table_args;
mod tuples;
mod variants;
mod way;
mod window;
pub mod writes;

use data_bridge_driver::types::{Format, builtin};
use data_bridge_orm::schema::Oid;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

pub use batch::Batch;
pub use column::Col;
pub use derived::{Alias, Columns, PyDerived};
pub use expression::Expression;
pub use handle::{Collection, Linked};
pub use hydrate::Hydrator;
pub use link::LinkField;
pub use model::Model;
pub use order::PyOrder;
pub use query::PyQuery;
pub use rows::RowReader;
pub use statement::Statement;

/// Whether values of the type are sure to travel in binary: it is built in, and no look-up need say more.
fn is_binary(oid: Oid) -> bool {
    builtin::format_of(oid) == Some(Format::Binary)
}

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
