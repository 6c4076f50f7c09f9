//! What becomes of the values of some columns beyond their type: members of an enum, objects for JSON, types of the user.
//!
//! A column without one costs nothing. A converter is registered once per Python type and kept for good, as a class mostly is;
//! the orm crate carries its number along with the types of expressions, so that `func.max(User.plan)` and the value beside
//! `User.plan ==` find it too.

use std::sync::{Arc, PoisonError, RwLock};

use data_bridge_driver::error::Outcome;
use data_bridge_orm::query::{Conversion, ValueType};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::expression::Expression;
use crate::convert::{Fault, Layout};

/// How the values of a type are made into objects and back.
#[derive(Debug)]
pub struct Converter {
    /// Every object that there can be, by its value: the members of an enum.
    table: Option<Py<PyDict>>,
    /// What messages say of a value that is not in the table.
    missing: Box<str>,
    /// Makes the object of the value that the driver made.
    load: Option<Py<PyAny>>,
    /// Makes it of the text of a JSON value.
    load_json: Option<Py<PyAny>>,
    /// Makes a value that the driver sends of an object, where the driver does not take the object itself.
    dump: Option<Py<PyAny>>,
}

static CONVERTERS: RwLock<Vec<Arc<Converter>>> = RwLock::new(Vec::new());

/// Registers a converter; the answer is its number. Objects are found in `table` by their value, or made by `load` or `load_json`.
#[pyfunction(name = "orm_converter")]
#[pyo3(signature = (*, table = None, missing = "", load = None, load_json = None, dump = None))]
pub fn register(
    table: Option<Py<PyDict>>,
    missing: &str,
    load: Option<Py<PyAny>>,
    load_json: Option<Py<PyAny>>,
    dump: Option<Py<PyAny>>,
) -> u32 {
    let mut converters = CONVERTERS.write().unwrap_or_else(PoisonError::into_inner);
    converters.push(Arc::new(Converter {
        table,
        missing: missing.into(),
        load,
        load_json,
        dump,
    }));
    u32::try_from(converters.len() - 1).unwrap_or(u32::MAX)
}

/// The converter of a column or an expression.
#[derive(Clone, Debug)]
pub struct Conversions {
    converter: Arc<Converter>,
    /// Whether it is for the elements of an array.
    elements: bool,
}

impl Conversions {
    /// That of a type, if it has one.
    pub fn of(ty: ValueType) -> Option<Self> {
        let index = find(ty.conversion())?;
        Some(Self {
            converter: index,
            elements: ty.is_array(),
        })
    }

    /// Whether the driver does not take the objects themselves.
    pub fn dumps(&self) -> bool {
        self.converter.dump.is_some()
    }

    /// Whether the objects hold nothing that could refer back to a row.
    pub fn is_flat(&self) -> bool {
        self.converter.table.is_some() && !self.elements
    }

    /// The object of a column (from 0) of a row.
    ///
    /// # Errors
    /// `DataError`, which names the column, for a value that no object stands for.
    pub fn load<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        at: usize,
        wire: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = match (&self.converter.load_json, wire) {
            (Some(load), Some(wire))
                if !self.elements
                    && let Some(json) = layout.json(at, wire) =>
            {
                load.bind(py)
                    .call1((PyBytes::new(py, json),))
                    .map_err(Fault::from)
            }
            _ => self.of_value(layout.value(py, at, wire)?),
        };
        made.map_err(|fault| layout.error(py, at, fault))
    }

    /// What becomes of a value that the driver has read.
    ///
    /// # Errors
    /// The load function's own; a label that no member has.
    pub fn of_read<'py>(
        &self,
        value: Bound<'py, PyAny>,
        column: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        self.of_value(value)
            .map_err(|fault| fault.at(py, column, Outcome::Unknown))
    }

    fn of_value<'py>(&self, value: Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>, Fault> {
        if value.is_none() {
            return Ok(value);
        }
        if self.elements
            && let Ok(list) = value.cast::<PyList>()
        {
            for (at, element) in list.iter().enumerate() {
                list.set_item(at, self.of_value(element)?)?;
            }
            return Ok(value);
        }
        let converter = &*self.converter;
        if let Some(table) = &converter.table {
            return table
                .bind(value.py())
                .get_item(&value)?
                .ok_or_else(|| Fault::data(converter.missing.to_string()));
        }
        match &converter.load {
            Some(load) => Ok(load.bind(value.py()).call1((value,))?),
            None => Ok(value),
        }
    }

    /// What the driver sends for an object. Lists are for arrays; `None` is NULL, and what
    /// the server computes stays.
    ///
    /// # Errors
    /// The dump function's own.
    pub fn dump<'py>(&self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let Some(dump) = &self.converter.dump else {
            return Ok(value.clone());
        };
        if value.is_none() || value.is_instance_of::<Expression>() {
            return Ok(value.clone());
        }
        if self.elements
            && let Ok(list) = value.cast::<PyList>()
        {
            let dumped = list
                .iter()
                .map(|element| self.dump(&element))
                .collect::<PyResult<Vec<_>>>()?;
            return Ok(PyList::new(value.py(), dumped)?.into_any());
        }
        dump.bind(value.py()).call1((value,))
    }
}

/// The object of a column of a row, converted where there is a conversion.
///
/// # Errors
/// `DataError`, which names the column.
#[inline]
pub fn load<'py>(
    conversions: Option<&Conversions>,
    py: Python<'py>,
    layout: &Layout,
    at: usize,
    wire: Option<&[u8]>,
) -> PyResult<Bound<'py, PyAny>> {
    match conversions {
        None => layout.value(py, at, wire),
        Some(conversions) => conversions.load(py, layout, at, wire),
    }
}

fn find(conversion: Conversion) -> Option<Arc<Converter>> {
    let index = usize::try_from(conversion.index()?).ok()?;
    let converters = CONVERTERS.read().unwrap_or_else(PoisonError::into_inner);
    converters.get(index).cloned()
}
