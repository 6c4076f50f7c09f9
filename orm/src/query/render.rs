//! What every rendering shares: SQL text out in one pass, parameters numbered as they are met, names found in scope.

use std::{fmt::Write as _, ops::Range, sync::Arc};

use data_bridge_driver::{Error, wire::frontend::check_parameters};
use postgres_types::ToSql;

use super::{
    Expr, Param, Precedence, Relation, Same, Scope,
    derived::Head,
    param::Typed,
    scope::Skips,
    source::{Source, meant},
};
use crate::schema::{ColumnRef, Name, Oid};

/// How far back a parameter is looked for that stands in a statement several times.
const RECENT: usize = 16;

/// A rendered query: the text, and its parameters in order.
#[derive(Clone, Debug)]
pub struct Statement<'a, V> {
    /// The text, with `$1`, `$2`, ... for the parameters.
    pub sql: String,
    /// The parameters' values.
    pub params: Vec<&'a V>,
    /// The parameters' types; 0 where the server is to infer one.
    pub types: Vec<Oid>,
}

impl Statement<'_, Param> {
    /// The parameters' values as the driver takes them.
    pub fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params.iter().map(|param| param.as_sql()).collect()
    }
}

pub(super) struct Renderer<'a, V> {
    pub sql: String,
    pub params: Vec<&'a V>,
    types: Vec<Oid>,
    /// What the query at hand reads, behind what the queries around it read.
    pub scopes: Vec<&'a [Source<V>]>,
    /// The CTEs that the queries around this one have defined.
    pub defined: Vec<&'a Arc<Head>>,
    /// The parameters of the list of what is selected. Where one of them stands again in GROUP BY or ORDER BY, it is the
    /// same parameter: otherwise the server would take the two expressions for different ones.
    pub selected: Range<usize>,
    /// Whether what stands here may be one of what is selected by the values of its parameters too.
    pub by_value: bool,
    /// Where the statement runs.
    pub scope: Option<&'a Scope<V>>,
    /// The conditions of its tables that the query at hand does without.
    pub skips: Skips,
    pub depth: usize,
}

impl<'a, V> Renderer<'a, V> {
    pub fn new(scope: Option<&'a Scope<V>>) -> Self {
        let mut out = Self {
            sql: String::with_capacity(256),
            params: Vec::new(),
            types: Vec::new(),
            scopes: Vec::new(),
            defined: Vec::new(),
            selected: 0..0,
            by_value: false,
            scope,
            skips: Skips::default(),
            depth: 0,
        };
        out.skips = out.scope_skips();
        out
    }

    pub fn finish(self) -> Result<Statement<'a, V>, Error> {
        check_parameters(self.params.len())?;
        Ok(Statement {
            sql: self.sql,
            params: self.params,
            types: self.types,
        })
    }

    pub fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    pub fn param(&mut self, param: &'a Typed<V>) {
        self.equal_param(param, |one, other| std::ptr::eq(one, other));
    }

    /// A parameter, or the one that stands for it already: the same one of what is selected or a few places back, or in GROUP
    /// BY and ORDER BY one of what is selected that has an equal value.
    pub fn equal_param(&mut self, param: &'a Typed<V>, same: Same<V>) {
        let selected = self.selected.clone();
        let recent = self.params.len().saturating_sub(RECENT)..self.params.len();
        let again = |range: Range<usize>, is_same: &dyn Fn(&V) -> bool| {
            let mut places = range.filter(|at| self.types.get(*at) == Some(&param.oid));
            places.find(|at| self.params.get(*at).is_some_and(|known| is_same(known)))
        };
        let is_it = |known: &V| std::ptr::eq(known, &raw const param.value);
        let known = if self.by_value {
            again(selected, &|known| same(known, &param.value))
        } else {
            again(selected, &is_it)
        };
        // Of a parameter without a type the server infers one for each place.
        let known = known.or_else(|| again(recent, &is_it).filter(|_| param.oid != 0));
        let number = if let Some(known) = known {
            known + 1
        } else {
            self.params.push(&param.value);
            self.types.push(param.oid);
            self.params.len()
        };
        let _ = write!(self.sql, "${number}");
    }

    /// A value that the statement may need several times, as one parameter for each type.
    pub fn shared_param(&mut self, value: &'a V, oid: Oid) {
        let mut known = self.params.iter().zip(&self.types);
        let again = known.position(|(one, ty)| std::ptr::eq(*one, value) && *ty == oid);
        let number = if let Some(index) = again {
            index + 1
        } else {
            self.params.push(value);
            self.types.push(oid);
            self.params.len()
        };
        let _ = write!(self.sql, "${number}");
    }

    /// A column under the name that its table has in this query or in one around it. A table that appears twice is meant as
    /// the first.
    pub fn column(&mut self, column: &ColumnRef) -> Result<(), Error> {
        self.column_within(column, self.scopes.len())
    }

    /// A column of one of the queries around this one.
    pub fn outer_column(&mut self, column: &ColumnRef) -> Result<(), Error> {
        self.column_within(column, self.scopes.len().saturating_sub(1))
    }

    fn column_within(&mut self, column: &ColumnRef, scopes: usize) -> Result<(), Error> {
        match self.find(scopes, |scope| meant(scope, &column.table))? {
            Some(source) => {
                self.source_column(source, column.index);
                Ok(())
            }
            None => Err(self.missing(&column.to_string())),
        }
    }

    pub fn field(&mut self, head: &Head, index: usize) -> Result<(), Error> {
        let of = |scope: &'a [Source<V>]| scope.iter().find(|source| source.has_head(head));
        if let Some(source) = self.find(self.scopes.len(), of)? {
            self.source_column(source, index);
            return Ok(());
        }
        let name = head
            .column_name(index)
            .map(Name::as_str)
            .unwrap_or_default();
        Err(self.missing(&format!("{}.{name}", head.name())))
    }

    /// The source that is meant: the first one of the innermost of so many queries that has it.
    ///
    /// # Errors
    /// Another one has its name, there or further inside: the server would read that one, or neither.
    fn find(
        &self,
        scopes: usize,
        meant: impl Fn(&'a [Source<V>]) -> Option<&'a Source<V>>,
    ) -> Result<Option<&'a Source<V>>, Error> {
        for (depth, scope) in self.scopes.iter().enumerate().take(scopes).rev() {
            if let Some(source) = meant(scope) {
                self.check_name(source, depth)?;
                return Ok(Some(source));
            }
        }
        Ok(None)
    }

    pub fn check_name(&self, source: &Source<V>, depth: usize) -> Result<(), Error> {
        let name = source.known_as();
        let reach = self
            .scopes
            .iter()
            .skip(depth)
            .flat_map(|scope| scope.iter());
        if reach.filter(|other| other.known_as() == name).count() <= 1 {
            return Ok(());
        }
        Err(Error::interface(format!(
            "two sources of this query are called {name}; give one of them another name with alias()"
        )))
    }

    #[cold]
    pub fn missing(&self, column: &str) -> Error {
        let read: Vec<_> = self
            .scopes
            .last()
            .into_iter()
            .flat_map(|scope| scope.iter())
            .map(|source| match &source.relation {
                Relation::Table(table) if source.alias.is_none() && !table.is_alias() => {
                    table.name().to_string()
                }
                _ => source.known_as().to_string(),
            })
            .collect();
        let read = if read.is_empty() {
            "nothing".to_owned()
        } else {
            read.join(", ")
        };
        Error::interface(format!(
            "{column} is not part of this query, which reads {read}; join its table, or name the link to it in fetch_links"
        ))
    }

    pub fn source_column(&mut self, source: &Source<V>, index: usize) {
        let name = match &source.relation {
            Relation::Table(table) if source.alias.is_none() => {
                return self.push(table.qualified(index));
            }
            Relation::Table(table) => table.columns().get(index).map(|column| &column.name),
            Relation::Derived(derived) => derived.head().column_name(index),
        };
        self.push(source.known_as().quoted());
        self.push(".");
        self.push(name.map(Name::quoted).unwrap_or_default());
    }

    /// `WHERE`: the statement's own condition, and those that these of its sources always have.
    pub fn filter(
        &mut self,
        filter: Option<&'a Expr<V>>,
        sources: impl Iterator<Item = &'a Source<V>>,
    ) -> Result<(), Error> {
        let mut sources = sources.filter(|source| self.is_narrowed(source)).peekable();
        if sources.peek().is_none() {
            return self.clause(" WHERE ", filter);
        }
        let sources: Vec<_> = sources.collect();
        let mut word = " WHERE ";
        if let Some(filter) = filter {
            self.push(std::mem::replace(&mut word, " AND "));
            self.operand(filter, Precedence::And, true)?;
        }
        for source in sources {
            self.narrow(source, &mut word)?;
        }
        Ok(())
    }

    pub fn clause(&mut self, word: &str, condition: Option<&'a Expr<V>>) -> Result<(), Error> {
        match condition {
            None => Ok(()),
            Some(condition) => {
                self.push(word);
                self.expr(condition)
            }
        }
    }

    pub fn list(&mut self, parts: &'a [Expr<V>]) -> Result<(), Error> {
        for (index, part) in parts.iter().enumerate() {
            self.comma(index);
            self.expr(part)?;
        }
        Ok(())
    }

    pub fn comma(&mut self, index: usize) {
        self.push(if index == 0 { "" } else { ", " });
    }
}
