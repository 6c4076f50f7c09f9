//! Golden bytes of ranges, addresses, bits and the types of extensions, and what is no value of theirs.

use bytes::BytesMut;
use pyo3::prelude::*;

use super::tests::{hex, ty, unhex};
use super::{Codec, Layout, Params, Type};
use crate::testing::{describe, eval, with_python};

/// A built-in type, or one of an extension, which no catalog knows here.
fn named(name: &str) -> Type {
    let codec = match name {
        "hstore" => Codec::Hstore,
        "ltree" => Codec::Ltree,
        "vector" => Codec::Vector,
        _ => return ty(name),
    };
    Type {
        oid: 99_999,
        codec,
        name: name.into(),
    }
}

fn decode<'py>(py: Python<'py>, name: &str, wire: &str) -> Result<Bound<'py, PyAny>, String> {
    let layout = Layout::new(py, [("c", named(name))]).unwrap();
    layout
        .value(py, 0, Some(&unhex(wire)))
        .map_err(|error| describe(py, &error))
}

#[test]
fn golden_bytes_both_ways() {
    const RANGE: &str = "Range";
    const MULTI: &str = "Multirange";
    const IP: &str = "__import__('ipaddress').";
    with_python(|py| {
        for (name, expression, wire) in [
            (
                "int4range",
                format!("{RANGE}(1, 5)"),
                "02 00000004 00000001 00000004 00000005",
            ),
            (
                "int4range",
                format!("{RANGE}(None, 5, '(]')"),
                "0c 00000004 00000005",
            ),
            ("int4range", format!("{RANGE}()"), "18"),
            ("int4range", format!("{RANGE}.empty()"), "01"),
            (
                "int4multirange",
                format!("{MULTI}([{RANGE}(7)])"),
                "00000001 00000009 12 00000004 00000007",
            ),
            ("int4multirange", format!("{MULTI}()"), "00000000"),
            (
                "inet",
                format!("{IP}ip_address('10.0.0.1')"),
                "02 20 00 04 0a000001",
            ),
            (
                "inet",
                format!("{IP}ip_interface('10.0.0.1/8')"),
                "02 08 00 04 0a000001",
            ),
            (
                "cidr",
                format!("{IP}ip_network('2001:db8::/32')"),
                "03 20 01 10 20010db8000000000000000000000000",
            ),
            ("macaddr", "'08:00:2b:01:02:03'".to_owned(), "08002b010203"),
            ("varbit", "'101'".to_owned(), "00000003 a0"),
            ("xid8", "2**64 - 1".to_owned(), "ffffffffffffffff"),
            ("pg_lsn", "'16/B374D848'".to_owned(), "00000016 b374d848"),
            (
                "hstore",
                "{'a': None, 'b': 'c'}".to_owned(),
                "00000002 00000001 61 ffffffff 00000001 62 00000001 63",
            ),
            ("ltree", "'a.b'".to_owned(), "01 612e62"),
            (
                "vector",
                "[1.0, -2.5]".to_owned(),
                "0002 0000 3f800000 c0200000",
            ),
        ] {
            let value = eval(py, &expression);
            let mut out = BytesMut::new();
            let encoded = Params::new([named(name)]).encode_one(0, &value, &mut out);
            assert!(encoded.is_ok(), "{name} {expression}");
            let wire: String = wire.split_whitespace().collect();
            assert_eq!(hex(&out), wire, "{name} {expression}");
            let back = decode(py, name, &wire).unwrap();
            assert!(back.eq(&value).unwrap(), "{name} {expression}: {back}");
        }
    });
}

#[test]
fn numpy_and_arrays_are_vectors() {
    with_python(|py| {
        for expression in [
            "__import__('array').array('f', [1, -2.5])",
            "__import__('array').array('d', [1, -2.5])",
            "__import__('array').array('i', [1, 2])",
            "(1, 2.5)",
            "range(1, 3)",
        ] {
            let mut out = BytesMut::new();
            let value = eval(py, expression);
            let encoded = Params::new([named("vector")]).encode_one(0, &value, &mut out);
            assert!(encoded.is_ok(), "{expression}");
            assert_eq!(out.len(), 12, "{expression}");
        }
        for (expression, reason) in [
            ("[]", "1 to 16000"),
            ("[1e39]", "finite"),
            ("[float('nan')]", "finite"),
            ("'12'", "a sequence of numbers is needed, not str"),
            ("{1: 2}", "a sequence of numbers"),
            ("['x']", "a sequence of numbers"),
            ("5", "a sequence of numbers"),
        ] {
            let value = eval(py, expression);
            let refused =
                Params::new([named("vector")]).encode_one(0, &value, &mut BytesMut::new());
            let error = describe(py, &refused.err().unwrap());
            assert!(error.contains(reason), "{expression}: {error}");
        }
    });
}

#[test]
fn malformed_values_are_data_errors() {
    with_python(|py| {
        for (name, wire) in [
            ("int4range", ""),
            ("int4range", "20"),
            ("int4range", "02"),
            ("int4range", "02 00000004 00000001"),
            ("int4range", "02 7fffffff 00000001"),
            ("int4range", "02 ffffffff 00000004 00000001"),
            ("int4range", "01 00"),
            ("int4range", "0a 00000003 000001"),
            ("int4multirange", ""),
            ("int4multirange", "7fffffff"),
            ("int4multirange", "ffffffff"),
            ("int4multirange", "00000001 7fffffff 01"),
            ("int4multirange", "00000000 00"),
            ("inet", ""),
            ("inet", "02 20 00 04 0a0000"),
            ("inet", "02 21 00 04 0a000001"),
            ("inet", "04 20 00 04 0a000001"),
            ("inet", "03 20 00 04 0a000001"),
            ("cidr", "02 08 01 04 0a000001"),
            ("macaddr", "08002b0102"),
            ("varbit", "00"),
            ("varbit", "7fffffff a0"),
            ("varbit", "ffffffff"),
            ("xid8", "00"),
            ("pg_lsn", "00"),
            ("hstore", "7fffffff"),
            ("hstore", "00000001 00000001 61"),
            ("hstore", "00000001 ffffffff ffffffff"),
            ("hstore", "00000001 00000001 ff ffffffff"),
            ("hstore", "00000000 00"),
            ("ltree", ""),
            ("ltree", "02 61"),
            ("vector", ""),
            ("vector", "0002 0000 3f800000"),
            ("vector", "0001 0000 3f8000"),
        ] {
            let error = decode(py, name, wire).unwrap_err();
            assert!(
                error.starts_with("DataError: column \"c\" ("),
                "{name} {wire}: {error}"
            );
        }
    });
}
