//! UPDATE and DELETE: what they share, and what they differ in.

use data_bridge_driver::Error;

use super::{
    assignment::{self, Assignment},
    returning::{Item, Returning},
};
use crate::{
    query::{
        Expr, IntoOperand, Param, Relation, Scope, Statement, render::Renderer, scope::Skips,
        source::Source,
    },
    schema::{ColumnRef, Table},
};

/// An UPDATE of the rows for which a condition is true.
#[derive(Debug)]
pub struct Update<V = Param> {
    change: Change<V>,
    set: Vec<Assignment<V>>,
}

/// A DELETE of the rows for which a condition is true.
#[derive(Debug)]
pub struct Delete<V = Param> {
    change: Change<V>,
    /// Whether rows go that would else be marked as deleted.
    hard: bool,
}

scoped!(Update, change.skips);
scoped!(Delete, change.skips);

/// Which rows of a table are meant, with what else is read, and what comes back.
#[derive(Debug)]
struct Change<V> {
    table: Table,
    /// The table, and what else is read.
    sources: Vec<Source<V>>,
    rows: Rows<V>,
    returning: Returning<V>,
    skips: Skips,
}

/// To forget the condition must not empty a table.
#[derive(Debug)]
enum Rows<V> {
    Unsaid,
    Every,
    Where(Expr<V>),
}

impl<V> Change<V> {
    fn of(table: &Table) -> Self {
        Self {
            table: table.clone(),
            sources: vec![Source::table(table)],
            rows: Rows::Unsaid,
            returning: Returning::Nothing,
            skips: Skips::default(),
        }
    }

    fn narrow(&mut self, condition: Expr<V>) {
        self.rows = Rows::Where(match std::mem::replace(&mut self.rows, Rows::Unsaid) {
            Rows::Where(earlier) => earlier & condition,
            Rows::Unsaid | Rows::Every => condition,
        });
    }

    fn start<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Renderer<'a, V>, Error> {
        let mut out = Renderer::new(scope);
        out.skips = out.skips | self.skips;
        out.ctes_of(&self.sources)?;
        out.scopes.push(&self.sources);
        Ok(out)
    }

    /// `word` comes before what else is read, `verb` says what would happen to every row.
    fn finish<'a>(
        &'a self,
        mut out: Renderer<'a, V>,
        word: &str,
        verb: &str,
    ) -> Result<Statement<'a, V>, Error> {
        for (index, source) in self.sources.iter().skip(1).enumerate() {
            out.push(if index == 0 { word } else { ", " });
            out.relation(source, false)?;
        }
        match &self.rows {
            Rows::Where(condition) => out.filter(Some(condition), self.sources.iter())?,
            Rows::Every => out.filter(None, self.sources.iter())?,
            Rows::Unsaid => {
                return Err(Error::interface(format!(
                    "this would {verb} every row of {}; give a condition, or say every_row, in Python where(True), if that is meant",
                    self.table.name()
                )));
            }
        }
        self.returning
            .render(&mut out, &self.sources, &self.table)?;
        out.finish()
    }
}

/// What UPDATE and DELETE are told in the same words.
macro_rules! choosing_rows {
    ($statement:ident, $done:literal) => {
        impl<V> $statement<V> {
            #[doc = concat!($done, " the rows for which the condition is true; a second one narrows the first.")]
            #[must_use]
            pub fn filter(mut self, condition: Expr<V>) -> Self {
                self.change.narrow(condition);
                self
            }

            #[doc = concat!($done, " every row.")]
            #[must_use]
            pub fn every_row(mut self) -> Self {
                self.change.rows = Rows::Every;
                self
            }

            /// Reads another table, subquery or CTE as well, each of its rows with each of the table's: the condition says
            /// which belong together.
            #[must_use]
            pub fn reading(mut self, relation: impl Into<Relation<V>>) -> Self {
                self.change.sources.push(relation.into().into());
                self
            }

            /// Answers with all columns of the rows.
            #[must_use]
            pub fn returning(mut self) -> Self {
                self.change.returning = Returning::Row;
                self
            }

            /// Answers with this expression for each row, behind those said before.
            #[must_use]
            pub fn returning_expr(mut self, expr: Expr<V>) -> Self {
                self.change.returning.add(Item::Expr(expr));
                self
            }

            /// Answers with all columns of a table that is written or read, behind what was said before.
            #[must_use]
            pub fn returning_table(mut self, table: &Table) -> Self {
                self.change.returning.add(Item::Table(table.clone()));
                self
            }
        }
    };
}

choosing_rows!(Update, "Updates");
choosing_rows!(Delete, "Deletes");

impl<V> Update<V> {
    /// An update of this table.
    pub fn table(table: &Table) -> Self {
        Self {
            change: Change::of(table),
            set: Vec::new(),
        }
    }

    /// Gives a column a value, or that of an expression.
    #[must_use]
    pub fn set(mut self, column: ColumnRef, value: impl IntoOperand<V>) -> Self {
        self.set.push(Assignment::new(column, value));
        self
    }

    fn rendered<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Statement<'a, V>, Error> {
        let table = &self.change.table;
        assignment::check(table, &self.set)?;
        if self.set.is_empty() {
            return Err(Error::interface(format!(
                "an update of {} sets no column",
                table.name()
            )));
        }
        let mut out = self.change.start(scope)?;
        for assignment in &self.set {
            out.keeps_tenant(table, assignment.column.index)?;
        }
        out.push("UPDATE ");
        out.table_name(table);
        out.push(" SET ");
        assignment::render(&mut out, &self.set)?;
        self.change.finish(out, " FROM ", "update")
    }
}

impl<V> Delete<V> {
    /// A deletion from this table: where it has a column for that, rows are marked as deleted.
    pub fn from(table: &Table) -> Self {
        Self {
            change: Change::of(table),
            hard: false,
        }
    }

    /// Removes rows for good that would else be marked as deleted, those that are marked already too.
    #[must_use]
    pub fn hard(mut self) -> Self {
        self.hard = true;
        self
    }

    fn rendered<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Statement<'a, V>, Error> {
        let table = &self.change.table;
        let mut out = self.change.start(scope)?;
        if let Some((_, column)) = table.soft_delete().filter(|_| !self.hard) {
            out.push("UPDATE ");
            out.table_name(table);
            out.push(" SET ");
            out.mark_deleted(column);
            return self.change.finish(out, " FROM ", "delete");
        }
        // What removes rows for good is there to remove those that were marked before.
        out.skips.deleted = true;
        out.push("DELETE FROM ");
        out.table_name(table);
        self.change.finish(out, " USING ", "delete")
    }
}

impl<V> Clone for Update<V> {
    fn clone(&self) -> Self {
        Self {
            change: self.change.clone(),
            set: self.set.clone(),
        }
    }
}

impl<V> Clone for Delete<V> {
    fn clone(&self) -> Self {
        Self {
            change: self.change.clone(),
            hard: self.hard,
        }
    }
}

impl<V> Clone for Change<V> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            sources: self.sources.clone(),
            rows: match &self.rows {
                Rows::Unsaid => Rows::Unsaid,
                Rows::Every => Rows::Every,
                Rows::Where(condition) => Rows::Where(condition.clone()),
            },
            returning: self.returning.clone(),
            skips: self.skips,
        }
    }
}
