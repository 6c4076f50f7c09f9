//! Rows as users have them: tuples, lists, records, dicts, other mappings, and objects with the columns as attributes.

use data_bridge_driver::error::Outcome;
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyString, PyTuple, PyType};

use super::{Encoded, Fault, Type};

/// Takes values out of rows by column, whatever kind the rows have.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Box<[Column]>,
    /// Whether a dict with more keys than columns is an error: the columns were taken from the rows themselves.
    exact_keys: bool,
    /// The type of the last row and its kind. The reference keeps the type alive, so that its address means it.
    last: Option<(Py<PyType>, RowKind)>,
}

#[derive(Debug)]
struct Column {
    /// Interned, so that looking it up in a dict compares pointers.
    name: Py<PyString>,
    ty: Type,
}

/// How the columns are taken out of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// By position.
    Tuple,
    /// By position.
    List,
    /// By position, through the sequence protocol.
    Sequence,
    /// By name.
    Dict,
    /// By name, through `__getitem__`.
    Mapping,
    /// By name, as attributes.
    Object,
}

impl Rows {
    pub(super) fn new<'a>(
        py: Python<'_>,
        columns: impl IntoIterator<Item = (&'a str, Type)>,
        exact_keys: bool,
    ) -> Self {
        let column = |(name, ty)| Column {
            name: PyString::intern(py, name).unbind(),
            ty,
        };
        Self {
            columns: columns.into_iter().map(column).collect(),
            exact_keys,
            last: None,
        }
    }

    pub(super) fn types(&self) -> impl ExactSizeIterator<Item = &Type> {
        self.columns.iter().map(|column| &column.ty)
    }

    /// Hands each value of a row to `take`, with the index and the type of its column; `index` (from 0) is for messages.
    ///
    /// # Errors
    /// `DataError`, which names the row, the column, its type and the kind of the object.
    #[inline]
    pub(super) fn read(
        &mut self,
        row: &Bound<'_, PyAny>,
        index: u64,
        mut take: impl FnMut(usize, &Type, &Bound<'_, PyAny>) -> Encoded,
    ) -> PyResult<()> {
        let kind = self
            .kind(row)
            .map_err(|fault| fault.at(row.py(), &format!("row {index}"), Outcome::NotSent))?;
        for (at, column) in self.columns.iter().enumerate() {
            value_of(row, kind, at, column)
                .and_then(|value| take(at, &column.ty, &value))
                .map_err(|fault| column.error(row.py(), index, fault))?;
        }
        Ok(())
    }

    /// The kind of a row, once it is known to have the right count of values where that can be known.
    #[inline]
    fn kind(&mut self, row: &Bound<'_, PyAny>) -> Result<RowKind, Fault> {
        let kind = match &self.last {
            Some((class, kind)) if class.as_ptr().cast() == row.get_type_ptr() => *kind,
            _ => self.look(row)?,
        };
        let count = match kind {
            // SAFETY: the kind says that this is a tuple, list or dict.
            RowKind::Tuple => unsafe { ffi::PyTuple_GET_SIZE(row.as_ptr()) }.cast_unsigned(),
            RowKind::List => unsafe { ffi::PyList_GET_SIZE(row.as_ptr()) }.cast_unsigned(),
            RowKind::Sequence => row.len()?,
            RowKind::Dict if self.exact_keys => {
                unsafe { ffi::PyDict_Size(row.as_ptr()) }.cast_unsigned()
            }
            _ => return Ok(kind),
        };
        if count == self.columns.len() {
            Ok(kind)
        } else if kind == RowKind::Dict {
            Err(Fault::data(format!(
                "the dict has {count} keys, the columns are {}; all rows must have the same keys, or columns= must name those to take",
                self.columns.len()
            )))
        } else {
            Err(Fault::data(format!(
                "the row has {count} values for {} columns",
                self.columns.len()
            )))
        }
    }

    #[cold]
    fn look(&mut self, row: &Bound<'_, PyAny>) -> Result<RowKind, Fault> {
        let kind = kind_of_row(row)?;
        self.last = Some((row.get_type().unbind(), kind));
        Ok(kind)
    }
}

/// The value of a column, which is number `at`, in a row of this kind.
#[inline]
fn value_of<'py>(
    row: &Bound<'py, PyAny>,
    kind: RowKind,
    at: usize,
    column: &Column,
) -> Result<Bound<'py, PyAny>, Fault> {
    let py = row.py();
    match kind {
        // SAFETY: `kind` checked the type, and a tuple does not change; its length is checked here. The item gets a reference of
        // its own, since encoding it may run code that drops others.
        RowKind::Tuple => unsafe {
            if at.cast_signed() >= ffi::PyTuple_GET_SIZE(row.as_ptr()) {
                return Err(changed());
            }
            Ok(Bound::from_borrowed_ptr(
                py,
                ffi::PyTuple_GET_ITEM(row.as_ptr(), at.cast_signed()),
            ))
        },
        RowKind::List => {
            let list = row.cast::<PyList>().map_err(|_| changed())?;
            list.get_item(at).map_err(|_| changed())
        }
        RowKind::Sequence => Ok(row.get_item(at)?),
        RowKind::Dict => {
            let dict = row.cast::<PyDict>().map_err(|_| changed())?;
            dict.get_item(column.name.bind(py))?.ok_or_else(missing_key)
        }
        RowKind::Mapping => row.get_item(column.name.bind(py)).map_err(|error| {
            if error.is_instance_of::<PyKeyError>(py) {
                missing_key()
            } else {
                error.into()
            }
        }),
        RowKind::Object => row.getattr(column.name.bind(py)).map_err(|error| {
            if error.is_instance_of::<PyAttributeError>(py) {
                Fault::data("the row has no attribute of this name")
            } else {
                error.into()
            }
        }),
    }
}

impl Column {
    #[cold]
    fn error(&self, py: Python<'_>, index: u64, fault: Fault) -> PyErr {
        let name = self.name.bind(py).to_string_lossy();
        fault.at(
            py,
            &format!("row {index}, column \"{name}\" ({})", self.ty.name),
            Outcome::NotSent,
        )
    }
}

fn kind_of_row(row: &Bound<'_, PyAny>) -> Result<RowKind, Fault> {
    static SEQUENCE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = row.py();
    if row.is_instance_of::<PyTuple>() {
        return Ok(RowKind::Tuple);
    }
    if row.is_instance_of::<PyList>() {
        return Ok(RowKind::List);
    }
    if row.is_exact_instance_of::<PyDict>() {
        return Ok(RowKind::Dict);
    }
    let is_scalar = row.is_none()
        || row.is_instance_of::<PyString>()
        || row.is_instance_of::<PyBytes>()
        || row.is_instance_of::<PyByteArray>()
        || row.is_instance_of::<PyType>();
    if is_scalar {
        return Err(not_a_row(row));
    }
    if row.hasattr(intern!(py, "keys"))? && row.hasattr(intern!(py, "__getitem__"))? {
        return Ok(RowKind::Mapping);
    }
    if row.is_instance(SEQUENCE.import(py, "collections.abc", "Sequence")?)? {
        return Ok(RowKind::Sequence);
    }
    // Objects of built-in types (int, float, set, a generator) have no columns; objects of classes have a dict or slots.
    if row.hasattr(intern!(py, "__dict__"))? || row.get_type().hasattr(intern!(py, "__slots__"))? {
        return Ok(RowKind::Object);
    }
    Err(not_a_row(row))
}

#[cold]
fn not_a_row(row: &Bound<'_, PyAny>) -> Fault {
    Fault::wrong_type(
        "a row (tuple, list, dict, record, or an object with the columns as attributes)",
        row,
    )
}

#[cold]
fn missing_key() -> Fault {
    Fault::data("the row has no key of this name")
}

#[cold]
fn changed() -> Fault {
    Fault::data("the row was changed while it was encoded")
}
