//! The parts of DDL statements: columns, constraints and indexes as text.

use std::fmt::Write as _;

use super::{
    Action, Builtin, Column, Constraint, Exclude, Fragment, Index, IndexForm, Key, Name, Part,
    Reference, Rule, Table,
};

pub(super) fn column(column: &Column) -> String {
    let mut sql = column.name.quoted().to_owned();
    match (column.serial, column.ty.builtin()) {
        (true, Some(Builtin::Int2)) => sql.push_str(" smallserial"),
        (true, Some(Builtin::Int4)) => sql.push_str(" serial"),
        (true, _) => sql.push_str(" bigserial"),
        (false, _) => {
            let _ = write!(sql, " {}", column.ty);
        }
    }
    if let Some(collation) = &column.collation {
        let _ = write!(sql, " COLLATE {}", collation.quoted());
    }
    if let Some(generated) = &column.generated {
        let kept = if generated.stored {
            "STORED"
        } else {
            "VIRTUAL"
        };
        let _ = write!(
            sql,
            " GENERATED ALWAYS AS ({}) {kept}",
            generated.expression
        );
    }
    if let Some(identity) = column.identity {
        let _ = write!(sql, " {}", identity.sql());
        let options = column.sequence.to_string();
        if !options.is_empty() {
            let _ = write!(sql, " ({options})");
        }
    }
    if let Some(default) = &column.default {
        let _ = write!(sql, " DEFAULT {default}");
    }
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    sql
}

pub(super) fn constraint(constraint: &Constraint) -> String {
    let mut sql = format!("CONSTRAINT {} ", constraint.name.quoted());
    match &constraint.rule {
        Rule::PrimaryKey { columns, include } => {
            let _ = write!(sql, "PRIMARY KEY ({})", quoted(columns));
            push_include(&mut sql, include);
        }
        Rule::Unique {
            columns,
            include,
            nulls_not_distinct,
        } => {
            let nulls = if *nulls_not_distinct {
                "NULLS NOT DISTINCT "
            } else {
                ""
            };
            let _ = write!(sql, "UNIQUE {nulls}({})", quoted(columns));
            push_include(&mut sql, include);
        }
        Rule::Check {
            condition,
            no_inherit,
        } => {
            let _ = write!(sql, "CHECK ({condition})");
            if *no_inherit {
                sql.push_str(" NO INHERIT");
            }
        }
        Rule::ForeignKey {
            columns,
            references,
        } => {
            let _ = write!(sql, "FOREIGN KEY ({})", quoted(columns));
            push_reference(&mut sql, references);
        }
        Rule::Exclude(exclude) => push_exclude(&mut sql, exclude),
    }
    let timing = constraint.timing.sql();
    if !timing.is_empty() {
        let _ = write!(sql, " {timing}");
    }
    sql
}

fn push_reference(sql: &mut String, to: &Reference) {
    let (table, columns) = (to.table.quoted(), quoted(&to.columns));
    let _ = write!(sql, " REFERENCES {table} ({columns})");
    if to.full {
        sql.push_str(" MATCH FULL");
    }
    if to.on_delete != Action::NoAction {
        let _ = write!(sql, " ON DELETE {}", to.on_delete);
        if !to.set_columns.is_empty() {
            let _ = write!(sql, " ({})", quoted(&to.set_columns));
        }
    }
    if to.on_update != Action::NoAction {
        let _ = write!(sql, " ON UPDATE {}", to.on_update);
    }
}

fn push_exclude(sql: &mut String, exclude: &Exclude) {
    sql.push_str("EXCLUDE ");
    push_method(sql, exclude.method.as_ref());
    let elements = exclude
        .elements
        .iter()
        .map(|(element, operator)| format!("{} WITH {}", part(element), operator.as_str()));
    let _ = write!(sql, "({})", elements.collect::<Vec<_>>().join(", "));
    push_include(sql, &exclude.include);
    push_filter(sql, exclude.filter.as_ref());
}

/// An index as a statement; `guard` is `IF NOT EXISTS ` or nothing.
pub(super) fn index(table: &Table, index: &Index, guard: &str) -> String {
    let IndexForm {
        parts,
        method,
        include,
        unique,
        nulls_not_distinct,
        filter,
        parameters,
    } = &index.form;
    let unique = if *unique { "UNIQUE " } else { "" };
    let (name, table) = (index.name.quoted(), table.name().quoted());
    let mut sql = format!("CREATE {unique}INDEX {guard}{name} ON {table} ");
    push_method(&mut sql, method.as_ref());
    let parts: Vec<String> = parts.iter().map(part).collect();
    let _ = write!(sql, "({})", parts.join(", "));
    push_include(&mut sql, include);
    if *nulls_not_distinct {
        sql.push_str(" NULLS NOT DISTINCT");
    }
    if !parameters.is_empty() {
        let _ = write!(sql, " WITH ({})", assignments(parameters));
    }
    push_filter(&mut sql, filter.as_ref());
    sql
}

/// A column or expression of an index. An expression stands in brackets of its own, which a call would not need.
fn part(part: &Part) -> String {
    let mut sql = match &part.key {
        Key::Column(name) => name.quoted().to_owned(),
        Key::Expression(expression) => format!("({expression})"),
    };
    if let Some(collation) = &part.collation {
        let _ = write!(sql, " COLLATE {}", collation.quoted());
    }
    if let Some(class) = &part.opclass {
        let _ = write!(sql, " {}", class.name.quoted());
        if !class.parameters.is_empty() {
            let _ = write!(sql, " ({})", assignments(&class.parameters));
        }
    }
    if part.descending {
        sql.push_str(" DESC");
    }
    if let Some(nulls) = part.nulls {
        let _ = write!(sql, " {}", nulls.sql());
    }
    sql
}

fn push_method(sql: &mut String, method: Option<&Name>) {
    if let Some(method) = method {
        let _ = write!(sql, "USING {} ", method.quoted());
    }
}

fn push_include(sql: &mut String, include: &[Name]) {
    if !include.is_empty() {
        let _ = write!(sql, " INCLUDE ({})", quoted(include));
    }
}

fn push_filter(sql: &mut String, filter: Option<&Fragment>) {
    if let Some(filter) = filter {
        let _ = write!(sql, " WHERE ({filter})");
    }
}

fn assignments(parameters: &[(Name, Fragment)]) -> String {
    let each = parameters
        .iter()
        .map(|(name, value)| format!("{} = {value}", name.quoted()));
    each.collect::<Vec<_>>().join(", ")
}

fn quoted(names: &[Name]) -> String {
    names
        .iter()
        .map(Name::quoted)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A text as an SQL literal that reads the same whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}
