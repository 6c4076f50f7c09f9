//! `date`, `time`, `timetz`, `timestamp` and `timestamptz`, straight to and from the objects of Python's `datetime`.
//!
//! Python ends where PostgreSQL goes on: before the year 1, after 9999, at 24:00 and at the infinities. Such a value is an error that
//! names the cure; it is never clamped to the nearest `datetime`.

use bytes::BytesMut;
use data_bridge_driver::types::datetime::{self as civil, Clock, MICROS_PER_SECOND, TimeTz};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyTime, PyTimeAccess, PyTzInfo,
    PyTzInfoAccess,
};

use super::{Decoded, Encoded, Fault, fixed};

const SECONDS_PER_DAY: i64 = 86_400;

pub(super) fn decode_date<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let days = i32::from_be_bytes(fixed(wire)?);
    if days == civil::DATE_INFINITY || days == civil::DATE_NEG_INFINITY {
        return Err(infinite("date"));
    }
    let (year, month, day) = python_date(days)?;
    Ok(PyDate::new(py, year, month, day)?.into_any())
}

pub(super) fn decode_time<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    time(py, i64::from_be_bytes(fixed(wire)?), None)
}

pub(super) fn decode_timetz<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let TimeTz {
        micros,
        offset_seconds,
    } = TimeTz::decode(wire)?;
    let zone = if offset_seconds == 0 {
        PyTzInfo::utc(py)?.to_owned()
    } else {
        PyTzInfo::fixed_offset(py, PyDelta::new(py, 0, offset_seconds, 0, true)?)?
    };
    time(py, micros, Some(&zone))
}

fn time<'py>(py: Python<'py>, micros: i64, zone: Option<&Bound<'py, PyTzInfo>>) -> Decoded<'py> {
    let clock = Clock::from_micros(micros)?;
    if clock.hour == 24 {
        return Err(Fault::data(
            "24:00 has no datetime.time; cast it to text in the query",
        ));
    }
    Ok(PyTime::new(
        py,
        clock.hour,
        clock.minute,
        clock.second,
        clock.microsecond,
        zone,
    )?
    .into_any())
}

pub(super) fn decode_timestamp<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    timestamp(py, wire, None)
}

/// Always in UTC: the wire does not carry the zone of the session.
pub(super) fn decode_timestamptz<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let utc = PyTzInfo::utc(py)?;
    timestamp(py, wire, Some(&utc))
}

#[inline]
fn timestamp<'py>(
    py: Python<'py>,
    wire: &[u8],
    zone: Option<&Bound<'py, PyTzInfo>>,
) -> Decoded<'py> {
    let micros = i64::from_be_bytes(fixed(wire)?);
    if micros == civil::TIMESTAMP_INFINITY || micros == civil::TIMESTAMP_NEG_INFINITY {
        return Err(infinite("datetime"));
    }
    let (days, micros) = civil::split_timestamp(micros);
    let (year, month, day) = python_date(days)?;
    let clock = Clock::from_micros(micros)?;
    let value = PyDateTime::new(
        py,
        year,
        month,
        day,
        clock.hour,
        clock.minute,
        clock.second,
        clock.microsecond,
        zone,
    )?;
    Ok(value.into_any())
}

#[inline]
fn python_date(days: i32) -> Result<(i32, u8, u8), Fault> {
    let (year, month, day) = civil::civil_from_days(days);
    match (u8::try_from(month), u8::try_from(day)) {
        (Ok(month), Ok(day)) if (1..=9_999).contains(&year) => Ok((year, month, day)),
        _ => Err(Fault::data(
            "the date is outside of Python's years 1 to 9999; cast it to text in the query",
        )),
    }
}

#[cold]
fn infinite(kind: &str) -> Fault {
    Fault::data(format!(
        "the value is infinite, which no {kind} is; cast it to text in the query"
    ))
}

pub(super) fn encode_date(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    if value.is_instance_of::<PyDateTime>() {
        return Err(Fault::data(
            "a datetime was given where a date is needed: pass its .date()",
        ));
    }
    let date = value
        .cast::<PyDate>()
        .map_err(|_| Fault::wrong_type("a date", value))?;
    out.extend_from_slice(&days(date)?.to_be_bytes());
    Ok(())
}

pub(super) fn encode_time(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let time = value
        .cast::<PyTime>()
        .map_err(|_| Fault::wrong_type("a time", value))?;
    if time.get_tzinfo().is_some() {
        return Err(Fault::data(
            "a time with a zone was given where the type has none: use timetz, or .replace(tzinfo=None)",
        ));
    }
    out.extend_from_slice(&micros_of_day(time).to_be_bytes());
    Ok(())
}

pub(super) fn encode_timetz(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let time = value
        .cast::<PyTime>()
        .map_err(|_| Fault::wrong_type("a time", value))?;
    let offset = utc_offset(value)?.ok_or_else(|| {
        Fault::data("the time has no offset from UTC: give it one with .replace(tzinfo=datetime.timezone.utc)")
    })?;
    if offset % MICROS_PER_SECOND != 0 {
        return Err(Fault::data(
            "the offset from UTC has parts below a second, which timetz does not keep",
        ));
    }
    let offset_seconds = i32::try_from(offset / MICROS_PER_SECOND).unwrap_or(i32::MAX);
    TimeTz {
        micros: micros_of_day(time),
        offset_seconds,
    }
    .encode(out)?;
    Ok(())
}

pub(super) fn encode_timestamp(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let micros = if let Some(moment) = datetime(value)? {
        if moment.get_tzinfo().is_some() {
            return Err(Fault::data(
                "a datetime with a zone was given where the type has none: use timestamptz, or .replace(tzinfo=None)",
            ));
        }
        local_micros(moment)?
    } else {
        // A plain date is the midnight it starts with, as in SQL.
        let date = value
            .cast::<PyDate>()
            .map_err(|_| Fault::wrong_type("a datetime", value))?;
        civil::join_timestamp(days(date)?, 0)?
    };
    out.extend_from_slice(&micros.to_be_bytes());
    Ok(())
}

pub(super) fn encode_timestamptz(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let Some(moment) = datetime(value)? else {
        return Err(Fault::wrong_type("a datetime", value));
    };
    let naive = || {
        Fault::data(
            "a datetime without a zone was given, so its moment is not known: \
             give it one with .replace(tzinfo=datetime.timezone.utc) or .astimezone()",
        )
    };
    let zone = moment.get_tzinfo().ok_or_else(naive)?;
    let mut micros = local_micros(moment)?;
    if !zone.is(PyTzInfo::utc(value.py())?) {
        // Years 1 to 9999 and an offset below a day are far from the ends of an i64.
        micros -= utc_offset(value)?.ok_or_else(naive)?;
    }
    out.extend_from_slice(&micros.to_be_bytes());
    Ok(())
}

/// The object as a `datetime`, if it is one. Subclasses may hold more than a `datetime` can (pandas' nanoseconds) or less (`NaT`).
#[inline]
fn datetime<'a, 'py>(
    value: &'a Bound<'py, PyAny>,
) -> Result<Option<&'a Bound<'py, PyDateTime>>, Fault> {
    if let Ok(moment) = value.cast_exact::<PyDateTime>() {
        return Ok(Some(moment));
    }
    let Ok(moment) = value.cast::<PyDateTime>() else {
        return Ok(None);
    };
    if let Some(nanosecond) = moment.getattr_opt(intern!(value.py(), "nanosecond"))?
        && !nanosecond.eq(0)?
    {
        return Err(Fault::data(
            "the datetime has parts below a microsecond, or is NaT",
        ));
    }
    Ok(Some(moment))
}

#[inline]
fn local_micros(moment: &Bound<'_, PyDateTime>) -> Result<i64, Fault> {
    Ok(civil::join_timestamp(days(moment)?, micros_of_day(moment))?)
}

#[inline]
fn days(date: &impl PyDateAccess) -> Result<i32, Fault> {
    civil::days_from_civil(
        date.get_year(),
        date.get_month().into(),
        date.get_day().into(),
    )
    .ok_or_else(|| Fault::data("the date is not in the calendar"))
}

#[inline]
fn micros_of_day(time: &impl PyTimeAccess) -> i64 {
    let clock = Clock {
        hour: time.get_hour(),
        minute: time.get_minute(),
        second: time.get_second(),
        microsecond: time.get_microsecond(),
    };
    clock.to_micros()
}

/// Microseconds east of UTC. Asks the object itself, which takes `fold` into account.
fn utc_offset(value: &Bound<'_, PyAny>) -> Result<Option<i64>, Fault> {
    let offset = value.call_method0(intern!(value.py(), "utcoffset"))?;
    if offset.is_none() {
        return Ok(None);
    }
    let offset = offset
        .cast::<PyDelta>()
        .map_err(|_| Fault::data("its utcoffset() is no timedelta"))?;
    let seconds = i64::from(offset.get_days()) * SECONDS_PER_DAY + i64::from(offset.get_seconds());
    if seconds.abs() > SECONDS_PER_DAY {
        return Err(Fault::data("its utcoffset() is not within a day"));
    }
    Ok(Some(
        seconds * MICROS_PER_SECOND + i64::from(offset.get_microseconds()),
    ))
}
