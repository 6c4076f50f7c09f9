//! Tables: checked once when built, then shared and never changed.

use std::{fmt, sync::Arc};

use data_bridge_driver::Error;

use super::{
    Builtin, Column, Constraint, Fragment, Index, Name, QualifiedName, Reference, Rule,
    naming::object_name,
};

/// The most columns that PostgreSQL gives a table (`MaxHeapAttributeNumber`).
const MAX_COLUMNS: usize = 1600;

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

struct Inner {
    name: QualifiedName,
    /// What it goes by in a query instead of its name.
    alias: Option<Name>,
    /// How its rows are reached, where it stands for the other end of a link.
    reach: Option<Reach>,
    columns: Vec<Column>,
    /// Each column as a query names it: `"users"."id"`.
    qualified: Vec<Box<str>>,
    /// All of `qualified` with commas between them.
    select_list: Box<str>,
    constraints: Vec<Constraint>,
    indexes: Vec<Index>,
    primary_key: Vec<usize>,
    comment: Option<String>,
    soft_delete: Option<usize>,
    tenant: Option<usize>,
}

impl Table {
    /// Starts a table of this name.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn builder(name: &str) -> Result<TableBuilder, Error> {
        Ok(TableBuilder {
            name: Name::new(name)?,
            schema: None,
            columns: Vec::new(),
            rules: Vec::new(),
            indexes: Vec::new(),
            comment: None,
            soft_delete: None,
            tenant: None,
        })
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
        let alias = Name::new(name)?;
        let inner = &*self.0;
        let qualified = qualified(&alias, &inner.columns);
        Ok(Self(Arc::new(Inner {
            name: inner.name.clone(),
            select_list: qualified.join(", ").into(),
            qualified,
            alias: Some(alias),
            reach: None,
            columns: inner.columns.clone(),
            constraints: inner.constraints.clone(),
            indexes: inner.indexes.clone(),
            primary_key: inner.primary_key.clone(),
            comment: inner.comment.clone(),
            soft_delete: inner.soft_delete,
            tenant: inner.tenant,
        })))
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
    pub(crate) fn is(&self, other: &Self) -> bool {
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

/// A table in the making.
#[derive(Clone, Debug)]
pub struct TableBuilder {
    name: Name,
    schema: Option<Name>,
    columns: Vec<Column>,
    rules: Vec<(Option<Name>, Rule)>,
    indexes: Vec<(Option<Name>, Vec<Name>, bool)>,
    comment: Option<String>,
    soft_delete: Option<String>,
    tenant: Option<String>,
}

impl TableBuilder {
    /// Puts the table into a schema.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn schema(mut self, schema: &str) -> Result<Self, Error> {
        self.schema = Some(Name::new(schema)?);
        Ok(self)
    }

    /// Adds a column.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Adds a constraint, named by the convention where `name` is `None`.
    #[must_use]
    pub fn constraint(mut self, name: Option<Name>, rule: Rule) -> Self {
        self.rules.push((name, rule));
        self
    }

    /// Adds an index, named by the convention where `name` is `None`.
    #[must_use]
    pub fn index(mut self, name: Option<Name>, columns: Vec<Name>, unique: bool) -> Self {
        self.indexes.push((name, columns, unique));
        self
    }

    /// Sets the table's comment.
    #[must_use]
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.comment = Some(text.into());
        self
    }

    /// Has rows marked as deleted in this column instead of removed, and left out wherever the table is read.
    #[must_use]
    pub fn soft_delete(mut self, column: &str) -> Self {
        self.soft_delete = Some(column.to_owned());
        self
    }

    /// Says by this column whose a row is, and leaves out those of others wherever the table is read.
    #[must_use]
    pub fn tenant(mut self, column: &str) -> Self {
        self.tenant = Some(column.to_owned());
        self
    }

    /// Checks the whole and finishes it.
    ///
    /// # Errors
    /// Two columns, constraints or indexes of one name; a second primary key; a constraint over a column that is not there.
    pub fn build(self) -> Result<Table, Error> {
        let Self {
            name,
            schema,
            mut columns,
            rules,
            indexes,
            comment,
            soft_delete,
            tenant,
        } = self;
        let table = name.as_str().to_owned();
        check_columns(&table, &columns)?;
        let soft_delete = deleted_by(&table, &columns, soft_delete.as_deref())?;
        let tenant = marked(&table, &columns, tenant.as_deref())?;
        let mut names = Names {
            table: &table,
            columns: &columns,
            taken: Vec::new(),
        };

        let mut constraints = Vec::new();
        let rules = rules.into_iter().map(|(given, rule)| (given, None, rule));
        for (given, beside, rule) in column_rules(&columns).into_iter().chain(rules) {
            let (over, suffix): (Vec<&str>, _) = match &rule {
                Rule::PrimaryKey(over) => (names.known(over).map(|()| Vec::new())?, "pkey"),
                Rule::Unique(over) => (names.known(over).map(|()| texts(over))?, "key"),
                Rule::Check(_) => (beside.iter().map(Name::as_str).collect(), "check"),
                Rule::ForeignKey {
                    columns: over,
                    references,
                } if over.len() == references.columns.len() => {
                    (names.known(over).map(|()| texts(over))?, "fkey")
                }
                Rule::ForeignKey { references, .. } => {
                    return Err(Error::interface(format!(
                        "a foreign key of table {table} to {} has unequal numbers of columns on its sides",
                        references.table
                    )));
                }
            };
            let name = names.take(given, &over, suffix)?;
            constraints.push(Constraint { name, rule });
        }
        let mut keys = constraints
            .iter()
            .filter_map(|constraint| match &constraint.rule {
                Rule::PrimaryKey(over) => Some(over),
                _ => None,
            });
        let primary_key: Vec<usize> = keys
            .next()
            .into_iter()
            .flatten()
            .filter_map(|part| columns.iter().position(|column| column.name == *part))
            .collect();
        if keys.next().is_some() {
            return Err(Error::interface(format!(
                "table {table} has two primary keys; name all columns of the key in one"
            )));
        }

        let implicit = columns
            .iter()
            .filter(|column| column.index)
            .map(|column| (None, vec![column.name.clone()], false));
        let indexes = implicit
            .chain(indexes)
            .map(|(given, over, unique)| {
                names.known(&over)?;
                let name = names.take(given, &texts(&over), "idx")?;
                Ok(Index {
                    name,
                    columns: over,
                    unique,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;

        for part in &primary_key {
            if let Some(column) = columns.get_mut(*part) {
                column.nullable = false;
                column.primary_key = true;
            }
        }
        let qualified = qualified(&name, &columns);
        let select_list = qualified.join(", ").into();
        let name = QualifiedName::new(schema, name);
        Ok(Table(Arc::new(Inner {
            name,
            alias: None,
            reach: None,
            columns,
            qualified,
            select_list,
            constraints,
            indexes,
            primary_key,
            comment,
            soft_delete,
            tenant,
        })))
    }
}

/// Each column as a query names it.
fn qualified(source: &Name, columns: &[Column]) -> Vec<Box<str>> {
    columns
        .iter()
        .map(|column| format!("{}.{}", source.quoted(), column.name.quoted()).into())
        .collect()
}

/// The position of the column that says whether a row is deleted.
fn deleted_by(
    table: &str,
    columns: &[Column],
    wanted: Option<&str>,
) -> Result<Option<usize>, Error> {
    let found = marked(table, columns, wanted)?;
    match found.and_then(|index| columns.get(index)) {
        Some(column) if !column.nullable && column.ty.builtin() != Some(Builtin::Bool) => {
            Err(Error::interface(format!(
                "{table}.{} says when a row was deleted, so it must be nullable; or a boolean",
                column.name
            )))
        }
        _ => Ok(found),
    }
}

/// The position of a column that rows are told apart by.
fn marked(table: &str, columns: &[Column], wanted: Option<&str>) -> Result<Option<usize>, Error> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    match columns
        .iter()
        .position(|column| column.name.as_str() == wanted)
    {
        Some(index) => Ok(Some(index)),
        None => Err(Error::interface(format!(
            "table {table} has no column {wanted:?} to tell deleted rows or tenants by"
        ))),
    }
}

fn check_columns(table: &str, columns: &[Column]) -> Result<(), Error> {
    if columns.len() > MAX_COLUMNS {
        return Err(Error::interface(format!(
            "table {table} has {} columns; PostgreSQL allows {MAX_COLUMNS}",
            columns.len()
        )));
    }
    for (index, column) in columns.iter().enumerate() {
        if columns
            .iter()
            .take(index)
            .any(|earlier| earlier.name == column.name)
        {
            return Err(Error::interface(format!(
                "table {table} has two columns named {:?}",
                column.name.as_str()
            )));
        }
        if column.identity.is_some() && column.default.is_some() {
            return Err(Error::interface(format!(
                "column {table}.{} is an identity and has a default; keep one of the two",
                column.name
            )));
        }
    }
    Ok(())
}

/// The constraints that were written beside the columns, the primary key first: given name, column, rule.
fn column_rules(columns: &[Column]) -> Vec<(Option<Name>, Option<Name>, Rule)> {
    let own = |column: &Column| vec![column.name.clone()];
    let key: Vec<Name> = columns
        .iter()
        .filter(|column| column.primary_key)
        .map(|column| column.name.clone())
        .collect();
    let mut rules = Vec::new();
    if !key.is_empty() {
        rules.push((None, None, Rule::PrimaryKey(key)));
    }
    for column in columns {
        if column.unique {
            rules.push((None, Some(column.name.clone()), Rule::Unique(own(column))));
        }
        if let Some(check) = &column.check {
            rules.push((None, Some(column.name.clone()), Rule::Check(check.clone())));
        }
        if let Some(references) = &column.references {
            let rule = Rule::ForeignKey {
                columns: own(column),
                references: references.clone(),
            };
            rules.push((None, Some(column.name.clone()), rule));
        }
    }
    rules
}

fn texts(names: &[Name]) -> Vec<&str> {
    names.iter().map(Name::as_str).collect()
}

/// The names that a table's constraints and indexes have taken so far.
struct Names<'a> {
    table: &'a str,
    columns: &'a [Column],
    taken: Vec<Name>,
}

impl Names<'_> {
    fn known(&self, columns: &[Name]) -> Result<(), Error> {
        if columns.is_empty() {
            return Err(Error::interface(format!(
                "a constraint or index of table {} names no column",
                self.table
            )));
        }
        match columns
            .iter()
            .find(|name| !self.columns.iter().any(|column| column.name == **name))
        {
            None => Ok(()),
            Some(missing) => {
                let (table, missing) = (self.table, missing.as_str());
                Err(Error::interface(format!(
                    "a constraint or index of table {table} names the column {missing:?}, which it does not have"
                )))
            }
        }
    }

    /// The given name, or the first free one of the convention: `t_check`, `t_check1`, ...
    fn take(&mut self, given: Option<Name>, columns: &[&str], suffix: &str) -> Result<Name, Error> {
        let name = match given {
            Some(name) if self.taken.contains(&name) => {
                return Err(Error::interface(format!(
                    "table {} has two constraints or indexes named {:?}",
                    self.table,
                    name.as_str()
                )));
            }
            Some(name) => name,
            None => {
                let mut name = object_name(self.table, columns, suffix)?;
                let mut number = 0;
                while self.taken.contains(&name) {
                    number += 1;
                    name = object_name(self.table, columns, &format!("{suffix}{number}"))?;
                }
                name
            }
        };
        self.taken.push(name.clone());
        Ok(name)
    }
}

/// The expression of a check at table level.
impl From<Fragment> for Rule {
    fn from(check: Fragment) -> Self {
        Self::Check(check)
    }
}
