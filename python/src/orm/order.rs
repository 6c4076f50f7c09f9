//! Orders as Python sees them.

use data_bridge_orm::query::{Nulls, Order};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::expression::{Expression, Value};

/// One expression of an ORDER BY: what `User.id.desc()` makes.
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

/// Expressions and orders as orders.
pub fn orders(by: &Bound<'_, PyTuple>) -> PyResult<Vec<Order<Value>>> {
    by.iter().map(|one| order(&one)).collect()
}

/// One expression, smallest first unless it says otherwise.
pub fn order(by: &Bound<'_, PyAny>) -> PyResult<Order<Value>> {
    if let Ok(order) = by.cast::<PyOrder>() {
        return Ok(order.get().0.clone());
    }
    match by.cast::<Expression>() {
        Ok(expression) => Ok(expression.get().0.asc()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "order_by takes columns, such as User.name or User.name.desc(), not {}",
            by.get_type().name()?
        ))),
    }
}
