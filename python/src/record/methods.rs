//! What a record can do, as the slots and methods of its type. Nothing here depends on its layout.

use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyAttributeError, PyIndexError, PyKeyError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PySlice, PyString, PyTuple};

use super::object::{NewRecord, class, is_record, shape, to_tuple, value, values};
use super::shape::Shape;
use crate::errors;

type Object = *mut ffi::PyObject;

/// The slots of the type apart from its memory.
pub(super) fn slots() -> [(c_int, *mut c_void); 13] {
    [
        (ffi::Py_tp_doc, DOC.as_ptr().cast_mut().cast()),
        (ffi::Py_tp_new, new as ffi::newfunc as *mut c_void),
        (ffi::Py_tp_repr, repr as ffi::reprfunc as *mut c_void),
        (ffi::Py_tp_hash, hash as ffi::hashfunc as *mut c_void),
        (ffi::Py_tp_iter, iter as ffi::getiterfunc as *mut c_void),
        (
            ffi::Py_tp_getattro,
            getattro as ffi::getattrofunc as *mut c_void,
        ),
        (
            ffi::Py_tp_richcompare,
            richcompare as ffi::richcmpfunc as *mut c_void,
        ),
        (ffi::Py_sq_length, len as ffi::lenfunc as *mut c_void),
        (ffi::Py_sq_item, item as ffi::ssizeargfunc as *mut c_void),
        (
            ffi::Py_sq_contains,
            contains as ffi::objobjproc as *mut c_void,
        ),
        (ffi::Py_mp_length, len as ffi::lenfunc as *mut c_void),
        (
            ffi::Py_mp_subscript,
            subscript as ffi::binaryfunc as *mut c_void,
        ),
        (
            ffi::Py_tp_setattro,
            setattro as ffi::setattrofunc as *mut c_void,
        ),
    ]
}

/// The methods of the type, with the empty entry that ends them.
pub(super) fn table() -> Box<[ffi::PyMethodDef]> {
    let method = |name: &'static CStr,
                  function: ffi::PyCFunction,
                  flags: c_int,
                  doc: &'static CStr| ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunction: function,
        },
        ml_flags: flags,
        ml_doc: doc.as_ptr(),
    };
    let none = ffi::METH_NOARGS;
    Box::new([
        method(c"keys", keys, none, c"keys($self, /)\n--\n\nThe column names."),
        method(c"values", all_values, none, c"values($self, /)\n--\n\nThe values, as a tuple."),
        method(c"items", all_items, none, c"items($self, /)\n--\n\nPairs of column name and value."),
        method(
            c"get",
            get,
            ffi::METH_VARARGS,
            c"get($self, name, default=None, /)\n--\n\nThe value of the column, or the default where there is none.",
        ),
        method(c"__reduce__", reduce, none, c"Support for pickle and copy."),
        method(c"_repr_html_", repr_html, none, c"What a notebook shows."),
        ffi::PyMethodDef::zeroed(),
    ])
}

const DOC: &CStr = c"Record(names, values)
--

A row of a result. Immutable.

Values are taken by position (``row[0]``, ``row[1:]``), by name (``row[\"id\"]``) and as attributes (``row.id``, for names that
are not those of a method). Iterating gives the values, as does ``tuple(row)``; ``dict(row)`` gives a dict of them by name;
``\"id\" in row`` tells whether there is such a column. A record equals the tuple of its values.";

/// Runs the body of a slot. Exceptions and panics become the exception that `CPython` expects beside `error`.
#[inline]
fn run<R>(error: R, body: impl FnOnce(Python<'_>) -> PyResult<R>) -> R {
    // SAFETY: CPython calls slots with the interpreter attached.
    let py = unsafe { Python::assume_attached() };
    let raised = match catch_unwind(AssertUnwindSafe(|| body(py))) {
        Ok(Ok(result)) => return result,
        Ok(Err(raised)) => raised,
        Err(payload) => errors::panicked(py, &*payload),
    };
    raised.restore(py);
    error
}

/// An argument of a slot.
#[inline]
fn borrow(py: Python<'_>, object: Object) -> Bound<'_, PyAny> {
    // SAFETY: slots are called with objects that are alive during the call.
    unsafe { Bound::from_borrowed_ptr(py, object) }
}

unsafe extern "C" fn new(_class: *mut ffi::PyTypeObject, args: Object, kwargs: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let args = borrow(py, args).cast_into::<PyTuple>()?;
        if !kwargs.is_null() && borrow(py, kwargs).cast_into::<PyDict>()?.len() > 0 {
            return Err(PyTypeError::new_err("Record() takes no keyword arguments"));
        }
        let (names, given): (Bound<'_, PyAny>, Bound<'_, PyAny>) = args
            .extract()
            .map_err(|_| PyTypeError::new_err("Record() takes the column names and the values"))?;
        let names = PyTuple::type_object(py)
            .call1((names,))?
            .cast_into::<PyTuple>()?;
        let given = PyTuple::type_object(py)
            .call1((given,))?
            .cast_into::<PyTuple>()?;
        if names.len() != given.len() {
            return Err(PyValueError::new_err(format!(
                "{} values for {} columns",
                given.len(),
                names.len()
            )));
        }
        let mut record = NewRecord::new(class(py)?, &Shape::shared(&names)?, given.len())?;
        for (at, item) in given.iter().enumerate() {
            record.set(at, item);
        }
        Ok(record.finish(false).into_ptr())
    })
}

unsafe extern "C" fn repr(object: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let record = borrow(py, object);
        // A value may be a list that holds this very record.
        // SAFETY: enter and leave are paired for the same object.
        if unsafe { ffi::Py_ReprEnter(object) } != 0 {
            return Ok(PyString::new(py, "<Record ...>").into_ptr());
        }
        let text = write_repr(&record);
        // SAFETY: as above.
        unsafe { ffi::Py_ReprLeave(object) };
        Ok(PyString::new(py, &text?).into_ptr())
    })
}

fn write_repr(record: &Bound<'_, PyAny>) -> PyResult<String> {
    let shape = shape(record)?;
    let mut text = String::from("<Record");
    for (name, value) in shape.get().names(record.py()).iter().zip(values(record)) {
        text.push(' ');
        text.push_str(&name.str()?.to_string_lossy());
        text.push('=');
        text.push_str(&value.repr()?.to_string_lossy());
    }
    text.push('>');
    Ok(text)
}

unsafe extern "C" fn hash(object: Object) -> ffi::Py_hash_t {
    run(-1, |py| to_tuple(&borrow(py, object))?.hash())
}

unsafe extern "C" fn iter(object: Object) -> Object {
    // SAFETY: the object is alive; a null result has set an exception, as this slot is to do.
    unsafe { ffi::PySeqIter_New(object) }
}

unsafe extern "C" fn len(object: Object) -> ffi::Py_ssize_t {
    run(-1, |py| Ok(values(&borrow(py, object)).len().cast_signed()))
}

unsafe extern "C" fn item(object: Object, at: ffi::Py_ssize_t) -> Object {
    run(ptr::null_mut(), |py| {
        let found = usize::try_from(at)
            .ok()
            .and_then(|at| value(&borrow(py, object), at));
        found.map(Bound::into_ptr).ok_or_else(out_of_range)
    })
}

unsafe extern "C" fn contains(object: Object, name: Object) -> c_int {
    run(-1, |py| {
        Ok(shape(&borrow(py, object))?
            .get()
            .contains(&borrow(py, name))?
            .into())
    })
}

unsafe extern "C" fn subscript(object: Object, key: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let (record, key) = (borrow(py, object), borrow(py, key));
        if key.is_instance_of::<PyString>() {
            return match shape(&record)?
                .get()
                .position(&key)?
                .and_then(|at| value(&record, at))
            {
                Some(found) => Ok(found.into_ptr()),
                None => Err(PyKeyError::new_err(key.unbind())),
            };
        }
        if key.is_instance_of::<PySlice>() {
            return Ok(to_tuple(&record)?.as_any().get_item(key)?.into_ptr());
        }
        let Ok(at) = key.extract::<isize>() else {
            return Err(PyTypeError::new_err(
                "records are indexed by position, slice, or column name",
            ));
        };
        let len = values(&record).len();
        let at = if at < 0 {
            len.checked_sub(at.unsigned_abs())
        } else {
            Some(at.unsigned_abs())
        };
        at.and_then(|at| value(&record, at))
            .map(Bound::into_ptr)
            .ok_or_else(out_of_range)
    })
}

#[cold]
fn out_of_range() -> PyErr {
    PyIndexError::new_err("record index out of range")
}

unsafe extern "C" fn getattro(object: Object, name: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let (record, key) = (borrow(py, object), borrow(py, name));
        if let Some(at) = shape(&record)?.get().attribute(&key)?
            && let Some(found) = value(&record, at)
        {
            return Ok(found.into_ptr());
        }
        // SAFETY: both objects are alive.
        let found =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyObject_GenericGetAttr(object, name)) };
        found.map(Bound::into_ptr).map_err(|error| {
            if !error.is_instance_of::<PyAttributeError>(py) {
                return error;
            }
            match shape(&record).and_then(|shape| shape.get().position(&key)) {
                Err(ambiguous) => PyAttributeError::new_err(ambiguous.value(py).to_string()),
                Ok(_) => PyAttributeError::new_err(format!("the record has no column \"{key}\"")),
            }
        })
    })
}

unsafe extern "C" fn setattro(_object: Object, _name: Object, _value: Object) -> c_int {
    run(-1, |_| {
        Err(PyAttributeError::new_err(
            "records cannot be changed; make a dict of it: dict(record)",
        ))
    })
}

unsafe extern "C" fn richcompare(object: Object, other: Object, operation: c_int) -> Object {
    run(ptr::null_mut(), |py| {
        let (record, other) = (borrow(py, object), borrow(py, other));
        let other = if is_record(&other) {
            to_tuple(&other)?.into_any()
        } else if other.is_instance_of::<PyTuple>() {
            other
        } else {
            return Ok(py.NotImplemented().into_ptr());
        };
        let ours = to_tuple(&record)?;
        // SAFETY: both objects are alive; the operation is the one that CPython passed in.
        unsafe {
            let result = ffi::PyObject_RichCompare(ours.as_ptr(), other.as_ptr(), operation);
            Bound::from_owned_ptr_or_err(py, result).map(Bound::into_ptr)
        }
    })
}

unsafe extern "C" fn keys(object: Object, _: Object) -> Object {
    run(ptr::null_mut(), |py| {
        Ok(shape(&borrow(py, object))?
            .get()
            .names(py)
            .clone()
            .into_ptr())
    })
}

unsafe extern "C" fn all_values(object: Object, _: Object) -> Object {
    run(ptr::null_mut(), |py| {
        Ok(to_tuple(&borrow(py, object))?.into_ptr())
    })
}

unsafe extern "C" fn all_items(object: Object, _: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let record = borrow(py, object);
        let pairs: Vec<_> = shape(&record)?
            .get()
            .names(py)
            .iter()
            .zip(values(&record))
            .collect();
        Ok(PyTuple::new(py, pairs)?.into_ptr())
    })
}

unsafe extern "C" fn get(object: Object, args: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let (record, args) = (borrow(py, object), borrow(py, args).cast_into::<PyTuple>()?);
        if !(1..=2).contains(&args.len()) {
            return Err(PyTypeError::new_err(
                "get() takes a column name and a default",
            ));
        }
        let found = shape(&record)?
            .get()
            .position(&args.get_item(0)?)?
            .and_then(|at| value(&record, at));
        let default = || {
            args.get_item(1)
                .unwrap_or_else(|_| py.None().into_bound(py))
        };
        Ok(found.unwrap_or_else(default).into_ptr())
    })
}

unsafe extern "C" fn repr_html(object: Object, _: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let shown = py.import(c"data_bridge.postgres._show")?;
        Ok(shown
            .call_method1("html_of", (borrow(py, object),))?
            .into_ptr())
    })
}

unsafe extern "C" fn reduce(object: Object, _: Object) -> Object {
    run(ptr::null_mut(), |py| {
        let record = borrow(py, object);
        let shape = shape(&record)?;
        let parts = (shape.get().names(py), to_tuple(&record)?);
        Ok((record.get_type(), parts).into_pyobject(py)?.into_ptr())
    })
}
