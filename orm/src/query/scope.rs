//! What every query of some tables is narrowed to without anybody having to say so: the rows that are not deleted, the rows
//! of one tenant; and the schema that tables without one are in.
//!
//! A table says which of its columns tell ([`TableBuilder::soft_delete`], [`TableBuilder::tenant`]). Rendering adds the
//! conditions wherever such a table is read, updated or deleted from, in subqueries and joins as in the query itself: there
//! is no way around the renderer, so there is none around the conditions but those that are asked for by name.
//!
//! [`TableBuilder::soft_delete`]: crate::schema::TableBuilder::soft_delete
//! [`TableBuilder::tenant`]: crate::schema::TableBuilder::tenant

use std::ops::BitOr;

use data_bridge_driver::Error;

use super::{Expr, Param, Relation, render::Renderer, source::Source};
use crate::schema::{Builtin, Column, Name, Table};

/// Where a statement runs.
///
/// ```
/// use data_bridge_orm::{query::{Param, Scope, Select}, schema::{Builtin, Column, Table}};
///
/// let notes = Table::builder("notes")?
///     .column(Column::new("id", Builtin::Int8)?.primary_key())
///     .column(Column::new("tenant", Builtin::Text)?)
///     .column(Column::new("deleted_at", Builtin::TimestampTz)?.nullable())
///     .soft_delete("deleted_at")
///     .tenant("tenant")
///     .build()?;
/// let query = Select::<Param>::of([notes.column("id")?.expr()]).source(&notes);
/// assert_eq!(
///     query.render_in(&Scope::new().tenant(Param::new("acme")))?.sql,
///     "SELECT \"notes\".\"id\" FROM \"notes\" WHERE \"notes\".\"deleted_at\" IS NULL AND \"notes\".\"tenant\" = $1"
/// );
/// assert!(query.render().is_err());
/// assert_eq!(query.unscoped().render()?.sql, "SELECT \"notes\".\"id\" FROM \"notes\"");
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scope<V = Param> {
    tenant: Option<V>,
    schema: Option<Name>,
    skips: Skips,
}

impl<V> Scope<V> {
    /// Without a tenant, and with all conditions.
    pub fn new() -> Self {
        Self {
            tenant: None,
            schema: None,
            skips: Skips::default(),
        }
    }

    /// The tenant whose rows are meant.
    #[must_use]
    pub fn tenant(mut self, tenant: V) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// The schema of tables that name none themselves.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn schema(mut self, name: &str) -> Result<Self, Error> {
        self.schema = Some(Name::new(name)?);
        Ok(self)
    }

    /// A table's name, quoted: in its own schema, or else in the scope's.
    pub fn placed(&self, table: &Table) -> String {
        let own = table.name();
        match &self.schema {
            Some(schema) if own.schema().is_none() => {
                format!("{}.{}", schema.quoted(), own.quoted())
            }
            _ => own.quoted().to_owned(),
        }
    }

    /// Deleted rows are meant too.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.skips.deleted = true;
        self
    }

    /// The rows of every tenant, and deleted ones, are meant.
    #[must_use]
    pub fn unscoped(mut self) -> Self {
        self.skips = Skips::ALL;
        self
    }
}

impl<V> Default for Scope<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// The conditions that a query does without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Skips {
    pub deleted: bool,
    pub tenants: bool,
}

impl Skips {
    pub const ALL: Self = Self {
        deleted: true,
        tenants: true,
    };
}

impl BitOr for Skips {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            deleted: self.deleted || other.deleted,
            tenants: self.tenants || other.tenants,
        }
    }
}

impl<V> Renderer<'_, V> {
    /// What a statement says of its own, beside what the scope says.
    pub fn scope_skips(&self) -> Skips {
        self.scope.map_or_else(Skips::default, |scope| scope.skips)
    }

    /// A table where it is read or written: in its own schema, or else in the scope's.
    pub fn table_name(&mut self, table: &Table) {
        if let Some(schema) = self.scope.and_then(|scope| scope.schema.as_ref())
            && table.name().schema().is_none()
        {
            self.push(schema.quoted());
            self.push(".");
        }
        self.push(table.name().quoted());
    }

    /// Whether the rows of a source are not all that there are.
    pub fn is_narrowed(&self, source: &Source<V>) -> bool {
        let Relation::Table(table) = &source.relation else {
            return false;
        };
        table.kind().is_some()
            || (table.soft_delete().is_some() && !self.skips.deleted)
            || (table.tenant().is_some() && !self.skips.tenants)
    }

    /// The conditions of a source, each behind ` AND ` but the first of the clause, which stands behind `word`.
    ///
    /// # Errors
    /// A tenant is needed, and the scope has none.
    pub fn narrow(&mut self, source: &Source<V>, word: &mut &'static str) -> Result<(), Error> {
        self.conditions(source, word, true)
    }

    /// A narrowed table as a query of its own, for where a condition beside it would drop rows that an outer join keeps.
    ///
    /// # Errors
    /// See [`Renderer::narrow`].
    pub fn narrowed_query(&mut self, source: &Source<V>, table: &Table) -> Result<(), Error> {
        self.push("(SELECT * FROM ");
        self.table_name(table);
        self.conditions(source, &mut " WHERE ", false)?;
        self.push(")");
        Ok(())
    }

    fn conditions(
        &mut self,
        source: &Source<V>,
        word: &mut &'static str,
        qualified: bool,
    ) -> Result<(), Error> {
        let Relation::Table(table) = &source.relation else {
            return Ok(());
        };
        let named = |out: &mut Self, index: usize, column: &Column| {
            if qualified {
                out.source_column(source, index);
            } else {
                out.push(column.name.quoted());
            }
        };
        if let Some((index, column, literal)) = table.kind() {
            self.push(std::mem::replace(word, " AND "));
            named(self, index, column);
            self.push(" = ");
            self.push(literal);
        }
        if let Some((index, column)) = table.soft_delete()
            && !self.skips.deleted
        {
            self.push(std::mem::replace(word, " AND "));
            named(self, index, column);
            self.push(if is_flag(column) {
                " IS NOT TRUE"
            } else {
                " IS NULL"
            });
        }
        if let Some((index, column)) = table.tenant()
            && !self.skips.tenants
        {
            let tenant = self.scope.and_then(|scope| scope.tenant.as_ref());
            let Some(tenant) = tenant else {
                return Err(no_tenant(table));
            };
            self.push(std::mem::replace(word, " AND "));
            named(self, index, column);
            self.push(" = ");
            self.shared_param(tenant, column.ty.oid());
        }
        Ok(())
    }

    /// What deletes a row of this table without removing it: the assignment.
    pub fn mark_deleted(&mut self, column: &Column) {
        self.push(column.name.quoted());
        self.push(if is_flag(column) {
            " = true"
        } else {
            " = now()"
        });
    }

    /// Refuses to hand a row to another tenant.
    ///
    /// # Errors
    /// The statement sets the column that says whose the row is, and is not unscoped.
    pub fn keeps_tenant(&self, table: &Table, column: usize) -> Result<(), Error> {
        match table.tenant() {
            Some((index, tenant)) if index == column && !self.skips.tenants => {
                Err(Error::interface(format!(
                    "{}.{} says whose row it is and is not updated; to hand rows to another tenant say that the statement is \
                     unscoped",
                    table.name(),
                    tenant.name
                )))
            }
            _ => Ok(()),
        }
    }
}

impl Table {
    /// The condition that a row is deleted softly, if the table has a column for that.
    pub fn deleted<V>(&self) -> Option<Expr<V>> {
        let (index, column) = self.soft_delete()?;
        let expr = self.column_at(index)?.expr();
        Some(if is_flag(column) {
            expr
        } else {
            expr.is_not_null()
        })
    }

    /// What an upsert asks of a row that is there before it updates it: that it is of the table's kind, not deleted, and the
    /// same tenant's as the new one, whose columns are `EXCLUDED`. Empty where nothing is to be asked in this scope.
    ///
    /// # Errors
    /// A tenant is needed, and the scope has none.
    pub fn conflict_condition<V>(&self, scope: &Scope<V>) -> Result<String, Error> {
        let mut parts = Vec::new();
        if let Some((index, _, literal)) = self.kind() {
            parts.push(format!("{} = {literal}", self.qualified(index)));
        }
        if let Some((index, column)) = self.soft_delete()
            && !scope.skips.deleted
        {
            let test = if is_flag(column) {
                "IS NOT TRUE"
            } else {
                "IS NULL"
            };
            parts.push(format!("{} {test}", self.qualified(index)));
        }
        if let Some((index, column)) = self.tenant()
            && !scope.skips.tenants
        {
            if scope.tenant.is_none() {
                return Err(no_tenant(self));
            }
            let (own, name) = (self.qualified(index), column.name.quoted());
            parts.push(format!("{own} = EXCLUDED.{name}"));
        }
        Ok(parts.join(" AND "))
    }
}

/// Whether the column says by true and false that a row is deleted, instead of by when.
fn is_flag(column: &Column) -> bool {
    column.ty.builtin() == Some(Builtin::Bool)
}

#[cold]
fn no_tenant(table: &Table) -> Error {
    Error::interface(format!(
        "the rows of {} belong to tenants, and none is set: run this within tenant(...), or say that it is for all of them with \
         unscoped()",
        table.name()
    ))
}
