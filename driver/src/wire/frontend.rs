//! Requests to bytes: `postgres-protocol`'s encoders with this driver's errors and limits.
//!
//! Every function appends to a buffer that other requests may already share. None of them cleans up after a failure:
//! the session truncates the buffer to where the request began, for a half-written frame in a shared pipeline would
//! smuggle bytes into the next request.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use crate::error::{Error, Outcome};
use crate::types::Format;

/// The largest message that a server takes: it allocates a message's bytes at once, and refuses 1 GiB and more.
pub const MESSAGE_LIMIT: usize = 0x3fff_ffff;

/// What an encoder of one parameter reports instead of its bytes: any error of the caller's, handed back untouched.
pub type EncodeError = Box<dyn StdError + Send + Sync>;

/// Why a Bind message could not be written.
#[derive(Debug)]
pub enum BindFailure {
    /// The caller's encoder refused a value.
    Value(EncodeError),
    /// The message itself cannot be sent.
    Message(Error),
}

impl From<BindFailure> for Error {
    fn from(failure: BindFailure) -> Self {
        match failure {
            BindFailure::Message(error) => error,
            BindFailure::Value(error) => match error.downcast::<Error>() {
                Ok(error) => *error,
                Err(error) => Error::data(error.to_string()),
            },
        }
    }
}

/// `Parse`: a statement under `name` (empty for the unnamed one), with the parameter types that are known.
pub fn parse(name: &str, sql: &str, parameters: &[u32], out: &mut BytesMut) -> Result<(), Error> {
    let start = out.len();
    frontend::parse(name, sql, parameters.iter().copied(), out)
        .map_err(|_| Error::data(unsendable(sql)))?;
    check_size(out, start)
}

/// `Bind`: `encode` appends the payload of each parameter, or says that it is NULL.
///
/// An empty `result_formats` asks for every column in binary.
#[inline]
pub fn bind(
    portal: &str,
    statement: &str,
    parameters: &[Format],
    result_formats: &[Format],
    mut encode: impl FnMut(usize, &mut BytesMut) -> Result<IsNull, EncodeError>,
    out: &mut BytesMut,
) -> Result<(), BindFailure> {
    let start = out.len();
    // One code stands for all parameters where they agree.
    let shared = if parameters.iter().all(|format| *format == Format::Binary) {
        &[Format::Binary]
    } else {
        parameters
    };
    let results = if result_formats.is_empty() {
        &[Format::Binary]
    } else {
        result_formats
    };
    frontend::bind(
        portal,
        statement,
        shared.iter().map(|format| format.code()),
        0..parameters.len(),
        &mut encode,
        results.iter().map(|format| format.code()),
        out,
    )
    .map_err(|error| match error {
        frontend::BindError::Conversion(error) => BindFailure::Value(error),
        frontend::BindError::Serialization(_) => BindFailure::Message(too_large()),
    })?;
    check_size(out, start).map_err(BindFailure::Message)
}

/// `Execute` of a portal; `max_rows` 0 means all.
pub fn execute(portal: &str, max_rows: i32, out: &mut BytesMut) -> Result<(), Error> {
    frontend::execute(portal, max_rows, out).map_err(|_| too_large())
}

/// `Describe` of a statement.
pub fn describe_statement(name: &str, out: &mut BytesMut) -> Result<(), Error> {
    frontend::describe(b'S', name, out).map_err(|_| too_large())
}

/// `Close` of a statement; closing one that is not there is no error.
pub fn close_statement(name: &str, out: &mut BytesMut) -> Result<(), Error> {
    frontend::close(b'S', name, out).map_err(|_| too_large())
}

/// `Close` of a portal; closing one that is not there is no error.
pub fn close_portal(name: &str, out: &mut BytesMut) -> Result<(), Error> {
    frontend::close(b'P', name, out).map_err(|_| too_large())
}

/// `Query`: the simple protocol, several statements allowed.
pub fn query(sql: &str, out: &mut BytesMut) -> Result<(), Error> {
    let start = out.len();
    frontend::query(sql, out).map_err(|_| Error::data(unsendable(sql)))?;
    check_size(out, start)
}

/// `Sync`: ends a unit that fails or succeeds as one.
pub fn sync(out: &mut BytesMut) {
    frontend::sync(out);
}

/// `Flush`: asks for answers without ending the unit.
pub fn flush(out: &mut BytesMut) {
    frontend::flush(out);
}

/// `CopyDone`: all of the data is sent.
pub fn copy_done(out: &mut BytesMut) {
    frontend::copy_done(out);
}

/// `CopyFail`: makes the server drop all that this COPY has sent.
pub fn copy_fail(reason: &str, out: &mut BytesMut) -> Result<(), Error> {
    let reason = reason.replace('\0', " ");
    frontend::copy_fail(&reason, out).map_err(|_| too_large())
}

/// `Terminate`: the polite end of a connection.
pub fn terminate(out: &mut BytesMut) {
    frontend::terminate(out);
}

/// `SSLRequest`: one byte will answer it.
pub fn ssl_request(out: &mut BytesMut) {
    frontend::ssl_request(out);
}

/// `StartupMessage` of protocol 3.0 with these parameters.
pub fn startup<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    out: &mut BytesMut,
) -> Result<(), Error> {
    frontend::startup_message(parameters, out)
        .map_err(|_| Error::config("user, database and options must not contain a zero byte"))
}

/// `CancelRequest`, sent on a connection of its own.
pub fn cancel_request(process: i32, secret: &[u8], out: &mut BytesMut) {
    const CODE: i32 = 80_877_102;
    let length = i32::try_from(12 + secret.len()).unwrap_or(i32::MAX);
    for field in [length, CODE, process] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    out.extend_from_slice(secret);
}

/// Refuses more parameters than Bind can count. Asked before a statement is even prepared: with more of them, the server's
/// `ParameterDescription` is malformed, and so ends the connection.
///
/// # Errors
/// A data error if there are more than 65,535.
pub fn check_parameters(count: usize) -> Result<(), Error> {
    if u16::try_from(count).is_ok() {
        return Ok(());
    }
    Err(Error::data(format!(
        "the statement has {count} parameters, and PostgreSQL takes 65,535; pass a list as one array parameter (= ANY($1)), \
         or insert rows by insert_many",
    ))
    .with_outcome(Outcome::NotSent))
}

fn check_size(out: &BytesMut, start: usize) -> Result<(), Error> {
    if out.len() - start > MESSAGE_LIMIT {
        Err(too_large())
    } else {
        Ok(())
    }
}

fn too_large() -> Error {
    Error::data(
        "the request is larger than 1 GiB or has more than 65,535 parameters, which PostgreSQL does not take; send it in parts",
    )
}

fn unsendable(sql: &str) -> String {
    if sql.contains('\0') {
        "the SQL text contains a zero byte, which PostgreSQL does not take".to_owned()
    } else {
        too_large().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(write: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
        let mut out = BytesMut::new();
        write(&mut out);
        out.to_vec()
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(
            golden(|out| parse("s1", "SELECT $1", &[23], out).unwrap()),
            b"P\0\0\0\x17s1\0SELECT $1\0\0\x01\0\0\0\x17"
        );
        assert_eq!(
            golden(|out| {
                bind(
                    "",
                    "s1",
                    &[Format::Binary, Format::Binary],
                    &[],
                    |index, out| {
                        if index == 1 {
                            return Ok(IsNull::Yes);
                        }
                        out.extend_from_slice(&7_i32.to_be_bytes());
                        Ok(IsNull::No)
                    },
                    out,
                )
                .unwrap();
            }),
            b"B\0\0\0\x1e\0s1\0\0\x01\0\x01\0\x02\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff\0\x01\0\x01"
        );
        assert_eq!(
            golden(|out| execute("", 5, out).unwrap()),
            b"E\0\0\0\x09\0\0\0\0\x05"
        );
        assert_eq!(
            golden(|out| describe_statement("s1", out).unwrap()),
            b"D\0\0\0\x08Ss1\0"
        );
        assert_eq!(
            golden(|out| close_statement("s1", out).unwrap()),
            b"C\0\0\0\x08Ss1\0"
        );
        assert_eq!(
            golden(|out| close_portal("p1", out).unwrap()),
            b"C\0\0\0\x08Pp1\0"
        );
        assert_eq!(
            golden(|out| query("SELECT 1", out).unwrap()),
            b"Q\0\0\0\x0dSELECT 1\0"
        );
        assert_eq!(golden(sync), b"S\0\0\0\x04");
        assert_eq!(golden(flush), b"H\0\0\0\x04");
        assert_eq!(golden(copy_done), b"c\0\0\0\x04");
        assert_eq!(
            golden(|out| copy_fail("a\0b", out).unwrap()),
            b"f\0\0\0\x08a b\0"
        );
        assert_eq!(golden(terminate), b"X\0\0\0\x04");
        assert_eq!(golden(ssl_request), b"\0\0\0\x08\x04\xd2\x16\x2f");
        assert_eq!(
            golden(|out| startup([("user", "ann")], out).unwrap()),
            b"\0\0\0\x12\0\x03\0\0user\0ann\0\0"
        );
        assert_eq!(
            golden(|out| cancel_request(258, &[9, 8, 7, 6], out)),
            b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\x01\x02\x09\x08\x07\x06"
        );
    }

    #[test]
    fn zero_bytes_never_reach_the_wire() {
        let mut out = BytesMut::new();
        assert!(
            parse("", "SELECT 1\0; DROP TABLE t", &[], &mut out)
                .unwrap_err()
                .to_string()
                .contains("zero byte")
        );
        assert!(query("SELECT 1\0", &mut out).is_err());
        assert!(startup([("user", "a\0b")], &mut out).is_err());
    }

    #[test]
    fn a_refused_value_comes_back_as_it_was() {
        let failure = bind(
            "",
            "",
            &[Format::Binary],
            &[],
            |_, _| Err("seven is not eight".into()),
            &mut BytesMut::new(),
        );
        assert!(
            Error::from(failure.unwrap_err())
                .to_string()
                .contains("seven is not eight")
        );
    }
}
