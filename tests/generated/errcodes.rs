//! `driver/codegen/errcodes.txt` to the constants of `SqlState`.

use std::collections::BTreeMap;
use std::fmt::Write;

/// One line of the list.
pub struct Code {
    pub sqlstate: String,
    /// `E`rror, `W`arning or `S`uccess.
    pub severity: char,
    /// PostgreSQL's C macro without `ERRCODE_`.
    pub symbol: String,
    /// The name of the condition; a second symbol for the same code has none.
    pub name: Option<String>,
}

/// Reads the list; lines that are empty or start with `#` are comments.
pub fn parse(text: &str) -> Vec<Code> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [sqlstate, severity, symbol, ref name @ ..] = words[..] else {
                panic!("three or four words are needed: {line}");
            };
            assert!(
                sqlstate.len() == 5 && matches!(severity, "E" | "W" | "S") && name.len() <= 1,
                "{line}"
            );
            Code {
                sqlstate: sqlstate.to_owned(),
                severity: severity.chars().next().unwrap(),
                symbol: symbol.to_owned(),
                name: name.first().map(|name| (*name).to_owned()),
            }
        })
        .collect()
}

/// The text of `sqlstate.rs`.
pub fn render(codes: &[Code]) -> String {
    let mut out = String::from(
        "// Generated from driver/codegen/errcodes.txt by tests/generated; do not edit.\n\nuse super::SqlState;\n\n\
         impl SqlState {\n",
    );
    for code in codes {
        let Code {
            sqlstate,
            symbol,
            name,
            ..
        } = code;
        let name = name.as_ref().unwrap_or_else(|| {
            let first = codes
                .iter()
                .find(|other| other.sqlstate == *sqlstate && other.name.is_some());
            first.unwrap().name.as_ref().unwrap()
        });
        writeln!(out, "    /// {sqlstate}, `{name}`.").unwrap();
        writeln!(
            out,
            "    pub const {symbol}: Self = Self::known(*b\"{sqlstate}\");"
        )
        .unwrap();
    }
    out.push_str("}\n\n/// The names of conditions, in order of their codes.\n#[rustfmt::skip]\n");
    out.push_str("pub(super) const NAMES: &[(SqlState, &str)] = &[\n");
    let by_code: BTreeMap<&str, &str> = codes
        .iter()
        .filter_map(|code| Some((code.sqlstate.as_str(), code.name.as_deref()?)))
        .collect();
    for (sqlstate, name) in by_code {
        writeln!(out, "    (SqlState::known(*b\"{sqlstate}\"), \"{name}\"),").unwrap();
    }
    out.push_str("];\n");
    out
}
