//! A query to SQL: its clauses, the sources it reads, the queries within it.

use std::{fmt::Write as _, sync::Arc};

use data_bridge_driver::Error;

use super::{
    Derived, Expr, Join, MAX_DEPTH, Order, Precedence, Relation, Select, SetOperator, Wait,
    derived::{Body, Head},
    render::Renderer,
    select::{Asks, Distinct, Item, Limit, Lock, Nulls, free_name},
    source::{On, Source, meant},
};
use crate::schema::{Name, Table};

impl<'a, V> Renderer<'a, V> {
    /// A whole query, with the CTEs that it is the first to read.
    pub fn select(&mut self, select: &'a Select<V>) -> Result<(), Error> {
        if select.depth() > MAX_DEPTH {
            return Err(Error::interface(format!(
                "the condition nests {} deep and at most {MAX_DEPTH} are taken; combine with all, any or in_",
                select.depth() - 1
            )));
        }
        let known = self.defined.len();
        self.ctes(select)?;
        match select.asks {
            Asks::Rows => self.body(select, true)?,
            Asks::Count if select.is_countable() => {
                self.push("SELECT count(*)");
                self.core(select, false)?;
            }
            Asks::Count => {
                self.push("SELECT count(*) FROM (");
                self.body(select, select.has_own_rows())?;
                self.push(") AS counted");
            }
            Asks::Exists => {
                self.push("SELECT EXISTS (");
                self.body(select, select.has_own_rows())?;
                self.push(")");
            }
        }
        self.defined.truncate(known);
        Ok(())
    }

    /// In brackets, as an operand of another query.
    pub fn subquery(&mut self, select: &'a Select<V>) -> Result<(), Error> {
        let selected = std::mem::replace(&mut self.selected, 0..0);
        let (around, own) = (self.skips, self.scope_skips());
        self.skips = own;
        self.push("(");
        self.select(select)?;
        self.push(")");
        self.skips = around;
        self.selected = selected;
        Ok(())
    }

    /// `EXISTS (...)`, where what is selected does not matter.
    pub fn exists(&mut self, select: &'a Select<V>) -> Result<(), Error> {
        let selected = std::mem::replace(&mut self.selected, 0..0);
        let (around, own) = (self.skips, self.scope_skips());
        self.skips = own;
        let known = self.defined.len();
        self.push("EXISTS (");
        self.ctes(select)?;
        self.body(select, select.has_own_rows())?;
        self.push(")");
        self.defined.truncate(known);
        self.skips = around;
        self.selected = selected;
        Ok(())
    }

    /// `WITH`: what this query reads and none around it has defined, each behind those that it reads itself.
    fn ctes(&mut self, select: &'a Select<V>) -> Result<(), Error> {
        let mut wanted = Vec::new();
        select.collect_ctes(&mut wanted);
        self.define(wanted)
    }

    /// The same for what a write reads.
    pub fn ctes_of(&mut self, sources: &'a [Source<V>]) -> Result<(), Error> {
        let mut wanted = Vec::new();
        collect_ctes(sources, &mut wanted);
        self.define(wanted)
    }

    fn define(&mut self, mut wanted: Vec<Definition<'a, V>>) -> Result<(), Error> {
        wanted.retain(|(head, ..)| !self.defined.iter().any(|known| Arc::ptr_eq(known, head)));
        if wanted.is_empty() {
            return Ok(());
        }
        self.defined.extend(wanted.iter().map(|(head, ..)| *head));
        self.push("WITH ");
        if wanted.iter().any(|(_, _, recursive)| *recursive) {
            self.push("RECURSIVE ");
        }
        for (index, (head, query, _)) in wanted.into_iter().enumerate() {
            self.comma(index);
            self.push(head.name().quoted());
            self.push(" ");
            self.column_names(head);
            self.push(" AS ");
            // A CTE does not see what the query reads that it stands in.
            let scopes = std::mem::take(&mut self.scopes);
            self.subquery(query)?;
            self.scopes = scopes;
        }
        self.push(" ");
        Ok(())
    }

    fn column_names(&mut self, head: &Head) {
        self.push("(");
        for (index, (name, _)) in head.columns().iter().enumerate() {
            self.comma(index);
            self.push(name.quoted());
        }
        self.push(")");
    }

    /// The query from SELECT on; without `items` it selects nothing, where only the number of its rows matters.
    fn body(&mut self, select: &'a Select<V>, items: bool) -> Result<(), Error> {
        let Some((operator, first, second)) = &select.set else {
            self.push("SELECT");
            return self.core(select, items);
        };
        if select.has_own_clauses() {
            return Err(Error::interface(
                "a union, intersection or difference has an order and a limit only; filter and join the queries that it is made of, or read from it as a subquery",
            ));
        }
        let around = self.skips;
        self.skips = around | select.skips;
        self.set_operand(*operator, first, true)?;
        self.push(operator.sql());
        self.set_operand(*operator, second, false)?;
        self.skips = around;
        for (index, order) in select.order.iter().enumerate() {
            self.push(if index == 0 { " ORDER BY " } else { ", " });
            // Only the columns of the result can be named here, and the number of one always means it.
            let place = first.place_of(&order.expr).ok_or_else(|| {
                Error::interface("a union, intersection or difference is ordered by expressions of its first query's list")
            })?;
            let _ = write!(self.sql, "{place}");
            self.direction(order);
        }
        self.window(select);
        Ok(())
    }

    /// One side of a union. `INTERSECT` binds tighter than the others, which group from the left.
    fn set_operand(
        &mut self,
        around: SetOperator,
        side: &'a Select<V>,
        is_left: bool,
    ) -> Result<(), Error> {
        let ends_early = !side.order.is_empty()
            || side.limit.is_some()
            || side.offset.is_some()
            || !side.locks.is_empty();
        let bare = !ends_early
            && side.asks == Asks::Rows
            && match &side.set {
                None => true,
                Some((operator, ..)) => {
                    (is_left && operator.is_tight() == around.is_tight())
                        || (operator.is_tight() && !around.is_tight())
                }
            };
        let selected = std::mem::replace(&mut self.selected, 0..0);
        if bare {
            self.body(side, true)?;
        } else {
            self.push("(");
            self.select(side)?;
            self.push(")");
        }
        self.selected = selected;
        Ok(())
    }

    /// What stands behind the word SELECT.
    fn core(&mut self, select: &'a Select<V>, items: bool) -> Result<(), Error> {
        self.scopes.push(&select.sources);
        let outer = (self.selected.clone(), self.by_value);
        self.by_value = false;
        let around = self.skips;
        self.skips = around | select.skips;
        let start = self.params.len();
        if items {
            match &select.distinct {
                Distinct::No => {}
                Distinct::Rows => self.push(" DISTINCT"),
                Distinct::On(by) => {
                    self.push(" DISTINCT ON (");
                    self.list(by)?;
                    self.push(")");
                    self.selected = start..self.params.len();
                    self.by_value = true;
                }
            }
            self.items(select)?;
        }
        self.by_value = false;
        self.selected = start..self.params.len();
        // Where a join keeps rows of its right side, a condition behind it would drop what it keeps.
        let apart = select
            .sources
            .iter()
            .any(|source| source.join().is_some_and(Join::keeps_right));
        self.sources(&select.sources, apart)?;
        let narrowed = select
            .sources
            .iter()
            .enumerate()
            .filter(|(index, source)| !apart && (*index == 0 || source.joined.is_none()));
        self.filter(select.filter.as_ref(), narrowed.map(|(_, source)| source))?;
        self.by_value = true;
        for (index, by) in select.group.iter().enumerate() {
            self.push(if index == 0 { " GROUP BY " } else { ", " });
            self.expr(by)?;
        }
        self.clause(" HAVING ", select.having.as_ref())?;
        // Where rows are only counted, their order matters for which of them a limit keeps.
        if (items || select.has_window()) && !select.order.is_empty() {
            self.push(" ");
            self.order(&select.order)?;
        }
        (self.selected, self.by_value) = outer;
        self.window(select);
        if items {
            for lock in &select.locks {
                self.lock(select, lock)?;
            }
        }
        self.skips = around;
        self.scopes.pop();
        Ok(())
    }

    /// The first source's columns under their own names, those of links as `link.column`, numbered where that is taken.
    fn items(&mut self, select: &'a Select<V>) -> Result<(), Error> {
        let mut taken: Vec<String> = Vec::new();
        for (index, item) in select.items.iter().enumerate() {
            self.push(if index == 0 { " " } else { ", " });
            match item {
                Item::Expr(expr) => self.selected_expr(expr)?,
                Item::Table(table) => self.all_of(&select.sources, table)?,
                Item::Source(at, link) => {
                    let Some(source) = select.sources.get(*at) else {
                        continue;
                    };
                    match (link, &source.relation) {
                        (Some(link), Relation::Table(table)) => {
                            self.linked(source, table, link, &mut taken);
                        }
                        (None, Relation::Table(table)) => {
                            self.push(table.select_list());
                            if select.items.len() > 1 {
                                taken.extend(
                                    table
                                        .columns()
                                        .iter()
                                        .map(|column| column.name.as_str().to_owned()),
                                );
                            }
                        }
                        (_, Relation::Derived(_)) => {}
                    }
                }
            }
        }
        Ok(())
    }

    fn linked(&mut self, source: &Source<V>, table: &Table, link: &Name, taken: &mut Vec<String>) {
        for (index, column) in table.columns().iter().enumerate() {
            self.comma(index);
            self.source_column(source, index);
            let wanted = format!("{link}.{}", column.name);
            if let Some(label) = free_name(&wanted, |name| taken.iter().any(|t| t == name)) {
                self.push(" AS ");
                self.push(label.quoted());
                taken.push(label.as_str().to_owned());
            }
        }
    }

    pub fn all_of(&mut self, sources: &[Source<V>], table: &Table) -> Result<(), Error> {
        match meant(sources, table) {
            None => Err(self.missing(&format!("{}.*", table.known_as()))),
            Some(source) if source.alias.is_none() => {
                self.check_name(source, self.scopes.len().saturating_sub(1))?;
                self.push(table.select_list());
                Ok(())
            }
            Some(source) => {
                for index in 0..table.columns().len() {
                    self.comma(index);
                    self.source_column(source, index);
                }
                Ok(())
            }
        }
    }

    /// Each narrowed table is narrowed beside its join, or `apart` from it.
    fn sources(&mut self, sources: &'a [Source<V>], apart: bool) -> Result<(), Error> {
        for (index, source) in sources.iter().enumerate() {
            self.push(match (&source.joined, index) {
                (_, 0) => " FROM ",
                (None, _) => " CROSS JOIN ",
                (Some((join, _)), _) => join.sql(),
            });
            let narrowed = self.is_narrowed(source);
            self.relation(source, narrowed && apart)?;
            if let Some((_, on)) = &source.joined {
                let narrowed = narrowed && !apart && index > 0;
                self.push(" ON ");
                match on {
                    On::Condition(condition) if narrowed => {
                        self.operand(condition, Precedence::And, true)?;
                    }
                    On::Condition(condition) => self.expr(condition)?,
                    On::Link => self.link(source)?,
                }
                if narrowed {
                    self.narrow(source, &mut " AND ")?;
                }
            }
        }
        Ok(())
    }

    pub fn relation(&mut self, source: &'a Source<V>, narrowed: bool) -> Result<(), Error> {
        let own_name = match &source.relation {
            Relation::Table(table) if narrowed => {
                self.narrowed_query(source, table)?;
                false
            }
            Relation::Table(table) => {
                self.table_name(table);
                source.known_as() == table.name().name()
            }
            Relation::Derived(derived) if derived.is_cte() => {
                self.check_defined(derived)?;
                self.push(derived.name().quoted());
                source.alias.is_none()
            }
            Relation::Derived(derived) => {
                self.derived(derived)?;
                self.push(" AS ");
                self.push(source.known_as().quoted());
                self.push(" ");
                self.column_names(derived.head());
                return Ok(());
            }
        };
        if !own_name {
            self.push(" AS ");
            self.push(source.known_as().quoted());
        }
        Ok(())
    }

    /// The rows themselves, in front of their name.
    fn derived(&mut self, derived: &'a Derived<V>) -> Result<(), Error> {
        match &derived.body {
            Body::Subquery(query) => self.subquery(query),
            Body::Lateral(query) => {
                self.push("LATERAL ");
                self.subquery(query)
            }
            Body::Values(columns) => {
                self.push("unnest(");
                for (index, (ty, values)) in columns.iter().enumerate() {
                    self.comma(index);
                    self.expr(values)?;
                    // One call of unnest must know what it unnests, whatever the statement declares.
                    let _ = write!(self.sql, "::{ty}[]");
                }
                self.push(")");
                Ok(())
            }
            Body::Call(function, ordinality) => {
                self.expr(function)?;
                self.push(if *ordinality { " WITH ORDINALITY" } else { "" });
                Ok(())
            }
            // Read by their name, after `WITH`.
            Body::Cte(_) | Body::RecursiveCte(_) | Body::Seed(_) => Ok(()),
        }
    }

    fn check_defined(&self, derived: &Derived<V>) -> Result<(), Error> {
        let is_known = |head: &&Arc<Head>| Arc::ptr_eq(head, derived.head());
        if self.defined.iter().any(is_known) {
            return Ok(());
        }
        Err(Error::interface(format!(
            "the recursive query {} has no step yet; make it whole by union_all(query) or union(query) and read from what that gives",
            derived.name()
        )))
    }

    pub fn order(&mut self, order: &'a [Order<V>]) -> Result<(), Error> {
        for (index, order) in order.iter().enumerate() {
            self.push(if index == 0 { "ORDER BY " } else { ", " });
            self.expr(&order.expr)?;
            self.direction(order);
        }
        Ok(())
    }

    fn direction(&mut self, order: &Order<V>) {
        self.push(if order.descending { " DESC" } else { "" });
        self.push(match order.nulls {
            None => "",
            Some(Nulls::First) => " NULLS FIRST",
            Some(Nulls::Last) => " NULLS LAST",
        });
    }

    fn window(&mut self, select: &'a Select<V>) {
        match &select.limit {
            None => {}
            Some(Limit::One) => self.push(" LIMIT 1"),
            Some(Limit::Rows(rows)) => {
                self.push(" LIMIT ");
                self.bare_param(rows);
            }
        }
        if let Some(rows) = &select.offset {
            self.push(" OFFSET ");
            self.bare_param(rows);
        }
    }

    fn lock(&mut self, select: &Select<V>, lock: &Lock) -> Result<(), Error> {
        self.push(lock.strength.sql());
        for (index, table) in lock.of.iter().enumerate() {
            self.push(if index == 0 { " OF " } else { ", " });
            let Some(source) = meant(&select.sources, table) else {
                return Err(self.missing(&format!("{}.*", table.known_as())));
            };
            self.push(source.known_as().quoted());
        }
        self.push(match lock.wait {
            Wait::Wait => "",
            Wait::NoWait => " NOWAIT",
            Wait::SkipLocked => " SKIP LOCKED",
        });
        Ok(())
    }
}

impl<V> Select<V> {
    /// Whether the number of its rows is that of what it reads.
    fn is_countable(&self) -> bool {
        !self.has_window() && !self.has_own_rows()
    }

    fn has_window(&self) -> bool {
        self.limit.is_some() || self.offset.is_some()
    }

    /// Whether its list of what is selected decides how many rows there are.
    fn has_own_rows(&self) -> bool {
        self.set.is_some()
            || !matches!(self.distinct, Distinct::No)
            || !self.group.is_empty()
            || self.having.is_some()
            || self.is_aggregate()
    }

    /// Whether it makes one row of all: it selects aggregates without a GROUP BY. Nothing but expressions can.
    fn is_aggregate(&self) -> bool {
        self.items
            .iter()
            .any(|item| matches!(item, Item::Expr(expr) if expr.has_call()))
    }

    fn has_own_clauses(&self) -> bool {
        !self.items.is_empty()
            || !self.sources.is_empty()
            || self.filter.is_some()
            || !self.group.is_empty()
            || self.having.is_some()
            || !self.locks.is_empty()
            || !matches!(self.distinct, Distinct::No)
    }

    /// The CTEs that it reads, each behind those that it reads itself: head, query, whether it is recursive.
    fn collect_ctes<'a>(&'a self, out: &mut Vec<Definition<'a, V>>) {
        collect_ctes(&self.sources, out);
        if let Some((_, first, second)) = &self.set {
            first.collect_ctes(out);
            second.collect_ctes(out);
        }
    }

    /// The number, from 1, of the result column that an expression of this query's list becomes.
    fn place_of(&self, wanted: &Expr<V>) -> Option<usize> {
        if let Some((_, first, _)) = &self.set {
            return first.place_of(wanted);
        }
        let mut place = 1;
        for item in &self.items {
            match item {
                Item::Expr(expr) if expr.is(wanted) => return Some(place),
                Item::Expr(_) => place += 1,
                Item::Table(table) => match wanted.place_in(table) {
                    Some(index) => return Some(place + index),
                    None => place += table.columns().len(),
                },
                Item::Source(at, _) => match self.sources.get(*at).map(|source| &source.relation) {
                    Some(Relation::Table(table)) => match wanted.place_in(table) {
                        Some(index) => return Some(place + index),
                        None => place += table.columns().len(),
                    },
                    Some(Relation::Derived(derived)) => place += derived.head().columns().len(),
                    None => {}
                },
            }
        }
        None
    }
}

/// A CTE: its head, its query, and whether it is recursive.
type Definition<'a, V> = (&'a Arc<Head>, &'a Select<V>, bool);

fn collect_ctes<'a, V>(sources: &'a [Source<V>], out: &mut Vec<Definition<'a, V>>) {
    for source in sources {
        let Relation::Derived(derived) = &source.relation else {
            continue;
        };
        if let Body::Subquery(query) | Body::Lateral(query) = &derived.body {
            query.collect_ctes(out);
        }
        if let Some((query, recursive)) = derived.definition()
            && !out
                .iter()
                .any(|(head, ..)| Arc::ptr_eq(head, derived.head()))
        {
            query.collect_ctes(out);
            out.push((derived.head(), query, recursive));
        }
    }
}
