//! What the scripted server knows: a few statements, enough to see that an answer
//! belongs to its question.
//!
//! | statement | answer |
//! |---|---|
//! | `SELECT $1::int4, $2::text ...` | one row, the parameters |
//! | `SELECT 42`, `SELECT 'abc'` | one row, the constant |
//! | `SELECT generate_series(1, n)` | rows 1 to n |
//! | `SELECT 1/0` | error 22012 |
//! | `SELECT pg_sleep(n)` | nothing until it is cancelled, then error 57014 |
//! | `COPY t (a, b) FROM STDIN`, `COPY t TO STDOUT` | the copy protocol |
//! | `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT` ... | the command tag, and the transaction status |
//! | any other | its first word as command tag |

use super::message::{Column, INT4, TEXT};

/// A value of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// An `int4`.
    Int4(i32),
    /// A `text`.
    Text(String),
}

impl Value {
    /// The bytes in format 0 (text) or 1 (binary); `None` is NULL.
    pub fn encode(&self, format: i16) -> Option<Vec<u8>> {
        match self {
            Self::Null => None,
            Self::Int4(n) if format == 1 => Some(n.to_be_bytes().to_vec()),
            Self::Int4(n) => Some(n.to_string().into_bytes()),
            Self::Text(text) => Some(text.clone().into_bytes()),
        }
    }

    /// The value of a parameter.
    pub fn decode(oid: u32, format: i16, bytes: Option<&[u8]>) -> Self {
        let Some(bytes) = bytes else {
            return Self::Null;
        };
        let text = || String::from_utf8_lossy(bytes).into_owned();
        match (oid, format) {
            (INT4, 1) => Self::Int4(i32::from_be_bytes(
                bytes.try_into().expect("an int4 has four bytes"),
            )),
            (INT4, _) => Self::Int4(text().parse().expect("an int4 is a number")),
            _ => Self::Text(text()),
        }
    }
}

/// How the server answers one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Rows of these columns; a column is its name and type.
    Rows(Vec<(String, u32)>, Rows),
    /// No rows; the command tag.
    Done(String),
    /// `ROLLBACK TO` a savepoint: the transaction lives again.
    RollbackTo,
    /// SQLSTATE and message.
    Fail(&'static str, &'static str),
    /// Waits for the client's data, so many columns.
    CopyIn(i16),
    /// Sends these chunks.
    CopyOut(Vec<&'static str>),
    /// Runs until it is cancelled.
    Sleep,
    /// There was no statement.
    Empty,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// One row of constants.
    One(Vec<Value>),
    /// One row: the parameters.
    Parameters,
    /// Numbers from 1 up to this.
    Series(i32),
}

impl Answer {
    /// The answer to `sql`.
    pub fn to(sql: &str) -> Self {
        let sql = sql.trim().trim_end_matches(';').trim_end();
        let upper = sql.to_uppercase();
        let Some(word) = upper.split_whitespace().next() else {
            return Self::Empty;
        };
        match word {
            "SELECT" => Self::to_select(sql["SELECT".len()..].trim()),
            "COPY" if upper.contains("FROM STDIN") => Self::CopyIn(copy_columns(sql)),
            "COPY" => Self::CopyOut(vec!["1\ta\n", "2\tb\n", "3\tc\n"]),
            "INSERT" => Self::Done("INSERT 0 1".into()),
            "UPDATE" | "DELETE" => Self::Done(format!("{word} 1")),
            "START" => Self::Done("START TRANSACTION".into()),
            "ROLLBACK" if upper.starts_with("ROLLBACK TO") => Self::RollbackTo,
            "ROLLBACK" | "ABORT" => Self::Done("ROLLBACK".into()),
            "COMMIT" | "END" => Self::Done("COMMIT".into()),
            "DISCARD" | "DEALLOCATE" if upper.ends_with(" ALL") => {
                Self::Done(format!("{word} ALL"))
            }
            _ => Self::Done(word.to_owned()),
        }
    }

    fn to_select(list: &str) -> Self {
        if list == "1/0" {
            return Self::Fail("22012", "division by zero");
        }
        if list.starts_with("pg_sleep(") {
            return Self::Sleep;
        }
        if let Some(arguments) = list.strip_prefix("generate_series(1,") {
            let last = arguments
                .split(')')
                .next()
                .and_then(|last| last.trim().parse().ok());
            return Self::Rows(
                vec![("generate_series".into(), INT4)],
                Rows::Series(last.unwrap_or(0)),
            );
        }
        let parameters = parameter_types(list);
        if !parameters.is_empty() {
            let columns = parameters
                .into_iter()
                .map(|oid| ("?column?".into(), oid))
                .collect();
            return Self::Rows(columns, Rows::Parameters);
        }
        let (oid, value) = match list.parse() {
            Ok(number) => (INT4, Value::Int4(number)),
            Err(_) => (TEXT, Value::Text(list.trim_matches('\'').to_owned())),
        };
        Self::Rows(vec![("?column?".into(), oid)], Rows::One(vec![value]))
    }

    /// The columns of the result, described in these formats (empty: all text).
    pub fn columns(&self, formats: &[i16]) -> Option<Vec<Column>> {
        let Self::Rows(columns, _) = self else {
            return matches!(self, Self::Sleep).then(|| vec![Column::text("pg_sleep", 0)]);
        };
        let described = columns.iter().enumerate().map(|(index, (name, oid))| {
            let format = format_at(formats, index);
            if *oid == INT4 {
                Column::int4(name, format)
            } else {
                Column::text(name, format)
            }
        });
        Some(described.collect())
    }
}

/// The format code of one value: none given is text, one is for all, else one each.
pub fn format_at(formats: &[i16], index: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(0),
    }
}

/// Types of `$1`, `$2`, ... by their casts; `text` without one.
pub fn parameter_types(sql: &str) -> Vec<u32> {
    let mut types = Vec::new();
    for (at, _) in sql.match_indices('$') {
        let rest = &sql[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(number) = rest[..digits].parse::<usize>() else {
            continue;
        };
        if types.len() < number {
            types.resize(number, TEXT);
        }
        if rest[digits..].starts_with("::int") {
            types[number - 1] = INT4;
        }
    }
    types
}

fn copy_columns(sql: &str) -> i16 {
    let before = sql.split(" FROM ").next().unwrap_or_default();
    let list = before.split_once('(').map_or("", |(_, list)| list);
    i16::try_from(list.split(',').count()).expect("a table has few columns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_their_answers() {
        assert_eq!(
            Answer::to("SELECT 42"),
            Answer::Rows(
                vec![("?column?".into(), INT4)],
                Rows::One(vec![Value::Int4(42)])
            )
        );
        let Answer::Rows(columns, Rows::Parameters) = Answer::to("select $2::text, $1::int4")
        else {
            panic!()
        };
        assert_eq!(
            columns.iter().map(|c| c.1).collect::<Vec<_>>(),
            [INT4, TEXT]
        );
        assert_eq!(
            Answer::to("COPY t (a, b, c) FROM STDIN (FORMAT binary)"),
            Answer::CopyIn(3)
        );
        assert_eq!(Answer::to("BEGIN;"), Answer::Done("BEGIN".into()));
        assert_eq!(Answer::to(" ; "), Answer::Empty);
        assert_eq!(
            Answer::to("deallocate all"),
            Answer::Done("DEALLOCATE ALL".into())
        );
    }
}
