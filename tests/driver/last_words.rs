//! A server that says why it goes, and goes while the client is still writing: the caller learns the reason, not of a
//! broken pipe.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

use data_bridge_driver::config::{Config, Environment};
use data_bridge_driver::dial::STATEMENT_CACHE;
use data_bridge_driver::tokio::Client as Asynchronous;
use data_bridge_driver::types::Type;
use data_bridge_driver::{Error, blocking, dial};
use data_bridge_tests::scripted::auth::PASSWORD;
use data_bridge_tests::scripted::{Pattern, Script, Server, Step, message};
use socket2::SockRef;
use tokio::runtime::Runtime;

use crate::fronts::config;

/// More than a socket's buffers take, so that the client is still writing when the server goes.
const LARGE: usize = 64 << 20;

/// Says goodbye at the first Parse, whose request it does not read any further.
fn leaving() -> Server {
    Server::start([Script::steps([
        Step::ServeUntil(Pattern::Tag(b'P')),
        Step::Send(message::error("FATAL", "57P01", "terminating connection")),
        Step::Rst,
    ])])
}

fn check(error: &Error) {
    let code = error.sqlstate().map(|state| state.to_string());
    assert_eq!(code.as_deref(), Some("57P01"), "{error:?}");
}

#[test]
fn of_a_blocking_client() {
    let large = "x".repeat(LARGE);
    let server = leaving();
    let mut client = blocking::Client::connect_with(&config(&server), STATEMENT_CACHE).unwrap();
    check(
        &client
            .query_typed("SELECT $1::text", &[(&large, Type::TEXT)])
            .unwrap_err(),
    );
    assert!(client.is_closed());
}

#[test]
fn of_a_tokio_client() {
    let large = "x".repeat(LARGE);
    let server = leaving();
    Runtime::new().unwrap().block_on(async {
        let client = Asynchronous::connect_with(config(&server), STATEMENT_CACHE)
            .await
            .unwrap();
        check(
            &client
                .query_typed("SELECT $1::text", &[(&large, Type::TEXT)])
                .await
                .unwrap_err(),
        );
        assert!(client.is_closed());
    });
}

/// The server's patience ends while the client still computes its proof.
#[test]
fn while_connecting() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut received = [0; 1024];
        assert!(stream.read(&mut received).unwrap() > 0);
        stream
            .write_all(&message::auth_sasl(&["SCRAM-SHA-256"]))
            .unwrap();
        let count = stream.read(&mut received).unwrap();
        let first = String::from_utf8_lossy(&received[..count]).into_owned();
        let (_, nonce) = first.split_once(",r=").unwrap();
        // Enough iterations for what follows to arrive before the proof is ready.
        let challenge = format!("r={nonce}server,s=c2FsdHNhbHQ=,i=100000");
        stream
            .write_all(&message::auth_sasl_continue(challenge.as_bytes()))
            .unwrap();
        thread::sleep(Duration::from_millis(2));
        let farewell = message::error("FATAL", "57P01", "terminating connection");
        stream.write_all(&farewell).unwrap();
        let socket = SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    });
    let config = Config::builder()
        .environment(Environment::empty())
        .connection_string(&format!(
            "postgresql://scripted:{PASSWORD}@127.0.0.1:{port}/scripted?sslmode=disable"
        ))
        .unwrap()
        .build()
        .unwrap();
    check(&dial::connect(&config, STATEMENT_CACHE).unwrap_err());
    server.join().unwrap();
}
