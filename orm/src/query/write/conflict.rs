//! ON CONFLICT: what an INSERT does about a row that is there already.

use data_bridge_driver::Error;

use super::assignment::{self, Assignment};
use crate::{
    query::{Expr, IntoOperand, render::Renderer, source::Source},
    schema::{ColumnRef, Fragment, Name, Table},
};

/// How an existing row is recognised, and what becomes of it. Unless something is set, it stays as it is and the INSERT
/// does nothing.
///
/// Source: PostgreSQL manual, INSERT, "ON CONFLICT Clause".
#[derive(Debug)]
pub struct Conflict<V> {
    target: Target,
    set: Vec<Assignment<V>>,
    filter: Option<Expr<V>>,
}

#[derive(Clone, Debug)]
enum Target {
    /// Any unique key.
    Any,
    /// The unique columns, and the condition of a partial index.
    Columns(Vec<ColumnRef>, Option<Fragment>),
    Constraint(Name),
}

impl<V> Conflict<V> {
    /// With any unique key. There is nothing that could be set.
    pub fn any() -> Self {
        Self::new(Target::Any)
    }

    /// With the primary key or unique index of these columns.
    pub fn columns(columns: Vec<ColumnRef>) -> Self {
        Self::new(Target::Columns(columns, None))
    }

    /// With the constraint of this name.
    pub fn constraint(name: Name) -> Self {
        Self::new(Target::Constraint(name))
    }

    fn new(target: Target) -> Self {
        Self {
            target,
            set: Vec::new(),
            filter: None,
        }
    }

    /// Of a partial index, its condition. Only for [`Conflict::columns`]. It is SQL since PostgreSQL compares it with that of
    /// the index, for which values must not be parameters.
    #[must_use]
    pub fn of_index(mut self, condition: Fragment) -> Self {
        if let Target::Columns(_, of_index) = &mut self.target {
            *of_index = Some(condition);
        }
        self
    }

    /// Has the existing row take the proposed value of this column.
    #[must_use]
    pub fn update(mut self, column: ColumnRef) -> Self {
        self.set.push(Assignment::excluded(column));
        self
    }

    /// Has the existing row take this value, or that of this expression.
    #[must_use]
    pub fn set(mut self, column: ColumnRef, value: impl IntoOperand<V>) -> Self {
        self.set.push(Assignment::new(column, value));
        self
    }

    /// Leaves the existing row as it is where this is not true; a second condition narrows the first.
    #[must_use]
    pub fn filter(mut self, condition: Expr<V>) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(earlier) => earlier & condition,
            None => condition,
        });
        self
    }

    /// `own` is the table as a source.
    pub(super) fn render<'a>(
        &'a self,
        out: &mut Renderer<'a, V>,
        table: &Table,
        own: &'a [Source<V>],
    ) -> Result<(), Error> {
        assignment::check(table, &self.set)?;
        out.push(" ON CONFLICT");
        match &self.target {
            Target::Any if self.set.is_empty() => {}
            Target::Columns(columns, condition) if !columns.is_empty() => {
                for column in columns {
                    assignment::belongs(table, column)?;
                }
                out.push(" (");
                assignment::names(out, columns.iter());
                out.push(")");
                if let Some(condition) = condition {
                    out.push(" WHERE (");
                    out.push(condition.as_str());
                    out.push(")");
                }
            }
            Target::Constraint(name) => {
                out.push(" ON CONSTRAINT ");
                out.push(name.quoted());
            }
            Target::Any | Target::Columns(..) => {
                return Err(Error::interface(format!(
                    "an upsert into {} needs conflict columns: those of a unique key",
                    table.name()
                )));
            }
        }
        if self.set.is_empty() {
            out.push(" DO NOTHING");
            return Ok(());
        }
        out.push(" DO UPDATE SET ");
        assignment::render(out, &self.set)?;
        for assignment in self.set.iter().filter(|one| !one.is_excluded()) {
            out.keeps_tenant(table, assignment.column.index)?;
        }
        out.filter(self.filter.as_ref(), own.iter())
    }
}

/// [`Conflict::columns`]
impl<V> From<Vec<ColumnRef>> for Conflict<V> {
    fn from(columns: Vec<ColumnRef>) -> Self {
        Self::columns(columns)
    }
}

impl<V> Clone for Conflict<V> {
    fn clone(&self) -> Self {
        Self {
            target: self.target.clone(),
            set: self.set.clone(),
            filter: self.filter.clone(),
        }
    }
}
