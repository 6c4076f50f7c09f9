//! However the server's bytes are cut, the session tells the same.

use bytes::BytesMut;
use data_bridge_driver::Error;
use data_bridge_tests::scripted::auth::PASSWORD;
use data_bridge_tests::scripted::message::{notice, notification};
use data_bridge_tests::scripted::wire::Cuts;
use data_bridge_tests::scripted::{Auth, Op, ScramFault, Script, Step, Wire, on};
use proptest::prelude::*;

use crate::commands::{echo, fetch};

/// A session that does a bit of everything: logs in with a proof, pipelines queries one of which
/// fails, sees notices, copies in, and is thrown out.
fn everything(cuts: Cuts) -> (Vec<u8>, Vec<String>) {
    let script = Script {
        auth: Auth::Scram {
            password: PASSWORD.into(),
            fault: ScramFault::Iterations("1"),
        },
        steps: vec![
            Step::Mutate(on(b'D').then(Op::After(notice("NOTICE", "00000", "by the way")))),
            Step::Mutate(
                on(b'C')
                    .nth(1)
                    .then(Op::Before(notification(1, "jobs", "42"))),
            ),
            Step::Mutate(
                on(b'C')
                    .containing("COPY 2")
                    .then(Op::After(b"\0".to_vec())),
            ),
        ],
    };
    let mut wire = Wire::with_cuts(script, cuts);
    let mut told = wire.told();
    assert_eq!(told, ["ready"]);

    let session = &mut wire.session;
    fetch(session, "SELECT generate_series(1, 5)");
    fetch(session, "SELECT 1/0");
    echo(session, 7);
    session
        .simple("BEGIN; SELECT 42; COMMIT")
        .expect("the session is open");
    fetch(
        session,
        "SELECT 'a text that is longer than a frame header'",
    );
    session
        .copy_in("COPY t (a, b) FROM STDIN")
        .expect("the session is open");
    told.extend(wire.told());

    for row in ["1\ta\n", "2\tb\n"] {
        let write = |out: &mut BytesMut| {
            out.extend_from_slice(row.as_bytes());
            Ok::<(), Error>(())
        };
        wire.session.copy_data(write).expect("COPY is running");
    }
    wire.session.copy_done();
    told.extend(wire.told());
    (wire.received.clone(), told)
}

fn whole() -> (Vec<u8>, Vec<String>) {
    everything(Box::new(|len| len))
}

#[test]
fn the_trace_is_what_it_should_be() {
    let (_, told) = whole();
    let expected = [
        "ready",
        "0 prepared [] [\"generate_series\"]",
        "0 row [Some([0, 0, 0, 1])]",
        "notice by the way",
        "0 row [Some([0, 0, 0, 2])]",
    ];
    assert_eq!(told[..5], expected);
    assert!(
        told.iter()
            .any(|line| line.starts_with("1 failed Server") && line.contains("division"))
    );
    assert!(told.contains(&"2 row [Some([0, 0, 0, 7])]".to_owned()));
    assert!(told.contains(&"notification jobs 42".to_owned()));
    assert!(told.contains(&"5 done COPY 2".to_owned()));
    assert!(
        told.last().expect("events").starts_with("closed Protocol"),
        "{told:#?}"
    );
}

#[test]
fn byte_by_byte_is_the_same() {
    assert_eq!(everything(Box::new(|_| 1)), whole());
}

/// One cut, at every place there is.
#[test]
fn every_single_cut_is_the_same() {
    let (bytes, expected) = whole();
    for cut in 1..bytes.len() {
        let mut at = 0;
        let cuts = move |len: usize| {
            let piece = if at < cut && cut < at + len {
                cut - at
            } else {
                len
            };
            at += piece;
            piece
        };
        assert_eq!(everything(Box::new(cuts)).1, expected, "cut at byte {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_cuts_are_the_same(sizes in prop::collection::vec(1..40_usize, 1..50)) {
        let mut sizes = sizes.into_iter().cycle();
        let cuts = move |len: usize| sizes.next().unwrap_or(1).min(len);
        prop_assert_eq!(everything(Box::new(cuts)), whole());
    }
}

/// The good rows before a bad one are told, whether or not they came in one piece with it.
#[test]
fn rows_before_a_bad_one_are_told() {
    let told = |cuts: Cuts| {
        let lie = on(b'D').nth(2).then(Op::Patch(0, vec![0, 9]));
        let mut wire = Wire::with_cuts(Script::lie(lie), cuts);
        wire.run();
        fetch(&mut wire.session, "SELECT generate_series(1, 5)");
        wire.told()
    };
    let whole = told(Box::new(|len| len));
    assert_eq!(
        whole
            .iter()
            .filter(|line| line.starts_with("0 row"))
            .count(),
        2,
        "{whole:#?}"
    );
    assert_eq!(told(Box::new(|_| 1)), whole);
}
