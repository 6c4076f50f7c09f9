//! The table and columns of a bulk write.

use crate::error::{Error, Result};
use crate::ident::{Ident, QualifiedName};
use crate::wire::backend::Column;

/// The table that a bulk write fills, and which of its columns the rows give, in the rows' order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    table: QualifiedName,
    columns: Box<[Ident]>,
}

impl Target {
    /// Fails if a name is not valid, if there is no column, or if one comes twice.
    pub fn new<'a>(
        table: QualifiedName,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let columns = idents(columns)?;
        if columns.is_empty() {
            return Err(Error::interface(format!(
                "no columns were named for {table}; name those that the rows give"
            )));
        }
        Ok(Self { table, columns })
    }

    /// The table.
    pub fn table(&self) -> &QualifiedName {
        &self.table
    }

    /// The columns, in the order of the rows' values.
    pub fn columns(&self) -> &[Ident] {
        &self.columns
    }

    /// `SELECT "a", "b" FROM "t"`: to be prepared and never executed. Its description tells the columns' types.
    ///
    /// Prepare it anew for each bulk write (forget it, if it is in the statement cache): the server tells of a stale plan
    /// only when it is executed, and a column that has become another type of the same size would take COPY data for
    /// what they are not.
    pub fn describe_sql(&self) -> String {
        format!("SELECT {} FROM {}", list(&self.columns), self.table)
    }

    /// `COPY "t" ("a", "b") FROM STDIN (FORMAT binary)`.
    pub fn copy_sql(&self) -> String {
        copy_into(&self.table.to_string(), &list(&self.columns))
    }

    /// Fails with a message that names the first of `columns` that is not among the target's.
    pub(super) fn check_has(&self, columns: &[Ident], what: &str) -> Result<()> {
        match columns.iter().find(|column| !self.columns.contains(column)) {
            None => Ok(()),
            Some(column) => Err(Error::interface(format!(
                "the {what} column {column} is not among the columns of the rows; add it to them"
            ))),
        }
    }
}

/// The type of a column, as a description of [`Target::describe_sql`] tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnType {
    /// OID of the type; of a domain its base type's.
    pub oid: u32,
    /// `atttypmod`: what stands in parentheses behind the type's name, -1 if nothing does.
    pub modifier: i32,
}

impl From<&Column> for ColumnType {
    fn from(column: &Column) -> Self {
        Self {
            oid: column.type_oid,
            modifier: column.type_modifier,
        }
    }
}

impl ColumnType {
    /// `value` as the column will hold it: rounded, and without the blanks that it does not keep. A value that is too long
    /// is an error as in the column itself, where a cast would cut it off.
    ///
    /// `value` is SQL of the type without its modifier.
    pub(super) fn as_held(self, value: String) -> String {
        let name = LENGTH_COERCIONS.iter().find(|(oid, ..)| *oid == self.oid);
        match name {
            Some((_, name, is_text)) if self.modifier >= 0 => {
                let implicit = if *is_text { ", false" } else { "" };
                format!(
                    "pg_catalog.\"{name}\"({value}, {}{implicit})",
                    self.modifier
                )
            }
            _ => value,
        }
    }
}

/// The types whose modifier changes values that are equal otherwise, with the function that applies it (PostgreSQL
/// manual, `CREATE CAST`, "cast from a type to itself"), and whether that is to be told that the cast is not an explicit
/// one.
const LENGTH_COERCIONS: [(u32, &str, bool); 10] = [
    (1042, "bpchar", true),
    (1043, "varchar", true),
    (1083, "time", false),
    (1114, "timestamp", false),
    (1184, "timestamptz", false),
    (1186, "interval", false),
    (1266, "timetz", false),
    (1560, "bit", true),
    (1562, "varbit", true),
    (1700, "numeric", false),
];

pub(super) fn copy_into(table: &str, columns: &str) -> String {
    format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")
}

/// Validates column names; each may come once.
pub(super) fn idents<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Box<[Ident]>> {
    let mut idents = Vec::new();
    for name in names {
        let ident = Ident::column(name)?;
        if idents.contains(&ident) {
            return Err(Error::interface(format!(
                "the column {ident} is named twice"
            )));
        }
        idents.push(ident);
    }
    Ok(idents.into_boxed_slice())
}

/// `"a", "b"`.
pub(super) fn list(columns: &[Ident]) -> String {
    joined(columns, ", ", Ident::push_to)
}

/// Each column as `write` puts it, with `separator` between.
pub(super) fn joined(
    columns: &[Ident],
    separator: &str,
    mut write: impl FnMut(&Ident, &mut String),
) -> String {
    let mut sql = String::new();
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            sql.push_str(separator);
        }
        write(column, &mut sql);
    }
    sql
}

/// ` RETURNING "a", "b"`, or nothing.
pub(super) fn returning_clause(columns: &[Ident]) -> String {
    if columns.is_empty() {
        String::new()
    } else {
        format!(" RETURNING {}", list(columns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(columns: &[&str]) -> Result<Target> {
        Target::new(QualifiedName::parse("sales.Item")?, columns.iter().copied())
    }

    #[test]
    fn golden_sql() {
        let target = target(&["id", "a\"b"]).unwrap();
        assert_eq!(
            target.describe_sql(),
            r#"SELECT "id", "a""b" FROM "sales"."Item""#
        );
        assert_eq!(
            target.copy_sql(),
            r#"COPY "sales"."Item" ("id", "a""b") FROM STDIN (FORMAT binary)"#
        );
    }

    #[test]
    fn a_modifier_is_applied_as_by_an_assignment() {
        let held = |oid, modifier| ColumnType { oid, modifier }.as_held("x".to_owned());
        assert_eq!(held(1700, 327_685), r#"pg_catalog."numeric"(x, 327685)"#);
        assert_eq!(held(1043, 7), r#"pg_catalog."varchar"(x, 7, false)"#);
        assert_eq!(held(1184, 0), r#"pg_catalog."timestamptz"(x, 0)"#);
        assert_eq!(held(1700, -1), "x");
        assert_eq!(held(23, -1), "x");
    }

    #[test]
    fn bad_columns_are_named() {
        assert!(target(&[]).unwrap_err().to_string().contains("no columns"));
        let twice = target(&["id", "id"]).unwrap_err().to_string();
        assert!(twice.contains(r#""id" is named twice"#), "{twice}");
        assert!(target(&["ctid"]).is_err());
    }
}
