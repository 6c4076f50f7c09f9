//! One column of a table.

use data_bridge_driver::Error;

use super::{Fragment, Identity, Name, PgType, QualifiedName, Reference, SequenceOptions, Timing};
use crate::query::Conversion;

/// A column as the server keeps it, and the constraints that were written beside it.
///
/// ```
/// use data_bridge_orm::schema::{Builtin, Column};
///
/// let email = Column::new("email", Builtin::Text)?.unique().check("email ~ '@'")?;
/// assert!(!email.nullable);
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one word of the column's DDL"
)]
pub struct Column {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: PgType,
    /// Whether it takes NULL. Columns do not unless told.
    pub nullable: bool,
    /// Whether the server numbers its rows.
    pub identity: Option<Identity>,
    /// How it does so.
    pub sequence: SequenceOptions,
    /// Whether its default counts by a sequence of its own, as `serial` makes it.
    pub serial: bool,
    /// What the server computes it from.
    pub generated: Option<Generated>,
    /// What the server puts in where an INSERT says nothing.
    pub default: Option<Fragment>,
    /// The collation, where it differs from the type's.
    pub collation: Option<QualifiedName>,
    /// What the catalog says about the column.
    pub comment: Option<String>,
    /// What a binding makes of its values; no part of the table.
    pub conversion: Conversion,
    /// The name that it had before, for a migration.
    pub renamed_from: Option<Name>,
    pub(super) primary_key: bool,
    pub(super) unique: bool,
    pub(super) index: bool,
    pub(super) check: Option<Fragment>,
    pub(super) references: Option<Reference>,
    pub(super) timing: Timing,
}

/// A column that the server computes from the others of its row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Generated {
    /// The expression.
    pub expression: Fragment,
    /// Whether the value is kept; else it is computed when read, which PostgreSQL can since version 18.
    pub stored: bool,
}

impl Column {
    /// A column that does not take NULL and has no default.
    ///
    /// # Errors
    /// A name that [`Name::column`] refuses.
    pub fn new(name: &str, ty: impl Into<PgType>) -> Result<Self, Error> {
        Ok(Self {
            name: Name::column(name)?,
            ty: ty.into(),
            nullable: false,
            identity: None,
            sequence: SequenceOptions::default(),
            serial: false,
            generated: None,
            default: None,
            collation: None,
            comment: None,
            conversion: Conversion::NONE,
            renamed_from: None,
            primary_key: false,
            unique: false,
            index: false,
            check: None,
            references: None,
            timing: Timing::Immediate,
        })
    }

    /// Lets it take NULL.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Makes it the primary key, or a part of it together with the other columns so marked.
    #[must_use]
    pub fn primary_key(mut self) -> Self {
        self.primary_key = true;
        self
    }

    /// Has the server number it.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the server's default, as SQL.
    ///
    /// # Errors
    /// A text that [`Fragment::new`] refuses.
    pub fn default(mut self, sql: &str) -> Result<Self, Error> {
        self.default = Some(Fragment::new(sql)?);
        Ok(self)
    }

    /// Forbids duplicates.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Adds an index over it.
    #[must_use]
    pub fn index(mut self) -> Self {
        self.index = true;
        self
    }

    /// Adds a check, as SQL.
    ///
    /// # Errors
    /// A text that [`Fragment::new`] refuses.
    pub fn check(mut self, sql: &str) -> Result<Self, Error> {
        self.check = Some(Fragment::new(sql)?);
        Ok(self)
    }

    /// Makes it refer to a column of another table.
    #[must_use]
    pub fn references(mut self, reference: Reference) -> Self {
        self.references = Some(reference);
        self
    }

    /// Says when the reference written beside it is looked at.
    #[must_use]
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Has the server compute it, from SQL over the other columns of the row, and keep the value.
    ///
    /// # Errors
    /// A text that [`Fragment::new`] refuses.
    pub fn generated(mut self, sql: &str) -> Result<Self, Error> {
        self.generated = Some(Generated {
            expression: Fragment::new(sql)?,
            stored: true,
        });
        Ok(self)
    }

    /// Sets its collation: `C` or `pg_catalog.C`.
    ///
    /// # Errors
    /// A text that [`QualifiedName::parse`] refuses.
    pub fn collation(mut self, name: &str) -> Result<Self, Error> {
        self.collation = Some(QualifiedName::parse(name)?);
        Ok(self)
    }

    /// Sets its comment.
    #[must_use]
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.comment = Some(text.into());
        self
    }

    /// Whether an INSERT may leave it out: it takes NULL, has a default, or is numbered or computed by the server.
    pub fn optional(&self) -> bool {
        self.nullable
            || self.default.is_some()
            || self.identity.is_some()
            || self.serial
            || self.generated.is_some()
    }

    /// Whether it is (a part of) the primary key.
    pub fn is_primary_key(&self) -> bool {
        self.primary_key
    }

    /// Where it refers to, if that was written beside it.
    pub fn reference(&self) -> Option<&Reference> {
        self.references.as_ref()
    }
}
