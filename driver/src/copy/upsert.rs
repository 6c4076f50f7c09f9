//! Inserting rows that may be there already.
//!
//! Counting. `RETURNING xmax = 0`, the usual way to tell an inserted row from an updated one, fails on partitioned
//! tables ("cannot retrieve a system column in this context", PostgreSQL 13 to 18) and on views. Here each update adds
//! one to a transaction-local setting from the `WHERE` of `DO UPDATE`, which the server evaluates exactly once per row
//! that it is about to update; a savepoint that is rolled back takes its part of the count along. What is counted are
//! attempts: a `BEFORE UPDATE` trigger that suppresses an update comes later. Its row is in the count and not in the tag,
//! so that whoever subtracts limits the count to the tag's.
//!
//! Duplicates. `ON CONFLICT DO UPDATE` refuses to touch one row twice (SQLSTATE 21000), so a batch that holds a key
//! twice is thinned first, with `DISTINCT ON`. That is done always, not only after a refusal: the sort costs little
//! (docs/adr/0005-upsert.md has the figures), and it makes concurrent upserts lock rows in the same order, so that they
//! wait for each other instead of running into a deadlock.

use std::fmt::Write as _;

use super::insert::elements;
use super::stage::{self, StagePlan};
use super::target::{ColumnType, Target, idents, joined, list, returning_clause};
use crate::error::{Error, Result, SqlState};
use crate::ident::Ident;

/// What to do with a row whose key is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Action<'a> {
    /// Set all columns that are not part of the key.
    #[default]
    UpdateAll,
    /// Set these columns; none is the same as [`Action::Nothing`].
    Update(Vec<&'a str>),
    /// Leave the row as it is.
    Nothing,
}

/// Which row counts when one batch holds several for the same key.
///
/// Keys with a NULL in them are never the same, as in a unique index. One that is `NULLS NOT DISTINCT` (PostgreSQL 15)
/// refuses several with SQLSTATE 21000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// The last one, as if the rows had been written one by one.
    #[default]
    Last,
    /// The first one.
    First,
    /// None: the call fails with SQLSTATE 21000, see [`Upsert::explain`].
    Error,
}

/// What a column of an updated row is set to, whatever the new row says.
#[derive(Clone, Debug)]
enum Fixed {
    Sql(Box<str>),
    /// A parameter, by its number among these, from 0.
    Parameter(usize),
}

/// An upsert of many rows.
#[derive(Clone, Debug)]
pub struct Upsert {
    target: Target,
    conflict: Box<[Ident]>,
    update: Vec<Ident>,
    fixed: Vec<(Ident, Fixed)>,
    condition: Option<Box<str>>,
    returning: Box<[Ident]>,
    duplicates: Duplicates,
    overriding: bool,
    /// Rows that are not there are left out instead of inserted.
    existing: bool,
}

impl Upsert {
    /// Rows into `target`, whose `conflict` columns are covered by a unique index or primary key.
    ///
    /// Fails if a column is not among the target's.
    pub fn new<'a>(
        target: Target,
        conflict: impl IntoIterator<Item = &'a str>,
        action: Action<'_>,
    ) -> Result<Self> {
        let conflict = idents(conflict)?;
        if conflict.is_empty() {
            return Err(Error::interface(
                "no conflict columns were named; name those of a unique index or primary key",
            ));
        }
        target.check_has(&conflict, "conflict")?;
        let update = match action {
            Action::UpdateAll => target
                .columns()
                .iter()
                .filter(|column| !conflict.contains(column))
                .cloned()
                .collect(),
            Action::Update(columns) => idents(columns)?.into_vec(),
            Action::Nothing => Vec::new(),
        };
        target.check_has(&update, "update")?;
        Ok(Self {
            target,
            conflict,
            update,
            fixed: Vec::new(),
            condition: None,
            returning: Box::default(),
            duplicates: Duplicates::default(),
            overriding: false,
            existing: false,
        })
    }

    /// Updates only rows for which this SQL condition holds; in it the table's own name stands for the row that is
    /// there, and `excluded` for the new one. The text becomes part of the statement as it is: never build it from
    /// foreign input.
    #[must_use]
    pub fn condition(mut self, sql: &str) -> Self {
        self.condition = Some(sql.into());
        self
    }

    /// Sets a column of each updated row to this SQL, such as `now()`, instead of the new row's value. The column need not
    /// be among those of the rows. The text becomes part of the statement as it is: never build it from foreign input.
    pub fn set_sql(self, column: &str, sql: &str) -> Result<Self> {
        self.set(column, |_| Fixed::Sql(sql.into()))
    }

    /// Sets a column of each updated row to the value of one more parameter, instead of the new row's value: the
    /// statement's last ones, in the order of these calls, of the columns' types.
    pub fn set_parameter(self, column: &str) -> Result<Self> {
        self.set(column, Fixed::Parameter)
    }

    fn set(mut self, column: &str, value: impl FnOnce(usize) -> Fixed) -> Result<Self> {
        let column = Ident::column(column)?;
        let is_parameter = |(_, fixed): &&(Ident, Fixed)| matches!(fixed, Fixed::Parameter(_));
        let number = self.fixed.iter().filter(is_parameter).count();
        self.update.retain(|other| *other != column);
        self.fixed.push((column, value(number)));
        Ok(self)
    }

    /// Gives these columns back for each row that was written.
    pub fn returning<'a>(mut self, columns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        self.returning = idents(columns)?;
        Ok(self)
    }

    /// Which of several rows for one key counts.
    #[must_use]
    pub fn duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// Takes values for identity columns that are `GENERATED ALWAYS`.
    #[must_use]
    pub fn overriding_system_value(mut self) -> Self {
        self.overriding = true;
        self
    }

    /// Only updates: rows that are not there are left out. The `conflict` columns need not be those of a unique index.
    #[must_use]
    pub fn existing_only(mut self) -> Self {
        self.existing = true;
        self
    }

    /// The table and columns.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// One statement for any number of rows (at least one): parameter `$n` is the array of column n's values. Declare the
    /// types that [`unnest_parameters`](super::unnest_parameters) gives.
    ///
    /// [`Upsert::count_sql`] goes into the same request, behind it.
    ///
    /// `types` are those of the columns: keys are compared as the table will hold them.
    pub fn unnest_sql(&self, types: &[ColumnType]) -> String {
        let columns = self.target.columns();
        let ordinal = stage::ordinal_column(&self.target);
        let mut source = "(SELECT ".to_owned();
        for (at, column) in columns.iter().enumerate() {
            let value = elements(at + 1);
            source += &match types.get(at) {
                Some(column_type) if self.conflict.contains(column) => column_type.as_held(value),
                _ => value,
            };
            source += " AS ";
            column.push_to(&mut source);
            source += ", ";
        }
        let _ = write!(
            source,
            "pg_catalog.generate_subscripts($1, 1) AS {ordinal}) AS new"
        );
        self.merge_sql(&source, &ordinal, columns.len() + 1)
    }

    /// Tells, in a single int8, how many of the rows that the statement before it in the same transaction wrote were
    /// there already; the others of its tag's count were inserted. `None` where nothing is ever updated.
    pub fn count_sql(&self) -> Option<&'static str> {
        (!self.updates_nothing() && !self.existing).then_some(COUNT_SQL)
    }

    /// COPY into a staging table and a merge from there. `types` are those of the columns.
    pub fn stage(&self, types: &[ColumnType]) -> StagePlan {
        let name = stage::name(&self.target, types);
        let merge = self.merge_sql(&name, &stage::ordinal_column(&self.target), 1);
        let count = self.count_sql().map(str::to_owned);
        let ordinal = self.duplicates != Duplicates::Error;
        StagePlan::new(&self.target, name, ordinal, merge, count)
    }

    /// Says in our words what the server means by SQLSTATE 21000 in answer to these statements; other errors pass.
    pub fn explain(&self, error: Error) -> Error {
        if error.sqlstate() != Some(SqlState::CARDINALITY_VIOLATION) {
            return error;
        }
        Error::data(format!(
            "several rows of the batch have the same values in {}, so one row of {} would be written twice; \
             remove the duplicates, or say that the first or the last of them counts",
            list(&self.conflict),
            self.target.table(),
        ))
        .with_outcome(error.outcome())
        .with_source(error)
    }

    fn updates_nothing(&self) -> bool {
        self.update.is_empty() && self.fixed.is_empty()
    }

    /// `parameter` is the number of the first one that is free.
    fn merge_sql(&self, source: &str, ordinal: &str, parameter: usize) -> String {
        if self.existing {
            return self.update_sql(source, ordinal, parameter);
        }
        format!(
            "INSERT INTO {} ({}){} SELECT {} ON CONFLICT ({}) DO {}{}",
            self.target.table(),
            list(self.target.columns()),
            if self.overriding {
                " OVERRIDING SYSTEM VALUE"
            } else {
                ""
            },
            self.selection(source, ordinal),
            list(&self.conflict),
            self.reaction(parameter),
            returning_clause(&self.returning),
        )
    }

    /// The same for rows that are there. The new ones are called `excluded`, as in an upsert.
    fn update_sql(&self, source: &str, ordinal: &str, parameter: usize) -> String {
        let table = self.target.table();
        let same = joined(&self.conflict, " AND ", |column, sql| {
            let _ = write!(sql, "{table}.{column} = excluded.{column}");
        });
        let condition = match &self.condition {
            // The line break ends a comment.
            Some(condition) => format!(" AND ({condition}\n)"),
            None => String::new(),
        };
        format!(
            "UPDATE {table} SET {} FROM (SELECT {}) AS excluded WHERE {same}{condition}",
            self.assignments(parameter),
            self.selection(source, ordinal),
        )
    }

    /// What follows `SELECT`: the rows of `source` that count, in the order of their keys.
    fn selection(&self, source: &str, ordinal: &str) -> String {
        let columns = list(self.target.columns());
        let keys = list(&self.conflict);
        let direction = match self.duplicates {
            Duplicates::Last => " DESC",
            Duplicates::First => "",
            Duplicates::Error if self.updates_nothing() || self.existing => {
                // DO NOTHING would drop the second row in silence, and UPDATE one of them. The subquery gives no row if all keys differ, and at
                // least two otherwise: then the server fails it with the same SQLSTATE as DO UPDATE.
                let no_null = joined(&self.conflict, " AND ", |column, sql| {
                    column.push_to(sql);
                    sql.push_str(" IS NOT NULL");
                });
                return format!(
                    "{columns} FROM {source} WHERE (SELECT generate_series(1, count(*)) FROM {source} \
                     WHERE {no_null} GROUP BY {keys} HAVING count(*) > 1) IS NULL ORDER BY {keys}"
                );
            }
            Duplicates::Error => return format!("{columns} FROM {source} ORDER BY {keys}"),
        };
        // Keys with a NULL are told apart by the number of their row: they never conflict.
        let any_null = joined(&self.conflict, " OR ", |column, sql| {
            column.push_to(sql);
            sql.push_str(" IS NULL");
        });
        let distinct = format!("{keys}, CASE WHEN {any_null} THEN {ordinal} END");
        format!(
            "DISTINCT ON ({distinct}) {columns} FROM {source} ORDER BY {distinct}, {ordinal}{direction}"
        )
    }

    /// What columns of updated rows are set to.
    fn assignments(&self, parameter: usize) -> String {
        let mut assignments = joined(&self.update, ", ", |column, sql| {
            column.push_to(sql);
            sql.push_str(" = excluded.");
            column.push_to(sql);
        });
        for (column, value) in &self.fixed {
            if !assignments.is_empty() {
                assignments.push_str(", ");
            }
            column.push_to(&mut assignments);
            assignments.push_str(" = ");
            match value {
                // The line break ends a comment.
                Fixed::Sql(sql) => assignments.extend(["(", sql, "\n)"]),
                Fixed::Parameter(number) => {
                    assignments.extend(["$", &(parameter + number).to_string()]);
                }
            }
        }
        assignments
    }

    /// What follows `DO`.
    fn reaction(&self, parameter: usize) -> String {
        if self.updates_nothing() {
            return "NOTHING".to_owned();
        }
        let assignments = self.assignments(parameter);
        match &self.condition {
            None => format!("UPDATE SET {assignments} WHERE {ADD_ONE}"),
            // The order of AND's sides is the server's choice, that of CASE is not. The line break ends a comment.
            Some(condition) => format!(
                "UPDATE SET {assignments} WHERE CASE WHEN ({condition}\n) THEN {ADD_ONE} ELSE false END"
            ),
        }
    }
}

/// Adds one to the transaction's count of updated rows; always true. An unset setting of this kind reads as NULL before
/// its first use in a session and as an empty text later.
const ADD_ONE: &str = "set_config('data_bridge.updated', (coalesce(nullif(\
    current_setting('data_bridge.updated', true), ''), '0')::int8 + 1)::text, true) <> ''";

/// Reads the count and starts it anew for the next upsert of the same transaction.
const COUNT_SQL: &str = "SELECT updated FROM (SELECT coalesce(nullif(\
    current_setting('data_bridge.updated', true), ''), '0')::int8 AS updated OFFSET 0) AS counted \
    WHERE set_config('data_bridge.updated', '', true) = ''";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::QualifiedName;

    const TYPES: [ColumnType; 3] = [plain(23), plain(25), plain(25)];

    const fn plain(oid: u32) -> ColumnType {
        ColumnType { oid, modifier: -1 }
    }

    fn upsert(action: Action<'_>, duplicates: Duplicates) -> Upsert {
        let target = Target::new(QualifiedName::parse("t").unwrap(), ["id", "a", "b"]).unwrap();
        Upsert::new(target, ["id"], action)
            .unwrap()
            .duplicates(duplicates)
    }

    #[test]
    fn rows_that_are_there_alone_are_updated() {
        let update = upsert(Action::UpdateAll, Duplicates::Error)
            .existing_only()
            .set_sql("b", "now()")
            .unwrap()
            .condition("t.live");
        let plan = update.stage(&TYPES);
        assert_eq!(
            plan.merge.replace(&plan.table, "stage"),
            "UPDATE \"t\" SET \"a\" = excluded.\"a\", \"b\" = (now()\n) FROM (SELECT \"id\", \"a\", \"b\" FROM stage \
             WHERE (SELECT generate_series(1, count(*)) FROM stage WHERE \"id\" IS NOT NULL GROUP BY \"id\" \
             HAVING count(*) > 1) IS NULL ORDER BY \"id\") AS excluded WHERE \"t\".\"id\" = excluded.\"id\" AND (t.live\n)"
        );
        assert_eq!(plan.count, None);
    }

    #[test]
    fn last_row_of_a_key_wins_in_one_statement() {
        assert_eq!(
            upsert(Action::UpdateAll, Duplicates::Last).unnest_sql(&TYPES),
            format!(
                r#"INSERT INTO "t" ("id", "a", "b") SELECT DISTINCT ON ("id", CASE WHEN "id" IS NULL THEN "ordinal" END) "id", "a", "b" FROM (SELECT pg_catalog.unnest($1) AS "id", pg_catalog.unnest($2) AS "a", pg_catalog.unnest($3) AS "b", pg_catalog.generate_subscripts($1, 1) AS "ordinal") AS new ORDER BY "id", CASE WHEN "id" IS NULL THEN "ordinal" END, "ordinal" DESC ON CONFLICT ("id") DO UPDATE SET "a" = excluded."a", "b" = excluded."b" WHERE {ADD_ONE}"#
            )
        );
    }

    #[test]
    fn keys_are_compared_as_the_table_holds_them() {
        let numeric = ColumnType {
            oid: 1700,
            modifier: 327_685,
        };
        let sql = upsert(Action::UpdateAll, Duplicates::Last).unnest_sql(&[numeric; 3]);
        assert!(sql.contains(
            r#"(SELECT pg_catalog."numeric"(pg_catalog.unnest($1), 327685) AS "id", pg_catalog.unnest($2) AS "a", "#
        ));
    }

    #[test]
    fn a_stage_is_filled_by_copy() {
        let plan = upsert(Action::Update(vec!["b"]), Duplicates::Error)
            .condition("t.b < excluded.b -- newer")
            .returning(["id"])
            .unwrap()
            .stage(&TYPES);
        let name = &plan.table;
        assert_eq!(
            plan.create,
            format!(
                r#"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ON COMMIT DELETE ROWS AS SELECT "id", "a", "b", NULL::int8 AS "ordinal" FROM "t" WITH NO DATA"#
            )
        );
        assert_eq!(
            plan.copy,
            format!(r#"COPY {name} ("id", "a", "b") FROM STDIN (FORMAT binary)"#)
        );
        assert_eq!(
            plan.merge,
            format!(
                "INSERT INTO \"t\" (\"id\", \"a\", \"b\") SELECT \"id\", \"a\", \"b\" FROM {name} ORDER BY \"id\" \
                 ON CONFLICT (\"id\") DO UPDATE SET \"b\" = excluded.\"b\" \
                 WHERE CASE WHEN (t.b < excluded.b -- newer\n) THEN {ADD_ONE} ELSE false END RETURNING \"id\""
            )
        );
        assert_eq!(plan.count.as_deref(), Some(COUNT_SQL));
        assert_eq!(plan.clear, format!("TRUNCATE {name}"));
        let last = upsert(Action::Nothing, Duplicates::Last).stage(&TYPES);
        assert_eq!(
            last.copy,
            format!(r#"COPY {name} ("id", "a", "b", "ordinal") FROM STDIN (FORMAT binary)"#)
        );
        assert!(last.ordinal && last.merge.ends_with(r#"ON CONFLICT ("id") DO NOTHING"#));
    }

    #[test]
    fn fixed_values_stand_behind_those_of_the_rows() {
        let upsert = upsert(Action::UpdateAll, Duplicates::Last)
            .set_parameter("b")
            .and_then(|upsert| upsert.set_sql("seen", "now() -- here"))
            .and_then(|upsert| upsert.set_parameter("by"))
            .unwrap();
        let reaction = |first: usize| {
            format!(
                "DO UPDATE SET \"a\" = excluded.\"a\", \"b\" = ${first}, \"seen\" = (now() -- here\n), \"by\" = ${} \
                 WHERE {ADD_ONE}",
                first + 1
            )
        };
        assert!(upsert.unnest_sql(&TYPES).ends_with(&reaction(4)));
        assert!(upsert.stage(&TYPES).merge.ends_with(&reaction(1)));
    }

    #[test]
    fn nothing_to_update_counts_nothing() {
        for action in [Action::Nothing, Action::Update(vec![])] {
            let upsert = upsert(action, Duplicates::Error);
            assert_eq!(upsert.count_sql(), None);
            assert!(
                upsert
                    .unnest_sql(&TYPES)
                    .contains("HAVING count(*) > 1) IS NULL")
            );
        }
    }

    #[test]
    fn columns_must_be_among_the_rows() {
        let target = Target::new(QualifiedName::parse("t").unwrap(), ["id", "a"]).unwrap();
        let error = |conflict: &[&'static str], update: &[&'static str]| {
            Upsert::new(
                target.clone(),
                conflict.iter().copied(),
                Action::Update(update.to_vec()),
            )
            .unwrap_err()
            .to_string()
        };
        assert!(error(&["key"], &[]).contains(r#"conflict column "key""#));
        assert!(error(&["id"], &["b"]).contains(r#"update column "b""#));
        assert!(error(&[], &[]).contains("no conflict columns"));
    }
}
