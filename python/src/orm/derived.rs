//! Aliases, subqueries and CTEs: what a query reads from besides classes.

use data_bridge_orm::query::{Derived, Select};
use data_bridge_orm::schema::Table;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;

use super::expression::{Expression, Value};
use super::model::Model;
use crate::errors;

/// A class under another name in a query: its attributes are columns.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Alias")]
#[derive(Debug)]
pub struct Alias {
    model: Py<Model>,
    table: Table,
}

impl Alias {
    /// The class's model.
    pub fn model(&self) -> &Py<Model> {
        &self.model
    }

    /// The table under its other name.
    pub fn table(&self) -> &Table {
        &self.table
    }
}

#[pymethods]
impl Alias {
    #[new]
    fn new(model: &Bound<'_, Model>, name: &str) -> PyResult<Self> {
        let table = model.get().table().alias(name);
        Ok(Self {
            model: model.clone().unbind(),
            table: table.map_err(|error| errors::to_py(model.py(), &error))?,
        })
    }

    fn __getattr__(&self, name: &str) -> PyResult<Expression> {
        match self.table.column(name) {
            Ok(column) => Ok(Expression(column.expr())),
            Err(error) => Err(PyAttributeError::new_err(error.to_string())),
        }
    }

    fn __repr__(&self) -> String {
        format!("<{} as {}>", self.table.name(), self.table.known_as())
    }
}

/// A query to read from: what `query.subquery("name")` and `query.cte("name")` make.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Subquery")]
#[derive(Debug)]
pub struct PyDerived(Derived<Value>);

impl PyDerived {
    /// `FROM (SELECT ...) AS name`
    pub fn subquery(py: Python<'_>, name: &str, query: Select<Value>) -> PyResult<Self> {
        let derived = Derived::subquery(name, query);
        Ok(Self(derived.map_err(|error| errors::to_py(py, &error))?))
    }

    /// `WITH name AS (SELECT ...)`
    pub fn cte(py: Python<'_>, name: &str, query: Select<Value>) -> PyResult<Self> {
        let derived = Derived::cte(name, query);
        Ok(Self(derived.map_err(|error| errors::to_py(py, &error))?))
    }

    /// As queries take it.
    pub fn derived(&self) -> &Derived<Value> {
        &self.0
    }
}

#[pymethods]
impl PyDerived {
    /// Its columns, as attributes.
    #[getter]
    fn c(&self) -> Columns {
        Columns(self.0.clone())
    }

    fn __repr__(&self) -> String {
        format!("<subquery {}>", self.0.name())
    }
}

/// The columns of a subquery.
#[pyclass(frozen, module = "data_bridge._native", name = "SubqueryColumns")]
#[derive(Debug)]
pub struct Columns(Derived<Value>);

#[pymethods]
impl Columns {
    fn __getattr__(&self, name: &str) -> PyResult<Expression> {
        match self.0.column(name) {
            Ok(column) => Ok(Expression(column)),
            Err(error) => Err(PyAttributeError::new_err(error.to_string())),
        }
    }

    fn __getitem__(&self, name: &str) -> PyResult<Expression> {
        self.__getattr__(name)
    }
}
