//! PostgreSQL values to Python objects and back, with no value in between: one file per family of types.
//!
//! A [`Codec`] is looked up once per column or parameter; rows then go through [`Layout`], parameters through [`Params`], and rows
//! to be written through [`CopyEncoder`] and [`ColumnEncoder`].

// All decoders have one signature, also those that cannot fail.
#![allow(clippy::unnecessary_wraps)]

mod array;
mod bits;
mod bytea;
mod columns;
mod copy;
mod datetime;
mod extension;
#[cfg(test)]
mod family_tests;
mod fault;
mod interval;
mod json;
mod layout;
mod mpdec;
mod network;
mod number;
mod numeric;
mod params;
mod range;
mod reader;
mod rows;
#[cfg(test)]
mod rows_tests;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod uuid;

use bytes::{BufMut, BytesMut};
use data_bridge_driver::types::Format;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

pub use array::ArrayCodec;
pub use columns::ColumnEncoder;
pub use copy::CopyEncoder;
pub use fault::Fault;
pub use layout::Layout;
pub use params::Params;
pub use types::Type;

/// A decoded object, or why there is none.
pub type Decoded<'py> = Result<Bound<'py, PyAny>, Fault>;
/// Whether the bytes were appended.
pub type Encoded = Result<(), Fault>;

/// PostgreSQL refuses values of 1 GiB (`MaxAllocSize`); it would end the connection for a message of that size.
const MAX_VALUE_LEN: usize = 0x3fff_ffff;
const LEN_SIZE: usize = 4;

/// How one PostgreSQL type and Python meet.
#[derive(Debug)]
pub enum Codec {
    /// `bool` and `bool`
    Bool,
    /// `int2` and `int`
    Int2,
    /// `int4` and `int`
    Int4,
    /// `int8` and `int`
    Int8,
    /// `oid` and `int`
    Oid,
    /// `float4` and `float`
    Float4,
    /// `float8` and `float`
    Float8,
    /// `numeric` and `decimal.Decimal`
    Numeric,
    /// `text`, `varchar`, `bpchar`, `name`, `citext`, and `str`
    Text,
    /// Enums, and `str` out; that or a member of an `enum.Enum` in
    Enum,
    /// `"char"` and `str`
    Char,
    /// `bytea` and `bytes`
    Bytea,
    /// `uuid` and `uuid.UUID`
    Uuid,
    /// `date` and `datetime.date`
    Date,
    /// `time` and `datetime.time`
    Time,
    /// `timetz` and `datetime.time` with a zone
    TimeTz,
    /// `timestamp` and `datetime.datetime` without a zone
    Timestamp,
    /// `timestamptz` and `datetime.datetime` with a zone
    TimestampTz,
    /// `interval` and `datetime.timedelta` or `data_bridge.postgres.Interval`
    Interval,
    /// `json` and what `json.loads` gives
    Json,
    /// `jsonb` and what `json.loads` gives
    Jsonb,
    /// Ranges over the type of this codec, and `data_bridge.postgres.Range`
    Range(Box<Codec>),
    /// Multiranges over the type of this codec, and `data_bridge.postgres.Multirange`
    Multirange(Box<Codec>),
    /// `inet` and an address or interface of `ipaddress`
    Inet,
    /// `cidr` and a network of `ipaddress`
    Cidr,
    /// `macaddr` and `str`
    MacAddr,
    /// `macaddr8` and `str`
    MacAddr8,
    /// `bit` and `varbit`, and `str` of zeros and ones
    Bits,
    /// `xid8` and `int`
    Xid8,
    /// `pg_lsn` and `str`
    Lsn,
    /// `hstore` and a dict of `str` to `str` or `None`
    Hstore,
    /// `ltree`, `lquery` and `ltxtquery`, and `str`
    Ltree,
    /// `vector` of pgvector and a list of floats
    Vector,
    /// What functions without a result return: `None`
    Void,
    /// Arrays of any of these, and lists
    Array(Box<ArrayCodec>),
    /// Every other type: the `str` that PostgreSQL prints and reads
    AsText,
}

impl Codec {
    /// The format that this codec reads and writes.
    pub fn format(&self) -> Format {
        if matches!(self, Self::AsText) {
            Format::Text
        } else {
            Format::Binary
        }
    }

    /// Whether the objects made hold no others that could refer back to a row.
    fn is_flat(&self) -> bool {
        !matches!(
            self,
            Self::Array(_)
                | Self::Json
                | Self::Jsonb
                | Self::Range(_)
                | Self::Multirange(_)
                | Self::Inet
                | Self::Cidr
                | Self::Hstore
                | Self::Vector
        )
    }

    /// Whether a list may be a value, and in a list of such values is no dimension of an array.
    fn takes_lists(&self) -> bool {
        matches!(
            self,
            Self::Json | Self::Jsonb | Self::Multirange(_) | Self::Vector
        )
    }

    /// Makes the object that a value (never NULL) stands for.
    ///
    /// # Errors
    /// Malformed bytes, and values that the Python type cannot hold. The bytes are never trusted.
    #[inline]
    pub fn decode<'py>(&self, py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
        match self {
            Self::Bool => number::decode_bool(py, wire),
            Self::Int2 => number::decode_int2(py, wire),
            Self::Int4 => number::decode_int4(py, wire),
            Self::Int8 => number::decode_int8(py, wire),
            Self::Oid => number::decode_oid(py, wire),
            Self::Float4 => number::decode_float4(py, wire),
            Self::Float8 => number::decode_float8(py, wire),
            Self::Numeric => numeric::decode(py, wire),
            Self::Text | Self::Enum | Self::AsText => text::decode(py, wire),
            Self::Char => text::decode_char(py, wire),
            Self::Bytea => bytea::decode(py, wire),
            Self::Uuid => uuid::decode(py, wire),
            Self::Date => datetime::decode_date(py, wire),
            Self::Time => datetime::decode_time(py, wire),
            Self::TimeTz => datetime::decode_timetz(py, wire),
            Self::Timestamp => datetime::decode_timestamp(py, wire),
            Self::TimestampTz => datetime::decode_timestamptz(py, wire),
            Self::Interval => interval::decode(py, wire),
            Self::Json => json::decode(py, wire),
            Self::Jsonb => json::decode_jsonb(py, wire),
            Self::Range(bound) => range::decode(bound, py, wire),
            Self::Multirange(bound) => range::decode_multi(bound, py, wire),
            Self::Inet => network::decode_inet(py, wire),
            Self::Cidr => network::decode_cidr(py, wire),
            Self::MacAddr => network::decode_mac::<6>(py, wire),
            Self::MacAddr8 => network::decode_mac::<8>(py, wire),
            Self::Bits => bits::decode(py, wire),
            Self::Xid8 => bits::decode_xid8(py, wire),
            Self::Lsn => bits::decode_lsn(py, wire),
            Self::Hstore => extension::decode_hstore(py, wire),
            Self::Ltree => extension::decode_ltree(py, wire),
            Self::Vector => extension::decode_vector(py, wire),
            Self::Void => Ok(py.None().into_bound(py)),
            Self::Array(array) => array.decode(py, wire),
        }
    }

    /// Appends the value (never `None`) without its length. After an error `out` may hold a part of it.
    ///
    /// Members of an `enum.Enum` that are not themselves of the type stand for their value.
    ///
    /// # Errors
    /// Another kind of object, a value out of range, or an exception in the object's own methods.
    #[inline]
    pub fn encode(&self, value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
        match self.encode_object(value, out) {
            Err(fault) if fault.is_wrong_type() && is_enum_member(value)? => {
                let value = value.getattr(pyo3::intern!(value.py(), "value"))?;
                self.encode_object(&value, out)
            }
            result => result,
        }
    }

    #[inline]
    fn encode_object(&self, value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
        match self {
            Self::Bool => number::encode_bool(value, out),
            Self::Int2 => number::encode_int2(value, out),
            Self::Int4 => number::encode_int4(value, out),
            Self::Int8 => number::encode_int8(value, out),
            Self::Oid => number::encode_oid(value, out),
            Self::Float4 => number::encode_float4(value, out),
            Self::Float8 => number::encode_float8(value, out),
            Self::Numeric => numeric::encode(value, out),
            Self::Text | Self::AsText => text::encode(value, out),
            Self::Enum => text::encode_label(value, out),
            Self::Char => text::encode_char(value, out),
            Self::Bytea => bytea::encode(value, out),
            Self::Uuid => uuid::encode(value, out),
            Self::Date => datetime::encode_date(value, out),
            Self::Time => datetime::encode_time(value, out),
            Self::TimeTz => datetime::encode_timetz(value, out),
            Self::Timestamp => datetime::encode_timestamp(value, out),
            Self::TimestampTz => datetime::encode_timestamptz(value, out),
            Self::Interval => interval::encode(value, out),
            Self::Json => json::encode(value, out),
            Self::Jsonb => json::encode_jsonb(value, out),
            Self::Range(bound) => range::encode(bound, value, out),
            Self::Multirange(bound) => range::encode_multi(bound, value, out),
            Self::Inet => network::encode_inet(value, out),
            Self::Cidr => network::encode_cidr(value, out),
            Self::MacAddr => network::encode_mac::<6>(value, out),
            Self::MacAddr8 => network::encode_mac::<8>(value, out),
            Self::Bits => bits::encode(value, out),
            Self::Xid8 => bits::encode_xid8(value, out),
            Self::Lsn => bits::encode_lsn(value, out),
            Self::Hstore => extension::encode_hstore(value, out),
            Self::Ltree => extension::encode_ltree(value, out),
            Self::Vector => extension::encode_vector(value, out),
            Self::Void => Err(Fault::wrong_type("None", value)),
            Self::Array(array) => array.encode(value, out),
        }
    }

    /// As [`encode`](Self::encode), and refuses what PostgreSQL would refuse by ending the connection.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode), and a value of 1 GiB or more.
    #[inline]
    pub fn encode_limited(&self, value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
        let start = out.len();
        self.encode(value, out)?;
        if out.len() - start > MAX_VALUE_LEN {
            Err(too_large())
        } else {
            Ok(())
        }
    }

    /// Appends the length word and the value, or -1 for `None`. After an error `out` may hold a part of it.
    ///
    /// # Errors
    /// Those of [`encode_limited`](Self::encode_limited).
    #[inline]
    pub fn encode_with_len(&self, value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
        if value.is_none() {
            out.put_i32(-1);
            return Ok(());
        }
        let start = out.len();
        out.put_i32(0);
        self.encode_limited(value, out)?;
        let len = i32::try_from(out.len() - start - LEN_SIZE).map_err(|_| too_large())?;
        if let Some(place) = out.get_mut(start..start + LEN_SIZE) {
            place.copy_from_slice(&len.to_be_bytes());
        }
        Ok(())
    }
}

#[cold]
fn too_large() -> Fault {
    Fault::data("the value is too large: PostgreSQL takes less than 1 GiB")
}

#[cold]
pub(super) fn is_enum_member(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    static ENUM: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    value.is_instance(ENUM.import(value.py(), "enum", "Enum")?)
}

/// The bytes of a value whose size does not vary.
#[inline]
fn fixed<const N: usize>(wire: &[u8]) -> Result<[u8; N], Fault> {
    wire.try_into().map_err(|_| Fault::length(N, wire.len()))
}
