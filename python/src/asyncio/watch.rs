//! What the event loop holds of a connection.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyWeakrefMethods, PyWeakrefReference};

/// A callback of the event loop that keeps nothing alive: a pool that nobody holds any more can go, though the loop still
/// watches its sockets.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Watch {
    connection: Py<PyWeakrefReference>,
    method: Py<PyString>,
}

impl Watch {
    /// Calls this method of the connection, as long as it is there.
    pub fn new<'py>(
        connection: &Bound<'py, super::Connection>,
        method: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, Self>> {
        let watch = Self {
            connection: PyWeakrefReference::new(connection)?.unbind(),
            method: method.clone().unbind(),
        };
        Bound::new(connection.py(), watch)
    }
}

#[pymethods]
impl Watch {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(connection) = self.connection.bind(py).upgrade() {
            connection.call_method0(&self.method)?;
        }
        Ok(())
    }
}
