//! `bytea`: `bytes` out, any object with the buffer protocol in.

use std::mem::MaybeUninit;

use bytes::BytesMut;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{Decoded, Encoded, Fault};

pub(super) fn decode<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    Ok(PyBytes::new(py, wire).into_any())
}

pub(super) fn encode(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        out.extend_from_slice(bytes.as_bytes());
        return Ok(());
    }
    let view = View::of(value)?;
    let len = view.len();
    let start = out.len();
    out.resize(start + len, 0);
    let Some(target) = out.get_mut(start..) else {
        return Ok(());
    };
    if view.copy_to(target) {
        Ok(())
    } else {
        Err(Fault::fetch(value.py()))
    }
}

/// A buffer that an object exports, given back when dropped. The exporter may not resize it meanwhile.
struct View<'a, 'py>(Box<ffi::Py_buffer>, &'a Bound<'py, PyAny>);

impl<'a, 'py> View<'a, 'py> {
    fn of(value: &'a Bound<'py, PyAny>) -> Result<Self, Fault> {
        let mut view = Box::new(MaybeUninit::<ffi::Py_buffer>::uninit());
        // SAFETY: `value` is alive and attached. PyObject_GetBuffer fills the structure when it returns 0, and only then is it read.
        // It stays at one address in its box, as some exporters need.
        unsafe {
            if ffi::PyObject_CheckBuffer(value.as_ptr()) == 0 {
                return Err(Fault::wrong_type("bytes", value));
            }
            if ffi::PyObject_GetBuffer(value.as_ptr(), view.as_mut_ptr(), ffi::PyBUF_FULL_RO) != 0 {
                return Err(Fault::fetch(value.py()));
            }
            Ok(Self(Box::from_raw(Box::into_raw(view).cast()), value))
        }
    }

    fn len(&self) -> usize {
        usize::try_from(self.0.len).unwrap_or(0)
    }

    /// Copies the elements in C order, also those of a sliced or strided view. False if an exception was set.
    fn copy_to(&self, target: &mut [u8]) -> bool {
        debug_assert_eq!(target.len(), self.len());
        // SAFETY: the view is filled and not yet released, and `target` has room for `len` bytes.
        unsafe {
            ffi::PyBuffer_ToContiguous(
                target.as_mut_ptr().cast(),
                &raw const *self.0,
                self.0.len,
                b'C'.cast_signed(),
            ) == 0
        }
    }
}

impl Drop for View<'_, '_> {
    fn drop(&mut self) {
        let _attached = self.1.py();
        // SAFETY: the view was filled, is released once, and the interpreter is attached.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.0) }
    }
}
