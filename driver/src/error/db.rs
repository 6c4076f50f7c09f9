use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

use super::{Error, Result, SqlState};

/// An error or notice from the server, with every field it sent.
///
/// Field types: PostgreSQL manual, "Error and Notice Message Fields". Text is decoded as UTF-8; bytes that are not
/// become U+FFFD, since a message that reads badly is better than none.
#[derive(Clone, PartialEq, Eq)]
pub struct DbError {
    code: SqlState,
    /// At most one entry for each of [`FIELDS`], so the size is bounded by the body.
    fields: Box<[(u8, Box<str>)]>,
}

/// The field types that are kept, with the names shown by `Debug`. Unknown ones are ignored, as the manual asks.
const FIELDS: [(u8, &str); 17] = [
    (b'S', "severity_localized"),
    (b'V', "severity"),
    (b'M', "message"),
    (b'D', "detail"),
    (b'H', "hint"),
    (b'P', "position"),
    (b'p', "internal_position"),
    (b'q', "internal_query"),
    (b'W', "where"),
    (b's', "schema"),
    (b't', "table"),
    (b'c', "column"),
    (b'd', "data_type"),
    (b'n', "constraint"),
    (b'F', "file"),
    (b'L', "line"),
    (b'R', "routine"),
];

impl DbError {
    /// Reads the body (without tag and length) of an `ErrorResponse` or `NoticeResponse`.
    ///
    /// Fails with a protocol error if the list of fields does not end where the body ends, or holds no valid code.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut rest = body;
        let mut code = None;
        let mut fields: Vec<(u8, Box<str>)> = Vec::new();
        loop {
            let Some((&tag, after)) = rest.split_first() else {
                return Err(Error::protocol(
                    "the server sent an error message without an end",
                ));
            };
            if tag == 0 {
                if !after.is_empty() {
                    return Err(Error::protocol(
                        "the server sent an error message with bytes after its end",
                    ));
                }
                break;
            }
            let Some((text, after)) = memchr(0, after).and_then(|end| after.split_at_checked(end))
            else {
                return Err(Error::protocol(
                    "the server sent an error message with an unterminated field",
                ));
            };
            rest = after.get(1..).unwrap_or_default();
            if tag == b'C' {
                code = Some(text);
            } else if FIELDS.iter().any(|(known, _)| *known == tag)
                && !fields.iter().any(|(seen, _)| *seen == tag)
            {
                fields.push((tag, String::from_utf8_lossy(text).into()));
            }
        }
        match code.and_then(SqlState::from_bytes) {
            Some(code) => Ok(Self {
                code,
                fields: fields.into(),
            }),
            None => Err(Error::protocol(
                "the server sent an error message without a valid SQLSTATE",
            )),
        }
    }

    fn field(&self, tag: u8) -> Option<&str> {
        self.fields
            .iter()
            .find(|(t, _)| *t == tag)
            .map(|(_, text)| &**text)
    }

    fn number(&self, tag: u8) -> Option<u32> {
        self.field(tag)?.parse().ok()
    }

    /// SQLSTATE.
    pub fn code(&self) -> SqlState {
        self.code
    }

    /// `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE`, `DEBUG`, `INFO` or `LOG`, never translated (field `V`). Servers
    /// before 9.6 and some proxies send only the translated word, which then stands here.
    pub fn severity(&self) -> &str {
        self.field(b'V')
            .or_else(|| self.field(b'S'))
            .unwrap_or("ERROR")
    }

    /// The severity in the server's language (field `S`).
    pub fn severity_localized(&self) -> Option<&str> {
        self.field(b'S')
    }

    /// Whether the server closes the connection after this message.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity(), "FATAL" | "PANIC")
    }

    /// The primary message; for servers that sent none, the name of the condition.
    pub fn message(&self) -> &str {
        self.field(b'M')
            .or_else(|| self.code.name())
            .unwrap_or("the server gave no message")
    }

    /// More on the problem, over one or more lines.
    pub fn detail(&self) -> Option<&str> {
        self.field(b'D')
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.field(b'H')
    }

    /// Where in the SQL text: in characters (not bytes), the first is 1.
    pub fn position(&self) -> Option<u32> {
        self.number(b'P')
    }

    /// Like [`position`](Self::position), in the [`internal_query`](Self::internal_query).
    pub fn internal_position(&self) -> Option<u32> {
        self.number(b'p')
    }

    /// The text of a command that the server made itself, as a function does.
    pub fn internal_query(&self) -> Option<&str> {
        self.field(b'q')
    }

    /// The context: call stack of functions and the like, one entry a line, the innermost first.
    pub fn where_(&self) -> Option<&str> {
        self.field(b'W')
    }

    /// The schema of the object concerned.
    pub fn schema(&self) -> Option<&str> {
        self.field(b's')
    }

    /// The table concerned.
    pub fn table(&self) -> Option<&str> {
        self.field(b't')
    }

    /// The column concerned.
    pub fn column(&self) -> Option<&str> {
        self.field(b'c')
    }

    /// The data type concerned.
    pub fn data_type(&self) -> Option<&str> {
        self.field(b'd')
    }

    /// The constraint concerned; indexes count as constraints.
    pub fn constraint(&self) -> Option<&str> {
        self.field(b'n')
    }

    /// The source file of the server.
    pub fn file(&self) -> Option<&str> {
        self.field(b'F')
    }

    /// The line in the server's source file.
    pub fn line(&self) -> Option<u32> {
        self.number(b'L')
    }

    /// The function of the server's source.
    pub fn routine(&self) -> Option<&str> {
        self.field(b'R')
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message(), self.code)?;
        for (label, text) in [("DETAIL", self.detail()), ("HINT", self.hint())] {
            if let Some(text) = text {
                write!(f, "\n{label}:  {text}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("DbError");
        out.field("code", &self.code);
        for (tag, text) in &self.fields {
            let name = FIELDS
                .iter()
                .find(|(known, _)| known == tag)
                .map_or("?", |(_, name)| name);
            out.field(name, &Cow::Borrowed(&**text));
        }
        out.finish()
    }
}

impl std::error::Error for DbError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const FULL: &[u8] = b"SFEHLER\0VERROR\0C23505\0Mduplicate key value\0DKey (id)=(1) already exists.\0HUse another.\0P7\0\
        p3\0qSELECT 1\0WPL/pgSQL function f()\0spublic\0tusers\0cid\0dint4\0nusers_pkey\0Fnbtinsert.c\0L666\0R_bt_check\0\0";

    #[test]
    fn keeps_every_field() {
        let e = DbError::parse(FULL).unwrap();
        assert_eq!(e.code(), SqlState::UNIQUE_VIOLATION);
        assert_eq!(e.severity(), "ERROR");
        assert_eq!(e.severity_localized(), Some("FEHLER"));
        assert_eq!(e.message(), "duplicate key value");
        assert_eq!(e.detail(), Some("Key (id)=(1) already exists."));
        assert_eq!(e.hint(), Some("Use another."));
        assert_eq!(e.position(), Some(7));
        assert_eq!(e.internal_position(), Some(3));
        assert_eq!(e.internal_query(), Some("SELECT 1"));
        assert_eq!(e.where_(), Some("PL/pgSQL function f()"));
        assert_eq!(e.schema(), Some("public"));
        assert_eq!(e.table(), Some("users"));
        assert_eq!(e.column(), Some("id"));
        assert_eq!(e.data_type(), Some("int4"));
        assert_eq!(e.constraint(), Some("users_pkey"));
        assert_eq!(e.file(), Some("nbtinsert.c"));
        assert_eq!(e.line(), Some(666));
        assert_eq!(e.routine(), Some("_bt_check"));
        assert_eq!(
            e.to_string(),
            "duplicate key value (SQLSTATE 23505)\nDETAIL:  Key (id)=(1) already exists.\nHINT:  Use another."
        );
    }

    #[test]
    fn any_shortened_body_is_a_protocol_error() {
        for end in 0..FULL.len() {
            let error = DbError::parse(&FULL[..end]).unwrap_err();
            assert_eq!(error.kind(), Kind::Protocol, "cut at {end}");
        }
    }

    #[test]
    fn malformed_bodies_are_protocol_errors() {
        for body in [
            &b"\0"[..],
            b"Mhello\0\0",
            b"C\0\0",
            b"C2350\0\0",
            b"C235055\0\0",
            b"C23505\0\0x",
            b"C23505\0Mno end",
            b"C23505",
        ] {
            assert_eq!(
                DbError::parse(body).unwrap_err().kind(),
                Kind::Protocol,
                "{body:?}"
            );
        }
    }

    #[test]
    fn reads_what_it_can() {
        let e = DbError::parse(b"C42601\0Mcaf\xe9\0Pmany\0?unknown\0Msecond\0\0").unwrap();
        assert_eq!(e.message(), "caf\u{fffd}");
        assert_eq!(e.position(), None);
        assert_eq!(e.severity(), "ERROR");
        assert!(!e.is_fatal());
        assert_eq!(
            e.fields.len(),
            2,
            "unknown and repeated fields take no memory"
        );
        assert!(DbError::parse(b"SFATAL\0C57P01\0\0").unwrap().is_fatal());
        assert_eq!(
            DbError::parse(b"C57P01\0\0").unwrap().message(),
            "admin_shutdown"
        );
    }
}
