//! Shared inputs of the benchmarks: a session that has logged in, a prepared statement, and the server's answers.
//!
//! No server is involved: the bytes are those that PostgreSQL sends for the six mixed columns of the Python suite
//! (`int8, text, float8, bool, timestamptz, numeric(12,2)`).

use std::sync::Arc;

use bytes::BytesMut;
use data_bridge_driver::auth::{Authenticator, Credentials, Policy};
use data_bridge_driver::session::{Event, Session, Startup, Statement};

/// The statement that [`prepared`] prepares.
pub const POINT_SELECT: &str =
    "SELECT id, name, score, active, created, amount FROM bench_items WHERE id = $1";

/// The columns of the rows, as name, type id and type length.
const COLUMNS: [(&str, i32, i16); 6] = [
    ("id", 20, 8),
    ("name", 25, -1),
    ("score", 701, 8),
    ("active", 16, 1),
    ("created", 1184, 8),
    ("amount", 1700, -1),
];

/// `1836151.93` as the server sends a numeric of scale 2.
pub const AMOUNT: [u8; 14] = [0, 3, 0, 1, 0, 0, 0, 2, 0, 183, 24, 7, 36, 84];

/// A session that has logged in and has sent everything.
///
/// # Panics
/// When the session does not accept a server's greeting.
#[must_use]
pub fn ready_session() -> Session {
    let credentials = Credentials {
        user: "bench".into(),
        password: None,
    };
    let mut session = Session::new(Startup {
        parameters: vec![("user".into(), "bench".into())],
        tls: None,
        authenticator: Authenticator::new(credentials, Policy::default(), [0; 18]),
        statement_cache: 100,
    })
    .expect("startup without TLS");
    session.handle_bytes(&message(b'R', &0_i32.to_be_bytes()));
    session.handle_bytes(&message(b'Z', b"I"));
    drain(&mut session);
    assert!(session.is_ready());
    session
}

/// [`POINT_SELECT`], prepared in this session.
///
/// # Panics
/// When the session does not accept a server's answer to Parse and Describe.
#[must_use]
pub fn prepared(session: &mut Session) -> Arc<Statement> {
    session.prepare(POINT_SELECT, &[20]).expect("a request");
    let mut answer = message(b'1', b"");
    answer.extend(message(b't', b"\0\x01\0\0\0\x14"));
    answer.extend(message(b'T', &row_description()));
    answer.extend(message(b'Z', b"I"));
    session.handle_bytes(&answer);
    let mut statement = None;
    while let Some(event) = session.poll_event() {
        if let Event::Prepared {
            statement: done, ..
        } = event
        {
            statement = Some(done);
        }
    }
    advance_all(session);
    statement.expect("the statement is prepared")
}

/// What the server answers to one Bind, Execute and Sync: this many rows.
#[must_use]
pub fn answer(rows: usize) -> Vec<u8> {
    let mut bytes = message(b'2', b"");
    let row = message(b'D', &data_row());
    for _ in 0..rows {
        bytes.extend(&row);
    }
    bytes.extend(message(b'C', format!("SELECT {rows}\0").as_bytes()));
    bytes.extend(message(b'Z', b"I"));
    bytes
}

/// Takes every event there is; returns the number of rows in them.
pub fn drain(session: &mut Session) -> usize {
    let mut rows = 0;
    while let Some(event) = session.poll_event() {
        if let Event::Rows { rows: batch, .. } = event {
            rows += batch.len();
        }
    }
    advance_all(session);
    rows
}

/// Everything that waits to be sent is sent; returns how many bytes that was.
pub fn advance_all(session: &mut Session) -> usize {
    let count = session.poll_out().len();
    session.advance_out(count);
    count
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    let mut bytes = vec![tag];
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    bytes
}

fn row_description() -> Vec<u8> {
    let mut body = b"\0\x06".to_vec();
    for (name, oid, length) in COLUMNS {
        body.extend(name.as_bytes());
        body.extend([0, 0, 0, 0, 0, 0, 0]); // end of name, no table, no column number
        body.extend(oid.to_be_bytes());
        body.extend(length.to_be_bytes());
        body.extend((-1_i32).to_be_bytes());
        body.extend([0, 0]); // text: Describe of a statement does not know the format yet
    }
    body
}

fn data_row() -> BytesMut {
    let values: [&[u8]; 6] = [
        &58_562_i64.to_be_bytes(),
        b"name-0000058562",
        &993.439_622_382_973_8_f64.to_be_bytes(),
        &[0],
        &413_886_000_000_000_i64.to_be_bytes(),
        &AMOUNT,
    ];
    let mut body = BytesMut::from(&b"\0\x06"[..]);
    for value in values {
        let length = u32::try_from(value.len()).expect("a short value");
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(value);
    }
    body
}
