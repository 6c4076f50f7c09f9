//! Expressions to SQL, with no more brackets than the operators' precedences need.

use std::sync::Arc;

use data_bridge_driver::Error;

use super::{
    Bound, Expr, Function, MAX_DEPTH, Operator, Precedence, Window, expr::Node, render::Renderer,
    text::Piece,
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
            Node::Field(derived, index) => self.field(derived.head(), *index),
            Node::Param(param, same) => {
                self.equal_param(param, *same);
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
            Node::Custom(symbol, left, right) => {
                self.operand(left, Precedence::Other, true)?;
                self.push(symbol.sql());
                self.operand(right, Precedence::Other, false)
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
            Node::Subscript(array, place) => self.subscript(array, [Some(place), None], ""),
            Node::Slice(array, from, to) => {
                self.subscript(array, [from.as_ref(), to.as_ref()], ":")
            }
            Node::Each(array, all) => self.each(array, *all),
            Node::Collate(operand, collation) => {
                self.operand(operand, Precedence::Sign, true)?;
                self.push(" COLLATE ");
                self.push(collation.quoted());
                Ok(())
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
            Node::Case(branches, otherwise) => self.case(branches, otherwise.as_ref()),
            Node::Groupings(word, sets) => self.groupings(word, sets),
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

    fn case(
        &mut self,
        branches: &'a [(Expr<V>, Expr<V>)],
        otherwise: Option<&'a Expr<V>>,
    ) -> Result<(), Error> {
        self.push("CASE");
        for (condition, value) in branches {
            self.push(" WHEN ");
            self.expr(condition)?;
            self.push(" THEN ");
            self.expr(value)?;
        }
        self.clause(" ELSE ", otherwise)?;
        self.push(" END");
        Ok(())
    }

    /// A place, or two with a colon between them. In front of it names and further subscripts need no brackets, all else does.
    fn subscript(
        &mut self,
        array: &'a Expr<V>,
        [from, to]: [Option<&'a Expr<V>>; 2],
        colon: &str,
    ) -> Result<(), Error> {
        let bare = matches!(
            array.0.node,
            Node::Column(_) | Node::Field(..) | Node::Subscript(..) | Node::Slice(..)
        );
        self.push(if bare { "" } else { "(" });
        self.expr(array)?;
        self.push(if bare { "[" } else { ")[" });
        self.clause("", from)?;
        self.push(colon);
        self.clause("", to)?;
        self.push("]");
        Ok(())
    }

    /// A query brings its own brackets; more of them would make it a single array.
    fn each(&mut self, array: &'a Expr<V>, all: bool) -> Result<(), Error> {
        let is_query = matches!(array.0.node, Node::Scalar(_));
        self.push(if all { "ALL" } else { "ANY" });
        self.push(if is_query { " " } else { "(" });
        self.expr(array)?;
        self.push(if is_query { "" } else { ")" });
        Ok(())
    }

    /// Of `ROLLUP` and `CUBE` the only list is their own.
    fn groupings(&mut self, word: &str, sets: &'a [Vec<Expr<V>>]) -> Result<(), Error> {
        self.push(word);
        let is_list_of_lists = word.starts_with("GROUPING");
        self.push(if is_list_of_lists { "(" } else { "" });
        for (index, set) in sets.iter().enumerate() {
            self.comma(index);
            self.push("(");
            self.list(set)?;
            self.push(")");
        }
        self.push(if is_list_of_lists { ")" } else { "" });
        Ok(())
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
        if let Node::Param(param, _) = &expr.0.node {
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
            // A type of the user's is known by the column that has it.
            let named = parts
                .get(index)
                .and_then(Expr::as_column)
                .map(|column| &column.column().ty)
                .filter(|ty| ty.builtin().is_none() && !ty.is_array())
                .map(ToString::to_string);
            let element = match (column.value_type().builtin(), &named) {
                // `char` alone would be `char(1)`.
                (Some(Builtin::Bpchar), _) => "bpchar",
                (Some(builtin), _) => builtin.sql(),
                (None, Some(named)) => named,
                (None, None) => {
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
        if !function.within.is_empty() {
            self.push(" WITHIN GROUP (");
            self.order(&function.within)?;
            self.push(")");
        }
        if let Some(condition) = &function.filter {
            self.push(" FILTER (WHERE ");
            self.expr(condition)?;
            self.push(")");
        }
        match &function.window {
            Some(window) => self.windowed(window),
            None => Ok(()),
        }
    }

    fn windowed(&mut self, window: &'a Window<V>) -> Result<(), Error> {
        self.push(" OVER (");
        let mut between = "";
        if !window.partition.is_empty() {
            self.push("PARTITION BY ");
            self.list(&window.partition)?;
            between = " ";
        }
        if !window.order.is_empty() {
            self.push(between);
            self.order(&window.order)?;
            between = " ";
        }
        if let Some(frame) = &window.frame {
            self.push(between);
            self.push(frame.unit.sql());
            self.push(" BETWEEN ");
            self.bound(&frame.start)?;
            self.push(" AND ");
            self.bound(&frame.end)?;
        }
        self.push(")");
        Ok(())
    }

    fn bound(&mut self, bound: &'a Bound<V>) -> Result<(), Error> {
        let words = match bound {
            Bound::UnboundedPreceding => "UNBOUNDED PRECEDING",
            Bound::CurrentRow => "CURRENT ROW",
            Bound::UnboundedFollowing => "UNBOUNDED FOLLOWING",
            Bound::Preceding(distance) | Bound::Following(distance) => {
                self.expr(distance)?;
                match bound {
                    Bound::Preceding(_) => " PRECEDING",
                    _ => " FOLLOWING",
                }
            }
        };
        self.push(words);
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
                    at == there && Arc::ptr_eq(own.head(), other.head())
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
