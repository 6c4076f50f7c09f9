//! Rows of Python objects on their way into a COPY, for every front.

use std::sync::{Mutex, PoisonError};

use bytes::BytesMut;
use data_bridge_driver::copy::binary::{HEADER, TRAILER};
use pyo3::prelude::*;
use pyo3::types::PyIterator;

use crate::convert::CopyEncoder;
use crate::engine::Description;
use crate::errors;

/// Bytes that are encoded before the socket and the event loop get their turn.
const SLICE: usize = 256 * 1024;

/// Encodes rows for one COPY in binary format.
///
/// Each call of [`CopyWriter::encode`] makes one slice; the caller sends it, waits until the socket has taken it, and
/// comes back. So memory stays bounded however many rows there are.
#[pyclass(frozen, module = "data_bridge._native")]
pub struct CopyWriter(Mutex<Option<Writer>>);

struct Writer {
    encoder: CopyEncoder,
    buffer: BytesMut,
    rows: u64,
}

impl CopyWriter {
    /// Encodes up to a slice of rows, hands the bytes to `send`, and tells whether the iterator has ended.
    pub fn encode(
        &self,
        rows: &Bound<'_, PyIterator>,
        send: impl FnOnce(&[u8]) -> PyResult<()>,
    ) -> PyResult<bool> {
        // The writer is taken out, not locked: the iterator and the rows are Python code.
        let writer = self.lock().take();
        let Some(mut writer) = writer else {
            return Err(errors::interface_error(
                rows.py(),
                "rows of one COPY are encoded by one caller at a time",
            ));
        };
        let result = writer
            .encode(rows)
            .and_then(|ended| send(&writer.buffer).map(|()| ended));
        writer.buffer.clear();
        *self.lock() = Some(writer);
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Writer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn encode(&mut self, rows: &Bound<'_, PyIterator>) -> PyResult<bool> {
        let mut rows = rows.clone();
        while self.buffer.len() < SLICE {
            match rows.next() {
                Some(row) => {
                    self.encoder
                        .encode_row(&row?, &mut self.buffer, self.rows)?;
                    self.rows += 1;
                }
                None => return Ok(true),
            }
        }
        Ok(false)
    }
}

/// The end of a binary COPY.
pub const END: &[u8] = TRAILER;

#[pymethods]
impl CopyWriter {
    /// For the columns of a described statement. With `exact_keys`, dicts may have no other keys; with `ordinal`, each
    /// row ends in its number.
    #[new]
    #[pyo3(signature = (description, *, exact_keys=false, ordinal=false))]
    fn new(
        description: &Bound<'_, Description>,
        exact_keys: bool,
        ordinal: bool,
    ) -> PyResult<Self> {
        let (py, columns) = (description.py(), description.get().typed_columns());
        let encoder = CopyEncoder::new(py, columns, exact_keys)?.with_ordinal(ordinal);
        Ok(Self(Mutex::new(Some(Writer {
            encoder,
            buffer: BytesMut::from(HEADER),
            rows: 0,
        }))))
    }

    /// Rows encoded so far.
    #[getter]
    fn rows(&self) -> u64 {
        self.lock().as_ref().map_or(0, |writer| writer.rows)
    }
}
