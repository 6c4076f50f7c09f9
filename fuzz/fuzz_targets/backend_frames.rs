//! Any bytes from a server, cut in any way: no panic, no hang, memory in proportion to what came,
//! and the same events as without the cuts.
//!
//! Input: one byte of requests to make, one byte of piece size, then what the server sends after
//! its greeting.

#![no_main]

use data_bridge_driver::session::Session;
use data_bridge_tests::fuzzing::{OWN_GREETING, ask};
use data_bridge_tests::scripted::message;
use data_bridge_tests::scripted::wire::{startup, tell};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [requests, size, bytes @ ..] = input else { return };
    let whole = run(*requests, bytes, bytes.len());
    let cut = run(*requests, bytes, usize::from(*size).max(1));
    assert_eq!(whole, cut);
});

fn run(requests: u8, bytes: &[u8], size: usize) -> Vec<String> {
    let mut session = Session::new(startup()).expect("a session without TLS starts");
    if requests & OWN_GREETING == 0 {
        session.handle_bytes(&message::auth_ok());
        session.handle_bytes(&message::ready(b'I'));
        while session.poll_event().is_some() {}
        ask(&mut session, requests).expect("the session is open");
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
