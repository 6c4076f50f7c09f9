//! `driver/codegen/types.txt` to the OIDs of the built-in types.

use std::fmt::Write;

/// One line of the list.
pub struct BuiltIn {
    pub oid: u32,
    pub name: String,
    /// OID of the array type, 0 where there is none.
    pub array: u32,
    /// `Text` or `Binary`.
    pub format: &'static str,
}

impl BuiltIn {
    fn constant(&self) -> String {
        self.name.to_uppercase()
    }
}

/// Reads the list; lines that are empty or start with `#` are comments.
pub fn parse(text: &str) -> Vec<BuiltIn> {
    let types: Vec<BuiltIn> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [oid, name, array, format] = words[..] else {
                panic!("four words are needed: {line}");
            };
            BuiltIn {
                oid: oid.parse().unwrap(),
                name: name.to_owned(),
                array: array.parse().unwrap(),
                format: match format {
                    "text" => "Text",
                    "binary" => "Binary",
                    _ => panic!("a format is text or binary: {line}"),
                },
            }
        })
        .collect();
    assert!(
        types.is_sorted_by(|a, b| a.oid < b.oid),
        "the list is in order of the OIDs"
    );
    types
}

/// The text of `oid.rs`.
pub fn render(types: &[BuiltIn]) -> String {
    let mut out = String::from(
        "// Generated from driver/codegen/types.txt by tests/generated; do not edit.\n\
         //! OIDs of the built-in types. They are the same in every PostgreSQL database.\n\n\
         use super::Format;\nuse super::builtin::BuiltIn;\n\n",
    );
    for built_in in types {
        let (oid, name, constant) = (built_in.oid, &built_in.name, built_in.constant());
        writeln!(out, "/// `{name}`\npub const {constant}: u32 = {oid};").unwrap();
        if built_in.array != 0 {
            writeln!(
                out,
                "/// `{name}[]`\npub const {constant}_ARRAY: u32 = {};",
                built_in.array
            )
            .unwrap();
        }
    }
    out.push_str("\n/// All of them, in order of their OIDs.\n#[rustfmt::skip]\npub(super) const BUILT_IN: &[BuiltIn] = &[\n");
    for BuiltIn {
        oid,
        name,
        array,
        format,
    } in types
    {
        writeln!(
            out,
            "    BuiltIn {{ oid: {oid}, name: \"{name}\", array: {array}, format: Format::{format} }},"
        )
        .unwrap();
    }
    out.push_str("];\n\n/// Array types and the types of their elements, in order of the arrays' OIDs.\n#[rustfmt::skip]\n");
    out.push_str("pub(super) const ARRAYS: &[(u32, u32)] = &[\n");
    let mut arrays: Vec<_> = types
        .iter()
        .filter(|built_in| built_in.array != 0)
        .collect();
    arrays.sort_by_key(|built_in| built_in.array);
    for built_in in arrays {
        let constant = built_in.constant();
        writeln!(out, "    ({constant}_ARRAY, {constant}),").unwrap();
    }
    out.push_str("];\n");
    out
}
