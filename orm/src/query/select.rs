//! SELECT.

use std::{ops::Range, sync::Arc};

use data_bridge_driver::{Error, ident::MAX_BYTES};

use super::{
    Derived, Expr, IntoParam, Join, Param, Relation, Scope, Statement, ValueType,
    render::Renderer,
    scope::Skips,
    source::{On, Source, key_condition, meant},
};
use crate::schema::{Builtin, Name, Table, naming::clip};

/// A SELECT in the making.
///
/// ```
/// use data_bridge_orm::{query::{Link, Param, Select}, schema::{Builtin, Column, Table}};
///
/// let users = Table::builder("users")?.column(Column::new("id", Builtin::Int8)?.primary_key()).build()?;
/// let posts = Table::builder("posts")?
///     .column(Column::new("id", Builtin::Int8)?.primary_key())
///     .column(Column::new("author_id", Builtin::Int8)?)
///     .build()?;
/// let author = Link::new("author", posts.column("author_id")?, users.column("id")?)?;
/// let query = Select::<Param>::from(&posts).link(&author).order_by(posts.column("id")?.desc()).limit(10_i64);
/// assert_eq!(
///     query.render()?.sql,
///     "SELECT \"posts\".\"id\", \"posts\".\"author_id\", \"author\".\"id\" AS \"author.id\" FROM \"posts\" \
///      LEFT JOIN \"users\" AS \"author\" ON \"author\".\"id\" = \"posts\".\"author_id\" \
///      ORDER BY \"posts\".\"id\" DESC LIMIT $1"
/// );
/// assert_eq!(query.link_columns(), [2..3]);
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Debug)]
pub struct Select<V = Param> {
    pub(super) asks: Asks,
    pub(super) distinct: Distinct<V>,
    pub(super) items: Vec<Item<V>>,
    pub(super) sources: Vec<Source<V>>,
    pub(super) filter: Option<Expr<V>>,
    pub(super) group: Vec<Expr<V>>,
    pub(super) having: Option<Expr<V>>,
    /// Two queries as one, instead of all of the above but `asks`.
    pub(super) set: Option<(SetOperator, Arc<Self>, Arc<Self>)>,
    pub(super) order: Vec<Order<V>>,
    pub(super) limit: Option<Limit<V>>,
    pub(super) offset: Option<Expr<V>>,
    pub(super) locks: Vec<Lock>,
    pub(super) skips: Skips,
    /// Columns of the query around this one that its rows belong to.
    pub(super) outer: Vec<Expr<V>>,
    depth: usize,
}

/// What is wanted of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Rows,
    Count,
    Exists,
}

#[derive(Debug)]
pub(super) enum Distinct<V> {
    No,
    Rows,
    On(Vec<Expr<V>>),
}

/// What a query gives for each row.
#[derive(Debug)]
pub(super) enum Item<V> {
    Expr(Expr<V>),
    /// All columns of the source at this position; those of a link under its name.
    Source(usize, Option<Name>),
    /// All columns of a table.
    Table(Table),
}

#[derive(Debug)]
pub(super) enum Limit<V> {
    /// In the text, so that a fetch of one row is a statement of its own and planned as such.
    One,
    Rows(Expr<V>),
}

/// One expression of an ORDER BY.
#[derive(Debug)]
pub struct Order<V = Param> {
    pub(super) expr: Expr<V>,
    pub(super) descending: bool,
    pub(super) nulls: Option<Nulls>,
}

/// Where an order puts NULL. PostgreSQL's own choice is last when ascending and first when descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Before everything else.
    First,
    /// After everything else.
    Last,
}

/// How rows are locked until the transaction ends (PostgreSQL manual, section 13.3.2).
#[derive(Clone, Debug)]
pub struct Lock {
    /// How strongly.
    pub strength: Strength,
    /// The tables whose rows are locked; none: all of the query's.
    pub of: Vec<Table>,
    /// What to do about rows that others have locked.
    pub wait: Wait,
}

/// How strong a lock is, from what excludes everybody to what excludes the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// `FOR UPDATE`
    Update,
    /// `FOR NO KEY UPDATE`: others may still refer to the row.
    NoKeyUpdate,
    /// `FOR SHARE`
    Share,
    /// `FOR KEY SHARE`: others may change all but the key.
    KeyShare,
}

impl Strength {
    /// The SQL words.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Update => " FOR UPDATE",
            Self::NoKeyUpdate => " FOR NO KEY UPDATE",
            Self::Share => " FOR SHARE",
            Self::KeyShare => " FOR KEY SHARE",
        }
    }
}

/// What to do about rows that others have locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Wait for them.
    Wait,
    /// Fail at once.
    NoWait,
    /// Leave them out.
    SkipLocked,
}

/// How two queries become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    /// The rows of both, each once.
    Union,
    /// The rows of both.
    UnionAll,
    /// The rows that both have, each once.
    Intersect,
    /// The rows that both have, as often as both have them.
    IntersectAll,
    /// The rows that only the first has, each once.
    Except,
    /// The rows that the first has more often.
    ExceptAll,
}

impl SetOperator {
    /// The SQL words.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Union => " UNION ",
            Self::UnionAll => " UNION ALL ",
            Self::Intersect => " INTERSECT ",
            Self::IntersectAll => " INTERSECT ALL ",
            Self::Except => " EXCEPT ",
            Self::ExceptAll => " EXCEPT ALL ",
        }
    }

    /// Whether it binds tighter than the others.
    pub const fn is_tight(self) -> bool {
        matches!(self, Self::Intersect | Self::IntersectAll)
    }
}

impl<V> Select<V> {
    /// All columns of a table.
    pub fn from(table: &Table) -> Self {
        let mut select = Self::empty();
        select.items.push(Item::Source(0, None));
        select.sources.push(Source::table(table));
        select
    }

    /// These expressions; [`Select::source`] says of what.
    pub fn of(items: impl IntoIterator<Item = Expr<V>>) -> Self {
        let mut select = Self::empty();
        for item in items {
            select = select.item(item);
        }
        select
    }

    pub(super) fn empty() -> Self {
        Self {
            asks: Asks::Rows,
            distinct: Distinct::No,
            items: Vec::new(),
            sources: Vec::new(),
            filter: None,
            group: Vec::new(),
            having: None,
            set: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            locks: Vec::new(),
            skips: Skips::default(),
            outer: Vec::new(),
            depth: 0,
        }
    }

    fn deepen(&mut self, depth: usize) {
        self.depth = self.depth.max(depth + 1);
    }

    /// Takes in an expression: how deep it is, and the tables that it reaches over links.
    fn admit(&mut self, expr: &Expr<V>) {
        self.deepen(expr.depth());
        self.reach_all(expr);
    }

    /// How deep its expressions and subqueries nest.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// One more expression to select.
    #[must_use]
    pub fn item(mut self, item: Expr<V>) -> Self {
        self.admit(&item);
        self.items.push(Item::Expr(item));
        self
    }

    /// All columns of a table that the query reads, to select beside the others.
    #[must_use]
    pub fn all_of(mut self, table: &Table) -> Self {
        self.items.push(Item::Table(table.clone()));
        self
    }

    /// Reads from a table, subquery or CTE; from a second one in all combinations (`CROSS JOIN`).
    #[must_use]
    pub fn source(mut self, relation: impl Into<Relation<V>>) -> Self {
        let relation = relation.into();
        if let Relation::Derived(derived) = &relation {
            self.deepen(derived.depth());
        }
        self.sources.push(relation.into());
        self
    }

    /// Reads from this alone, forgetting what it read before.
    #[must_use]
    pub fn only_source(mut self, relation: impl Into<Relation<V>>) -> Self {
        let known = std::mem::take(&mut self.sources);
        self = self.source(relation);
        let reached = |source: &Source<V>| matches!(source.joined, Some((_, On::Link)));
        self.sources.extend(known.into_iter().filter(reached));
        self
    }

    /// Joins another table, subquery or CTE.
    #[must_use]
    pub fn join(mut self, join: Join, relation: impl Into<Relation<V>>, on: Expr<V>) -> Self {
        self.admit(&on);
        self = self.source(relation);
        if let Some(source) = self.sources.last_mut() {
            source.joined = Some((join, On::Condition(on)));
        }
        self
    }

    /// Joins another table by the one foreign key between it and a table that the query reads.
    ///
    /// # Errors
    /// No such key, or several.
    pub fn join_by_key(self, join: Join, table: &Table) -> Result<Self, Error> {
        let mut first = None;
        for source in self.sources.iter().rev() {
            let Relation::Table(known) = &source.relation else {
                continue;
            };
            match key_condition(known, table) {
                Ok(on) => return Ok(self.join(join, table, on)),
                Err(error) => first = Some(error),
            }
        }
        Err(first.unwrap_or_else(|| {
            Error::interface(format!(
                "the query reads no table that {} could be joined to; join on a condition",
                table.name()
            ))
        }))
    }

    /// Whether the query reads this table.
    pub fn reads(&self, table: &Table) -> bool {
        meant(&self.sources, table).is_some()
    }

    /// The tables that it reads, in their order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.sources
            .iter()
            .filter_map(|source| match &source.relation {
                Relation::Table(table) => Some(table),
                Relation::Derived(_) => None,
            })
    }

    /// Whether it reads anything yet.
    pub fn has_source(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Keeps the rows for which the condition is true; a second one narrows the first.
    #[must_use]
    pub fn filter(mut self, condition: Expr<V>) -> Self {
        self.admit(&condition);
        self.filter = Some(narrowed(self.filter.take(), condition));
        self
    }

    /// One row for each value of the expression; a second one divides further.
    #[must_use]
    pub fn group_by(mut self, by: impl Into<Expr<V>>) -> Self {
        let by = by.into();
        self.admit(&by);
        self.group.push(by);
        self
    }

    /// Keeps the groups for which the condition is true; a second one narrows the first.
    #[must_use]
    pub fn having(mut self, condition: Expr<V>) -> Self {
        self.admit(&condition);
        self.having = Some(narrowed(self.having.take(), condition));
        self
    }

    /// Leaves out rows that are equal to others.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.distinct = Distinct::Rows;
        self
    }

    /// Keeps the first row, in the query's order, of those for which these expressions are equal.
    #[must_use]
    pub fn distinct_on(mut self, by: Vec<Expr<V>>) -> Self {
        for part in &by {
            self.admit(part);
        }
        self.distinct = Distinct::On(by);
        self
    }

    /// Orders the rows; a second order decides among equals of the first.
    #[must_use]
    pub fn order_by(mut self, order: Order<V>) -> Self {
        self.admit(&order.expr);
        self.order.push(order);
        self
    }

    /// Forgets the orders.
    #[must_use]
    pub fn unordered(mut self) -> Self {
        self.order.clear();
        self
    }

    /// At most so many rows, as a `bigint` parameter.
    #[must_use]
    pub fn limit(mut self, rows: impl IntoParam<V>) -> Self {
        self.limit = Some(Limit::Rows(bigint(rows)));
        self
    }

    /// At most one row.
    #[must_use]
    pub fn one(mut self) -> Self {
        self.limit = Some(Limit::One);
        self
    }

    /// Leaves out so many rows first, as a `bigint` parameter.
    #[must_use]
    pub fn offset(mut self, rows: impl IntoParam<V>) -> Self {
        self.offset = Some(bigint(rows));
        self
    }

    /// Locks the rows.
    #[must_use]
    pub fn lock(mut self, lock: Lock) -> Self {
        self.locks.push(lock);
        self
    }

    /// Deleted rows of the tables that it reads are meant too, those of subqueries left aside.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.skips.deleted = true;
        self
    }

    /// All rows of the tables that it reads are meant, whoever's they are, deleted ones too; subqueries speak for themselves.
    #[must_use]
    pub fn unscoped(mut self) -> Self {
        self.skips = Skips::ALL;
        self
    }

    /// This query and another as one, whose orders and limits are of its own.
    #[must_use]
    pub fn combine(self, operator: SetOperator, other: Self) -> Self {
        let mut both = Self::empty();
        both.deepen(self.depth.max(other.depth));
        both.set = Some((operator, Arc::new(self), Arc::new(other)));
        both
    }

    /// Counts the rows instead of fetching them.
    #[must_use]
    pub fn count(mut self) -> Self {
        self.asks = Asks::Count;
        self
    }

    /// Asks whether there is a row instead of fetching it.
    #[must_use]
    pub fn exists(mut self) -> Self {
        self.asks = Asks::Exists;
        self
    }

    /// For each link, in order, the positions of its columns in a result row. The table's own come before them.
    pub fn link_columns(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        let mut ranges = Vec::new();
        for item in &self.items {
            let end = start + self.width(item);
            if matches!(item, Item::Source(_, Some(_))) {
                ranges.push(start..end);
            }
            start = end;
        }
        ranges
    }

    fn width(&self, item: &Item<V>) -> usize {
        match item {
            Item::Expr(_) => 1,
            Item::Table(table) => table.columns().len(),
            Item::Source(index, _) => match self.sources.get(*index).map(|source| &source.relation)
            {
                Some(Relation::Table(table)) => table.columns().len(),
                Some(Relation::Derived(derived)) => derived.head().columns().len(),
                None => 0,
            },
        }
    }

    /// The names and types of the result's columns.
    pub fn columns(&self) -> Vec<(Option<Name>, ValueType)> {
        if let Some((_, first, _)) = &self.set {
            return first.columns();
        }
        let of_table = |table: &Table| {
            let columns = table.columns().iter();
            columns
                .map(|column| (Some(column.name.clone()), ValueType::of_column(column)))
                .collect::<Vec<_>>()
        };
        let of_derived = |derived: &Derived<V>| {
            let columns = derived.head().columns().iter();
            columns
                .map(|(name, ty)| (Some(name.clone()), *ty))
                .collect()
        };
        let of_item = |item: &Item<V>| match item {
            Item::Expr(expr) => vec![(expr.output_name().cloned(), expr.value_type())],
            Item::Table(table) => of_table(table),
            Item::Source(index, _) => match self.sources.get(*index).map(|source| &source.relation)
            {
                Some(Relation::Table(table)) => of_table(table),
                Some(Relation::Derived(derived)) => of_derived(derived),
                None => Vec::new(),
            },
        };
        self.items.iter().flat_map(of_item).collect()
    }

    pub(super) fn first_type(&self) -> ValueType {
        let first = self.columns().into_iter().next();
        first.map(|(_, ty)| ty).unwrap_or_default()
    }

    /// Renders it.
    ///
    /// # Errors
    /// A column of a table that the query does not read, a clause that a union cannot have, or something past the limits; a
    /// table whose rows belong to tenants, which takes [`Select::render_in`].
    pub fn render(&self) -> Result<Statement<'_, V>, Error> {
        self.rendered(None)
    }

    /// The same for a tenant, or a schema.
    ///
    /// # Errors
    /// See [`Select::render`].
    pub fn render_in<'a>(&'a self, scope: &'a Scope<V>) -> Result<Statement<'a, V>, Error> {
        self.rendered(Some(scope))
    }

    fn rendered<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Statement<'a, V>, Error> {
        let mut out = Renderer::new(scope);
        out.select(self)?;
        out.finish()
    }
}

/// Cloning shares the expressions and does not need `V: Clone`.
impl<V> Clone for Select<V> {
    fn clone(&self) -> Self {
        Self {
            asks: self.asks,
            distinct: match &self.distinct {
                Distinct::No => Distinct::No,
                Distinct::Rows => Distinct::Rows,
                Distinct::On(by) => Distinct::On(by.clone()),
            },
            items: self
                .items
                .iter()
                .map(|item| match item {
                    Item::Expr(expr) => Item::Expr(expr.clone()),
                    Item::Source(index, name) => Item::Source(*index, name.clone()),
                    Item::Table(table) => Item::Table(table.clone()),
                })
                .collect(),
            sources: self.sources.clone(),
            filter: self.filter.clone(),
            group: self.group.clone(),
            having: self.having.clone(),
            set: self.set.clone(),
            order: self.order.clone(),
            limit: self.limit.as_ref().map(|limit| match limit {
                Limit::One => Limit::One,
                Limit::Rows(rows) => Limit::Rows(rows.clone()),
            }),
            offset: self.offset.clone(),
            locks: self.locks.clone(),
            skips: self.skips,
            outer: self.outer.clone(),
            depth: self.depth,
        }
    }
}

/// Cloning shares the expression and does not need `V: Clone`.
impl<V> Clone for Order<V> {
    fn clone(&self) -> Self {
        Self {
            expr: self.expr.clone(),
            descending: self.descending,
            nulls: self.nulls,
        }
    }
}

fn narrowed<V>(earlier: Option<Expr<V>>, condition: Expr<V>) -> Expr<V> {
    match earlier {
        Some(earlier) => earlier & condition,
        None => condition,
    }
}

fn bigint<V>(value: impl IntoParam<V>) -> Expr<V> {
    Expr::param(value.into_param(), ValueType::of(Builtin::Int8))
}

/// `wanted`, or the first of `wanted_1`, `wanted_2`, ... that is free, shortened to what a name may be long.
pub(super) fn free_name(wanted: &str, taken: impl Fn(&str) -> bool) -> Option<Name> {
    const ROOM_FOR_NUMBER: usize = 6;
    if !taken(wanted)
        && let Ok(name) = Name::new(wanted)
    {
        return Some(name);
    }
    let stem = clip(wanted, MAX_BYTES - ROOM_FOR_NUMBER);
    (1..99_999)
        .map(|number| format!("{stem}_{number}"))
        .find(|name| !taken(name))
        .and_then(|name| Name::new(&name).ok())
}
