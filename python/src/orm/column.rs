//! A column as the attribute of its class: an expression on the class, the value on an instance.

use data_bridge_orm::schema::ColumnRef;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::expression::Expression;
use super::model::Model;

/// A column of a `Table` class.
#[pyclass(frozen, extends = Expression, module = "data_bridge.postgres", name = "Col")]
#[derive(Debug)]
pub struct Col {
    model: Py<Model>,
    column: ColumnRef,
}

impl Col {
    /// The column at a position of the model's table.
    pub fn new(model: Py<Model>, column: ColumnRef) -> PyClassInitializer<Self> {
        let expression = Expression(column.expr());
        PyClassInitializer::from(expression).add_subclass(Self { model, column })
    }
}

impl Col {
    #[cold]
    fn no_value(&self, instance: &Bound<'_, PyAny>) -> PyResult<PyErr> {
        if self.model.get().is_new(instance)? {
            return Ok(PyAttributeError::new_err(format!(
                "{} has no value yet; the server gives it one when the row is inserted",
                self.column
            )));
        }
        let name = self.text();
        super::handle::not_loaded(
            instance.py(),
            &format!(
                "{} was not loaded with the row; load it by `await x.refresh(\"{name}\")`",
                self.column
            ),
        )
    }

    /// The column's name.
    pub fn text(&self) -> &str {
        self.column.column().name.as_str()
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
                None => Err(this.no_value(instance)?),
            },
            _ => Ok(slf.clone().into_any()),
        }
    }

    fn __set__(&self, instance: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let (model, column) = (self.model.get(), self.column.index());
        model.assign(instance, column, value)?;
        model.forget_links(instance, column)
    }

    fn __repr__(&self) -> String {
        format!("<column {}>", self.column)
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

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.model)
    }
}
