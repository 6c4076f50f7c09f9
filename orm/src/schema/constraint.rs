//! Constraints and indexes as data, apart from their SQL.

use std::{fmt, str::FromStr};

use data_bridge_driver::{Error, ident::ForeignKeyRef};

use super::{Fragment, Name, QualifiedName};

/// What the server does to referring rows when the row they refer to goes away or changes its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Action {
    /// An error, unless the constraint is satisfied by the end of the statement or transaction.
    #[default]
    NoAction,
    /// An error at once.
    Restrict,
    /// The referring rows follow.
    Cascade,
    /// The referring columns become NULL.
    SetNull,
    /// The referring columns take their default.
    SetDefault,
}

impl Action {
    /// The SQL words.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sql())
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::NoAction, Self::Restrict, Self::Cascade, Self::SetNull, Self::SetDefault]
            .into_iter()
            .find(|action| action.sql().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| {
                Error::interface(format!("{text:?} is no referential action; use NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT"))
            })
    }
}

/// The far end of a foreign key and its rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The table referred to.
    pub table: QualifiedName,
    /// Its columns, in the order of the referring ones.
    pub columns: Vec<Name>,
    /// On deletion of the row referred to.
    pub on_delete: Action,
    /// On a change of its key.
    pub on_update: Action,
}

impl Reference {
    /// Reads `table.column` or `schema.table.column`.
    ///
    /// ```
    /// use data_bridge_orm::schema::{Action, Reference};
    ///
    /// let author = Reference::parse("users.id")?.on_delete(Action::Cascade);
    /// assert_eq!(author.table.quoted(), "\"users\"");
    /// assert!(Reference::parse("pg_catalog.pg_class.oid").is_err());
    /// # Ok::<(), data_bridge_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// What [`ForeignKeyRef::parse`] refuses: another number of parts, a part that is no identifier, a system catalog.
    pub fn parse(target: &str) -> Result<Self, Error> {
        let target = ForeignKeyRef::parse(target)?;
        Ok(Self {
            table: target.table().into(),
            columns: vec![target.column().into()],
            on_delete: Action::default(),
            on_update: Action::default(),
        })
    }

    /// Sets the rule for deletion.
    #[must_use]
    pub fn on_delete(mut self, action: Action) -> Self {
        self.on_delete = action;
        self
    }

    /// Sets the rule for a changed key.
    #[must_use]
    pub fn on_update(mut self, action: Action) -> Self {
        self.on_update = action;
        self
    }
}

/// A constraint of a table. Columns are named, as the server keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constraint {
    /// Its name, given or by the [naming convention](super::naming).
    pub name: Name,
    /// What it demands.
    pub rule: Rule,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The columns identify a row.
    PrimaryKey(Vec<Name>),
    /// No two rows agree in all of the columns.
    Unique(Vec<Name>),
    /// The expression is not false.
    Check(Fragment),
    /// The columns name a row of another table, or one of them is NULL.
    ForeignKey {
        /// The referring columns.
        columns: Vec<Name>,
        /// Where they refer to.
        references: Reference,
    },
}

/// An index over columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Index {
    /// Its name, given or by the [naming convention](super::naming).
    pub name: Name,
    /// The indexed columns.
    pub columns: Vec<Name>,
    /// Whether it also forbids duplicates.
    pub unique: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_split_and_guarded() {
        assert_eq!(
            Reference::parse("app.users.id").unwrap().table.quoted(),
            r#""app"."users""#
        );
        for bad in [
            "users",
            "a.b.c.d",
            ".id",
            "users.",
            "pg_class.oid",
            "information_schema.tables.x",
            "users.ctid",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
        let hostile = Reference::parse("users\"; DROP TABLE x; --.id").unwrap();
        assert_eq!(hostile.table.quoted(), "\"users\"\"; DROP TABLE x; --\"");
    }

    #[test]
    fn actions_by_their_words() {
        assert_eq!("set null".parse::<Action>().unwrap(), Action::SetNull);
        assert!("EXPLODE".parse::<Action>().is_err());
    }
}
