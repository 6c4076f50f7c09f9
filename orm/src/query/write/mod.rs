//! INSERT, upsert, UPDATE and DELETE. The bulk forms of many rows are the driver's.

/// What every write is told about deleted rows and other tenants', in the same words. The statement has the field `skips`
/// and the function `rendered`.
macro_rules! scoped {
    ($statement:ident, $($at:ident).+) => {
        impl<V> $statement<V> {
            /// All rows are meant, whoever's they are, deleted ones too.
            #[must_use]
            pub fn unscoped(mut self) -> Self {
                self.$($at).+ = Skips::ALL;
                self
            }

            /// Deleted rows are meant too.
            #[must_use]
            pub fn with_deleted(mut self) -> Self {
                self.$($at).+.deleted = true;
                self
            }

            /// Renders it.
            ///
            /// # Errors
            /// A column of another table, a column set twice, no word on which rows, nothing to write.
            pub fn render(&self) -> Result<Statement<'_, V>, Error> {
                self.rendered(None)
            }

            /// The same for a tenant, or a schema.
            ///
            /// # Errors
            /// See `render`.
            pub fn render_in<'a>(&'a self, scope: &'a Scope<V>) -> Result<Statement<'a, V>, Error> {
                self.rendered(Some(scope))
            }
        }
    };
}

mod assignment;
mod change;
mod conflict;
mod insert;
mod returning;

pub use self::{
    change::{Delete, Update},
    conflict::Conflict,
    insert::Insert,
};
