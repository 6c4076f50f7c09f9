//! DDL: tables as statements, in an order in which every reference finds its target.

use std::fmt::Write as _;

use super::{Column, Constraint, Rule, Table};

/// Whether a statement minds that its object is there already, or is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// The server's error.
    #[default]
    Error,
    /// `IF NOT EXISTS`, `IF EXISTS`.
    Skip,
}

/// The statements that make one table, its indexes and comments.
///
/// ```
/// use data_bridge_orm::schema::{Builtin, Column, Existing, Table, create_table};
///
/// let tags = Table::builder("tags")?.column(Column::new("name", Builtin::Text)?.primary_key()).build()?;
/// let statements = create_table(&tags, Existing::Error);
/// assert_eq!(
///     statements,
///     ["CREATE TABLE \"tags\" (\n    \"name\" text NOT NULL,\n    CONSTRAINT \"tags_pkey\" PRIMARY KEY (\"name\")\n)"]
/// );
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
pub fn create_table(table: &Table, existing: Existing) -> Vec<String> {
    create_with(table, existing, |_| true)
}

/// The statements that make all of the tables, those that are referred to first. Where references form a circle, one
/// of them is added by `ALTER TABLE` at the end.
///
/// With [`Existing::Skip`], such late references are added only where the catalog does not have them yet.
pub fn create_all(tables: &[Table], existing: Existing) -> Vec<String> {
    let mut statements = Vec::new();
    let mut late = Vec::new();
    let order = in_dependency_order(tables);
    for (position, table) in order.iter().enumerate() {
        let made = order.get(..=position).unwrap_or_default();
        // A target outside the list is taken to exist already.
        let ready = |constraint: &Constraint| match &constraint.rule {
            Rule::ForeignKey { references, .. } => {
                made.iter().any(|t| *t.name() == references.table)
                    || !tables.iter().any(|t| *t.name() == references.table)
            }
            _ => true,
        };
        statements.extend(create_with(table, existing, ready));
        late.extend(
            table
                .constraints()
                .iter()
                .filter(|c| !ready(c))
                .map(|c| add_constraint(table, c, existing)),
        );
    }
    statements.extend(late);
    statements
}

/// The statement that drops all of the tables at once, so that references among them do not matter; `None` for no tables.
pub fn drop_all(tables: &[Table], existing: Existing) -> Option<String> {
    let order = in_dependency_order(tables);
    let names: Vec<&str> = order
        .iter()
        .rev()
        .map(|table| table.name().quoted())
        .collect();
    let guard = if existing == Existing::Skip {
        "IF EXISTS "
    } else {
        ""
    };
    (!names.is_empty()).then(|| format!("DROP TABLE {guard}{}", names.join(", ")))
}

/// The tables with those that are referred to first, otherwise as given. In a circle, the one given first comes first.
pub fn in_dependency_order(tables: &[Table]) -> Vec<&Table> {
    let mut left: Vec<&Table> = tables.iter().collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |table: &Table| {
            table.foreign_keys().any(|(_, to)| {
                to.table != *table.name() && left.iter().any(|other| *other.name() == to.table)
            })
        };
        let next = left.iter().position(|table| !waits(table)).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}

fn create_with(
    table: &Table,
    existing: Existing,
    include: impl Fn(&Constraint) -> bool,
) -> Vec<String> {
    let guard = if existing == Existing::Skip {
        "IF NOT EXISTS "
    } else {
        ""
    };
    let name = table.name().quoted();
    let mut lines: Vec<String> = table.columns().iter().map(column).collect();
    lines.extend(
        table
            .constraints()
            .iter()
            .filter(|c| include(c))
            .map(constraint),
    );
    let body = if lines.is_empty() {
        String::new()
    } else {
        format!("\n    {}\n", lines.join(",\n    "))
    };

    let mut statements = vec![format!("CREATE TABLE {guard}{name} ({body})")];
    for index in table.indexes() {
        let unique = if index.unique { "UNIQUE " } else { "" };
        let columns = quoted(&index.columns);
        statements.push(format!(
            "CREATE {unique}INDEX {guard}{} ON {name} ({columns})",
            index.name.quoted()
        ));
    }
    if let Some(comment) = table.comment() {
        statements.push(format!("COMMENT ON TABLE {name} IS {}", literal(comment)));
    }
    for column in table.columns() {
        if let Some(comment) = &column.comment {
            statements.push(format!(
                "COMMENT ON COLUMN {name}.{} IS {}",
                column.name.quoted(),
                literal(comment)
            ));
        }
    }
    statements
}

fn column(column: &Column) -> String {
    let mut sql = format!("{} {}", column.name.quoted(), column.ty);
    if let Some(collation) = &column.collation {
        let _ = write!(sql, " COLLATE {}", collation.quoted());
    }
    if let Some(identity) = column.identity {
        let _ = write!(sql, " {}", identity.sql());
    }
    if let Some(default) = &column.default {
        let _ = write!(sql, " DEFAULT {default}");
    }
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    sql
}

fn constraint(constraint: &Constraint) -> String {
    let name = constraint.name.quoted();
    match &constraint.rule {
        Rule::PrimaryKey(columns) => format!("CONSTRAINT {name} PRIMARY KEY ({})", quoted(columns)),
        Rule::Unique(columns) => format!("CONSTRAINT {name} UNIQUE ({})", quoted(columns)),
        Rule::Check(check) => format!("CONSTRAINT {name} CHECK ({check})"),
        Rule::ForeignKey {
            columns,
            references,
        } => {
            let mut sql = format!(
                "CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {} ({})",
                quoted(columns),
                references.table.quoted(),
                quoted(&references.columns)
            );
            for (event, action) in [
                ("DELETE", references.on_delete),
                ("UPDATE", references.on_update),
            ] {
                if action != super::Action::NoAction {
                    let _ = write!(sql, " ON {event} {action}");
                }
            }
            sql
        }
    }
}

/// PostgreSQL has no `ADD CONSTRAINT IF NOT EXISTS`; the block asks the catalog instead.
fn add_constraint(table: &Table, late: &Constraint, existing: Existing) -> String {
    let add = format!(
        "ALTER TABLE {} ADD {}",
        table.name().quoted(),
        constraint(late)
    );
    match existing {
        Existing::Error => add,
        Existing::Skip => {
            let (name, relation) = (literal(late.name.as_str()), literal(table.name().quoted()));
            let body = format!(
                "BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = {name} \
                 AND conrelid = {relation}::pg_catalog.regclass) THEN {add}; END IF; END"
            );
            format!("DO {}", literal(&body))
        }
    }
}

fn quoted(names: &[super::Name]) -> String {
    names
        .iter()
        .map(super::Name::quoted)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A text as an SQL literal that reads the same whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}
