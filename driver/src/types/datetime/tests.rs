use super::*;

#[test]
fn civil_dates_at_the_edges() {
    for (days, date) in [
        (0, (2000, 1, 1)),
        (-1, (1999, 12, 31)),
        (59, (2000, 2, 29)),
        (60, (2000, 3, 1)),
        (-UNIX_EPOCH_DAYS, (1970, 1, 1)),
        (-730_119, (1, 1, 1)),
        (-730_120, (0, 12, 31)),
        (2_921_939, (9999, 12, 31)),
        (DATE_MIN, (-4713, 11, 24)),
        (DATE_MAX, (5_874_897, 12, 31)),
    ] {
        assert_eq!(civil_from_days(days), date, "{days}");
        assert_eq!(
            days_from_civil(date.0, date.1, date.2),
            Some(days),
            "{date:?}"
        );
    }
}

#[test]
fn every_day_of_eight_hundred_years_follows_the_one_before() {
    let (mut year, mut month, mut day) = civil_from_days(-146_097);
    for days in -146_096..146_097 {
        day += 1;
        if day > days_in_month(year, month).unwrap() {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
        assert_eq!(civil_from_days(days), (year, month, day));
        assert_eq!(days_from_civil(year, month, day), Some(days));
    }
}

#[test]
fn dates_that_are_not_in_the_calendar() {
    for (year, month, day) in [
        (2001, 2, 29),
        (1900, 2, 29),
        (2000, 13, 1),
        (2000, 0, 1),
        (2000, 1, 0),
        (2000, 4, 31),
    ] {
        assert_eq!(days_from_civil(year, month, day), None);
    }
    assert_eq!(days_from_civil(i32::MAX, 1, 1), None);
    assert_eq!(days_from_civil(i32::MIN, 1, 1), None);
}

#[test]
fn timestamps_split_towards_the_past() {
    assert_eq!(split_timestamp(-1), (-1, MICROS_PER_DAY - 1));
    assert_eq!(split_timestamp(TIMESTAMP_MIN), (DATE_MIN, 0));
    let (days, micros) = split_timestamp(TIMESTAMP_MAX);
    assert_eq!(
        (civil_from_days(days), micros),
        ((294_276, 12, 31), MICROS_PER_DAY - 1)
    );
    assert_eq!(join_timestamp(days, micros).unwrap(), TIMESTAMP_MAX);
    assert!(join_timestamp(days, micros + 1).is_err());
    assert!(join_timestamp(DATE_MIN, -1).is_err());
    assert!(join_timestamp(i32::MAX, i64::MAX).is_err());
    for extreme in [i64::MIN, i64::MAX] {
        let (days, micros) = split_timestamp(extreme);
        assert_eq!(
            i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(micros),
            i128::from(extreme)
        );
    }
}

#[test]
fn clock_keeps_24_00_and_refuses_beyond() {
    let clock = Clock::from_micros(MICROS_PER_DAY).unwrap();
    assert_eq!(
        clock,
        Clock {
            hour: 24,
            minute: 0,
            second: 0,
            microsecond: 0
        }
    );
    let clock = Clock::from_micros(MICROS_PER_DAY - 1).unwrap();
    assert_eq!(
        clock,
        Clock {
            hour: 23,
            minute: 59,
            second: 59,
            microsecond: 999_999
        }
    );
    assert_eq!(clock.to_micros(), MICROS_PER_DAY - 1);
    for micros in [-1, MICROS_PER_DAY + 1, i64::MIN, i64::MAX] {
        assert!(Clock::from_micros(micros).is_err());
    }
}

#[test]
fn timetz_turns_west_into_east() {
    // 04:05:06.789-08, as PostgreSQL sends it.
    let wire = [
        0x00, 0x00, 0x00, 0x03, 0x6c, 0x97, 0xca, 0x88, 0x00, 0x00, 0x70, 0x80,
    ];
    let value = TimeTz::decode(&wire).unwrap();
    assert_eq!(
        value,
        TimeTz {
            micros: 14_706_789_000,
            offset_seconds: -8 * 3_600
        }
    );
    let mut out = BytesMut::new();
    value.encode(&mut out).unwrap();
    assert_eq!(out, wire[..]);
}

#[test]
fn hostile_timetz_and_interval_are_data_errors() {
    let mut zone_min = [0; 12];
    zone_min[8] = 0x80;
    let mut late = [0; 12];
    late[0] = 1;
    for wire in [&zone_min[..], &late, &[0; 11], &[0; 13], &[]] {
        assert!(TimeTz::decode(wire).is_err(), "{wire:?}");
    }
    assert!(Interval::decode(&[0; 15]).is_err());
    assert!(Interval::decode(&[0; 17]).is_err());
    let mut out = BytesMut::new();
    assert!(
        TimeTz {
            micros: 0,
            offset_seconds: MAX_OFFSET_SECONDS + 1
        }
        .encode(&mut out)
        .is_err()
    );
    assert!(out.is_empty());
}

#[test]
fn interval_golden_bytes() {
    // '1 mon -1 day 00:00:01'
    let wire = [
        0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1,
    ];
    let value = Interval {
        months: 1,
        days: -1,
        micros: 1_000_000,
    };
    assert_eq!(Interval::decode(&wire).unwrap(), value);
    let mut out = BytesMut::new();
    value.encode(&mut out);
    assert_eq!(out, wire[..]);
}
