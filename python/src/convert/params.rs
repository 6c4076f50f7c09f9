//! The parameters of a statement.

use bytes::BytesMut;
use data_bridge_driver::error::Outcome;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{Codec, Format, Type};
use crate::errors;

/// How the parameters of one statement are encoded. Made once per statement.
#[derive(Debug)]
pub struct Params(Box<[Type]>);

impl Params {
    /// From the types that the server described, in the order of the parameters.
    pub fn new(types: impl IntoIterator<Item = Type>) -> Self {
        Self(types.into_iter().collect())
    }

    /// How many values the statement takes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the statement takes no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The format of each value, for the Bind message.
    pub fn formats(&self) -> impl ExactSizeIterator<Item = Format> + '_ {
        self.0.iter().map(|param| param.codec.format())
    }

    /// Appends length and value of each argument, as they stand in the Bind message. After an error `out` is as it was.
    ///
    /// # Errors
    /// `InterfaceError` for a wrong count of arguments; `DataError`, which names the parameter, its type and the kind of the object,
    /// for an argument that the type does not take.
    pub fn encode(&self, args: &Bound<'_, PyTuple>, out: &mut BytesMut) -> PyResult<()> {
        let py = args.py();
        if args.len() != self.0.len() {
            return Err(wrong_count(py, self.0.len(), args.len()));
        }
        let start = out.len();
        for (at, (param, arg)) in self.0.iter().zip(args.iter_borrowed()).enumerate() {
            if let Err(fault) = param.codec.encode_with_len(&arg, out) {
                out.truncate(start);
                return Err(fault.at(
                    py,
                    &format!("parameter ${} ({})", at + 1, param.name),
                    Outcome::NotSent,
                ));
            }
        }
        Ok(())
    }

    /// The codec of one parameter.
    pub fn codec(&self, at: usize) -> Option<&Codec> {
        self.0.get(at).map(|param| &param.codec)
    }
}

#[cold]
fn wrong_count(py: Python<'_>, takes: usize, given: usize) -> PyErr {
    let plural = if takes == 1 { "" } else { "s" };
    let verb = if given == 1 { "was" } else { "were" };
    errors::interface_error(
        py,
        &format!("the statement takes {takes} parameter{plural}, {given} {verb} given"),
    )
}
