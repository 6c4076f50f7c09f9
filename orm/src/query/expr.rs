//! Conditions: an immutable tree that is cheap to clone and to combine.

use std::{
    ops::{BitAnd, BitOr, Not},
    sync::Arc,
};

use super::{IntoParam, Operator, Param, param::Typed};
use crate::schema::{Builtin, ColumnRef};

/// How deep a condition may nest. Chains of one operator do not nest.
pub const MAX_DEPTH: usize = 200;

/// A condition on rows.
///
/// ```
/// use data_bridge_orm::{query::Select, schema::{Builtin, Column, Table}};
///
/// let users = Table::builder("users")?
///     .column(Column::new("id", Builtin::Int8)?.primary_key())
///     .column(Column::new("name", Builtin::Text)?.nullable())
///     .build()?;
/// let (id, name) = (users.column("id")?, users.column("name")?);
/// let condition = id.gt(10_i64) & (name.like("A%") | name.is_null());
/// assert_eq!(
///     Select::from(&users).filter(condition).render()?.sql,
///     "SELECT \"users\".\"id\", \"users\".\"name\" FROM \"users\" \
///      WHERE \"users\".\"id\" > $1 AND (\"users\".\"name\" LIKE $2 OR \"users\".\"name\" IS NULL)"
/// );
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Debug)]
pub struct Expr<V = Param>(pub(super) Arc<Tree<V>>);

#[derive(Debug)]
pub(super) struct Tree<V> {
    pub node: Node<V>,
    pub depth: usize,
}

#[derive(Debug)]
pub(super) enum Node<V> {
    Column(ColumnRef),
    Param(Typed<V>),
    Binary(Operator, Expr<V>, Expr<V>),
    /// `AND` or `OR` over any number of operands; none at all is the operator's neutral element.
    Chain(Operator, Vec<Expr<V>>),
    Not(Expr<V>),
    IsNull(Expr<V>),
    IsNotNull(Expr<V>),
    Between(Expr<V>, Expr<V>, Expr<V>),
    /// `= ANY($n)`
    In(Expr<V>, Expr<V>),
    /// `<> ALL($n)`
    NotIn(Expr<V>, Expr<V>),
}

/// Cloning shares the tree and does not need `V: Clone`.
impl<V> Clone for Expr<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> Expr<V> {
    fn new(node: Node<V>) -> Self {
        let depth = 1 + match &node {
            Node::Column(_) | Node::Param(_) => 0,
            Node::Not(a) | Node::IsNull(a) | Node::IsNotNull(a) => a.depth(),
            Node::Binary(_, a, b) | Node::In(a, b) | Node::NotIn(a, b) => a.depth().max(b.depth()),
            Node::Between(a, b, c) => a.depth().max(b.depth()).max(c.depth()),
            Node::Chain(_, parts) => parts.iter().map(Self::depth).max().unwrap_or(0),
        };
        Self(Arc::new(Tree { node, depth }))
    }

    fn param(value: V, oid: u32) -> Self {
        Self::new(Node::Param(Typed { value, oid }))
    }

    /// How deep the tree is. Rendering refuses more than [`MAX_DEPTH`].
    pub fn depth(&self) -> usize {
        self.0.depth
    }

    /// True where every one of the conditions is; for none at all, true.
    pub fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Node::Chain(Operator::And, conditions.into_iter().collect()))
    }

    /// True where one of the conditions is; for none at all, false.
    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Node::Chain(Operator::Or, conditions.into_iter().collect()))
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
            depth,
        }))
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
        Self::new(Node::Not(self))
    }
}

/// Conditions on a column. Each value becomes a parameter of the column's type.
impl ColumnRef {
    /// `column operator value`.
    pub fn compare<V>(&self, operator: Operator, value: impl IntoParam<V>) -> Expr<V> {
        let oid = match operator {
            Operator::Like | Operator::NotLike | Operator::ILike | Operator::NotILike => {
                crate::schema::PgType::from(Builtin::Text).oid()
            }
            _ => self.column().ty.oid(),
        };
        Expr::new(Node::Binary(
            operator,
            self.expr(),
            Expr::param(value.into_param(), oid),
        ))
    }

    /// `column operator other column`.
    pub fn compare_column<V>(&self, operator: Operator, other: &Self) -> Expr<V> {
        Expr::new(Node::Binary(operator, self.expr(), other.expr()))
    }

    /// `column = value`. NULL equals nothing: see [`ColumnRef::is_null`].
    pub fn eq<V>(&self, value: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::Eq, value)
    }

    /// `column <> value`.
    pub fn ne<V>(&self, value: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::Ne, value)
    }

    /// `column < value`.
    pub fn lt<V>(&self, value: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::Lt, value)
    }

    /// `column <= value`.
    pub fn le<V>(&self, value: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::Le, value)
    }

    /// `column > value`.
    pub fn gt<V>(&self, value: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::Gt, value)
    }

    /// `column >= value`.
    pub fn ge<V>(&self, value: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::Ge, value)
    }

    /// `column LIKE pattern`.
    pub fn like<V>(&self, pattern: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::Like, pattern)
    }

    /// `column ILIKE pattern`.
    pub fn ilike<V>(&self, pattern: impl IntoParam<V>) -> Expr<V> {
        self.compare(Operator::ILike, pattern)
    }

    /// `column BETWEEN low AND high`, both ends included.
    pub fn between<V>(&self, low: impl IntoParam<V>, high: impl IntoParam<V>) -> Expr<V> {
        let oid = self.column().ty.oid();
        let (low, high) = (
            Expr::param(low.into_param(), oid),
            Expr::param(high.into_param(), oid),
        );
        Expr::new(Node::Between(self.expr(), low, high))
    }

    /// `column = ANY(values)`, where `values` is one parameter: a list of any length is one statement.
    pub fn in_<V>(&self, values: impl IntoParam<V>) -> Expr<V> {
        Expr::new(Node::In(
            self.expr(),
            Expr::param(values.into_param(), self.column().ty.array_oid()),
        ))
    }

    /// `column <> ALL(values)`. A NULL among the values makes the whole NULL.
    pub fn not_in<V>(&self, values: impl IntoParam<V>) -> Expr<V> {
        Expr::new(Node::NotIn(
            self.expr(),
            Expr::param(values.into_param(), self.column().ty.array_oid()),
        ))
    }

    /// `column IS NULL`.
    pub fn is_null<V>(&self) -> Expr<V> {
        Expr::new(Node::IsNull(self.expr()))
    }

    /// `column IS NOT NULL`.
    pub fn is_not_null<V>(&self) -> Expr<V> {
        Expr::new(Node::IsNotNull(self.expr()))
    }

    fn expr<V>(&self) -> Expr<V> {
        Expr::new(Node::Column(self.clone()))
    }
}
