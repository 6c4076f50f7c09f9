//! Text of every kind: `text`, `varchar`, `bpchar`, `name`, `xml`, enums, `"char"`, and the values of all types that travel as text.

use bytes::{BufMut, BytesMut};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{Decoded, Encoded, Fault};

pub(super) fn decode<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    // SAFETY: pointer and length are those of a live slice, whose length fits `isize`; a null result has set an exception.
    let text = unsafe {
        let text = ffi::PyUnicode_DecodeUTF8(
            wire.as_ptr().cast(),
            wire.len().cast_signed(),
            std::ptr::null(),
        );
        Bound::from_owned_ptr_or_opt(py, text)
    };
    text.ok_or_else(|| {
        // The exception of the codec shows the bytes, which may be anything.
        drop(PyErr::take(py));
        Fault::data("the server sent text that is not valid UTF-8")
    })
}

pub(super) fn encode(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let text = value
        .cast::<PyString>()
        .map_err(|_| Fault::wrong_type("a str", value))?;
    let text = utf8(text)?;
    if text.contains(&0) {
        return Err(Fault::data("PostgreSQL's text cannot hold NUL (U+0000)"));
    }
    out.extend_from_slice(text);
    Ok(())
}

/// The label of an enum. A member of a Python enum stands for its value where that is a `str`, else for its name.
pub(super) fn encode_label(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    if value.is_instance_of::<PyString>() || !super::is_enum_member(value)? {
        return encode(value, out);
    }
    let py = value.py();
    let label = value.getattr(pyo3::intern!(py, "value"))?;
    if label.is_instance_of::<PyString>() {
        return encode(&label, out);
    }
    encode(&value.getattr(pyo3::intern!(py, "name"))?, out)
}

/// The UTF-8 form, borrowed from the object.
pub(super) fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Result<&'a [u8], Fault> {
    match text.to_str() {
        Ok(text) => Ok(text.as_bytes()),
        // The exception of the codec shows the text.
        Err(_) => Err(Fault::data(
            "the str holds lone surrogates, which are not Unicode text",
        )),
    }
}

/// `"char"`, the one-byte type of the system catalogs, is a `str` of one ASCII character, or empty for the zero byte. Bytes above
/// 127 are shown as PostgreSQL itself prints them, as `\ooo`.
pub(super) fn decode_char<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    match super::fixed(wire)? {
        [0] => Ok(PyString::new(py, "").into_any()),
        [byte @ 1..=127] => {
            Ok(PyString::new(py, char::from(byte).encode_utf8(&mut [0])).into_any())
        }
        [byte] => Ok(PyString::new(py, &format!("\\{byte:03o}")).into_any()),
    }
}

pub(super) fn encode_char(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let text = value
        .cast::<PyString>()
        .map_err(|_| Fault::wrong_type("a str", value))?;
    let byte = match utf8(text)? {
        [] => 0,
        [byte @ 1..=127] => *byte,
        [b'\\', a @ b'2'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0')
        }
        _ => {
            return Err(Fault::data(
                "the type \"char\" holds one ASCII character, or a byte as \\200 to \\377",
            ));
        }
    };
    out.put_u8(byte);
    Ok(())
}
