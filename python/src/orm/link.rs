//! Links on a class: the way to another one, its columns, its conditions.

use std::sync::Arc;

use data_bridge_orm::query::Expr;
use data_bridge_orm::schema::Table;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::builders::chain;
use super::expression::Expression;
use super::handle::{Collection, Handle, Linked};
use super::model::Model;
use super::way::{Ends, Lazy, Way};

/// A link as an attribute of a class: `Post.author`, `User.posts`; or of another link: `Post.author.company`.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct LinkField {
    model: Py<Model>,
    index: usize,
    /// Where it begins, unless at the model's own table: an alias, or the end of another link.
    from: Option<Table>,
}

/// The other model, the columns of both sides, and the model between with its columns.
type EndNames = (
    Py<Model>,
    Vec<String>,
    Vec<String>,
    Option<(Py<Model>, Vec<String>, Vec<String>)>,
);

impl LinkField {
    /// The model's link at this position.
    pub fn new(model: Py<Model>, index: usize, from: Option<Table>) -> Self {
        Self { model, index, from }
    }

    /// The class that it is on.
    pub fn model(&self) -> &Py<Model> {
        &self.model
    }

    /// Its position among the model's links.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The link.
    ///
    /// # Errors
    /// None: a field is only ever made for a link that is there.
    pub fn way(&self) -> PyResult<&Way> {
        let way = self.model.get().links().get(self.index);
        way.ok_or_else(|| PyAttributeError::new_err("the link is gone"))
    }

    /// Both ends.
    ///
    /// # Errors
    /// No such class yet.
    pub fn ends(&self, py: Python<'_>) -> PyResult<Arc<Ends>> {
        self.way()?.ends(py, self.model.get())
    }

    /// The table that it begins at.
    pub fn from(&self) -> &Table {
        self.from.as_ref().unwrap_or(self.model.get().table())
    }

    /// The table that it leads to.
    ///
    /// # Errors
    /// No such class yet.
    pub fn linked(&self, py: Python<'_>) -> PyResult<Table> {
        self.way()?.linked(py, self.model.get(), self.from())
    }

    fn related(&self, py: Python<'_>, conditions: &Bound<'_, PyTuple>) -> PyResult<Expression> {
        let condition = if conditions.is_empty() {
            None
        } else {
            Some(chain(conditions, true)?.0)
        };
        let linked = self.linked(py)?;
        Expression::checked(Expr::related(self.from(), &linked, condition))
    }

    fn branch<'py>(
        slf: &Bound<'py, Self>,
        method: &str,
        args: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static BRANCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        BRANCH
            .import(slf.py(), "data_bridge.postgres.orm._loading", "branch")?
            .call1((slf,))?
            .call_method1(method, args)
    }
}

#[pymethods]
impl LinkField {
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<&Bound<'py, PyAny>>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match instance {
            Some(instance) if !instance.is_none() => {
                let handle = Handle::new(slf.clone().unbind(), instance.clone().unbind());
                if slf.get().way()?.is_many() {
                    return Ok(Bound::new(slf.py(), Collection(handle))?.into_any());
                }
                Ok(Bound::new(slf.py(), Linked(handle))?.into_any())
            }
            _ => Ok(slf.clone().into_any()),
        }
    }

    /// Refers to another row; the key column follows.
    fn __set__(&self, instance: &Bound<'_, PyAny>, linked: &Bound<'_, PyAny>) -> PyResult<()> {
        self.model.get().set_link(instance, self.index, linked)
    }

    /// A column of the linked class, of the row that the link leads to; or a link that begins there.
    fn __getattr__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, this, text) = (slf.py(), slf.get(), name.to_str()?);
        if text.starts_with("__") {
            return Err(PyAttributeError::new_err(name.clone().unbind()));
        }
        let target = this.ends(py)?.target.clone_ref(py);
        let linked = this.linked(py)?;
        if let Ok(index) = target.get().link_at(text) {
            let field = Self::new(target, index, Some(linked));
            return Ok(Bound::new(py, field)?.into_any());
        }
        match linked.column(text) {
            Ok(column) => Ok(Bound::new(py, Expression(column.expr()))?.into_any()),
            Err(error) => Err(PyAttributeError::new_err(error.to_string())),
        }
    }

    /// Whether there is a linked row for which all conditions are true: `EXISTS`.
    #[pyo3(signature = (*conditions))]
    fn any(&self, py: Python<'_>, conditions: &Bound<'_, PyTuple>) -> PyResult<Expression> {
        self.related(py, conditions)
    }

    /// The same; it reads better of a link to one row.
    #[pyo3(signature = (*conditions))]
    fn has(&self, py: Python<'_>, conditions: &Bound<'_, PyTuple>) -> PyResult<Expression> {
        self.related(py, conditions)
    }

    /// To prefetch only the linked rows for which the conditions are true.
    #[pyo3(name = "where", signature = (*conditions))]
    fn filter<'py>(
        slf: &Bound<'py, Self>,
        conditions: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::branch(slf, "where", conditions)
    }

    /// To prefetch the linked rows in this order.
    #[pyo3(signature = (*by))]
    fn order_by<'py>(
        slf: &Bound<'py, Self>,
        by: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::branch(slf, "order_by", by)
    }

    /// To prefetch at most so many linked rows for each row.
    #[pyo3(signature = (*rows))]
    fn limit<'py>(
        slf: &Bound<'py, Self>,
        rows: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::branch(slf, "limit", rows)
    }

    /// To prefetch the linked rows with what they link to in turn.
    #[pyo3(signature = (*links))]
    fn prefetch<'py>(
        slf: &Bound<'py, Self>,
        links: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::branch(slf, "prefetch", links)
    }

    /// To prefetch the linked rows joined with what they link to.
    #[pyo3(signature = (*links))]
    fn fetch_links<'py>(
        slf: &Bound<'py, Self>,
        links: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::branch(slf, "fetch_links", links)
    }

    /// To prefetch only these columns of the linked rows.
    #[pyo3(signature = (*columns))]
    fn only<'py>(
        slf: &Bound<'py, Self>,
        columns: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::branch(slf, "only", columns)
    }

    /// To prefetch the linked rows without these columns.
    #[pyo3(signature = (*columns))]
    fn defer<'py>(
        slf: &Bound<'py, Self>,
        columns: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::branch(slf, "defer", columns)
    }

    /// The link's name.
    #[getter]
    fn _name(&self) -> PyResult<&str> {
        Ok(&self.way()?.text)
    }

    /// The names of the links from the class that the first begins at to this one.
    #[getter]
    fn _path(&self) -> PyResult<String> {
        let own = &self.way()?.text;
        Ok(match &self.from {
            Some(from) if !from.is(from.root()) => format!("{}.{own}", from.known_as()),
            _ => own.clone(),
        })
    }

    /// The class that it is on.
    #[getter]
    fn _model(&self, py: Python<'_>) -> Py<Model> {
        self.model.clone_ref(py)
    }

    /// Whether it leads to many rows.
    #[getter]
    fn _is_many(&self) -> PyResult<bool> {
        Ok(self.way()?.is_many())
    }

    /// Whether only a query may load it.
    #[getter]
    fn _is_raising(&self) -> PyResult<bool> {
        Ok(self.way()?.lazy == Lazy::Raise)
    }

    /// Both ends by the names of their columns.
    #[getter]
    fn _ends(&self, py: Python<'_>) -> PyResult<EndNames> {
        let ends = self.ends(py)?;
        let between = ends.between.as_ref().map(|between| {
            let model = between.model.get();
            let names = |positions: &[usize]| names(model.table(), positions);
            (
                between.model.clone_ref(py),
                names(&between.own),
                names(&between.to),
            )
        });
        let own = names(self.model.get().table(), &ends.own);
        let to = names(ends.target.get().table(), &ends.to);
        Ok((ends.target.clone_ref(py), own, to, between))
    }

    /// The different keys of these instances of the class.
    fn _keys<'py>(&self, rows: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
        let (py, model) = (rows.py(), self.model.get());
        let ends = self.ends(py)?;
        let keys = PyDict::new(py);
        for row in rows {
            if let Some(key) = model.key_of(&row, &ends.own)? {
                keys.set_item(key, py.None())?;
            }
        }
        Ok(keys.keys())
    }

    /// Gives instances of the class what a query found for all of their keys.
    fn _spread(&self, rows: &Bound<'_, PyList>, found: &Bound<'_, PyList>) -> PyResult<()> {
        let (py, model) = (rows.py(), self.model.get());
        let (way, ends) = (self.way()?, self.ends(py)?);
        let by_key = ends.by_key(way.kind, found)?;
        for row in rows {
            let linked = match model.key_of(&row, &ends.own)? {
                Some(key) => way.found(py, &by_key, &key)?,
                None => way.nothing(py),
            };
            model.keep_link(&row, self.index, &ends, linked)?;
        }
        Ok(())
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!(
            "<link {}.{}>",
            self.from().known_as(),
            self.way()?.text
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.model)
    }
}

fn names(table: &Table, positions: &[usize]) -> Vec<String> {
    let columns = positions.iter().filter_map(|at| table.columns().get(*at));
    columns.map(|column| column.name.to_string()).collect()
}
