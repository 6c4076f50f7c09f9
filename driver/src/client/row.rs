//! Rows as callers see them.

use std::fmt;
use std::sync::Arc;

use super::Batches;
use super::types::Types;
use crate::error::Error;
use crate::session::Statement;
use crate::types::{FromSql, Type, checked_from_sql_nullable};
use crate::wire::Column;
use crate::wire::rows::{RowBatch, SharedRow};

/// One row of a result.
///
/// Its values stay in the bytes that came from the server until they are asked for; rows that arrived together share
/// those bytes.
#[derive(Clone)]
pub struct Row {
    statement: Arc<Statement>,
    values: SharedRow,
}

impl Row {
    /// The result's columns.
    pub fn columns(&self) -> &[Column] {
        self.statement.columns()
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.columns().len()
    }

    /// Whether the row has no values, as those of `SELECT FROM t`.
    pub fn is_empty(&self) -> bool {
        self.columns().is_empty()
    }

    /// The value of a column, by index or name.
    ///
    /// # Errors
    /// Of kind `Interface` if there is no such column, or if `T` does not take its type or a NULL; of kind `Data` if the
    /// value does not fit `T`.
    pub fn try_get<'a, T: FromSql<'a>>(&'a self, column: impl RowIndex) -> Result<T, Error> {
        let index = column.find(self.columns())?;
        let ty = Types::of(&self.statement)
            .and_then(|types| types.columns.get(index))
            .unwrap_or(&Type::UNKNOWN);
        checked_from_sql_nullable(ty, self.raw(index)).map_err(|error| {
            let name = self.columns().get(index).map_or("", |column| &column.name);
            Error::new(error.kind(), format!("column {index} ({name:?}): {error}"))
                .with_outcome(error.outcome())
                .with_source(error)
        })
    }

    /// As [`Row::try_get`], for columns and types that are certain.
    ///
    /// # Panics
    /// Where [`Row::try_get`] gives an error.
    #[track_caller]
    pub fn get<'a, T: FromSql<'a>>(&'a self, column: impl RowIndex) -> T {
        match self.try_get(column) {
            Ok(value) => value,
            Err(error) => panic!("{error}"),
        }
    }

    /// The value's bytes in binary format; `None` for NULL and for a column that does not exist.
    pub fn raw(&self, index: usize) -> Option<&[u8]> {
        self.values.as_row().values().nth(index).flatten()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.columns().iter().map(|column| &column.name);
        f.debug_tuple("Row")
            .field(&names.collect::<Vec<_>>())
            .finish()
    }
}

/// What names a column: its index from 0, or its name (the first column of that name).
pub trait RowIndex: Copy + sealed::Sealed {
    #[doc(hidden)]
    fn find(&self, columns: &[Column]) -> Result<usize, Error>;
}

impl RowIndex for usize {
    #[inline]
    fn find(&self, columns: &[Column]) -> Result<usize, Error> {
        if *self < columns.len() {
            return Ok(*self);
        }
        Err(Error::interface(format!(
            "there is no column {self}: the result has {} columns, counted from 0",
            columns.len()
        )))
    }
}

impl RowIndex for &str {
    #[inline]
    fn find(&self, columns: &[Column]) -> Result<usize, Error> {
        columns
            .iter()
            .position(|column| column.name == *self)
            .ok_or_else(|| Error::interface(format!("the result has no column named {self:?}")))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for &str {}
}

/// The rows of one command of `statement`, whose types are resolved.
pub(super) fn rows(statement: &Arc<Statement>, batches: Batches) -> Vec<Row> {
    let mut rows = Vec::with_capacity(batches.iter().map(RowBatch::len).sum());
    for batch in batches {
        rows.extend(batch.into_shared_rows().map(|values| Row {
            statement: Arc::clone(statement),
            values,
        }));
    }
    rows
}
