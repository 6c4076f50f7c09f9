//! The frame of a window function, from what `over()` was given.

use data_bridge_orm::query::{Bound as End, Frame, Unit};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::expression::Value;
use super::operand::{of_value, operand};

/// The frame, if one was given.
///
/// # Errors
/// More than one, or one that is no pair.
pub fn frame(
    rows: Option<&Bound<'_, PyAny>>,
    range: Option<&Bound<'_, PyAny>>,
    groups: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Frame<Value>>> {
    let given = [
        (Unit::Rows, rows),
        (Unit::Range, range),
        (Unit::Groups, groups),
    ];
    let mut given = given
        .into_iter()
        .filter_map(|(unit, pair)| Some((unit, pair?)));
    let Some((unit, pair)) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(PyValueError::new_err(
            "a window has one frame: rows, range_ or groups",
        ));
    }
    let (start, end) = pair
        .extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()
        .map_err(|_| {
            PyTypeError::new_err(
                "a frame is a pair of its ends, such as rows=(-2, 0): two rows before to the row itself; None is as far as it goes",
            )
        })?;
    Ok(Some(Frame {
        unit,
        start: bound(unit, &start, End::UnboundedPreceding)?,
        end: bound(unit, &end, End::UnboundedFollowing)?,
    }))
}

fn bound(unit: Unit, end: &Bound<'_, PyAny>, unbounded: End<Value>) -> PyResult<End<Value>> {
    if end.is_none() {
        return Ok(unbounded);
    }
    if unit != Unit::Range && !end.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err(format!(
            "a frame of rows or groups ends at a whole number of them, not at {}",
            end.get_type().name()?
        )));
    }
    // What is less than its opposite is negative, be it a number or a span of time.
    let opposite = end.neg()?;
    let ty = of_value(end)?;
    Ok(if end.lt(&opposite)? {
        End::Preceding(operand(&opposite, ty)?)
    } else if end.gt(&opposite)? {
        End::Following(operand(end, ty)?)
    } else {
        End::CurrentRow
    })
}
