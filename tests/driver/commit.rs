//! COMMIT before a server that does not answer.

use std::time::{Duration, Instant};

use data_bridge_driver::blocking::Client;
use data_bridge_driver::dial::STATEMENT_CACHE;
use data_bridge_driver::error::{Kind, Outcome};
use data_bridge_tests::scripted::Server;
use data_bridge_tests::scripted::faults::{GRACE, fault};

use crate::fronts::config;

#[test]
fn it_has_a_limit_without_the_callers() {
    let limit = Duration::from_millis(300);
    let fault = fault("commit_hangs").expect("a line of the table");
    let server = Server::start([fault.script]);
    let mut client =
        Client::connect_with(&config(&server), STATEMENT_CACHE).expect("an honest greeting");
    client.set_commit_timeout(limit);
    let mut tx = client.transaction().expect("a transaction");
    tx.query("SELECT 42", &[]).expect("an honest answer");
    let start = Instant::now();
    let error = tx.commit().expect_err("nobody answers");
    assert!(start.elapsed() < limit + GRACE, "{:?}", start.elapsed());
    assert_eq!(
        (error.kind(), error.outcome()),
        (Kind::CommitOutcomeUnknown, Outcome::Unknown)
    );
    assert!(client.is_closed());
}
