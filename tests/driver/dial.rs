//! The fault table where connections are opened: over real sockets, with the clock.

use std::time::Instant;

use data_bridge_driver::config::{Config, Environment};
use data_bridge_driver::dial::{self, STATEMENT_CACHE};
use data_bridge_driver::error::Kind;
use data_bridge_tests::scripted::Server;
use data_bridge_tests::scripted::auth::PASSWORD;
use data_bridge_tests::scripted::faults::{Call, Fault, GRACE, LIMIT, Outcome, faults};

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
