//! Values of a query. The syntax tree is generic over them: Rust uses [`Param`], a binding uses its own objects.

use std::{fmt, sync::Arc};

use postgres_types::ToSql;

/// A Rust value that can be sent to the server. Cheap to clone.
#[derive(Clone)]
pub struct Param(Arc<dyn ToSql + Send + Sync>);

impl Param {
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
        Param(Arc::new(self))
    }
}

/// A value beside the type that its parameter is declared with.
#[derive(Clone, Debug)]
pub(crate) struct Typed<V> {
    pub value: V,
    pub oid: crate::schema::Oid,
}
