//! Where a page ended: the values of a query's order, of an instance or as they are.

use data_bridge_orm::query::{Expr, Operator, Select};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::expression::Value;
use super::model::Model;
use super::operand::{beside, several};

/// For each expression of the order its value, NULL for `None`.
///
/// # Errors
/// An order that is not of the instance's columns.
pub fn values(select: &Select<Value>, row: &Bound<'_, PyAny>) -> PyResult<Vec<Expr<Value>>> {
    let model = row.getattr_opt(pyo3::intern!(row.py(), "__model__"))?;
    let Some(Ok(model)) = model.map(Bound::cast_into::<Model>) else {
        let values = several(row)?;
        // What is too many or too few is said by `after` itself.
        let mut orders = select.orders();
        return values
            .iter()
            .map(|value| match orders.next() {
                Some(order) => beside(order, Operator::Eq, &value),
                None => Ok(Expr::null()),
            })
            .collect();
    };
    let table = model.get().table();
    select
        .orders()
        .map(|order| {
            let column = order.as_column().filter(|column| column.table().is(table));
            let Some(column) = column else {
                return Err(PyTypeError::new_err(format!(
                    "the query is not ordered by columns of {} alone; give the values of its order: after(value, value)",
                    table.name()
                )));
            };
            let name = PyString::intern(row.py(), column.column().name.as_str());
            beside(order, Operator::Eq, &row.getattr(name)?)
        })
        .collect()
}
