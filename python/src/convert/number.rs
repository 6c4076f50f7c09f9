//! `bool`, the integers, `oid` and the floats.

use bytes::{BufMut, BytesMut};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};

use super::{Decoded, Encoded, Fault, fixed};

pub(super) fn decode_bool<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    match fixed(wire)? {
        [0] => Ok(PyBool::new(py, false).to_owned().into_any()),
        [1] => Ok(PyBool::new(py, true).to_owned().into_any()),
        _ => Err(Fault::data(
            "the server sent a boolean that is neither 0 nor 1",
        )),
    }
}

pub(super) fn encode_bool(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    // Only bool itself: 0, 1 and 'yes' are guesses at what was meant.
    let value = value
        .cast_exact::<PyBool>()
        .map_err(|_| Fault::wrong_type("a bool", value))?;
    out.put_u8(u8::from(value.is_true()));
    Ok(())
}

pub(super) fn decode_int2<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    int(py, i16::from_be_bytes(fixed(wire)?).into())
}

pub(super) fn decode_int4<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    int(py, i32::from_be_bytes(fixed(wire)?).into())
}

pub(super) fn decode_int8<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    int(py, i64::from_be_bytes(fixed(wire)?))
}

pub(super) fn decode_oid<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    int(py, u32::from_be_bytes(fixed(wire)?).into())
}

fn int(py: Python<'_>, value: i64) -> Decoded<'_> {
    match value.into_pyobject(py) {
        Ok(int) => Ok(int.into_any()),
        Err(never) => match never {},
    }
}

pub(super) fn encode_int2(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let value = i16::try_from(integer(value)?).map_err(|_| out_of_range("-32768 to 32767"))?;
    out.extend_from_slice(&value.to_be_bytes());
    Ok(())
}

pub(super) fn encode_int4(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let value =
        i32::try_from(integer(value)?).map_err(|_| out_of_range("-2147483648 to 2147483647"))?;
    out.extend_from_slice(&value.to_be_bytes());
    Ok(())
}

pub(super) fn encode_int8(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    out.extend_from_slice(&integer(value)?.to_be_bytes());
    Ok(())
}

pub(super) fn encode_oid(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let value = u32::try_from(integer(value)?).map_err(|_| out_of_range("0 to 4294967295"))?;
    out.extend_from_slice(&value.to_be_bytes());
    Ok(())
}

/// An `int` (so a `bool` too, as in Python) or an object with `__index__`, as those of numpy.
fn integer(value: &Bound<'_, PyAny>) -> Result<i64, Fault> {
    if let Ok(int) = value.cast::<PyInt>() {
        return long_long(int);
    }
    match index(value)? {
        Some(int) => long_long(&int),
        None => Err(Fault::wrong_type("an int", value)),
    }
}

#[inline]
fn long_long(int: &Bound<'_, PyInt>) -> Result<i64, Fault> {
    let mut overflow = 0;
    // SAFETY: the object is an `int` and alive, so the call runs no Python code and raises nothing.
    let number = unsafe { ffi::PyLong_AsLongLongAndOverflow(int.as_ptr(), &raw mut overflow) };
    if overflow == 0 {
        Ok(number)
    } else {
        Err(out_of_range("64 bits"))
    }
}

/// What `__index__` gives; `None` where there is none.
pub(super) fn index<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyInt>>> {
    // SAFETY: the object is alive and the interpreter attached. The result is null with an exception set, or an `int`.
    unsafe {
        if ffi::PyIndex_Check(value.as_ptr()) == 0 {
            return Ok(None);
        }
        let int = Bound::from_owned_ptr_or_err(value.py(), ffi::PyNumber_Index(value.as_ptr()))?;
        Ok(Some(int.cast_into_unchecked()))
    }
}

#[cold]
fn out_of_range(range: &str) -> Fault {
    Fault::data(format!("the integer is out of range ({range})"))
}

pub(super) fn decode_float4<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let value = f32::from_be_bytes(fixed(wire)?);
    Ok(PyFloat::new(py, value.into()).into_any())
}

pub(super) fn decode_float8<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    Ok(PyFloat::new(py, f64::from_be_bytes(fixed(wire)?)).into_any())
}

/// Rounds to the nearest single-precision number, as the column holds no more; out of its range is an error.
pub(super) fn encode_float4(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let double = float(value)?;
    #[allow(clippy::cast_possible_truncation)] // checked right below
    let single = double as f32;
    if (single.is_infinite() && double.is_finite()) || (single == 0.0 && double != 0.0) {
        return Err(Fault::data(
            "the float is out of range for single precision",
        ));
    }
    out.extend_from_slice(&single.to_be_bytes());
    Ok(())
}

pub(super) fn encode_float8(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    out.extend_from_slice(&float(value)?.to_be_bytes());
    Ok(())
}

/// A `float`, an `int`, or an object with `__float__` or `__index__`.
fn float(value: &Bound<'_, PyAny>) -> Result<f64, Fault> {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        return Ok(float.value());
    }
    let object = value.as_ptr();
    // SAFETY: `object` is alive, the interpreter is attached, and types have `tp_as_number` for all of their life. The error check
    // below is the one that the documentation of PyFloat_AsDouble asks for.
    unsafe {
        let slots = (*ffi::Py_TYPE(object)).tp_as_number;
        let is_number =
            !slots.is_null() && ((*slots).nb_float.is_some() || (*slots).nb_index.is_some());
        if !is_number {
            return Err(Fault::wrong_type("a float", value));
        }
        let number = ffi::PyFloat_AsDouble(object);
        #[allow(clippy::float_cmp)] // the marker is exactly this number
        if number == -1.0 && !ffi::PyErr_Occurred().is_null() {
            return Err(Fault::fetch(value.py()));
        }
        Ok(number)
    }
}
