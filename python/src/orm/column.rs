//! A column as the attribute of its class: an expression on the class, the value on an instance.

use data_bridge_orm::query::{Expr, Operator};
use data_bridge_orm::schema::ColumnRef;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::condition::{Condition, PyOrder, Value};
use super::generic_alias;
use super::model::Model;

/// A column of a `Table` class.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Col")]
#[derive(Debug)]
pub struct Col {
    model: Py<Model>,
    column: ColumnRef,
}

impl Col {
    /// The column at a position of the model's table.
    pub fn new(model: Py<Model>, column: ColumnRef) -> Self {
        Self { model, column }
    }

    /// The column as queries take it.
    pub fn column(&self) -> &ColumnRef {
        &self.column
    }

    fn condition(expr: Expr<Value>) -> Condition {
        Condition(expr)
    }

    fn compare(&self, operator: Operator, other: &Bound<'_, PyAny>) -> PyResult<Condition> {
        if let Ok(other) = other.cast::<Self>() {
            return Ok(Self::condition(
                self.column.compare(operator, &other.get().column),
            ));
        }
        Ok(match (operator, other.is_none()) {
            (_, false) => {
                Self::condition(self.column.compare(operator, Value(other.clone().unbind())))
            }
            (Operator::Eq, true) => Self::condition(self.column.is_null()),
            (Operator::Ne, true) => Self::condition(self.column.is_not_null()),
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "{} cannot be compared with None except by == and !=",
                    self.column
                )));
            }
        })
    }

    /// The values of an `in_`, which become one array.
    fn list(&self, values: &Bound<'_, PyAny>) -> PyResult<Value> {
        if values.is_instance_of::<PyString>() || values.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err(format!(
                "{} needs a list of values, not one str or bytes",
                self.column
            )));
        }
        let list = PyList::empty(values.py());
        for value in values.try_iter()? {
            let value = value?;
            if value.is_none() {
                return Err(PyValueError::new_err(format!(
                    "None in a list of values never matches in SQL; add a condition of its own: {}.is_(None)",
                    self.column
                )));
            }
            list.append(value)?;
        }
        Ok(Value(list.into_any().unbind()))
    }
}

#[pymethods]
impl Col {
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<&Bound<'py, PyAny>>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        match instance {
            Some(instance) if !instance.is_none() => match this
                .model
                .get()
                .slots()
                .get(instance, this.column.index())?
            {
                Some(value) => Ok(value),
                None => Err(PyAttributeError::new_err(format!(
                    "{} has no value yet; the server gives it one when the row is inserted",
                    this.column
                ))),
            },
            _ => Ok(slf.clone().into_any()),
        }
    }

    fn __set__(&self, instance: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let slots = self.model.get().slots();
        slots.set(instance, self.column.index(), Some(value))?;
        slots.track(instance);
        Ok(())
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, operation: CompareOp) -> PyResult<Condition> {
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

    fn __repr__(&self) -> String {
        format!("<column {}>", self.column)
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(class, item)
    }

    /// The column's name.
    #[getter]
    fn name(&self) -> &str {
        self.column.column().name.as_str()
    }

    /// The column's type, as DDL spells it.
    #[getter]
    fn r#type(&self) -> String {
        self.column.column().ty.to_string()
    }

    /// `column LIKE pattern`
    fn like(&self, pattern: &Bound<'_, PyAny>) -> PyResult<Condition> {
        self.compare(Operator::Like, pattern)
    }

    /// `column ILIKE pattern`
    fn ilike(&self, pattern: &Bound<'_, PyAny>) -> PyResult<Condition> {
        self.compare(Operator::ILike, pattern)
    }

    /// `column = ANY(values)`
    fn in_(&self, values: &Bound<'_, PyAny>) -> PyResult<Condition> {
        Ok(Self::condition(self.column.in_(self.list(values)?)))
    }

    /// `column <> ALL(values)`
    fn not_in(&self, values: &Bound<'_, PyAny>) -> PyResult<Condition> {
        Ok(Self::condition(self.column.not_in(self.list(values)?)))
    }

    /// `column BETWEEN low AND high`
    fn between(&self, low: Py<PyAny>, high: Py<PyAny>) -> Condition {
        Self::condition(self.column.between(Value(low), Value(high)))
    }

    /// `column IS NULL`; for other values than `None` the same as `==`.
    fn is_(&self, value: &Bound<'_, PyAny>) -> PyResult<Condition> {
        self.compare(Operator::Eq, value)
    }

    /// `column IS NOT NULL`; for other values than `None` the same as `!=`.
    fn is_not(&self, value: &Bound<'_, PyAny>) -> PyResult<Condition> {
        self.compare(Operator::Ne, value)
    }

    /// Smallest first.
    fn asc(&self) -> PyOrder {
        PyOrder(self.column.asc())
    }

    /// Greatest first.
    fn desc(&self) -> PyOrder {
        PyOrder(self.column.desc())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.model)
    }
}
