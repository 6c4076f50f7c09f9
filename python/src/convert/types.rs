//! Type numbers to codecs.

use data_bridge_driver::types::{Extension, Format, Kind, TypeCatalog, oid};

use super::{ArrayCodec, Codec};

/// How far domains over domains and arrays are followed. A chain of a sound database is one or two long.
const DEPTH_LIMIT: usize = 16;

/// A PostgreSQL type, as far as conversion and its messages need it.
#[derive(Debug)]
pub struct Type {
    /// Its number.
    pub oid: u32,
    /// How values are converted.
    pub codec: Codec,
    /// What messages call it.
    pub name: Box<str>,
}

impl Type {
    /// The type of this number. One that the catalog does not know travels as text.
    pub fn of(oid: u32, catalog: &TypeCatalog) -> Self {
        Self {
            oid,
            codec: codec(oid, catalog, DEPTH_LIMIT),
            name: catalog.name(oid).into(),
        }
    }

    /// The same type where the server was asked for text, or decided on it.
    #[must_use]
    pub fn in_format(self, format: Format) -> Self {
        match format {
            Format::Text => Self {
                codec: Codec::AsText,
                ..self
            },
            Format::Binary => self,
        }
    }
}

fn codec(oid: u32, catalog: &TypeCatalog, depth: usize) -> Codec {
    if depth == 0 {
        return Codec::AsText;
    }
    match catalog.kind(oid) {
        Some(Kind::Scalar(oid)) => scalar(oid),
        Some(Kind::Enum(_)) => Codec::Enum,
        Some(Kind::TextLike) => Codec::Text,
        Some(Kind::Extension(Extension::Hstore)) => Codec::Hstore,
        Some(Kind::Extension(Extension::Ltree)) => Codec::Ltree,
        Some(Kind::Extension(Extension::Vector)) => Codec::Vector,
        Some(Kind::Domain(base)) => codec(base, catalog, depth - 1),
        Some(Kind::Range(subtype)) => match codec(subtype, catalog, depth - 1) {
            // The bounds travel in the format of the whole.
            Codec::AsText | Codec::Void => Codec::AsText,
            bound => Codec::Range(Box::new(bound)),
        },
        Some(Kind::Array(element_oid)) => match codec(element_oid, catalog, depth - 1) {
            // The elements travel in the format of the whole.
            Codec::AsText | Codec::Void => Codec::AsText,
            element => Codec::Array(Box::new(ArrayCodec {
                element_oid,
                element,
            })),
        },
        Some(Kind::Other) | None => Codec::AsText,
    }
}

fn scalar(oid: u32) -> Codec {
    let range = |bound| Codec::Range(Box::new(bound));
    let multirange = |bound| Codec::Multirange(Box::new(bound));
    match oid {
        oid::BOOL => Codec::Bool,
        oid::BYTEA => Codec::Bytea,
        oid::CHAR => Codec::Char,
        oid::INT8 => Codec::Int8,
        oid::INT2 => Codec::Int2,
        oid::INT4 => Codec::Int4,
        oid::NAME | oid::TEXT | oid::BPCHAR | oid::VARCHAR | oid::UNKNOWN => Codec::Text,
        oid::OID => Codec::Oid,
        oid::JSON => Codec::Json,
        oid::FLOAT4 => Codec::Float4,
        oid::FLOAT8 => Codec::Float8,
        oid::DATE => Codec::Date,
        oid::TIME => Codec::Time,
        oid::TIMESTAMP => Codec::Timestamp,
        oid::TIMESTAMPTZ => Codec::TimestampTz,
        oid::INTERVAL => Codec::Interval,
        oid::TIMETZ => Codec::TimeTz,
        oid::NUMERIC => Codec::Numeric,
        oid::VOID => Codec::Void,
        oid::UUID => Codec::Uuid,
        oid::JSONB => Codec::Jsonb,
        oid::INT4RANGE => range(Codec::Int4),
        oid::INT8RANGE => range(Codec::Int8),
        oid::NUMRANGE => range(Codec::Numeric),
        oid::TSRANGE => range(Codec::Timestamp),
        oid::TSTZRANGE => range(Codec::TimestampTz),
        oid::DATERANGE => range(Codec::Date),
        oid::INT4MULTIRANGE => multirange(Codec::Int4),
        oid::INT8MULTIRANGE => multirange(Codec::Int8),
        oid::NUMMULTIRANGE => multirange(Codec::Numeric),
        oid::TSMULTIRANGE => multirange(Codec::Timestamp),
        oid::TSTZMULTIRANGE => multirange(Codec::TimestampTz),
        oid::DATEMULTIRANGE => multirange(Codec::Date),
        oid::INET => Codec::Inet,
        oid::CIDR => Codec::Cidr,
        oid::MACADDR => Codec::MacAddr,
        oid::MACADDR8 => Codec::MacAddr8,
        oid::BIT | oid::VARBIT => Codec::Bits,
        oid::XID8 => Codec::Xid8,
        oid::PG_LSN => Codec::Lsn,
        _ => Codec::AsText,
    }
}

#[cfg(test)]
mod tests {
    use data_bridge_driver::types::builtin::{BuiltIn, format_of};

    use super::*;

    /// Results are asked for in the format that the driver's table names, so the codecs must agree with it.
    #[test]
    fn formats_agree_with_the_driver() {
        let catalog = TypeCatalog::new();
        for built_in in (1..10_000).filter_map(BuiltIn::get) {
            for oid in [built_in.oid, built_in.array]
                .into_iter()
                .filter(|oid| *oid != 0)
            {
                let ty = Type::of(oid, &catalog);
                assert_eq!(Some(ty.codec.format()), format_of(oid), "{}", ty.name);
            }
        }
    }
}
