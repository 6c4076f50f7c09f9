//! Result rows in place: a refcounted run of `DataRow` messages, checked once and then only walked.

use bytes::Bytes;

use crate::error::Error;
use crate::wire::frame::HEADER;
use crate::wire::reader::Reader;

/// A contiguous run of `DataRow` messages as they arrived, shared and not copied.
///
/// The session validates each row before it makes a batch: column counts, lengths and ends all agree. Walking a batch
/// therefore cannot fail, and it borrows nothing from the session.
#[derive(Clone, Debug)]
pub struct RowBatch {
    bytes: Bytes,
    rows: usize,
    columns: u16,
}

impl RowBatch {
    /// A batch over `bytes`, which [`check_row`] has accepted row by row.
    pub(crate) fn new(bytes: Bytes, rows: usize, columns: u16) -> Self {
        Self {
            bytes,
            rows,
            columns,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether the batch holds no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Number of values in each row.
    pub fn columns(&self) -> usize {
        usize::from(self.columns)
    }

    /// The rows in order.
    pub fn iter(&self) -> Rows<'_> {
        Rows {
            rest: &self.bytes,
            left: self.rows,
        }
    }

    /// The rows in order, each keeping the batch alive by itself.
    pub fn into_shared_rows(self) -> impl Iterator<Item = SharedRow> {
        let mut at = 0;
        (0..self.rows).map(move |_| {
            let length = next_row(self.bytes.get(at..).unwrap_or_default())
                .map_or(0, |(row, _)| row.body.len());
            let start = at + HEADER + 2;
            at = start + length;
            SharedRow(
                self.bytes
                    .slice(start.min(self.bytes.len())..at.min(self.bytes.len())),
            )
        })
    }
}

impl<'a> IntoIterator for &'a RowBatch {
    type Item = Row<'a>;
    type IntoIter = Rows<'a>;

    fn into_iter(self) -> Rows<'a> {
        self.iter()
    }
}

/// Walks the rows of a [`RowBatch`].
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    #[inline]
    fn next(&mut self) -> Option<Row<'a>> {
        let (row, rest) = next_row(self.rest)?;
        self.rest = rest;
        self.left = self.left.saturating_sub(1);
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Rows<'_> {}

#[inline]
fn next_row(bytes: &[u8]) -> Option<(Row<'_>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let &[_tag, a, b, c, d] = header;
    let length = (u32::from_be_bytes([a, b, c, d]) as usize).checked_sub(4)?;
    let (body, rest) = rest.split_at_checked(length)?;
    Some((
        Row {
            body: body.get(2..)?,
        },
        rest,
    ))
}

/// One row: its values in column order, `None` for NULL.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    body: &'a [u8],
}

impl<'a> Row<'a> {
    /// The values in column order.
    #[inline]
    pub fn values(&self) -> Values<'a> {
        Values { rest: self.body }
    }
}

/// One row that shares the memory of the batch it came in.
#[derive(Clone, Debug)]
pub struct SharedRow(Bytes);

impl SharedRow {
    /// The row in place.
    pub fn as_row(&self) -> Row<'_> {
        Row { body: &self.0 }
    }
}

/// Walks the values of a [`Row`].
#[derive(Clone, Debug)]
pub struct Values<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Values<'a> {
    type Item = Option<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.rest = rest;
            return Some(None);
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Some(value))
    }
}

/// Checks that `body` holds exactly `columns` values, each within the body and -1 the only negative length.
pub(crate) fn check_row(body: &[u8], columns: u16) -> Result<(), Error> {
    let mut reader = Reader::new("DataRow", body);
    let count = reader.count()?;
    if count != columns {
        return Err(Error::protocol(format!(
            "the server sent a row of {count} values for {columns} columns"
        )));
    }
    for _ in 0..count {
        match reader.i32()? {
            -1 => {}
            length => {
                let length = usize::try_from(length).map_err(|_| {
                    Error::protocol(format!(
                        "the server's DataRow holds a value of the impossible length {length}"
                    ))
                })?;
                reader.bytes(length)?;
            }
        }
    }
    reader.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
        let length = |value: &[u8]| i32::try_from(value.len()).expect("short");
        let count = u16::try_from(values.len()).expect("few");
        let mut body = count.to_be_bytes().to_vec();
        for value in values {
            body.extend(value.map_or(-1, length).to_be_bytes());
            body.extend(value.unwrap_or_default());
        }
        body
    }

    #[test]
    fn a_batch_walks_its_rows_and_values() {
        let mut bytes = Vec::new();
        for body in [row(&[Some(b"ab"), None]), row(&[Some(b""), Some(b"c")])] {
            bytes.push(b'D');
            let length = i32::try_from(body.len() + 4).expect("short");
            bytes.extend(length.to_be_bytes());
            bytes.extend(body);
        }
        let batch = RowBatch::new(bytes.into(), 2, 2);
        let expected = [
            vec![Some(&b"ab"[..]), None],
            vec![Some(&b""[..]), Some(&b"c"[..])],
        ];
        let seen: Vec<Vec<_>> = batch.iter().map(|row| row.values().collect()).collect();
        assert_eq!(seen, expected);
        let shared: Vec<SharedRow> = batch.into_shared_rows().collect();
        let seen: Vec<Vec<_>> = shared
            .iter()
            .map(|row| row.as_row().values().collect())
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn lying_rows_are_refused() {
        let good = row(&[Some(b"ab"), None]);
        assert!(check_row(&good, 2).is_ok());
        assert!(check_row(&good, 1).is_err(), "count");
        assert!(
            check_row(&[&good[..], b"x"].concat(), 2).is_err(),
            "trailing byte"
        );
        assert!(check_row(&good[..good.len() - 1], 2).is_err(), "cut short");
        assert!(
            check_row(b"\0\x01\xff\xff\xff\xfe", 1).is_err(),
            "length -2"
        );
        assert!(
            check_row(b"\0\x01\x7f\xff\xff\xff", 1).is_err(),
            "length beyond the end"
        );
        assert!(check_row(b"\0\0", 0).is_ok());
    }
}
