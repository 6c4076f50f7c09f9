//! Types that are bits and numbers: `bit` and `varbit` as `str` of zeros and ones, `xid8` as `int`, `pg_lsn` as `str`.

use bytes::{BufMut, BytesMut};
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::reader::Reader;
use super::{Decoded, Encoded, Fault, fixed, text};

/// `varbit_send`: the count of bits, then the bytes that they fill from the left.
pub(super) fn decode<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let mut rest = Reader(wire);
    let count = rest
        .word()
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| count.div_ceil(8) == rest.0.len())
        .ok_or_else(|| Fault::data("the server sent a malformed bit string"))?;
    let bits: String = rest
        .0
        .iter()
        .flat_map(|byte| (0..8).map(move |at| if byte << at & 0x80 == 0 { '0' } else { '1' }))
        .take(count)
        .collect();
    Ok(PyString::new(py, &bits).into_any())
}

pub(super) fn encode(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let bits = text_of(value)?;
    let bits = text::utf8(bits)?;
    let count = i32::try_from(bits.len()).map_err(|_| Fault::data("the bit string is too long"))?;
    if !bits.iter().all(|bit| matches!(bit, b'0' | b'1')) {
        return Err(Fault::data("a bit string is a str of 0 and 1"));
    }
    out.put_i32(count);
    for chunk in bits.chunks(8) {
        let byte = chunk
            .iter()
            .enumerate()
            .fold(0, |byte, (at, bit)| byte | (bit - b'0') << (7 - at));
        out.put_u8(byte);
    }
    Ok(())
}

pub(super) fn decode_xid8<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let number = u64::from_be_bytes(fixed(wire)?);
    Ok(number.into_pyobject(py).map_err(PyErr::from)?.into_any())
}

pub(super) fn encode_xid8(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let number = value
        .extract::<u64>()
        .map_err(|_| Fault::wrong_type("an int from 0 up to 64 bits", value))?;
    out.put_u64(number);
    Ok(())
}

/// `16/B374D848`: the two halves in hexadecimal.
pub(super) fn decode_lsn<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let number = u64::from_be_bytes(fixed(wire)?);
    let text = format!("{:X}/{:X}", number >> 32, number & 0xffff_ffff);
    Ok(PyString::new(py, &text).into_any())
}

pub(super) fn encode_lsn(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let half = |digits: &str| {
        let sound = (1..=8).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        sound
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    };
    let lsn = text_of(value)?
        .to_str()
        .ok()
        .and_then(|text| text.split_once('/'));
    match lsn.and_then(|(high, low)| half(high).zip(half(low))) {
        Some((high, low)) => {
            out.put_u32(high);
            out.put_u32(low);
            Ok(())
        }
        None => Err(Fault::data(
            "the str is not the text of a pg_lsn, such as 16/B374D848",
        )),
    }
}

fn text_of<'a, 'py>(value: &'a Bound<'py, PyAny>) -> Result<&'a Bound<'py, PyString>, Fault> {
    value
        .cast::<PyString>()
        .map_err(|_| Fault::wrong_type("a str", value))
}
