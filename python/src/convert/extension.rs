//! Types of extensions: `hstore` as a dict of texts, `ltree` and its queries as `str`, pgvector's `vector` as a list of floats.

use bytes::{BufMut, BytesMut};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};

use super::reader::Reader;
use super::{Decoded, Encoded, Fault, text};

/// The one version of `ltree_send` and its like.
const LTREE_VERSION: u8 = 1;
/// `VECTOR_MAX_DIM` of pgvector.
const MAX_DIMENSIONS: usize = 16_000;

/// `hstore_send`: a count of pairs, then key and value of each, where the value may be NULL.
pub(super) fn decode_hstore<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let malformed = || Fault::data("the server sent a malformed hstore");
    let mut rest = Reader(wire);
    let pairs = rest.count(8).ok_or_else(malformed)?;
    let dict = PyDict::new(py);
    for _ in 0..pairs {
        let key = text::decode(py, rest.bytes().ok_or_else(malformed)?)?;
        let value = match rest.value().ok_or_else(malformed)? {
            Some(value) => text::decode(py, value)?,
            None => py.None().into_bound(py),
        };
        dict.set_item(key, value)?;
    }
    if rest.is_empty() {
        Ok(dict.into_any())
    } else {
        Err(malformed())
    }
}

/// Takes a mapping of `str` to `str` or `None`.
pub(super) fn encode_hstore(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let mapping = value
        .cast::<PyMapping>()
        .map_err(|_| Fault::wrong_type("a dict of str to str or None", value))?;
    // A copy, which no method of a key can change.
    let items: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)> = mapping
        .items()?
        .iter()
        .map(|item| item.extract())
        .collect::<PyResult<_>>()?;
    put_count(out, items.len())?;
    for (key, value) in items {
        put_text(&key, out)?;
        if value.is_none() {
            out.put_i32(-1);
        } else {
            put_text(&value, out)?;
        }
    }
    Ok(())
}

fn put_text(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let string = value
        .cast::<PyString>()
        .map_err(|_| Fault::wrong_type("a str as key, and a str or None as value,", value))?;
    put_count(out, text::utf8(string)?.len())?;
    text::encode(value, out)
}

fn put_count(out: &mut BytesMut, count: usize) -> Encoded {
    out.put_i32(i32::try_from(count).map_err(|_| Fault::data("the hstore is too large"))?);
    Ok(())
}

pub(super) fn decode_ltree<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    match wire.split_first() {
        Some((&LTREE_VERSION, path)) => text::decode(py, path),
        _ => Err(Fault::data(
            "the server sent an ltree of an unknown version",
        )),
    }
}

pub(super) fn encode_ltree(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    out.put_u8(LTREE_VERSION);
    text::encode(value, out)
}

/// `vector_send`: the count of dimensions, two bytes that are unused, then a `float4` for each.
pub(super) fn decode_vector<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let malformed = || Fault::data("the server sent a malformed vector");
    let mut rest = Reader(wire);
    let count = rest.fixed().map(u16::from_be_bytes).ok_or_else(malformed)?;
    let _unused = rest.fixed::<2>().ok_or_else(malformed)?;
    let (floats, odd) = rest.0.as_chunks::<4>();
    if !odd.is_empty() || floats.len() != usize::from(count) {
        return Err(malformed());
    }
    let floats = floats
        .iter()
        .map(|float| f64::from(f32::from_be_bytes(*float)));
    Ok(PyList::new(py, floats)?.into_any())
}

/// Takes numpy's arrays and those of `array` (of single or double precision), and any sequence of numbers.
pub(super) fn encode_vector(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let py = value.py();
    let floats: Vec<f32> = if let Ok(buffer) = PyBuffer::<f32>::get(value) {
        one_dimension(buffer.dimensions())?;
        buffer.to_vec(py)?
    } else if let Ok(buffer) = PyBuffer::<f64>::get(value) {
        one_dimension(buffer.dimensions())?;
        buffer.to_vec(py)?.into_iter().map(single).collect()
    } else if value.is_instance_of::<PyString>() || value.hasattr(pyo3::intern!(py, "keys"))? {
        return Err(not_numbers(value));
    } else {
        let items = value.try_iter().map_err(|_| not_numbers(value))?;
        items
            .map(|item| Ok(single(item?.extract::<f64>()?)))
            .collect::<PyResult<_>>()
            .map_err(|_| not_numbers(value))?
    };
    if !(1..=MAX_DIMENSIONS).contains(&floats.len()) {
        return Err(Fault::data("a vector has 1 to 16000 dimensions"));
    }
    if !floats.iter().all(|float| float.is_finite()) {
        return Err(Fault::data(
            "a vector holds finite numbers of single precision",
        ));
    }
    let count = u16::try_from(floats.len()).map_err(|_| Fault::data("the vector is too long"))?;
    out.put_u16(count);
    out.put_u16(0);
    for float in floats {
        out.put_f32(float);
    }
    Ok(())
}

fn one_dimension(dimensions: usize) -> Encoded {
    if dimensions == 1 {
        Ok(())
    } else {
        Err(Fault::data("a vector is an array of one dimension"))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a vector is of single precision; what is too large for it is infinite and refused"
)]
fn single(float: f64) -> f32 {
    float as f32
}

#[cold]
fn not_numbers(value: &Bound<'_, PyAny>) -> Fault {
    Fault::wrong_type("a sequence of numbers", value)
}
