//! The fault table against the session alone: bytes are fed by hand, no socket is there.

use data_bridge_driver::error::Kind;
use data_bridge_driver::session::Event;
use data_bridge_tests::scripted::faults::{After, Call, Outcome, faults};
use data_bridge_tests::scripted::{Script, Step, Wire};

use crate::commands::{echo, echoed, fetch};

/// Whether a session alone can show the fault: the clock, the TLS settings, the values and the
/// transactions are matters of the fronts.
fn concerns_the_session(call: Call, outcome: Outcome) -> bool {
    let by_clock = [Kind::Timeout, Kind::ConnectTimeout];
    let by_value = [Kind::Data];
    match (call, outcome) {
        (Call::Connect | Call::Fetch(_), Outcome::Fails(kinds)) => !kinds
            .iter()
            .any(|kind| by_clock.contains(kind) || by_value.contains(kind)),
        (Call::Connect | Call::Fetch(_), _) => true,
        _ => false,
    }
}

#[test]
fn the_table_holds() {
    let mut tested = 0;
    let mut wrong = Vec::new();
    for fault in faults() {
        if !concerns_the_session(fault.call, fault.outcome) {
            continue;
        }
        tested += 1;
        let mut wire = Wire::new(fault.script.clone());
        let mut events = wire.run();
        if let Call::Fetch(sql) = fault.call {
            assert!(wire.session.is_ready(), "{}: {events:?}", fault.name);
            fetch(&mut wire.session, sql);
            events = wire.run();
        }
        let errors = events.iter().filter_map(|event| match event {
            Event::Failed { error, .. } | Event::Closed(error) => Some(error),
            _ => None,
        });
        let errors: Vec<_> = errors.collect();
        let right = match fault.outcome {
            Outcome::Works => errors.is_empty(),
            Outcome::Fails(kinds) => errors
                .first()
                .is_some_and(|error| kinds.contains(&error.kind())),
            Outcome::Sqlstate(code) => errors
                .first()
                .is_some_and(|error| format!("{error:?}").contains(code)),
        };
        // One request was made, and exactly one end of it was told.
        let finished = events
            .iter()
            .filter(|event| matches!(event, Event::Finished { .. }))
            .count();
        let ended = matches!(fault.call, Call::Connect) || finished == 1;
        let usable = wire.session.closed().is_none();
        let expected = fault.after == After::Usable
            || fault.call == Call::Connect && fault.outcome == Outcome::Works;
        if !right || !ended || usable != expected || !wire.is_done() {
            wrong.push(format!(
                "{}: usable {usable}, played {}, {events:#?}",
                fault.name,
                wire.is_done()
            ));
        } else if usable && fault.call != Call::Connect {
            let next = echo(&mut wire.session, 7);
            assert!(wire.told().contains(&echoed(next, 7)), "{}", fault.name);
            assert!(wire.session.is_reusable(), "{}", fault.name);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tested} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(tested > 70, "only {tested} faults were tested");
}

#[test]
fn an_error_fails_its_own_request_and_no_other() {
    let mut wire = Wire::new(Script::honest());
    wire.run();
    let before = echo(&mut wire.session, 1);
    let failing = fetch(&mut wire.session, "SELECT 1/0");
    let after = echo(&mut wire.session, 2);
    let told = wire.told();
    assert!(told.contains(&echoed(before, 1)), "{told:#?}");
    assert!(told.contains(&echoed(after, 2)), "{told:#?}");
    let failed: Vec<_> = told.iter().filter(|line| line.contains("failed")).collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].starts_with(&failing.number().to_string()));
    assert!(wire.session.is_reusable());
}

#[test]
fn an_end_fails_every_request_and_tells_what_was_never_sent() {
    use data_bridge_driver::error::Outcome;

    let mut wire = Wire::new(Script::honest());
    wire.run();
    fetch(&mut wire.session, "SELECT 42");
    let sent = wire.session.poll_out().len();
    wire.session.advance_out(sent);
    fetch(&mut wire.session, "SELECT 43");
    wire.session.handle_eof();
    let outcomes: Vec<_> = wire
        .run()
        .iter()
        .filter_map(|event| match event {
            Event::Failed { error, .. } => Some((error.kind(), error.outcome())),
            _ => None,
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            (Kind::ConnectionLost, Outcome::Unknown),
            (Kind::ConnectionLost, Outcome::NotSent)
        ]
    );
}

#[test]
fn a_suspended_portal_goes_on() {
    use data_bridge_driver::session::Execute;
    use postgres_protocol::IsNull;

    let mut wire = Wire::new(Script::steps([Step::Trickle(3)]));
    wire.run();
    let sql = "SELECT generate_series(1, 3)";
    wire.session.prepare(sql, &[]).expect("the session is open");
    let events = wire.run();
    let Some(Event::Prepared { statement, .. }) = events.first() else {
        panic!("{events:?}")
    };
    let execute = Execute {
        portal: "p",
        max_rows: 2,
        ..Execute::default()
    };
    let mut batch = wire.session.batch().expect("the session is open");
    batch.command("BEGIN").expect("a command");
    batch
        .execute(statement, execute, |_, _| Ok(IsNull::Yes))
        .expect("no parameters");
    batch.finish();
    let told = wire.told();
    assert_eq!(
        told.iter().filter(|line| line.contains("row")).count(),
        2,
        "{told:#?}"
    );
    assert!(told.contains(&"1 suspended".to_owned()));
    let mut batch = wire.session.batch().expect("the session is open");
    batch.more("p", statement, 2).expect("a portal");
    batch.finish();
    let told = wire.told();
    assert_eq!(
        told,
        [
            "2 row [Some([0, 0, 0, 3])]",
            "2 done SELECT 1",
            "2 finished"
        ]
    );
}

#[test]
fn what_was_received_is_told_before_the_loss() {
    use data_bridge_driver::Error;
    use data_bridge_tests::scripted::message;

    let mut wire = Wire::new(Script::honest());
    wire.run();
    fetch(&mut wire.session, "SELECT 42");
    let sent = wire.session.poll_out().len();
    wire.session.advance_out(sent);
    let farewell = message::error("FATAL", "57P01", "terminating connection");
    wire.session.handle_bytes(&farewell);
    wire.session.handle_loss(Error::lost("broken pipe"));
    let told = wire.told();
    assert!(told[0].contains("57P01"), "{told:#?}");

    // Without last words, and in the middle of a message, it is the loss itself.
    let mut wire = Wire::new(Script::honest());
    wire.run();
    wire.session.handle_bytes(&farewell[..9]);
    wire.session.handle_loss(Error::lost("broken pipe"));
    wire.session.handle_eof();
    assert_eq!(wire.told(), ["closed ConnectionLost broken pipe"]);
}

#[test]
fn nothing_is_taken_during_a_copy() {
    let mut wire = Wire::new(Script::honest());
    wire.run();
    let refused = |wire: &mut Wire| {
        let requests = [
            wire.session.simple("SELECT 1").err(),
            wire.session.prepare("SELECT 1", &[]).err(),
            wire.session.copy_in("COPY t FROM STDIN").err(),
            wire.session.batch().err(),
        ];
        for error in requests {
            let error = error.expect("a COPY runs");
            assert_eq!(error.kind(), Kind::Interface, "{error}");
        }
    };
    wire.session
        .copy_in("COPY t (n) FROM STDIN")
        .expect("a COPY");
    refused(&mut wire);
    assert_eq!(wire.told(), ["0 copy in 1"]);
    refused(&mut wire);
    wire.session.copy_fail("enough");
    // Its end is said: what is sent from now on comes behind it.
    let next = echo(&mut wire.session, 7);
    let told = wire.told();
    assert!(told[0].contains("57014"), "{told:#?}");
    assert!(told.contains(&echoed(next, 7)), "{told:#?}");
}

#[test]
fn copy_is_told_before_it_is_sent() {
    let mut wire = Wire::new(Script::honest());
    wire.run();
    let before = echo(&mut wire.session, 1);
    for sql in ["COPY t (n) FROM STDIN", "COPY t TO STDOUT"] {
        let refusals = [
            wire.session.simple(&format!("SELECT 1; {sql}")).err(),
            wire.session.prepare(sql, &[]).err(),
        ];
        for error in refusals {
            let error = error.expect("COPY is no statement like others");
            assert_eq!(error.kind(), Kind::Interface, "{error}");
        }
    }
    for sql in [
        "SELECT 1",
        "COPY t TO STDOUT",
        "COPY t FROM STDIN; SELECT 1",
    ] {
        let error = wire.session.copy_in(sql).expect_err("no COPY FROM STDIN");
        assert_eq!(error.kind(), Kind::Interface, "{error}");
    }
    let after = echo(&mut wire.session, 2);
    let told = wire.told();
    assert!(told.contains(&echoed(before, 1)), "{told:#?}");
    assert!(told.contains(&echoed(after, 2)), "{told:#?}");
    assert!(wire.session.is_reusable());
}
