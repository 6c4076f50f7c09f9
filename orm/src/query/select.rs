//! SELECT: one table, the links fetched with it, a condition, an order, a window.

use std::ops::Range;

use data_bridge_driver::{Error, ident::MAX_BYTES};

use super::{
    Expr, IntoParam, Param, Statement,
    param::Typed,
    render::{Renderer, Source},
};
use crate::schema::{Builtin, ColumnRef, Name, PgType, Table, naming::clip};

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
/// let query = Select::<Param>::from(&posts).link(author).order_by(posts.column("id")?.desc()).limit(10_i64);
/// assert_eq!(
///     query.render()?.sql,
///     "SELECT \"posts\".\"id\", \"posts\".\"author_id\", \"author\".\"id\" AS \"author.id\" FROM \"posts\" \
///      LEFT JOIN \"users\" AS \"author\" ON \"author\".\"id\" = \"posts\".\"author_id\" \
///      ORDER BY \"posts\".\"id\" DESC LIMIT $1"
/// );
/// assert_eq!(query.link_columns(), [2..3]);
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Select<V = Param> {
    projection: Projection,
    /// The table itself, then one for each link.
    sources: Vec<Source>,
    links: Vec<Link>,
    filter: Option<Expr<V>>,
    order: Vec<Order>,
    limit: Option<Limit<V>>,
    offset: Option<Typed<V>>,
}

#[derive(Clone, Copy, Debug)]
enum Projection {
    Columns,
    Count,
    Exists,
}

#[derive(Clone, Debug)]
enum Limit<V> {
    /// In the text, so that a fetch of one row is a statement of its own and planned as such.
    One,
    Param(Typed<V>),
}

/// A way from one table to a row of another: its name, the column that refers and the column referred to.
#[derive(Clone, Debug)]
pub struct Link {
    name: Name,
    from: ColumnRef,
    to: ColumnRef,
}

impl Link {
    /// Names the way that leads from `from` to the row whose `to` has the same value.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn new(name: &str, from: ColumnRef, to: ColumnRef) -> Result<Self, Error> {
        Ok(Self {
            name: Name::new(name)?,
            from,
            to,
        })
    }

    /// The link's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The column referred to.
    pub fn to(&self) -> &ColumnRef {
        &self.to
    }
}

/// One column of an ORDER BY.
#[derive(Clone, Debug)]
pub struct Order {
    column: ColumnRef,
    descending: bool,
    nulls: Option<Nulls>,
}

/// Where an order puts NULL. PostgreSQL's own choice is last when ascending and first when descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Before everything else.
    First,
    /// After everything else.
    Last,
}

impl ColumnRef {
    /// Smallest first.
    pub fn asc(&self) -> Order {
        Order {
            column: self.clone(),
            descending: false,
            nulls: None,
        }
    }

    /// Greatest first.
    pub fn desc(&self) -> Order {
        Order {
            column: self.clone(),
            descending: true,
            nulls: None,
        }
    }
}

impl Order {
    /// Puts NULL first or last.
    #[must_use]
    pub fn nulls(mut self, nulls: Nulls) -> Self {
        self.nulls = Some(nulls);
        self
    }
}

impl<V> Select<V> {
    /// All columns of a table.
    pub fn from(table: &Table) -> Self {
        Self {
            projection: Projection::Columns,
            sources: vec![Source {
                table: table.clone(),
                alias: None,
            }],
            links: Vec::new(),
            filter: None,
            order: Vec::new(),
            limit: None,
            offset: None,
        }
    }

    /// Fetches the linked row too, by a LEFT JOIN: where there is none, its columns are NULL.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        let taken = |name: &str| {
            self.sources.iter().any(|source| match &source.alias {
                Some(alias) => alias.as_str() == name,
                None => source.table.name().name().as_str() == name,
            })
        };
        let alias = free_name(link.name.as_str(), taken);
        self.sources.push(Source {
            table: link.to.table.clone(),
            alias,
        });
        self.links.push(link);
        self
    }

    /// Keeps the rows for which the condition is true; a second one narrows the first.
    #[must_use]
    pub fn filter(mut self, condition: Expr<V>) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(earlier) => earlier & condition,
            None => condition,
        });
        self
    }

    /// Orders by a column; a second one decides among equals of the first.
    #[must_use]
    pub fn order_by(mut self, order: Order) -> Self {
        self.order.push(order);
        self
    }

    /// At most so many rows, as a `bigint` parameter.
    #[must_use]
    pub fn limit(mut self, rows: impl IntoParam<V>) -> Self {
        self.limit = Some(Limit::Param(bigint(rows)));
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

    /// Counts the rows instead of fetching them.
    #[must_use]
    pub fn count(mut self) -> Self {
        self.projection = Projection::Count;
        self
    }

    /// Asks whether there is a row instead of fetching it.
    #[must_use]
    pub fn exists(mut self) -> Self {
        self.projection = Projection::Exists;
        self
    }

    /// For each link, in order, the positions of its columns in a result row. The table's own come before them.
    pub fn link_columns(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        let mut ranges = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            let end = start + source.table.columns().len();
            ranges.push(start..end);
            start = end;
        }
        ranges.split_off(1)
    }

    /// Renders it.
    ///
    /// # Errors
    /// A column of a table that the query does not read, or a condition past the limits.
    pub fn render(&self) -> Result<Statement<'_, V>, Error> {
        let mut out = Renderer::new(&self.sources);
        match self.projection {
            Projection::Columns => {
                out.push("SELECT ");
                self.columns(&mut out);
                self.rows(&mut out)?;
            }
            Projection::Count if self.limit.is_none() && self.offset.is_none() => {
                out.push("SELECT count(*)");
                self.rows(&mut out)?;
            }
            Projection::Count => {
                out.push("SELECT count(*) FROM (SELECT");
                self.rows(&mut out)?;
                out.push(") AS counted");
            }
            Projection::Exists => {
                out.push("SELECT EXISTS (SELECT");
                self.rows(&mut out)?;
                out.push(")");
            }
        }
        out.finish()
    }

    /// The table's columns under their own names, those of links as `link.column`, numbered where that is taken.
    fn columns(&self, out: &mut Renderer<'_, V>) {
        let Some((table, linked)) = self.sources.split_first() else {
            return;
        };
        out.push(table.table.select_list());
        if linked.is_empty() {
            return;
        }
        let mut taken: Vec<String> = table
            .table
            .columns()
            .iter()
            .map(|column| column.name.as_str().to_owned())
            .collect();
        for (source, link) in linked.iter().zip(&self.links) {
            for (index, column) in source.table.columns().iter().enumerate() {
                out.push(", ");
                out.source_column(source, index);
                let wanted = format!("{}.{}", link.name, column.name);
                if let Some(label) = free_name(&wanted, |name| taken.iter().any(|t| t == name)) {
                    out.push(" AS ");
                    out.push(label.quoted());
                    taken.push(label.as_str().to_owned());
                }
            }
        }
    }

    fn rows<'a>(&'a self, out: &mut Renderer<'a, V>) -> Result<(), Error> {
        for (index, source) in self.sources.iter().enumerate() {
            out.push(if index == 0 { " FROM " } else { " LEFT JOIN " });
            out.push(source.table.name().quoted());
            if let Some(alias) = &source.alias {
                out.push(" AS ");
                out.push(alias.quoted());
            }
            if let Some(link) = index.checked_sub(1).and_then(|index| self.links.get(index)) {
                out.push(" ON ");
                out.source_column(source, link.to.index);
                out.push(" = ");
                out.column(&link.from)?;
            }
        }
        out.filter(self.filter.as_ref())?;
        for (index, order) in self.order.iter().enumerate() {
            out.push(if index == 0 { " ORDER BY " } else { ", " });
            out.column(&order.column)?;
            out.push(if order.descending { " DESC" } else { "" });
            out.push(match order.nulls {
                None => "",
                Some(Nulls::First) => " NULLS FIRST",
                Some(Nulls::Last) => " NULLS LAST",
            });
        }
        match &self.limit {
            None => {}
            Some(Limit::One) => out.push(" LIMIT 1"),
            Some(Limit::Param(rows)) => {
                out.push(" LIMIT ");
                out.param(rows);
            }
        }
        if let Some(rows) = &self.offset {
            out.push(" OFFSET ");
            out.param(rows);
        }
        Ok(())
    }
}

fn bigint<V>(value: impl IntoParam<V>) -> Typed<V> {
    Typed {
        value: value.into_param(),
        oid: PgType::from(Builtin::Int8).oid(),
    }
}

/// `wanted`, or the first of `wanted_1`, `wanted_2`, ... that is free, shortened to what a name may be long.
fn free_name(wanted: &str, taken: impl Fn(&str) -> bool) -> Option<Name> {
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
