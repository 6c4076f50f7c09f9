//! Instances and mappings as the tuples that bulk writes take.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMapping, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::model::{Field, Model};

/// Called with a row, gives the tuple of its values. The first row decides which columns there are.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct RowReader {
    model: Py<Model>,
    /// Positions in the table.
    columns: Vec<usize>,
    /// Those that the first row has by itself, not by a default.
    given: Vec<usize>,
    /// Those that an instance must have no value for, as the first row has none: it would be dropped.
    absent: Vec<usize>,
    row: AtomicU64,
    /// Whether a row must have a value for each column, instead of its default.
    strict: bool,
    /// Whether mappings may have more.
    others: bool,
}

#[pymethods]
impl RowReader {
    /// `first` is the first row, which is still to be read as the others are. Of instances the numbers that the server
    /// alone gives are left out, unless they are `needed`. With `only` every row has a value for each of these columns,
    /// and with `others` mappings may have more.
    #[new]
    #[pyo3(signature = (model, first, needed = Vec::new(), only = None, others = false))]
    #[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
    fn new(
        model: &Bound<'_, Model>,
        first: &Bound<'_, PyAny>,
        needed: Vec<String>,
        only: Option<Vec<String>>,
        others: bool,
    ) -> PyResult<Self> {
        let this = model.get();
        let fields = this.fields().iter().enumerate();
        if let Some(only) = only {
            let columns: Vec<usize> = fields
                .filter(|(_, field)| only.iter().any(|name| field.is_called(name)))
                .map(|(index, _)| index)
                .collect();
            return Ok(Self {
                model: model.clone().unbind(),
                given: columns.clone(),
                columns,
                absent: Vec::new(),
                row: AtomicU64::new(0),
                strict: true,
                others,
            });
        }
        let is_left_out = |field: &Field| {
            field.is_given_by_server() && !needed.iter().any(|name| field.is_called(name))
        };
        let mut given = Vec::new();
        let mut columns = Vec::new();
        if this.slots().fit(first) {
            for (index, field) in fields {
                if !is_left_out(field) && this.slots().get(first, index)?.is_some() {
                    columns.push(index);
                }
            }
            given.clone_from(&columns);
        } else if first.is_instance_of::<PyTuple>() {
            columns.extend(fields.map(|(index, _)| index));
            given.clone_from(&columns);
        } else {
            let values = mapping(this, first)?;
            for (index, field) in fields {
                if values.contains(&field.name)? {
                    given.push(index);
                    columns.push(index);
                } else if field.default.is_some() {
                    columns.push(index);
                }
            }
            if given.len() < values.len() {
                return Err(this.unknown(&values));
            }
        }
        // What the server computes is no loss: it does so again.
        let absent = this.fields().iter().enumerate();
        let absent = absent
            .filter(|(index, field)| {
                !columns.contains(index) && !is_left_out(field) && !field.is_generated()
            })
            .map(|(index, _)| index)
            .collect();
        let model = model.clone().unbind();
        let row = AtomicU64::new(0);
        Ok(Self {
            model,
            columns,
            given,
            absent,
            row,
            strict: false,
            others,
        })
    }

    /// The columns' names.
    #[getter]
    fn columns(&self) -> Vec<&str> {
        self.names(&self.columns)
    }

    /// Whether rows give numbers that the server alone would give.
    #[getter]
    fn overrides(&self) -> bool {
        let fields = self.model.get().fields();
        self.given
            .iter()
            .filter_map(|index| fields.get(*index))
            .any(Field::is_given_by_server)
    }

    /// The names of the columns that the first row has by itself: what an upsert updates unless told.
    #[getter]
    fn given(&self) -> Vec<&str> {
        self.names(&self.given)
    }

    fn __call__<'py>(&self, row: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let number = self.row.fetch_add(1, Ordering::Relaxed);
        if let Ok(tuple) = row.cast::<PyTuple>() {
            let model = self.model.get();
            if let Some((index, _)) = model.table().tenant()
                && let Some(place) = self.columns.iter().position(|column| *column == index)
            {
                self.needed(number, index, tuple.get_item(place).ok())?;
            }
            // What is no row of the table is said where it is written.
            if model.takes_values_as_they_are() || tuple.len() != self.columns.len() {
                return Ok(tuple.clone());
            }
            let values = self.columns.iter().zip(tuple).map(|(index, value)| {
                match model.fields().get(*index) {
                    Some(field) => field.sent(field.accept(value)?),
                    None => Ok(value),
                }
            });
            return PyTuple::new(row.py(), values.collect::<PyResult<Vec<_>>>()?);
        }
        let model = self.model.get();
        let values: Vec<Bound<'py, PyAny>> = if model.slots().fit(row) {
            for index in &self.absent {
                if model.slots().get(row, *index)?.is_some() {
                    return Err(self.dropped(number, *index));
                }
            }
            self.collect(|index| self.needed(number, index, model.slots().get(row, index)?))?
        } else {
            let values = mapping(model, row)?;
            let tuple = self.collect(|index| {
                let Some(field) = model.fields().get(index) else {
                    return self.needed(number, index, None);
                };
                let value = match values.get_item(&field.name)? {
                    None if self.strict => None,
                    None => field.default.value(row.py())?,
                    Some(given) => Some(field.accept(given)?),
                };
                self.needed(number, index, value)
            })?;
            if !self.others && (values.len() > self.columns.len() || !self.covers(&values)?) {
                return Err(self.others(number, &values));
            }
            tuple
        };
        PyTuple::new(row.py(), values)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.model)
    }
}

impl RowReader {
    fn names(&self, indexes: &[usize]) -> Vec<&str> {
        let columns = self.model.get().table().columns();
        indexes
            .iter()
            .filter_map(|index| columns.get(*index))
            .map(|column| column.name.as_str())
            .collect()
    }

    fn collect<'py>(
        &self,
        value: impl Fn(usize) -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.columns.iter().map(|index| value(*index)).collect()
    }

    fn needed<'py>(
        &self,
        number: u64,
        index: usize,
        value: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let model = self.model.get();
        if let (Some(value), Some(field)) = (&value, model.fields().get(index)) {
            return field.sent(value.clone());
        }
        value.ok_or_else(|| {
            let column = self.column(index);
            PyValueError::new_err(format!(
                "row {number} has no value for {column}, which the first row has; all rows of one call have the same columns"
            ))
        })
    }

    #[cold]
    fn dropped(&self, number: u64, index: usize) -> PyErr {
        let column = self.column(index);
        PyValueError::new_err(format!(
            "row {number} has a value for {column}, which the first row has not; all rows of one call have the same columns, so give all of them a value for it, or write those that have one by a call of their own"
        ))
    }

    /// A column's name with its table's, for messages.
    fn column(&self, index: usize) -> String {
        let table = self.model.get().table();
        let column = table.columns().get(index);
        let column = column
            .map(|column| column.name.as_str())
            .unwrap_or_default();
        format!("{}.{column}", table.name())
    }

    /// Whether every key is one of the columns.
    fn covers(&self, values: &Bound<'_, PyDict>) -> PyResult<bool> {
        let fields = self.model.get().fields();
        let mut known = 0;
        for field in self.columns.iter().filter_map(|index| fields.get(*index)) {
            known += usize::from(values.contains(&field.name)?);
        }
        Ok(known == values.len())
    }

    #[cold]
    fn others(&self, number: u64, values: &Bound<'_, PyDict>) -> PyErr {
        let columns = self.columns();
        let others: Vec<String> = values
            .keys()
            .iter()
            .map(|key| key.to_string())
            .filter(|key| !columns.contains(&key.as_str()))
            .collect();
        PyValueError::new_err(format!(
            "row {number} has values for {}, which the first row has not; all rows of one call have the same columns",
            others.join(", ")
        ))
    }
}

/// The instances of rows that were written, from the records that came back, in the same order: instances among the rows take
/// these columns' values, of mappings new ones are made. Without `rows` all are new.
#[pyfunction(name = "orm_take")]
#[pyo3(signature = (model, rows, records, columns))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn take<'py>(
    model: &Bound<'py, Model>,
    rows: Option<Vec<Bound<'py, PyAny>>>,
    records: Vec<Bound<'py, PyAny>>,
    columns: Vec<String>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let (py, this) = (model.py(), model.get());
    let fields = columns
        .iter()
        .map(|name| {
            let position = this.fields().iter().position(|field| field.is_called(name));
            position.ok_or_else(|| PyValueError::new_err(format!("there is no column {name}")))
        })
        .collect::<PyResult<Vec<_>>>()?;
    let mut rows = rows.map(Vec::into_iter);
    let mut taken = Vec::with_capacity(records.len());
    for record in records {
        let row = rows.as_mut().and_then(Iterator::next);
        let instance = match row {
            Some(row) if this.slots().fit(&row) => row,
            Some(row) => this.of_row(&row)?,
            None => this.slots().allocate(py)?,
        };
        for (place, index) in fields.iter().enumerate() {
            let mut value = record.get_item(place)?;
            if let Some(field) = this.fields().get(*index)
                && let Some(conversion) = &field.conversion
            {
                value = conversion.of_read(value, &field.column.to_string())?;
            }
            this.slots().set(&instance, *index, Some(value))?;
        }
        this.set_clean(&instance)?;
        this.slots().track(&instance);
        taken.push(instance);
    }
    Ok(taken)
}

impl Model {
    /// An instance with the values of a mapping, or of a tuple of all columns.
    fn of_row<'py>(&self, row: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let instance = self.slots().allocate(row.py())?;
        if let Ok(tuple) = row.cast::<PyTuple>() {
            for (index, value) in tuple.iter().enumerate().take(self.fields().len()) {
                self.slots().set(&instance, index, Some(value))?;
            }
            return Ok(instance);
        }
        let values = mapping(self, row)?;
        for (index, field) in self.fields().iter().enumerate() {
            if let Some(value) = values.get_item(&field.name)? {
                self.slots().set(&instance, index, Some(value))?;
            }
        }
        Ok(instance)
    }
}

/// A row that is no instance, as a dict.
///
/// # Errors
/// Anything but a mapping.
pub fn mapping<'py>(model: &Model, row: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    if let Ok(dict) = row.cast::<PyDict>() {
        return Ok(dict.clone());
    }
    match row.cast::<PyMapping>() {
        Ok(mapping) => {
            let values = PyDict::new(row.py());
            values.update(mapping)?;
            Ok(values)
        }
        Err(_) if row.hasattr(intern!(row.py(), "model_fields_set"))? => {
            static AS_VALUES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let values = AS_VALUES
                .import(
                    row.py(),
                    "data_bridge.postgres.orm._validation",
                    "as_values",
                )?
                .call1((row,))?;
            Ok(values.cast_into::<PyDict>()?)
        }
        Err(_) => Err(PyTypeError::new_err(format!(
            "a row of {} is an instance of {} or a mapping of column names to values, not {}",
            model.table().name(),
            model.slots().class(row.py()).name()?,
            row.get_type().name()?
        ))),
    }
}
