//! Expressions that begin with no column: calls, values, CASE, SQL.

use data_bridge_orm::query::{Expr, Function, ValueType};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::expression::{Expression, Value, condition, of_value, operand, pg_type};
use crate::errors;

/// Functions whose arguments share one type, so that a value goes as what stands beside it.
const ALIKE: [&str; 4] = ["coalesce", "greatest", "least", "nullif"];

/// Functions that take anything, so that the server cannot infer what a value is.
const ANY: [&str; 11] = [
    "concat",
    "concat_ws",
    "format",
    "json_build_object",
    "jsonb_build_object",
    "to_jsonb",
    "array_agg",
    "count",
    "generate_series",
    "jsonb_build_array",
    "unnest",
];

/// A call of a function.
#[pyfunction(name = "orm_call")]
pub fn call(py: Python<'_>, name: &str, args: &Bound<'_, PyTuple>) -> PyResult<Expression> {
    let known = args
        .iter()
        .filter_map(|one| one.cast_into::<Expression>().ok())
        .map(|one| one.get().0.value_type())
        .find(|ty| *ty != ValueType::UNKNOWN);
    let args = args
        .iter()
        .map(|one| {
            let ty = if ALIKE.contains(&name) {
                known.map_or_else(|| of_value(&one), Ok)?
            } else if ANY.contains(&name) {
                of_value(&one)?
            } else {
                ValueType::UNKNOWN
            };
            operand(&one, ty)
        })
        .collect::<PyResult<Vec<_>>>()?;
    match name {
        "rollup" => return Expression::checked(Expr::rollup(args)),
        "cube" => return Expression::checked(Expr::cube(args)),
        "grouping_sets" => {
            let sets = args.iter().map(|set| set.as_row().map(<[_]>::to_vec));
            let sets = sets.collect::<Option<_>>().ok_or_else(|| {
                PyTypeError::new_err(
                    "grouping_sets() takes tuples: func.grouping_sets(tuple_(User.a, User.b), tuple_())",
                )
            })?;
            return Expression::checked(Expr::grouping_sets(sets));
        }
        _ => {}
    }
    let function = Function::new(name, args).map_err(|error| errors::to_py(py, &error))?;
    Expression::checked(function.into())
}

/// A value as an expression, of this type or of its own.
#[pyfunction(name = "orm_literal")]
#[pyo3(signature = (value, r#type = None))]
pub fn literal(value: &Bound<'_, PyAny>, r#type: Option<&str>) -> PyResult<Expression> {
    match r#type {
        None => Expression::checked(operand(value, of_value(value)?)?),
        Some(name) => cast(value, name),
    }
}

/// `CAST(value AS type)`
#[pyfunction(name = "orm_cast")]
pub fn cast(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Expression> {
    let ty = pg_type(value.py(), name)?;
    let value = operand(value, ValueType::from(&ty))?;
    Expression::checked(value.cast(ty))
}

/// `CASE`: pairs of a condition and a value, and what holds otherwise.
#[pyfunction(name = "orm_case")]
#[pyo3(signature = (branches, otherwise))]
pub fn case(branches: &Bound<'_, PyTuple>, otherwise: &Bound<'_, PyAny>) -> PyResult<Expression> {
    let pairs = branches
        .iter()
        .map(|branch| match branch.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() {
            Ok(pair) => Ok(pair),
            Err(_) => Err(PyTypeError::new_err(
                "case() takes pairs of a condition and a value: case((User.age < 18, \"young\"), else_=\"old\")",
            )),
        })
        .collect::<PyResult<Vec<_>>>()?;
    if pairs.is_empty() {
        return Err(PyTypeError::new_err("case() needs a condition and a value"));
    }
    // The type of a column among the values is that of the others, else each value has its own.
    let values = || pairs.iter().map(|(_, value)| value).chain([otherwise]);
    let known = values()
        .filter_map(|value| value.cast::<Expression>().ok())
        .map(|value| value.get().0.value_type())
        .find(|ty| *ty != ValueType::UNKNOWN);
    let value =
        |value: &Bound<'_, PyAny>| operand(value, known.map_or_else(|| of_value(value), Ok)?);
    let otherwise = if otherwise.is_none() {
        None
    } else {
        Some(value(otherwise)?)
    };
    let branches = pairs
        .iter()
        .map(|(when, then)| Ok((condition(when)?, value(then)?)))
        .collect::<PyResult<_>>()?;
    Expression::checked(Expr::case(branches, otherwise))
}

/// All of the conditions, or any of them.
#[pyfunction(name = "orm_chain")]
pub fn chain(conditions: &Bound<'_, PyTuple>, all: bool) -> PyResult<Expression> {
    let conditions = conditions
        .iter()
        .map(|one| condition(&one))
        .collect::<PyResult<Vec<_>>>()?;
    Expression::checked(if all {
        Expr::all(conditions)
    } else {
        Expr::any(conditions)
    })
}

/// Several expressions as one.
#[pyfunction(name = "orm_row")]
pub fn row(parts: &Bound<'_, PyTuple>) -> PyResult<Expression> {
    let parts = parts
        .iter()
        .map(|part| operand(&part, of_value(&part)?))
        .collect::<PyResult<_>>()?;
    Expression::checked(Expr::row(parts))
}

/// SQL with values bound by name.
#[pyfunction(name = "orm_text")]
pub fn text(py: Python<'_>, sql: &str, values: &Bound<'_, PyDict>) -> PyResult<Expression> {
    let mut used = 0;
    let expr = Expr::text(sql, |name| {
        let value = values.get_item(name).ok().flatten()?;
        used += 1;
        Some(Value(value.unbind()))
    });
    let expr = expr.map_err(|error| errors::to_py(py, &error))?;
    if used < values.len() {
        return Err(PyTypeError::new_err(
            "text() was given values that its SQL does not name; a value stands as :name",
        ));
    }
    Expression::checked(expr)
}
