//! The staging table: where COPY puts rows before they are merged.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::target::{ColumnType, Target, copy_into, list};
use crate::ident::Ident;

/// The statements of a bulk write that goes through a staging table.
///
/// The table is temporary, belongs to the connection and stays there for the next call with the same columns; the server
/// empties it at each commit, so it costs no catalog churn. All steps run in one transaction:
///
/// 1. [`create`](Self::create), which does nothing (but tell a notice, 42P07) if the table is there, behind what
///    [`Session::stage`](crate::session::Session::stage) asks for;
/// 2. [`clear`](Self::clear), only in a transaction that may have used the table before;
/// 3. [`copy`](Self::copy) with the rows;
/// 4. [`merge`](Self::merge): its rows are the `returning` columns, and its tag counts the rows written;
/// 5. [`count`](Self::count) if there is one: a single row with a single int8, how many of those were updated.
///
/// No step's text depends on an earlier answer, so the transaction needs two waits: for the server to take the COPY's
/// data, and for the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagePlan {
    /// The staging table's name, quoted.
    pub table: String,
    /// Makes the staging table unless it is there.
    pub create: String,
    /// Empties the staging table before the transaction's end does.
    pub clear: String,
    /// Starts the COPY.
    pub copy: String,
    /// Whether each row of the COPY ends in one more column, an int8 with the number of the row.
    pub ordinal: bool,
    /// Moves the rows to where they belong.
    pub merge: String,
    /// Tells how many of the merged rows were there before.
    pub count: Option<String>,
}

/// How many staging tables a connection keeps.
const KEPT: usize = 16;

/// The staging tables that a connection has made, the one used last at the end.
///
/// It is a guess: a rollback or `DISCARD TEMP` takes tables away, and that does no harm, since each step says `IF EXISTS`
/// or `IF NOT EXISTS`.
#[derive(Debug, Default)]
pub(crate) struct Stages(Vec<Box<str>>);

impl Stages {
    /// Notes that a plan is about to be run. Where that would make too many tables, the command that drops the one used
    /// longest ago.
    pub(crate) fn used(&mut self, plan: &StagePlan) -> Option<String> {
        self.0.retain(|table| **table != *plan.table);
        let oldest = (self.0.len() >= KEPT).then(|| self.0.remove(0));
        self.0.push(plan.table.as_str().into());
        oldest.map(|table| format!("DROP TABLE IF EXISTS pg_temp.{table}"))
    }
}

impl StagePlan {
    pub(super) fn new(
        target: &Target,
        table: String,
        ordinal: bool,
        merge: String,
        count: Option<String>,
    ) -> Self {
        let columns = list(target.columns());
        let extra = ordinal_column(target);
        // `IF NOT EXISTS` looks the name up where it would create it: among the connection's temporary tables.
        let create = format!(
            "CREATE TEMPORARY TABLE IF NOT EXISTS {table} ON COMMIT DELETE ROWS \
             AS SELECT {columns}, NULL::int8 AS {extra} FROM {} WITH NO DATA",
            target.table()
        );
        let copied = if ordinal {
            format!("{columns}, {extra}")
        } else {
            columns
        };
        Self {
            create,
            clear: format!("TRUNCATE {table}"),
            copy: copy_into(&table, &copied),
            ordinal,
            merge,
            count,
            table,
        }
    }
}

/// The staging table's name: other columns or types mean another table, so that a changed table never meets an old
/// stage.
pub(super) fn name(target: &Target, types: &[ColumnType]) -> String {
    let mut digest = Sha256::new();
    digest.update(target.table().to_string());
    for column in target.columns() {
        digest.update(b",");
        digest.update(column.to_string());
    }
    for column in types {
        digest.update(column.oid.to_be_bytes());
        digest.update(column.modifier.to_be_bytes());
    }
    let mut name = "\"data_bridge_stage_".to_owned();
    for byte in digest.finalize().iter().take(12) {
        let _ = write!(name, "{byte:02x}");
    }
    name.push('"');
    name
}

/// The name of the column that numbers the rows, quoted: one that the target does not have.
pub(super) fn ordinal_column(target: &Target) -> String {
    let mut name = "ordinal".to_owned();
    while target
        .columns()
        .iter()
        .any(|column| column.as_str() == name)
    {
        name.push('_');
    }
    // Cannot fail: the name is shorter than the columns it evades, and those are valid.
    Ident::column(&name).map_or(name, |ident| ident.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::QualifiedName;

    fn target(table: &str, columns: &[&str]) -> Target {
        Target::new(
            QualifiedName::parse(table).unwrap(),
            columns.iter().copied(),
        )
        .unwrap()
    }

    fn column(oid: u32, modifier: i32) -> ColumnType {
        ColumnType { oid, modifier }
    }

    #[test]
    fn another_shape_has_another_name() {
        let name_of = |table, columns: &[&str], types: &[u32]| {
            let types: Vec<_> = types.iter().map(|oid| column(*oid, -1)).collect();
            name(&target(table, columns), &types)
        };
        let first = name_of("t", &["a", "b"], &[23, 25]);
        assert_eq!(first, name_of("t", &["a", "b"], &[23, 25]));
        assert_eq!(first.len(), 2 + 42);
        for other in [
            name_of("u", &["a", "b"], &[23, 25]),
            name_of("t", &["b", "a"], &[23, 25]),
            name_of("t", &["a"], &[23]),
            name_of("t", &["a", "b"], &[20, 25]),
        ] {
            assert_ne!(first, other);
        }
        let numeric = |modifier| name(&target("t", &["a"]), &[column(1700, modifier)]);
        assert_ne!(numeric(327_685), numeric(327_686));
    }

    #[test]
    fn the_stage_used_longest_ago_makes_room() {
        let plan = |table: &str| {
            let name = format!("\"{table}\"");
            StagePlan::new(&target("t", &["a"]), name, false, String::new(), None)
        };
        let mut stages = Stages::default();
        for number in 0..KEPT {
            assert_eq!(stages.used(&plan(&number.to_string())), None);
        }
        assert_eq!(stages.used(&plan("0")), None);
        let dropped = stages.used(&plan("another"));
        assert_eq!(
            dropped.as_deref(),
            Some("DROP TABLE IF EXISTS pg_temp.\"1\"")
        );
        assert_eq!(stages.0.len(), KEPT);
    }

    #[test]
    fn the_ordinal_evades_the_columns() {
        assert_eq!(ordinal_column(&target("t", &["a"])), r#""ordinal""#);
        assert_eq!(
            ordinal_column(&target("t", &["ordinal", "ordinal_"])),
            r#""ordinal__""#
        );
    }
}
