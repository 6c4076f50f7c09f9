use super::*;

fn pool(max: usize, open: usize) -> (Pool, Vec<SlotId>) {
    let mut pool = Pool::new(max, 100);
    let slots = (0..open)
        .map(|_| {
            let slot = pool.wants_warming(open).unwrap();
            assert!(pool.opened(slot).is_empty());
            slot
        })
        .collect();
    (pool, slots)
}

fn now(turn: Turn) -> SlotId {
    match turn {
        Turn::Now(slot) => slot,
        Turn::Wait(_) => panic!("had to wait"),
    }
}

fn wait(turn: Turn) -> Ticket {
    match turn {
        Turn::Wait(ticket) => ticket,
        Turn::Now(_) => panic!("did not wait"),
    }
}

#[test]
fn statements_go_to_the_least_busy_connection() {
    let (mut pool, slots) = pool(2, 2);
    let first = now(pool.request(Want::Shared));
    let second = now(pool.request(Want::Shared));
    assert_ne!(first, second);
    assert_eq!(pool.finished(second), []);
    assert_eq!(now(pool.request(Want::Shared)), second);
    assert_eq!(
        pool.counts(),
        Counts {
            shared: 2,
            ..Counts::default()
        }
    );
    assert_eq!(slots.len(), 2);
}

#[test]
fn it_grows_only_while_nothing_is_idle() {
    let (mut pool, _) = pool(3, 1);
    assert_eq!(pool.wants_opening(), None);
    now(pool.request(Want::Shared));
    let second = pool.wants_opening().unwrap();
    assert_eq!(pool.wants_opening(), None, "one is on its way");
    pool.opened(second);
    now(pool.request(Want::Shared));
    assert!(pool.wants_opening().is_some());
    now(pool.request(Want::Shared));
    assert_eq!(pool.wants_opening(), None, "the limit is reached");
    assert_eq!(pool.counts().size(), 3);
}

#[test]
fn exclusive_callers_are_served_in_order() {
    let (mut pool, _) = pool(1, 1);
    let slot = now(pool.request(Want::Exclusive));
    let first = wait(pool.request(Want::Exclusive));
    let second = wait(pool.request(Want::Exclusive));
    assert_eq!(
        pool.released(slot),
        [Grant {
            ticket: first,
            slot
        }]
    );
    assert_eq!(
        pool.released(slot),
        [Grant {
            ticket: second,
            slot
        }]
    );
    assert_eq!(pool.released(slot), []);
    assert_eq!(pool.counts().idle, 1);
}

#[test]
fn a_busy_connection_runs_dry_for_a_caller_that_needs_it_alone() {
    let (mut pool, _) = pool(2, 2);
    let a = now(pool.request(Want::Shared));
    let b = now(pool.request(Want::Shared));
    now(pool.request(Want::Shared));
    let ticket = wait(pool.request(Want::Exclusive));
    // One of the two takes no more statements; the other does.
    let promised = if now(pool.request(Want::Shared)) == a {
        b
    } else {
        a
    };
    let mut grants = pool.finished(promised);
    if grants.is_empty() {
        grants = pool.finished(promised);
    }
    assert_eq!(
        grants,
        [Grant {
            ticket,
            slot: promised
        }]
    );
}

#[test]
fn the_only_connection_takes_turns() {
    let (mut pool, _) = pool(1, 1);
    let slot = now(pool.request(Want::Shared));
    let alone = wait(pool.request(Want::Exclusive));
    let shared = wait(pool.request(Want::Shared));
    assert_eq!(
        pool.finished(slot),
        [Grant {
            ticket: alone,
            slot
        }]
    );
    assert_eq!(
        pool.released(slot),
        [Grant {
            ticket: shared,
            slot
        }]
    );
}

#[test]
fn an_unclean_connection_takes_no_statements_until_it_is_released() {
    let (mut pool, _) = pool(1, 1);
    let slot = now(pool.request(Want::Shared));
    now(pool.request(Want::Shared));
    assert!(pool.unclean(slot));
    assert!(!pool.unclean(slot));
    let ticket = wait(pool.request(Want::Shared));
    assert_eq!(pool.finished(slot), []);
    assert_eq!(pool.released(slot), [Grant { ticket, slot }]);
}

#[test]
fn a_caller_that_gives_up_holds_nothing_back() {
    let (mut pool, _) = pool(1, 1);
    let slot = now(pool.request(Want::Shared));
    let ticket = wait(pool.request(Want::Exclusive));
    assert!(pool.withdraw(ticket));
    assert_eq!(now(pool.request(Want::Shared)), slot);
    assert!(!pool.withdraw(ticket));
}

#[test]
fn closing_connections_count_until_they_are_gone() {
    let (mut pool, _) = pool(1, 1);
    let slot = now(pool.request(Want::Exclusive));
    pool.closing(slot);
    let ticket = wait(pool.request(Want::Exclusive));
    assert_eq!(pool.wants_opening(), None);
    pool.removed(slot);
    let slot = pool.wants_opening().unwrap();
    assert_eq!(pool.opened(slot), [Grant { ticket, slot }]);
}
