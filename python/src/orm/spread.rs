//! What a query found over a link, to the instances that it belongs to.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::model::Model;
use super::way::{Ends, Kind, Way};

impl Ends {
    /// The rows of a query by the key of the side that they belong to: one for each, or a list.
    ///
    /// # Errors
    /// A key that cannot be hashed.
    pub fn by_key<'py>(
        &self,
        kind: Kind,
        found: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = found.py();
        let target = self.target.get();
        let by_key = PyDict::new(py);
        let known = PyDict::new(py);
        for row in found {
            let (linked, key) = match kind {
                Kind::One => {
                    if let Some(key) = target.key_of(&row, &self.to)? {
                        by_key.set_item(key, row)?;
                    }
                    continue;
                }
                Kind::Many => {
                    let Some(key) = target.key_of(&row, &self.to)? else {
                        continue;
                    };
                    (row, key)
                }
                // The linked row, and behind it the columns of the table between that refer to this side.
                Kind::Through => {
                    let row = row.cast_into::<PyTuple>()?;
                    let key = match row.len() {
                        2 => row.get_item(1)?,
                        parts => row.get_slice(1, parts).into_any(),
                    };
                    let linked = row.get_item(0)?;
                    // A row that several have is one instance.
                    let linked = match target.key_of(&linked, target.table().primary_key())? {
                        None => linked,
                        Some(own) => {
                            if let Some(known) = known.get_item(&own)? {
                                known
                            } else {
                                known.set_item(own, &linked)?;
                                linked
                            }
                        }
                    };
                    (linked, key)
                }
            };
            match by_key.get_item(&key)? {
                Some(list) => list.cast_into::<PyList>()?.append(linked)?,
                None => by_key.set_item(key, PyList::new(py, [linked])?)?,
            }
        }
        Ok(by_key)
    }
}

impl Way {
    /// What a link without a key leads to.
    pub fn nothing<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        if self.is_many() {
            PyList::empty(py).into_any()
        } else {
            py.None().into_bound(py)
        }
    }

    /// What was found for a key. Of rows with one key each gets a list of its own.
    ///
    /// # Errors
    /// A key that cannot be hashed.
    pub fn found<'py>(
        &self,
        py: Python<'py>,
        by_key: &Bound<'py, PyDict>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match by_key.get_item(key)? {
            None => Ok(self.nothing(py)),
            Some(found) => match found.cast::<PyList>() {
                Ok(list) => Ok(list.get_slice(0, list.len()).into_any()),
                Err(_) => Ok(found),
            },
        }
    }
}

impl Model {
    /// The values of these columns, as a tuple where they are several; nothing where one of them is NULL or not known.
    ///
    /// # Errors
    /// An instance of another class.
    pub fn key_of<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        columns: &[usize],
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = |column: usize| {
            let value = self.slots().get(instance, column)?;
            Ok::<_, PyErr>(value.filter(|value| !value.is_none()))
        };
        if let [column] = columns {
            return value(*column);
        }
        let parts = columns
            .iter()
            .map(|column| value(*column))
            .collect::<PyResult<Option<Vec<_>>>>()?;
        match parts {
            Some(parts) if !parts.is_empty() => {
                Ok(Some(PyTuple::new(instance.py(), parts)?.into_any()))
            }
            _ => Ok(None),
        }
    }

    /// Has an instance know what a link leads to; rows that link back know that too.
    ///
    /// # Errors
    /// A strict link that leads nowhere although its key says otherwise.
    pub fn keep_link(
        &self,
        instance: &Bound<'_, PyAny>,
        link: usize,
        ends: &Ends,
        linked: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if linked.is_none() {
            self.check_missing(instance, link)?;
        }
        if let (Some(back), Ok(list)) = (ends.back, linked.cast::<PyList>()) {
            let target = ends.target.get();
            for one in list {
                let slot = target.link_slot(back);
                target.slots().set(&one, slot, Some(instance.clone()))?;
                target.slots().track(&one);
            }
        }
        self.slots()
            .set(instance, self.link_slot(link), Some(linked))?;
        self.slots().track(instance);
        Ok(())
    }
}
