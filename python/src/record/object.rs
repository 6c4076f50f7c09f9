//! The memory of a record: one object that holds its values, as a tuple does, and a reference to the shape that all rows share.
//!
//! A `#[pyclass]` around a tuple would need no unsafe code, but a second object per row: 186 ns instead of 150 for a row of six
//! columns, and 56 bytes more of memory. So this file lays out the type by hand. What it must hold to, throughout:
//!
//! - `ob_size` items follow the fixed part. Each is null (not yet filled) or an owned reference.
//! - `shape` is an owned reference to a [`Shape`], never null, from the moment the object is visible to anyone.
//! - After [`NewRecord::finish`] nothing changes, so items can be lent out for as long as the record is.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};

use super::methods;
use super::shape::Shape;

/// The fixed part.
#[repr(C)]
struct Object {
    head: ffi::PyVarObject,
    shape: *mut ffi::PyObject,
    items: [*mut ffi::PyObject; 0],
}

/// The type, made on first use.
///
/// # Errors
/// Exhausted memory.
pub fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS
        .get_or_try_init(py, || make_class(py))
        .map(|class| class.bind(py))
}

fn make_class(py: Python<'_>) -> PyResult<Py<PyType>> {
    // CPython keeps pointers into the slots of methods for the life of the type, which is that of the process.
    let methods = Box::leak(methods::table());
    let slot = |slot: c_int, function: *mut c_void| ffi::PyType_Slot {
        slot,
        pfunc: function,
    };
    let mut slots = vec![
        slot(
            ffi::Py_tp_dealloc,
            dealloc as ffi::destructor as *mut c_void,
        ),
        slot(
            ffi::Py_tp_traverse,
            traverse as ffi::traverseproc as *mut c_void,
        ),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
    ];
    slots.extend(
        methods::slots()
            .into_iter()
            .map(|(id, function)| slot(id, function)),
    );
    slots.push(slot(0, ptr::null_mut()));
    let flags = ffi::Py_TPFLAGS_DEFAULT
        | ffi::Py_TPFLAGS_HAVE_GC
        | ffi::Py_TPFLAGS_IMMUTABLETYPE
        | ffi::Py_TPFLAGS_SEQUENCE;
    let mut spec = ffi::PyType_Spec {
        name: c"data_bridge.postgres.Record".as_ptr(),
        basicsize: c_int::try_from(size_of::<Object>()).unwrap_or(0),
        itemsize: c_int::try_from(size_of::<*mut ffi::PyObject>()).unwrap_or(0),
        #[allow(clippy::cast_possible_truncation)] // all of these flags are below 2^32
        flags: flags as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the specification is complete, its slots end with 0 and hold functions of the types that CPython asks for.
    unsafe {
        let class = Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))?;
        Ok(class.cast_into_unchecked::<PyType>().unbind())
    }
}

/// A record whose values are being filled in; nobody else has seen it.
#[derive(Debug)]
pub struct NewRecord<'py>(Bound<'py, PyAny>);

impl<'py> NewRecord<'py> {
    /// A record of this shape with room for `len` values. `class` is [`class`].
    ///
    /// # Errors
    /// Exhausted memory.
    #[inline]
    pub fn new(
        class: &Bound<'py, PyType>,
        shape: &Bound<'py, Shape>,
        len: usize,
    ) -> PyResult<Self> {
        let py = class.py();
        // SAFETY: the allocation has room for `len` items and sets head and size; the rest is set here, before anybody looks. The
        // object is not yet known to the collector.
        unsafe {
            let object =
                ffi::PyObject_GC_NewVar::<Object>(class.as_ptr().cast(), len.cast_signed());
            let record = Bound::from_owned_ptr_or_opt(py, object.cast());
            let record = record.ok_or_else(|| PyErr::fetch(py))?;
            (*object).shape = shape.clone().into_ptr().cast();
            let items = first_item(object);
            for at in 0..len {
                items.add(at).write(ptr::null_mut());
            }
            Ok(Self(record))
        }
    }

    /// Fills the value `at` (from 0); places beyond the length are ignored.
    #[inline]
    pub fn set(&mut self, at: usize, value: Bound<'py, PyAny>) {
        let object = self.0.as_ptr().cast::<Object>();
        // SAFETY: the place lies in the record, which only `self` can reach. What was there is null or an owned reference.
        unsafe {
            if at < len(object) {
                let before = first_item(object).add(at).replace(value.into_ptr());
                ffi::Py_XDECREF(before);
            }
        }
    }

    /// The finished record. One that is `flat` holds nothing that could refer back to it, and is not shown to the collector.
    #[inline]
    pub fn finish(self, flat: bool) -> Bound<'py, PyAny> {
        if !flat {
            // SAFETY: the object is complete and not tracked yet.
            unsafe { ffi::PyObject_GC_Track(self.0.as_ptr().cast()) }
        }
        self.0
    }
}

/// The values of a record. Empty for objects of other types.
#[inline]
pub fn values<'a, 'py>(
    record: &'a Bound<'py, PyAny>,
) -> impl ExactSizeIterator<Item = Bound<'py, PyAny>> + 'a {
    let py = record.py();
    items(record).iter().map(move |item| {
        // SAFETY: a reference of the record's, which is alive.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, *item) }
            .unwrap_or_else(|| py.None().into_bound(py))
    })
}

/// One value of a record.
#[inline]
pub(super) fn value<'py>(record: &Bound<'py, PyAny>, at: usize) -> Option<Bound<'py, PyAny>> {
    values(record).nth(at)
}

/// The shape of a record. `record` must be one.
#[inline]
pub(super) fn shape<'py>(record: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Shape>> {
    if !is_record(record) {
        return Err(pyo3::exceptions::PyTypeError::new_err("a Record is needed"));
    }
    // SAFETY: the object is a record, which owns a reference to its shape.
    unsafe {
        let shape = (*record.as_ptr().cast::<Object>()).shape;
        Ok(Bound::from_borrowed_ptr(record.py(), shape).cast_into_unchecked())
    }
}

/// Whether the object is a record. The type cannot be subclassed.
#[inline]
pub(super) fn is_record(object: &Bound<'_, PyAny>) -> bool {
    class(object.py()).is_ok_and(|class| object.get_type_ptr() == class.as_ptr().cast())
}

/// The values as a tuple.
pub(super) fn to_tuple<'py>(record: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(record.py(), values(record))
}

#[inline]
fn items<'a>(record: &'a Bound<'_, PyAny>) -> &'a [*mut ffi::PyObject] {
    if !is_record(record) {
        return &[];
    }
    let object = record.as_ptr().cast::<Object>();
    // SAFETY: `ob_size` items follow the fixed part of a record, and do not change any more.
    unsafe { std::slice::from_raw_parts(first_item(object), len(object)) }
}

/// Count of items. Not to be called for objects of other types.
#[inline]
unsafe fn len(object: *mut Object) -> usize {
    // SAFETY: the caller's object is alive.
    usize::try_from(unsafe { (*object).head.ob_size }).unwrap_or(0)
}

/// Where the items begin. Not to be called for objects of other types.
#[inline]
unsafe fn first_item(object: *mut Object) -> *mut *mut ffi::PyObject {
    // SAFETY: the caller's object is alive; the place of the items is part of it.
    unsafe { (&raw mut (*object).items).cast() }
}

/// How deep destructors of records may stand in one another.
const NESTING_LIMIT: u32 = 40;

thread_local! {
    /// How deep they stand now.
    static NESTING: Cell<u32> = const { Cell::new(0) };
    /// Dead records that wait for the outermost destructor.
    static WAITING: RefCell<Vec<*mut Object>> = const { RefCell::new(Vec::new()) };
}

/// Frees a record. A record within a record within a record, to any depth and with any objects in between, does not exhaust the stack:
/// beyond some depth the outermost destructor does the work of the inner ones.
unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    let record = object.cast::<Object>();
    // SAFETY: CPython calls this once, when the last reference is gone, with the interpreter attached. A record that waits was handed
    // over by such a call and is freed once.
    unsafe {
        if ffi::PyObject_GC_IsTracked(object) == 0 {
            // It is flat, as most are: there are no records in it.
            return free(record);
        }
        ffi::PyObject_GC_UnTrack(object.cast());
        let nesting = NESTING.get();
        if nesting >= NESTING_LIMIT
            && WAITING
                .try_with(|waiting| waiting.borrow_mut().push(record))
                .is_ok()
        {
            return;
        }
        NESTING.set(nesting + 1);
        free(record);
        if nesting == 0 {
            while let Ok(Some(next)) = WAITING.try_with(|waiting| waiting.borrow_mut().pop()) {
                free(next);
            }
        }
        NESTING.set(nesting);
    }
}

/// Lets go of what a dead record holds, and of its memory.
unsafe fn free(record: *mut Object) {
    // SAFETY: the caller has the only pointer to the record. Items that are null are skipped. The type is let go last, as for every
    // object of a heap type.
    unsafe {
        let class = ffi::Py_TYPE(record.cast());
        for at in 0..len(record) {
            ffi::Py_XDECREF(*first_item(record).add(at));
        }
        ffi::Py_XDECREF((*record).shape);
        ffi::PyObject_GC_Del(record.cast());
        ffi::Py_DECREF(class.cast());
    }
}

/// Shows the collector what a record refers to. There is no `tp_clear`: as with tuples, a cycle is broken at the object that changed
/// to close it.
unsafe extern "C" fn traverse(
    object: *mut ffi::PyObject,
    visit: ffi::visitproc,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: only complete records are tracked; null items are skipped.
    unsafe {
        let record = object.cast::<Object>();
        for at in 0..len(record) {
            let item = *first_item(record).add(at);
            if !item.is_null() {
                let stop = visit(item, arg);
                if stop != 0 {
                    return stop;
                }
            }
        }
        visit(ffi::Py_TYPE(object).cast(), arg)
    }
}
