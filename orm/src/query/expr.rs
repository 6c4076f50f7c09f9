//! Expressions: an immutable tree that is cheap to clone and to combine.

use std::{
    ops::{BitAnd, BitOr, Not},
    sync::Arc,
};

use data_bridge_driver::Error;

use super::{
    Derived, Function, Operator, Order, Param, Precedence, Select, ValueType,
    derived::Head,
    operator::Associativity,
    param::{IntoOperand, Typed},
    select::Nulls,
    text::Piece,
};
use crate::schema::{Builtin, ColumnRef, Name, PgType};

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
    Field(Arc<Head>, usize),
    Param(Typed<V>),
    /// A word of SQL: `NULL`, `TRUE`.
    Word(&'static str),
    /// SQL of the caller's.
    Text(Vec<Piece<V>>),
    Binary(Operator, Expr<V>, Expr<V>),
    /// `AND` or `OR` over any number of operands; none at all is the operator's neutral element.
    Chain(Operator, Vec<Expr<V>>),
    Not(Expr<V>),
    Negative(Expr<V>),
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
    Cast(Expr<V>, PgType),
    /// The name of a result column.
    Label(Expr<V>, Name),
}

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
        if let Node::InQuery(_, query, _) | Node::Exists(query) | Node::Scalar(query) = &node {
            below = below.max(query.depth());
        }
        let depth = below + 1;
        Self(Arc::new(Tree { node, ty, depth }))
    }

    pub(super) fn condition(node: Node<V>) -> Self {
        Self::new(node, ValueType::of(Builtin::Bool))
    }

    /// A value, sent as a parameter of this type.
    pub fn param(value: V, ty: ValueType) -> Self {
        let oid = ty.oid();
        Self::new(Node::Param(Typed { value, oid }), ty)
    }

    /// `NULL`.
    pub fn null() -> Self {
        Self::new(Node::Word("NULL"), ValueType::UNKNOWN)
    }

    /// A column of a subquery or CTE; [`Derived::column`] finds it by name.
    pub(super) fn field(head: &Arc<Head>, index: usize, ty: ValueType) -> Self {
        Self::new(Node::Field(Arc::clone(head), index), ty)
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

    /// The minus sign.
    #[must_use]
    pub fn negative(&self) -> Self {
        Self::new(Node::Negative(self.clone()), self.value_type())
    }

    /// `left operator right`. A value becomes a parameter of the type that fits this side.
    #[must_use]
    pub fn compare(&self, operator: Operator, right: impl IntoOperand<V>) -> Self {
        let right = right.into_operand(self.value_type().beside(operator));
        let ty = self.value_type().combined(operator, right.value_type());
        match operator {
            Operator::And => self.clone() & right,
            Operator::Or => self.clone() | right,
            _ => Self::new(Node::Binary(operator, self.clone(), right), ty),
        }
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

    /// The call that this expression is, to say more of it: see [`Function`].
    pub fn as_function(&self) -> Option<&Function<V>> {
        match &self.0.node {
            Node::Function(function) => Some(function),
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
    pub fn first_column(&self) -> Option<Named<'_>> {
        match &self.0.node {
            Node::Column(column) => return Some(Named::Column(column)),
            Node::Field(head, _) => return Some(Named::Field(head.name())),
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
            Node::Field(head, index) => head.column_name(*index),
            _ => None,
        }
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

    /// How tightly what it is rendered as binds.
    pub(super) fn precedence(&self) -> Precedence {
        match &self.0.node {
            Node::Text(_) => Precedence::Text,
            Node::Binary(operator, ..) => operator.precedence(),
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
            Node::Negative(_) => Precedence::Sign,
            Node::Label(expr, _) => expr.precedence(),
            Node::Column(_)
            | Node::Outer(_)
            | Node::Field(..)
            | Node::Param(_)
            | Node::Word(_)
            | Node::Exists(_)
            | Node::Scalar(_)
            | Node::Row(_)
            | Node::Function(_)
            | Node::Case(..)
            | Node::Cast(..) => Precedence::Atom,
        }
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

/// What an expression names first: see [`Expr::first_column`].
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// A column of a table.
    Column(&'a ColumnRef),
    /// A column of the subquery or CTE of this name.
    Field(&'a Name),
}

impl<V> Node<V> {
    /// The expressions that it is made of, in the order of the text.
    pub(super) fn for_each_part<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr<V>)) {
        match self {
            Self::Column(_)
            | Self::Outer(_)
            | Self::Field(..)
            | Self::Param(_)
            | Self::Word(_)
            | Self::Text(_)
            | Self::Exists(_)
            | Self::Scalar(_) => {}
            Self::Not(a)
            | Self::Negative(a)
            | Self::Is(a, _)
            | Self::InQuery(a, ..)
            | Self::Cast(a, _)
            | Self::Label(a, _) => visit(a),
            Self::Binary(_, a, b) | Self::In(a, b) | Self::NotIn(a, b) => {
                visit(a);
                visit(b);
            }
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

impl<V> Derived<V> {
    /// Its column of this name.
    ///
    /// # Errors
    /// No such column; the message lists those that there are.
    pub fn column(&self, name: &str) -> Result<Expr<V>, Error> {
        let (index, ty) = self.head().find(name)?;
        Ok(Expr::field(self.head(), index, ty))
    }
}
