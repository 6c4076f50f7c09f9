//! Ranges as `data_bridge.postgres.Range`, multiranges as `Multirange`, over any type that has a range (manual, section 8.17).
//!
//! The binary form is that of `range_send`: flags, then each bound that there is behind its length. That of a multirange is a count,
//! then each range behind its length.

use bytes::{BufMut, BytesMut};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString, PyTuple, PyType};

use super::reader::Reader;
use super::{Codec, Decoded, Encoded, Fault};

/// Flags of `rangetypes.h`.
const EMPTY: u8 = 0x01;
const LOWER_INCLUDED: u8 = 0x02;
const UPPER_INCLUDED: u8 = 0x04;
const LOWER_OPEN: u8 = 0x08;
const UPPER_OPEN: u8 = 0x10;
const KNOWN: u8 = EMPTY | LOWER_INCLUDED | UPPER_INCLUDED | LOWER_OPEN | UPPER_OPEN;
const WORD: usize = 4;

/// Of ranges over the type of `bound`.
pub(super) fn decode<'py>(bound: &Codec, py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let (flags, rest) = wire.split_first().ok_or_else(malformed)?;
    let mut rest = Reader(rest);
    if flags & !KNOWN != 0 {
        return Err(malformed());
    }
    let is_empty = flags & EMPTY != 0;
    let mut read = |open: u8| -> Decoded<'py> {
        if is_empty || flags & open != 0 {
            return Ok(py.None().into_bound(py));
        }
        bound.decode(py, rest.bytes().ok_or_else(malformed)?)
    };
    let (lower, upper) = (read(LOWER_OPEN)?, read(UPPER_OPEN)?);
    if !rest.is_empty() {
        return Err(malformed());
    }
    let bounds = match (flags & LOWER_INCLUDED != 0, flags & UPPER_INCLUDED != 0) {
        _ if is_empty => intern!(py, "empty"),
        (true, true) => intern!(py, "[]"),
        (true, false) => intern!(py, "[)"),
        (false, true) => intern!(py, "(]"),
        (false, false) => intern!(py, "()"),
    };
    Ok(range(py)?.call1((lower, upper, bounds))?)
}

pub(super) fn encode(bound: &Codec, value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let py = value.py();
    if !value.is_instance(range(py)?)? {
        return Err(Fault::wrong_type("a data_bridge.postgres.Range", value));
    }
    let bounds = value.getattr(intern!(py, "bounds"))?;
    let bounds = bounds.cast::<PyString>().map_err(PyErr::from)?.to_str()?;
    let lower = value.getattr(intern!(py, "lower"))?;
    let upper = value.getattr(intern!(py, "upper"))?;
    if bounds == "empty" {
        out.put_u8(EMPTY);
        return Ok(());
    }
    let mut flags = 0;
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    flags |= flag(bounds.starts_with('[') && !lower.is_none(), LOWER_INCLUDED);
    flags |= flag(bounds.ends_with(']') && !upper.is_none(), UPPER_INCLUDED);
    flags |= flag(lower.is_none(), LOWER_OPEN) | flag(upper.is_none(), UPPER_OPEN);
    out.put_u8(flags);
    for side in [lower, upper] {
        if !side.is_none() {
            bound.encode_with_len(&side, out)?;
        }
    }
    Ok(())
}

pub(super) fn decode_multi<'py>(bound: &Codec, py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let mut rest = Reader(wire);
    // Each range has a length word and its flags.
    let count = rest.count(WORD + 1).ok_or_else(malformed)?;
    let mut ranges = Vec::with_capacity(count);
    for _ in 0..count {
        ranges.push(decode(bound, py, rest.bytes().ok_or_else(malformed)?)?);
    }
    if !rest.is_empty() {
        return Err(malformed());
    }
    Ok(multirange(py)?.call1((PyTuple::new(py, ranges)?,))?)
}

/// Takes a `Multirange`, or any list or tuple of ranges.
pub(super) fn encode_multi(bound: &Codec, value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let ranges = match (value.cast::<PyTuple>(), value.cast::<PyList>()) {
        (Ok(tuple), _) => tuple.clone(),
        (_, Ok(list)) => list.to_tuple(),
        _ => {
            return Err(Fault::wrong_type(
                "a data_bridge.postgres.Multirange or a list of ranges",
                value,
            ));
        }
    };
    let count =
        i32::try_from(ranges.len()).map_err(|_| Fault::data("there are too many ranges"))?;
    out.put_i32(count);
    for range in &ranges {
        let start = out.len();
        out.put_i32(0);
        encode(bound, &range, out)?;
        let len = i32::try_from(out.len() - start - WORD)
            .map_err(|_| Fault::data("the range is too large"))?;
        if let Some(place) = out.get_mut(start..start + WORD) {
            place.copy_from_slice(&len.to_be_bytes());
        }
    }
    Ok(())
}

fn range(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "data_bridge.postgres.range", "Range")
}

fn multirange(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "data_bridge.postgres.range", "Multirange")
}

#[cold]
fn malformed() -> Fault {
    Fault::data("the server sent a malformed range")
}
