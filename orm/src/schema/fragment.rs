//! Pieces of SQL that a developer writes in a model: a default, a check. They are code and trusted as code, yet
//! they are held inside their parentheses, so that a slip cannot turn one statement into two.

use std::fmt;

use data_bridge_driver::Error;

/// One SQL expression: `now()`, `price > 0`.
///
/// ```
/// use data_bridge_orm::schema::Fragment;
///
/// assert!(Fragment::new("email ~ '@'").is_ok());
/// assert!(Fragment::new("true); DROP TABLE users; --").is_err());
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fragment(String);

impl Fragment {
    /// Checks that the text is one closed expression: brackets and quotes in pairs, no semicolon, no comment.
    ///
    /// # Errors
    /// A text that is empty or could reach outside itself.
    pub fn new(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(Error::interface(format!(
                "the SQL expression {text:?} {why}; write one complete expression"
            ))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with an expression, if anything. Backslashes are literal in plain strings
/// (`standard_conforming_strings`) and escape in `E''` strings; `U&''` strings and dollar quotes are refused, since
/// they would need a full lexer.
fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is empty");
    }
    let mut open = Vec::new();
    // The word just before: an E of its own makes the string after it one with escapes.
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\0' => return Some("holds a NUL"),
            '\'' if word.ends_with('&') => return Some("uses an escape string"),
            '\'' | '"' if !closed(c, &word, &mut chars) => return Some("has an unclosed quote"),
            '(' | '[' => open.push(c),
            ')' if open.pop() != Some('(') => return Some("has a bracket too many"),
            ']' if open.pop() != Some('[') => return Some("has a bracket too many"),
            ';' => return Some("holds a semicolon"),
            '-' if chars.peek() == Some(&'-') => return Some("holds a comment"),
            '/' if chars.peek() == Some(&'*') => return Some("holds a comment"),
            '$' if word.is_empty() => return Some("uses dollar quotes or a parameter"),
            _ => {}
        }
        match c {
            _ if c.is_alphanumeric() || matches!(c, '_' | '$') => word.push(c),
            '&' if word.eq_ignore_ascii_case("u") => word.push(c),
            _ => word.clear(),
        }
    }
    if open.is_empty() {
        None
    } else {
        Some("has an unclosed bracket")
    }
}

/// Reads to the quote that ends what this one opened; `false` where none does.
fn closed(quote: char, before: &str, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    if quote == '"' || !before.eq_ignore_ascii_case("e") {
        // A doubled quote closes and opens again, which comes to the same.
        return chars.any(|next| next == quote);
    }
    while let Some(c) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            '\'' if chars.next_if_eq(&'\'').is_none() => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_expressions_pass() {
        for text in [
            "now()",
            "0",
            "'it''s'",
            "email ~ '@'",
            "(a + b) > 0",
            "data ->> 'x' = ')'",
            "\"a;b\" > 1",
            "ARRAY[1, 2]",
            "a - -1",
            "E'it\\'s; --' || name",
            "e'a''\\';' = 'x'",
            "date'2020-01-01'",
            "a & 'x'",
        ] {
            assert!(Fragment::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn nothing_reaches_outside() {
        for text in [
            "",
            "  ",
            "1)",
            "(1",
            "[1)",
            "1; DROP TABLE x",
            "1 -- c",
            "1 /* c",
            "'a",
            "\"a",
            "E'\\'",
            "E'a\\\\'; x",
            "U&'\\0041'",
            "the'\\'; x'",
            "$$x$$",
            "$1",
            "a\0",
        ] {
            assert!(Fragment::new(text).is_err(), "{text}");
        }
    }
}
