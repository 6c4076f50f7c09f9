//! Any bytes from a server, cut in any way: no panic, no hang, memory in proportion to what came,
//! and the same events as without the cuts.
//!
//! Input: one byte of requests to make, one byte of piece size, then what the server sends after
//! its greeting.

#![no_main]

use data_bridge_driver::session::{Execute, Session};
use data_bridge_tests::scripted::message;
use data_bridge_tests::scripted::wire::{startup, tell};
use libfuzzer_sys::fuzz_target;
use postgres_protocol::IsNull;

fuzz_target!(|input: &[u8]| {
    let [requests, size, bytes @ ..] = input else { return };
    let whole = run(*requests, bytes, bytes.len());
    let cut = run(*requests, bytes, usize::from(*size).max(1));
    assert_eq!(whole, cut);
});

fn run(requests: u8, bytes: &[u8], size: usize) -> Vec<String> {
    let mut session = Session::new(startup()).expect("a session without TLS starts");
    // The highest bit asks for the bytes to come instead of the greeting.
    if requests & 0x80 == 0 {
        session.handle_bytes(&message::auth_ok());
        session.handle_bytes(&message::ready(b'I'));
        while session.poll_event().is_some() {}
        ask(&mut session, requests);
    }
    let mut told = Vec::new();
    for piece in bytes.chunks(size.max(1)) {
        session.handle_bytes(piece);
        while let Some(event) = session.poll_event() {
            told.extend(tell(&event));
        }
    }
    session.handle_eof();
    while let Some(event) = session.poll_event() {
        told.extend(tell(&event));
    }
    assert!(session.closed().is_some(), "nothing outlives the end of the stream");
    assert_eq!(session.outstanding(), 0);
    told
}

/// A request for each bit, so that any answer may be due.
fn ask(session: &mut Session, requests: u8) {
    let mut request = |bit: u8, make: &dyn Fn(&mut Session)| {
        if requests & bit != 0 {
            make(session);
        }
    };
    request(1, &|session| {
        session.prepare("SELECT $1", &[23]).expect("the session is open");
    });
    request(2, &|session| {
        let mut batch = session.batch().expect("the session is open");
        batch.prepare("SELECT a, b", &[]).expect("a statement");
        batch.execute_prepared(Execute::default(), |_, _| Ok(IsNull::Yes)).expect("no parameters");
        batch.finish();
    });
    request(4, &|session| {
        session.simple("SELECT 1; SELECT 2").expect("the session is open");
    });
    request(8, &|session| {
        let mut batch = session.batch().expect("the session is open");
        batch.command("BEGIN").expect("a command");
        batch.close_portal("p").expect("a portal");
        batch.finish();
    });
    request(16, &|session| {
        session.copy_in("COPY t FROM STDIN").expect("the session is open");
    });
}
