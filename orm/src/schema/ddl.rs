//! DDL: tables as statements, in an order in which every reference finds its target.

use std::collections::{BTreeSet, HashMap};

use data_bridge_driver::Error;

use super::{
    Constraint, EnumType, QualifiedName, Rule, Table,
    ddl_text::{column, constraint, index, literal},
};

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

/// The statements that make all of the tables, those that are referred to first, after the schemas and enum types that
/// they need. Where references form a circle, one of them is added by `ALTER TABLE` at the end.
///
/// Schemas are made where they are missing. With [`Existing::Skip`] the same goes for types, tables and indexes, and late
/// references are added only where the catalog does not have them yet.
///
/// # Errors
/// Two enum types of one name whose labels differ.
pub fn create_all(tables: &[Table], existing: Existing) -> Result<Vec<String>, Error> {
    let types = enum_types(tables)?;
    let names = tables
        .iter()
        .map(Table::name)
        .chain(types.iter().map(|ty| ty.name()));
    let mut statements = create_schemas(names);
    statements.extend(types.iter().map(|ty| create_type(ty, existing)));

    let mut late = Vec::new();
    let positions: HashMap<&QualifiedName, usize> = in_dependency_order(tables)
        .into_iter()
        .enumerate()
        .map(|(position, table)| (table.name(), position))
        .collect();
    for (position, table) in in_dependency_order(tables).into_iter().enumerate() {
        // A target outside the list is taken to exist already.
        let ready = |constraint: &Constraint| match &constraint.rule {
            Rule::ForeignKey { references, .. } => positions
                .get(&references.table)
                .is_none_or(|target| *target <= position),
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
    Ok(statements)
}

/// The statements that drop all of the tables at once, so that references among them do not matter, and then their enum
/// types. A type that another table still uses stays with [`Existing::Skip`].
pub fn drop_all(tables: &[Table], existing: Existing) -> Vec<String> {
    let order = in_dependency_order(tables);
    let names: Vec<&str> = order
        .iter()
        .rev()
        .map(|table| table.name().quoted())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let guard = if existing == Existing::Skip {
        "IF EXISTS "
    } else {
        ""
    };
    let mut statements = vec![format!("DROP TABLE {guard}{}", names.join(", "))];
    let mut types: Vec<&str> = Vec::new();
    for ty in tables.iter().flat_map(Table::enum_types) {
        let name = ty.name().quoted();
        if !types.contains(&name) {
            types.push(name);
            statements.push(drop_type(name, existing));
        }
    }
    statements
}

/// The tables with those that are referred to first, otherwise as given. In a circle, the one given first comes first.
pub fn in_dependency_order(tables: &[Table]) -> Vec<&Table> {
    let positions: HashMap<&QualifiedName, usize> = tables
        .iter()
        .enumerate()
        .map(|(position, table)| (table.name(), position))
        .collect();
    // For each table, the others that it waits for, and those that wait for it.
    let mut waits: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); tables.len()];
    let mut frees: Vec<Vec<usize>> = vec![Vec::new(); tables.len()];
    for (position, table) in tables.iter().enumerate() {
        for (_, to) in table.foreign_keys() {
            if let Some(&target) = positions.get(&to.table)
                && target != position
                && let (Some(waits), Some(frees)) = (waits.get_mut(position), frees.get_mut(target))
                && waits.insert(target)
            {
                frees.push(position);
            }
        }
    }
    let mut left: BTreeSet<usize> = (0..tables.len()).collect();
    let is_free =
        |waits: &[BTreeSet<usize>], table: usize| waits.get(table).is_some_and(BTreeSet::is_empty);
    let mut free: BTreeSet<usize> = left
        .iter()
        .copied()
        .filter(|table| is_free(&waits, *table))
        .collect();
    let mut order = Vec::with_capacity(tables.len());
    while let Some(next) = free.pop_first().or_else(|| left.first().copied()) {
        left.remove(&next);
        order.extend(tables.get(next));
        for waiting in frees.get(next).into_iter().flatten() {
            if let Some(others) = waits.get_mut(*waiting) {
                others.remove(&next);
                if others.is_empty() && left.contains(waiting) {
                    free.insert(*waiting);
                }
            }
        }
    }
    order
}

/// The enum types of the tables, each once.
fn enum_types(tables: &[Table]) -> Result<Vec<&EnumType>, Error> {
    let mut types: Vec<&EnumType> = Vec::new();
    for ty in tables.iter().flat_map(Table::enum_types) {
        match types.iter().find(|other| other.name() == ty.name()) {
            None => types.push(ty),
            Some(other) if *other == ty => {}
            Some(_) => {
                return Err(Error::interface(format!(
                    "there are two enum types named {} with different labels; give one of them another name",
                    ty.name()
                )));
            }
        }
    }
    Ok(types)
}

/// `CREATE SCHEMA IF NOT EXISTS` asks for the right to create one even where it is there, so the catalog is asked first.
fn create_schemas<'n>(names: impl Iterator<Item = &'n QualifiedName>) -> Vec<String> {
    let mut schemas = Vec::new();
    for schema in names.filter_map(QualifiedName::schema) {
        if !schemas.contains(&schema) && schema.as_str() != "public" {
            schemas.push(schema);
        }
    }
    let statement = |schema: &&super::Name| {
        let there = format!(
            "pg_catalog.to_regnamespace({}) IS NOT NULL",
            literal(schema.quoted())
        );
        unless(&there, &format!("CREATE SCHEMA {}", schema.quoted()))
    };
    schemas.iter().map(statement).collect()
}

fn create_type(ty: &EnumType, existing: Existing) -> String {
    let name = ty.name().quoted();
    let labels: Vec<String> = ty.labels().iter().map(|label| literal(label)).collect();
    let create = format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "));
    match existing {
        Existing::Error => create,
        Existing::Skip => {
            let there = format!("pg_catalog.to_regtype({}) IS NOT NULL", literal(name));
            unless(&there, &create)
        }
    }
}

fn drop_type(name: &str, existing: Existing) -> String {
    match existing {
        Existing::Error => format!("DROP TYPE {name}"),
        Existing::Skip => {
            let body = format!(
                "BEGIN DROP TYPE IF EXISTS {name}; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END"
            );
            format!("DO {}", literal(&body))
        }
    }
}

/// A block that runs the statement unless the condition holds.
fn unless(condition: &str, statement: &str) -> String {
    let body = format!("BEGIN IF NOT ({condition}) THEN {statement}; END IF; END");
    format!("DO {}", literal(&body))
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
    statements.extend(table.indexes().iter().map(|one| index(table, one, guard)));
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

/// PostgreSQL has no `ADD CONSTRAINT IF NOT EXISTS`; the block asks the catalog instead.
fn add_constraint(table: &Table, late: &Constraint, existing: Existing) -> String {
    let relation = table.name().quoted();
    let add = format!("ALTER TABLE {relation} ADD {}", constraint(late));
    match existing {
        Existing::Error => add,
        Existing::Skip => {
            let (name, relation) = (literal(late.name.as_str()), literal(relation));
            let there = format!(
                "EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = {name} \
                 AND conrelid = {relation}::pg_catalog.regclass)"
            );
            unless(&there, &add)
        }
    }
}
