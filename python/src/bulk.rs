//! Many rows at once: the driver's SQL texts for bulk writes as Python objects, and rows turned into arrays by column.

#![allow(clippy::needless_pass_by_value)] // what Python hands over arrives as values

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, BytesMut};
use data_bridge_driver::copy;
use data_bridge_driver::ident::QualifiedName;
use data_bridge_driver::session::Statement;
use data_bridge_driver::types::IsNull;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::ColumnEncoder;
use crate::engine::Description;
use crate::errors;

/// The texts of a plain insert of many rows; see the driver's `copy::Insert`.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Insert {
    plan: copy::Insert,
    /// Prepared and never run, it tells the columns' types.
    #[pyo3(get)]
    describe: String,
    /// Starts the COPY.
    #[pyo3(get)]
    copy: String,
    /// Takes the values of one row.
    #[pyo3(get)]
    values: String,
}

#[pymethods]
impl Insert {
    #[new]
    #[pyo3(signature = (table, columns, returning=Vec::new()))]
    fn new(
        py: Python<'_>,
        table: &str,
        columns: Vec<String>,
        returning: Vec<String>,
    ) -> PyResult<Self> {
        let plan = target(table, &columns)
            .and_then(|target| copy::Insert::new(target, returning.iter().map(String::as_str)))
            .map_err(|error| errors::to_py(py, &error))?;
        Ok(Self {
            describe: plan.target().describe_sql(),
            copy: plan.target().copy_sql(),
            values: plan.values_sql(),
            plan,
        })
    }

    /// Takes an array for each of the columns that were described. The text is the same whatever their types are, unlike
    /// that of an upsert.
    fn unnest(&self, description: &Description) -> String {
        let _ = description;
        self.plan.unnest_sql()
    }

    /// The statements of the way through a staging table, for the columns that were described.
    fn stage(&self, description: &Description) -> StagePlan {
        StagePlan(self.plan.stage(&description.column_types()))
    }
}

/// The texts of an upsert of many rows; see the driver's `copy::Upsert`.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Upsert {
    plan: copy::Upsert,
    /// Prepared and never run, it tells the columns' types.
    #[pyo3(get)]
    describe: String,
    /// Counts updated rows, behind the statement that updates them; `None` where nothing is ever updated.
    #[pyo3(get)]
    count: Option<&'static str>,
}

#[pymethods]
impl Upsert {
    /// `update` is `None` for all columns outside the key; an empty one leaves rows that are there as they are. `fixed`
    /// are columns of updated rows that are set to SQL or, where that is `None`, to a value behind the rows. `overriding` takes values for `GENERATED ALWAYS` columns; with `existing` no row is
    /// inserted.
    #[new]
    #[pyo3(signature = (table, columns, conflict, *, update=None, fixed=Vec::new(), condition=None, duplicates="last", returning=Vec::new(), overriding=false, existing=false))]
    #[allow(clippy::too_many_arguments)] // all but the first three by keyword
    fn new(
        py: Python<'_>,
        table: &str,
        columns: Vec<String>,
        conflict: Vec<String>,
        update: Option<Vec<String>>,
        fixed: Vec<(String, Option<String>)>,
        condition: Option<&str>,
        duplicates: &str,
        returning: Vec<String>,
        overriding: bool,
        existing: bool,
    ) -> PyResult<Self> {
        let duplicates = match duplicates {
            "last" => copy::Duplicates::Last,
            "first" => copy::Duplicates::First,
            "error" => copy::Duplicates::Error,
            other => {
                return Err(errors::interface_error(
                    py,
                    &format!(
                        "on_duplicate must be \"last\", \"first\" or \"error\", not {other:?}"
                    ),
                ));
            }
        };
        let action = match &update {
            None => copy::Action::UpdateAll,
            Some(columns) => copy::Action::Update(columns.iter().map(String::as_str).collect()),
        };
        let plan = target(table, &columns)
            .and_then(|target| {
                copy::Upsert::new(target, conflict.iter().map(String::as_str), action)
            })
            .and_then(|plan| {
                fixed
                    .iter()
                    .try_fold(plan, |plan, (column, sql)| match sql {
                        Some(sql) => plan.set_sql(column, sql),
                        None => plan.set_parameter(column),
                    })
            })
            .and_then(|plan| plan.returning(returning.iter().map(String::as_str)))
            .map(|plan| plan.duplicates(duplicates))
            .map_err(|error| errors::to_py(py, &error))?;
        let plan = match condition {
            Some(sql) => plan.condition(sql),
            None => plan,
        };
        let plan = if existing { plan.existing_only() } else { plan };
        let plan = if overriding {
            plan.overriding_system_value()
        } else {
            plan
        };
        Ok(Self {
            describe: plan.target().describe_sql(),
            count: plan.count_sql(),
            plan,
        })
    }

    /// Takes an array for each of the columns that were described.
    fn unnest(&self, description: &Description) -> String {
        self.plan.unnest_sql(&description.column_types())
    }

    /// The statements of the way through a staging table, for the columns that were described.
    fn stage(&self, description: &Description) -> StagePlan {
        StagePlan(self.plan.stage(&description.column_types()))
    }
}

/// The statements of a bulk write through a staging table; see the driver's `copy::StagePlan`.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct StagePlan(copy::StagePlan);

#[pymethods]
impl StagePlan {
    /// Makes the staging table unless it is there.
    #[getter]
    fn create(&self) -> &str {
        &self.0.create
    }

    /// Empties it, in a transaction that may have used it before.
    #[getter]
    fn clear(&self) -> &str {
        &self.0.clear
    }

    /// Starts the COPY.
    #[getter]
    fn copy(&self) -> &str {
        &self.0.copy
    }

    /// Whether each row of the COPY ends in its number.
    #[getter]
    fn ordinal(&self) -> bool {
        self.0.ordinal
    }

    /// Moves the rows to where they belong.
    #[getter]
    fn merge(&self) -> &str {
        &self.0.merge
    }

    /// Counts those of them that were there before.
    #[getter]
    fn count(&self) -> Option<&str> {
        self.0.count.as_deref()
    }
}

impl StagePlan {
    /// The driver's.
    pub fn plan(&self) -> &copy::StagePlan {
        &self.0
    }
}

/// A table's name from `table` or `schema.table`, quoted.
#[pyfunction]
pub fn quoted_table(py: Python<'_>, name: &str) -> PyResult<String> {
    QualifiedName::parse(name)
        .map(|name| name.to_string())
        .map_err(|error| errors::to_py(py, &error))
}

fn target(table: &str, columns: &[String]) -> Result<copy::Target, data_bridge_driver::Error> {
    copy::Target::new(
        QualifiedName::parse(table)?,
        columns.iter().map(String::as_str),
    )
}

/// Rows as the parameters of an `unnest` statement: one array for each column, in wire form.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Columns {
    described: Arc<Statement>,
    types: Box<[u32]>,
    /// What follows the arrays: single values, whose types are the server's to say.
    values: Py<PyTuple>,
    /// Taken out while it is in use, for the rows are Python code.
    encoder: Mutex<Option<ColumnEncoder>>,
}

#[pymethods]
impl Columns {
    /// For the columns of a described statement; `None` if `unnest` cannot give values of all of their types, as of
    /// arrays. `values` are the parameters behind those. With `exact_keys`, dicts may have no other keys.
    #[staticmethod]
    #[pyo3(signature = (description, values, *, exact_keys=false))]
    fn of(
        description: &Bound<'_, Description>,
        values: Bound<'_, PyTuple>,
        exact_keys: bool,
    ) -> Option<Self> {
        let (py, description) = (description.py(), description.get());
        let encoder = ColumnEncoder::new(py, description.typed_columns(), exact_keys);
        Some(Self {
            described: Arc::clone(description.statement()),
            types: description.array_types()?,
            values: values.unbind(),
            encoder: Mutex::new(Some(encoder)),
        })
    }

    /// Adds rows; the first one's number is `start`. After an error this object is of no more use.
    #[pyo3(signature = (rows, start=0))]
    fn extend(&self, rows: &Bound<'_, PyAny>, start: u64) -> PyResult<()> {
        let encoder = self.lock().take();
        let Some(mut encoder) = encoder else {
            return Err(unusable(rows.py()));
        };
        for (index, row) in (start..).zip(rows.try_iter()?) {
            encoder.push(&row?, index)?;
        }
        *self.lock() = Some(encoder);
        Ok(())
    }

    /// OIDs of the parameters; 0 where it is the server's to say.
    #[getter]
    fn types<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let unsaid = vec![0; self.values.bind(py).len()];
        PyTuple::new(py, [&self.types[..], &unsaid].concat())
    }

    fn __len__(&self) -> usize {
        self.lock().as_ref().map_or(0, ColumnEncoder::len)
    }
}

impl Columns {
    /// The statement whose columns these are.
    pub fn described(&self) -> &Arc<Statement> {
        &self.described
    }

    /// How many arrays there are.
    pub fn arrays(&self) -> usize {
        self.types.len()
    }

    /// What follows them.
    pub fn values<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.values.bind(py)
    }

    /// Appends all arrays, each behind its length.
    pub fn encode(&self, py: Python<'_>, out: &mut BytesMut) -> PyResult<()> {
        let encoder = self.lock();
        let Some(encoder) = encoder.as_ref() else {
            return Err(unusable(py));
        };
        for at in 0..self.types.len() {
            let start = out.len();
            out.put_i32(-1);
            if let IsNull::No = encoder.encode_one(at, out) {
                let length = i32::try_from(out.len() - start - 4).map_err(|_| too_large(py))?;
                out[start..start + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<ColumnEncoder>> {
        self.encoder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cold]
fn unusable(py: Python<'_>) -> PyErr {
    errors::interface_error(
        py,
        "these rows are in use, or one of them could not be encoded",
    )
}

#[cold]
fn too_large(py: Python<'_>) -> PyErr {
    errors::data_error(
        py,
        "the rows are too large for one statement; use method=\"copy\"",
    )
}
