//! The parameters of a statement.

use bytes::BytesMut;
use data_bridge_driver::error::Outcome;
use data_bridge_driver::types::{Format, IsNull};
use pyo3::prelude::*;

use super::Type;
use crate::errors;

/// How the parameters of one statement are encoded. Made once per statement.
#[derive(Debug)]
pub struct Params {
    types: Box<[Type]>,
    formats: Box<[Format]>,
}

impl Params {
    /// From the types that the server described, in the order of the parameters.
    pub fn new(types: impl IntoIterator<Item = Type>) -> Self {
        let types: Box<[Type]> = types.into_iter().collect();
        let formats = types.iter().map(|ty| ty.codec.format()).collect();
        Self { types, formats }
    }

    /// How many values the statement takes.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether the statement takes no values.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The format of each value, for the Bind message.
    pub fn formats(&self) -> &[Format] {
        &self.formats
    }

    /// Checks that there is one argument for each parameter.
    ///
    /// # Errors
    /// `InterfaceError` that says how many there must be.
    pub fn check_count(&self, py: Python<'_>, given: usize) -> PyResult<()> {
        if given == self.types.len() {
            Ok(())
        } else {
            Err(wrong_count(py, self.types.len(), given))
        }
    }

    /// Appends the value of the parameter `at` (from 0), without its length; `None` is NULL and appends nothing. After an error `out`
    /// is as it was.
    ///
    /// # Errors
    /// `DataError`, which names the parameter, its type and the kind of the object, for an object that the type does not take.
    pub fn encode_one(
        &self,
        at: usize,
        arg: &Bound<'_, PyAny>,
        out: &mut BytesMut,
    ) -> PyResult<IsNull> {
        if arg.is_none() {
            return Ok(IsNull::Yes);
        }
        let Some(ty) = self.types.get(at) else {
            return Err(wrong_count(arg.py(), self.types.len(), at + 1));
        };
        let start = out.len();
        match ty.codec.encode_limited(arg, out) {
            Ok(()) => Ok(IsNull::No),
            Err(fault) => {
                out.truncate(start);
                let place = format!("parameter ${} ({})", at + 1, ty.name);
                Err(fault.at(arg.py(), &place, Outcome::NotSent))
            }
        }
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
