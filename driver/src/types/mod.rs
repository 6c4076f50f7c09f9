//! PostgreSQL values: type numbers, kinds, and the arithmetic between wire and language.

pub mod datetime;
pub mod numeric;

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
