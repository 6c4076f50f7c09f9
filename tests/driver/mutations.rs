//! Every message of a short trace, changed in every way there is.

use std::collections::HashMap;

use data_bridge_driver::session::Event;
use data_bridge_tests::scripted::{Action, Op, Script, Wire, on, on_startup};

use crate::commands::{echo, fetch};

/// Every way to change one message.
fn operations() -> Vec<Op> {
    let mut operations = vec![Op::Duplicate, Op::Drop, Op::Swap, Op::Then(Action::Close)];
    operations.extend([1, 2, 4, 100].map(Op::Shorten));
    operations.extend([vec![0], vec![255; 4], vec![0; 70_000]].map(Op::Lengthen));
    operations.extend([-1, 0, 3, 4, 5, 0x3fff_ffff, i32::MAX].map(Op::Claim));
    operations.extend((0..3).map(|at| Op::Patch(at, vec![0x7f])));
    operations.extend(b"123ACDEGHIKNRSTWZcdnstv?\0".map(Op::Retag));
    operations.extend((0..6).map(|len| Op::Cut(len, Action::Close)));
    operations
}

/// What must hold whatever the server says. The requests asked for these numbers, the failing one for none.
fn check(events: &[Event], requests: &[i32], what: &str) {
    let mut told: HashMap<u64, (usize, usize)> = HashMap::new();
    let mut last = 0;
    let mut closed = false;
    for event in events {
        assert!(!closed, "{what}: {event:?} after the end");
        let request = match event {
            Event::Failed { request, .. } => {
                told.entry(request.number()).or_default().0 += 1;
                request
            }
            Event::Finished { request } => {
                told.entry(request.number()).or_default().1 += 1;
                request
            }
            Event::Rows { request, rows } => {
                for row in rows {
                    let values: Vec<_> = row.values().collect();
                    let at = usize::try_from(request.number()).expect("a few requests");
                    let number = requests[at];
                    let honest = [Some(&number.to_be_bytes()[..])];
                    let changed = what.contains("D'");
                    assert!(
                        changed || values == honest,
                        "{what}: {number} got {values:?}"
                    );
                }
                request
            }
            Event::Closed(_) => {
                closed = true;
                continue;
            }
            _ => continue,
        };
        assert!(request.number() >= last, "{what}: answers out of order");
        last = request.number();
    }
    if closed {
        assert_eq!(told.len(), requests.len(), "{what}: {told:?}");
    }
    for (request, (failed, finished)) in told {
        assert!(
            failed <= 1 && finished == 1,
            "{what}: {request} failed {failed}, finished {finished}"
        );
    }
}

#[test]
fn no_change_of_an_answer_is_believed_by_the_wrong_request() {
    let mut tested = 0;
    for tag in *b"1tT2DCZE" {
        for nth in 0..3 {
            for op in operations() {
                let what = format!("{:?} of {:?} {nth}", op, char::from(tag));
                let mut wire = Wire::new(Script::lie(on(tag).nth(nth).then(op)));
                let mut events = wire.run();
                echo(&mut wire.session, 0);
                events.extend(wire.run());
                if wire.session.closed().is_some() {
                    check(&events, &[0], &what);
                } else {
                    // One statement that is prepared already, and some that are new.
                    for number in 0..3 {
                        echo(&mut wire.session, number);
                    }
                    fetch(&mut wire.session, "SELECT 1/0");
                    echo(&mut wire.session, 4);
                    events.extend(wire.run());
                    check(&events, &[0, 0, 1, 2, -1, 4], &what);
                }
                tested += usize::from(wire.is_done());
            }
        }
    }
    assert!(tested > 500, "only {tested} changes took place");
}

#[test]
fn no_change_of_the_greeting_leads_to_a_half_open_session() {
    for tag in *b"RSKZ" {
        for op in operations() {
            let what = format!("{op:?} of {:?}", char::from(tag));
            let mut wire = Wire::new(Script::lie(on_startup(tag).then(op)));
            let events = wire.run();
            assert!(wire.is_done(), "{what}");
            let ready = events
                .iter()
                .filter(|event| matches!(event, Event::Ready))
                .count();
            assert!(ready <= 1, "{what}");
            if wire.session.closed().is_some() {
                assert!(
                    matches!(events.last(), Some(Event::Closed(_))),
                    "{what}: {events:?}"
                );
            }
        }
    }
}
