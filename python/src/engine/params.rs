//! Python arguments to encoded parameters.

use bytes::{Buf, BufMut, BytesMut};
use data_bridge_driver::types::IsNull;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Args;
use crate::convert::Params;

/// Encodes all parameters of a call, each behind its length, in the order of Bind.
pub(super) fn encode(
    py: Python<'_>,
    args: &Args,
    params: &Params,
    out: &mut BytesMut,
) -> PyResult<()> {
    match args {
        Args::One(args) => encode_row(args.bind(py), params, out),
        Args::Many(rows) => rows.iter().enumerate().try_for_each(|(index, args)| {
            encode_row(args.bind(py), params, out).inspect_err(|error| {
                // Which of the rows it was: whoever has numbered them knows what to make of that.
                let _ = error.value(py).setattr(pyo3::intern!(py, "row"), index);
            })
        }),
        Args::Columns(columns) => {
            let columns = columns.get();
            columns.encode(py, out)?;
            params.check_count(py, columns.arrays() + columns.values(py).len())?;
            encode_values(columns.values(py), columns.arrays(), params, out)
        }
    }
}

#[inline]
fn encode_row(args: &Bound<'_, PyTuple>, params: &Params, out: &mut BytesMut) -> PyResult<()> {
    params.check_count(args.py(), args.len())?;
    encode_values(args, 0, params, out)
}

/// Encodes the parameters from number `first` (from 0) on.
#[inline]
fn encode_values(
    values: &Bound<'_, PyTuple>,
    first: usize,
    params: &Params,
    out: &mut BytesMut,
) -> PyResult<()> {
    for (at, value) in (first..).zip(values.iter_borrowed()) {
        let start = out.len();
        out.put_i32(-1);
        if let IsNull::No = params.encode_one(at, &value, out)? {
            let length =
                u32::try_from(out.len() - start - 4).expect("a value is checked to be below 1 GiB");
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// Moves the next encoded value over to the Bind message, which writes the length itself.
#[inline]
pub(super) fn next_value(values: &mut &[u8], out: &mut BytesMut) -> IsNull {
    match usize::try_from(values.get_i32()) {
        Ok(length) => {
            let (value, rest) = values.split_at(length);
            out.extend_from_slice(value);
            *values = rest;
            IsNull::No
        }
        Err(_) => IsNull::Yes,
    }
}
