//! INSERT of rows or of what a query finds.

use std::sync::Arc;

use data_bridge_driver::Error;

use super::{
    Conflict,
    assignment::{self, Assignment},
    returning::{Item, Returning},
};
use crate::{
    query::{
        Expr, IntoOperand, Param, Scope, Select, Statement, render::Renderer, scope::Skips,
        source::Source,
    },
    schema::{ColumnRef, Table},
};

/// An INSERT, with what to do when a row is there already.
///
/// ```
/// use data_bridge_orm::{query::{Conflict, Insert, Param}, schema::{Builtin, Column, Table}};
///
/// let users = Table::builder("users")?
///     .column(Column::new("email", Builtin::Text)?.primary_key())
///     .column(Column::new("name", Builtin::Text)?)
///     .build()?;
/// let (email, name) = (users.column("email")?, users.column("name")?);
/// let upsert = Insert::<Param>::into(&users)
///     .set(email.clone(), "a@x.io")
///     .set(name.clone(), "Ann")
///     .on_conflict(Conflict::columns(vec![email]).update(name));
/// assert_eq!(
///     upsert.render()?.sql,
///     "INSERT INTO \"users\" (\"email\", \"name\") VALUES ($1, $2) \
///      ON CONFLICT (\"email\") DO UPDATE SET \"name\" = EXCLUDED.\"name\""
/// );
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Debug)]
pub struct Insert<V = Param> {
    table: Table,
    /// The table, and the proposed row where expressions name it.
    sources: Vec<Source<V>>,
    rows: Rows<V>,
    overriding: bool,
    conflict: Option<Conflict<V>>,
    returning: Returning<V>,
    skips: Skips,
}

scoped!(Insert, skips);

#[derive(Debug)]
enum Rows<V> {
    Values(Vec<Vec<Assignment<V>>>),
    Query(Vec<ColumnRef>, Arc<Select<V>>),
}

impl<V> Insert<V> {
    /// A row of the table's defaults.
    pub fn into(table: &Table) -> Self {
        Self {
            table: table.clone(),
            sources: vec![Source::table(table)],
            rows: Rows::Values(vec![Vec::new()]),
            overriding: false,
            conflict: None,
            returning: Returning::Nothing,
            skips: Skips::default(),
        }
    }

    /// Gives a column of the last row a value, or that of an expression.
    #[must_use]
    pub fn set(mut self, column: ColumnRef, value: impl IntoOperand<V>) -> Self {
        if let Rows::Values(rows) = &mut self.rows
            && let Some(row) = rows.last_mut()
        {
            row.push(Assignment::new(column, value));
        }
        self
    }

    /// Begins another row, of the same columns in the same order.
    #[must_use]
    pub fn row(mut self) -> Self {
        if let Rows::Values(rows) = &mut self.rows {
            rows.push(Vec::new());
        }
        self
    }

    /// Inserts what a query finds, as these columns, instead of rows.
    #[must_use]
    pub fn query(mut self, columns: Vec<ColumnRef>, query: Select<V>) -> Self {
        self.rows = Rows::Query(columns, Arc::new(query));
        self
    }

    /// Has the server take given values for identity columns that are `GENERATED ALWAYS`.
    #[must_use]
    pub fn overriding_system_value(mut self) -> Self {
        self.overriding = true;
        self
    }

    /// Says what to do when a row is there already; the columns of a unique key alone mean: nothing.
    #[must_use]
    pub fn on_conflict(mut self, conflict: impl Into<Conflict<V>>) -> Self {
        self.conflict = Some(conflict.into());
        self
    }

    /// Has columns of this alias of the table, which must be called `excluded`, mean those of the proposed row.
    #[must_use]
    pub fn excluded(mut self, alias: &Table) -> Self {
        self.sources.truncate(1);
        self.sources.push(Source::table(alias));
        self
    }

    /// Answers with all columns of the rows as they now are.
    #[must_use]
    pub fn returning(mut self) -> Self {
        self.returning = Returning::Row;
        self
    }

    /// Answers with this expression for each row, behind those said before.
    #[must_use]
    pub fn returning_expr(mut self, expr: Expr<V>) -> Self {
        self.returning.add(Item::Expr(expr));
        self
    }

    /// Answers with all columns of the table for each row, behind what was said before.
    #[must_use]
    pub fn returning_table(mut self, table: &Table) -> Self {
        self.returning.add(Item::Table(table.clone()));
        self
    }

    fn rendered<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Statement<'a, V>, Error> {
        let own = self.sources.get(..1).unwrap_or_default();
        let mut out = Renderer::new(scope);
        out.skips = out.skips | self.skips;
        out.push("INSERT INTO ");
        out.table_name(&self.table);
        match &self.rows {
            Rows::Values(rows) => self.values(&mut out, rows)?,
            Rows::Query(columns, query) => {
                for column in columns {
                    assignment::belongs(&self.table, column)?;
                }
                self.columns(&mut out, columns.iter());
                out.push(" ");
                out.select(query)?;
            }
        }
        if let Some(conflict) = &self.conflict {
            out.scopes.push(&self.sources);
            conflict.render(&mut out, &self.table, own)?;
            out.scopes.pop();
        }
        out.scopes.push(own);
        self.returning.render(&mut out, own, &self.table)?;
        out.finish()
    }

    fn values<'a>(
        &'a self,
        out: &mut Renderer<'a, V>,
        rows: &'a [Vec<Assignment<V>>],
    ) -> Result<(), Error> {
        let first = rows.first().map(Vec::as_slice).unwrap_or_default();
        assignment::check(&self.table, first)?;
        if first.is_empty() && rows.len() == 1 {
            out.push(" DEFAULT VALUES");
            return Ok(());
        }
        let columns = |row: &'a [Assignment<V>]| row.iter().map(|one| &one.column);
        self.columns(out, columns(first));
        out.push(" VALUES ");
        for (index, row) in rows.iter().enumerate() {
            let same = columns(first).map(ColumnRef::index);
            if first.is_empty() || !same.eq(columns(row).map(ColumnRef::index)) {
                return Err(Error::interface(format!(
                    "row {index} of an insert into {} has other columns than the first, or none",
                    self.table.name()
                )));
            }
            out.comma(index);
            out.push("(");
            for (index, assignment) in row.iter().enumerate() {
                out.comma(index);
                assignment.render_value(out)?;
            }
            out.push(")");
        }
        Ok(())
    }

    fn columns<'a>(&self, out: &mut Renderer<'_, V>, columns: impl Iterator<Item = &'a ColumnRef>) {
        out.push(" (");
        assignment::names(out, columns);
        out.push(if self.overriding {
            ") OVERRIDING SYSTEM VALUE"
        } else {
            ")"
        });
    }
}

impl<V> Clone for Insert<V> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            sources: self.sources.clone(),
            rows: self.rows.clone(),
            overriding: self.overriding,
            conflict: self.conflict.clone(),
            returning: self.returning.clone(),
            skips: self.skips,
        }
    }
}

impl<V> Clone for Rows<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Values(rows) => Self::Values(rows.clone()),
            Self::Query(columns, query) => Self::Query(columns.clone(), Arc::clone(query)),
        }
    }
}
