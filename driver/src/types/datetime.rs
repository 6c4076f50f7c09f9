//! Dates, times and intervals as plain arithmetic.
//!
//! PostgreSQL counts days and microseconds from 2000-01-01 (manual, appendix B.7 and section 8.5) in the
//! proleptic Gregorian calendar:
//!
//! | type | binary form |
//! |---|---|
//! | `date` | `i32` days |
//! | `time` | `i64` microseconds since midnight, up to and with 24:00 |
//! | `timetz` | the same, then `i32` seconds **west** of UTC |
//! | `timestamp`, `timestamptz` | `i64` microseconds |
//! | `interval` | `i64` microseconds, `i32` days, `i32` months |
//!
//! The least and greatest integers of `date` and of the timestamps stand for `-infinity` and `infinity`.
//! Years are astronomical: year 0 is 1 BC, year -1 is 2 BC.

use bytes::{BufMut, BytesMut};

use crate::error::Error;

/// Days from 1970-01-01 to 2000-01-01.
pub const UNIX_EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970-01-01 to 2000-01-01.
pub const UNIX_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in a day, which is also the time `24:00`.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// The `date` `infinity`.
pub const DATE_INFINITY: i32 = i32::MAX;
/// The `date` `-infinity`.
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
/// The first `date`: 4713-11-24 BC of the Gregorian calendar (4713-01-01 BC of the Julian).
pub const DATE_MIN: i32 = -2_451_545;
/// The last `date`: 5874897-12-31.
pub const DATE_MAX: i32 = 2_145_031_948;

/// The `timestamp` and `timestamptz` `infinity`.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// The `timestamp` and `timestamptz` `-infinity`.
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;
/// The first `timestamp`: midnight of [`DATE_MIN`].
pub const TIMESTAMP_MIN: i64 = -211_813_488_000_000_000;
/// The last `timestamp`: the microsecond before the year 294277.
pub const TIMESTAMP_MAX: i64 = 9_223_371_331_199_999_999;

/// A `timetz` is less than 16 hours from UTC.
pub const MAX_OFFSET_SECONDS: i32 = 16 * 3_600 - 1;

/// Days in a 400-year cycle of the calendar.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01, where the years of the algorithm start, to 2000-01-01.
const EPOCH_FROM_MARCH_YEAR_0: i64 = 730_425;

/// The year, month (1 to 12) and day (1 to 31) that lie `days` days after 2000-01-01. Right for every `i32`.
///
/// Counts from 1 March, so that the leap day is the last of its year and the lengths of the months follow one
/// line (E. M. Reingold and N. Dershowitz, *Calendrical Calculations*).
pub fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let days = i64::from(days) + EPOCH_FROM_MARCH_YEAR_0;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    // Take out the leap days that are complete: every 4th year, not every 100th, but every 400th.
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let (month, next_year) = if march_month < 10 {
        (march_month + 3, 0)
    } else {
        (march_month - 9, 1)
    };
    let year = era * 400 + year_of_era + next_year;
    (
        saturate(year),
        u32::try_from(month).unwrap_or(1),
        u32::try_from(day).unwrap_or(1),
    )
}

/// Days from 2000-01-01 to this date; `None` for a date that is not in the calendar or whose distance does
/// not fit an `i32`.
///
/// Does not ask whether PostgreSQL has the date: compare with [`DATE_MIN`] and [`DATE_MAX`] where the year
/// may be far away.
pub fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=days_in_month(year, month)?).contains(&day) {
        return None;
    }
    let (month, day) = (i64::from(month), i64::from(day));
    let (march_year, march_month) = if month > 2 {
        (i64::from(year), month - 3)
    } else {
        (i64::from(year) - 1, month + 9)
    };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(era * DAYS_PER_ERA + day_of_era - EPOCH_FROM_MARCH_YEAR_0).ok()
}

/// Days of a month (1 to 12); `None` for any other month.
pub fn days_in_month(year: i32, month: u32) -> Option<u32> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap_year(year) { 29 } else { 28 }),
        _ => None,
    }
}

/// Whether the year has a 29 February.
pub fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Splits a timestamp into days since 2000-01-01 and microseconds of that day. Right for every `i64`; ask for
/// the two infinities first.
pub fn split_timestamp(micros: i64) -> (i32, i64) {
    let days = micros.div_euclid(MICROS_PER_DAY);
    (saturate(days), micros.rem_euclid(MICROS_PER_DAY))
}

/// The timestamp of a day since 2000-01-01 and the microseconds of that day.
///
/// # Errors
/// A data error where PostgreSQL has no such timestamp (before 4713 BC, or after the year 294276).
pub fn join_timestamp(days: i32, micros_of_day: i64) -> Result<i64, Error> {
    i64::from(days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|midnight| midnight.checked_add(micros_of_day))
        .filter(|micros| (TIMESTAMP_MIN..=TIMESTAMP_MAX).contains(micros))
        .ok_or_else(|| {
            Error::data("timestamp out of range: PostgreSQL keeps 4713 BC to the year 294276")
        })
}

/// A time of day in its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 24; 24 only as `24:00:00`.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999.
    pub microsecond: u32,
}

impl Clock {
    /// The time that is `micros` microseconds after midnight.
    ///
    /// # Errors
    /// A data error below zero and above 24:00.
    pub fn from_micros(micros: i64) -> Result<Self, Error> {
        let out_of_range = || Error::data("time out of range: it must be from 00:00 to 24:00");
        let micros = u64::try_from(micros).map_err(|_| out_of_range())?;
        if micros > MICROS_PER_DAY.unsigned_abs() {
            return Err(out_of_range());
        }
        let per_second = MICROS_PER_SECOND.unsigned_abs();
        let seconds = micros / per_second;
        let small = |value: u64| u8::try_from(value).map_err(|_| out_of_range());
        Ok(Self {
            hour: small(seconds / 3_600)?,
            minute: small(seconds / 60 % 60)?,
            second: small(seconds % 60)?,
            microsecond: u32::try_from(micros % per_second).map_err(|_| out_of_range())?,
        })
    }

    /// Microseconds after midnight. The fields are taken as they are.
    pub fn to_micros(self) -> i64 {
        let seconds =
            (i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second);
        seconds * MICROS_PER_SECOND + i64::from(self.microsecond)
    }
}

/// A time of day with its distance from UTC, as `timetz` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeTz {
    /// Microseconds after midnight, local time.
    pub micros: i64,
    /// Seconds **east** of UTC, as ISO 8601 and Python count them. The wire counts west.
    pub offset_seconds: i32,
}

impl TimeTz {
    /// Reads the 12 bytes of a `timetz`.
    ///
    /// # Errors
    /// A data error for another length, a time beyond 24:00 or an offset of 16 hours or more.
    pub fn decode(wire: &[u8]) -> Result<Self, Error> {
        let malformed = || Error::decode("the server sent a malformed timetz");
        let (micros, west) = wire.split_first_chunk::<8>().ok_or_else(malformed)?;
        let micros = i64::from_be_bytes(*micros);
        let west = i32::from_be_bytes(west.try_into().map_err(|_| malformed())?);
        let value = Self {
            micros,
            offset_seconds: west.checked_neg().ok_or_else(malformed)?,
        };
        value.check()?;
        Ok(value)
    }

    /// Appends the 12 bytes of a `timetz`, without a length word.
    ///
    /// # Errors
    /// A data error for a time beyond 24:00 or an offset of 16 hours or more. Then nothing was written.
    pub fn encode(self, out: &mut BytesMut) -> Result<(), Error> {
        self.check()?;
        out.reserve(12);
        out.put_i64(self.micros);
        out.put_i32(-self.offset_seconds);
        Ok(())
    }

    fn check(self) -> Result<(), Error> {
        if !(0..=MICROS_PER_DAY).contains(&self.micros) {
            return Err(Error::data(
                "time out of range: it must be from 00:00 to 24:00",
            ));
        }
        if !(-MAX_OFFSET_SECONDS..=MAX_OFFSET_SECONDS).contains(&self.offset_seconds) {
            return Err(Error::data(
                "UTC offset out of range: PostgreSQL keeps less than 16 hours",
            ));
        }
        Ok(())
    }
}

/// An interval. Its three parts are kept apart, since a month has no fixed count of days and a day none of
/// hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Months; a year is 12 of them.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds, of any size and sign.
    pub micros: i64,
}

impl Interval {
    /// The interval `infinity` of PostgreSQL 17 and newer; an ordinary, absurd interval in older versions.
    pub const INFINITY: Self = Self {
        months: i32::MAX,
        days: i32::MAX,
        micros: i64::MAX,
    };
    /// The interval `-infinity` of PostgreSQL 17 and newer.
    pub const NEG_INFINITY: Self = Self {
        months: i32::MIN,
        days: i32::MIN,
        micros: i64::MIN,
    };

    /// Reads the 16 bytes of an `interval`.
    ///
    /// # Errors
    /// A data error for another length.
    pub fn decode(wire: &[u8]) -> Result<Self, Error> {
        let malformed = || Error::decode("the server sent a malformed interval");
        let (micros, rest) = wire.split_first_chunk::<8>().ok_or_else(malformed)?;
        let (days, months) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
        Ok(Self {
            months: i32::from_be_bytes(months.try_into().map_err(|_| malformed())?),
            days: i32::from_be_bytes(*days),
            micros: i64::from_be_bytes(*micros),
        })
    }

    /// Appends the 16 bytes of an `interval`, without a length word.
    pub fn encode(self, out: &mut BytesMut) {
        out.reserve(16);
        out.put_i64(self.micros);
        out.put_i32(self.days);
        out.put_i32(self.months);
    }
}

/// The value as an `i32`; the callers' values fit by construction.
fn saturate(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests;
