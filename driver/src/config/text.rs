//! Connection strings in both of libpq's forms.
//!
//! Where libpq accepts a text that is almost surely a slip (a key given twice, a stray `@`, a bad port), this is an
//! error. No message repeats a piece of the text: with one character missing, any piece can be part of the password.
//!
//! Source: PostgreSQL manual, "Connection Strings".

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

use super::settings::{KEYS, Origin, Settings};

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Reads a URL (`postgresql://user:password@host:port/dbname?key=value`) or key=value text (`host=h user=u`).
pub(super) fn parse(text: &str) -> Result<Settings> {
    let mut found = Found::default();
    let trimmed = text.trim_matches(SPACE);
    if let Some(rest) = SCHEMES
        .iter()
        .find_map(|scheme| trimmed.strip_prefix(scheme))
    {
        url(rest, &mut found)?;
    } else if has_scheme(trimmed) {
        return Err(bad("a URL must start with postgresql:// or postgres://"));
    } else {
        keywords(text, &mut found)?;
    }
    Ok(found.settings)
}

fn bad(what: &'static str) -> Error {
    Error::config(format!("connection string: {what}"))
}

/// Settings, with the keys that were there already.
#[derive(Default)]
struct Found {
    settings: Settings,
    keys: Vec<String>,
}

impl Found {
    fn add(&mut self, key: &str, value: Zeroizing<String>) -> Result<()> {
        self.settings.put(key, value, Origin::ConnectionString)?;
        if self.keys.iter().any(|seen| seen == key) {
            // Only known keys get this far.
            let known = KEYS
                .iter()
                .map(|(known, _)| *known)
                .find(|known| *known == key);
            return Err(Error::config(format!(
                "connection string: {} is given twice",
                known.unwrap_or("a key")
            )));
        }
        self.keys.push(key.to_owned());
        Ok(())
    }

    fn add_encoded(&mut self, key: &str, value: &str) -> Result<()> {
        if value.is_empty() {
            Ok(())
        } else {
            self.add(key, decoded(value)?)
        }
    }
}

/// Letters, digits, `+`, `-`, `.` before `://`: the author meant a URL.
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// What follows the scheme: `[user[:password]@][host[:port],...][/dbname][?key=value&...]`.
fn url(text: &str, found: &mut Found) -> Result<()> {
    if text.contains(SPACE) {
        return Err(bad("a URL holds a space; write it as %20"));
    }
    let mut rest = text;
    // As in libpq the first @ ends the password, if it comes before the first slash.
    if let Some(at) = rest.find(['@', '/'])
        && let Some((credentials, after)) = rest.split_at_checked(at)
        && let Some(after) = after.strip_prefix('@')
    {
        if credentials.contains('?') {
            return Err(bad(
                "a ? before an @ can mean two things; write ? in a password as %3F, @ in a value as %40",
            ));
        }
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        found.add_encoded("user", user)?;
        found.add_encoded("password", password)?;
        rest = after;
    }
    let (location, query) = rest
        .split_once('?')
        .map_or((rest, None), |(location, query)| (location, Some(query)));
    if location.contains('@') {
        return Err(bad(
            "a stray @ after the host began; in a user name, password or database name write it as %40",
        ));
    }
    let (authority, dbname) = location.split_once('/').unwrap_or((location, ""));
    hosts(authority, found)?;
    found.add_encoded("dbname", dbname)?;
    for pair in query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter(|pair| !pair.is_empty())
    {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(bad("a key after the ? has no value; write key=value"));
        };
        if value.contains('=') {
            return Err(bad("a value after the ? holds a bare =; write it as %3D"));
        }
        found.add(&decoded(key)?, decoded(value)?)?;
    }
    Ok(())
}

/// `host[:port][,host[:port]]...`, where an IPv6 address stands in brackets.
fn hosts(authority: &str, found: &mut Found) -> Result<()> {
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for part in authority.split(',') {
        let (name, port) = if let Some(rest) = part.strip_prefix('[') {
            let Some((name, after)) = rest.split_once(']') else {
                return Err(bad("an IPv6 address has no closing bracket"));
            };
            if name.is_empty() || !(after.is_empty() || after.starts_with(':')) {
                return Err(bad(
                    "brackets must hold an IPv6 address and be followed by : or the end of the host",
                ));
            }
            (name, after.strip_prefix(':').unwrap_or(""))
        } else {
            part.split_once(':').unwrap_or((part, ""))
        };
        names.push(name);
        ports.push(port);
    }
    // A URL without a host still may have a port: postgresql://:5433/db.
    if names.iter().any(|name| !name.is_empty()) {
        found.add("host", decoded(&names.join(","))?)?;
    } else if names.len() > 1 {
        return Err(bad("the list of hosts is empty"));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        found.add("port", decoded(&ports.join(","))?)?;
    }
    Ok(())
}

/// Percent-decoding that accepts nothing broken: each `%` needs two hex digits, the result must be UTF-8.
fn decoded(text: &str) -> Result<Zeroizing<String>> {
    for after in text.split('%').skip(1) {
        let hex = after.as_bytes().get(..2);
        if !hex.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(bad(
                "a % is not followed by two hex digits; write a plain % as %25",
            ));
        }
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(Zeroizing::new(decoded.into_owned())),
        Err(_) => Err(bad("percent-encoded bytes are not UTF-8")),
    }
}

/// `key = value key = 'quoted \' value'`.
fn keywords(text: &str, found: &mut Found) -> Result<()> {
    let mut rest = text.trim_start_matches(SPACE);
    while !rest.is_empty() {
        let pair = rest
            .split_once('=')
            .map(|(key, after)| (key.trim_end_matches(SPACE), after));
        let Some((key, after)) = pair.filter(|(key, _)| !key.contains(SPACE)) else {
            return Err(bad(
                "a word without = after it; write key=value, and put a value with spaces in single quotes",
            ));
        };
        let after = after.trim_start_matches(SPACE);
        let (value, after) = if let Some(quoted) = after.strip_prefix('\'') {
            let (value, after) = unescaped(quoted, &['\'']);
            let after = after.strip_prefix('\'');
            (
                value,
                after.ok_or_else(|| bad("a value in single quotes has no closing quote"))?,
            )
        } else {
            unescaped(after, &SPACE)
        };
        found.add(key, value)?;
        rest = after.trim_start_matches(SPACE);
    }
    Ok(())
}

/// What C calls space.
const SPACE: [char; 6] = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];

/// Reads up to one of the ends (which is left in the rest); a backslash takes the next character as it is.
fn unescaped<'a>(text: &'a str, ends: &[char]) -> (Zeroizing<String>, &'a str) {
    // Enough room from the start, so that no half of a password stays behind in memory.
    let mut value = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            value.extend(chars.next().map(|(_, escaped)| escaped));
        } else if ends.contains(&c) {
            return (value, text.get(at..).unwrap_or_default());
        } else {
            value.push(c);
        }
    }
    (value, "")
}
