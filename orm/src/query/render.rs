//! One pass over a query: SQL text out, parameters numbered as they are met.

use std::fmt::Write as _;

use data_bridge_driver::Error;
use postgres_types::ToSql;

use super::{Expr, MAX_DEPTH, Operator, Param, Precedence, expr::Node, param::Typed};
use crate::schema::{ColumnRef, Name, Oid, Table};

/// The most parameters of one statement (a 16-bit count in Bind).
const MAX_PARAMS: usize = 65_535;

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

/// A table in a query, and the name that it goes by there.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub table: Table,
    /// `None`: by its own.
    pub alias: Option<Name>,
}

pub(super) struct Renderer<'a, V> {
    pub sql: String,
    params: Vec<&'a V>,
    types: Vec<Oid>,
    sources: &'a [Source],
    depth: usize,
}

impl<'a, V> Renderer<'a, V> {
    pub fn new(sources: &'a [Source]) -> Self {
        Self {
            sql: String::with_capacity(256),
            params: Vec::new(),
            types: Vec::new(),
            sources,
            depth: 0,
        }
    }

    pub fn finish(self) -> Result<Statement<'a, V>, Error> {
        if self.params.len() > MAX_PARAMS {
            return Err(Error::interface(format!(
                "the query has {} parameters and PostgreSQL takes {MAX_PARAMS}; pass a list with in_ instead of many conditions",
                self.params.len()
            )));
        }
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
        self.params.push(&param.value);
        self.types.push(param.oid);
        let _ = write!(self.sql, "${}", self.params.len());
    }

    /// A column under the name that its table has in this query. A table that appears twice is meant as the first.
    pub fn column(&mut self, column: &ColumnRef) -> Result<(), Error> {
        match self
            .sources
            .iter()
            .find(|source| source.table.is(&column.table))
        {
            Some(source) => {
                self.source_column(source, column.index);
                Ok(())
            }
            None => Err(Error::interface(format!(
                "{column} is not part of this query, which reads {}; add the link to its table to fetch_links",
                self.sources
                    .iter()
                    .map(|source| source.table.name().to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    pub fn source_column(&mut self, source: &Source, index: usize) {
        match &source.alias {
            None => self.push(source.table.qualified(index)),
            Some(alias) => {
                self.push(alias.quoted());
                self.push(".");
                self.push(
                    source
                        .table
                        .columns()
                        .get(index)
                        .map(|column| column.name.quoted())
                        .unwrap_or_default(),
                );
            }
        }
    }

    pub fn filter(&mut self, filter: Option<&'a Expr<V>>) -> Result<(), Error> {
        match filter {
            None => Ok(()),
            Some(filter) => {
                self.push(" WHERE ");
                self.expr(filter)
            }
        }
    }

    pub fn expr(&mut self, expr: &'a Expr<V>) -> Result<(), Error> {
        if self.depth == 0 && expr.depth() > MAX_DEPTH {
            return Err(Error::interface(format!(
                "the condition nests {} deep and at most {MAX_DEPTH} are taken; combine with all, any or in_",
                expr.depth()
            )));
        }
        self.depth += 1;
        let done = match &expr.0.node {
            Node::Column(column) => self.column(column),
            Node::Param(param) => {
                self.param(param);
                Ok(())
            }
            Node::Binary(operator, left, right) => self.binary(*operator, left, right),
            Node::Chain(operator, parts) => self.chain(*operator, parts),
            Node::Not(operand) => {
                self.push("NOT ");
                self.operand(operand, Precedence::Not, true)
            }
            Node::IsNull(operand) => self.postfix(operand, " IS NULL"),
            Node::IsNotNull(operand) => self.postfix(operand, " IS NOT NULL"),
            Node::Between(operand, low, high) => {
                self.operand(operand, Precedence::Match, false)?;
                self.push(" BETWEEN ");
                self.operand(low, Precedence::Match, false)?;
                self.push(" AND ");
                self.operand(high, Precedence::Match, false)
            }
            Node::In(operand, list) => self.listed(operand, " = ANY(", list),
            Node::NotIn(operand, list) => self.listed(operand, " <> ALL(", list),
        };
        self.depth -= 1;
        done
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: &'a Expr<V>,
        right: &'a Expr<V>,
    ) -> Result<(), Error> {
        // Comparisons and matches do not chain in PostgreSQL, so an equal precedence needs brackets on both sides.
        self.operand(left, operator.precedence(), false)?;
        self.push(operator.sql());
        self.operand(right, operator.precedence(), false)
    }

    fn chain(&mut self, operator: Operator, parts: &'a [Expr<V>]) -> Result<(), Error> {
        if parts.is_empty() {
            self.push(if operator == Operator::And {
                "TRUE"
            } else {
                "FALSE"
            });
        }
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.push(operator.sql());
            }
            self.operand(part, operator.precedence(), true)?;
        }
        Ok(())
    }

    fn postfix(&mut self, operand: &'a Expr<V>, sql: &str) -> Result<(), Error> {
        self.operand(operand, Precedence::Is, false)?;
        self.push(sql);
        Ok(())
    }

    fn listed(&mut self, operand: &'a Expr<V>, sql: &str, list: &'a Expr<V>) -> Result<(), Error> {
        self.operand(operand, Precedence::Comparison, false)?;
        self.push(sql);
        self.expr(list)?;
        self.push(")");
        Ok(())
    }

    /// An operand, in brackets where it binds more loosely than its operator, or, unless they associate, as loosely.
    fn operand(
        &mut self,
        operand: &'a Expr<V>,
        around: Precedence,
        associates: bool,
    ) -> Result<(), Error> {
        let own = operand.precedence();
        let bare = own > around || (associates && own == around);
        if !bare {
            self.push("(");
        }
        self.expr(operand)?;
        if !bare {
            self.push(")");
        }
        Ok(())
    }
}

impl<V> Expr<V> {
    fn precedence(&self) -> Precedence {
        match &self.0.node {
            Node::Column(_) | Node::Param(_) => Precedence::Atom,
            Node::Binary(operator, ..) => operator.precedence(),
            // One part alone is rendered as itself, none as a constant.
            Node::Chain(operator, parts) => match parts.as_slice() {
                [] => Precedence::Atom,
                [part] => part.precedence(),
                _ => operator.precedence(),
            },
            Node::Not(_) => Precedence::Not,
            Node::IsNull(_) | Node::IsNotNull(_) => Precedence::Is,
            Node::Between(..) => Precedence::Match,
            Node::In(..) | Node::NotIn(..) => Precedence::Comparison,
        }
    }
}
