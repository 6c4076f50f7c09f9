//! `interval`. A `timedelta` has no months, so an interval with months is a `data_bridge.postgres.Interval`.

use bytes::BytesMut;
use data_bridge_driver::types::datetime::{Interval, MICROS_PER_DAY, MICROS_PER_SECOND};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDelta, PyDeltaAccess, PyType};

use super::{Decoded, Encoded, Fault};

/// The largest count of days that a `timedelta` holds.
const MAX_DELTA_DAYS: i64 = 999_999_999;

/// Gives a `timedelta` where one can say the same: no months, and within its range. There a day is 24 hours.
pub(super) fn decode<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let interval = Interval::decode(wire)?;
    if interval == Interval::INFINITY || interval == Interval::NEG_INFINITY {
        return Err(Fault::data(
            "the interval is infinite, which no timedelta is; cast it to text in the query",
        ));
    }
    let days = i64::from(interval.days) + interval.micros.div_euclid(MICROS_PER_DAY);
    let micros = interval.micros.rem_euclid(MICROS_PER_DAY);
    let parts = (
        i32::try_from(days),
        i32::try_from(micros / MICROS_PER_SECOND),
        i32::try_from(micros % MICROS_PER_SECOND),
    );
    match parts {
        (Ok(days), Ok(seconds), Ok(micros))
            if interval.months == 0 && i64::from(days).abs() <= MAX_DELTA_DAYS =>
        {
            Ok(PyDelta::new(py, days, seconds, micros, false)?.into_any())
        }
        _ => Ok(class(py)?.call1((interval.months, interval.days, interval.micros))?),
    }
}

/// Takes a `timedelta`, whose days stay days, or an `Interval`.
pub(super) fn encode(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let py = value.py();
    let interval = if let Ok(delta) = value.cast::<PyDelta>() {
        if let Some(nanoseconds) = delta.getattr_opt(intern!(py, "nanoseconds"))?
            && !nanoseconds.eq(0)?
        {
            return Err(Fault::data(
                "the timedelta has parts below a microsecond, or is NaT",
            ));
        }
        Interval {
            months: 0,
            days: delta.get_days(),
            micros: i64::from(delta.get_seconds()) * MICROS_PER_SECOND
                + i64::from(delta.get_microseconds()),
        }
    } else if value.is_instance(class(py)?)? {
        let part = |name| value.getattr(name);
        let out_of_range = |_| Fault::data("months and days need 32 bits, microseconds 64");
        Interval {
            months: part(intern!(py, "months"))?
                .extract()
                .map_err(out_of_range)?,
            days: part(intern!(py, "days"))?.extract().map_err(out_of_range)?,
            micros: part(intern!(py, "microseconds"))?
                .extract()
                .map_err(out_of_range)?,
        }
    } else {
        return Err(Fault::wrong_type(
            "a timedelta or data_bridge.postgres.Interval",
            value,
        ));
    };
    if interval == Interval::INFINITY || interval == Interval::NEG_INFINITY {
        return Err(Fault::data(
            "the interval is out of range: PostgreSQL would read it as infinite",
        ));
    }
    interval.encode(out);
    Ok(())
}

fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "data_bridge.postgres.interval", "Interval")
}
