//! `Query`: a SELECT in the making.

use std::sync::Arc;

use data_bridge_orm::query::{Expr, Link, Select, SetOperator, Strength, ValueType};
use data_bridge_orm::schema::Table;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyTuple};

use super::composing::row_count;
use super::derived::PyDerived;
use super::expression::{Expression, Value, condition, operand};
use super::hydrate::Entity;
use super::keyset;
use super::link::LinkField;
use super::model::Model;
use super::order::{PyOrder, orders};
use super::readable::Readable;
use super::scope::scope;
use super::statement::Statement;
use super::tuples::{Joined, Part, Rows};
use crate::engine::Shape;
use crate::errors;

/// A query: immutable, each method gives a new one. Nothing is sent before it is awaited or one of its last methods called.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Query")]
pub struct PyQuery {
    pub(super) select: Select<Value>,
    pub(super) rows: Rows,
    /// Whether a LIMIT was given.
    pub(super) limited: bool,
    /// What is loaded with its rows by queries of their own: a tuple for `_loading`.
    pub(super) branches: Option<Arc<Py<PyTuple>>>,
    /// Whether what it reads follows from what it selects and nothing was joined yet.
    pub(super) inferred: bool,
}

impl PyQuery {
    fn delegate<'py>(
        slf: &Bound<'py, Self>,
        verb: &str,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        verbs(slf.py())?.call_method1(verb, (slf, timeout, db))
    }
}

fn verbs(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VERBS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = VERBS.get_or_try_init(py, || {
        Ok::<_, PyErr>(
            py.import("data_bridge.postgres.orm._terminals")?
                .into_any()
                .unbind(),
        )
    })?;
    Ok(module.bind(py))
}

fn loading(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOADING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = LOADING.get_or_try_init(py, || {
        let module = py.import("data_bridge.postgres.orm._loading")?;
        Ok::<_, PyErr>(module.into_any().unbind())
    })?;
    Ok(module.bind(py))
}

#[pymethods]
impl PyQuery {
    /// Of expressions and classes; with `single` rows are the first of them instead of tuples.
    #[staticmethod]
    fn _of(items: &Bound<'_, PyTuple>, single: bool) -> PyResult<Self> {
        let mut select = Select::of([]);
        let mut parts = Vec::with_capacity(items.len());
        if items.is_empty() {
            return Err(PyTypeError::new_err("select() needs something to select"));
        }
        for item in items {
            match Readable::find(&item)? {
                Some(Readable::Entity(model, table)) => {
                    let key = table.primary_key().first().copied();
                    if !select.has_source() {
                        select = select.source(&table);
                    }
                    select = select.all_of(&table);
                    parts.push(Part::Entity(Arc::new(Entity::new(model.unbind(), key))));
                }
                Some(Readable::Derived(_)) => {
                    return Err(PyTypeError::new_err(
                        "select the columns of a subquery one by one: sub.c.name",
                    ));
                }
                None => {
                    let expr = operand(&item, super::expression::of_value(&item)?)?;
                    parts.push(Part::value(&expr));
                    select = Self::reading(select, &expr).item(expr);
                }
            }
        }
        let rows = Rows::new(parts, single);
        Ok(Self {
            select,
            rows,
            limited: false,
            branches: None,
            inferred: true,
        })
    }

    /// Reads from a class, an alias, a subquery or a CTE; needed where the selected columns do not say.
    fn select_from(&self, source: &Bound<'_, PyAny>) -> PyResult<Self> {
        let relation = Readable::needed(source)?.relation();
        Ok(self.joined(|select| {
            if self.inferred {
                select.only_source(relation)
            } else {
                select.source(relation)
            }
        }))
    }

    /// Joins a class, an alias, a subquery, or the other side of a link; without `on` by the foreign key between them.
    #[pyo3(signature = (target, on = None, *, how = "inner"))]
    fn join(
        &self,
        target: &Bound<'_, PyAny>,
        on: Option<&Bound<'_, PyAny>>,
        how: &str,
    ) -> PyResult<Self> {
        self.join_any(target, on, how)
    }

    /// `LEFT JOIN`: rows stay that have no partner.
    #[pyo3(signature = (target, on = None))]
    fn left_join(
        &self,
        target: &Bound<'_, PyAny>,
        on: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        self.join(target, on, "left")
    }

    /// Keeps the rows for which all conditions are true.
    #[pyo3(name = "where", signature = (*conditions))]
    fn filter(&self, conditions: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut select = self.select.clone();
        for one in conditions {
            let one = condition(&one)?;
            select = Self::reading(select, &one).filter(one);
        }
        Ok(self.replaced(select))
    }

    /// Rows that were deleted softly too, of every class that it reads; subqueries speak for themselves.
    fn with_deleted(&self) -> Self {
        self.with(Select::with_deleted)
    }

    /// Only rows of its first class that were deleted softly.
    fn only_deleted(&self) -> PyResult<Self> {
        let deleted = self
            .select
            .tables()
            .find_map(Table::deleted)
            .ok_or_else(|| {
                PyTypeError::new_err(
                    "none of the classes that the query reads is deleted softly: soft_delete= in a class statement says so",
                )
            })?;
        Ok(self.with(|select| select.with_deleted().filter(deleted)))
    }

    /// The rows of all tenants, and those that were deleted softly, of every class that it reads; subqueries speak for
    /// themselves.
    fn unscoped(&self) -> Self {
        self.with(Select::unscoped)
    }

    /// One row for each combination of values.
    #[pyo3(signature = (*by))]
    fn group_by(&self, by: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut select = self.select.clone();
        for one in by {
            select = select.group_by(operand(&one, ValueType::UNKNOWN)?);
        }
        Ok(self.replaced(select))
    }

    /// Keeps the groups for which all conditions are true.
    #[pyo3(signature = (*conditions))]
    fn having(&self, conditions: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut select = self.select.clone();
        for one in conditions {
            select = select.having(condition(&one)?);
        }
        Ok(self.replaced(select))
    }

    /// Orders the rows; further calls decide among equals. `None` alone forgets the order.
    #[pyo3(signature = (*by))]
    fn order_by(&self, by: &Bound<'_, PyTuple>) -> PyResult<Self> {
        if by.len() == 1 && by.get_item(0)?.is_none() {
            return Ok(self.with(Select::unordered));
        }
        let orders = orders(by)?;
        Ok(self.with(|select| orders.into_iter().fold(select, Select::order_by)))
    }

    /// Leaves out rows equal to others; with expressions, keeps the first row of those for which they are equal.
    #[pyo3(signature = (*on))]
    fn distinct(&self, on: &Bound<'_, PyTuple>) -> PyResult<Self> {
        if on.is_empty() {
            return Ok(self.with(Select::distinct));
        }
        let on = on
            .iter()
            .map(|one| operand(&one, ValueType::UNKNOWN))
            .collect::<PyResult<_>>()?;
        Ok(self.with(|select| select.distinct_on(on)))
    }

    /// At most so many rows.
    fn limit(&self, rows: &Bound<'_, PyAny>) -> PyResult<Self> {
        let rows = row_count(rows, "limit")?;
        let mut query = self.with(|select| select.limit(rows));
        query.limited = true;
        Ok(query)
    }

    /// Leaves out so many rows first.
    fn offset(&self, rows: &Bound<'_, PyAny>) -> PyResult<Self> {
        let rows = row_count(rows, "offset")?;
        Ok(self.with(|select| select.offset(rows)))
    }

    /// Locks the rows until the transaction ends; `no_key` lets others refer to them meanwhile.
    #[pyo3(signature = (*of, nowait = false, skip_locked = false, no_key = false))]
    fn for_update(
        &self,
        of: &Bound<'_, PyTuple>,
        nowait: bool,
        skip_locked: bool,
        no_key: bool,
    ) -> PyResult<Self> {
        let strength = if no_key {
            Strength::NoKeyUpdate
        } else {
            Strength::Update
        };
        self.locked(strength, of, nowait, skip_locked)
    }

    /// Keeps others from changing the rows until the transaction ends; with `key` only from changing their keys.
    #[pyo3(signature = (*of, nowait = false, skip_locked = false, key = false))]
    fn for_share(
        &self,
        of: &Bound<'_, PyTuple>,
        nowait: bool,
        skip_locked: bool,
        key: bool,
    ) -> PyResult<Self> {
        let strength = if key {
            Strength::KeyShare
        } else {
            Strength::Share
        };
        self.locked(strength, of, nowait, skip_locked)
    }

    /// The rows of both queries, each once.
    fn union(&self, other: &Bound<'_, Self>) -> Self {
        self.combined(SetOperator::Union, other)
    }

    /// The rows of both queries.
    fn union_all(&self, other: &Bound<'_, Self>) -> Self {
        self.combined(SetOperator::UnionAll, other)
    }

    /// The rows that both queries have, each once.
    fn intersect(&self, other: &Bound<'_, Self>) -> Self {
        self.combined(SetOperator::Intersect, other)
    }

    /// The rows that both queries have, as often as both have them.
    fn intersect_all(&self, other: &Bound<'_, Self>) -> Self {
        self.combined(SetOperator::IntersectAll, other)
    }

    /// The rows that only this query has, each once.
    fn except_(&self, other: &Bound<'_, Self>) -> Self {
        self.combined(SetOperator::Except, other)
    }

    /// The rows that this query has more often.
    fn except_all(&self, other: &Bound<'_, Self>) -> Self {
        self.combined(SetOperator::ExceptAll, other)
    }

    /// The same with rows that are their first value instead of tuples.
    fn scalars(&self) -> Self {
        let mut query = self.with(|select| select);
        query.rows = self.rows.scalars();
        query
    }

    /// To read from: `FROM (SELECT ...) AS name`; its columns are `.c.name`.
    fn subquery(&self, py: Python<'_>, name: &str) -> PyResult<PyDerived> {
        PyDerived::subquery(py, name, self.select.clone())
    }

    /// To read from: `WITH name AS (SELECT ...)`; its columns are `.c.name`. A recursive one is made whole by `.union_all(step)`.
    #[pyo3(signature = (name, *, recursive = false))]
    fn cte(&self, py: Python<'_>, name: &str, recursive: bool) -> PyResult<PyDerived> {
        let select = self.select.clone();
        if recursive {
            PyDerived::seed(py, name, select)
        } else {
            PyDerived::cte(py, name, select)
        }
    }

    /// To join: `LATERAL (SELECT ...) AS name`, for each row of what stands before it; its columns are `.c.name`.
    fn lateral(&self, py: Python<'_>, name: &str) -> PyResult<PyDerived> {
        PyDerived::lateral(py, name, self.select.clone())
    }

    /// Keeps the rows behind one in the query's order: an instance, or the values of what the query is ordered by. `None` is
    /// before all of them.
    #[pyo3(signature = (*row))]
    fn after(&self, row: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let py = row.py();
        let row = match row.len() {
            1 => row.get_item(0)?,
            _ => row.clone().into_any(),
        };
        if row.is_none() {
            return Ok(self.with(|select| select));
        }
        let values = keyset::values(&self.select, &row)?;
        let select = self.select.clone().after(values);
        let select = select.map_err(|error| errors::to_py(py, &error))?;
        Ok(self.replaced(select))
    }

    /// The one value of the one row, as an expression.
    fn scalar_subquery(&self) -> PyResult<Expression> {
        Expression::checked(Expr::scalar(self.select.clone()))
    }

    /// Whether there is a row, as a condition.
    fn _exists_condition(&self) -> PyResult<Expression> {
        Expression::checked(Expr::exists(self.select.clone()))
    }

    /// Only these columns of the class, and its keys; the others are not loaded.
    #[pyo3(signature = (*columns))]
    fn only(&self, columns: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let py = columns.py();
        let columns = self.columns(columns)?;
        Ok(self.narrowed(py, columns))
    }

    /// All columns of the class but these, which are not loaded.
    #[pyo3(signature = (*columns))]
    fn defer(&self, columns: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let without = self.columns(columns)?;
        let entity = self.rows.entity()?;
        let all = match &entity.only {
            Some(only) => only.to_vec(),
            None => (0..entity.model.get().fields().len()).collect(),
        };
        let kept = all.into_iter().filter(|at| !without.contains(at));
        Ok(self.narrowed(columns.py(), kept.collect()))
    }

    /// Loads links along with the rows: those to one row by a JOIN, those to many by a query for each.
    #[pyo3(signature = (*links))]
    fn fetch_links<'py>(
        slf: &Bound<'py, Self>,
        links: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        loading(slf.py())?.call_method1("fetch_links", (slf, links))
    }

    /// Loads links along with the rows, by one query for each.
    #[pyo3(signature = (*links))]
    fn prefetch<'py>(
        slf: &Bound<'py, Self>,
        links: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        loading(slf.py())?.call_method1("prefetch", (slf, links))
    }

    /// The class of its rows.
    #[getter]
    fn _model(&self, py: Python<'_>) -> PyResult<Py<Model>> {
        Ok(self.rows.entity()?.model.clone_ref(py))
    }

    /// Whether rows are instances or values rather than tuples.
    #[getter]
    fn _single(&self) -> bool {
        self.rows.single
    }

    /// What is loaded with its rows by queries of their own.
    #[getter]
    fn _branches(&self, py: Python<'_>) -> Option<Py<PyTuple>> {
        self.branches
            .as_ref()
            .map(|branches| branches.clone_ref(py))
    }

    /// The same with other things to load.
    fn _branched(&self, branches: Py<PyTuple>) -> Self {
        let mut query = self.with(|select| select);
        query.branches = Some(Arc::new(branches));
        query
    }

    /// Fetches with the rows what a link to one row leads to; the links on the way must be fetched already.
    fn _joined(&self, link: &Bound<'_, LinkField>) -> PyResult<Self> {
        let py = link.py();
        let field = link.get();
        let table = field.linked(py)?;
        let joined = &self.rows.joined;
        if joined.iter().any(|joined| joined.table.is(&table)) {
            return Ok(self.with(|select| select));
        }
        self.rows.entity()?;
        let parent = joined
            .iter()
            .position(|joined| joined.table.is(field.from()))
            .map_or(0, |at| self.rows.parts.len() + at);
        let ends = field.ends(py)?;
        let entity = Entity::new(ends.target.clone_ref(py), ends.to.first().copied());
        let mut query = self.joined(|select| select.link(&Link::to(&table)));
        let mut joined = joined.to_vec();
        joined.push(Arc::new(Joined {
            table,
            parent,
            model: field.model().clone_ref(py),
            link: field.index(),
            ends,
            entity,
        }));
        query.rows.joined = joined.into();
        Ok(query)
    }

    /// Its orders.
    #[getter]
    fn _orders(&self) -> Vec<PyOrder> {
        self.select.order().iter().cloned().map(PyOrder).collect()
    }

    /// The same rows, of which it selects these expressions instead.
    fn _selecting(&self, items: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let items = items
            .iter()
            .map(|item| condition(&item))
            .collect::<PyResult<Vec<_>>>()?;
        let mut query = self.with(|select| select);
        query.rows = Rows {
            parts: items.iter().map(Part::value).collect(),
            joined: Arc::new([]),
            single: false,
        };
        query.select = query.select.selecting(items);
        Ok(query)
    }

    /// The same with columns behind its rows, which become tuples.
    fn _also(&self, columns: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut query = self.with(|select| select);
        let mut parts = query.rows.parts.to_vec();
        for column in columns {
            let expr = condition(&column)?;
            parts.push(Part::value(&expr));
            query.select = query.select.item(expr);
        }
        query.rows.parts = parts.into();
        query.rows.single = false;
        Ok(query)
    }

    /// The statement that runs it: for all `rows`, the first `row`, `two` rows at most, their `count`, or whether one `exists`.
    fn _statement(&self, py: Python<'_>, wanted: &str) -> PyResult<Statement> {
        let mut select = self.select.clone();
        if let Some(Part::Entity(entity)) = self.rows.parts.first()
            && let Some(only) = &entity.only
        {
            select = select.narrow(only);
        }
        let (select, shape) = match wanted {
            "row" if self.limited => (select, Shape::Row),
            "row" => (select.one(), Shape::Row),
            "two" if !self.limited => {
                let two = PyInt::new(py, 2_i64).into_any().unbind();
                (select.limit(Value(two)), Shape::Rows)
            }
            "count" => (select.count(), Shape::Value(0)),
            "exists" => (select.exists(), Shape::Value(0)),
            _ => (select, Shape::Rows),
        };
        let scope = scope(py)?;
        let rendered = select
            .render_in(&scope)
            .map_err(|error| errors::to_py(py, &error))?;
        let is_number = matches!(shape, Shape::Value(_));
        let rows = (!is_number).then(|| self.rows.clone());
        let is_typed = is_number || self.rows.is_typed();
        Statement::of_rows(py, &rendered, shape, rows, is_typed)
    }

    /// The SQL.
    fn sql(&self, py: Python<'_>) -> PyResult<String> {
        let scope = scope(py)?;
        let rendered = self.select.render_in(&scope);
        Ok(rendered.map_err(|error| errors::to_py(py, &error))?.sql)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        match self.sql(py) {
            Ok(sql) => format!("<query {sql}>"),
            Err(error) => format!("<query: {error}>"),
        }
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::delegate(slf, "fetch_all", None, None)?.call_method0("__await__")
    }

    /// All rows.
    #[pyo3(signature = (*, timeout = None, db = None))]
    fn all<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::delegate(slf, "fetch_all", timeout, db)
    }

    /// The first row, or `None`.
    #[pyo3(signature = (*, timeout = None, db = None))]
    fn first<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::delegate(slf, "first", timeout, db)
    }

    /// The one row; `NoRowError` where there is none, `ManyRowsError` where there are more.
    #[pyo3(signature = (*, timeout = None, db = None))]
    fn one<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::delegate(slf, "one", timeout, db)
    }

    /// The one row, or `None`; `ManyRowsError` where there are more.
    #[pyo3(signature = (*, timeout = None, db = None))]
    fn one_or_none<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::delegate(slf, "one_or_none", timeout, db)
    }

    /// How many rows there are.
    #[pyo3(signature = (*, timeout = None, db = None))]
    fn count<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::delegate(slf, "count", timeout, db)
    }

    /// Whether there is a row.
    #[pyo3(signature = (*, timeout = None, db = None))]
    fn exists<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::delegate(slf, "exists", timeout, db)
    }

    /// What the server plans to do, as text; with `analyze` it does it and measures.
    #[pyo3(signature = (*, analyze = false, timeout = None, db = None))]
    fn explain<'py>(
        slf: &Bound<'py, Self>,
        analyze: bool,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        verbs(slf.py())?.call_method1("explain", (slf, analyze, timeout, db))
    }

    /// The rows one by one, `batch` of them in memory at a time.
    #[pyo3(signature = (*, batch = 1000, timeout = None, db = None))]
    fn stream<'py>(
        slf: &Bound<'py, Self>,
        batch: usize,
        timeout: Option<&Bound<'py, PyAny>>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        verbs(slf.py())?.call_method1("stream", (slf, batch, timeout, db))
    }
}
