//! The fault table where connections are opened: over real sockets, with the clock.

use std::io::Write as _;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use data_bridge_driver::config::{Config, Environment, RootCerts, SslMode};
use data_bridge_driver::dial::{self, STATEMENT_CACHE};
use data_bridge_driver::error::Kind;
use data_bridge_tests::scripted::auth::PASSWORD;
use data_bridge_tests::scripted::faults::{Call, Fault, GRACE, LIMIT, Outcome, fault, faults};
use data_bridge_tests::scripted::{Frontend, Server};

/// How a client of the table connects to `server`.
fn config(server: &Server, call: Call) -> Config {
    let mut url = server.url();
    if call == Call::ConnectTls {
        url = url.replace("sslmode=disable", "sslmode=require");
    }
    let builder = Config::builder().environment(Environment::empty());
    let builder = builder
        .connection_string(&url)
        .expect("a connection string");
    builder
        .connect_timeout(LIMIT)
        .build()
        .expect("a configuration")
}

fn check(fault: &Fault) -> Result<(), String> {
    let server = Server::start([fault.script.clone()]);
    let config = config(&server, fault.call);
    let start = Instant::now();
    let result = dial::connect(&config, STATEMENT_CACHE);
    let taken = start.elapsed();
    if taken > LIMIT + GRACE {
        return Err(format!("took {taken:?}"));
    }
    match (&fault.outcome, &result) {
        (Outcome::Works, Ok(_)) => {}
        (Outcome::Fails(kinds), Err(error)) if kinds.contains(&error.kind()) => {}
        (Outcome::Sqlstate(code), Err(error)) if format!("{error:?}").contains(code) => {}
        _ => return Err(format!("{result:?}")),
    }
    if let Err(error) = &result {
        let text = format!("{error} {error:?}");
        if text.contains(PASSWORD) {
            return Err(format!("the password is told: {text}"));
        }
    }
    drop(result);
    if !server.wait_for_open(0, GRACE) {
        return Err("the connection stays open".to_owned());
    }
    // Later connections are honest: in plaintext this one works.
    let again = dial::connect(&self::config(&server, Call::Connect), STATEMENT_CACHE);
    again
        .map(drop)
        .map_err(|error| format!("the next connection: {error}"))
}

#[test]
fn the_table_holds_while_connecting() {
    let connecting = |fault: &Fault| matches!(fault.call, Call::Connect | Call::ConnectTls);
    let wrong: Vec<_> = faults()
        .iter()
        .filter(|fault| connecting(fault))
        .filter_map(|fault| {
            check(fault)
                .err()
                .map(|why| format!("{}: {why}", fault.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_listens() {
    let server = Server::start([]);
    let config = config(&server, Call::Connect);
    drop(server);
    let error = dial::connect(&config, STATEMENT_CACHE).expect_err("nobody listens");
    assert_eq!(error.kind(), Kind::Connect);
    assert!(error.safe_to_retry());
}

/// Plaintext comes only after an `N`, and then only where it was asked for: never because TLS failed.
#[test]
fn no_mode_falls_back_to_plaintext() {
    let authority =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    writeln!(
        file,
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
        STANDARD.encode(authority.cert.der())
    )
    .expect("a file");
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        for name in [
            "tls_refused",
            "tls_neither",
            "tls_stuffed",
            "tls_garbage",
            "tls_no_records",
            "tls_plaintext",
        ] {
            let fault = fault(name).expect("a line of the table");
            let server = Server::start([fault.script]);
            let url = server.url().replace("?sslmode=disable", "");
            let config = Config::builder()
                .environment(Environment::empty())
                .connection_string(&url)
                .expect("a connection string")
                .ssl_mode(mode)
                .root_certs(RootCerts::File(file.path().into()))
                .connect_timeout(LIMIT)
                .build()
                .expect("a configuration");
            let error = dial::connect(&config, STATEMENT_CACHE).expect_err("there is no TLS");
            assert!(
                matches!(error.kind(), Kind::Tls | Kind::Protocol),
                "{mode:?}, {name}: {error:?}"
            );
            // Neither a name nor a password was sent, on this connection or another.
            assert_eq!(server.connections(), 1, "{mode:?}, {name}");
            let startups = server.transcript().into_iter();
            let startups =
                startups.filter(|entry| matches!(entry.message, Frontend::Startup { .. }));
            assert_eq!(startups.count(), 0, "{mode:?}, {name}");
        }
    }
}
