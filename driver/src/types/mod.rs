//! PostgreSQL values: type numbers, kinds, and the arithmetic between wire and language.

pub mod builtin;
pub mod catalog;
pub mod datetime;
pub mod guard;
pub mod numeric;
pub mod oid;

pub use catalog::{Extension, Kind, TypeCatalog};
pub use guard::{checked_from_sql, checked_from_sql_nullable};
pub use postgres_types::{self, FromSql, ToSql, Type, to_sql_checked};

pub use postgres_protocol::IsNull;

/// How a value travels (PostgreSQL manual, "Formats and Format Codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As the type's input and output functions write it.
    Text,
    /// As the type's send and receive functions write it.
    Binary,
}

impl Format {
    /// The code on the wire.
    pub const fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}
