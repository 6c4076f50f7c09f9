//! Expressions as Python sees them: the orm crate's, with Python objects for values.

use data_bridge_orm::query::{
    Expr, Function, Gives, IntoOperand, IntoParam, MAX_DEPTH, Operator, Select, ValueType, Window,
};
use data_bridge_orm::schema::{Builtin, PgType};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyFloat, PyInt, PyList, PyString, PyTime,
    PyTuple, PyType,
};

use super::converter::Conversions;
use super::derived::PyDerived;
use super::generic_alias;
use super::order::{PyOrder, orders};
use super::query::PyQuery;
use crate::errors;

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

/// What the server computes for each row: a column, a condition, a call. A column of a class is one too.
#[pyclass(frozen, subclass, module = "data_bridge.postgres", name = "Expression")]
#[derive(Debug)]
pub struct Expression(pub Expr<Value>);

impl Expression {
    /// Refuses nesting that no query would take, before it can exhaust the stack anywhere.
    pub fn checked(expr: Expr<Value>) -> PyResult<Self> {
        if expr.depth() > MAX_DEPTH {
            return Err(PyValueError::new_err(format!(
                "the condition nests more than {MAX_DEPTH} deep; use in_() for a list of values"
            )));
        }
        Ok(Self(expr))
    }

    fn binary(&self, operator: Operator, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let operator = if operator == Operator::Add && is_text(self.0.value_type()) {
            Operator::Concat
        } else {
            operator
        };
        let right = beside(&self.0, operator, other)?;
        Self::checked(self.0.compare(operator, right))
    }

    /// The same with this expression on the right.
    fn reflected(&self, operator: Operator, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let operator = if operator == Operator::Add && is_text(self.0.value_type()) {
            Operator::Concat
        } else {
            operator
        };
        let left = beside(&self.0, operator, other)?;
        Self::checked(left.compare(operator, &self.0))
    }

    fn compare(&self, operator: Operator, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        match (operator, other.is_none()) {
            (_, false) => self.binary(operator, other),
            (Operator::Eq, true) => Self::checked(self.0.is_null()),
            (Operator::Ne, true) => Self::checked(self.0.is_not_null()),
            _ => Err(PyTypeError::new_err(
                "an expression cannot be compared with None except by == and !=",
            )),
        }
    }

    /// `in_` and `not_in`: of a list, a query, or for a row of a list of tuples.
    fn among(&self, values: &Bound<'_, PyAny>, negated: bool) -> PyResult<Self> {
        if let Ok(query) = values.cast::<PyQuery>() {
            let query = query.get().select().clone();
            return Self::checked(if negated {
                self.0.not_in_query(query)
            } else {
                self.0.in_query(query)
            });
        }
        if values.is_instance_of::<PyString>() || values.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err(
                "in_ needs a list of values, not one str or bytes",
            ));
        }
        if let Some(parts) = self.0.as_row() {
            let columns = columns(values, parts.len())?;
            return Self::checked(Expr::row_in(parts.to_vec(), columns, negated));
        }
        if self.0.value_type().is_array() {
            // The list of values travels as an array, and PostgreSQL takes an array of arrays for one of more dimensions.
            return Err(PyTypeError::new_err(
                "in_ has no form for arrays; combine comparisons instead: (column == [1]) | (column == [2])",
            ));
        }
        let list = PyList::empty(values.py());
        for value in values.try_iter()? {
            let value = value?;
            if value.is_none() {
                return Err(PyValueError::new_err(
                    "None in a list of values never matches in SQL; add a condition of its own: column.is_(None)",
                ));
            }
            list.append(value)?;
        }
        let list = match Conversions::of(self.0.value_type().array()) {
            None => list.into_any(),
            Some(conversion) => conversion.dump(&list)?,
        };
        let list = Value(list.unbind());
        Self::checked(if negated {
            self.0.not_in(list)
        } else {
            self.0.in_(list)
        })
    }

    fn function(&self, what: &str) -> PyResult<Function<Value>> {
        self.0.as_function().cloned().ok_or_else(|| {
            PyTypeError::new_err(format!(
                "{what} belongs to a call of a function, such as func.count(User.id)"
            ))
        })
    }
}

#[pymethods]
impl Expression {
    fn __richcmp__(&self, other: &Bound<'_, PyAny>, operation: CompareOp) -> PyResult<Self> {
        let operator = match operation {
            CompareOp::Eq => Operator::Eq,
            CompareOp::Ne => Operator::Ne,
            CompareOp::Lt => Operator::Lt,
            CompareOp::Le => Operator::Le,
            CompareOp::Gt => Operator::Gt,
            CompareOp::Ge => Operator::Ge,
        };
        self.compare(operator, other)
    }

    /// By identity: `==` makes a condition.
    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        (slf.as_ptr() as isize) >> 4
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(class, item)
    }

    fn __bool__(&self) -> PyResult<bool> {
        // An expression has no truth before the server has computed it.
        let _ = self;
        Err(PyTypeError::new_err(
            "a condition is true or false only in the database; combine conditions with &, | and ~ instead of and, or and not, \
             and put each in brackets",
        ))
    }

    fn __and__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::checked(self.0.clone() & condition(other)?)
    }

    fn __or__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::checked(self.0.clone() | condition(other)?)
    }

    fn __invert__(&self) -> PyResult<Self> {
        Self::checked(!self.0.clone())
    }

    fn __add__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::Add, other)
    }

    fn __radd__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.reflected(Operator::Add, other)
    }

    fn __sub__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::Sub, other)
    }

    fn __rsub__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.reflected(Operator::Sub, other)
    }

    fn __mul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::Mul, other)
    }

    fn __rmul__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.reflected(Operator::Mul, other)
    }

    fn __truediv__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::Div, other)
    }

    fn __rtruediv__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.reflected(Operator::Div, other)
    }

    fn __mod__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::Rem, other)
    }

    fn __rmod__(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.reflected(Operator::Rem, other)
    }

    fn __neg__(&self) -> PyResult<Self> {
        Self::checked(self.0.negative())
    }

    /// `LIKE`
    fn like(&self, pattern: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::Like, pattern)
    }

    /// `ILIKE`
    fn ilike(&self, pattern: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::ILike, pattern)
    }

    /// Whether it begins with a text.
    fn startswith(&self, prefix: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::StartsWith, prefix)
    }

    /// Whether a regular expression matches.
    #[pyo3(signature = (pattern, *, ignore_case = false))]
    fn regexp(&self, pattern: &Bound<'_, PyAny>, ignore_case: bool) -> PyResult<Self> {
        let operator = if ignore_case {
            Operator::IRegexp
        } else {
            Operator::Regexp
        };
        self.compare(operator, pattern)
    }

    /// `||`
    fn concat(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::Concat, other)
    }

    /// `= ANY(values)`, or `IN (SELECT ...)`
    fn in_(&self, values: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.among(values, false)
    }

    /// `<> ALL(values)`, or `NOT IN (SELECT ...)`
    fn not_in(&self, values: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.among(values, true)
    }

    /// `BETWEEN low AND high`
    fn between(&self, low: &Bound<'_, PyAny>, high: &Bound<'_, PyAny>) -> PyResult<Self> {
        let low = beside(&self.0, Operator::Ge, low)?;
        let high = beside(&self.0, Operator::Le, high)?;
        Self::checked(self.0.between(low, high))
    }

    /// `IS NULL`; for other values than `None` the same as `==`.
    fn is_(&self, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::Eq, value)
    }

    /// `IS NOT NULL`; for other values than `None` the same as `!=`.
    fn is_not(&self, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::Ne, value)
    }

    /// Not equal, `None` being a value like others.
    fn is_distinct_from(&self, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::IsDistinct, value)
    }

    /// Equal, `None` being a value like others.
    fn is_not_distinct_from(&self, value: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.binary(Operator::IsNotDistinct, value)
    }

    /// The same under a name in the result.
    fn label(&self, py: Python<'_>, name: &str) -> PyResult<Self> {
        let labelled = self.0.label(name);
        Self::checked(labelled.map_err(|error| errors::to_py(py, &error))?)
    }

    /// Smallest first.
    fn asc(&self) -> PyOrder {
        PyOrder(self.0.asc())
    }

    /// Greatest first.
    fn desc(&self) -> PyOrder {
        PyOrder(self.0.desc())
    }

    /// Of an aggregate: over different values only.
    fn distinct(&self) -> PyResult<Self> {
        Self::checked(self.function("distinct()")?.distinct().into())
    }

    /// Of an aggregate: over the rows for which the conditions are true.
    #[pyo3(signature = (*conditions))]
    fn filter(&self, conditions: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut function = self.function("filter()")?;
        for one in conditions {
            function = function.filter(condition(&one)?);
        }
        Self::checked(function.into())
    }

    /// Of an aggregate: over the rows in this order.
    #[pyo3(signature = (*by))]
    fn order_by(&self, by: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut function = self.function("order_by()")?;
        for order in orders(by)? {
            function = function.order_by(order);
        }
        Self::checked(function.into())
    }

    /// Of a function: for each row, over its window.
    #[pyo3(signature = (*, partition_by = None, order_by = None))]
    fn over(
        &self,
        partition_by: Option<&Bound<'_, PyAny>>,
        order_by: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let partition = match partition_by {
            None => Vec::new(),
            Some(by) => several(by)?
                .iter()
                .map(|one| operand(&one, ValueType::UNKNOWN))
                .collect::<PyResult<_>>()?,
        };
        let order = match order_by {
            None => Vec::new(),
            Some(by) => orders(&several(by)?)?,
        };
        let function = self.function("over()")?;
        Self::checked(function.over(Window { partition, order }).into())
    }

    /// The SQL of an expression without columns and values, for DDL.
    fn _text(&self, py: Python<'_>) -> PyResult<String> {
        let select = Select::of([self.0.clone()]);
        let rendered = select.render().map_err(|error| errors::to_py(py, &error))?;
        if rendered.params.is_empty() {
            return Ok(rendered.sql.trim_start_matches("SELECT ").to_owned());
        }
        Err(PyTypeError::new_err(
            "an expression in a table's definition cannot hold values; write it as SQL",
        ))
    }
}

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
    Ok(Expr::param(Value(value.unbind()), fitting(other, ty)))
}

/// The same as the other side of an operator.
fn beside(
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
            .map(|(part, value)| operand(&value, part.value_type()))
            .collect::<PyResult<_>>()?;
        return Ok(Expr::row(values));
    }
    let ty = left.value_type();
    let wanted = ty.beside(operator);
    if operator.gives() == Gives::Number && !wanted.is_known() {
        let is_days = ty.builtin() == Some(Builtin::Date) && other.is_instance_of::<PyInt>();
        let found = if is_days {
            ValueType::of(Builtin::Int4)
        } else {
            of_value(other)?
        };
        return operand(other, found);
    }
    operand(other, wanted)
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
                ty
            }
        }
        _ => ty,
    }
}

fn is_decimal(value: &Bound<'_, PyAny>) -> bool {
    !value.is_instance_of::<PyInt>()
        && value
            .get_type()
            .name()
            .is_ok_and(|name| name.to_cow().is_ok_and(|name| name == "Decimal"))
}

fn is_text(ty: ValueType) -> bool {
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

/// A list of tuples as one list for each place.
fn columns(rows: &Bound<'_, PyAny>, width: usize) -> PyResult<Vec<Value>> {
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
