//! The binary format of COPY (PostgreSQL manual, "COPY", "Binary Format"): a header, rows, a trailer.
//!
//! A row is a 16-bit count of fields, then each field as a 32-bit length (-1 for NULL) and that many bytes, the same
//! bytes as in a Bind message.

use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use postgres_types::{ToSql, Type};

use crate::error::{Error, Result};

/// The signature, no flags, no header extension.
pub const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// The field count -1, which ends the data.
pub const TRAILER: &[u8] = b"\xff\xff";

/// Encodes rows of Rust values for columns of known types.
#[derive(Debug)]
pub struct RowEncoder {
    columns: Box<[(String, Type)]>,
    ordinal: bool,
    rows: u64,
}

impl RowEncoder {
    /// For columns of these names and types. With `ordinal`, each row gets one more field that numbers it from 0, as a
    /// [`StagePlan`](super::StagePlan) may ask for.
    pub fn new(columns: impl IntoIterator<Item = (String, Type)>, ordinal: bool) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            ordinal,
            rows: 0,
        }
    }

    /// Rows encoded so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends one row to `out`; the first one behind [`HEADER`].
    ///
    /// An error names the row (from 0), the column and its type, and leaves nothing of the row behind.
    pub fn encode(&mut self, row: &[&(dyn ToSql + Sync)], out: &mut BytesMut) -> Result<()> {
        let start = out.len();
        let result = self.encode_fields(row, out);
        match result {
            Ok(()) => self.rows += 1,
            Err(_) => out.truncate(start),
        }
        result
    }

    fn encode_fields(&self, row: &[&(dyn ToSql + Sync)], out: &mut BytesMut) -> Result<()> {
        check_length(row.len(), self.columns.len(), self.rows)?;
        let fields = row.len() + usize::from(self.ordinal);
        out.put_i16(
            i16::try_from(fields).map_err(|_| Error::data("COPY takes at most 32,767 columns"))?,
        );
        for (value, (name, ty)) in row.iter().zip(&self.columns) {
            self::value(*value, (name, ty), self.rows, out)?;
        }
        if self.ordinal {
            out.put_i32(8);
            out.put_u64(self.rows);
        }
        Ok(())
    }
}

/// Fails if a row does not have a value for each column.
pub(crate) fn check_length(values: usize, columns: usize, row: u64) -> Result<()> {
    if values == columns {
        return Ok(());
    }
    Err(Error::data(format!(
        "row {row} has {values} values for {columns} columns"
    )))
}

/// Appends a value of row `row` with its length before it, for a column of this name and type.
pub(crate) fn value(
    value: &(dyn ToSql + Sync),
    (name, ty): (&str, &Type),
    row: u64,
    out: &mut BytesMut,
) -> Result<()> {
    field(out, |out| match value.to_sql_checked(ty, out) {
        Ok(postgres_types::IsNull::No) => Ok(IsNull::No),
        Ok(postgres_types::IsNull::Yes) => Ok(IsNull::Yes),
        Err(error) => Err(Error::data(format!(
            "row {row}, column \"{name}\" of type {}: {error}",
            ty.name()
        ))),
    })
}

/// Appends one field: `encode` its payload, before it the length that the payload turns out to have.
///
/// After an error the caller truncates `out`.
pub fn field(
    out: &mut BytesMut,
    encode: impl FnOnce(&mut BytesMut) -> Result<IsNull>,
) -> Result<()> {
    let start = out.len();
    out.put_i32(-1);
    if let IsNull::No = encode(out)? {
        let length = i32::try_from(out.len() - start - 4).map_err(|_| {
            Error::data("a value is larger than 2 GiB, which PostgreSQL does not take")
        })?;
        if let Some(prefix) = out.get_mut(start..start + 4) {
            prefix.copy_from_slice(&length.to_be_bytes());
        }
    } else {
        out.truncate(start + 4);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder(ordinal: bool) -> RowEncoder {
        RowEncoder::new(
            [
                ("id".to_owned(), Type::INT4),
                ("name".to_owned(), Type::TEXT),
            ],
            ordinal,
        )
    }

    #[test]
    fn golden_bytes() {
        let mut out = BytesMut::from(HEADER);
        let mut encoder = encoder(false);
        encoder.encode(&[&7_i32, &"ab"], &mut out).unwrap();
        encoder.encode(&[&None::<i32>, &""], &mut out).unwrap();
        out.extend_from_slice(TRAILER);
        assert_eq!(
            out,
            b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\
              \0\x02\0\0\0\x04\0\0\0\x07\0\0\0\x02ab\
              \0\x02\xff\xff\xff\xff\0\0\0\0\
              \xff\xff"[..]
        );
        assert_eq!(encoder.rows(), 2);
    }

    #[test]
    fn rows_can_be_numbered() {
        let mut out = BytesMut::new();
        let mut encoder = encoder(true);
        for _ in 0..2 {
            out.clear();
            encoder
                .encode(&[&None::<i32>, &None::<&str>], &mut out)
                .unwrap();
        }
        assert_eq!(
            out,
            b"\0\x03\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x08\0\0\0\0\0\0\0\x01"[..]
        );
    }

    #[test]
    fn a_bad_row_is_named_and_leaves_nothing() {
        let mut out = BytesMut::from(&b"before"[..]);
        let mut encoder = encoder(false);
        let short = encoder.encode(&[&1_i32], &mut out).unwrap_err();
        assert!(
            short
                .to_string()
                .contains("row 0 has 1 values for 2 columns")
        );
        let wrong = encoder
            .encode(&[&1_i32, &2_i64], &mut out)
            .unwrap_err()
            .to_string();
        assert!(
            wrong.contains(r#"row 0, column "name" of type text"#),
            "{wrong}"
        );
        assert_eq!(out, b"before"[..]);
        assert_eq!(encoder.rows(), 0);
    }
}
