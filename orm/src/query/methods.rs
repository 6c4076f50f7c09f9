//! What can be said with an expression: the operators between two of them, tests of one, conditions combined.

use std::{
    ops::{BitAnd, BitOr, Not},
    sync::Arc,
};

use data_bridge_driver::Error;

use super::{
    Expr, Operator, Order, Select, Symbol, ValueType,
    expr::{Node, Tree},
    operator::Associativity,
    param::IntoOperand,
    select::Nulls,
};
use crate::schema::{Builtin, ColumnRef, QualifiedName};

impl<V> Expr<V> {
    /// The minus sign.
    #[must_use]
    pub fn negative(&self) -> Self {
        Self::new(Node::Negative(self.clone()), self.value_type())
    }

    /// `left operator right`. A value becomes a parameter of the type that fits this side.
    #[must_use]
    pub fn compare(&self, operator: Operator, right: impl IntoOperand<V>) -> Self {
        let right = right.into_operand(self.value_type().beside(operator));
        if let (Node::Each(..), Some(mirrored)) = (&self.0.node, operator.mirrored()) {
            // SQL takes ANY and ALL on the right only.
            return Self::condition(Node::Binary(mirrored, right, self.clone()));
        }
        let ty = self.value_type().combined(operator, right.value_type());
        match operator {
            Operator::And => self.clone() & right,
            Operator::Or => self.clone() | right,
            _ => Self::new(Node::Binary(operator, self.clone(), right), ty),
        }
    }

    /// `left operator right` for any operator by its SQL, such as `<->` of an extension. The server says what type a value has
    /// there; that of the operators in [`Operator`] is known.
    ///
    /// # Errors
    /// What [`Symbol::new`] refuses.
    pub fn op(&self, sql: &str, right: impl IntoOperand<V>) -> Result<Self, Error> {
        if let Some(operator) = Operator::by_sql(sql) {
            return Ok(self.compare(operator, right));
        }
        let right = right.into_operand(ValueType::UNKNOWN);
        let node = Node::Custom(Symbol::new(sql)?, self.clone(), right);
        Ok(Self::new(node, ValueType::UNKNOWN))
    }

    /// Sorted and compared by the rules of this collation.
    ///
    /// # Errors
    /// A name that is none.
    pub fn collate(&self, collation: &str) -> Result<Self, Error> {
        let collation = QualifiedName::parse(collation)?;
        Ok(Self::new(
            Node::Collate(self.clone(), collation),
            self.value_type(),
        ))
    }

    /// Between two values, both included.
    #[must_use]
    pub fn between(&self, low: impl IntoOperand<V>, high: impl IntoOperand<V>) -> Self {
        let ty = self.value_type();
        Self::condition(Node::Between(
            self.clone(),
            low.into_operand(ty),
            high.into_operand(ty),
        ))
    }

    /// `= ANY(values)`, where `values` is one parameter: a list of any length is one statement.
    #[must_use]
    pub fn in_(&self, values: impl IntoOperand<V>) -> Self {
        let values = values.into_operand(self.value_type().array());
        Self::condition(Node::In(self.clone(), values))
    }

    /// `<> ALL(values)`. A NULL among the values makes the whole NULL.
    #[must_use]
    pub fn not_in(&self, values: impl IntoOperand<V>) -> Self {
        let values = values.into_operand(self.value_type().array());
        Self::condition(Node::NotIn(self.clone(), values))
    }

    /// `IN (SELECT ...)`.
    #[must_use]
    pub fn in_query(&self, query: Select<V>) -> Self {
        Self::condition(Node::InQuery(self.clone(), Arc::new(query), false))
    }

    /// `NOT IN (SELECT ...)`. A NULL among the rows makes the whole NULL.
    #[must_use]
    pub fn not_in_query(&self, query: Select<V>) -> Self {
        Self::condition(Node::InQuery(self.clone(), Arc::new(query), true))
    }

    /// Whether the row of these parts is one of the rows whose values stand in `columns`, one array for each part: a list of
    /// any length is one statement. Made true for `NOT IN` by `negated`.
    pub fn row_in(parts: Vec<Self>, columns: Vec<V>, negated: bool) -> Self {
        let columns = parts
            .iter()
            .zip(columns)
            .map(|(part, values)| Self::param(values, part.value_type().array()))
            .collect();
        Self::condition(Node::RowIn(parts, columns, negated))
    }

    /// `IS NULL`.
    #[must_use]
    pub fn is_null(&self) -> Self {
        Self::condition(Node::Is(self.clone(), " IS NULL"))
    }

    /// `IS NOT NULL`.
    #[must_use]
    pub fn is_not_null(&self) -> Self {
        Self::condition(Node::Is(self.clone(), " IS NOT NULL"))
    }

    /// Smallest first.
    pub fn asc(&self) -> Order<V> {
        Order::new(self.clone(), false)
    }

    /// Greatest first.
    pub fn desc(&self) -> Order<V> {
        Order::new(self.clone(), true)
    }

    /// True where every one of the conditions is; for none at all, true.
    pub fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::condition(Node::Chain(Operator::And, conditions.into_iter().collect()))
    }

    /// True where one of the conditions is; for none at all, false.
    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::condition(Node::Chain(Operator::Or, conditions.into_iter().collect()))
    }

    /// Chains of one operator stay flat.
    fn join(self, operator: Operator, other: Self) -> Self {
        let continues = |node: &Node<V>| matches!(node, Node::Chain(chained, parts) if *chained == operator && !parts.is_empty());
        let depth_of = |side: &Self| side.depth() - usize::from(continues(&side.0.node));
        let depth = 1 + depth_of(&self).max(depth_of(&other));
        // A chain that nobody else holds grows in place, so that a long one is built in linear time.
        let mut parts = match Arc::try_unwrap(self.0) {
            Ok(Tree {
                node: Node::Chain(chained, parts),
                ..
            }) if chained == operator && !parts.is_empty() => parts,
            Ok(tree) => vec![Self(Arc::new(tree))],
            Err(shared) => match &shared.node {
                Node::Chain(_, parts) if continues(&shared.node) => parts.clone(),
                _ => vec![Self(shared)],
            },
        };
        match &other.0.node {
            Node::Chain(_, more) if continues(&other.0.node) => parts.extend(more.iter().cloned()),
            _ => parts.push(other),
        }
        Self(Arc::new(Tree {
            node: Node::Chain(operator, parts),
            ty: ValueType::of(Builtin::Bool),
            depth,
        }))
    }

    /// Whether a right operand is grouped with its operator without brackets although it binds no tighter.
    pub(super) fn associates(operator: Operator, is_left: bool) -> bool {
        match operator.associativity() {
            Associativity::None => false,
            Associativity::Left => is_left,
            Associativity::Both => true,
        }
    }
}

/// Both are true.
impl<V> BitAnd for Expr<V> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.join(Operator::And, other)
    }
}

/// One of the two is true.
impl<V> BitOr for Expr<V> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.join(Operator::Or, other)
    }
}

/// It is false. As everywhere in SQL, what is NULL stays NULL and selects nothing.
impl<V> Not for Expr<V> {
    type Output = Self;

    fn not(self) -> Self {
        Self::condition(Node::Not(self))
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $operator:ident;)*) => {
        impl<V> Expr<V> {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(&self, right: impl IntoOperand<V>) -> Self {
                self.compare(Operator::$operator, right)
            })*
        }

        /// The methods of [`Expr`], which a column begins.
        impl ColumnRef {
            $($(#[$doc])*
            pub fn $name<V>(&self, right: impl IntoOperand<V>) -> Expr<V> {
                self.expr().compare(Operator::$operator, right)
            })*

            /// `column operator right`. A value becomes a parameter of the column's type.
            pub fn compare<V>(&self, operator: Operator, right: impl IntoOperand<V>) -> Expr<V> {
                self.expr().compare(operator, right)
            }

            /// Between two values, both included.
            pub fn between<V>(&self, low: impl IntoOperand<V>, high: impl IntoOperand<V>) -> Expr<V> {
                self.expr().between(low, high)
            }

            /// `column = ANY(values)`, where `values` is one parameter: a list of any length is one statement.
            pub fn in_<V>(&self, values: impl IntoOperand<V>) -> Expr<V> {
                self.expr().in_(values)
            }

            /// `column <> ALL(values)`. A NULL among the values makes the whole NULL.
            pub fn not_in<V>(&self, values: impl IntoOperand<V>) -> Expr<V> {
                self.expr().not_in(values)
            }

            /// `column IS NULL`.
            pub fn is_null<V>(&self) -> Expr<V> {
                self.expr().is_null()
            }

            /// `column IS NOT NULL`.
            pub fn is_not_null<V>(&self) -> Expr<V> {
                self.expr().is_not_null()
            }

            /// Smallest first.
            pub fn asc<V>(&self) -> Order<V> {
                self.expr().asc()
            }

            /// Greatest first.
            pub fn desc<V>(&self) -> Order<V> {
                self.expr().desc()
            }
        }
    };
}

methods! {
    /// Equal. NULL equals nothing: see [`Expr::is_null`].
    eq Eq;
    /// Not equal.
    ne Ne;
    /// Less.
    lt Lt;
    /// Less or equal.
    le Le;
    /// Greater.
    gt Gt;
    /// Greater or equal.
    ge Ge;
    /// Not equal, NULL being a value like others.
    is_distinct_from IsDistinct;
    /// Equal, NULL being a value like others.
    is_not_distinct_from IsNotDistinct;
    /// Matches a pattern with `%` and `_`.
    like Like;
    /// Matches a pattern whatever the case.
    ilike ILike;
    /// Begins with a text.
    starts_with StartsWith;
    /// Matches a regular expression.
    regexp Regexp;
    /// Joined with another text, array or JSON.
    concat Concat;
    /// Sum.
    plus Add;
    /// Difference.
    minus Sub;
    /// Product.
    times Mul;
    /// Quotient; of whole numbers without its fraction.
    divided_by Div;
    /// Remainder.
    modulo Rem;
    /// Power.
    power Pow;
    /// Holds all of another array, JSON or range; of a range also a value.
    contains Contains;
    /// Is in another array, JSON or range.
    contained_by ContainedBy;
    /// Has something in common with another array or range.
    overlaps Overlaps;
    /// Touches another range, with nothing between them.
    adjacent_to Adjacent;
    /// Lies before all of another range.
    before Before;
    /// Lies behind all of another range.
    after After;
    /// The JSON of a key. [`Expr::at`] is for lists.
    key Get;
    /// The text of a key of JSON.
    key_text GetText;
    /// The JSON at a path, which is an array of texts.
    path GetPath;
    /// The text at a path of JSON.
    path_text GetPathText;
    /// JSON without what is at a path.
    without_path DeletePath;
    /// JSON has a key.
    has_key HasKey;
    /// JSON has one of the keys of an array.
    has_any HasAny;
    /// JSON has all of the keys of an array.
    has_all HasAll;
}

impl<V> Order<V> {
    fn new(expr: Expr<V>, descending: bool) -> Self {
        Self {
            expr,
            descending,
            nulls: None,
        }
    }

    /// Puts NULL first or last.
    #[must_use]
    pub fn nulls(mut self, nulls: Nulls) -> Self {
        self.nulls = Some(nulls);
        self
    }
}
