//! Python rows to rows of binary COPY (PostgreSQL manual, COPY, "Binary Format"), in a single pass.

use bytes::{BufMut, BytesMut};
use data_bridge_driver::error::Outcome;
use data_bridge_driver::types::Format;
use pyo3::prelude::*;

use super::Type;
use super::rows::Rows;
use crate::errors;

/// Encodes rows of any kind for the columns of one COPY. The header and the end of the data are not its business.
#[derive(Debug)]
pub struct CopyEncoder {
    rows: Rows,
    /// Fields per row, apart from the ordinal.
    fields: i16,
    /// Whether each row ends in its number, as an int8.
    ordinal: bool,
}

impl CopyEncoder {
    /// For the columns in the order of the COPY.
    ///
    /// With `exact_keys`, a dict with keys beside the columns is an error rather than cut without a word: for when the columns were
    /// taken from the first row.
    ///
    /// # Errors
    /// `NotSupportedError` for a type that travels as text only, and `InterfaceError` for more columns than a row can have.
    pub fn new<'a>(
        py: Python<'_>,
        columns: impl IntoIterator<Item = (&'a str, Type)>,
        exact_keys: bool,
    ) -> PyResult<Self> {
        let rows = Rows::new(py, columns, exact_keys);
        if let Some(ty) = rows.types().find(|ty| ty.codec.format() == Format::Text) {
            let message = format!("binary COPY of the type {} is not supported", ty.name);
            return Err(errors::raise(
                py,
                "NotSupportedError",
                &message,
                Outcome::NotSent,
            ));
        }
        let fields = i16::try_from(rows.types().len());
        match fields {
            Ok(fields) if fields < i16::MAX => Ok(Self {
                rows,
                fields,
                ordinal: false,
            }),
            _ => Err(errors::interface_error(
                py,
                "a row has at most 32766 columns",
            )),
        }
    }

    /// With `ordinal`, each row ends in one more column: its index, as an int8.
    #[must_use]
    pub fn with_ordinal(self, ordinal: bool) -> Self {
        Self { ordinal, ..self }
    }

    /// Appends one row, which is number `index` (from 0). After an error `out` is as it was.
    ///
    /// # Errors
    /// `DataError`, which names the row, the column, its type and the kind of the object.
    #[inline]
    pub fn encode_row(
        &mut self,
        row: &Bound<'_, PyAny>,
        out: &mut BytesMut,
        index: u64,
    ) -> PyResult<()> {
        let start = out.len();
        out.put_i16(self.fields + i16::from(self.ordinal));
        let encoded = self.rows.read(row, index, |_, ty, value| {
            ty.codec.encode_with_len(value, out)
        });
        if encoded.is_err() {
            out.truncate(start);
            return encoded;
        }
        if self.ordinal {
            out.put_i32(8);
            out.put_u64(index);
        }
        Ok(())
    }
}
