//! Rows of every kind, to COPY and to arrays.

use bytes::BytesMut;
use data_bridge_driver::types::{Format, IsNull, TypeCatalog};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::tests::{hex, ty, unhex};
use super::{ColumnEncoder, CopyEncoder, Type};
use crate::testing::{describe, eval, with_python};

const COLUMNS: [(&str, &str); 2] = [("a", "int4"), ("b", "text")];
/// The COPY row of `(1, 'x')`.
const WIRE: &str = "0002 00000004 00000001 00000001 78";

fn columns() -> impl Iterator<Item = (&'static str, Type)> {
    COLUMNS.into_iter().map(|(name, kind)| (name, ty(kind)))
}

fn encode(row: &Bound<'_, PyAny>, exact_keys: bool) -> Result<Vec<u8>, String> {
    let mut out = BytesMut::from(&b"before"[..]);
    let mut encoder = CopyEncoder::new(row.py(), columns(), exact_keys).unwrap();
    match encoder.encode_row(row, &mut out, 17) {
        Ok(()) => Ok(out[6..].to_vec()),
        Err(error) => {
            assert_eq!(out, b"before"[..], "nothing of a refused row may stay");
            Err(describe(row.py(), &error))
        }
    }
}

#[test]
fn rows_of_every_kind() {
    with_python(|py| {
        for row in [
            "(1, 'x')",
            "[1, 'x']",
            "{'a': 1, 'b': 'x'}",
            "{'b': 'x', 'c': 5, 'a': 1}",
            "Record(('b', 'a'), ('x', 1))",
            "types.SimpleNamespace(a=1, b='x')",
            "types.MappingProxyType({'a': 1, 'b': 'x'})",
            "collections.OrderedDict(b='x', a=1)",
            "collections.defaultdict(lambda: 'x', a=1)",
            "collections.namedtuple('T', 'a b')(1, 'x')",
            "collections.deque([1, 'x'])",
            "collections.UserList([1, 'x'])",
            "type('S', (), {'__slots__': ('a', 'b'), '__init__': lambda s: (setattr(s, 'a', 1), setattr(s, 'b', 'x'))[:0] and 1 or None})()",
            "dataclasses.make_dataclass('D', ['a', 'b'])(1, 'x')",
        ] {
            let row = eval(py, row);
            assert_eq!(
                encode(&row, false).map(|wire| hex(&wire)),
                Ok(WIRE.replace(' ', "")),
                "{row:?}"
            );
        }
    });
}

#[test]
fn one_encoder_takes_a_mixture() {
    with_python(|py| {
        let rows = eval(
            py,
            "[(1, 'x'), {'a': 1, 'b': 'x'}, [1, 'x'], types.SimpleNamespace(a=1, b='x'), (1, 'x')]",
        );
        let mut encoder = CopyEncoder::new(py, columns(), false)
            .unwrap()
            .with_ordinal(true);
        let mut out = BytesMut::new();
        for (index, row) in rows.cast::<PyList>().unwrap().iter().enumerate() {
            out.clear();
            encoder.encode_row(&row, &mut out, index as u64).unwrap();
            let wanted = format!("0003{}00000008{index:016x}", &WIRE.replace(' ', "")[4..]);
            assert_eq!(hex(&out), wanted);
        }
    });
}

#[test]
fn bad_rows_are_named() {
    with_python(|py| {
        for (row, wanted) in [
            ("(1,)", "row 17: the row has 1 values for 2 columns"),
            ("(1, 'x', 2)", "row 17: the row has 3 values for 2 columns"),
            ("[]", "row 17: the row has 0 values for 2 columns"),
            (
                "{'a': 1}",
                "row 17, column \"b\" (text): the row has no key of this name",
            ),
            (
                "types.SimpleNamespace(a=1)",
                "row 17, column \"b\" (text): the row has no attribute of this name",
            ),
            (
                "Record(('a',), (1,))",
                "row 17, column \"b\" (text): the row has no key of this name",
            ),
            (
                "('1', 'x')",
                "row 17, column \"a\" (int4): an int is needed, not str",
            ),
            (
                "(1, b'secret')",
                "row 17, column \"b\" (text): a str is needed, not bytes",
            ),
            (
                "(Bad(), 'x')",
                "row 17, column \"a\" (int4): converting the value raised ZeroDivisionError",
            ),
            (
                "collections.defaultdict(lambda: Bad())",
                "row 17, column \"a\" (int4): converting the value raised ZeroDivisionError",
            ),
            (
                "(lambda row: (row.append(Clearing(row)), row.append('x'), row)[2])([])",
                "row 17, column \"b\" (text): the row was changed while it was encoded",
            ),
        ] {
            assert_eq!(
                encode(&eval(py, row), false),
                Err(format!("DataError: {wanted}")),
                "{row}"
            );
        }
        for row in [
            "5",
            "'ab'",
            "b'ab'",
            "None",
            "{1, 2}",
            "(x for x in (1, 2))",
            "int",
        ] {
            let error = encode(&eval(py, row), false).unwrap_err();
            assert!(
                error.starts_with("DataError: row 17: a row (tuple, list, dict"),
                "{row}: {error}"
            );
        }
        let error = encode(&eval(py, "{'a': 1, 'b': 'x', 'c': 3}"), true).unwrap_err();
        assert!(
            error.contains("the dict has 3 keys, the columns are 2"),
            "{error}"
        );
    });
}

#[test]
fn types_without_a_binary_form_do_not_go_into_copy() {
    with_python(|py| {
        let money = Type::of(790, &TypeCatalog::new());
        let error = CopyEncoder::new(py, [("price", money)], false).unwrap_err();
        assert_eq!(
            describe(py, &error),
            "NotSupportedError: binary COPY of the type money is not supported"
        );
    });
}

#[test]
fn columns_become_arrays() {
    with_python(|py| {
        let money = Type::of(790, &TypeCatalog::new());
        let mut encoder = ColumnEncoder::new(py, columns().chain([("c", money)]), false);
        let mut out = BytesMut::new();
        assert!(matches!(encoder.encode_one(0, &mut out), IsNull::No));
        assert_eq!(hex(&out), "000000000000000000000017");
        for (index, row) in [
            "(1, None, '::1')",
            "{'a': 2, 'b': 'x', 'c': 'q\"\\\\'}",
            "[3, 'y', None]",
        ]
        .iter()
        .enumerate()
        {
            encoder.push(&eval(py, row), index as u64).unwrap();
        }
        assert_eq!(
            encoder.formats(),
            [Format::Binary, Format::Binary, Format::Text]
        );
        assert_eq!(encoder.len(), 3);
        for (at, wanted) in [
            "00000001 00000000 00000017 00000003 00000001 00000004 00000001 00000004 00000002 00000004 00000003",
            "00000001 00000001 00000019 00000003 00000001 ffffffff 00000001 78 00000001 79",
        ]
        .into_iter()
        .enumerate()
        {
            out.clear();
            assert!(matches!(encoder.encode_one(at, &mut out), IsNull::No));
            assert_eq!(out, unhex(wanted)[..]);
        }
        out.clear();
        encoder.encode_one(2, &mut out);
        assert_eq!(out, br#"{"::1","q\"\\",NULL}"#[..]);
        let error = encoder.push(&eval(py, "(1, 2, '')"), 3).unwrap_err();
        assert_eq!(
            describe(py, &error),
            "DataError: row 3, column \"b\" (text): a str is needed, not int"
        );
    });
}
