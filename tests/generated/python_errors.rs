//! `driver/codegen/errcodes.txt` to one Python exception class for each SQLSTATE, with the names that users of
//! asyncpg know and the parents that PEP 249 asks for.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::errcodes::Code;

/// Names that do not follow from the condition: clashes with Python's built-ins or with another code, and the
/// choices of asyncpg that people already catch.
const NAMES: &[(&str, &str)] = &[
    ("01000", "PostgresWarning"),
    ("08000", "PostgresConnectionError"),
    ("08001", "ClientCannotConnectError"),
    ("08004", "ConnectionRejectionError"),
    ("22P01", "PostgresFloatingPointError"),
    ("38002", "ModifyingExternalRoutineSQLDataNotPermittedError"),
    (
        "38003",
        "ProhibitedExternalRoutineSQLStatementAttemptedError",
    ),
    ("38004", "ReadingExternalRoutineSQLDataNotPermittedError"),
    ("39004", "NullValueInExternalRoutineNotAllowedError"),
    ("40001", "SerializationError"),
    ("42000", "SyntaxOrAccessError"),
    ("42601", "PostgresSyntaxError"),
    ("58000", "PostgresSystemError"),
    ("58030", "PostgresIOError"),
    ("P0004", "AssertError"),
    ("XX000", "InternalServerError"),
];

/// Acronyms keep their capitals.
const ACRONYMS: &[(&str, &str)] = &[("sql", "SQL"), ("fdw", "FDW"), ("plpgsql", "PLPGSQL")];

/// The PEP 249 class for a code, by the longest prefix that matches. The whole codes are failovers and timeouts,
/// which are about operation though their class is about programming.
const PEP_249: &[(&str, &str)] = &[
    ("25006", "OperationalError"),
    ("25P03", "OperationalError"),
    ("25P04", "OperationalError"),
    ("01", "Warning"),
    ("02", "Warning"),
    ("08", "OperationalError"),
    ("0A", "NotSupportedError"),
    ("10", "ProgrammingError"),
    ("20", "ProgrammingError"),
    ("21", "ProgrammingError"),
    ("22", "DataError"),
    ("23", "IntegrityError"),
    ("24", "InternalError"),
    ("25", "InternalError"),
    ("26", "ProgrammingError"),
    ("27", "OperationalError"),
    ("28", "OperationalError"),
    ("2B", "InternalError"),
    ("2D", "InternalError"),
    ("2F", "OperationalError"),
    ("34", "ProgrammingError"),
    ("38", "OperationalError"),
    ("39", "OperationalError"),
    ("3B", "OperationalError"),
    ("3D", "ProgrammingError"),
    ("3F", "ProgrammingError"),
    ("40", "OperationalError"),
    ("42", "ProgrammingError"),
    ("44", "ProgrammingError"),
    ("53", "OperationalError"),
    ("54", "OperationalError"),
    ("55", "OperationalError"),
    ("57", "OperationalError"),
    ("58", "OperationalError"),
    ("F", "OperationalError"),
    ("H", "OperationalError"),
    ("P", "ProgrammingError"),
    ("X", "InternalError"),
];

/// The text of `_sqlstates.py`: parents stand before their children.
pub fn render(codes: &[Code]) -> String {
    let classes: BTreeMap<&str, Class<'_>> = codes
        .iter()
        .filter(|code| code.severity != 'S')
        .filter_map(|code| {
            let condition = code.name.as_deref()?;
            let class = Class {
                name: class_name(code, condition),
                condition,
                family: pep_249(&code.sqlstate),
            };
            Some((code.sqlstate.as_str(), class))
        })
        .collect();
    // Where the class is one that PEP 249 names (`DataError`), it is that one and needs no new class.
    let is_new = |class: &Class<'_>| PEP_249.iter().all(|(_, known)| *known != class.name);

    let mut out = String::from(
        "# Generated from driver/codegen/errcodes.txt by tests/generated; do not edit.\n\
         \"\"\"One exception class per SQLSTATE. Public as :mod:`data_bridge.postgres.errors`.\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from . import _errors\n\n\
         __all__ = [\n",
    );
    let mut names: Vec<&str> = classes
        .values()
        .filter(|class| is_new(class))
        .map(|class| class.name.as_str())
        .collect();
    names.sort_unstable();
    for name in names {
        writeln!(out, "    \"{name}\",").unwrap();
    }
    out.push_str("]\n");
    for (sqlstate, class) in &classes {
        if !is_new(class) {
            continue;
        }
        // The general code of a class of codes is the parent of the others, except where PEP 249 sees them apart.
        let general = format!("{}000", &sqlstate[..2]);
        let parent = match classes.get(general.as_str()) {
            Some(parent)
                if *sqlstate != general && parent.family == class.family && is_new(parent) =>
            {
                parent.name.clone()
            }
            _ => format!("_errors.{}", class.family),
        };
        let Class {
            name, condition, ..
        } = class;
        write!(
            out,
            "\n\nclass {name}({parent}):\n    \"\"\"{condition}.\"\"\"\n\n    sqlstate = \"{sqlstate}\"\n"
        )
        .unwrap();
    }
    out.push_str("\n\nBY_SQLSTATE: dict[str, type[_errors.Error | _errors.Warning]] = {\n");
    for (sqlstate, class) in &classes {
        let module = if is_new(class) { "" } else { "_errors." };
        writeln!(out, "    \"{sqlstate}\": {module}{},", class.name).unwrap();
    }
    out.push_str("}\n\nBY_PREFIX: dict[str, type[_errors.Error | _errors.Warning]] = {\n");
    for (prefix, parent) in PEP_249 {
        writeln!(out, "    \"{prefix}\": _errors.{parent},").unwrap();
    }
    out.push_str("}\n");
    out
}

struct Class<'a> {
    name: String,
    condition: &'a str,
    /// The class of PEP 249 that it belongs to.
    family: &'static str,
}

fn pep_249(sqlstate: &str) -> &'static str {
    PEP_249
        .iter()
        .filter(|(prefix, _)| sqlstate.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .map_or("DatabaseError", |(_, class)| class)
}

fn class_name(code: &Code, condition: &str) -> String {
    if let Some((_, name)) = NAMES
        .iter()
        .find(|(sqlstate, _)| *sqlstate == code.sqlstate)
    {
        return (*name).to_owned();
    }
    let mut name: String = condition.split('_').map(capitalised).collect();
    if code.severity == 'E' {
        let stem = name
            .strip_suffix("Error")
            .or_else(|| name.strip_suffix("Exception"))
            .unwrap_or(&name);
        name = format!("{stem}Error");
    }
    name
}

fn capitalised(word: &str) -> String {
    if let Some((_, acronym)) = ACRONYMS.iter().find(|(lower, _)| *lower == word) {
        return (*acronym).to_owned();
    }
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(chars)
        .collect()
}
