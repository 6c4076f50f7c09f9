//! Indexes as data, apart from their SQL.

use data_bridge_driver::Error;

use super::{Fragment, Name, QualifiedName};

/// An index of a table that is not a constraint's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Index {
    /// Its name, given or by the [naming convention](super::naming).
    pub name: Name,
    /// What it holds.
    pub form: IndexForm,
}

/// What an index holds (manual, "CREATE INDEX").
///
/// ```
/// use data_bridge_orm::schema::{IndexForm, Part};
///
/// let recent = IndexForm::over([Part::column("created_at")?.descending()]).filter("deleted_at IS NULL")?;
/// assert!(!recent.unique);
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IndexForm {
    /// The indexed columns and expressions.
    pub parts: Vec<Part>,
    /// The access method; `None` is `btree`.
    pub method: Option<Name>,
    /// Columns that are kept in the index without being searched by.
    pub include: Vec<Name>,
    /// Whether it forbids duplicates.
    pub unique: bool,
    /// Whether two NULLs are duplicates; since PostgreSQL 15.
    pub nulls_not_distinct: bool,
    /// The rows that are indexed, where not all are.
    pub filter: Option<Fragment>,
    /// Storage parameters: `fillfactor = 70`.
    pub parameters: Vec<(Name, Fragment)>,
}

impl IndexForm {
    /// A plain index.
    pub fn over(parts: impl IntoIterator<Item = Part>) -> Self {
        Self {
            parts: parts.into_iter().collect(),
            method: None,
            include: Vec::new(),
            unique: false,
            nulls_not_distinct: false,
            filter: None,
            parameters: Vec::new(),
        }
    }

    /// A plain index of columns.
    pub fn columns(columns: impl IntoIterator<Item = Name>) -> Self {
        Self::over(columns.into_iter().map(Part::from))
    }

    /// Has it forbid duplicates.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Sets the access method: `gin`, `gist`, `brin`, `hash` or an extension's.
    ///
    /// # Errors
    /// A text that is no name.
    pub fn method(mut self, method: &str) -> Result<Self, Error> {
        let method = Name::new(method)?;
        self.method = (method.as_str() != "btree").then_some(method);
        Ok(self)
    }

    /// Indexes only the rows for which the expression is true.
    ///
    /// # Errors
    /// A text that [`Fragment::new`] refuses.
    pub fn filter(mut self, sql: &str) -> Result<Self, Error> {
        self.filter = Some(Fragment::new(sql)?);
        Ok(self)
    }

    /// The columns that are parts by themselves.
    pub fn key_columns(&self) -> impl Iterator<Item = &Name> {
        self.parts.iter().filter_map(|part| match &part.key {
            Key::Column(name) => Some(name),
            Key::Expression(_) => None,
        })
    }
}

/// One column or expression of an index, and how it is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// What is indexed.
    pub key: Key,
    /// The collation, where it differs from the column's.
    pub collation: Option<QualifiedName>,
    /// The operator class, where it is not the type's default.
    pub opclass: Option<OperatorClass>,
    /// Whether the greatest come first.
    pub descending: bool,
    /// Where NULLs go, if not where the direction puts them: last when ascending, first when descending.
    pub nulls: Option<Nulls>,
}

/// What a part of an index is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A column.
    Column(Name),
    /// An expression over the row.
    Expression(Fragment),
}

/// An operator class and its parameters: `gist_trgm_ops(siglen = 32)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperatorClass {
    /// Its name.
    pub name: QualifiedName,
    /// Its parameters.
    pub parameters: Vec<(Name, Fragment)>,
}

/// Where NULLs go in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

impl Nulls {
    /// The SQL words.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::First => "NULLS FIRST",
            Self::Last => "NULLS LAST",
        }
    }
}

impl Part {
    /// Of a column.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn column(name: &str) -> Result<Self, Error> {
        Ok(Self::from(Name::new(name)?))
    }

    /// Of an expression.
    ///
    /// # Errors
    /// A text that [`Fragment::new`] refuses.
    pub fn expression(sql: &str) -> Result<Self, Error> {
        Ok(Self::of(Key::Expression(Fragment::new(sql)?)))
    }

    fn of(key: Key) -> Self {
        Self {
            key,
            collation: None,
            opclass: None,
            descending: false,
            nulls: None,
        }
    }

    /// Puts the greatest first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// Sets the operator class: `jsonb_path_ops`.
    ///
    /// # Errors
    /// A text that [`QualifiedName::parse`] refuses.
    pub fn opclass(mut self, name: &str) -> Result<Self, Error> {
        self.opclass = Some(OperatorClass {
            name: QualifiedName::parse(name)?,
            parameters: Vec::new(),
        });
        Ok(self)
    }

    /// Says where NULLs go.
    #[must_use]
    pub fn nulls(mut self, nulls: Nulls) -> Self {
        let usual = if self.descending {
            Nulls::First
        } else {
            Nulls::Last
        };
        self.nulls = (nulls != usual).then_some(nulls);
        self
    }
}

impl From<Name> for Part {
    fn from(column: Name) -> Self {
        Self::of(Key::Column(column))
    }
}
