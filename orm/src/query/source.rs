//! What a query reads from: tables and derived tables, joined one after another.

use data_bridge_driver::Error;

use super::{Derived, Expr, derived::Head};
use crate::schema::{Name, Table};

/// Which rows a join keeps that have no partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// None.
    Inner,
    /// Those of the left side: what stood in the query before.
    Left,
    /// Those of the right side.
    Right,
    /// Those of both sides.
    Full,
}

impl Join {
    /// The SQL words.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Inner => " JOIN ",
            Self::Left => " LEFT JOIN ",
            Self::Right => " RIGHT JOIN ",
            Self::Full => " FULL JOIN ",
        }
    }

    /// Whether rows of the right side stay that have no partner.
    pub(super) const fn keeps_right(self) -> bool {
        matches!(self, Self::Right | Self::Full)
    }
}

/// A table in a query, and the name that it goes by there.
#[derive(Debug)]
pub(super) struct Source<V> {
    pub relation: Relation<V>,
    /// `None`: by its own.
    pub alias: Option<Name>,
    /// How it comes to those before it; `None` for the first.
    pub joined: Option<(Join, On<V>)>,
}

/// What rows can be read from.
#[derive(Debug)]
pub enum Relation<V> {
    /// A table, or an alias of one.
    Table(Table),
    /// A subquery or CTE.
    Derived(Derived<V>),
}

#[derive(Debug)]
pub(super) enum On<V> {
    /// The source is the other end of a link, and knows how it is reached.
    Link,
    Condition(Expr<V>),
}

impl<V> Source<V> {
    pub fn table(table: &Table) -> Self {
        Relation::from(table).into()
    }

    /// What the query calls it.
    pub fn known_as(&self) -> &Name {
        match (&self.alias, &self.relation) {
            (Some(alias), _) => alias,
            (None, Relation::Table(table)) => table.known_as(),
            (None, Relation::Derived(derived)) => derived.name(),
        }
    }

    /// How it is joined, if it is.
    pub fn join(&self) -> Option<Join> {
        self.joined.as_ref().map(|(join, _)| *join)
    }

    pub fn is_table(&self, other: &Table) -> bool {
        matches!(&self.relation, Relation::Table(table) if table.is(other))
    }

    /// Whether it is meant by the name of a table that it is the other end of a link to.
    pub fn stands_for(&self, other: &Table) -> bool {
        matches!(&self.relation, Relation::Table(table) if table.origin().is_some_and(|origin| origin.is(other)))
    }

    pub fn has_head(&self, head: &Head) -> bool {
        matches!(&self.relation, Relation::Derived(derived) if std::ptr::eq(&raw const **derived.head(), head))
    }
}

/// The source that a table means: the one that is it, or else the first that stands for it.
pub(super) fn meant<'s, V>(sources: &'s [Source<V>], table: &Table) -> Option<&'s Source<V>> {
    let exact = sources.iter().find(|source| source.is_table(table));
    exact.or_else(|| sources.iter().find(|source| source.stands_for(table)))
}

impl<V> From<Relation<V>> for Source<V> {
    fn from(relation: Relation<V>) -> Self {
        Self {
            relation,
            alias: None,
            joined: None,
        }
    }
}

impl<V> From<&Table> for Relation<V> {
    fn from(table: &Table) -> Self {
        Self::Table(table.clone())
    }
}

impl<V> From<&Derived<V>> for Relation<V> {
    fn from(derived: &Derived<V>) -> Self {
        Self::Derived(derived.clone())
    }
}

impl<V> Clone for Relation<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Table(table) => Self::Table(table.clone()),
            Self::Derived(derived) => Self::Derived(derived.clone()),
        }
    }
}

impl<V> Clone for Source<V> {
    fn clone(&self) -> Self {
        Self {
            relation: self.relation.clone(),
            alias: self.alias.clone(),
            joined: self.joined.as_ref().map(|(join, on)| (*join, on.clone())),
        }
    }
}

impl<V> Clone for On<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Link => Self::Link,
            Self::Condition(condition) => Self::Condition(condition.clone()),
        }
    }
}

/// The condition of the one foreign key that leads from either of two tables to the other.
///
/// # Errors
/// No such key, or more than one.
pub fn key_condition<V>(left: &Table, right: &Table) -> Result<Expr<V>, Error> {
    let mut found = keys(left, right)?;
    if left.name() != right.name() {
        found.extend(keys(right, left)?);
    }
    let (left, right) = (left.known_as(), right.known_as());
    match (found.pop(), found.len()) {
        (Some(condition), 0) => Ok(condition),
        (None, _) => Err(Error::interface(format!(
            "there is no foreign key between {left} and {right}; join on a condition"
        ))),
        (Some(_), _) => Err(Error::interface(format!(
            "there are several foreign keys between {left} and {right}; join on a condition that says which one is meant"
        ))),
    }
}

/// For each foreign key from one table to the other, the condition that it stands for.
fn keys<V>(from: &Table, to: &Table) -> Result<Vec<Expr<V>>, Error> {
    from.foreign_keys()
        .filter(|(_, reference)| reference.table == *to.name())
        .map(|(columns, reference)| {
            let pairs = columns.iter().zip(&reference.columns);
            let conditions = pairs
                .map(|(own, other)| {
                    let (own, other) = (from.column(own.as_str())?, to.column(other.as_str())?);
                    Ok(own.eq(&other))
                })
                .collect::<Result<Vec<_>, Error>>()?;
            Ok(Expr::all(conditions))
        })
        .collect()
}
