//! The arithmetic of values against the servers' own.

use bytes::BytesMut;
use data_bridge_driver::config::Config;
use data_bridge_driver::types::datetime::{
    Clock, DATE_MIN, Interval, TimeTz, civil_from_days, days_from_civil,
};
use data_bridge_driver::types::numeric;
use data_bridge_tests::server::TestServers;

use crate::{Values, connect, simple};

/// Columns of text; a column that starts with `\x` is what a send function gave.
fn select(sql: &str, each: impl Fn(u32, &[String])) {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for (version, url) in servers.versions() {
        let config = Config::builder()
            .connection_string(url)
            .unwrap()
            .build()
            .unwrap();
        let mut connected = connect(&config).unwrap();
        simple(
            &mut connected,
            "SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'",
        );
        let rows: Vec<Values> = simple(&mut connected, sql);
        assert!(!rows.is_empty());
        for row in rows {
            let row: Vec<String> = row
                .into_iter()
                .map(|value| String::from_utf8(value.unwrap()).unwrap())
                .collect();
            each(*version, &row);
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("\\x").unwrap().as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Numbers at and around every boundary of groups and scales.
fn numbers() -> Vec<String> {
    let mut numbers: Vec<String> = [
        "0",
        "0.00",
        "1.10",
        "NaN",
        "1e131071",
        "-1e-16383",
        "123456789.000",
        "1e5",
    ]
    .map(String::from)
    .to_vec();
    for digits in [
        "1",
        "9",
        "10",
        "9999",
        "10000",
        "12345678",
        "100000001",
        "98765432109876543210",
    ] {
        for exponent in -25..=12 {
            numbers.push(format!("{digits}e{exponent}"));
            numbers.push(format!("-{digits}e{exponent}"));
        }
    }
    numbers
}

#[test]
fn numeric_is_what_the_server_sends_and_prints() {
    let numbers = numbers();
    let list = numbers
        .iter()
        .map(|number| format!("'{number}'"))
        .collect::<Vec<_>>()
        .join(",");
    let sql = format!(
        "SELECT n, n::numeric::text, numeric_send(n::numeric) FROM unnest(ARRAY[{list}]) n"
    );
    select(&sql, |version, row| {
        let [given, printed, sent] = row else {
            unreachable!()
        };
        let wire = unhex(sent);
        let value = numeric::decode(&wire).unwrap();
        let mut text = Vec::new();
        value.write_text(&mut text);
        assert_eq!(
            str::from_utf8(&text).unwrap(),
            printed,
            "{given} on {version}"
        );

        for text in [given, printed] {
            let mut out = BytesMut::new();
            numeric::encode_text(text.as_bytes(), &mut out).unwrap();
            assert_eq!(&out[..], wire, "{text} on {version}");
        }
        let mut text = Vec::new();
        value.write_scientific(&mut text);
        let mut out = BytesMut::new();
        numeric::encode_text(&text, &mut out).unwrap();
        assert_eq!(&out[..], wire, "{given} on {version}");
    });
}

#[test]
fn dates_are_the_servers_dates() {
    // A prime step meets every month and day of the week. Before PostgreSQL 14 extract() goes by way of a timestamp,
    // so the last dates of all are left out.
    let sql = format!(
        "SELECT n::text, extract(year FROM d)::int::text, extract(month FROM d)::int::text, extract(day FROM d)::int::text
           FROM (SELECT n, date '2000-01-01' + n AS d
                   FROM (SELECT generate_series({DATE_MIN}, 3000000, 997) UNION ALL
                         SELECT unnest(ARRAY[106000000, 0, -1, 59, 60, -730120, -730119])) s (n)) t"
    );
    select(&sql, |version, row| {
        let numbers: Vec<i32> = row.iter().map(|text| text.parse().unwrap()).collect();
        let [days, year, month, day] = numbers[..] else {
            unreachable!()
        };
        // The server knows no year 0: 1 BC is -1.
        let year = if year < 0 { year + 1 } else { year };
        let (month, day) = (month.cast_unsigned(), day.cast_unsigned());
        assert_eq!(
            civil_from_days(days),
            (year, month, day),
            "{days} on {version}"
        );
        assert_eq!(
            days_from_civil(year, month, day),
            Some(days),
            "{days} on {version}"
        );
    });
}

#[test]
fn times_and_intervals_are_the_servers() {
    let sql = "SELECT time_send(t), extract(hour FROM t)::int::text, extract(minute FROM t)::int::text,
                      extract(microseconds FROM t)::bigint::text, timetz_send(z), extract(timezone FROM z)::int::text,
                      interval_send(make_interval(0, 14, 0, -3, 0, 0, -1.5)), interval_send(-(z::time - '00:00'))
                 FROM (VALUES (time '00:00', timetz '00:00+15:59:59'), (time '24:00', timetz '24:00-15:59:59'),
                              (time '23:59:59.999999', timetz '12:34:56.789+05:30')) v (t, z)";
    select(sql, |version, row| {
        let [time, hour, minute, micros, timetz, zone, interval, negative] = row else {
            unreachable!()
        };
        let wire: [u8; 8] = unhex(time).try_into().unwrap();
        let clock = Clock::from_micros(i64::from_be_bytes(wire)).unwrap();
        assert_eq!(
            (clock.hour.to_string(), clock.minute.to_string()),
            (hour.clone(), minute.clone()),
            "{version}"
        );
        let within_minute = u32::from(clock.second) * 1_000_000 + clock.microsecond;
        assert_eq!(within_minute.to_string(), *micros, "{version}");
        assert_eq!(clock.to_micros().to_be_bytes(), wire);

        let wire = unhex(timetz);
        let value = TimeTz::decode(&wire).unwrap();
        assert_eq!(
            value.offset_seconds.to_string(),
            *zone,
            "east of UTC is positive on {version}"
        );
        let mut out = BytesMut::new();
        value.encode(&mut out).unwrap();
        assert_eq!(&out[..], wire);

        let expected = Interval {
            months: 14,
            days: -3,
            micros: -1_500_000,
        };
        assert_eq!(
            Interval::decode(&unhex(interval)).unwrap(),
            expected,
            "{version}"
        );
        assert_eq!(
            Interval::decode(&unhex(negative)).unwrap().micros,
            -value.micros,
            "{version}"
        );
    });
}
