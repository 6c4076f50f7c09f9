//! Expressions as Python sees them: the orm crate's, with Python objects for values.

use data_bridge_orm::query::{
    Expr, Function, IntoOperand, IntoParam, MAX_DEPTH, Operator, Select, ValueType, Window,
};
use data_bridge_orm::schema::Builtin;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PySlice, PyString, PyTuple, PyType};

use super::converter::Conversions;
use super::derived::PyDerived;
use super::generic_alias;
use super::operand::{beside, columns, is_text, list};
pub use super::operand::{condition, of_value, operand, pg_type, several};
use super::order::{PyOrder, orders};
use super::query::PyQuery;
use super::window;
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
        Expr::comparable_param(self, ty, Self::is_same)
    }
}

impl Value {
    /// Whether both are one object, or equal ones of a type whose equal values are sent alike.
    fn is_same(&self, other: &Self) -> bool {
        Python::attach(|py| {
            let (one, other) = (self.0.bind(py), other.0.bind(py));
            let is_plain = one.is_exact_instance_of::<PyInt>()
                || one.is_exact_instance_of::<PyString>()
                || one.is_exact_instance_of::<PyBytes>();
            one.is(other)
                || (is_plain
                    && one.get_type().is(other.get_type())
                    && one.eq(other).unwrap_or(false))
        })
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
        if let Some(parts) = self.parts_beside(operator, other)? {
            return Ok(parts);
        }
        match (operator, other.is_none()) {
            (_, false) => self.binary(operator, other),
            (Operator::Eq, true) => Self::checked(self.0.is_null()),
            (Operator::Ne, true) => Self::checked(self.0.is_not_null()),
            _ => Err(PyTypeError::new_err(
                "an expression cannot be compared with None except by == and !=",
            )),
        }
    }

    /// `==` and `!=` of a row and a tuple with `None` in it, which means that a part is NULL as it does for one expression.
    fn parts_beside(&self, operator: Operator, other: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let (Operator::Eq | Operator::Ne, Some(parts), Ok(values)) =
            (operator, self.0.as_row(), other.cast::<PyTuple>())
        else {
            return Ok(None);
        };
        if parts.len() != values.len() || !values.iter().any(|value| value.is_none()) {
            return Ok(None);
        }
        let each = parts
            .iter()
            .zip(values)
            .map(|(part, value)| {
                Self(part.clone())
                    .compare(operator, &value)
                    .map(|one| one.0)
            })
            .collect::<PyResult<Vec<_>>>()?;
        Self::checked(if operator == Operator::Eq {
            Expr::all(each)
        } else {
            Expr::any(each)
        })
        .map(Some)
    }

    /// A search for a text within another: what has a meaning in patterns has none in it.
    fn within(
        &self,
        operator: Operator,
        text: &Bound<'_, PyAny>,
        before: &str,
        after: &str,
    ) -> PyResult<Self> {
        let Ok(text) = text.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "a text is searched for a str, not for {}; of an expression compare func.strpos(text, expression) with 0",
                text.get_type().name()?
            )));
        };
        let escaped = text
            .to_cow()?
            .replace('\\', r"\\")
            .replace('%', r"\%")
            .replace('_', r"\_");
        let pattern = PyString::new(text.py(), &format!("{before}{escaped}{after}"));
        self.binary(operator, &pattern)
    }

    /// `in_` and `not_in`: of a list, a query, or for a row of a list of tuples.
    pub fn among(&self, values: &Bound<'_, PyAny>, negated: bool) -> PyResult<Self> {
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
            let mut columns = columns(values, parts.len())?;
            for (part, Value(list)) in parts.iter().zip(&mut columns) {
                let ty = part.value_type().array();
                if let Some(conversion) = Conversions::of(ty) {
                    *list = conversion.dump(list.bind(values.py()))?.unbind();
                }
            }
            return Self::checked(Expr::row_in(parts.to_vec(), columns, negated));
        }
        if self.0.value_type().is_array() {
            // The list of values travels as an array, and PostgreSQL takes an array of arrays for one of more dimensions.
            return Err(PyTypeError::new_err(
                "in_ has no form for arrays; combine comparisons instead: (column == [1]) | (column == [2])",
            ));
        }
        let (list, element) = list(values, self.0.value_type())?;
        let list = Expr::param(Value(list.unbind()), element.array());
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

    fn __pow__(
        &self,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        self.binary(Operator::Pow, other)
    }

    fn __rpow__(
        &self,
        other: &Bound<'_, PyAny>,
        _modulo: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        self.reflected(Operator::Pow, other)
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

    /// `NOT LIKE`
    fn not_like(&self, pattern: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::NotLike, pattern)
    }

    /// `NOT ILIKE`
    fn not_ilike(&self, pattern: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::NotILike, pattern)
    }

    /// Whether it begins with a text.
    fn startswith(&self, prefix: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::StartsWith, prefix)
    }

    /// Whether it ends with a text.
    fn endswith(&self, suffix: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.within(Operator::Like, suffix, "%", "")
    }

    /// Whether it holds a text, whatever the case.
    fn icontains(&self, text: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.within(Operator::ILike, text, "%", "%")
    }

    /// A text holds another; an array, JSON or range all of another; a range a value.
    fn contains(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        let ty = self.0.value_type();
        if is_text(ty) {
            return self.within(Operator::Like, other, "%", "%");
        }
        let is_value = other.is_instance_of::<PyString>() || other.is_instance_of::<PyInt>();
        if ty.is_array() && is_value {
            return Err(PyTypeError::new_err(
                "an array contains the values of a list: column.contains([value])",
            ));
        }
        self.compare(Operator::Contains, other)
    }

    /// An array, JSON, a range or a value of one is in another.
    fn contained_by(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::ContainedBy, other)
    }

    /// Arrays or ranges have something in common.
    fn overlaps(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::Overlaps, other)
    }

    /// Ranges touch and have nothing between them.
    fn adjacent_to(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::Adjacent, other)
    }

    /// All of a range lies before another.
    fn strictly_left_of(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::Before, other)
    }

    /// All of a range lies behind another.
    fn strictly_right_of(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::After, other)
    }

    /// A range ends no later than another.
    fn not_extend_right_of(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::EndsWithin, other)
    }

    /// A range begins no earlier than another.
    fn not_extend_left_of(&self, other: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::BeginsWithin, other)
    }

    /// JSON has a key, or a list of JSON a text.
    fn has_key(&self, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::HasKey, key)
    }

    /// JSON has one of the keys.
    fn has_any(&self, keys: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::HasAny, keys)
    }

    /// JSON has all of the keys.
    fn has_all(&self, keys: &Bound<'_, PyAny>) -> PyResult<Self> {
        self.compare(Operator::HasAll, keys)
    }

    /// The SQL/JSON path finds something.
    fn path_exists(&self, path: &Bound<'_, PyString>) -> PyResult<Self> {
        Self::checked(self.0.path_exists(Value(path.clone().into_any().unbind())))
    }

    /// What the SQL/JSON path computes is true.
    fn path_match(&self, path: &Bound<'_, PyString>) -> PyResult<Self> {
        Self::checked(self.0.path_match(Value(path.clone().into_any().unbind())))
    }

    /// Of JSON what is under a key or at a place (from 0); of an array an element or a slice (from 1, both ends included).
    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        if !self.0.has_elements() {
            if key.is_instance_of::<PyInt>() {
                return Self::checked(self.0.at(operand(key, ValueType::of(Builtin::Int4))?));
            }
            // A tuple or list of keys is a path.
            let path = several(key)?;
            if path.len() != 1 || !path.get_item(0)?.is(key) {
                let path = path
                    .iter()
                    .map(|key| key.str())
                    .collect::<PyResult<Vec<_>>>()?;
                let path = PyList::new(key.py(), path)?;
                return self.compare(Operator::GetPath, &path);
            }
            return self.compare(Operator::Get, key);
        }
        let Ok(slice) = key.cast::<PySlice>() else {
            let place = operand(key, ValueType::of(Builtin::Int8))?;
            return Self::checked(self.0.element(place));
        };
        let end = |name: &str| {
            let end = slice.getattr(name)?;
            let place = || operand(&end, ValueType::of(Builtin::Int8));
            (!end.is_none()).then(place).transpose()
        };
        if !slice.getattr("step")?.is_none() {
            return Err(PyTypeError::new_err("a slice of an array has no step"));
        }
        Self::checked(self.0.elements(end("start")?, end("stop")?))
    }

    /// Only the database knows what is in it.
    fn __iter__(&self) -> PyResult<Py<PyAny>> {
        let _ = self;
        Err(PyTypeError::new_err(
            "an expression has its elements only in the database; select func.unnest(column) for them",
        ))
    }

    fn __contains__(&self, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let _ = (self, value);
        Err(PyTypeError::new_err(
            "`in` is answered by Python; for a condition write column.in_(values), or array.contains([value])",
        ))
    }

    /// JSON as text.
    fn as_text(&self) -> PyResult<Self> {
        Self::checked(self.0.as_text())
    }

    /// JSON as a whole number.
    fn as_int(&self) -> PyResult<Self> {
        Self::checked(self.0.as_integer())
    }

    /// JSON as a floating-point number.
    fn as_float(&self) -> PyResult<Self> {
        Self::checked(self.0.as_float())
    }

    /// JSON as an exact number.
    fn as_decimal(&self) -> PyResult<Self> {
        Self::checked(self.0.as_numeric())
    }

    /// JSON as a truth value.
    fn as_bool(&self) -> PyResult<Self> {
        Self::checked(self.0.as_boolean())
    }

    /// Any element of an array: what is compared with it is compared with each.
    fn any_(&self) -> PyResult<Self> {
        Self::checked(self.0.any_element())
    }

    /// Every element of an array.
    fn all_(&self) -> PyResult<Self> {
        Self::checked(self.0.all_elements())
    }

    /// Whether a text or document matches words as typed into a search field.
    #[pyo3(signature = (query, config = None))]
    fn r#match(&self, query: &Bound<'_, PyString>, config: Option<&str>) -> PyResult<Self> {
        let matches = self
            .0
            .matches(Value(query.clone().into_any().unbind()), config);
        Self::checked(matches.map_err(|error| errors::to_py(query.py(), &error))?)
    }

    /// The operator of this SQL, to be called with its right side.
    fn op(&self, operator: String) -> Infix {
        Infix {
            left: self.0.clone(),
            operator,
        }
    }

    /// Sorted and compared by the rules of this collation.
    fn collate(&self, py: Python<'_>, collation: &str) -> PyResult<Self> {
        let collated = self.0.collate(collation);
        Self::checked(collated.map_err(|error| errors::to_py(py, &error))?)
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

    /// `WITHIN GROUP (ORDER BY ...)`: of `percentile_cont` and its like.
    #[pyo3(signature = (*by))]
    fn within_group(&self, by: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut function = self.function("within_group()")?;
        for order in orders(by)? {
            function = function.within_group(order);
        }
        Self::checked(function.into())
    }

    /// Of a function: the rows that it gives, to read from, under these names of its columns.
    #[pyo3(signature = (*columns, name = None, with_ordinality = None))]
    fn table_valued(
        &self,
        py: Python<'_>,
        columns: &Bound<'_, PyTuple>,
        name: Option<&str>,
        with_ordinality: Option<&str>,
    ) -> PyResult<PyDerived> {
        let columns = columns.iter().map(|name| name.extract::<String>());
        let columns = columns.collect::<PyResult<Vec<_>>>()?;
        let columns: Vec<_> = columns.iter().map(String::as_str).collect();
        let function = self.function("table_valued()")?;
        let name = name.or(columns.first().copied()).unwrap_or_default();
        PyDerived::call(py, name, function, &columns, with_ordinality)
    }

    /// Of a function: for each row, over its window. A frame is a pair of bounds: so many before (negative) or behind the row,
    /// 0 for the row itself, `None` for as far as it goes.
    #[pyo3(signature = (*, partition_by = None, order_by = None, rows = None, range_ = None, groups = None))]
    fn over(
        &self,
        partition_by: Option<&Bound<'_, PyAny>>,
        order_by: Option<&Bound<'_, PyAny>>,
        rows: Option<&Bound<'_, PyAny>>,
        range_: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
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
        let frame = window::frame(rows, range_, groups)?;
        let window = Window {
            partition,
            order,
            frame,
        };
        Self::checked(function.over(window).into())
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

/// An operator that waits for its right side: what `expression.op("<->")` gives.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Infix {
    left: Expr<Value>,
    operator: String,
}

#[pymethods]
impl Infix {
    fn __call__(&self, right: &Bound<'_, PyAny>) -> PyResult<Expression> {
        let py = right.py();
        let right = match Operator::by_sql(&self.operator) {
            Some(operator) => beside(&self.left, operator, right)?,
            None => operand(right, ValueType::UNKNOWN)?,
        };
        let made = self.left.op(&self.operator, right);
        Expression::checked(made.map_err(|error| errors::to_py(py, &error))?)
    }
}
