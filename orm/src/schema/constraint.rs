//! Constraints and indexes as data, apart from their SQL.

use std::{fmt, str::FromStr};

use data_bridge_driver::{
    Error,
    ident::{self, ForeignKeyRef},
};

use super::{Fragment, Name, Part, QualifiedName};

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
    /// The columns that `SET NULL` and `SET DEFAULT` on deletion are for, where not all; since PostgreSQL 15.
    pub set_columns: Vec<Name>,
    /// Whether all of the columns are NULL or none (`MATCH FULL`).
    pub full: bool,
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
            columns: vec![target.column().into()],
            ..Self::to(target.table().into(), Vec::new())
        })
    }

    /// Refers to these columns of the table of this name, by the usual rules.
    ///
    /// # Errors
    /// What [`ForeignKeyRef::new`] refuses: a name that is none, a system catalog.
    pub fn to_table(table: &str, columns: Vec<Name>) -> Result<Self, Error> {
        let table = ident::QualifiedName::parse(table)?;
        for column in &columns {
            ForeignKeyRef::new(table.clone(), column.as_str())?;
        }
        Ok(Self::to(QualifiedName::from(&table), columns))
    }

    /// Refers to these columns of a table, by the usual rules.
    pub fn to(table: QualifiedName, columns: Vec<Name>) -> Self {
        Self {
            table,
            columns,
            on_delete: Action::default(),
            on_update: Action::default(),
            set_columns: Vec::new(),
            full: false,
        }
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
    /// When it demands that.
    pub timing: Timing,
}

/// When a constraint is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Timing {
    /// After each statement, always.
    #[default]
    Immediate,
    /// After each statement, unless `SET CONSTRAINTS` says otherwise.
    Deferrable,
    /// At the end of the transaction, unless `SET CONSTRAINTS` says otherwise.
    Deferred,
}

impl Timing {
    /// The SQL words; none for the usual timing.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Immediate => "",
            Self::Deferrable => "DEFERRABLE",
            Self::Deferred => "DEFERRABLE INITIALLY DEFERRED",
        }
    }
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The columns identify a row.
    PrimaryKey {
        /// The columns.
        columns: Vec<Name>,
        /// Further columns that its index keeps.
        include: Vec<Name>,
    },
    /// No two rows agree in all of the columns.
    Unique {
        /// The columns.
        columns: Vec<Name>,
        /// Further columns that its index keeps.
        include: Vec<Name>,
        /// Whether NULL agrees with NULL; since PostgreSQL 15.
        nulls_not_distinct: bool,
    },
    /// The expression is not false.
    Check {
        /// The expression.
        condition: Fragment,
        /// Whether tables that inherit do not take it over.
        no_inherit: bool,
    },
    /// The columns name a row of another table, or one of them is NULL.
    ForeignKey {
        /// The referring columns.
        columns: Vec<Name>,
        /// Where they refer to.
        references: Reference,
    },
    /// No two rows agree by all of the operators.
    Exclude(Exclude),
}

impl Rule {
    /// The columns identify a row.
    pub fn primary_key(columns: Vec<Name>) -> Self {
        Self::PrimaryKey {
            columns,
            include: Vec::new(),
        }
    }

    /// No two rows agree in all of the columns; NULL agrees with nothing.
    pub fn unique(columns: Vec<Name>) -> Self {
        Self::Unique {
            columns,
            include: Vec::new(),
            nulls_not_distinct: false,
        }
    }

    /// The expression is not false.
    pub fn check(condition: Fragment) -> Self {
        Self::Check {
            condition,
            no_inherit: false,
        }
    }
}

/// An exclusion constraint (manual, "CREATE TABLE", EXCLUDE): rooms that are not booked twice at one time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exclude {
    /// The access method of its index; `None` is `btree`, most need `gist`.
    pub method: Option<Name>,
    /// What is compared, and by which operator.
    pub elements: Vec<(Part, ExclusionOperator)>,
    /// Further columns that its index keeps.
    pub include: Vec<Name>,
    /// The rows that it looks at, where not all.
    pub filter: Option<Fragment>,
}

/// An operator of an exclusion constraint: `=`, `&&`, `OPERATOR(app.~~)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExclusionOperator(String);

impl ExclusionOperator {
    /// Checks that the text is an operator and nothing more.
    ///
    /// # Errors
    /// Any other text.
    pub fn new(text: &str) -> Result<Self, Error> {
        let is_symbol = |text: &str| {
            !text.is_empty()
                && !text.contains("--")
                && !text.contains("/*")
                && text.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c))
        };
        let text = text.trim();
        if is_symbol(text) {
            return Ok(Self(text.to_owned()));
        }
        let inner = text
            .strip_prefix("OPERATOR(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|inner| inner.rsplit_once('.'));
        match inner {
            Some((schema, symbol)) if is_symbol(symbol) => {
                let schema = QualifiedName::parse(schema)?;
                Ok(Self(format!("OPERATOR({}.{symbol})", schema.quoted())))
            }
            _ => Err(Error::interface(format!(
                "{text:?} is no operator; write one such as = or &&"
            ))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
