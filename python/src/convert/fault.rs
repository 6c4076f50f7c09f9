//! Why a value could not be converted, before it is known which column or parameter it belongs to.

use std::borrow::Cow;

use data_bridge_driver::error::{self, Outcome};
use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::errors;

/// A conversion that failed. One pointer wide, so that the way of success stays in registers.
#[derive(Debug)]
pub struct Fault(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// The value has the wrong type, range or form; the text says which, and never holds the value.
    Data(Cow<'static, str>),
    /// The encoder of this type does not take objects of this kind; another form of the object may do.
    WrongType { wanted: &'static str, kind: String },
    /// Python code that was called on the way raised.
    Raised(PyErr),
}

impl Fault {
    /// The value has the wrong range or form.
    #[cold]
    pub fn data(message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Cause::Data(message.into())))
    }

    /// The object is of a kind that this type does not take; `wanted` names what it takes, with its article.
    #[cold]
    pub fn wrong_type(wanted: &'static str, got: &Bound<'_, PyAny>) -> Self {
        let kind = kind_of(got);
        Self(Box::new(Cause::WrongType { wanted, kind }))
    }

    /// A fixed-size value from the server has another size.
    #[cold]
    pub fn length(expected: usize, got: usize) -> Self {
        Self::data(format!("the server sent {got} bytes instead of {expected}"))
    }

    /// The exception that a C API call has set.
    #[cold]
    pub fn fetch(py: Python<'_>) -> Self {
        PyErr::fetch(py).into()
    }

    pub(super) fn is_wrong_type(&self) -> bool {
        matches!(*self.0, Cause::WrongType { .. })
    }

    /// The exception for the caller; `place` says which value this was, as in `parameter $1 (int4)`, and `outcome` what that means for
    /// the statement.
    ///
    /// Exceptions of Python code become the cause of a `DataError`, except those that are not about the value: exhausted
    /// memory, and what is no `Exception` at all (`KeyboardInterrupt`).
    #[cold]
    pub fn at(self, py: Python<'_>, place: &str, outcome: Outcome) -> PyErr {
        let error =
            |what: &str| errors::raise(py, "DataError", &format!("{place}: {what}"), outcome);
        match *self.0 {
            Cause::Data(message) => error(&message),
            Cause::WrongType { wanted, kind } => error(&format!("{wanted} is needed, not {kind}")),
            Cause::Raised(raised) => {
                let about_the_value = raised.is_instance_of::<PyException>(py)
                    && !raised.is_instance_of::<PyMemoryError>(py);
                if !about_the_value {
                    return raised;
                }
                let name = type_name(&raised.get_type(py));
                let error = error(&format!("converting the value raised {name}"));
                error.set_cause(py, Some(raised));
                error
            }
        }
    }
}

impl From<PyErr> for Fault {
    #[cold]
    fn from(raised: PyErr) -> Self {
        Self(Box::new(Cause::Raised(raised)))
    }
}

impl From<error::Error> for Fault {
    #[cold]
    fn from(error: error::Error) -> Self {
        Self::data(error.to_string())
    }
}

/// How messages name the kind of an object: its type, never its value.
pub fn kind_of(value: &Bound<'_, PyAny>) -> String {
    if value.is_none() {
        "None".to_owned()
    } else {
        type_name(&value.get_type())
    }
}

fn type_name(class: &Bound<'_, PyType>) -> String {
    class.fully_qualified_name().map_or_else(
        |_| "an unnamed type".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
