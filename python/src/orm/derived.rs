//! Aliases, subqueries and CTEs: what a query reads from besides classes.

use data_bridge_orm::query::{Derived, Function, Select};
use data_bridge_orm::schema::Table;
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::expression::{Expression, Value};
use super::link::LinkField;
use super::model::Model;
use super::operand::pg_type;
use super::query::PyQuery;
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

    /// A column, or a link that begins here.
    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(link) = self.model.get().link_at(name) {
            let from = Some(self.table.clone());
            let field = LinkField::new(self.model.clone_ref(py), link, from);
            return Ok(Bound::new(py, field)?.into_any());
        }
        match self.table.column(name) {
            Ok(column) => Ok(Bound::new(py, Expression(column.expr()))?.into_any()),
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

    /// `LATERAL (SELECT ...) AS name`
    pub fn lateral(py: Python<'_>, name: &str, query: Select<Value>) -> PyResult<Self> {
        let derived = Derived::lateral(name, query);
        Ok(Self(derived.map_err(|error| errors::to_py(py, &error))?))
    }

    /// The first rows of `WITH RECURSIVE name AS (...)`.
    pub fn seed(py: Python<'_>, name: &str, query: Select<Value>) -> PyResult<Self> {
        let derived = Derived::seed(name, query);
        Ok(Self(derived.map_err(|error| errors::to_py(py, &error))?))
    }

    /// What a function gives, as rows.
    pub fn call(
        py: Python<'_>,
        name: &str,
        function: Function<Value>,
        columns: &[&str],
        ordinality: Option<&str>,
    ) -> PyResult<Self> {
        let derived = Derived::call(name, function, columns, ordinality);
        Ok(Self(derived.map_err(|error| errors::to_py(py, &error))?))
    }

    fn step(&self, distinct: bool, step: &Bound<'_, PyQuery>) -> PyResult<Self> {
        let whole = self.0.step(distinct, step.get().select().clone());
        Ok(Self(
            whole.map_err(|error| errors::to_py(step.py(), &error))?,
        ))
    }

    /// As queries take it.
    pub fn derived(&self) -> &Derived<Value> {
        &self.0
    }
}

#[pymethods]
impl PyDerived {
    /// The names of its columns.
    #[getter]
    fn _column_names(&self) -> Vec<String> {
        self.0.column_names().map(ToString::to_string).collect()
    }

    /// Its columns, as attributes.
    #[getter]
    fn c(&self) -> Columns {
        Columns(self.0.clone())
    }

    /// Of the first rows of a recursive query: the whole one, with what `step` makes of the rows found so far.
    fn union_all(&self, step: &Bound<'_, PyQuery>) -> PyResult<Self> {
        self.step(false, step)
    }

    /// The same with each row once, which ends where nothing new is found.
    fn union(&self, step: &Bound<'_, PyQuery>) -> PyResult<Self> {
        self.step(true, step)
    }

    fn __repr__(&self) -> String {
        format!("<subquery {}>", self.0.name())
    }
}

/// Rows of the caller's as a table: names and types of the columns, and for each its values.
#[pyfunction(name = "orm_values")]
pub fn values(
    py: Python<'_>,
    name: &str,
    columns: Vec<(String, String)>,
    rows: &Bound<'_, PyAny>,
) -> PyResult<PyDerived> {
    let width = columns.len();
    let lists: Vec<_> = (0..width).map(|_| PyList::empty(py)).collect();
    for row in rows.try_iter()? {
        let row = row?;
        let row = row.cast::<PyTuple>().ok().filter(|row| row.len() == width);
        let Some(row) = row else {
            return Err(PyTypeError::new_err(format!(
                "the rows of values() are tuples, of {width} values each as it has columns"
            )));
        };
        for (list, value) in lists.iter().zip(row) {
            list.append(value)?;
        }
    }
    let columns = columns
        .iter()
        .zip(lists)
        .map(|((column, ty), list)| {
            Ok((
                column.as_str(),
                pg_type(py, ty)?,
                Value(list.into_any().unbind()),
            ))
        })
        .collect::<PyResult<Vec<_>>>()?;
    let derived = Derived::values(name, columns);
    Ok(PyDerived(
        derived.map_err(|error| errors::to_py(py, &error))?,
    ))
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
