//! Python rows to one array per column, for `unnest`.

use bytes::{BufMut, BytesMut};
use data_bridge_driver::types::{Format, IsNull};
use pyo3::prelude::*;

use super::rows::Rows;
use super::{Codec, Encoded, Type, text};

/// Collects the values of rows by column. Each column becomes the parameter of its number, an array of one dimension.
///
/// Columns whose type travels as text become arrays that travel as text.
#[derive(Debug)]
pub struct ColumnEncoder {
    rows: Rows,
    arrays: Box<[Elements]>,
    formats: Box<[Format]>,
    count: u32,
}

/// The elements of an array as they stand in its wire form.
#[derive(Debug, Default)]
struct Elements {
    element_oid: u32,
    has_null: bool,
    bytes: BytesMut,
}

impl ColumnEncoder {
    /// For columns of these names and types; for `exact_keys` see [`CopyEncoder::new`](super::CopyEncoder::new).
    pub fn new<'a>(
        py: Python<'_>,
        columns: impl IntoIterator<Item = (&'a str, Type)>,
        exact_keys: bool,
    ) -> Self {
        let rows = Rows::new(py, columns, exact_keys);
        let array = |ty: &Type| Elements {
            element_oid: ty.oid,
            ..Elements::default()
        };
        Self {
            arrays: rows.types().map(array).collect(),
            formats: rows.types().map(|ty| ty.codec.format()).collect(),
            rows,
            count: 0,
        }
    }

    /// Adds a row, which is number `index` (from 0). After an error the encoder holds a part of it and is of no more use.
    ///
    /// # Errors
    /// `DataError`, which names the row, the column, its type and the kind of the object.
    pub fn push(&mut self, row: &Bound<'_, PyAny>, index: u64) -> PyResult<()> {
        self.rows
            .read(row, index, |at, ty, value| match self.arrays.get_mut(at) {
                Some(array) => array.push(&ty.codec, value),
                None => Ok(()),
            })?;
        self.count += 1;
        Ok(())
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The format of each parameter, for the Bind message.
    pub fn formats(&self) -> &[Format] {
        &self.formats
    }

    /// Appends the array of the column `at` (from 0), without its length.
    pub fn encode_one(&self, at: usize, out: &mut BytesMut) -> IsNull {
        match (self.arrays.get(at), self.formats.get(at)) {
            (Some(array), Some(Format::Binary)) => array.put_binary(self.count, out),
            (Some(array), _) => array.put_text(out),
            (None, _) => return IsNull::Yes,
        }
        IsNull::No
    }
}

impl Elements {
    fn push(&mut self, codec: &Codec, value: &Bound<'_, PyAny>) -> Encoded {
        if !matches!(codec, Codec::AsText) {
            self.has_null |= value.is_none();
            return codec.encode_with_len(value, &mut self.bytes);
        }
        if !self.bytes.is_empty() {
            self.bytes.put_u8(b',');
        }
        if value.is_none() {
            self.bytes.extend_from_slice(b"NULL");
            return Ok(());
        }
        let mut element = BytesMut::new();
        text::encode(value, &mut element)?;
        // PostgreSQL manual, "Array Input and Output Syntax": in quotes, only these two need a backslash.
        self.bytes.put_u8(b'"');
        for byte in element {
            if matches!(byte, b'"' | b'\\') {
                self.bytes.put_u8(b'\\');
            }
            self.bytes.put_u8(byte);
        }
        self.bytes.put_u8(b'"');
        Ok(())
    }

    fn put_binary(&self, count: u32, out: &mut BytesMut) {
        out.put_i32(i32::from(count > 0));
        out.put_i32(i32::from(self.has_null));
        out.put_u32(self.element_oid);
        if count > 0 {
            out.put_u32(count);
            out.put_i32(1);
            out.extend_from_slice(&self.bytes);
        }
    }

    fn put_text(&self, out: &mut BytesMut) {
        out.put_u8(b'{');
        out.extend_from_slice(&self.bytes);
        out.put_u8(b'}');
    }
}
