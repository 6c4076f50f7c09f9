use proptest::prelude::*;

use super::*;
use crate::error;

const COLOUR: u32 = 20_000;
const COLOURS: u32 = 20_001;
const POSITIVE: u32 = 20_002;
const POSITIVES: u32 = 20_003;
const CITEXT: u32 = 20_004;
const VECTOR: u32 = 20_005;
const GRID: u32 = 20_006;
const GRIDS: u32 = 20_007;

fn entry(oid: u32, name: &str, kind: Kind) -> Entry {
    Entry {
        oid,
        schema: "shop".into(),
        name: name.into(),
        kind,
        array: if oid == COLOUR { COLOURS } else { 0 },
    }
}

fn catalog() -> TypeCatalog {
    let mut catalog = TypeCatalog::new();
    for entry in [
        entry(
            COLOUR,
            "colour",
            Kind::Enum(vec!["red".into(), "blue".into()]),
        ),
        entry(COLOURS, "_colour", Kind::Array(COLOUR)),
        entry(POSITIVE, "positive", Kind::Domain(oid::INT4)),
        entry(POSITIVES, "_positive", Kind::Array(POSITIVE)),
        entry(CITEXT, "citext", Kind::TextLike),
        entry(VECTOR, "vector", Kind::Extension(Extension::Vector)),
        entry(GRID, "grid", Kind::Domain(oid::INT4_ARRAY)),
        entry(GRIDS, "_grid", Kind::Array(GRID)),
    ] {
        catalog.learn(entry);
    }
    catalog
}

#[test]
fn codecs_and_formats() {
    let catalog = catalog();
    for (oid, codec) in [
        (oid::INT4, Some(oid::INT4)),
        (oid::INT4_ARRAY, Some(oid::INT4_ARRAY)),
        (oid::INET, Some(oid::INET)),
        (oid::MONEY, None),
        (oid::MONEY_ARRAY, None),
        (oid::UNKNOWN, Some(oid::UNKNOWN)),
        (COLOUR, Some(oid::TEXT)),
        (COLOURS, Some(oid::TEXT_ARRAY)),
        (POSITIVE, Some(oid::INT4)),
        (POSITIVES, Some(oid::INT4_ARRAY)),
        (CITEXT, Some(oid::TEXT)),
        (VECTOR, None),
        (GRID, Some(oid::INT4_ARRAY)),
        // An array whose elements are arrays: nothing built in looks like that.
        (GRIDS, None),
        (99_999, None),
        (0, None),
    ] {
        assert_eq!(catalog.codec(oid), codec, "{oid}");
        assert_eq!(
            catalog.format(oid) == Format::Binary,
            codec.is_some() || oid == VECTOR,
            "{oid}"
        );
    }
}

#[test]
fn names_for_people() {
    let catalog = catalog();
    for (oid, name) in [
        (oid::INT4, "int4"),
        (oid::INT4_ARRAY, "int4[]"),
        (COLOUR, "shop.colour"),
        (COLOURS, "shop.colour[]"),
        (99_999, "type with OID 99999"),
    ] {
        assert_eq!(catalog.name(oid), name);
    }
}

#[test]
fn missing_types_are_asked_for_once_and_to_the_bottom() {
    let mut catalog = TypeCatalog::new();
    assert_eq!(
        catalog.missing([oid::INT4, 0, COLOURS, COLOURS, VECTOR]),
        [COLOURS, VECTOR]
    );
    catalog.learn(entry(COLOURS, "_colour", Kind::Array(COLOUR)));
    assert_eq!(catalog.missing([COLOURS, VECTOR]), [COLOUR, VECTOR]);
    catalog.learn(entry(COLOUR, "colour", Kind::Enum(Vec::new())));
    catalog.give_up(&[VECTOR, COLOUR]);
    assert!(catalog.missing([COLOURS, VECTOR]).is_empty());
    assert_eq!(catalog.kind(COLOUR), Some(Kind::Enum(Vec::new())));
    assert_eq!(catalog.format(VECTOR), Format::Text);
}

#[test]
fn built_in_types_cannot_be_taught_anew() {
    let mut catalog = TypeCatalog::new();
    catalog.learn(entry(oid::INT4, "int4", Kind::Other));
    assert_eq!(catalog.codec(oid::INT4), Some(oid::INT4));
}

#[test]
fn circles_end() {
    let mut catalog = TypeCatalog::new();
    catalog.learn(entry(1_000_000, "a", Kind::Domain(1_000_001)));
    catalog.learn(entry(1_000_001, "b", Kind::Domain(1_000_000)));
    catalog.learn(entry(1_000_002, "c", Kind::Array(1_000_002)));
    for oid in 1_000_000..1_000_003 {
        assert_eq!(catalog.codec(oid), None);
        assert!(catalog.missing([oid]).is_empty());
        catalog.name(oid);
        catalog.rust_type(oid);
    }
}

#[test]
fn types_for_the_traits() {
    let catalog = catalog();
    assert_eq!(catalog.rust_type(oid::INT4), Type::INT4);
    let colours = catalog.rust_type(COLOURS);
    let RustKind::Array(colour) = colours.kind() else {
        panic!("{colours:?}")
    };
    assert_eq!(
        *colour.kind(),
        RustKind::Enum(vec!["red".into(), "blue".into()])
    );
    assert_eq!(
        (colour.schema(), colour.name(), colour.oid()),
        ("shop", "colour", COLOUR)
    );
    assert_eq!(
        *catalog.rust_type(POSITIVE).kind(),
        RustKind::Domain(Type::INT4)
    );
    assert_eq!(*catalog.rust_type(99_999).kind(), RustKind::Simple);
}

fn row<'a>(columns: [&'a str; 6], labels: Option<&'a str>) -> [Option<&'a [u8]>; LOOKUP_COLUMNS] {
    let [oid, schema, name, typtype, element, base] = columns.map(|column| Some(column.as_bytes()));
    [
        oid,
        schema,
        name,
        typtype,
        element,
        base,
        labels.map(str::as_bytes),
        Some(b"20001"),
    ]
}

#[test]
fn arrays_of_types() {
    let catalog = catalog();
    assert_eq!(catalog.array_of(oid::INT4), Some(oid::INT4_ARRAY));
    assert_eq!(catalog.array_of(COLOUR), Some(COLOURS));
    for oid in [oid::INT4_ARRAY, COLOURS, VECTOR, 99_999, 0] {
        assert_eq!(catalog.array_of(oid), None, "{oid}");
    }
    let learned = Entry::from_row(row(["20000", "shop", "colour", "e", "0", "0"], None)).unwrap();
    assert_eq!(learned.array, COLOURS);
}

#[test]
fn rows_of_the_lookup() {
    let kind = |columns, labels| Entry::from_row(row(columns, labels)).map(|entry| entry.kind);
    let labels = Some("726564,2c20c3a9,,ff");
    assert_eq!(
        kind(["20000", "shop", "colour", "e", "0", "0"], labels).unwrap(),
        Kind::Enum(vec![
            "red".into(),
            ", é".into(),
            String::new(),
            "\u{fffd}".into()
        ])
    );
    assert_eq!(
        kind(["1", "s", "empty", "e", "0", "0"], None).unwrap(),
        Kind::Enum(Vec::new())
    );
    assert_eq!(
        kind(["1", "s", "_colour", "b", "20000", "0"], None).unwrap(),
        Kind::Array(20_000)
    );
    assert_eq!(
        kind(["1", "s", "positive", "d", "0", "23"], None).unwrap(),
        Kind::Domain(23)
    );
    assert_eq!(
        kind(["1", "s", "times", "r", "0", "1083"], None).unwrap(),
        Kind::Range(oid::TIME)
    );
    assert_eq!(
        kind(["1", "public", "citext", "b", "0", "0"], None).unwrap(),
        Kind::TextLike
    );
    assert_eq!(
        kind(["1", "public", "vector", "b", "0", "0"], None).unwrap(),
        Kind::Extension(Extension::Vector)
    );
    assert_eq!(
        kind(["1", "public", "cube", "b", "0", "0"], None).unwrap(),
        Kind::Other
    );
    assert_eq!(
        kind(["1", "s", "pair", "c", "0", "0"], None).unwrap(),
        Kind::Other
    );
    for (columns, labels) in [
        (["x", "s", "n", "b", "0", "0"], None),
        (["1", "s", "n", "b", "-1", "0"], None),
        (["1", "s", "n", "b", "0", "99999999999"], None),
        (["1", "s", "n", "e", "0", "0"], Some("7")),
        (["1", "s", "n", "e", "0", "0"], Some("zz")),
    ] {
        assert_eq!(
            kind(columns, labels).unwrap_err().kind(),
            error::Kind::Protocol,
            "{columns:?}"
        );
    }
    assert!(Entry::from_row([None; LOOKUP_COLUMNS]).is_err());
}

#[test]
fn the_parameter_of_the_lookup() {
    let mut out = BytesMut::new();
    encode_oids(&[COLOUR, VECTOR], &mut out).unwrap();
    assert_eq!(
        super::super::checked_from_sql::<Vec<u32>>(&Type::OID_ARRAY, &out).unwrap(),
        [COLOUR, VECTOR]
    );
}

proptest! {
    #[test]
    fn any_row_never_panics(columns: [Option<Vec<u8>>; LOOKUP_COLUMNS]) {
        if let Ok(entry) = Entry::from_row(columns.each_ref().map(|column| column.as_deref())) {
            let mut catalog = TypeCatalog::new();
            let oid = entry.oid;
            catalog.learn(entry);
            catalog.codec(oid);
            catalog.rust_type(oid);
        }
    }
}
