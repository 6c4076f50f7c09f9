//! What an instance holds, to be held by another: copies and pickles.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::model::Model;
use super::state;

/// An instance without values, which is as new to the database as it is to Python until it is given a state.
#[pyfunction(name = "orm_blank")]
pub fn blank<'py>(py: Python<'py>, model: &Bound<'py, Model>) -> PyResult<Bound<'py, PyAny>> {
    let instance = model.get().slots().allocate(py)?;
    model.get().set_new(&instance)?;
    Ok(instance)
}

/// The values of its columns, the instances that its links have loaded, and what it knows of its row, by name.
#[pyfunction(name = "orm_state_of")]
pub fn state_of<'py>(
    model: &Bound<'py, Model>,
    instance: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let this = model.get();
    let held = this.values(instance)?;
    for (index, way) in this.links().iter().enumerate() {
        // What else a link holds belongs to the rows that came along with this one.
        if let Some(linked) = this.slots().get(instance, this.link_slot(index))?
            && is_row(&linked)?
        {
            held.set_item(&way.text, linked)?;
        }
    }
    let known = this.slots().get(instance, this.state_slot())?;
    held.set_item(state::SLOT, known)?;
    Ok(held)
}

/// Gives an instance what [`state_of`] gave. Names that the class does not have any more are left out.
#[pyfunction(name = "orm_set_state")]
pub fn set_state(
    model: &Bound<'_, Model>,
    instance: &Bound<'_, PyAny>,
    held: &Bound<'_, PyDict>,
) -> PyResult<()> {
    let this = model.get();
    let slots = this.slots();
    for (index, field) in this.fields().iter().enumerate() {
        if let Some(value) = held.get_item(&field.name)? {
            slots.set(instance, index, Some(value))?;
        }
    }
    for (index, way) in this.links().iter().enumerate() {
        if let Some(linked) = held.get_item(&way.text)? {
            slots.set(instance, this.link_slot(index), Some(linked))?;
        }
    }
    let known = held.get_item(state::SLOT)?.filter(|known| !known.is_none());
    slots.set(instance, this.state_slot(), known)?;
    slots.track(instance);
    Ok(())
}

/// Whether it is an instance of a table, a list of them, or nothing.
fn is_row(linked: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let Ok(list) = linked.cast::<PyList>() {
        for one in list.iter() {
            if !is_row(&one)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    Ok(linked.is_none() || linked.hasattr(pyo3::intern!(linked.py(), "__model__"))?)
}
