//! Type numbers to codecs.

use super::{ArrayCodec, Codec};

/// A PostgreSQL type, as far as conversion and its messages need it.
#[derive(Debug)]
pub struct Type {
    /// How values are converted.
    pub codec: Codec,
    /// What messages call it.
    pub name: Box<str>,
}

type BuiltIn = (u32, u32, &'static str, fn() -> Codec);

/// Number of the type, number of its array, name, codec (PostgreSQL's `pg_type.dat`).
const BUILT_IN: &[BuiltIn] = &[
    (16, 1000, "bool", || Codec::Bool),
    (17, 1001, "bytea", || Codec::Bytea),
    (18, 1002, "\"char\"", || Codec::Char),
    (19, 1003, "name", || Codec::Text),
    (20, 1016, "int8", || Codec::Int8),
    (21, 1005, "int2", || Codec::Int2),
    (23, 1007, "int4", || Codec::Int4),
    (25, 1009, "text", || Codec::Text),
    (26, 1028, "oid", || Codec::Oid),
    (114, 199, "json", || Codec::Json),
    (142, 143, "xml", || Codec::Text),
    (700, 1021, "float4", || Codec::Float4),
    (701, 1022, "float8", || Codec::Float8),
    (1042, 1014, "bpchar", || Codec::Text),
    (1043, 1015, "varchar", || Codec::Text),
    (1082, 1182, "date", || Codec::Date),
    (1083, 1183, "time", || Codec::Time),
    (1114, 1115, "timestamp", || Codec::Timestamp),
    (1184, 1185, "timestamptz", || Codec::TimestampTz),
    (1186, 1187, "interval", || Codec::Interval),
    (1266, 1270, "timetz", || Codec::TimeTz),
    (1700, 1231, "numeric", || Codec::Numeric),
    (2278, 0, "void", || Codec::Void),
    (2950, 2951, "uuid", || Codec::Uuid),
    (3802, 3807, "jsonb", || Codec::Jsonb),
];

impl Type {
    /// A type that every server has under this number, or an array of one; `None` for all others.
    pub fn built_in(oid: u32) -> Option<Self> {
        BUILT_IN.iter().find_map(|(base, array, name, codec)| {
            if *base == oid {
                Some(Self {
                    codec: codec(),
                    name: (*name).into(),
                })
            } else if *array == oid && oid != 0 {
                let array = ArrayCodec {
                    element_oid: *base,
                    element: codec(),
                };
                Some(Self {
                    codec: Codec::Array(Box::new(array)),
                    name: format!("{name}[]").into(),
                })
            } else {
                None
            }
        })
    }

    /// Any type as the text that PostgreSQL prints.
    pub fn as_text(name: impl Into<Box<str>>) -> Self {
        Self {
            codec: Codec::AsText,
            name: name.into(),
        }
    }
}
