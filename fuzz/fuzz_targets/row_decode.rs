//! Any bytes as rows and values: a value that is accepted is written back as the bytes it came from,
//! or reads the same again.
//!
//! Input: one byte of column count, then the bodies of rows; each value is read as every type.

#![no_main]

use std::collections::HashMap;

use bytes::BytesMut;
use data_bridge_driver::session::{Event, Execute, Session};
use data_bridge_driver::types::datetime::{Interval, TimeTz};
use data_bridge_driver::types::postgres_types::Kind;
use data_bridge_driver::types::{FromSql, ToSql, Type, checked_from_sql, datetime, guard, numeric};
use data_bridge_tests::scripted::message;
use data_bridge_tests::scripted::wire::startup;
use libfuzzer_sys::fuzz_target;
use postgres_protocol::IsNull;

fuzz_target!(|input: &[u8]| {
    let [columns, bodies @ ..] = input else { return };
    // As one value, so that a type's own bytes need no row around them.
    decode(bodies);
    for row in rows(usize::from(columns % 8), bodies) {
        for value in row.iter().flatten() {
            decode(value);
        }
    }
});

/// The rows that a session makes of the bytes; each was checked against the column count.
fn rows(columns: usize, bodies: &[u8]) -> Vec<Vec<Option<Vec<u8>>>> {
    let mut session = Session::new(startup()).expect("a session without TLS starts");
    let described = vec![message::Column::text("c", 0); columns];
    let greeting = [message::auth_ok(), message::ready(b'I')].concat();
    session.handle_bytes(&greeting);
    while session.poll_event().is_some() {}
    let mut batch = session.batch().expect("the session is open");
    batch.prepare("SELECT", &[]).expect("a statement");
    batch.execute_prepared(Execute::default(), |_, _| Ok(IsNull::Yes)).expect("no parameters");
    batch.finish();
    let answer = [
        message::parse_complete(),
        message::parameter_description(&[]),
        message::row_description(&described),
        message::bind_complete(),
    ];
    session.handle_bytes(&answer.concat());
    for body in bodies.chunks(64) {
        session.handle_bytes(&message::frame(b'D', body));
    }
    let mut rows = Vec::new();
    while let Some(event) = session.poll_event() {
        let Event::Rows { rows: batch, .. } = event else { continue };
        assert_eq!(batch.columns(), columns);
        let owned = |value: Option<&[u8]>| value.map(<[u8]>::to_vec);
        let in_place: Vec<Vec<_>> = batch.iter().map(|row| row.values().map(owned).collect()).collect();
        assert_eq!(in_place.len(), batch.len());
        assert!(in_place.iter().all(|row| row.len() == columns));
        let shared: Vec<Vec<_>> =
            batch.into_shared_rows().map(|row| row.as_row().values().map(owned).collect()).collect();
        assert_eq!(shared, in_place, "a shared row is the same row");
        rows.extend(in_place);
    }
    rows
}

fn decode(value: &[u8]) {
    from_sql(value);
    decode_numeric(value);
    if let Ok(time) = TimeTz::decode(value) {
        let mut out = BytesMut::new();
        time.encode(&mut out).expect("a time that was read can be written");
        assert_eq!(out, value);
    }
    if let Ok(interval) = Interval::decode(value) {
        let mut out = BytesMut::new();
        interval.encode(&mut out);
        assert_eq!(out, value);
    }
    if let Some(micros) = value.first_chunk().map(|bytes| i64::from_be_bytes(*bytes)) {
        let (days, micros_of_day) = datetime::split_timestamp(micros);
        if (datetime::TIMESTAMP_MIN..=datetime::TIMESTAMP_MAX).contains(&micros) {
            assert_eq!(datetime::join_timestamp(days, micros_of_day).ok(), Some(micros));
            let (year, month, day) = datetime::civil_from_days(days);
            assert_eq!(datetime::days_from_civil(year, month, day), Some(days));
        }
        if let Ok(clock) = datetime::Clock::from_micros(micros) {
            assert_eq!(clock.to_micros(), micros);
        }
    }
    if let Some(days) = value.first_chunk().map(|bytes| i32::from_be_bytes(*bytes)) {
        let (year, month, day) = datetime::civil_from_days(days);
        if (datetime::DATE_MIN..=datetime::DATE_MAX).contains(&days) {
            assert_eq!(datetime::days_from_civil(year, month, day), Some(days));
        }
    }
}

/// Text has one form for each number, so it is the text that must come back.
fn decode_numeric(value: &[u8]) {
    let Ok(number) = numeric::decode(value) else { return };
    let (mut text, mut again) = (Vec::new(), Vec::new());
    number.write_text(&mut text);
    let mut wire = BytesMut::new();
    // What a server would never send may have too many digits to be written.
    if numeric::encode_text(&text, &mut wire).is_ok() {
        let written = numeric::decode(&wire).expect("what was written can be read");
        written.write_text(&mut again);
        assert_eq!(text, again);
        // Leading zeros on the wire may make the short form impossible; they never make it another number.
        if let Some(scaled) = number.to_scaled_i64() {
            assert_eq!(Some(scaled), written.to_scaled_i64());
        }
    }
    let mut scientific = Vec::new();
    number.write_scientific(&mut scientific);
    if let Some((unscaled, scale)) = number.to_scaled_i64() {
        assert_eq!(scale, number.scale());
        assert_eq!(unscaled == 0, !text.iter().any(|byte| (b'1'..=b'9').contains(byte)));
    }
}

/// Readers of `postgres-types`, which trust counts on the wire: the guard before them must not.
fn from_sql(value: &[u8]) {
    both_ways::<bool>(&Type::BOOL, value);
    both_ways::<i16>(&Type::INT2, value);
    both_ways::<i32>(&Type::INT4, value);
    both_ways::<i64>(&Type::INT8, value);
    both_ways::<String>(&Type::TEXT, value);
    both_ways::<Vec<u8>>(&Type::BYTEA, value);
    both_ways::<Vec<Option<i32>>>(&Type::INT4_ARRAY, value);
    both_ways::<Vec<Option<String>>>(&Type::TEXT_ARRAY, value);
    both_ways::<Vec<Option<Vec<u8>>>>(&Type::BYTEA_ARRAY, value);
    let hstore = Type::new("hstore".into(), 16_384, Kind::Simple, "public".into());
    drop(checked_from_sql::<HashMap<String, Option<String>>>(&hstore, value));
    for ty in [Type::PATH, Type::POLYGON, Type::RECORD, Type::INT4_RANGE, Type::JSONB, Type::VARBIT, Type::INET] {
        drop(guard::check(&ty, value));
    }
}

/// What was read reads the same once it was written.
fn both_ways<T>(ty: &Type, value: &[u8])
where
    T: for<'a> FromSql<'a> + ToSql + PartialEq + std::fmt::Debug,
{
    let Ok(read) = checked_from_sql::<T>(ty, value) else { return };
    let mut wire = BytesMut::new();
    read.to_sql(ty, &mut wire).expect("what was read can be written");
    assert_eq!(checked_from_sql::<T>(ty, &wire).ok(), Some(read));
}
