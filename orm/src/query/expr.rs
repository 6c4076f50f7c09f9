//! Expressions: an immutable tree that is cheap to clone and to combine.

use std::sync::Arc;

use data_bridge_driver::Error;

use super::{
    Derived, Function, Operator, Param, Precedence, Select, Symbol, ValueType, param::Typed,
    text::Piece,
};
use crate::schema::{Builtin, ColumnRef, Name, PgType, QualifiedName};

/// How deep an expression may nest. Chains of one operator do not nest.
pub const MAX_DEPTH: usize = 200;

/// A value that the server computes for each row: a column, a parameter, a condition, an operator over others, a call.
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
    pub ty: ValueType,
    pub depth: usize,
}

#[derive(Debug)]
pub(super) enum Node<V> {
    Column(ColumnRef),
    /// A column of a table of the query around the one at hand.
    Outer(ColumnRef),
    /// A column of a subquery or CTE, by its position.
    Field(Derived<V>, usize),
    /// A value, and what tells whether it equals another one.
    Param(Typed<V>, Same<V>),
    /// A word of SQL: `NULL`, `TRUE`.
    Word(&'static str),
    /// SQL of the caller's.
    Text(Vec<Piece<V>>),
    Binary(Operator, Expr<V>, Expr<V>),
    /// An operator that is not in the table of them.
    Custom(Symbol, Expr<V>, Expr<V>),
    /// `AND` or `OR` over any number of operands; none at all is the operator's neutral element.
    Chain(Operator, Vec<Expr<V>>),
    Not(Expr<V>),
    Negative(Expr<V>),
    /// `array[place]`
    Subscript(Expr<V>, Expr<V>),
    /// `array[from:to]`
    Slice(Expr<V>, Option<Expr<V>>, Option<Expr<V>>),
    /// The right side of an operator: any element of an array or row of a query, or with `true` all of them.
    Each(Expr<V>, bool),
    Collate(Expr<V>, QualifiedName),
    /// `operand IS NULL` and the like: what stands behind the operand.
    Is(Expr<V>, &'static str),
    Between(Expr<V>, Expr<V>, Expr<V>),
    /// `= ANY($n)`
    In(Expr<V>, Expr<V>),
    /// `<> ALL($n)`
    NotIn(Expr<V>, Expr<V>),
    /// `(a, b) IN (SELECT * FROM unnest($1, $2))`: `true` for NOT IN.
    RowIn(Vec<Expr<V>>, Vec<Expr<V>>, bool),
    /// `operand IN (SELECT ...)`: `true` for NOT IN.
    InQuery(Expr<V>, Arc<Select<V>>, bool),
    Exists(Arc<Select<V>>),
    Scalar(Arc<Select<V>>),
    Row(Vec<Expr<V>>),
    Function(Function<V>),
    Case(Vec<(Expr<V>, Expr<V>)>, Option<Expr<V>>),
    /// Several groupings of one query, by their word of SQL.
    Groupings(&'static str, Vec<Vec<Expr<V>>>),
    Cast(Expr<V>, PgType),
    /// The name of a result column.
    Label(Expr<V>, Name),
}

/// Whether two values are equal.
pub type Same<V> = fn(&V, &V) -> bool;

/// Cloning shares the tree and does not need `V: Clone`.
impl<V> Clone for Expr<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> Expr<V> {
    pub(super) fn new(node: Node<V>, ty: ValueType) -> Self {
        let mut below = 0;
        node.for_each_part(&mut |part| below = below.max(part.depth()));
        match &node {
            Node::InQuery(_, query, _) | Node::Exists(query) | Node::Scalar(query) => {
                below = below.max(query.depth());
            }
            Node::Field(derived, _) => below = derived.depth(),
            _ => {}
        }
        let depth = below + 1;
        Self(Arc::new(Tree { node, ty, depth }))
    }

    pub(super) fn condition(node: Node<V>) -> Self {
        Self::new(node, ValueType::of(Builtin::Bool))
    }

    /// A value, sent as a parameter of this type.
    pub fn param(value: V, ty: ValueType) -> Self {
        Self::comparable_param(value, ty, |one, other| std::ptr::eq(one, other))
    }

    /// The same for values that can be compared: where an expression of GROUP BY or ORDER BY is one of those that are
    /// selected but for parameters of equal values, it is that expression to the server too.
    pub fn comparable_param(value: V, ty: ValueType, same: Same<V>) -> Self {
        let oid = ty.oid();
        Self::new(Node::Param(Typed { value, oid }, same), ty)
    }

    /// Whether it is `NULL` itself.
    pub(super) fn is_null_word(&self) -> bool {
        matches!(self.0.node, Node::Word("NULL"))
    }

    /// `NULL`.
    pub fn null() -> Self {
        Self::new(Node::Word("NULL"), ValueType::UNKNOWN)
    }

    /// A column of a subquery or CTE; [`Derived::column`] finds it by name.
    pub(super) fn field(derived: &Derived<V>, index: usize, ty: ValueType) -> Self {
        Self::new(Node::Field(derived.clone(), index), ty)
    }

    /// Several values as one: `(a, b)`.
    pub fn row(parts: Vec<Self>) -> Self {
        Self::new(Node::Row(parts), ValueType::UNKNOWN)
    }

    /// `CASE WHEN condition THEN value ... ELSE otherwise END`; NULL where no condition is true and nothing else is said.
    pub fn case(branches: Vec<(Self, Self)>, otherwise: Option<Self>) -> Self {
        let values = branches.iter().map(|(_, value)| value).chain(&otherwise);
        let ty = values
            .map(Self::value_type)
            .find(|ty| ty.is_known())
            .unwrap_or_default();
        Self::new(Node::Case(branches, otherwise), ty)
    }

    /// Whether the query has a row. Its columns do not matter and are left out.
    pub fn exists(query: Select<V>) -> Self {
        Self::condition(Node::Exists(Arc::new(query)))
    }

    /// The one value of a query's one row; NULL where there is no row.
    pub fn scalar(query: Select<V>) -> Self {
        let ty = query.first_type();
        Self::new(Node::Scalar(Arc::new(query)), ty)
    }

    /// `CAST(expression AS type)`.
    #[must_use]
    pub fn cast(&self, ty: PgType) -> Self {
        let known = ValueType::from(&ty);
        Self::new(Node::Cast(self.clone(), ty), known)
    }

    /// The same under another name in the result.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn label(&self, name: &str) -> Result<Self, Error> {
        let ty = self.value_type();
        Ok(Self::new(Node::Label(self.clone(), Name::new(name)?), ty))
    }

    /// `ROLLUP (a, b)` in GROUP BY: by all of them, then by all but the last, down to one group of everything.
    pub fn rollup(by: Vec<Self>) -> Self {
        Self::new(Node::Groupings("ROLLUP ", vec![by]), ValueType::UNKNOWN)
    }

    /// `CUBE (a, b)` in GROUP BY: by every combination of them.
    pub fn cube(by: Vec<Self>) -> Self {
        Self::new(Node::Groupings("CUBE ", vec![by]), ValueType::UNKNOWN)
    }

    /// `GROUPING SETS ((a, b), (a), ())` in GROUP BY: by each of these.
    pub fn grouping_sets(sets: Vec<Vec<Self>>) -> Self {
        Self::new(Node::Groupings("GROUPING SETS ", sets), ValueType::UNKNOWN)
    }

    /// The call that this expression is, to say more of it: see [`Function`].
    pub fn as_function(&self) -> Option<&Function<V>> {
        match &self.0.node {
            Node::Function(function) => Some(function),
            _ => None,
        }
    }

    /// The column of a table that this is.
    pub fn as_column(&self) -> Option<&ColumnRef> {
        match &self.0.node {
            Node::Column(column) => Some(column),
            _ => None,
        }
    }

    /// The parts of the row that this is.
    pub fn as_row(&self) -> Option<&[Self]> {
        match &self.0.node {
            Node::Row(parts) => Some(parts),
            _ => None,
        }
    }

    /// What is known of its type.
    pub fn value_type(&self) -> ValueType {
        self.0.ty
    }

    /// How deep the tree is. Rendering refuses more than [`MAX_DEPTH`].
    pub fn depth(&self) -> usize {
        self.0.depth
    }

    /// The first column of a table or of a subquery that it names, leaving out those inside of subqueries.
    pub fn first_column(&self) -> Option<Named<'_, V>> {
        match &self.0.node {
            Node::Column(column) => return Some(Named::Column(column)),
            Node::Field(derived, _) => return Some(Named::Field(derived)),
            _ => {}
        }
        let mut first = None;
        self.0.node.for_each_part(&mut |part| {
            if first.is_none() {
                first = part.first_column();
            }
        });
        first
    }

    /// Whether there is a call in it that might be of an aggregate.
    pub(super) fn has_call(&self) -> bool {
        let mut found = matches!(self.0.node, Node::Function(_) | Node::Text(_));
        self.0
            .node
            .for_each_part(&mut |part| found = found || part.has_call());
        found
    }

    /// The name of the result column that it becomes, if it has one.
    pub(super) fn output_name(&self) -> Option<&Name> {
        match &self.0.node {
            Node::Label(_, name) => Some(name),
            Node::Column(column) => Some(&column.column().name),
            Node::Field(derived, index) => derived.head().column_name(*index),
            _ => None,
        }
    }

    /// How tightly what it is rendered as binds.
    pub(super) fn precedence(&self) -> Precedence {
        match &self.0.node {
            Node::Text(_) => Precedence::Text,
            Node::Binary(operator, ..) => operator.precedence(),
            Node::Custom(..) => Precedence::Other,
            // One part alone is rendered as itself, none as a constant.
            Node::Chain(operator, parts) => match parts.as_slice() {
                [] => Precedence::Atom,
                [part] => part.precedence(),
                _ => operator.precedence(),
            },
            Node::Not(_) => Precedence::Not,
            Node::Is(..) => Precedence::Is,
            Node::Between(..) | Node::RowIn(..) | Node::InQuery(..) => Precedence::Match,
            Node::In(..) | Node::NotIn(..) => Precedence::Comparison,
            Node::Negative(_) | Node::Collate(..) => Precedence::Sign,
            Node::Label(expr, _) => expr.precedence(),
            Node::Column(_)
            | Node::Outer(_)
            | Node::Field(..)
            | Node::Param(..)
            | Node::Word(_)
            | Node::Exists(_)
            | Node::Scalar(_)
            | Node::Row(_)
            | Node::Function(_)
            | Node::Case(..)
            | Node::Cast(..)
            | Node::Subscript(..)
            | Node::Slice(..)
            | Node::Each(..)
            | Node::Groupings(..) => Precedence::Atom,
        }
    }
}

/// What an expression names first: see [`Expr::first_column`].
#[derive(Debug)]
pub enum Named<'a, V = Param> {
    /// A column of a table.
    Column(&'a ColumnRef),
    /// A column of a subquery or CTE.
    Field(&'a Derived<V>),
}

impl<V> Node<V> {
    /// The expressions that it is made of, in the order of the text.
    pub(super) fn for_each_part<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr<V>)) {
        match self {
            Self::Column(_)
            | Self::Outer(_)
            | Self::Field(..)
            | Self::Param(..)
            | Self::Word(_)
            | Self::Text(_)
            | Self::Exists(_)
            | Self::Scalar(_) => {}
            Self::Not(a)
            | Self::Negative(a)
            | Self::Is(a, _)
            | Self::InQuery(a, ..)
            | Self::Cast(a, _)
            | Self::Collate(a, _)
            | Self::Each(a, _)
            | Self::Label(a, _) => visit(a),
            Self::Binary(_, a, b)
            | Self::Custom(_, a, b)
            | Self::Subscript(a, b)
            | Self::In(a, b)
            | Self::NotIn(a, b) => {
                visit(a);
                visit(b);
            }
            Self::Slice(array, from, to) => {
                visit(array);
                from.iter().chain(to).for_each(visit);
            }
            Self::Groupings(_, groupings) => groupings.iter().flatten().for_each(visit),
            Self::Between(a, b, c) => [a, b, c].into_iter().for_each(visit),
            Self::Chain(_, parts) | Self::Row(parts) => parts.iter().for_each(visit),
            Self::RowIn(parts, columns, _) => parts.iter().chain(columns).for_each(visit),
            Self::Case(branches, otherwise) => {
                for (condition, value) in branches {
                    visit(condition);
                    visit(value);
                }
                otherwise.iter().for_each(visit);
            }
            Self::Function(function) => function.for_each_part(visit),
        }
    }
}

impl ColumnRef {
    /// The column as an expression.
    pub fn expr<V>(&self) -> Expr<V> {
        let ty = ValueType::of_column(self.column());
        Expr::new(Node::Column(self.clone()), ty)
    }
}

impl<V> From<&ColumnRef> for Expr<V> {
    fn from(column: &ColumnRef) -> Self {
        column.expr()
    }
}

impl<V> From<ColumnRef> for Expr<V> {
    fn from(column: ColumnRef) -> Self {
        column.expr()
    }
}
