//! The little that the driver must see in SQL text: which of its statements speak the COPY protocol, and which open or end
//! a transaction.
//!
//! This is no parser. It knows what PostgreSQL's lexer knows of comments, strings, quoted names and dollar quotes (manual,
//! "Lexical Structure"), so that a word within these is never taken for a command.
//!
//! COPY has to be told before it is sent: while the server waits for its data it takes the next request for a breach of
//! the protocol, and since version 14 ends the connection, with all requests that are behind on it.

use memchr::{memchr2, memchr2_iter, memmem};

use crate::error::Error;

/// What a statement asks of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// `COPY ... FROM STDIN`.
    CopyIn,
    /// `COPY ... TO STDOUT`.
    CopyOut,
    /// Opens a transaction, or goes on with another one.
    Begin,
    /// Ends a transaction.
    End,
    /// Anything else.
    Other,
}

/// Refuses COPY in a request that has no place for its data.
#[inline]
pub(crate) fn check_no_copy(sql: &str) -> Result<(), Error> {
    if !mentions_copy(sql) {
        return Ok(());
    }
    statements(sql).try_for_each(|command| match command {
        Command::CopyIn => Err(Error::interface(
            "COPY ... FROM STDIN takes its data from this program, which a plain statement cannot give: use \
             insert_many for rows, or in Rust copy_in",
        )),
        Command::CopyOut => Err(Error::interface(
            "COPY ... TO STDOUT gives its data outside of a result, where nobody would read it: run the query itself, or \
             let COPY write to a file or program of the server",
        )),
        _ => Ok(()),
    })
}

/// Refuses all but one `COPY ... FROM STDIN`.
pub(crate) fn check_copy_in(sql: &str) -> Result<(), Error> {
    let mut commands = statements(sql);
    match (commands.next(), commands.next()) {
        (Some(Command::CopyIn), None) => Ok(()),
        (_, Some(_)) => Err(Error::interface(
            "copy_in runs one statement, COPY ... FROM STDIN; there are several here",
        )),
        _ => Err(Error::interface(
            "copy_in runs COPY ... FROM STDIN, which this is not",
        )),
    }
}

/// Whether this one statement opens a transaction, in which what runs on the connection afterwards would take part.
///
/// Looks no further than its first word, for it is asked of each call.
#[inline]
pub fn begins_transaction(sql: &str) -> bool {
    let first = Tokens::new(sql).find(|token| *token != Token::Semicolon);
    matches!(first, Some(Token::Word(word)) if is_any(word, &["BEGIN", "START"]))
}

/// Whether this one statement ends the transaction that is open, or goes on in another one; not so what ends a savepoint.
///
/// Of nearly all statements no more than the first word is read, for it is asked of each call in a transaction.
#[inline]
pub fn ends_transaction(sql: &str) -> bool {
    const ENDS: [&str; 5] = ["COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE"];
    let first = Tokens::new(sql).find(|token| *token != Token::Semicolon);
    matches!(first, Some(Token::Word(word)) if is_any(word, &ENDS))
        && statements(sql)
            .next()
            .is_some_and(|command| matches!(command, Command::Begin | Command::End))
}

/// Whether a transaction is open behind these statements that was not before.
pub fn leaves_transaction_open(sql: &str) -> bool {
    statements(sql).fold(false, |open, command| match command {
        Command::Begin => true,
        Command::End => false,
        _ => open,
    })
}

fn mentions_copy(sql: &str) -> bool {
    let sql = sql.as_bytes();
    memchr2_iter(b'c', b'C', sql).any(|at| {
        sql.get(at..at + 4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"copy"))
    })
}

/// What each statement of `sql` is; empty ones are left out.
fn statements(sql: &str) -> impl Iterator<Item = Command> {
    let mut tokens = Tokens::new(sql);
    std::iter::from_fn(move || statement(&mut tokens))
}

/// Reads up to the end of a statement.
fn statement(tokens: &mut Tokens<'_>) -> Option<Command> {
    let first = tokens.find(|token| *token != Token::Semicolon)?;
    let mut command = match first {
        Token::Word(word) if is_any(word, &["BEGIN", "START"]) => Command::Begin,
        Token::Word(word) if is_any(word, &["COMMIT", "END", "ROLLBACK", "ABORT"]) => Command::End,
        _ => Command::Other,
    };
    let is =
        |token: Token<'_>, what: &[&str]| matches!(token, Token::Word(word) if is_any(word, what));
    let mut depth = usize::from(first == Token::Open);
    let mut before = first;
    for token in tokens {
        match token {
            // Only the actions of a rule are in parentheses.
            Token::Semicolon if depth == 0 => break,
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Word(_) if depth > 0 => {}
            Token::Word(_) if is(first, &["COPY"]) && is(token, &["STDIN", "STDOUT"]) => {
                // The grammar takes both words for both directions.
                if is(before, &["FROM"]) {
                    command = Command::CopyIn;
                } else if is(before, &["TO"]) {
                    command = Command::CopyOut;
                }
            }
            Token::Word(_) if is(first, &["ROLLBACK"]) && is(token, &["TO"]) => {
                command = Command::Other;
            }
            // The server refuses it in a transaction, and outside it leaves none open.
            Token::Word(_) if command == Command::End && is(token, &["PREPARED"]) => {
                command = Command::Other;
            }
            Token::Word(_)
                if command == Command::End && is(token, &["CHAIN"]) && is(before, &["AND"]) =>
            {
                command = Command::Begin;
            }
            Token::Word(_) if is(before, &["PREPARE"]) && is(token, &["TRANSACTION"]) => {
                command = Command::End;
            }
            _ => {}
        }
        before = token;
    }
    Some(command)
}

fn is_any(word: &[u8], words: &[&str]) -> bool {
    words
        .iter()
        .any(|other| word.eq_ignore_ascii_case(other.as_bytes()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A keyword or a name without quotes.
    Word(&'a [u8]),
    Semicolon,
    Open,
    Close,
    /// A string, a quoted name, a number, an operator.
    Other,
}

/// What comes between comments and white space.
struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    fn new(sql: &'a str) -> Self {
        Self {
            rest: sql.as_bytes(),
        }
    }

    /// Takes bytes for as long as `belongs` says.
    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !belongs(*byte));
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Behind `/*`: comments nest.
    fn skip_comment(&mut self) {
        let mut depth = 1_usize;
        while depth > 0 {
            let Some(at) = memchr2(b'*', b'/', self.rest) else {
                return self.rest = &[];
            };
            self.skip(at);
            if self.rest.starts_with(b"*/") {
                depth -= 1;
                self.skip(2);
            } else if self.rest.starts_with(b"/*") {
                depth += 1;
                self.skip(2);
            } else {
                self.skip(1);
            }
        }
    }

    /// Behind an opening quote. A doubled quote within reads as the end of one string and the beginning of another.
    fn skip_quoted(&mut self, quote: u8, has_escapes: bool) {
        loop {
            let escape = if has_escapes { b'\\' } else { quote };
            let Some(at) = memchr2(quote, escape, self.rest) else {
                return self.rest = &[];
            };
            let is_escape = has_escapes && self.rest.get(at) == Some(&escape);
            self.skip(at + 1 + usize::from(is_escape));
            if !is_escape {
                return;
            }
        }
    }

    /// At a `$`: a dollar-quoted string, or a parameter.
    fn skip_dollar(&mut self) {
        self.skip(1);
        let rest = self.rest;
        if !rest.first().is_some_and(u8::is_ascii_digit) {
            let tag = self.take_while(|byte| is_word(byte) && byte != b'$');
            if self.rest.first() == Some(&b'$') {
                let mark = [b"$", tag, b"$"].concat();
                self.skip(1);
                let end = memmem::find(self.rest, &mark).map(|at| at + mark.len());
                return self.skip(end.unwrap_or(self.rest.len()));
            }
        }
        self.rest = rest;
        self.take_while(|byte| byte.is_ascii_digit());
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.take_while(|byte| byte.is_ascii_whitespace() || byte == 0x0b);
            if self.rest.starts_with(b"--") {
                self.take_while(|byte| byte != b'\n' && byte != b'\r');
            } else if self.rest.starts_with(b"/*") {
                self.skip(2);
                self.skip_comment();
            } else {
                break;
            }
        }
        let byte = *self.rest.first()?;
        if byte == b'$' {
            self.skip_dollar();
            return Some(Token::Other);
        }
        if is_word(byte) {
            let word = self.take_while(is_word);
            if word.eq_ignore_ascii_case(b"e") && self.rest.first() == Some(&b'\'') {
                self.skip(1);
                self.skip_quoted(b'\'', true);
                return Some(Token::Other);
            }
            let is_number = byte.is_ascii_digit();
            return Some(if is_number {
                Token::Other
            } else {
                Token::Word(word)
            });
        }
        self.skip(1);
        Some(match byte {
            b';' => Token::Semicolon,
            b'(' => Token::Open,
            b')' => Token::Close,
            b'\'' | b'"' => {
                self.skip_quoted(byte, false);
                Token::Other
            }
            _ => Token::Other,
        })
    }
}

/// What a name may go on with.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Command::{Begin, CopyIn, CopyOut, End, Other};
    use super::*;

    fn commands(sql: &str) -> Vec<Command> {
        statements(sql).collect()
    }

    #[test]
    fn copy_is_found_where_the_server_would_find_it() {
        for sql in [
            "COPY t FROM STDIN",
            " /* a /* b */ ; */ copy t (a, \"b\"\"c\") from stdin (format binary);",
            "-- first\nCOPY s.t FROM STDIN WITH CSV DELIMITER ';'",
            "; COPY BINARY t FROM STDOUT",
            "COPY stdin FROM STDIN",
            "COPY t FROM STDIN WHERE a > 1",
        ] {
            assert_eq!(commands(sql), [CopyIn], "{sql}");
        }
        for sql in [
            "COPY t TO STDOUT",
            "COPY (SELECT 1; ) TO STDOUT (NULL 'x')",
            "COPY (SELECT a FROM stdin) TO STDIN",
        ] {
            assert_eq!(commands(sql), [CopyOut], "{sql}");
        }
        assert_eq!(
            commands("SELECT 1; COPY t FROM STDIN; COPY t TO STDOUT"),
            [Other, CopyIn, CopyOut]
        );
    }

    #[test]
    fn what_looks_like_copy_is_none() {
        for sql in [
            "COPY t FROM '/tmp/stdin'",
            "COPY t FROM PROGRAM 'cat'",
            "COPY stdin TO 'file'",
            "COPY t (stdin) FROM 'file'",
            "COPY (SELECT a FROM stdin) TO 'file'",
            "COPY \"a FROM STDIN\" FROM 'file'",
            "SELECT 'COPY t FROM STDIN'",
            "SELECT ';COPY t FROM STDIN'",
            "SELECT '''; COPY t FROM STDIN'",
            r"SELECT E'\'; COPY t FROM STDIN'",
            r"SELECT e'\\\'; COPY t FROM STDIN'",
            "SELECT $$; COPY t FROM STDIN$$",
            "SELECT $a$ $$; COPY t FROM STDIN $b$ $a$",
            "SELECT a$b FROM t /* ; COPY t FROM STDIN",
            "SELECT 1 -- ; COPY t FROM STDIN",
            "INSERT INTO copy SELECT a FROM stdin",
            "SELECT \"; COPY t FROM STDIN",
        ] {
            assert_eq!(commands(sql), [Other], "{sql}");
        }
        assert_eq!(commands(""), []);
        assert_eq!(commands(" ; -- nothing\n;"), []);
        // Neither the dollar of a name nor that of a parameter begins a string.
        assert_eq!(commands("SELECT a$$ ; COPY t FROM STDIN"), [Other, CopyIn]);
        assert_eq!(commands("SELECT $1$$; COPY t FROM STDIN"), [Other]);
        assert_eq!(commands(r"SELECT '\'; COPY t FROM STDIN"), [Other, CopyIn]);
    }

    #[test]
    fn transactions_are_followed() {
        for (sql, expected) in [
            ("BEGIN", vec![Begin]),
            ("start transaction read only", vec![Begin]),
            ("BEGIN; SELECT 1; COMMIT", vec![Begin, Other, End]),
            ("BEGIN; ROLLBACK TO a", vec![Begin, Other]),
            ("BEGIN; ROLLBACK WORK TO SAVEPOINT a", vec![Begin, Other]),
            ("COMMIT AND CHAIN", vec![Begin]),
            ("ROLLBACK AND NO CHAIN", vec![End]),
            ("BEGIN; PREPARE TRANSACTION 'a'", vec![Begin, End]),
            ("BEGIN; PREPARE a AS SELECT 1", vec![Begin, Other]),
            ("SELECT begin", vec![Other]),
        ] {
            assert_eq!(commands(sql), expected, "{sql}");
        }
        assert!(leaves_transaction_open("COMMIT; BEGIN"));
        assert!(!leaves_transaction_open("BEGIN; COMMIT"));
        for sql in ["BEGIN", " begin;", "\n;Start TRANSACTION", "/* a */ BEGIN"] {
            assert!(begins_transaction(sql), "{sql}");
        }
        for sql in [
            "",
            "SELECT 1",
            "beginning",
            "SELECT 'BEGIN'",
            "é",
            "\"BEGIN\"",
        ] {
            assert!(!begins_transaction(sql), "{sql}");
        }
    }

    #[test]
    fn what_ends_a_transaction_is_told_from_what_ends_a_savepoint() {
        for sql in [
            "COMMIT",
            " commit work;",
            "/* a */ END",
            "Rollback",
            "ABORT",
            "COMMIT AND CHAIN",
            "ROLLBACK AND NO CHAIN",
            "PREPARE TRANSACTION 'a'",
        ] {
            assert!(ends_transaction(sql), "{sql}");
        }
        for sql in [
            "",
            "BEGIN",
            "SAVEPOINT a",
            "RELEASE a",
            "ROLLBACK TO a",
            "ROLLBACK WORK TO SAVEPOINT a",
            "PREPARE a AS SELECT 1",
            "COMMIT PREPARED 'a'",
            "ROLLBACK PREPARED 'a'",
            "SELECT 'COMMIT'",
            "committed",
        ] {
            assert!(!ends_transaction(sql), "{sql}");
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let error = check_no_copy("copy t from stdin").unwrap_err();
        assert!(error.to_string().contains("in Rust copy_in"), "{error}");
        let error = check_no_copy("SELECT 1; COPY t TO STDOUT").unwrap_err();
        assert!(
            error.to_string().contains("run the query itself"),
            "{error}"
        );
        assert!(check_no_copy("SELECT copy FROM t").is_ok());
        assert!(check_copy_in("COPY t FROM STDIN;").is_ok());
        for sql in ["SELECT 1", "", "COPY t TO STDOUT", "COPY t FROM 'file'"] {
            let error = check_copy_in(sql).unwrap_err();
            assert!(error.to_string().contains("which this is not"), "{error}");
        }
        let error = check_copy_in("COPY t FROM STDIN; SELECT 1").unwrap_err();
        assert!(error.to_string().contains("several"), "{error}");
    }

    proptest! {
        /// Any text is read to its end, and what stands in a string adds nothing.
        #[test]
        fn any_text_is_read(text in r#"[ ;'"$a\\/*\-()]{0,40}"#) {
            commands(&text);
            let quoted = format!("SELECT '{}'; COPY t FROM STDIN", text.replace('\'', "''"));
            prop_assert_eq!(commands(&quoted), [Other, CopyIn]);
        }
    }
}
