//! Golden bytes in both directions, and what is refused, through the same entry points that the fronts use.

use bytes::BytesMut;
use data_bridge_driver::types::TypeCatalog;
use data_bridge_driver::types::builtin::BuiltIn;
use pyo3::prelude::*;

use super::{Layout, Params, Type};
use crate::testing::{describe, eval, with_python};

pub(super) fn ty(name: &str) -> Type {
    let (base, is_array) = name
        .strip_suffix("[]")
        .map_or((name, false), |base| (base, true));
    let built_in = (1..10_000)
        .filter_map(BuiltIn::get)
        .find(|built_in| built_in.name == base)
        .unwrap();
    Type::of(
        if is_array {
            built_in.array
        } else {
            built_in.oid
        },
        &TypeCatalog::new(),
    )
}

/// The wire form of a Python expression, in hexadecimal.
fn encode(py: Python<'_>, name: &str, expression: &str) -> Result<String, String> {
    let mut out = BytesMut::from(&b"before"[..]);
    let value = eval(py, expression);
    match Params::new([ty(name)]).encode_one(0, &value, &mut out) {
        Ok(_) => Ok(hex(&out[6..])),
        Err(error) => {
            assert_eq!(out, b"before"[..], "nothing of a refused value may stay");
            Err(describe(py, &error))
        }
    }
}

/// The object of a wire form.
fn decode<'py>(py: Python<'py>, name: &str, wire: &str) -> Result<Bound<'py, PyAny>, String> {
    let layout = Layout::new(py, [("c", ty(name))]).unwrap();
    layout
        .value(py, 0, Some(&unhex(wire)))
        .map_err(|error| describe(py, &error))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn golden_bytes_both_ways() {
    with_python(|py| {
        for (name, expression, wire) in [
            ("bool", "True", "01"),
            ("bool", "False", "00"),
            ("int2", "-2", "fffe"),
            ("int4", "2147483647", "7fffffff"),
            ("int8", "-9223372036854775808", "8000000000000000"),
            ("oid", "4294967295", "ffffffff"),
            ("float4", "1.5", "3fc00000"),
            ("float8", "-0.0", "8000000000000000"),
            ("float8", "5e-324", "0000000000000001"),
            ("float8", "float('inf')", "7ff0000000000000"),
            ("text", "''", ""),
            ("text", "'caf\\u00e9 \\U0001f600'", "636166c3a920f09f9880"),
            ("varchar", "'x'", "78"),
            ("char", "'r'", "72"),
            ("char", "''", "00"),
            ("char", "'\\\\377'", "ff"),
            ("bytea", "b'\\x00\\xff'", "00ff"),
            (
                "uuid",
                "UUID('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')",
                "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            ),
            ("date", "date(2000, 1, 2)", "00000001"),
            ("date", "date.min", "fff4dbf9"),
            ("date", "date.max", "002c95d3"),
            ("time", "time.max", "000000141dd75fff"),
            (
                "timetz",
                "time(4, 5, 6, 789000, timezone(timedelta(hours=-8)))",
                "000000036c97ca88 00007080",
            ),
            ("timetz", "time(0, tzinfo=UTC)", "0000000000000000 00000000"),
            (
                "timestamp",
                "ts(2000, 1, 1, 0, 0, 0, 1)",
                "0000000000000001",
            ),
            ("timestamp", "ts.min", "ff1fe2ffc59c6000"),
            (
                "timestamptz",
                "ts(1999, 12, 31, 23, 59, 59, 999999, UTC)",
                "ffffffffffffffff",
            ),
            (
                "interval",
                "timedelta(days=-1, seconds=1)",
                "00000000000f4240 ffffffff 00000000",
            ),
            (
                "interval",
                "Interval(14, -3, 4)",
                "0000000000000004 fffffffd 0000000e",
            ),
            (
                "json",
                "{'a': [1, None, 'é', 0.5]}",
                "7b2261223a5b312c6e756c6c2c22c3a9222c302e355d7d",
            ),
            ("jsonb", "'x'", "01 227822"),
            (
                "numeric",
                "Decimal('-123.4500')",
                "0002 0000 4000 0004 007b 1194",
            ),
            ("numeric", "Decimal('0.00')", "0000 0000 0000 0002"),
            ("numeric", "Decimal('NaN')", "0000 0000 c000 0000"),
            ("numeric", "Decimal('-Infinity')", "0000 0000 f000 0000"),
            ("numeric", "Decimal('1E-16383')", "0001 f000 0000 3fff 000a"),
            (
                "numeric",
                "Decimal(9223372036854775808)",
                "0005 0004 0000 0000 039a 0d2c 0170 1565 16b0",
            ),
            ("int4[]", "[]", "00000000 00000000 00000017"),
            (
                "int4[]",
                "[1, None]",
                "00000001 00000001 00000017 00000002 00000001 00000004 00000001 ffffffff",
            ),
            (
                "text[]",
                "[['a'], ['b']]",
                "00000002 00000000 00000019 00000002 00000001 00000001 00000001 00000001 61 00000001 62",
            ),
            (
                "jsonb[]",
                "[[1]]",
                "00000001 00000000 00000eda 00000001 00000001 00000004 01 5b315d",
            ),
        ] {
            let wire: String = wire.split_whitespace().collect();
            assert_eq!(
                encode(py, name, expression),
                Ok(wire.clone()),
                "{name} {expression}"
            );
            let value = decode(py, name, &wire).unwrap();
            let wanted = eval(py, expression);
            assert_eq!(
                value.repr().unwrap().to_string(),
                wanted.repr().unwrap().to_string(),
                "{name} {expression}"
            );
            assert!(
                value.get_type().is(wanted.get_type()),
                "{name} {expression}"
            );
        }
    });
}

#[test]
fn other_objects_that_are_taken() {
    with_python(|py| {
        for (name, expression, wire) in [
            ("int4", "True", "00000001"),
            ("int4", "Level.ONE", "00000001"),
            ("text", "Plan.FREE", "66726565"),
            ("float8", "1", "3ff0000000000000"),
            ("float8", "Decimal('1.5')", "3ff8000000000000"),
            ("numeric", "0.1", "0001 ffff 0000 0001 03e8"),
            (
                "numeric",
                "Decimal('1E+131071')",
                "0001 7fff 0000 0000 03e8",
            ),
            ("numeric", "7", "0001 0000 0000 0000 0007"),
            ("numeric", "-10**30", "0001 0007 4000 0000 0064"),
            ("numeric", "Five()", "0001 0000 0000 0000 0005"),
            ("int8", "Five()", "0000000000000005"),
            ("numeric", "'1.10'", "0002 0000 0000 0002 0001 03e8"),
            ("numeric", "float('inf')", "0000 0000 d000 0000"),
            ("bytea", "bytearray(b'ab')", "6162"),
            ("bytea", "memoryview(b'abcd')[::2]", "6163"),
            (
                "uuid",
                "'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'",
                "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            ),
            ("timestamp", "date(2000, 1, 2)", "000000141dd76000"),
            (
                "timestamptz",
                "ts(2000, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))",
                "0000000000000000",
            ),
            (
                "timestamptz",
                "ts(2000, 1, 1, 1, tzinfo=Eastern(), fold=0)",
                "0000000430e23400",
            ),
            (
                "timestamptz",
                "ts(2000, 1, 1, 1, tzinfo=Eastern(), fold=1)",
                "000000050775d800",
            ),
            (
                "int4[]",
                "((1, 2), [3, 4])",
                "00000002 00000000 00000017 00000002 00000001 00000002 00000001 \
              00000004 00000001 00000004 00000002 00000004 00000003 00000004 00000004",
            ),
            ("int4[]", "[[], []]", "00000000 00000000 00000017"),
        ] {
            let wire: String = wire.split_whitespace().collect();
            assert_eq!(
                encode(py, name, expression),
                Ok(wire),
                "{name} {expression}"
            );
        }
    });
}

#[test]
fn refused_before_anything_is_sent() {
    with_python(|py| {
        for (name, expression, reason) in [
            ("int2", "32768", "out of range"),
            ("int2", "-32769", "out of range"),
            ("int4", "2**31", "out of range"),
            ("int8", "2**63", "out of range"),
            ("int8", "-10**30", "out of range"),
            ("int4", "'5'", "an int is needed, not str"),
            ("int4", "5.0", "an int is needed, not float"),
            ("int4", "float('nan')", "not float"),
            ("int4", "Bad()", "raised ZeroDivisionError"),
            ("oid", "-1", "out of range"),
            ("bool", "0", "a bool is needed, not int"),
            ("bool", "'yes'", "not str"),
            ("bool", "Five()", "a bool is needed, not shop.Five"),
            ("float8", "'1'", "a float is needed, not str"),
            ("float8", "10**400", "raised OverflowError"),
            ("float4", "1e39", "out of range"),
            ("float4", "1e-50", "out of range"),
            ("text", "5", "a str is needed, not int"),
            ("text", "'a\\0b'", "NUL"),
            ("text", "'\\ud800'", "surrogates"),
            ("text", "b'x'", "not bytes"),
            ("char", "'ab'", "one ASCII character"),
            ("bytea", "'x'", "bytes is needed, not str"),
            ("uuid", "'nonsense'", "text of a UUID"),
            ("uuid", "5", "a UUID is needed, not int"),
            ("date", "ts(2000, 1, 1)", ".date()"),
            ("date", "'2000-01-01'", "a date is needed"),
            ("time", "time(1, tzinfo=UTC)", "timetz"),
            ("timetz", "time(1)", "no offset"),
            ("timestamp", "ts(2000, 1, 1, tzinfo=UTC)", "timestamptz"),
            ("timestamptz", "ts(2000, 1, 1)", ".astimezone()"),
            ("timestamptz", "date(2000, 1, 1)", "a datetime is needed"),
            ("interval", "5", "a timedelta"),
            ("interval", "Interval(2**31, 0, 0)", "32 bits"),
            ("numeric", "Decimal('sNaN')", "number"),
            ("numeric", "Decimal('1E+131072')", "131072"),
            ("numeric", "Decimal('1E-16384')", "16383"),
            ("numeric", "'1,5'", "number"),
            (
                "numeric",
                "b'1'",
                "a Decimal, an int or a float is needed, not bytes",
            ),
            ("json", "float('nan')", "raised ValueError"),
            ("json", "{1, 2}", "Object of type set is not"),
            ("json", "endless()", "raised ValueError"),
            ("int4[]", "[[1], [2, 3]]", "different lengths"),
            ("int4[]", "[[1], 2]", "different depths"),
            ("int4[]", "[1, [2]]", "an int is needed, not list"),
            ("int4[]", "[[[[[[[1]]]]]]]", "6 dimensions"),
            ("int4[]", "endless()", "6 dimensions"),
            ("int4[]", "'12'", "a list is needed"),
            ("int4[]", "shrinking()", "changed while"),
        ] {
            let error = encode(py, name, expression).unwrap_err();
            assert!(
                error.starts_with("DataError: parameter $1 ("),
                "{name} {expression}: {error}"
            );
            assert!(error.contains(reason), "{name} {expression}: {error}");
        }
        assert_eq!(
            encode(py, "int4", "Interrupting()"),
            Err("KeyboardInterrupt: ".to_owned())
        );
    });
}

#[test]
fn malformed_or_unrepresentable_values_are_data_errors() {
    with_python(|py| {
        for (name, wire, reason) in [
            ("bool", "02", "neither"),
            ("bool", "", "0 bytes instead of 1"),
            ("int4", "000001", "3 bytes instead of 4"),
            ("int4", "0000000000000001", "8 bytes instead of 4"),
            ("float8", "00", "instead of 8"),
            ("uuid", "00", "instead of 16"),
            ("text", "ff", "UTF-8"),
            ("date", "7fffffff", "infinite"),
            ("date", "80000000", "infinite"),
            ("date", "fff4dbf8", "1 to 9999"),
            ("date", "002c95d4", "1 to 9999"),
            ("time", "000000141dd76000", "24:00"),
            ("time", "ffffffffffffffff", "out of range"),
            ("timestamp", "7fffffffffffffff", "infinite"),
            ("timestamptz", "8000000000000000", "infinite"),
            ("timestamptz", "7ffffffffffffffe", "1 to 9999"),
            ("interval", "7fffffffffffffff 7fffffff 7fffffff", "infinite"),
            ("interval", "00", "malformed"),
            ("numeric", "0001 0000 0000 0000", "numeric"),
            ("jsonb", "02 31", "version"),
            ("jsonb", "", "version"),
            ("json", "", "raised StopIteration"),
            ("json", "3120 32", "malformed JSON"),
            ("json", "3165343030", "no float can hold; cast it to text"),
            (
                "int4[]",
                "00000001 00000000 00000017 40000000 00000001",
                "malformed",
            ),
            ("int4[]", "00000007 00000000 00000017", "malformed"),
            ("int4[]", "ffffffff 00000000 00000017", "malformed"),
            (
                "int4[]",
                "00000001 00000000 00000019 00000001 00000001 ffffffff",
                "another element type",
            ),
            (
                "int4[]",
                "00000001 00000000 00000017 00000001 00000001 fffffffe",
                "malformed",
            ),
            (
                "int4[]",
                "00000002 00000000 00000017 7fffffff 00000001 00000000 00000001",
                "malformed",
            ),
            ("int4[]", "00000000 00000000 00000017 00", "malformed"),
        ] {
            let error = decode(py, name, wire).unwrap_err();
            assert!(
                error.starts_with("DataError: column \"c\" ("),
                "{name} {wire}: {error}"
            );
            assert!(error.contains(reason), "{name} {wire}: {error}");
        }
    });
}

#[test]
fn what_only_comes_from_a_server() {
    with_python(|py| {
        for (name, wire, expression) in [
            ("json", "20 31 0a", "1"),
            ("json", "312e35653230", "1.5e20"),
            (
                "interval",
                "000000141dd76000 00000000 00000000",
                "timedelta(days=1)",
            ),
            (
                "interval",
                "0000000000000000 7fffffff 00000000",
                "Interval(0, 2**31 - 1, 0)",
            ),
            ("numeric", "0001 0000 4000 0000 0007", "Decimal('-7')"),
            (
                "numeric",
                "0005 0004 0000 0000 270f 270f 270f 270f 270f",
                "Decimal('9' * 20)",
            ),
        ] {
            let value = decode(py, name, wire).unwrap();
            let wanted = eval(py, expression);
            assert_eq!(
                value.repr().unwrap().to_string(),
                wanted.repr().unwrap().to_string(),
                "{name} {wire}"
            );
        }
        // As many digits as PostgreSQL has; the zeros stay in the exponent.
        let large = decode(py, "numeric", "0001 7fff 0000 0000 03e8").unwrap();
        assert!(large.eq(eval(py, "Decimal('1E+131071')")).unwrap());
        // Lower bounds are dropped: '[2:3]={7,8}'::int4[]
        let wire =
            "00000001 00000000 00000017 00000002 00000002 00000004 00000007 00000004 00000008";
        assert!(
            decode(py, "int4[]", wire)
                .unwrap()
                .eq(eval(py, "[7, 8]"))
                .unwrap()
        );
        assert!(decode(py, "void", "").unwrap().is_none());
    });
}
