//! INSERT, upsert, UPDATE and DELETE of single rows and by condition. The bulk forms are the driver's.

use data_bridge_driver::Error;

use super::{
    Expr, IntoParam, Param, Scope, Statement, param::Typed, render::Renderer, scope::Skips,
    source::Source,
};
use crate::schema::{ColumnRef, Fragment, Table};

/// A column and what it is set to.
#[derive(Clone, Debug)]
struct Assignment<V> {
    column: ColumnRef,
    value: Value<V>,
}

#[derive(Clone, Debug)]
enum Value<V> {
    Param(Typed<V>),
    /// What the INSERT proposed for the same column.
    Excluded,
    Sql(Fragment),
}

impl<V> Assignment<V> {
    fn param(column: ColumnRef, value: impl IntoParam<V>) -> Self {
        let oid = column.column().ty.oid();
        Self {
            column,
            value: Value::Param(Typed {
                value: value.into_param(),
                oid,
            }),
        }
    }

    fn render<'a>(&'a self, out: &mut Renderer<'a, V>) {
        match &self.value {
            Value::Param(param) => out.param(param),
            Value::Excluded => {
                out.push("EXCLUDED.");
                out.push(self.column.column().name.quoted());
            }
            Value::Sql(sql) => {
                // A fragment may hold an operator that binds more loosely than what is around it.
                out.push("(");
                out.push(sql.as_str());
                out.push(")");
            }
        }
    }
}

/// An INSERT of one row, with what to do when the row is there already.
///
/// ```
/// use data_bridge_orm::{query::{Insert, Param}, schema::{Builtin, Column, Table}};
///
/// let users = Table::builder("users")?
///     .column(Column::new("email", Builtin::Text)?.primary_key())
///     .column(Column::new("name", Builtin::Text)?)
///     .build()?;
/// let (email, name) = (users.column("email")?, users.column("name")?);
/// let upsert = Insert::<Param>::into(&users)
///     .set(email.clone(), "a@x.io")
///     .set(name.clone(), "Ann")
///     .on_conflict(vec![email])
///     .update(name);
/// assert_eq!(
///     upsert.render()?.sql,
///     "INSERT INTO \"users\" (\"email\", \"name\") VALUES ($1, $2) \
///      ON CONFLICT (\"email\") DO UPDATE SET \"name\" = EXCLUDED.\"name\""
/// );
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Insert<V = Param> {
    table: Table,
    source: [Source<V>; 1],
    row: Vec<Assignment<V>>,
    /// Whether values for `GENERATED ALWAYS` columns are taken.
    overriding: bool,
    /// The columns that must not repeat, and what to set when they do.
    conflict: Option<Conflict<V>>,
    returning: Returning,
    skips: Skips,
}

#[derive(Clone, Debug)]
struct Conflict<V> {
    target: Vec<ColumnRef>,
    set: Vec<Assignment<V>>,
}

#[derive(Clone, Copy, Debug)]
enum Returning {
    Nothing,
    Row,
}

impl<V> Insert<V> {
    /// A row of the table's defaults.
    pub fn into(table: &Table) -> Self {
        Self {
            table: table.clone(),
            source: [Source::table(table)],
            row: Vec::new(),
            overriding: false,
            conflict: None,
            returning: Returning::Nothing,
            skips: Skips::default(),
        }
    }

    /// Gives a column a value.
    #[must_use]
    pub fn set(mut self, column: ColumnRef, value: impl IntoParam<V>) -> Self {
        self.row.push(Assignment::param(column, value));
        self
    }

    /// Has the server take given values for identity columns that are `GENERATED ALWAYS`.
    #[must_use]
    pub fn overriding_system_value(mut self) -> Self {
        self.overriding = true;
        self
    }

    /// Names the unique columns by which an existing row is recognised. Unless [`Insert::update`] or
    /// [`Insert::update_with`] follow, the existing row then stays as it is and the INSERT does nothing.
    #[must_use]
    pub fn on_conflict(mut self, columns: Vec<ColumnRef>) -> Self {
        self.conflict = Some(Conflict {
            target: columns,
            set: Vec::new(),
        });
        self
    }

    /// Has the existing row take the proposed value of this column. Without [`Insert::on_conflict`] it does nothing.
    #[must_use]
    pub fn update(mut self, column: ColumnRef) -> Self {
        if let Some(conflict) = &mut self.conflict {
            conflict.set.push(Assignment {
                column,
                value: Value::Excluded,
            });
        }
        self
    }

    /// Has the existing row take this value. Without [`Insert::on_conflict`] it does nothing.
    #[must_use]
    pub fn update_with(mut self, column: ColumnRef, value: impl IntoParam<V>) -> Self {
        if let Some(conflict) = &mut self.conflict {
            conflict.set.push(Assignment::param(column, value));
        }
        self
    }

    /// Has the existing row take the value of this SQL, such as `now()`. Without [`Insert::on_conflict`] it does nothing.
    #[must_use]
    pub fn update_with_sql(mut self, column: ColumnRef, sql: Fragment) -> Self {
        if let Some(conflict) = &mut self.conflict {
            conflict.set.push(Assignment {
                column,
                value: Value::Sql(sql),
            });
        }
        self
    }

    /// All rows are meant, whoever's they are, deleted ones too.
    #[must_use]
    pub fn unscoped(mut self) -> Self {
        self.skips = Skips::ALL;
        self
    }

    /// Deleted rows are meant too.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.skips.deleted = true;
        self
    }

    /// Answers with all columns of the row as it now is.
    #[must_use]
    pub fn returning(mut self) -> Self {
        self.returning = Returning::Row;
        self
    }

    /// Renders it.
    ///
    /// # Errors
    /// A column of another table, a column set twice, or a conflict on no columns.
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

    fn rendered<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Statement<'a, V>, Error> {
        let mut out = Renderer::over(&self.source, scope);
        out.skips = out.skips | self.skips;
        let table = &self.table;
        check(table, &self.row)?;
        out.push("INSERT INTO ");
        out.table_name(table);
        if self.row.is_empty() {
            out.push(" DEFAULT VALUES");
        } else {
            out.push(" (");
            names(
                &mut out,
                self.row.iter().map(|assignment| &assignment.column),
            );
            out.push(if self.overriding {
                ") OVERRIDING SYSTEM VALUE VALUES ("
            } else {
                ") VALUES ("
            });
            for (index, assignment) in self.row.iter().enumerate() {
                out.push(if index == 0 { "" } else { ", " });
                assignment.render(&mut out);
            }
            out.push(")");
        }
        if let Some(conflict) = &self.conflict {
            if conflict.target.is_empty() {
                return Err(Error::interface(format!(
                    "an upsert into {} needs conflict columns: those of a unique key",
                    table.name()
                )));
            }
            check(table, &conflict.set)?;
            for column in &conflict.target {
                belongs(table, column)?;
            }
            out.push(" ON CONFLICT (");
            names(&mut out, conflict.target.iter());
            out.push(if conflict.set.is_empty() {
                ") DO NOTHING"
            } else {
                ") DO UPDATE SET "
            });
            assignments(&mut out, &conflict.set);
            if !conflict.set.is_empty() {
                for assignment in &conflict.set {
                    if !matches!(assignment.value, Value::Excluded) {
                        out.keeps_tenant(table, assignment.column.index)?;
                    }
                }
                out.filter(None, self.source.iter())?;
            }
        }
        self.returning.render(&mut out, table);
        out.finish()
    }
}

/// An UPDATE of the rows for which a condition is true.
#[derive(Clone, Debug)]
pub struct Update<V = Param> {
    table: Table,
    source: [Source<V>; 1],
    set: Vec<Assignment<V>>,
    rows: Rows<V>,
    returning: Returning,
    skips: Skips,
}

/// A DELETE of the rows for which a condition is true.
#[derive(Clone, Debug)]
pub struct Delete<V = Param> {
    table: Table,
    /// Whether rows go that would else be marked as deleted.
    hard: bool,
    source: [Source<V>; 1],
    rows: Rows<V>,
    returning: Returning,
    skips: Skips,
}

/// Which rows are meant. To forget the condition must not empty a table.
#[derive(Clone, Debug)]
enum Rows<V> {
    Unsaid,
    Every,
    Where(Expr<V>),
}

impl<V> Rows<V> {
    fn narrow(&mut self, condition: Expr<V>) {
        *self = Self::Where(match std::mem::replace(self, Self::Unsaid) {
            Self::Where(earlier) => earlier & condition,
            Self::Unsaid | Self::Every => condition,
        });
    }

    fn render<'a>(
        &'a self,
        out: &mut Renderer<'a, V>,
        verb: &str,
        table: &Table,
        sources: &'a [Source<V>],
    ) -> Result<(), Error> {
        match self {
            Self::Where(condition) => out.filter(Some(condition), sources.iter()),
            Self::Every => out.filter(None, sources.iter()),
            Self::Unsaid => Err(Error::interface(format!(
                "this would {verb} every row of {}; give a condition, or say every_row if that is meant",
                table.name()
            ))),
        }
    }
}

impl<V> Update<V> {
    /// An update of this table.
    pub fn table(table: &Table) -> Self {
        Self {
            table: table.clone(),
            source: [Source::table(table)],
            set: Vec::new(),
            rows: Rows::Unsaid,
            returning: Returning::Nothing,
            skips: Skips::default(),
        }
    }

    /// Gives a column a value.
    #[must_use]
    pub fn set(mut self, column: ColumnRef, value: impl IntoParam<V>) -> Self {
        self.set.push(Assignment::param(column, value));
        self
    }

    /// Gives a column the value of this SQL, such as `now()`.
    #[must_use]
    pub fn set_sql(mut self, column: ColumnRef, sql: Fragment) -> Self {
        self.set.push(Assignment {
            column,
            value: Value::Sql(sql),
        });
        self
    }

    /// Updates the rows for which the condition is true; a second one narrows the first.
    #[must_use]
    pub fn filter(mut self, condition: Expr<V>) -> Self {
        self.rows.narrow(condition);
        self
    }

    /// Updates every row.
    #[must_use]
    pub fn every_row(mut self) -> Self {
        self.rows = Rows::Every;
        self
    }

    /// All rows are meant, whoever's they are, deleted ones too.
    #[must_use]
    pub fn unscoped(mut self) -> Self {
        self.skips = Skips::ALL;
        self
    }

    /// Deleted rows are meant too.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.skips.deleted = true;
        self
    }

    /// Answers with all columns of the rows as they now are.
    #[must_use]
    pub fn returning(mut self) -> Self {
        self.returning = Returning::Row;
        self
    }

    /// Renders it.
    ///
    /// # Errors
    /// Nothing to set, a column of another table or set twice, no word on which rows.
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

    fn rendered<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Statement<'a, V>, Error> {
        let mut out = Renderer::over(&self.source, scope);
        out.skips = out.skips | self.skips;
        let table = &self.table;
        check(table, &self.set)?;
        if self.set.is_empty() {
            return Err(Error::interface(format!(
                "an update of {} sets no column",
                table.name()
            )));
        }
        for assignment in &self.set {
            out.keeps_tenant(table, assignment.column.index)?;
        }
        out.push("UPDATE ");
        out.table_name(table);
        out.push(" SET ");
        assignments(&mut out, &self.set);
        self.rows.render(&mut out, "update", table, &self.source)?;
        self.returning.render(&mut out, table);
        out.finish()
    }
}

impl<V> Delete<V> {
    /// A deletion from this table: where it has a column for that, rows are marked as deleted.
    pub fn from(table: &Table) -> Self {
        Self {
            table: table.clone(),
            hard: false,
            source: [Source::table(table)],
            rows: Rows::Unsaid,
            returning: Returning::Nothing,
            skips: Skips::default(),
        }
    }

    /// Removes rows for good that would else be marked as deleted, those that are marked already too.
    #[must_use]
    pub fn hard(mut self) -> Self {
        self.hard = true;
        self
    }

    /// Deletes the rows for which the condition is true; a second one narrows the first.
    #[must_use]
    pub fn filter(mut self, condition: Expr<V>) -> Self {
        self.rows.narrow(condition);
        self
    }

    /// Deletes every row.
    #[must_use]
    pub fn every_row(mut self) -> Self {
        self.rows = Rows::Every;
        self
    }

    /// All rows are meant, whoever's they are, deleted ones too.
    #[must_use]
    pub fn unscoped(mut self) -> Self {
        self.skips = Skips::ALL;
        self
    }

    /// Deleted rows are meant too.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.skips.deleted = true;
        self
    }

    /// Answers with all columns of the rows that went.
    #[must_use]
    pub fn returning(mut self) -> Self {
        self.returning = Returning::Row;
        self
    }

    /// Renders it.
    ///
    /// # Errors
    /// A column of another table, no word on which rows.
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

    fn rendered<'a>(&'a self, scope: Option<&'a Scope<V>>) -> Result<Statement<'a, V>, Error> {
        let mut out = Renderer::over(&self.source, scope);
        out.skips = out.skips | self.skips;
        let table = &self.table;
        match table.soft_delete() {
            Some((_, column)) if !self.hard => {
                out.push("UPDATE ");
                out.table_name(table);
                out.push(" SET ");
                out.mark_deleted(column);
            }
            _ => {
                // What removes rows for good is there to remove those that were marked before.
                out.skips.deleted = true;
                out.push("DELETE FROM ");
                out.table_name(table);
            }
        }
        self.rows.render(&mut out, "delete", table, &self.source)?;
        self.returning.render(&mut out, table);
        out.finish()
    }
}

impl Returning {
    fn render<V>(self, out: &mut Renderer<'_, V>, table: &Table) {
        if matches!(self, Self::Row) {
            out.push(" RETURNING ");
            out.push(table.select_list());
        }
    }
}

fn names<'a, V>(out: &mut Renderer<'_, V>, columns: impl Iterator<Item = &'a ColumnRef>) {
    for (index, column) in columns.enumerate() {
        out.push(if index == 0 { "" } else { ", " });
        out.push(column.column().name.quoted());
    }
}

fn assignments<'a, V>(out: &mut Renderer<'a, V>, set: &'a [Assignment<V>]) {
    for (index, assignment) in set.iter().enumerate() {
        out.push(if index == 0 { "" } else { ", " });
        out.push(assignment.column.column().name.quoted());
        out.push(" = ");
        assignment.render(out);
    }
}

fn check<V>(table: &Table, set: &[Assignment<V>]) -> Result<(), Error> {
    for (index, assignment) in set.iter().enumerate() {
        belongs(table, &assignment.column)?;
        if set
            .iter()
            .take(index)
            .any(|earlier| earlier.column.index == assignment.column.index)
        {
            return Err(Error::interface(format!(
                "{} is set twice",
                assignment.column
            )));
        }
    }
    Ok(())
}

fn belongs(table: &Table, column: &ColumnRef) -> Result<(), Error> {
    if column.table.is(table) {
        Ok(())
    } else {
        Err(Error::interface(format!(
            "{column} is not a column of {}, which this statement writes",
            table.name()
        )))
    }
}
