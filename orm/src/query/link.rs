//! Links in queries: tables that are reached from others over foreign keys, joined where they are named.

use data_bridge_driver::Error;

use super::{
    Expr, Join, Operator, Order, Relation, Select,
    expr::Node,
    render::Renderer,
    select::{Item, free_name},
    source::{On, Source},
};
use crate::schema::{ColumnRef, Name, Table};

/// A way from one table to a row of another, by a name.
#[derive(Clone, Debug)]
pub struct Link(Table);

impl Link {
    /// Names the way that leads from `from` to the row whose `to` has the same value.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn new(name: &str, from: ColumnRef, to: ColumnRef) -> Result<Self, Error> {
        let target = to.table.clone();
        Ok(Self(target.linked(name, [(from, to)], false)?))
    }

    /// The way to a table that [`Table::linked`] made; it has the table's name.
    pub fn to(linked: &Table) -> Self {
        Self(linked.clone())
    }

    /// The link's name.
    pub fn name(&self) -> &Name {
        self.0.known_as()
    }

    /// The table at the other end: its columns can be named in the query, and further links begin at them.
    pub fn table(&self) -> &Table {
        &self.0
    }
}

impl<V> Select<V> {
    /// Fetches the linked row too, by a LEFT JOIN: where there is none, its columns are NULL.
    #[must_use]
    pub fn link(mut self, link: &Link) -> Self {
        let at = self.reach(&link.0, Join::Left);
        self.items.push(Item::Source(at, Some(link.name().clone())));
        self
    }

    /// Joins the table at the other end of a link, and those on the way to it, under their own names where these are free. In
    /// conditions the table itself means it.
    #[must_use]
    pub fn join_link(mut self, join: Join, linked: &Table) -> Self {
        if let Some((from, _)) = linked.reach().and_then(|reach| reach.on.first())
            && from.table.reach().is_some()
            && !self
                .sources
                .iter()
                .any(|source| source.is_table(&from.table))
        {
            let parent = from.table.clone();
            self = self.join_link(join, &parent);
        }
        let at = self.reach(linked, join);
        let own = linked.name().name().as_str();
        let alias = if self.is_taken(own) {
            None
        } else {
            Name::new(own).ok()
        };
        if let Some(source) = self.sources.get_mut(at) {
            // It may be there already, because something has named a column of it.
            source.joined = Some((join, On::Link));
            source.alias = alias.or(source.alias.take());
        }
        self
    }

    /// Of the first table whose columns are all selected, selects only those at these positions.
    #[must_use]
    pub fn narrow(mut self, columns: &[usize]) -> Self {
        let whole = self
            .items
            .iter()
            .enumerate()
            .find_map(|(at, item)| match item {
                Item::Table(table) => Some((at, table.clone())),
                Item::Expr(_) | Item::Source(..) => None,
            });
        if let Some((at, table)) = whole {
            let columns = columns.iter().filter_map(|column| table.column_at(*column));
            let items: Vec<_> = columns.map(|column| Item::Expr(column.expr())).collect();
            self.items.splice(at..=at, items);
        }
        self
    }

    /// The same rows, of which it selects these expressions instead.
    #[must_use]
    pub fn selecting(mut self, items: impl IntoIterator<Item = Expr<V>>) -> Self {
        self.items.clear();
        items.into_iter().fold(self, Self::item)
    }

    /// The orders of its rows.
    pub fn order(&self) -> &[Order<V>] {
        &self.order
    }

    /// Joins what an expression names over links to one row.
    pub(super) fn reach_all(&mut self, expr: &Expr<V>) {
        let mut tables = Vec::new();
        expr.for_each_column(&mut |column| {
            if column.table.reach().is_some() {
                tables.push(column.table.clone());
            }
        });
        for table in tables {
            if !is_many(&table) {
                self.reach(&table, Join::Left);
            }
        }
    }

    /// The position of the source that is the other end of a link, joined if it is not there yet.
    fn reach(&mut self, table: &Table, join: Join) -> usize {
        let known = self
            .sources
            .iter()
            .position(|source| source.is_table(table));
        if let Some(known) = known {
            return known;
        }
        if let Some((from, _)) = table.reach().and_then(|reach| reach.on.first()) {
            let parent = from.table.clone();
            if parent.reach().is_some() {
                self.reach(&parent, join);
            } else if self.sources.is_empty() {
                self.sources.push(Source::table(&parent));
            }
        }
        let alias = free_name(table.known_as().as_str(), |name| self.is_taken(name));
        self.sources.push(Source {
            relation: Relation::Table(table.clone()),
            alias,
            joined: Some((join, On::Link)),
        });
        self.sources.len() - 1
    }

    fn is_taken(&self, name: &str) -> bool {
        self.sources
            .iter()
            .any(|source| source.known_as().as_str() == name)
    }
}

impl<V> Expr<V> {
    /// Whether there is a row at the other end of a link that begins at `base`, and for which the condition is true.
    ///
    /// ```
    /// use data_bridge_orm::{query::{Expr, Param, Select}, schema::{Builtin, Column, Table}};
    ///
    /// let users = Table::builder("users")?.column(Column::new("id", Builtin::Int8)?.primary_key()).build()?;
    /// let posts = Table::builder("posts")?
    ///     .column(Column::new("id", Builtin::Int8)?.primary_key())
    ///     .column(Column::new("author_id", Builtin::Int8)?)
    ///     .build()?;
    /// let own = posts.linked("posts", [(users.column("id")?, posts.column("author_id")?)], true)?;
    /// let writers = Select::<Param>::from(&users).filter(Expr::related(&users, &own, None));
    /// assert_eq!(
    ///     writers.render()?.sql,
    ///     "SELECT \"users\".\"id\" FROM \"users\" \
    ///      WHERE EXISTS (SELECT FROM \"posts\" WHERE \"posts\".\"author_id\" = \"users\".\"id\")"
    /// );
    /// # Ok::<(), data_bridge_driver::Error>(())
    /// ```
    pub fn related(base: &Table, linked: &Table, condition: Option<Self>) -> Self {
        let mut way = vec![linked];
        while let Some(parent) = way.last().and_then(|table| parent(table))
            && !parent.is(base)
        {
            way.push(parent);
        }
        let mut query = Select::empty();
        for (index, table) in way.into_iter().rev().enumerate() {
            query.sources.push(Source {
                relation: Relation::Table(table.clone()),
                alias: None,
                joined: (index > 0).then_some((Join::Inner, On::Link)),
            });
            let pairs = table.reach().filter(|_| index == 0);
            for (from, to) in pairs.into_iter().flat_map(|reach| &reach.on) {
                let outer = Self::new(Node::Outer(from.clone()), from.expr::<V>().value_type());
                let inner = ColumnRef {
                    table: table.clone(),
                    index: *to,
                };
                query.outer.push(from.expr());
                let same = Self::condition(Node::Binary(Operator::Eq, inner.expr(), outer));
                query = query.filter(same);
            }
        }
        match condition {
            Some(condition) => Self::exists(query.filter(condition)),
            None => Self::exists(query),
        }
    }

    /// The columns that it names, and of those of subqueries the ones that lie outside of them.
    fn for_each_column(&self, visit: &mut dyn FnMut(&ColumnRef)) {
        match &self.0.node {
            Node::Column(column) => visit(column),
            Node::Exists(query) | Node::Scalar(query) | Node::InQuery(_, query, _) => {
                for outer in &query.outer {
                    outer.for_each_column(visit);
                }
            }
            _ => {}
        }
        self.0
            .node
            .for_each_part(&mut |part| part.for_each_column(visit));
    }
}

impl<'a, V> Renderer<'a, V> {
    /// The condition that joins a source which is the other end of a link.
    pub fn link(&mut self, source: &'a Source<V>) -> Result<(), Error> {
        let Relation::Table(table) = &source.relation else {
            return Ok(());
        };
        for (index, (from, to)) in table
            .reach()
            .into_iter()
            .flat_map(|reach| &reach.on)
            .enumerate()
        {
            self.push(if index == 0 { "" } else { " AND " });
            self.source_column(source, *to);
            self.push(" = ");
            self.column(from)?;
        }
        Ok(())
    }
}

/// Where the link that leads to this table begins.
fn parent(table: &Table) -> Option<&Table> {
    let (from, _) = table.reach()?.on.first()?;
    Some(&from.table)
}

/// Whether there may be several rows anywhere on the way.
fn is_many(table: &Table) -> bool {
    let mut at = Some(table);
    while let Some(table) = at {
        if table.reach().is_some_and(|reach| reach.many) {
            return true;
        }
        at = parent(table);
    }
    false
}
