//! Expressions to SQL, with no more brackets than the operators' precedences need.

use std::sync::Arc;

use data_bridge_driver::Error;

use super::{
    Expr, Function, MAX_DEPTH, Operator, Precedence, expr::Node, render::Renderer, text::Piece,
};
use crate::schema::{Builtin, Table};

impl<'a, V> Renderer<'a, V> {
    pub fn expr(&mut self, expr: &'a Expr<V>) -> Result<(), Error> {
        if self.depth == 0 && expr.depth() > MAX_DEPTH {
            return Err(Error::interface(format!(
                "the condition nests {} deep and at most {MAX_DEPTH} are taken; combine with all, any or in_",
                expr.depth()
            )));
        }
        self.depth += 1;
        let done = self.node(&expr.0.node);
        self.depth -= 1;
        done
    }

    fn node(&mut self, node: &'a Node<V>) -> Result<(), Error> {
        match node {
            Node::Column(column) => self.column(column),
            Node::Outer(column) => self.outer_column(column),
            Node::Field(head, index) => self.field(head, *index),
            Node::Param(param) => {
                self.param(param);
                Ok(())
            }
            Node::Word(word) => {
                self.push(word);
                Ok(())
            }
            Node::Text(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Sql(sql) => self.push(sql),
                        Piece::Bind(value) => self.param(value),
                    }
                }
                Ok(())
            }
            Node::Binary(operator, left, right) => {
                let around = operator.precedence();
                self.operand(left, around, Expr::<V>::associates(*operator, true))?;
                self.push(operator.sql());
                self.operand(right, around, Expr::<V>::associates(*operator, false))
            }
            Node::Chain(operator, parts) => self.chain(*operator, parts),
            Node::Not(operand) => {
                self.push("NOT ");
                self.operand(operand, Precedence::Not, true)
            }
            Node::Negative(operand) => {
                self.push("-");
                self.operand(operand, Precedence::Sign, false)
            }
            Node::Is(operand, test) => {
                self.operand(operand, Precedence::Is, false)?;
                self.push(test);
                Ok(())
            }
            Node::Between(operand, low, high) => {
                self.operand(operand, Precedence::Match, false)?;
                self.push(" BETWEEN ");
                self.operand(low, Precedence::Match, false)?;
                self.push(" AND ");
                self.operand(high, Precedence::Match, false)
            }
            Node::In(operand, list) => self.listed(operand, " = ANY(", list),
            Node::NotIn(operand, list) => self.listed(operand, " <> ALL(", list),
            Node::RowIn(parts, columns, negated) => self.row_in(parts, columns, *negated),
            Node::InQuery(operand, query, negated) => {
                self.operand(operand, Precedence::Match, false)?;
                self.push(if *negated { " NOT IN " } else { " IN " });
                self.subquery(query)
            }
            Node::Exists(query) => self.exists(query),
            Node::Scalar(query) => self.subquery(query),
            Node::Row(parts) => {
                self.push("ROW(");
                self.list(parts)?;
                self.push(")");
                Ok(())
            }
            Node::Function(function) => self.function(function),
            Node::Case(branches, otherwise) => {
                self.push("CASE");
                for (condition, value) in branches {
                    self.push(" WHEN ");
                    self.expr(condition)?;
                    self.push(" THEN ");
                    self.expr(value)?;
                }
                if let Some(otherwise) = otherwise {
                    self.push(" ELSE ");
                    self.expr(otherwise)?;
                }
                self.push(" END");
                Ok(())
            }
            Node::Cast(operand, ty) => {
                self.push("CAST(");
                self.expr(operand)?;
                self.push(" AS ");
                self.push(&ty.to_string());
                self.push(")");
                Ok(())
            }
            // Only the list of what is selected gives names; elsewhere the expression itself is meant.
            Node::Label(operand, _) => self.expr(operand),
        }
    }

    /// An expression of the list of what is selected, with its name.
    pub fn selected_expr(&mut self, expr: &'a Expr<V>) -> Result<(), Error> {
        self.expr(expr)?;
        if let Node::Label(_, name) = &expr.0.node {
            self.push(" AS ");
            self.push(name.quoted());
        }
        Ok(())
    }

    /// An expression that is a parameter and nothing else.
    pub fn bare_param(&mut self, expr: &'a Expr<V>) {
        if let Node::Param(param) = &expr.0.node {
            self.param(param);
        }
    }

    fn chain(&mut self, operator: Operator, parts: &'a [Expr<V>]) -> Result<(), Error> {
        if parts.is_empty() {
            self.push(if operator == Operator::And {
                "TRUE"
            } else {
                "FALSE"
            });
        }
        if let [part] = parts {
            return self.expr(part);
        }
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.push(operator.sql());
            }
            self.operand(part, operator.precedence(), true)?;
        }
        Ok(())
    }

    fn listed(&mut self, operand: &'a Expr<V>, sql: &str, list: &'a Expr<V>) -> Result<(), Error> {
        self.operand(operand, Precedence::Comparison, false)?;
        self.push(sql);
        self.expr(list)?;
        self.push(")");
        Ok(())
    }

    fn row_in(
        &mut self,
        parts: &'a [Expr<V>],
        columns: &'a [Expr<V>],
        negated: bool,
    ) -> Result<(), Error> {
        self.push("(");
        self.list(parts)?;
        self.push(if negated { ") NOT IN " } else { ") IN " });
        self.push("(SELECT * FROM unnest(");
        for (index, column) in columns.iter().enumerate() {
            let element = match column.value_type().builtin() {
                // `char` alone would be `char(1)`.
                Some(Builtin::Bpchar) => "bpchar",
                Some(builtin) => builtin.sql(),
                None => {
                    return Err(Error::interface(format!(
                        "part {} of the row has a type that only the server knows; cast it to compare it with a list of rows",
                        index + 1
                    )));
                }
            };
            self.comma(index);
            self.expr(column)?;
            // One call of unnest must know what it unnests, whatever the statement declares.
            self.push("::");
            self.push(element);
            self.push("[]");
        }
        self.push("))");
        Ok(())
    }

    fn function(&mut self, function: &'a Function<V>) -> Result<(), Error> {
        self.push(&function.name);
        self.push("(");
        self.push(if function.distinct { "DISTINCT " } else { "" });
        if function.args.is_empty() && &*function.name == "count" {
            self.push("*");
        }
        self.list(&function.args)?;
        if !function.order.is_empty() {
            self.push(" ");
            self.order(&function.order)?;
        }
        self.push(")");
        if let Some(condition) = &function.filter {
            self.push(" FILTER (WHERE ");
            self.expr(condition)?;
            self.push(")");
        }
        if let Some(window) = &function.window {
            self.push(" OVER (");
            if !window.partition.is_empty() {
                self.push("PARTITION BY ");
                self.list(&window.partition)?;
                self.push(if window.order.is_empty() { "" } else { " " });
            }
            self.order(&window.order)?;
            self.push(")");
        }
        Ok(())
    }

    /// An operand, in brackets where it binds more loosely than its operator, or, unless they associate, as loosely.
    pub fn operand(
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
    /// Whether both are one expression: the same tree, or the same column.
    pub(super) fn is(&self, other: &Self) -> bool {
        let (own, other) = (self.unlabelled(), other.unlabelled());
        Arc::ptr_eq(&own.0, &other.0)
            || match (&own.0.node, &other.0.node) {
                (Node::Column(own), Node::Column(other)) => {
                    own.index == other.index && own.table.is(&other.table)
                }
                (Node::Field(own, at), Node::Field(other, there)) => {
                    at == there && Arc::ptr_eq(own, other)
                }
                _ => false,
            }
    }

    /// The position of the table's column that this is.
    pub(super) fn place_in(&self, table: &Table) -> Option<usize> {
        match &self.unlabelled().0.node {
            Node::Column(column) if column.table.is(table) => Some(column.index),
            _ => None,
        }
    }

    fn unlabelled(&self) -> &Self {
        match &self.0.node {
            Node::Label(inner, _) => inner,
            _ => self,
        }
    }
}
