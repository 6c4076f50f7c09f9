//! `Record`: a row of a result.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The column names of a result, shared by its rows.
#[pyclass(frozen, module = "data_bridge.postgres")]
#[derive(Debug)]
pub struct Shape {
    names: Py<PyTuple>,
    /// Name to position.
    index: Py<PyDict>,
}

impl Shape {
    /// # Errors
    /// Exhausted memory.
    pub fn new<'a>(
        py: Python<'_>,
        names: impl ExactSizeIterator<Item = &'a str>,
    ) -> PyResult<Self> {
        let index = PyDict::new(py);
        let names = PyTuple::new(py, names)?;
        for (at, name) in names.iter().enumerate() {
            index.set_item(name, at)?;
        }
        Ok(Self {
            names: names.unbind(),
            index: index.unbind(),
        })
    }
}

/// A row.
#[pyclass(frozen, module = "data_bridge.postgres")]
pub struct Record {
    shape: Py<Shape>,
    values: Py<PyTuple>,
}

impl Record {
    /// # Errors
    /// Exhausted memory.
    pub fn make<'py>(
        py: Python<'py>,
        shape: &Py<Shape>,
        values: Bound<'py, PyTuple>,
        _is_flat: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(
            py,
            Self {
                shape: shape.clone_ref(py),
                values: values.unbind(),
            },
        )?
        .into_any())
    }
}

#[pymethods]
impl Record {
    fn __len__(&self, py: Python<'_>) -> usize {
        self.values.bind(py).len()
    }
}
