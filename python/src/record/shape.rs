//! The column names of a result, shared by its rows.

use std::sync::Mutex;

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

/// What a record offers beside its columns. Columns of these names are there by `record["keys"]`, not as attributes.
const METHODS: [&str; 4] = ["get", "items", "keys", "values"];

/// Stands in the index for a name that several columns have.
const AMBIGUOUS: isize = -1;

/// The column names of a result and where each is.
#[pyclass(frozen, module = "data_bridge.postgres")]
#[derive(Debug)]
pub struct Shape {
    names: Py<PyTuple>,
    /// Name to position, or [`AMBIGUOUS`].
    index: Py<PyDict>,
    /// The same without what is an attribute of its own.
    attributes: Py<PyDict>,
}

impl Shape {
    /// # Errors
    /// A name that is no `str`; exhausted memory.
    pub fn new<'py>(names: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Self>> {
        let py = names.py();
        let (index, attributes) = (PyDict::new(py), PyDict::new(py));
        for (at, name) in names.iter().enumerate() {
            let name = name
                .cast::<PyString>()
                .map_err(|_| PyTypeError::new_err("column names must be str"))?;
            if index.contains(name)? {
                index.set_item(name, AMBIGUOUS)?;
                attributes.del_item(name).ok();
                continue;
            }
            index.set_item(name, at)?;
            let text = name.to_string_lossy();
            if !METHODS.contains(&&*text) && !text.starts_with("__") {
                attributes.set_item(name, at)?;
            }
        }
        let shape = Self {
            names: names.clone().unbind(),
            index: index.unbind(),
            attributes: attributes.unbind(),
        };
        Bound::new(py, shape)
    }

    /// As [`new`](Self::new), but rows that are made one by one with the same names, as by `pickle`, share one shape.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn shared<'py>(names: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Self>> {
        static LAST: Mutex<Option<Py<Shape>>> = Mutex::new(None);
        let py = names.py();
        // The lock is never held while Python code may run.
        let last = LAST
            .lock()
            .ok()
            .and_then(|last| last.as_ref().map(|shape| shape.clone_ref(py)));
        if let Some(last) = last
            && (last.get().names.is(names) || last.get().names.bind(py).eq(names)?)
        {
            return Ok(last.into_bound(py));
        }
        let shape = Self::new(names)?;
        let before = LAST
            .lock()
            .ok()
            .and_then(|mut last| last.replace(shape.clone().unbind()));
        drop(before);
        Ok(shape)
    }

    /// The names, in the order of the columns.
    pub fn names<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.names.bind(py)
    }

    /// Whether a column has this name.
    ///
    /// # Errors
    /// An unhashable key.
    pub fn contains(&self, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.index.bind(name.py()).contains(name)
    }

    /// Where the column of this name is; `None` if there is none.
    ///
    /// # Errors
    /// `KeyError` for a name that several columns have, since either could be meant; an unhashable key.
    #[inline]
    pub fn position(&self, name: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        let Some(at) = self.index.bind(name.py()).get_item(name)? else {
            return Ok(None);
        };
        match usize::try_from(at.extract::<isize>()?) {
            Ok(at) => Ok(Some(at)),
            Err(_) => Err(ambiguous(name)),
        }
    }

    /// Where the column is that an attribute of this name means.
    ///
    /// # Errors
    /// An unhashable key.
    #[inline]
    pub fn attribute(&self, name: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        match self.attributes.bind(name.py()).get_item(name)? {
            Some(at) => Ok(Some(at.extract()?)),
            None => Ok(None),
        }
    }
}

#[cold]
fn ambiguous(name: &Bound<'_, PyAny>) -> PyErr {
    let name = name
        .str()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    PyKeyError::new_err(format!(
        "several columns are named \"{name}\": give them names of their own with AS, or take them by position"
    ))
}
