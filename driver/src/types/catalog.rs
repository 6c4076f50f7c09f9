//! Types that are not built in: what to ask the server about them, and what to make of the answer.
//!
//! An enum, a domain, an array of either, or the type of an extension has an OID of its own in each database.
//! A front that meets OIDs that its [`TypeCatalog`] does not know runs [`LOOKUP_SQL`] once for all of them
//! and [learns](TypeCatalog::learn) the rows. One catalog serves all connections to a database.

use std::collections::HashMap;

use bytes::{BufMut, BytesMut};
use postgres_types::{Kind as RustKind, Type};

use super::builtin::{self, BuiltIn};
use super::{Format, oid};
use crate::error::Error;

/// Finds types by OID; `$1` is an `oid[]`, see [`encode_oids`].
///
/// Beside each type come those that it is made of, two steps deep: enough for an array of a domain. Joins
/// instead of a recursive query, whose cost the planner guesses so high that it compiles the plan for longer
/// than it runs (JIT). What lies deeper is found by asking again for what is still
/// [missing](TypeCatalog::missing).
///
/// The columns are all text, so that both formats read alike: OID, schema, name, `typtype`, OID of the
/// element (of true arrays only, else 0), OID of a domain's base or a range's subtype (else 0), the labels of an enum in their
/// order, each in hexadecimal, by commas, and the OID of the type's array type (0 if it has none).
///
/// Every name is qualified, so that a `search_path` cannot change what is asked. PostgreSQL 13 to 18.
pub const LOOKUP_SQL: &str = "\
SELECT t.oid::pg_catalog.text, n.nspname::pg_catalog.text, t.typname::pg_catalog.text, t.typtype::pg_catalog.text,
       COALESCE(e.oid, 0)::pg_catalog.text, COALESCE(r.rngsubtype, t.typbasetype)::pg_catalog.text,
       (SELECT pg_catalog.string_agg(pg_catalog.encode(pg_catalog.convert_to(l.enumlabel::pg_catalog.text, 'UTF8'), 'hex'), ','
                                     ORDER BY l.enumsortorder)
          FROM pg_catalog.pg_enum l WHERE l.enumtypid OPERATOR(pg_catalog.=) t.oid),
       t.typarray::pg_catalog.text
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid OPERATOR(pg_catalog.=) t.oid
  LEFT JOIN pg_catalog.pg_type e
    ON e.oid OPERATOR(pg_catalog.=) t.typelem AND e.typarray OPERATOR(pg_catalog.=) t.oid
 WHERE t.oid OPERATOR(pg_catalog.=) ANY (ARRAY(
         SELECT pg_catalog.unnest(ARRAY[a.oid, b.oid, c.oid])
           FROM pg_catalog.pg_type a
           LEFT JOIN pg_catalog.pg_type b
             ON b.oid OPERATOR(pg_catalog.=) a.typelem OR b.oid OPERATOR(pg_catalog.=) a.typbasetype
           LEFT JOIN pg_catalog.pg_type c
             ON c.oid OPERATOR(pg_catalog.=) b.typelem OR c.oid OPERATOR(pg_catalog.=) b.typbasetype
          WHERE a.oid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.oid[])))";

/// Columns of [`LOOKUP_SQL`].
pub const LOOKUP_COLUMNS: usize = 8;

/// Domains on domains, arrays of arrays' domains: how far a chain is followed. A chain of a sound database is
/// one or two long, and one that a server makes up may be a circle.
const DEPTH_LIMIT: usize = 16;

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A built-in type that is no array; its OID.
    Scalar(u32),
    /// An enum, its labels in their order. Travels as the text of a label in both formats.
    Enum(Vec<String>),
    /// An array; the OID of its elements.
    Array(u32),
    /// A domain; the OID of its base type, which is how its values travel.
    Domain(u32),
    /// A range of the user's; the OID of the type that it is over.
    Range(u32),
    /// A type of an extension whose binary form is its text, such as `citext`.
    TextLike,
    /// A type of an extension whose binary form is known.
    Extension(Extension),
    /// Anything else: composites, other extensions, multiranges of the user's. Read as text.
    Other,
}

/// Types of extensions, known by their names: only a superuser makes base types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// `hstore`
    Hstore,
    /// `ltree`, `lquery` and `ltxtquery`, which travel alike.
    Ltree,
    /// `vector` of pgvector.
    Vector,
}

impl Extension {
    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "hstore" => Self::Hstore,
            "ltree" | "lquery" | "ltxtquery" => Self::Ltree,
            "vector" => Self::Vector,
            _ => return None,
        })
    }
}

/// One type as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its OID.
    pub oid: u32,
    /// The schema that it is in.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub kind: Kind,
    /// OID of the arrays of it; 0 if there are none.
    pub array: u32,
}

impl Entry {
    /// Reads a row of [`LOOKUP_SQL`].
    ///
    /// # Errors
    /// Of kind `Protocol` for a row that this query does not give.
    pub fn from_row(row: [Option<&[u8]>; LOOKUP_COLUMNS]) -> Result<Self, Error> {
        Self::parse(row).ok_or_else(|| {
            Error::protocol("the server's answer to the lookup of types is malformed")
        })
    }

    fn parse(row: [Option<&[u8]>; LOOKUP_COLUMNS]) -> Option<Self> {
        let [oid, schema, name, typtype, element, base, labels, array] = row;
        // A database in SQL_ASCII may hold names that are not UTF-8.
        let text = |column: Option<&[u8]>| Some(String::from_utf8_lossy(column?).into_owned());
        let number = |column: Option<&[u8]>| str::from_utf8(column?).ok()?.parse::<u32>().ok();
        let name = text(name)?;
        let kind = match (typtype?, number(element)?, number(base)?) {
            (b"e", 0, 0) => Kind::Enum(labels.map_or_else(|| Some(Vec::new()), parse_labels)?),
            (b"d", _, base @ 1..) => Kind::Domain(base),
            (b"r", 0, subtype @ 1..) => Kind::Range(subtype),
            (b"b", element @ 1.., _) => Kind::Array(element),
            (b"b", 0, 0) if name == "citext" => Kind::TextLike,
            (b"b", 0, 0) => Extension::by_name(&name).map_or(Kind::Other, Kind::Extension),
            (_, _, _) => Kind::Other,
        };
        Some(Self {
            oid: number(oid)?,
            schema: text(schema)?,
            name,
            kind,
            array: number(array)?,
        })
    }
}

/// Labels by commas, each in hexadecimal, since a label may hold anything else that could stand between them.
fn parse_labels(labels: &[u8]) -> Option<Vec<String>> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    labels
        .split(|byte| *byte == b',')
        .map(|label| {
            let (pairs, odd) = label.as_chunks::<2>();
            let bytes: Option<Vec<u8>> = pairs
                .iter()
                .map(|[high, low]| Some(digit(high)? << 4 | digit(low)?))
                .collect();
            odd.is_empty()
                .then(|| Some(String::from_utf8_lossy(&bytes?).into_owned()))?
        })
        .collect()
}

/// Appends the OIDs as a binary `oid[]`, the parameter of [`LOOKUP_SQL`].
///
/// # Errors
/// Of kind `Data` for more OIDs than an array holds.
pub fn encode_oids(oids: &[u32], out: &mut BytesMut) -> Result<(), Error> {
    let count =
        i32::try_from(oids.len()).map_err(|_| Error::data("too many type OIDs for one lookup"))?;
    out.reserve(20 + oids.len() * 8);
    out.put_i32(1);
    out.put_i32(0);
    out.put_u32(oid::OID);
    out.put_i32(count);
    out.put_i32(1);
    for oid in oids {
        out.put_i32(4);
        out.put_u32(*oid);
    }
    Ok(())
}

/// The types of one database: the built-in ones and what was learned.
#[derive(Clone, Debug, Default)]
pub struct TypeCatalog {
    learned: HashMap<u32, Entry>,
}

impl TypeCatalog {
    /// A catalog that knows the built-in types.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a type is made of; `None` for one that has to be looked up.
    pub fn kind(&self, oid: u32) -> Option<Kind> {
        if let Some(element) = builtin::element_of(oid) {
            return Some(Kind::Array(element));
        }
        if BuiltIn::get(oid).is_some() {
            return Some(Kind::Scalar(oid));
        }
        self.learned.get(&oid).map(|entry| entry.kind.clone())
    }

    /// What was learned of a type; `None` for the built-in ones.
    pub fn entry(&self, oid: u32) -> Option<&Entry> {
        self.learned.get(&oid)
    }

    /// The name of a type for people: `int4`, `int4[]`, `shop.colour`, or the bare OID while it is unknown.
    pub fn name(&self, oid: u32) -> String {
        if let Some(element) = builtin::element_of(oid) {
            return format!("{}[]", self.name(element));
        }
        if let Some(built_in) = BuiltIn::get(oid) {
            return built_in.name.to_owned();
        }
        match self.learned.get(&oid) {
            Some(Entry {
                kind: Kind::Array(element),
                ..
            }) if *element != oid && !self.is_array(*element) => {
                format!("{}[]", self.name(*element))
            }
            Some(entry) if entry.schema == "public" || entry.schema == "pg_catalog" => {
                entry.name.clone()
            }
            Some(entry) => format!("{}.{}", entry.schema, entry.name),
            None => format!("type with OID {oid}"),
        }
    }

    /// The built-in type whose codec reads and writes values of this type: the base of a domain, `text` for
    /// an enum and for `citext`, and likewise under arrays (`text[]` for an array of enums). `None` for what
    /// is unknown, or travels as text.
    ///
    /// The header of a binary array names the true OID of its elements, not this one.
    pub fn codec(&self, oid: u32) -> Option<u32> {
        let mut oid = oid;
        let mut is_array = false;
        for _ in 0..DEPTH_LIMIT {
            let scalar = match self.kind(oid)? {
                Kind::Array(_) if is_array => return None,
                Kind::Array(element) => {
                    (oid, is_array) = (element, true);
                    continue;
                }
                Kind::Domain(base) => {
                    oid = base;
                    continue;
                }
                Kind::Scalar(scalar) => scalar,
                Kind::Enum(_) | Kind::TextLike => oid::TEXT,
                Kind::Range(_) | Kind::Extension(_) | Kind::Other => return None,
            };
            let built_in =
                BuiltIn::get(scalar).filter(|built_in| built_in.format == Format::Binary)?;
            return if is_array {
                Some(built_in.array).filter(|array| *array != 0)
            } else {
                Some(scalar)
            };
        }
        None
    }

    /// The type of arrays whose elements are of this type. `None` where there is none, for arrays themselves, and
    /// while the type is unknown.
    pub fn array_of(&self, oid: u32) -> Option<u32> {
        let array = match (BuiltIn::get(oid), self.learned.get(&oid)) {
            (Some(built_in), _) => built_in.array,
            (None, Some(entry)) if !matches!(entry.kind, Kind::Array(_)) => entry.array,
            (None, _) => 0,
        };
        (array != 0).then_some(array)
    }

    /// The format to ask for values of this type. Text while it is unknown, which is always right.
    pub fn format(&self, oid: u32) -> Format {
        if self.codec(oid).is_some() || self.is_of_extension(oid) {
            Format::Binary
        } else {
            Format::Text
        }
    }

    /// Those of `oids`, and of the types that they are made of, that have to be looked up; each once.
    pub fn missing(&self, oids: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut missing = Vec::new();
        for start in oids {
            let mut oid = start;
            for _ in 0..DEPTH_LIMIT {
                match self.kind(oid) {
                    Some(Kind::Array(inner) | Kind::Domain(inner) | Kind::Range(inner)) => {
                        oid = inner;
                    }
                    Some(_) => break,
                    None => {
                        // 0 is "not known to the server either", as the type of some parameters is.
                        if oid != 0 && !missing.contains(&oid) {
                            missing.push(oid);
                        }
                        break;
                    }
                }
            }
        }
        missing
    }

    /// Takes a row of the lookup. Built-in types stay as they are.
    pub fn learn(&mut self, entry: Entry) {
        if builtin::format_of(entry.oid).is_none() {
            self.learned.insert(entry.oid, entry);
        }
    }

    /// Marks what a lookup did not find (a type that was dropped meanwhile) as a type of which nothing is
    /// known, so that it is not asked for again and again.
    pub fn give_up(&mut self, oids: &[u32]) {
        for &oid in oids {
            if self.kind(oid).is_none() {
                let entry = Entry {
                    oid,
                    schema: "pg_catalog".into(),
                    name: format!("type {oid}"),
                    kind: Kind::Other,
                    array: 0,
                };
                self.learned.insert(oid, entry);
            }
        }
    }

    /// Forgets what was learned: a type was changed or created anew.
    pub fn clear(&mut self) {
        self.learned.clear();
    }

    /// The type as the `ToSql` and `FromSql` traits want it.
    pub fn rust_type(&self, oid: u32) -> Type {
        self.rust_type_within(oid, DEPTH_LIMIT)
    }

    fn rust_type_within(&self, oid: u32, depth: usize) -> Type {
        if let Some(built_in) = Type::from_oid(oid) {
            return built_in;
        }
        let Some(entry) = self.learned.get(&oid) else {
            return Type::new(self.name(oid), oid, RustKind::Simple, String::new());
        };
        let inner = |oid| {
            depth
                .checked_sub(1)
                .map_or(Type::UNKNOWN, |depth| self.rust_type_within(oid, depth))
        };
        let kind = match &entry.kind {
            Kind::Enum(labels) => RustKind::Enum(labels.clone()),
            Kind::Array(element) => RustKind::Array(inner(*element)),
            Kind::Domain(base) => RustKind::Domain(inner(*base)),
            Kind::Range(subtype) => RustKind::Range(inner(*subtype)),
            Kind::Scalar(_) | Kind::TextLike | Kind::Extension(_) | Kind::Other => RustKind::Simple,
        };
        Type::new(entry.name.clone(), oid, kind, entry.schema.clone())
    }

    /// Whether it is a type of an extension, an array or domain of one, or a range over a type that travels in binary.
    fn is_of_extension(&self, mut oid: u32) -> bool {
        for _ in 0..DEPTH_LIMIT {
            match self.kind(oid) {
                Some(Kind::Array(inner) | Kind::Domain(inner)) => oid = inner,
                Some(Kind::Range(subtype)) => return self.codec(subtype).is_some(),
                kind => return matches!(kind, Some(Kind::Extension(_))),
            }
        }
        false
    }

    fn is_array(&self, oid: u32) -> bool {
        matches!(self.kind(oid), Some(Kind::Array(_)))
    }
}

#[cfg(test)]
mod tests;
