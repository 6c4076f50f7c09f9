//! What stands beside an expression: other expressions, queries, and values, which become parameters of a fitting type.

use data_bridge_orm::query::{Expr, Gives, IntoOperand, Operator, ValueType};
use data_bridge_orm::schema::{Builtin, PgType};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyFloat, PyInt, PyList, PyString, PyTime, PyTuple,
};

use super::converter::Conversions;
use super::derived::PyDerived;
use super::expression::{Expression, Value};
use super::order::PyOrder;
use super::query::PyQuery;
use crate::errors;

/// One thing or a list of things.
pub fn several<'py>(things: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    if let Ok(tuple) = things.cast::<PyTuple>() {
        return Ok(tuple.clone());
    }
    match things.cast::<PyList>() {
        Ok(list) => Ok(list.to_tuple()),
        Err(_) => PyTuple::new(things.py(), [things]),
    }
}

/// A condition to combine with another, or to keep rows by.
pub fn condition(other: &Bound<'_, PyAny>) -> PyResult<Expr<Value>> {
    match other.cast::<Expression>() {
        Ok(condition) => Ok(condition.get().0.clone()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "expected a condition such as User.id == 1, not {}; put each side of & and | in brackets: (User.a == 1) & (User.b == 2)",
            other.get_type().name()?
        ))),
    }
}

/// An expression, a query for its value, or a value, which becomes a parameter of this type.
pub fn operand(other: &Bound<'_, PyAny>, ty: ValueType) -> PyResult<Expr<Value>> {
    if let Ok(expression) = other.cast::<Expression>() {
        return Ok(expression.get().0.clone());
    }
    if let Ok(query) = other.cast::<PyQuery>() {
        return Ok(Expr::scalar(query.get().select().clone()));
    }
    if other.is_none() {
        return Ok(Expr::null());
    }
    if other.is_instance_of::<PyOrder>() || other.is_instance_of::<PyDerived>() {
        return Err(PyTypeError::new_err(format!(
            "expected an expression or a value, not {}",
            other.get_type().name()?
        )));
    }
    let value = match Conversions::of(ty) {
        None => other.clone(),
        Some(conversion) => conversion.dump(other)?,
    };
    Ok(Value(value.unbind()).into_operand(fitting(other, ty)))
}

/// The same as the other side of an operator.
pub fn beside(
    left: &Expr<Value>,
    operator: Operator,
    other: &Bound<'_, PyAny>,
) -> PyResult<Expr<Value>> {
    if let (Some(parts), Ok(values)) = (left.as_row(), other.cast::<PyTuple>()) {
        if parts.len() != values.len() {
            return Err(PyValueError::new_err(format!(
                "a row of {} cannot be compared with {} values",
                parts.len(),
                values.len()
            )));
        }
        let values = parts
            .iter()
            .zip(values)
            .map(|(part, value)| {
                if value.is_none() {
                    return Err(PyValueError::new_err(
                        "None in a row is neither less nor greater than anything; compare the columns one by one",
                    ));
                }
                operand(&value, part.value_type())
            })
            .collect::<PyResult<_>>()?;
        return Ok(Expr::row(values));
    }
    operand(other, type_beside(left.value_type(), operator, other)?)
}

/// The type to send a value as that stands on the right of an operator.
fn type_beside(
    left: ValueType,
    operator: Operator,
    value: &Bound<'_, PyAny>,
) -> PyResult<ValueType> {
    let wanted = left.beside(operator);
    let is_whole = value.is_instance_of::<PyInt>();
    match (operator, left.builtin()) {
        // Days, and places in a list.
        (Operator::Add | Operator::Sub, Some(Builtin::Date))
        | (Operator::Sub, Some(Builtin::Jsonb))
            if is_whole =>
        {
            Ok(ValueType::of(Builtin::Int4))
        }
        (Operator::Contains, _) if !is_range(value)? => Ok(left.in_range().unwrap_or(wanted)),
        _ if operator.gives() == Gives::Number && !wanted.is_known() => of_value(value),
        _ => Ok(wanted),
    }
}

/// Whether a value is a range or several, not a value that is in one.
fn is_range(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let name = value.get_type().name()?;
    let name = name.to_cow()?;
    Ok(value.is_instance_of::<PyList>() || name == "Range" || name == "Multirange")
}

/// The type to send a value as: that of the other side, but a number that would lose its fraction goes as what it is.
fn fitting(value: &Bound<'_, PyAny>, ty: ValueType) -> ValueType {
    use Builtin::{Float8, Int2, Int4, Int8, Numeric};
    match ty.builtin() {
        Some(Int2 | Int4 | Int8 | Numeric) if !ty.is_array() => {
            if value.is_instance_of::<PyFloat>() {
                ValueType::of(Float8)
            } else if ty.builtin() != Some(Numeric) && is_decimal(value) {
                ValueType::of(Numeric)
            } else {
                wide_enough(value, ty)
            }
        }
        _ => ty,
    }
}

/// The type, or one for greater numbers: a number that a column cannot hold can still be compared with it.
pub fn wide_enough(value: &Bound<'_, PyAny>, ty: ValueType) -> ValueType {
    use Builtin::{Int2, Int4, Int8, Numeric};
    let Some(whole @ (Int2 | Int4 | Int8)) = ty.builtin() else {
        return ty;
    };
    if !value.is_instance_of::<PyInt>() {
        return ty;
    }
    let wider = match (value.extract::<i64>(), whole) {
        (Err(_), _) => Numeric,
        (Ok(number), Int2) if i16::try_from(number).is_err() => Int8,
        (Ok(number), Int4) if i32::try_from(number).is_err() => Int8,
        (Ok(_), _) => return ty,
    };
    let wider = ValueType::of(wider);
    if ty.is_array() { wider.array() } else { wider }
}

fn is_decimal(value: &Bound<'_, PyAny>) -> bool {
    !value.is_instance_of::<PyInt>()
        && value
            .get_type()
            .name()
            .is_ok_and(|name| name.to_cow().is_ok_and(|name| name == "Decimal"))
}

pub fn is_text(ty: ValueType) -> bool {
    !ty.is_array()
        && matches!(
            ty.builtin(),
            Some(Builtin::Text | Builtin::Varchar | Builtin::Bpchar)
        )
}

/// The type of a value by itself; unknown where the server has to say.
pub fn of_value(value: &Bound<'_, PyAny>) -> PyResult<ValueType> {
    if let Ok(list) = value.cast::<PyList>() {
        return match list.iter().find(|one| !one.is_none()) {
            Some(first) => Ok(of_value(&first)?.array()),
            None => Ok(ValueType::UNKNOWN),
        };
    }
    Ok(ValueType::of(if value.is_instance_of::<PyBool>() {
        Builtin::Bool
    } else if value.is_instance_of::<PyInt>() {
        Builtin::Int8
    } else if value.is_instance_of::<PyFloat>() {
        Builtin::Float8
    } else if value.is_instance_of::<PyString>() {
        Builtin::Text
    } else if value.is_instance_of::<PyBytes>() {
        Builtin::Bytea
    } else if value.is_instance_of::<PyDateTime>() {
        if value.getattr("tzinfo")?.is_none() {
            Builtin::Timestamp
        } else {
            Builtin::TimestampTz
        }
    } else if value.is_instance_of::<PyDate>() {
        Builtin::Date
    } else if value.is_instance_of::<PyTime>() {
        Builtin::Time
    } else if value.is_instance_of::<PyDelta>() {
        Builtin::Interval
    } else if is_decimal(value) {
        Builtin::Numeric
    } else if value.get_type().name()? == "UUID" {
        Builtin::Uuid
    } else {
        return Ok(ValueType::UNKNOWN);
    }))
}

/// A list of values for `= ANY`, and the type of its elements.
pub fn list<'py>(
    values: &Bound<'py, PyAny>,
    ty: ValueType,
) -> PyResult<(Bound<'py, PyAny>, ValueType)> {
    let list = PyList::empty(values.py());
    let mut ty = ty;
    for value in values.try_iter()? {
        let value = value?;
        if value.is_none() {
            return Err(never_matches());
        }
        ty = wide_enough(&value, ty);
        list.append(value)?;
    }
    let list = match Conversions::of(ty.array()) {
        None => list.into_any(),
        Some(conversion) => conversion.dump(&list)?,
    };
    Ok((list, ty))
}

fn never_matches() -> PyErr {
    PyValueError::new_err(
        "None in a list of values never matches in SQL; add a condition of its own: column.is_(None)",
    )
}

/// A list of tuples as one list for each place.
pub fn columns(rows: &Bound<'_, PyAny>, width: usize) -> PyResult<Vec<Value>> {
    let py = rows.py();
    let columns: Vec<_> = (0..width).map(|_| PyList::empty(py)).collect();
    for row in rows.try_iter()? {
        let row = row?;
        let row = row.cast::<PyTuple>().ok().filter(|row| row.len() == width);
        let Some(row) = row else {
            return Err(PyTypeError::new_err(format!(
                "a row of {width} is compared with a list of tuples of {width} values"
            )));
        };
        for (column, value) in columns.iter().zip(row) {
            if value.is_none() {
                return Err(never_matches());
            }
            column.append(value)?;
        }
    }
    Ok(columns
        .into_iter()
        .map(|column| Value(column.into_any().unbind()))
        .collect())
}

/// A type by its SQL name.
pub fn pg_type(py: Python<'_>, name: &str) -> PyResult<PgType> {
    PgType::parse(name).map_err(|error| errors::to_py(py, &error))
}
