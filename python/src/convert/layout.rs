//! The columns of a result, and the Python rows made of them.

use data_bridge_driver::error::Outcome;
use data_bridge_driver::types::Format;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use super::{Codec, Fault, Type, json};
use crate::record::{self, NewRecord, Shape};

/// How the rows of one statement are decoded. Made once per statement.
#[derive(Debug)]
pub struct Layout {
    columns: Box<[Column]>,
    formats: Box<[Format]>,
    shape: Py<Shape>,
    /// The type of records.
    class: Py<PyType>,
    /// No column holds containers, so that no row can be part of a reference cycle and the collector need not look at it.
    is_flat: bool,
}

#[derive(Debug)]
struct Column {
    ty: Type,
    name: Box<str>,
}

impl Layout {
    /// From the names and types that the server described, in the order of the columns.
    ///
    /// # Errors
    /// Exhausted memory.
    pub fn new<'a>(
        py: Python<'_>,
        columns: impl IntoIterator<Item = (&'a str, Type)>,
    ) -> PyResult<Self> {
        let columns: Box<[_]> = columns
            .into_iter()
            .map(|(name, ty)| Column {
                ty,
                name: name.into(),
            })
            .collect();
        let names = PyTuple::new(
            py,
            columns
                .iter()
                .map(|column| PyString::intern(py, &column.name)),
        )?;
        let shape = Shape::new(&names)?.unbind();
        let class = record::class(py)?.clone().unbind();
        let formats = columns
            .iter()
            .map(|column| column.ty.codec.format())
            .collect();
        let is_flat = columns.iter().all(|column| column.ty.codec.is_flat());
        Ok(Self {
            columns,
            formats,
            shape,
            class,
            is_flat,
        })
    }

    /// Count of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether rows have no columns, as those of `SELECT FROM t`.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| &*column.name)
    }

    /// Whether no column holds containers, so that what is made of a row cannot be part of a reference cycle.
    pub fn is_flat(&self) -> bool {
        self.is_flat
    }

    /// The format to ask for each column, for the Bind message.
    pub fn formats(&self) -> &[Format] {
        &self.formats
    }

    /// One row as a `Record`; `values` gives the bytes of each column, `None` for NULL.
    ///
    /// # Errors
    /// `DataError`, which names the column, for a value that is malformed or that no Python object can hold.
    pub fn record<'py, 'r>(
        &self,
        py: Python<'py>,
        mut values: impl Iterator<Item = Option<&'r [u8]>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut record =
            NewRecord::new(self.class.bind(py), self.shape.bind(py), self.columns.len())?;
        for at in 0..self.columns.len() {
            let value = values.next().ok_or_else(|| self.wrong_count(py))?;
            record.set(at, self.value(py, at, value)?);
        }
        Ok(record.finish(self.is_flat))
    }

    /// One row as a `tuple`.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn tuple<'py, 'r>(
        &self,
        py: Python<'py>,
        mut values: impl Iterator<Item = Option<&'r [u8]>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        // SAFETY: the tuple is new and nobody else's until it is returned. Every place is written at most once, with a reference
        // that it takes over; places that stay empty after an error are null, which tuples may have while they are dropped.
        unsafe {
            let tuple = ffi::PyTuple_New(self.columns.len().cast_signed());
            let tuple = Bound::from_owned_ptr_or_err(py, tuple)?.cast_into_unchecked::<PyTuple>();
            for at in 0..self.columns.len() {
                let value = values.next().ok_or_else(|| self.wrong_count(py))?;
                let value = self.value(py, at, value)?;
                ffi::PyTuple_SET_ITEM(tuple.as_ptr(), at.cast_signed(), value.into_ptr());
            }
            if self.is_flat {
                ffi::PyObject_GC_UnTrack(tuple.as_ptr().cast());
            }
            Ok(tuple)
        }
    }

    /// The value of the column `at` (from 0) alone.
    ///
    /// # Errors
    /// As [`record`](Self::record); an index beyond the columns.
    #[inline]
    pub fn value<'py>(
        &self,
        py: Python<'py>,
        at: usize,
        value: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(column) = self.columns.get(at) else {
            return Err(self.wrong_count(py));
        };
        match value {
            None => Ok(py.None().into_bound(py)),
            Some(wire) => column
                .ty
                .codec
                .decode(py, wire)
                .map_err(|fault| column.error(py, fault)),
        }
    }

    /// The text of a value of the column `at`, if that is of a JSON type.
    pub fn json<'w>(&self, at: usize, wire: &'w [u8]) -> Option<&'w [u8]> {
        match self.columns.get(at)?.ty.codec {
            Codec::Json => Some(wire),
            Codec::Jsonb => json::text(wire),
            _ => None,
        }
    }

    /// The error for a value of the column `at`.
    #[cold]
    pub fn error(&self, py: Python<'_>, at: usize, fault: Fault) -> PyErr {
        match self.columns.get(at) {
            Some(column) => column.error(py, fault),
            None => self.wrong_count(py),
        }
    }

    #[cold]
    fn wrong_count(&self, py: Python<'_>) -> PyErr {
        Fault::data(format!(
            "the statement has {} columns, the row another count",
            self.columns.len()
        ))
        .at(py, "row", Outcome::Unknown)
    }
}

impl Column {
    #[cold]
    fn error(&self, py: Python<'_>, fault: Fault) -> PyErr {
        fault.at(
            py,
            &format!("column \"{}\" ({})", self.name, self.ty.name),
            Outcome::Unknown,
        )
    }
}
