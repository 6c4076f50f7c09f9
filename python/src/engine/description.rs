//! A prepared statement as Python sees it.

use std::sync::Arc;

use data_bridge_driver::copy::{ColumnType, unnest_parameters};
use data_bridge_driver::session::Statement;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Catalog;
use crate::convert::Type;

/// A statement that the server has parsed and described.
#[pyclass(frozen, module = "data_bridge.postgres")]
#[derive(Debug)]
pub struct Description {
    statement: Arc<Statement>,
    catalog: Arc<Catalog>,
}

impl Description {
    /// Describes `statement`, whose types the catalog knows.
    pub fn new(statement: Arc<Statement>, catalog: Arc<Catalog>) -> Self {
        Self { statement, catalog }
    }

    /// The statement.
    pub fn statement(&self) -> &Arc<Statement> {
        &self.statement
    }

    /// As a Python object.
    pub fn into_object(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }

    /// Name and type of each column.
    pub fn typed_columns(&self) -> impl Iterator<Item = (&str, Type)> {
        self.statement
            .columns()
            .iter()
            .map(|column| (column.name.as_str(), self.catalog.resolve(column.type_oid)))
    }

    /// The type of each column, with its modifier.
    pub fn column_types(&self) -> Vec<ColumnType> {
        let columns = self.statement.columns().iter();
        columns.map(ColumnType::from).collect()
    }

    /// For each column the type of arrays of it; `None` unless all have one.
    pub fn array_types(&self) -> Option<Box<[u32]>> {
        let columns = self.statement.columns().iter();
        let types: Vec<u32> = columns.map(|column| column.type_oid).collect();
        unnest_parameters(&types, |oid| self.catalog.array_of(oid))
    }
}

#[pymethods]
impl Description {
    /// The SQL text.
    #[getter]
    fn sql(&self) -> &str {
        self.statement.sql()
    }

    /// Type OIDs of the parameters.
    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.statement.parameters())
    }

    /// Name and type OID of each column.
    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(
            py,
            self.statement
                .columns()
                .iter()
                .map(|column| (column.name.as_str(), column.type_oid)),
        )
    }
}
