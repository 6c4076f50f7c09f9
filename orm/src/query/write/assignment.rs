//! Columns and what they are set to.

use data_bridge_driver::Error;

use crate::{
    query::{Expr, IntoOperand, ValueType, render::Renderer},
    schema::{ColumnRef, Table},
};

/// A column and what it is set to.
#[derive(Debug)]
pub(super) struct Assignment<V> {
    pub column: ColumnRef,
    value: Value<V>,
}

#[derive(Debug)]
enum Value<V> {
    Given(Expr<V>),
    /// What the INSERT proposed for the same column.
    Excluded,
}

impl<V> Assignment<V> {
    /// An expression, or a value that is sent as the column's type.
    pub fn new(column: ColumnRef, value: impl IntoOperand<V>) -> Self {
        let value = value.into_operand(ValueType::of_column(column.column()));
        Self {
            column,
            value: Value::Given(value),
        }
    }

    pub fn excluded(column: ColumnRef) -> Self {
        let value = Value::Excluded;
        Self { column, value }
    }

    pub fn is_excluded(&self) -> bool {
        matches!(self.value, Value::Excluded)
    }

    pub fn render_value<'a>(&'a self, out: &mut Renderer<'a, V>) -> Result<(), Error> {
        match &self.value {
            Value::Given(expr) => out.expr(expr),
            Value::Excluded => {
                out.push("EXCLUDED.");
                out.push(self.column.column().name.quoted());
                Ok(())
            }
        }
    }
}

impl<V> Clone for Assignment<V> {
    fn clone(&self) -> Self {
        let value = match &self.value {
            Value::Given(expr) => Value::Given(expr.clone()),
            Value::Excluded => Value::Excluded,
        };
        Self {
            column: self.column.clone(),
            value,
        }
    }
}

/// `"a" = $1, "b" = $2`
pub(super) fn render<'a, V>(
    out: &mut Renderer<'a, V>,
    set: &'a [Assignment<V>],
) -> Result<(), Error> {
    for (index, assignment) in set.iter().enumerate() {
        out.comma(index);
        out.push(assignment.column.column().name.quoted());
        out.push(" = ");
        assignment.render_value(out)?;
    }
    Ok(())
}

/// `"a", "b"`
pub(super) fn names<'a, V>(
    out: &mut Renderer<'_, V>,
    columns: impl Iterator<Item = &'a ColumnRef>,
) {
    for (index, column) in columns.enumerate() {
        out.comma(index);
        out.push(column.column().name.quoted());
    }
}

/// Refuses columns of other tables, and to set one twice.
pub(super) fn check<V>(table: &Table, set: &[Assignment<V>]) -> Result<(), Error> {
    for (index, assignment) in set.iter().enumerate() {
        belongs(table, &assignment.column)?;
        let is_set = |other: &Assignment<V>| other.column.index == assignment.column.index;
        if set.iter().take(index).any(is_set) {
            return Err(Error::interface(format!(
                "{} is set twice",
                assignment.column
            )));
        }
    }
    Ok(())
}

pub(super) fn belongs(table: &Table, column: &ColumnRef) -> Result<(), Error> {
    if column.table.is(table) {
        return Ok(());
    }
    Err(Error::interface(format!(
        "{column} is not a column of {}, which this statement writes",
        table.name()
    )))
}
