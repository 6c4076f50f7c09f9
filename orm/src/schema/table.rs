//! Tables: checked once when built, then shared and never changed.

use std::{fmt, sync::Arc};

use data_bridge_driver::Error;

use super::{
    Column, Constraint, EnumType, Index, Name, QualifiedName, Reference, Rule, TableBuilder,
};

/// A table. Cheap to clone.
///
/// ```
/// use data_bridge_orm::schema::{Builtin, Column, Identity, Table};
///
/// let users = Table::builder("users")?
///     .column(Column::new("id", Builtin::Int8)?.primary_key().identity(Identity::Always))
///     .column(Column::new("email", Builtin::Text)?.unique())
///     .build()?;
/// assert_eq!(users.column("email")?.to_string(), "users.email");
/// assert!(users.column("emial").is_err());
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone)]
pub struct Table(Arc<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub name: QualifiedName,
    /// What it goes by in a query instead of its name.
    pub alias: Option<Name>,
    /// How its rows are reached, where it stands for the other end of a link.
    pub reach: Option<Reach>,
    pub columns: Vec<Column>,
    /// Each column as a query names it: `"users"."id"`.
    pub qualified: Vec<Box<str>>,
    /// All of `qualified` with commas between them.
    pub select_list: Box<str>,
    pub constraints: Vec<Constraint>,
    pub indexes: Vec<Index>,
    pub primary_key: Vec<usize>,
    pub comment: Option<String>,
    pub renamed_from: Option<Name>,
    pub soft_delete: Option<usize>,
    pub tenant: Option<usize>,
    /// The column that rows of several kinds are told apart by, and the literal of those that are meant.
    pub kind: Option<(usize, Box<str>)>,
}

impl Table {
    /// Starts a table of this name.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn builder(name: &str) -> Result<TableBuilder, Error> {
        TableBuilder::new(name)
    }

    /// Finishes what a builder has checked, or an alias: the names of the columns in queries follow from the table's.
    pub(super) fn from_parts(mut inner: Inner) -> Self {
        let source = inner.alias.as_ref().unwrap_or(inner.name.name()).quoted();
        inner.qualified = inner
            .columns
            .iter()
            .map(|column| format!("{source}.{}", column.name.quoted()).into())
            .collect();
        inner.select_list = inner.qualified.join(", ").into();
        Self(Arc::new(inner))
    }

    /// Its name, with the schema where one was given.
    pub fn name(&self) -> &QualifiedName {
        &self.0.name
    }

    /// Its columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.0.columns
    }

    /// The column of this name, for use in a query.
    ///
    /// # Errors
    /// No such column; the message lists those that there are.
    pub fn column(&self, name: &str) -> Result<ColumnRef, Error> {
        match self
            .0
            .columns
            .iter()
            .position(|column| column.name.as_str() == name)
        {
            Some(index) => Ok(ColumnRef {
                table: self.clone(),
                index,
            }),
            None => Err(Error::interface(format!(
                "table {} has no column {name:?}; it has {}",
                self.name(),
                self.columns()
                    .iter()
                    .map(|column| column.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// The column at this position, for use in a query.
    pub fn column_at(&self, index: usize) -> Option<ColumnRef> {
        (index < self.0.columns.len()).then(|| ColumnRef {
            table: self.clone(),
            index,
        })
    }

    /// Positions of the primary key's columns; empty where there is none.
    pub fn primary_key(&self) -> &[usize] {
        &self.0.primary_key
    }

    /// All constraints, those written beside a column among them.
    pub fn constraints(&self) -> &[Constraint] {
        &self.0.constraints
    }

    /// All indexes that are not a constraint's.
    pub fn indexes(&self) -> &[Index] {
        &self.0.indexes
    }

    /// What the catalog says about the table.
    pub fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// What the table was called before, for a migration.
    pub fn renamed_from(&self) -> Option<&Name> {
        self.0.renamed_from.as_ref()
    }

    /// The enum types of its columns, each once.
    pub fn enum_types(&self) -> Vec<&EnumType> {
        let mut types = Vec::new();
        for ty in self
            .columns()
            .iter()
            .filter_map(|column| column.ty.enum_type())
        {
            if !types.contains(&ty) {
                types.push(ty);
            }
        }
        types
    }

    /// The column that says that a row is deleted, and its position: `NULL`, or `false` where it is a `boolean`, in rows
    /// that are not. See [`Scope`](crate::query::Scope).
    pub fn soft_delete(&self) -> Option<(usize, &Column)> {
        self.0
            .soft_delete
            .and_then(|index| Some((index, self.0.columns.get(index)?)))
    }

    /// The column that says whose a row is, and its position. See [`Scope`](crate::query::Scope).
    pub fn tenant(&self) -> Option<(usize, &Column)> {
        self.0
            .tenant
            .and_then(|index| Some((index, self.0.columns.get(index)?)))
    }

    /// The column that rows of several kinds are told apart by, its position, and the literal of those that are meant.
    pub fn kind(&self) -> Option<(usize, &Column, &str)> {
        let (index, literal) = self.0.kind.as_ref()?;
        Some((*index, self.0.columns.get(*index)?, literal))
    }

    /// The table with what another description of it has besides: the classes of several kinds of rows each name the columns
    /// that their kind has.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let mut inner = (*self.0).clone();
        for column in other.columns() {
            if self.column(column.name.as_str()).is_err() {
                inner.columns.push(column.clone());
            }
        }
        for constraint in other.constraints() {
            if inner
                .constraints
                .iter()
                .all(|known| known.name != constraint.name)
            {
                inner.constraints.push(constraint.clone());
            }
        }
        for index in other.indexes() {
            if inner.indexes.iter().all(|known| known.name != index.name) {
                inner.indexes.push(index.clone());
            }
        }
        Self::from_parts(inner)
    }

    /// The foreign keys: their columns and where they refer to.
    pub fn foreign_keys(&self) -> impl Iterator<Item = (&[Name], &Reference)> {
        self.constraints()
            .iter()
            .filter_map(|constraint| match &constraint.rule {
                Rule::ForeignKey {
                    columns,
                    references,
                } => Some((columns.as_slice(), references)),
                _ => None,
            })
    }

    /// The same table under another name, as a self join needs it: its columns are not those of the original.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    ///
    /// ```
    /// use data_bridge_orm::{query::{Join, Param, Select}, schema::{Builtin, Column, Table}};
    ///
    /// let staff = Table::builder("staff")?
    ///     .column(Column::new("id", Builtin::Int8)?.primary_key())
    ///     .column(Column::new("boss_id", Builtin::Int8)?)
    ///     .build()?;
    /// let boss = staff.alias("boss")?;
    /// let query = Select::<Param>::from(&staff)
    ///     .join(Join::Left, &boss, boss.column("id")?.eq(&staff.column("boss_id")?));
    /// assert_eq!(
    ///     query.render()?.sql,
    ///     "SELECT \"staff\".\"id\", \"staff\".\"boss_id\" FROM \"staff\" \
    ///      LEFT JOIN \"staff\" AS \"boss\" ON \"boss\".\"id\" = \"staff\".\"boss_id\""
    /// );
    /// # Ok::<(), data_bridge_driver::Error>(())
    /// ```
    pub fn alias(&self, name: &str) -> Result<Self, Error> {
        let alias = Some(Name::new(name)?);
        let inner = (*self.0).clone();
        let reach = None;
        Ok(Self::from_parts(Inner {
            alias,
            reach,
            ..inner
        }))
    }

    /// The table at the other end of a link: its rows whose columns equal those that they are paired with. A query that names
    /// a column of it joins it by itself, unless it can have `many` rows.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn linked(
        &self,
        name: &str,
        on: impl IntoIterator<Item = (ColumnRef, ColumnRef)>,
        many: bool,
    ) -> Result<Self, Error> {
        let mut linked = self.alias(name)?;
        if let Some(inner) = Arc::get_mut(&mut linked.0) {
            inner.reach = Some(Reach {
                of: self.clone(),
                on: on.into_iter().map(|(from, to)| (from, to.index)).collect(),
                many,
            });
        }
        Ok(linked)
    }

    /// What it goes by in a query: its alias, or its name without the schema.
    pub fn known_as(&self) -> &Name {
        self.0.alias.as_ref().unwrap_or(self.0.name.name())
    }

    /// Whether [`Table::alias`] made it.
    pub fn is_alias(&self) -> bool {
        self.0.alias.is_some()
    }

    pub(crate) fn select_list(&self) -> &str {
        &self.0.select_list
    }

    pub(crate) fn qualified(&self, index: usize) -> &str {
        self.0
            .qualified
            .get(index)
            .map(AsRef::as_ref)
            .unwrap_or_default()
    }

    /// Whether both handles are of one table, or of one way to it.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || match (&self.0.reach, &other.0.reach) {
                (Some(own), Some(others)) => self.0.alias == other.0.alias && own.is(others),
                _ => false,
            }
    }

    pub(crate) fn reach(&self) -> Option<&Reach> {
        self.0.reach.as_ref()
    }

    /// The table itself, of which this is the other end of a link.
    pub(crate) fn origin(&self) -> Option<&Self> {
        self.reach().map(|reach| &reach.of)
    }

    /// The table that the links to this one begin at; itself where there is no link.
    pub fn root(&self) -> &Self {
        let mut table = self;
        while let Some((from, _)) = table.reach().and_then(|reach| reach.on.first()) {
            table = &from.table;
        }
        table
    }
}

/// How the rows at the other end of a link are found.
#[derive(Clone)]
pub(crate) struct Reach {
    pub of: Table,
    /// Columns of the end that the link begins at, each with the position of its partner at the other end.
    pub on: Vec<(ColumnRef, usize)>,
    /// Whether there can be several rows.
    pub many: bool,
}

impl Reach {
    fn is(&self, other: &Self) -> bool {
        let pairs = || self.on.iter().zip(&other.on);
        self.of.is(&other.of)
            && self.on.len() == other.on.len()
            && pairs().all(|((own, to), (others, there))| {
                to == there && own.index == others.index && own.table.is(&others.table)
            })
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.name())
    }
}

/// Tables are equal when the server would keep them alike.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
            || (self.0.name == other.0.name
                && self.0.columns == other.0.columns
                && self.0.constraints == other.0.constraints
                && self.0.indexes == other.0.indexes
                && self.0.comment == other.0.comment)
    }
}

/// A column of a known table. Cheap to clone; its methods in [`query`](crate::query) make conditions.
#[derive(Clone)]
pub struct ColumnRef {
    pub(crate) table: Table,
    pub(crate) index: usize,
}

impl ColumnRef {
    /// The column's table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The column's position in its table.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The column.
    pub fn column(&self) -> &Column {
        // A reference is only ever made for a column that is there, and tables do not change.
        &self.table.0.columns[self.index]
    }
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.table.0.alias {
            None => write!(f, "{}.{}", self.table.name(), self.column().name),
            Some(alias) => write!(f, "{alias}.{}", self.column().name),
        }
    }
}

impl fmt::Debug for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
