//! A prepared statement as Python sees it.

use std::sync::Arc;

use data_bridge_driver::session::Statement;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A statement that the server has parsed and described.
#[pyclass(frozen, module = "data_bridge.postgres")]
#[derive(Debug)]
pub struct Description(Arc<Statement>);

impl Description {
    /// Describes `statement`.
    pub fn new(statement: Arc<Statement>) -> Self {
        Self(statement)
    }

    /// As a Python object.
    pub fn into_object(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.0
    }
}

#[pymethods]
impl Description {
    /// The SQL text.
    #[getter]
    fn sql(&self) -> &str {
        self.0.sql()
    }

    /// Type OIDs of the parameters.
    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.parameters())
    }

    /// Name and type OID of each column.
    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(
            py,
            self.0
                .columns()
                .iter()
                .map(|column| (column.name.as_str(), column.type_oid)),
        )
    }
}
