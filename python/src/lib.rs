//! The native half of `data_bridge.postgres`: a module list.
#![allow(
    clippy::needless_pass_by_value,
    reason = "PyO3 extracts arguments into owned values and hands them over"
)]

use pyo3::prelude::*;

pub mod asyncio;
pub mod blocking;
pub mod bulk;
pub mod capture;
pub mod convert;
pub mod copy;
pub mod dial;
pub mod engine;
pub mod errors;
pub mod fork;
pub mod orm;
pub mod record;
pub mod request;
#[cfg(test)]
mod testing;

#[pymodule]
mod _native {
    use pyo3::prelude::*;
    use pyo3::types::PyBytes;

    #[pymodule_export]
    use crate::asyncio::{Connection, Pool};
    #[pymodule_export]
    use crate::blocking::{Connection as BlockingConnection, Pool as SyncPool};
    #[pymodule_export]
    use crate::bulk::{Columns, Insert, StagePlan, Upsert, quoted_table};
    #[pymodule_export]
    use crate::capture::capturing;
    #[pymodule_export]
    use crate::copy::CopyWriter;
    #[pymodule_export]
    use crate::dial::{Dialed, PyConfig};
    #[pymodule_export]
    use crate::engine::{Base, Description};
    #[pymodule_export]
    use crate::fork::forked;
    #[pymodule_export]
    use crate::orm::between::link_statement;
    #[pymodule_export]
    use crate::orm::builders::{call, case, cast, chain, literal, row, text};
    #[pymodule_export]
    use crate::orm::by_name::from_sql;
    #[pymodule_export]
    use crate::orm::converter::register;
    #[pymodule_export]
    use crate::orm::copies::{blank, set_state, state_of};
    #[pymodule_export]
    use crate::orm::derived::values;
    #[pymodule_export]
    use crate::orm::instances::{refresh, remove, save};
    #[pymodule_export]
    use crate::orm::queries::{
        count, create_statements, drop_statements, exists, select, split_foreign_key,
    };
    #[pymodule_export]
    use crate::orm::reflect::{queries, reflect};
    #[pymodule_export]
    use crate::orm::rows::take;
    #[pymodule_export]
    use crate::orm::scope::{conflict_filter, scoping, tenant};
    #[pymodule_export]
    use crate::orm::writes::{delete, has_key, insert, insert_statement, update, upsert};
    #[pymodule_export]
    use crate::orm::{
        Alias, Batch, Col, Collection, Columns as SubqueryColumns, Expression, LinkField, Linked,
        Model, PyDerived, PyOrder, PyQuery, RowReader, Statement,
    };
    #[pymodule_export]
    use crate::request::Builder;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("Record", crate::record::class(module.py())?)?;
        module.add("COPY_END", PyBytes::new(module.py(), crate::copy::END))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
