//! An existing database as schema model: four questions to the catalogs, whatever the number of tables, and the tables made
//! of their answers.
//!
//! The crate does no I/O: the caller runs [`QUERIES`] and hands over the rows through [`Fields`].

mod assemble;
mod queries;

use data_bridge_driver::Error;

pub use self::assemble::Reflection;
pub use self::queries::{COLUMNS, CONSTRAINTS, INDEXES, TABLES};

/// The questions, in the order in which [`Reflection::new`] takes the answers. Each takes one parameter: the schemas, as
/// `text[]`.
pub const QUERIES: [&str; 4] = [TABLES, COLUMNS, CONSTRAINTS, INDEXES];

/// The values of one row of an answer, by position.
///
/// All of them fail for a value of another type.
pub trait Fields {
    /// A text or NULL.
    ///
    /// # Errors
    /// See [`Fields`].
    fn text(&self, index: usize) -> Result<Option<String>, Error>;

    /// A truth value; NULL is false.
    ///
    /// # Errors
    /// See [`Fields`].
    fn flag(&self, index: usize) -> Result<bool, Error>;

    /// A whole number or NULL.
    ///
    /// # Errors
    /// See [`Fields`].
    fn number(&self, index: usize) -> Result<Option<i64>, Error>;

    /// An array of texts.
    ///
    /// # Errors
    /// See [`Fields`].
    fn texts(&self, index: usize) -> Result<Vec<String>, Error>;
}
