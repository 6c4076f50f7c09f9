//! Conditions and orders as Python sees them: the orm crate's expressions, with Python objects for values.

use data_bridge_orm::query::{Expr, IntoOperand, IntoParam, MAX_DEPTH, Nulls, Order, ValueType};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A Python object in a query.
#[derive(Debug)]
pub struct Value(pub Py<PyAny>);

impl IntoParam<Self> for Value {
    fn into_param(self) -> Self {
        self
    }
}

impl IntoOperand<Self> for Value {
    fn into_operand(self, ty: ValueType) -> Expr<Self> {
        Expr::param(self, ty)
    }
}

/// A condition on rows: what `User.id == 1` makes. Combine with `&`, `|` and `~`.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Condition")]
#[derive(Debug)]
pub struct Condition(pub Expr<Value>);

#[pymethods]
impl Condition {
    fn __and__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::checked(self.0.clone() & operand(other)?)
    }

    fn __or__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::checked(self.0.clone() | operand(other)?)
    }

    fn __invert__(&self) -> PyResult<Self> {
        Self::checked(!self.0.clone())
    }

    #[expect(clippy::unused_self, reason = "the protocol's signature")]
    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err(
            "a condition is true or false only in the database; combine conditions with &, | and ~ instead of and, or and not, \
             and put each in brackets",
        ))
    }
}

impl Condition {
    /// Refuses nesting that no query would take, before it can exhaust the stack anywhere.
    fn checked(expr: Expr<Value>) -> PyResult<Self> {
        if expr.depth() > MAX_DEPTH {
            return Err(PyValueError::new_err(format!(
                "the condition nests more than {MAX_DEPTH} deep; use in_() for a list of values"
            )));
        }
        Ok(Self(expr))
    }
}

fn operand(other: &Bound<'_, PyAny>) -> PyResult<Expr<Value>> {
    match other.cast::<Condition>() {
        Ok(condition) => Ok(condition.get().0.clone()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "cannot combine a condition with {}; put each side in brackets: (User.a == 1) & (User.b == 2)",
            other.get_type().name()?
        ))),
    }
}

/// A column of an ORDER BY: what `User.id.desc()` makes.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Order")]
#[derive(Debug)]
pub struct PyOrder(pub Order<Value>);

#[pymethods]
impl PyOrder {
    /// Puts NULL before everything else.
    fn nulls_first(&self) -> Self {
        Self(self.0.clone().nulls(Nulls::First))
    }

    /// Puts NULL after everything else.
    fn nulls_last(&self) -> Self {
        Self(self.0.clone().nulls(Nulls::Last))
    }
}
