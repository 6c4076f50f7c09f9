//! Python rows to rows of binary COPY (PostgreSQL manual, COPY, "Binary Format"), in a single pass.

use bytes::{BufMut, BytesMut};
use data_bridge_driver::error::Outcome;
use pyo3::prelude::*;

use super::rows::Rows;
use super::{Encoded, Fault, Type};

/// Encodes rows of any kind for the columns of one COPY.
#[derive(Debug)]
pub struct CopyEncoder {
    columns: Box<[Column]>,
    rows: Rows,
    ordinal: bool,
}

#[derive(Debug)]
struct Column {
    ty: Type,
    name: Box<str>,
}

impl CopyEncoder {
    /// For the columns in the order of the COPY. With `exact_keys`, a dict with other keys beside the columns is an error rather
    /// than silently cut: for when the columns were taken from the first row.
    ///
    /// # Errors
    /// A type that cannot travel in binary form, and more than 32,767 columns.
    pub fn new<'a>(
        py: Python<'_>,
        columns: impl IntoIterator<Item = (&'a str, Type)>,
        exact_keys: bool,
    ) -> PyResult<Self> {
        let columns: Box<[_]> = columns
            .into_iter()
            .map(|(name, ty)| Column {
                ty,
                name: name.into(),
            })
            .collect();
        let rows = Rows::new(py, columns.iter().map(|column| &*column.name), exact_keys);
        Ok(Self {
            columns,
            rows,
            ordinal: false,
        })
    }

    /// With `ordinal`, each row ends in one more column: its index, as an int8.
    #[must_use]
    pub fn with_ordinal(self, ordinal: bool) -> Self {
        Self { ordinal, ..self }
    }

    /// Appends one row; `index` (from 0) is for messages. After an error `out` is as it was.
    ///
    /// # Errors
    /// `DataError`, which names the row, the column, its type and the kind of the object.
    pub fn encode_row(
        &mut self,
        row: &Bound<'_, PyAny>,
        out: &mut BytesMut,
        index: u64,
    ) -> PyResult<()> {
        let start = out.len();
        let mut at = None;
        self.try_encode_row(row, out, &mut at, index)
            .map_err(|fault| {
                out.truncate(start);
                let column = at.and_then(|at| self.columns.get(at));
                let place = match column {
                    Some(column) => format!(
                        "row {index}, column \"{}\" ({})",
                        column.name, column.ty.name
                    ),
                    None => format!("row {index}"),
                };
                fault.at(row.py(), &place, Outcome::NotSent)
            })
    }

    #[inline]
    fn try_encode_row(
        &mut self,
        row: &Bound<'_, PyAny>,
        out: &mut BytesMut,
        current: &mut Option<usize>,
        index: u64,
    ) -> Encoded {
        let kind = self.rows.kind(row)?;
        let count = self.columns.len() + usize::from(self.ordinal);
        let count = i16::try_from(count).map_err(|_| Fault::data("too many columns"))?;
        out.put_i16(count);
        for (at, column) in self.columns.iter().enumerate() {
            *current = Some(at);
            let value = self.rows.value(row, kind, at)?;
            column.ty.codec.encode_with_len(&value, out)?;
        }
        if self.ordinal {
            out.put_i32(8);
            out.put_u64(index);
        }
        Ok(())
    }
}
