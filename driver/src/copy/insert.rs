//! Inserting many rows where COPY is too much (few rows) or too little (generated keys are wanted).

use std::fmt::Write as _;

use super::stage::{self, StagePlan};
use super::target::{ColumnType, Target, idents, list, returning_clause};
use crate::error::Result;
use crate::ident::Ident;

/// A plain insert of many rows.
#[derive(Clone, Debug)]
pub struct Insert {
    target: Target,
    returning: Box<[Ident]>,
}

impl Insert {
    /// Rows into `target`; `returning` names columns to give back for each, such as a generated key.
    pub fn new<'a>(target: Target, returning: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        Ok(Self {
            target,
            returning: idents(returning)?,
        })
    }

    /// The table and columns.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The columns to give back.
    pub fn returning(&self) -> &[Ident] {
        &self.returning
    }

    /// One statement for any number of rows: parameter `$n` is the array of column n's values. Declare the types that
    /// [`unnest_parameters`] gives; the rows come back in the order of the arrays.
    pub fn unnest_sql(&self) -> String {
        format!(
            "INSERT INTO {} ({}) SELECT {}{}",
            self.target.table(),
            list(self.target.columns()),
            unnested(self.target.columns().len()),
            returning_clause(&self.returning),
        )
    }

    /// The statement for a single row: parameter `$n` is the value of column n.
    pub fn values_sql(&self) -> String {
        format!(
            "INSERT INTO {} ({}) VALUES ({}){}",
            self.target.table(),
            list(self.target.columns()),
            numbered(self.target.columns().len()),
            returning_clause(&self.returning),
        )
    }

    /// COPY into a staging table and an insert from there: COPY itself gives nothing back. Outside a transaction and
    /// without `returning`, [`Target::copy_sql`] does the same with less work.
    ///
    /// `types` are those of the columns.
    pub fn stage(&self, types: &[ColumnType]) -> StagePlan {
        let columns = list(self.target.columns());
        let ordinal = stage::ordinal_column(&self.target);
        let name = stage::name(&self.target, types);
        let merge = format!(
            "INSERT INTO {} ({columns}) SELECT {columns} FROM {name} ORDER BY {ordinal}{}",
            self.target.table(),
            returning_clause(&self.returning),
        );
        StagePlan::new(&self.target, name, true, merge, None)
    }
}

/// `$1, $2, $3`.
fn numbered(count: usize) -> String {
    let mut sql = String::new();
    for number in 1..=count {
        let separator = if number == 1 { "" } else { ", " };
        let _ = write!(sql, "{separator}${number}");
    }
    sql
}

/// The elements of the array that is parameter `number`: in the list of a `SELECT`, where those of all arrays come row by
/// row. In its `FROM`, `unnest` would take composite values apart.
pub(super) fn elements(number: usize) -> String {
    format!("pg_catalog.unnest(${number})")
}

fn unnested(count: usize) -> String {
    (1..=count).map(elements).collect::<Vec<_>>().join(", ")
}

/// The parameter types of the `unnest` statements for columns of these types: the array type of each.
///
/// `None` if a column has none or is an array itself, since `unnest` takes arrays of arrays apart down to their
/// elements: such rows travel by COPY. `array_of` gives the array type of an element type, and `None` for arrays.
pub fn unnest_parameters(
    types: &[u32],
    array_of: impl Fn(u32) -> Option<u32>,
) -> Option<Box<[u32]>> {
    types.iter().map(|oid| array_of(*oid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::QualifiedName;

    fn insert(returning: &[&str]) -> Insert {
        let target = Target::new(QualifiedName::parse("t").unwrap(), ["id", "name"]).unwrap();
        Insert::new(target, returning.iter().copied()).unwrap()
    }

    #[test]
    fn golden_sql() {
        assert_eq!(
            insert(&[]).unnest_sql(),
            r#"INSERT INTO "t" ("id", "name") SELECT pg_catalog.unnest($1), pg_catalog.unnest($2)"#
        );
        assert_eq!(
            insert(&["key"]).values_sql(),
            r#"INSERT INTO "t" ("id", "name") VALUES ($1, $2) RETURNING "key""#
        );
        let plan = insert(&["key"]).stage(&[20, 25].map(|oid| ColumnType { oid, modifier: -1 }));
        assert_eq!(
            plan.merge,
            format!(
                r#"INSERT INTO "t" ("id", "name") SELECT "id", "name" FROM {} ORDER BY "ordinal" RETURNING "key""#,
                plan.table
            )
        );
        assert!(plan.ordinal && plan.count.is_none());
    }

    #[test]
    fn arrays_do_not_go_through_unnest() {
        let array_of = |oid| (oid == 23).then_some(1007);
        assert_eq!(
            unnest_parameters(&[23, 23], array_of).as_deref(),
            Some(&[1007, 1007][..])
        );
        assert_eq!(unnest_parameters(&[23, 1007], array_of), None);
    }
}
