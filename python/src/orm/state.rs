//! What an instance knows of its row: whether it is new, and which columns have changed.
//!
//! It is kept in a slot of its own. An empty slot means a row as the database has it, so that making instances from rows
//! stores nothing; `True` means a row that the database has not; and an integer has a bit for each column that has changed.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyFloat, PyInt, PyString, PyTime};

use super::model::Model;

/// The slot's name in a class.
pub const SLOT: &str = "_state";

impl Model {
    /// Gives a column of an instance a value, which the next save writes if it is another one.
    ///
    /// # Errors
    /// An object of another class.
    pub fn assign(
        &self,
        instance: &Bound<'_, PyAny>,
        index: usize,
        value: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let slots = self.slots();
        let value = match self.fields().get(index) {
            Some(field) => field.accept(value)?,
            None => value,
        };
        let same = match slots.get(instance, index)? {
            Some(old) => is_same(&old, &value)?,
            None => false,
        };
        if !same {
            self.touch(instance, index)?;
        }
        slots.set(instance, index, Some(value))?;
        slots.track(instance);
        Ok(())
    }

    /// Notes that a column has changed.
    ///
    /// # Errors
    /// An object of another class.
    pub fn touch(&self, instance: &Bound<'_, PyAny>, index: usize) -> PyResult<()> {
        let py = instance.py();
        let state = self.slots().get(instance, self.state_slot())?;
        let state = match state {
            Some(state) if is_new(&state) => return Ok(()),
            None => bit(py, index)?,
            Some(state) => state.bitor(bit(py, index)?)?,
        };
        self.slots().set(instance, self.state_slot(), Some(state))
    }

    /// Notes that the database has no such row.
    ///
    /// # Errors
    /// An object of another class.
    pub fn set_new(&self, instance: &Bound<'_, PyAny>) -> PyResult<()> {
        let new = PyBool::new(instance.py(), true).to_owned().into_any();
        self.slots().set(instance, self.state_slot(), Some(new))
    }

    /// Notes that the instance is as the database has its row.
    ///
    /// # Errors
    /// An object of another class.
    pub fn set_clean(&self, instance: &Bound<'_, PyAny>) -> PyResult<()> {
        self.slots().set(instance, self.state_slot(), None)
    }

    /// Notes that these columns are as the database has them.
    ///
    /// # Errors
    /// An object of another class.
    pub fn set_clean_columns(
        &self,
        instance: &Bound<'_, PyAny>,
        columns: &[usize],
    ) -> PyResult<()> {
        let left: Vec<usize> = self.changes(instance)?.unwrap_or_default();
        self.set_clean(instance)?;
        for index in left.iter().filter(|index| !columns.contains(index)) {
            self.touch(instance, *index)?;
        }
        Ok(())
    }

    /// Has the state be what it was before, with what has changed since.
    ///
    /// # Errors
    /// An object of another class.
    pub fn restore_state(
        &self,
        instance: &Bound<'_, PyAny>,
        state: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let since = self.changes(instance)?;
        self.slots().set(instance, self.state_slot(), state)?;
        for index in since.unwrap_or_default() {
            self.touch(instance, index)?;
        }
        Ok(())
    }

    /// The positions of the columns that have changed; `None` for a row that is new.
    ///
    /// # Errors
    /// An object of another class.
    pub fn changes(&self, instance: &Bound<'_, PyAny>) -> PyResult<Option<Vec<usize>>> {
        let Some(state) = self.slots().get(instance, self.state_slot())? else {
            return Ok(Some(Vec::new()));
        };
        if is_new(&state) {
            return Ok(None);
        }
        let columns = 0..self.fields().len();
        if let Ok(bits) = state.extract::<u64>() {
            return Ok(Some(
                columns
                    .filter(|index| *index < 64 && bits >> index & 1 == 1)
                    .collect(),
            ));
        }
        let mut changed = Vec::new();
        for index in columns {
            if state.bitand(bit(instance.py(), index)?)?.is_truthy()? {
                changed.push(index);
            }
        }
        Ok(Some(changed))
    }

    /// The positions of the columns that a save would write: those of a new row that have a value, else what has changed.
    /// The server alone counts versions.
    ///
    /// # Errors
    /// An object of another class.
    pub fn to_write(&self, instance: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        let Some(mut changed) = self.changes(instance)? else {
            let mut given = Vec::new();
            for index in 0..self.fields().len() {
                if self.slots().get(instance, index)?.is_some() {
                    given.push(index);
                }
            }
            return Ok(given);
        };
        changed.retain(|index| Some(*index) != self.version());
        Ok(changed)
    }
}

fn is_new(state: &Bound<'_, PyAny>) -> bool {
    state.is_instance_of::<PyBool>()
}

fn bit(py: Python<'_>, index: usize) -> PyResult<Bound<'_, PyAny>> {
    if index < 64 {
        Ok((1_u64 << index).into_pyobject(py)?.into_any())
    } else {
        1_u64.into_pyobject(py)?.lshift(index)
    }
}

/// Whether a new value is certainly the old one: what can be changed in place may have been.
fn is_same(old: &Bound<'_, PyAny>, new: &Bound<'_, PyAny>) -> PyResult<bool> {
    if !old.get_type().is(new.get_type()) {
        return Ok(false);
    }
    if let (Ok(old), Ok(new)) = (old.cast_exact::<PyFloat>(), new.cast_exact::<PyFloat>()) {
        return Ok(old.value().to_bits() == new.value().to_bits());
    }
    let is_plain = new.is_none()
        || new.is_exact_instance_of::<PyString>()
        || new.is_exact_instance_of::<PyInt>()
        || new.is_exact_instance_of::<PyBool>()
        || new.is_exact_instance_of::<PyBytes>()
        || new.is_exact_instance_of::<PyDateTime>()
        || new.is_exact_instance_of::<PyDate>()
        || new.is_exact_instance_of::<PyTime>()
        || new.is_exact_instance_of::<PyDelta>();
    Ok(is_plain && old.eq(new)?)
}
