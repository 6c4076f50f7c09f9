//! A rendered query on its way to a connection.

use std::sync::{Arc, Mutex, PoisonError};

use data_bridge_orm::query;
use data_bridge_orm::schema::Oid;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::batch::Batches;
use super::by_name::{ByName, Naming};
use super::expression::Value;
use super::hydrate::{Hydrating, Hydrator};
use super::tuples::{Making, Rows};
use crate::engine::{Args, Request, RowBuilder, Shape};
use crate::request::Builder;

/// Text, parameters with their types, and what its rows become. One shape of query has one text.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Statement {
    sql: Py<PyString>,
    args: Py<PyTuple>,
    types: Arc<[Oid]>,
    /// Whether every column is of a type that needs no look-up.
    typed: bool,
    shape: Shape,
    rows: Option<Arc<Hydrator>>,
    /// Or what makes the rows of a query.
    query_rows: Option<Arc<Rows>>,
    /// Or what makes instances of the rows of somebody's SQL.
    named_rows: Option<Arc<ByName>>,
    /// What it runs on, for the links of its rows.
    home: Mutex<Option<Py<PyAny>>>,
}

impl Statement {
    /// From what the orm crate rendered. `rows` makes the objects; without it rows are records.
    ///
    /// # Errors
    /// Exhausted memory.
    pub fn new(
        py: Python<'_>,
        rendered: &query::Statement<'_, Value>,
        shape: Shape,
        rows: Option<Hydrator>,
    ) -> PyResult<Self> {
        Ok(Self {
            sql: PyString::new(py, &rendered.sql).unbind(),
            args: PyTuple::new(py, rendered.params.iter().map(|value| &value.0))?.unbind(),
            types: rendered.types.as_slice().into(),
            typed: is_declared(rendered) && rows.as_ref().is_none_or(Hydrator::is_typed),
            shape,
            rows: rows.map(Arc::new),
            query_rows: None,
            named_rows: None,
            home: Mutex::new(None),
        })
    }

    /// The same for the rows of a query; `None` where they are numbers.
    ///
    /// # Errors
    /// Exhausted memory.
    pub fn of_rows(
        py: Python<'_>,
        rendered: &query::Statement<'_, Value>,
        shape: Shape,
        rows: Option<Rows>,
        is_typed: bool,
    ) -> PyResult<Self> {
        let mut statement = Self::new(py, rendered, shape, None)?;
        statement.typed = is_typed && is_declared(rendered);
        statement.query_rows = rows.map(Arc::new);
        Ok(statement)
    }

    /// Somebody's SQL, whose columns are a class's by their names.
    pub fn of_sql(sql: &Bound<'_, PyString>, args: &Bound<'_, PyTuple>, rows: ByName) -> Self {
        Self {
            sql: sql.clone().unbind(),
            args: args.clone().unbind(),
            types: Arc::default(),
            typed: false,
            shape: Shape::Rows,
            rows: None,
            query_rows: None,
            named_rows: Some(Arc::new(rows)),
            home: Mutex::new(None),
        }
    }

    /// What makes the rows of one run.
    fn builder(&self, py: Python<'_>) -> Option<Arc<dyn RowBuilder>> {
        let home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        let batches = Batches::new(home.as_ref().map(|home| home.clone_ref(py)));
        if let Some(rows) = &self.query_rows {
            let rows = Arc::clone(rows);
            return Some(Arc::new(Making { rows, batches }));
        }
        if let Some(rows) = &self.named_rows {
            let rows = Arc::clone(rows);
            return Some(Arc::new(Naming { rows, batches }));
        }
        let hydrator = Arc::clone(self.rows.as_ref()?);
        Some(Arc::new(Hydrating { hydrator, batches }))
    }

    fn has_links(&self) -> bool {
        self.rows.as_ref().is_some_and(|rows| rows.has_links())
            || self.named_rows.is_some()
            || self
                .query_rows
                .as_ref()
                .is_some_and(|rows| rows.has_links())
    }
}

impl Statement {
    /// The request that runs it.
    pub fn request(&self, py: Python<'_>) -> Request {
        Request {
            sql: self.sql.clone_ref(py),
            args: Args::One(self.args.clone_ref(py)),
            shape: self.shape,
            declared: Arc::clone(&self.types),
            typed: self.typed,
            builder: self.builder(py),
            portal: None,
            follow: None,
            fresh: false,
        }
    }
}

/// Whether the type of every parameter is known; of the others only the server can say how they are sent.
fn is_declared(rendered: &query::Statement<'_, Value>) -> bool {
    !rendered.types.contains(&0)
}

#[pymethods]
impl Statement {
    #[getter]
    fn sql<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        self.sql.bind(py)
    }

    #[getter]
    fn types(&self) -> Vec<Oid> {
        self.types.to_vec()
    }

    #[getter]
    fn args<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.args.bind(py)
    }

    /// Whether every column is of a type that needs no look-up.
    #[getter]
    fn typed(&self) -> bool {
        self.typed
    }

    /// What makes objects of its rows.
    #[getter]
    fn row_builder(&self, py: Python<'_>) -> Option<Builder> {
        self.builder(py).map(Builder)
    }

    /// Whether what it runs on is to be said by `_bind`, for the links of its rows.
    #[getter]
    fn _has_links(&self) -> bool {
        self.has_links()
    }

    /// Says what it runs on.
    fn _bind(&self, home: Py<PyAny>) {
        let mut place = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        let old = place.replace(home);
        drop(place);
        drop(old);
    }

    fn __repr__(&self) -> String {
        format!("<statement {}>", self.sql)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.args)?;
        self.rows
            .as_ref()
            .map_or(Ok(()), |rows| rows.traverse(&visit))
    }
}
