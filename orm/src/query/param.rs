//! Values of a query. The syntax tree is generic over them: Rust uses [`Param`], a binding uses its own objects.

use std::{fmt, sync::Arc};

use postgres_types::ToSql;

use super::{Expr, ValueType};
use crate::schema::ColumnRef;

/// A Rust value that can be sent to the server. Cheap to clone.
#[derive(Clone)]
pub struct Param(Arc<dyn ToSql + Send + Sync>);

impl Param {
    /// A value.
    pub fn new(value: impl ToSql + Send + Sync + 'static) -> Self {
        Self(Arc::new(value))
    }

    /// The value as the driver takes it.
    pub fn as_sql(&self) -> &(dyn ToSql + Sync) {
        &*self.0
    }
}

/// Says nothing of the value: queries are logged, values are not.
impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Param(..)")
    }
}

/// What can stand where a query wants a value of type `V`.
pub trait IntoParam<V> {
    /// Converts.
    fn into_param(self) -> V;
}

impl<T: ToSql + Send + Sync + 'static> IntoParam<Param> for T {
    fn into_param(self) -> Param {
        Param::new(self)
    }
}

/// What can stand beside an operator: an expression, a column, or a value, which becomes a parameter.
pub trait IntoOperand<V> {
    /// Converts. A value's parameter is declared with `ty`, the type that fits the other side.
    fn into_operand(self, ty: ValueType) -> Expr<V>;
}

impl<T: ToSql + Send + Sync + 'static> IntoOperand<Param> for T {
    fn into_operand(self, ty: ValueType) -> Expr<Param> {
        Expr::param(self.into_param(), ty)
    }
}

impl<V> IntoOperand<V> for Expr<V> {
    fn into_operand(self, _: ValueType) -> Self {
        self
    }
}

impl<V> IntoOperand<V> for &Expr<V> {
    fn into_operand(self, _: ValueType) -> Expr<V> {
        self.clone()
    }
}

impl<V> IntoOperand<V> for &ColumnRef {
    fn into_operand(self, _: ValueType) -> Expr<V> {
        self.expr()
    }
}

/// A value beside the type that its parameter is declared with.
#[derive(Clone, Debug)]
pub(crate) struct Typed<V> {
    pub value: V,
    pub oid: crate::schema::Oid,
}
