//! The only place where names become SQL: validation, quoting, qualified names and foreign key references.
//!
//! Names are taken verbatim. PostgreSQL folds an unquoted `Users` to `users`; here every name is quoted, so `Users`
//! stays `Users` and no character in it can end the name early. Refused is only what the server would refuse or, worse,
//! change: the empty name, the NUL character, names over [`MAX_BYTES`] (the server would cut them off with a mere
//! notice, so that two long names meet), and the names of system columns for columns.
//!
//! Source: PostgreSQL manual, "Identifiers and Key Words" and "System Columns".

use std::fmt;

use crate::error::{Error, Result};

/// The longest name a server of the usual build keeps (`NAMEDATALEN` - 1), in bytes of UTF-8, not in characters.
pub const MAX_BYTES: usize = 63;

/// Columns that every table has already. `oid` is not among them since PostgreSQL 12.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// A valid name. `Display` writes it quoted, ready for SQL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(Box<str>);

impl Ident {
    /// A name for anything but a column: table, schema, type, constraint, savepoint.
    pub fn new(name: &str) -> Result<Self> {
        check("identifier", name)?;
        Ok(Self(name.into()))
    }

    /// A name for a column: also refuses the names of system columns.
    pub fn column(name: &str) -> Result<Self> {
        check("column name", name)?;
        if SYSTEM_COLUMNS.contains(&name) {
            return Err(Error::data(format!(
                "the column name {name:?} belongs to a system column of PostgreSQL; choose another name"
            )));
        }
        Ok(Self(name.into()))
    }

    /// The name as it was given, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends the quoted name to an SQL text.
    pub fn push_to(&self, sql: &mut String) {
        push_quoted(sql, &self.0);
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut quoted = String::with_capacity(self.0.len() + 2);
        push_quoted(&mut quoted, &self.0);
        f.write_str(&quoted)
    }
}

/// Validates a name that is no column's and gives it quoted: `a"b` becomes `"a""b"`.
pub fn quote(name: &str) -> Result<String> {
    Ok(Ident::new(name)?.to_string())
}

/// Like [`quote`], for a column.
pub fn quote_column(name: &str) -> Result<String> {
    Ok(Ident::column(name)?.to_string())
}

/// A table, type or the like, with or without its schema. `Display` writes it quoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    schema: Option<Ident>,
    name: Ident,
}

impl QualifiedName {
    /// From parts that are taken verbatim, dots included.
    pub fn new(schema: Option<&str>, name: &str) -> Result<Self> {
        Ok(Self {
            schema: schema.map(Ident::new).transpose()?,
            name: Ident::new(name)?,
        })
    }

    /// From `table` or `schema.table`. A part that itself holds a dot is written in double quotes, in which `""`
    /// stands for a quote: `"my.schema".users`.
    pub fn parse(text: &str) -> Result<Self> {
        match split(text)?.as_slice() {
            [name] => Self::new(None, name),
            [schema, name] => Self::new(Some(schema), name),
            _ => Err(Error::data(format!(
                "{:?} has too many dots for a name; write table or schema.table, \
                 and put a part that holds a dot in double quotes",
                shown(text)
            ))),
        }
    }

    /// The schema, if one was given.
    pub fn schema(&self) -> Option<&Ident> {
        self.schema.as_ref()
    }

    /// The name without its schema.
    pub fn name(&self) -> &Ident {
        &self.name
    }

    /// Whether the name is one of PostgreSQL's own: in a schema `pg_*` or `information_schema`, or, without a schema,
    /// a name `pg_*`, which the search path finds in `pg_catalog` first.
    pub fn is_system_catalog(&self) -> bool {
        match &self.schema {
            Some(schema) => {
                schema.as_str() == "information_schema" || schema.as_str().starts_with("pg_")
            }
            None => self.name.as_str().starts_with("pg_"),
        }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        self.name.fmt(f)
    }
}

/// What a foreign key points at. `Display` writes `"schema"."table" ("column")`, as after `REFERENCES`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignKeyRef {
    table: QualifiedName,
    column: Ident,
}

impl ForeignKeyRef {
    /// From parts; system catalogs are refused, since PostgreSQL allows no foreign key to them.
    pub fn new(table: QualifiedName, column: &str) -> Result<Self> {
        let column = Ident::column(column)?;
        if table.is_system_catalog() {
            return Err(Error::data(format!(
                "a foreign key cannot point at {table}: it is one of PostgreSQL's system catalogs"
            )));
        }
        Ok(Self { table, column })
    }

    /// From `table.column` or `schema.table.column`, with quotes as in [`QualifiedName::parse`].
    pub fn parse(text: &str) -> Result<Self> {
        match split(text)?.as_slice() {
            [table, column] => Self::new(QualifiedName::new(None, table)?, column),
            [schema, table, column] => Self::new(QualifiedName::new(Some(schema), table)?, column),
            _ => Err(Error::data(format!(
                "{:?} is no foreign key reference; write table.column or schema.table.column, \
                 and put a part that holds a dot in double quotes",
                shown(text)
            ))),
        }
    }

    /// The table pointed at.
    pub fn table(&self) -> &QualifiedName {
        &self.table
    }

    /// The column pointed at.
    pub fn column(&self) -> &Ident {
        &self.column
    }
}

impl fmt::Display for ForeignKeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.table, self.column)
    }
}

/// The one set of rules. `what` names the thing in messages.
fn check(what: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::data(format!(
            "the {what} is empty; PostgreSQL needs at least one character"
        )));
    }
    if name.contains('\0') {
        return Err(Error::data(format!(
            "the {what} {:?} holds a NUL character, which PostgreSQL cannot store",
            shown(name)
        )));
    }
    if name.len() > MAX_BYTES {
        return Err(Error::data(format!(
            "the {what} {:?} is {} bytes long; PostgreSQL keeps only {MAX_BYTES} bytes of a name, so shorten it",
            shown(name),
            name.len()
        )));
    }
    Ok(())
}

/// The start of a name for a message, so that a wrong argument cannot flood it.
fn shown(name: &str) -> String {
    let mut chars = name.chars();
    let mut start: String = chars.by_ref().take(MAX_BYTES).collect();
    if chars.next().is_some() {
        start.push('…');
    }
    start
}

fn push_quoted(sql: &mut String, name: &str) {
    sql.push('"');
    for (at, part) in name.split('"').enumerate() {
        if at > 0 {
            sql.push_str("\"\"");
        }
        sql.push_str(part);
    }
    sql.push('"');
}

/// Splits at dots that stand outside of double quotes and takes the quotes off. A quote counts only as the first
/// character of a part, so `a"b` stays what it is.
fn split(text: &str) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') {
            unquote(quoted).ok_or_else(|| {
                Error::data(format!(
                    "in {:?} a part that starts with a double quote does not end with one",
                    shown(text)
                ))
            })?
        } else {
            let (part, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
            (part.to_owned(), after)
        };
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => return Ok(parts),
        }
    }
}

/// Reads up to the closing quote, which must be followed by a dot or the end.
fn unquote(mut rest: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None if after.is_empty() || after.starts_with('.') => return Some((part, after)),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Kind;

    fn message<T: fmt::Debug>(result: Result<T>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        error.to_string()
    }

    #[test]
    fn every_strange_name_is_quoted_and_kept() {
        for name in [
            "users",
            "Users",
            "select",
            "user",
            "order",
            "a b",
            "a.b",
            "a\\b",
            "a'b",
            "a;drop table x;--",
            "a--b",
            "/*x*/",
            "$1",
            "1abc",
            "a\nb",
            "\u{e9}",
            "e\u{301}",
            "ＵＳＥＲ",
            "a\u{200b}b",
            "a\u{202e}b",
            "😀",
            "\u{feff}a",
            "\u{212a}",
            "pg_catalog",
            "%s",
            "{}",
            "oid",
        ] {
            assert_eq!(quote_column(name).unwrap(), format!("\"{name}\""));
        }
        assert_eq!(quote("a\"b").unwrap(), r#""a""b""#);
        assert_eq!(quote("\"").unwrap(), r#""""""#);
        assert_eq!(quote("U&\"\\0041\"").unwrap(), r#""U&""\0041""""#);
    }

    #[test]
    fn the_limit_counts_bytes() {
        assert!(quote(&"a".repeat(63)).is_ok());
        assert!(quote(&"ÿ".repeat(31)).is_ok());
        let error = message(quote(&"a".repeat(64)));
        assert!(
            error.contains("64 bytes") && error.contains("only 63 bytes"),
            "{error}"
        );
        assert!(message(quote(&"é".repeat(32))).contains("64 bytes"));
        assert!(message(quote(&"a".repeat(1_000_000))).len() < 300);
    }

    #[test]
    fn refuses_what_the_server_cannot_keep() {
        assert!(message(quote("")).contains("empty"));
        assert!(message(quote("a\0b")).contains("NUL"));
        for name in SYSTEM_COLUMNS {
            assert!(message(quote_column(name)).contains("system column"));
            assert!(quote(name).is_ok(), "a table may be called {name}");
        }
    }

    #[test]
    fn qualified_names() {
        for (text, sql) in [
            ("users", r#""users""#),
            ("app.users", r#""app"."users""#),
            ("App.Users", r#""App"."Users""#),
            (r#""my.schema".users"#, r#""my.schema"."users""#),
            (r#""a""b"."c""#, r#""a""b"."c""#),
            (r#"a"b.c"#, r#""a""b"."c""#),
        ] {
            assert_eq!(
                QualifiedName::parse(text).unwrap().to_string(),
                sql,
                "{text}"
            );
        }
        for bad in [
            "", ".", "a.", ".a", "a..b", "a.b.c", "\"", "\"a", "\"a\"b", "\"\".a", "a\0.b",
        ] {
            message(QualifiedName::parse(bad));
        }
    }

    #[test]
    fn foreign_keys() {
        let key = ForeignKeyRef::parse("users.id").unwrap();
        assert_eq!(key.to_string(), r#""users" ("id")"#);
        assert_eq!((key.table().schema(), key.column().as_str()), (None, "id"));
        let key = ForeignKeyRef::parse("app.users.id").unwrap();
        assert_eq!(key.to_string(), r#""app"."users" ("id")"#);
        for bad in ["users", "a.b.c.d", "users.", ".id", "users.ctid", ""] {
            message(ForeignKeyRef::parse(bad));
        }
        for catalog in [
            "pg_class.oid",
            "pg_catalog.pg_class.oid",
            "information_schema.tables.x",
            "pg_toast.t.id",
        ] {
            assert!(
                message(ForeignKeyRef::parse(catalog)).contains("system catalog"),
                "{catalog}"
            );
        }
        assert!(
            ForeignKeyRef::parse("app.pg_things.id").is_ok(),
            "users may call tables so in their own schemas"
        );
    }

    proptest! {
        /// What comes out is one quoted name: a reader that knows only `""` gets the same name back.
        #[test]
        fn quoting_is_reversible(name in r#"[a-c".é\\]{1,12}"#, other in r"\PC{1,20}") {
            if let (Ok(a), Ok(b)) = (Ident::new(&name), Ident::new(&other)) {
                let name = QualifiedName { schema: Some(a), name: b };
                prop_assert_eq!(QualifiedName::parse(&name.to_string()).unwrap(), name);
            }
        }
    }
}
