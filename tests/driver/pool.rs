//! The pool's bookkeeping under any sequence of operations.

use std::collections::HashMap;

use data_bridge_driver::pool::{Grant, Pool, SlotId, Ticket, Turn, Want};
use proptest::prelude::*;

const MAX: usize = 3;
const DEPTH: usize = 2;

/// Something that happens to a pool; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Happening {
    Request(bool),
    Opened(usize),
    OpeningFailed(usize),
    Finished(usize),
    Released(usize),
    /// Comes back in a transaction: it is closed.
    Discarded(usize),
    Closed(usize),
    Withdrawn(usize),
    Lost(usize),
    /// The only statement of a shared connection is given up.
    Withheld(usize),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let which = || 0..8_usize;
    let one = prop_oneof![
        5 => any::<bool>().prop_map(Happening::Request),
        3 => which().prop_map(Happening::Opened),
        1 => which().prop_map(Happening::OpeningFailed),
        4 => which().prop_map(Happening::Finished),
        3 => which().prop_map(Happening::Released),
        1 => which().prop_map(Happening::Discarded),
        1 => which().prop_map(Happening::Closed),
        1 => which().prop_map(Happening::Withdrawn),
        1 => which().prop_map(Happening::Lost),
        1 => which().prop_map(Happening::Withheld),
    ];
    prop::collection::vec(one, 1..60)
}

/// The pool, and what its users believe.
struct World {
    pool: Pool,
    opening: Vec<SlotId>,
    closing: Vec<SlotId>,
    /// How many use each open connection that nobody has alone.
    shared: HashMap<SlotId, usize>,
    exclusive: Vec<SlotId>,
    waiting: Vec<(Ticket, Want)>,
}

impl World {
    fn new() -> Self {
        Self {
            pool: Pool::new(MAX, DEPTH),
            opening: Vec::new(),
            closing: Vec::new(),
            shared: HashMap::new(),
            exclusive: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn happen(&mut self, happening: &Happening) {
        match *happening {
            Happening::Request(exclusive) => {
                let want = if exclusive {
                    Want::Exclusive
                } else {
                    Want::Shared
                };
                match self.pool.request(want) {
                    Turn::Now(slot) => {
                        assert!(
                            self.waiting.iter().all(|(_, waits)| *waits != want),
                            "overtaken"
                        );
                        self.lend(slot, want);
                    }
                    Turn::Wait(ticket) => self.waiting.push((ticket, want)),
                }
            }
            Happening::Opened(which) => {
                if let Some(slot) = pick(&mut self.opening, which) {
                    self.shared.insert(slot, 0);
                    let grants = self.pool.opened(slot);
                    self.grant(&grants);
                }
            }
            Happening::OpeningFailed(which) => {
                if let Some(slot) = pick(&mut self.opening, which) {
                    self.pool.removed(slot);
                }
            }
            Happening::Finished(which) => {
                let mut busy: Vec<SlotId> = self
                    .shared
                    .iter()
                    .filter(|(_, load)| **load > 0)
                    .map(|(slot, _)| *slot)
                    .collect();
                busy.sort_unstable();
                if let Some(slot) = pick(&mut busy, which) {
                    *self.shared.get_mut(&slot).expect("known") -= 1;
                    let grants = self.pool.finished(slot);
                    self.grant(&grants);
                }
            }
            Happening::Released(which) => {
                if let Some(slot) = pick(&mut self.exclusive, which) {
                    self.shared.insert(slot, 0);
                    let grants = self.pool.released(slot);
                    self.grant(&grants);
                }
            }
            Happening::Discarded(which) => {
                if let Some(slot) = pick(&mut self.exclusive, which) {
                    self.pool.closing(slot);
                    self.closing.push(slot);
                }
            }
            Happening::Closed(which) => {
                if let Some(slot) = pick(&mut self.closing, which) {
                    self.pool.removed(slot);
                }
            }
            Happening::Withdrawn(which) => {
                if let Some((ticket, _)) = pick(&mut self.waiting, which) {
                    assert!(self.pool.withdraw(ticket), "it waits still");
                    assert!(!self.pool.withdraw(ticket), "it waits no more");
                }
            }
            Happening::Withheld(which) => {
                let lonely = self.shared.iter().filter(|(_, load)| **load == 1);
                let mut lonely: Vec<SlotId> = lonely.map(|(slot, _)| *slot).collect();
                lonely.sort_unstable();
                if let Some(slot) = pick(&mut lonely, which) {
                    assert!(self.pool.withheld(slot));
                    self.shared.remove(&slot);
                    self.exclusive.push(slot);
                    // Its statement ends while it is withheld.
                    assert!(self.pool.finished(slot).is_empty());
                }
            }
            Happening::Lost(which) => {
                let mut open: Vec<SlotId> = self.shared.keys().copied().collect();
                open.sort_unstable();
                if let Some(slot) = pick(&mut open, which) {
                    self.shared.remove(&slot);
                    self.pool.removed(slot);
                }
            }
        }
        while let Some(slot) = self.pool.wants_opening() {
            self.opening.push(slot);
        }
        self.check();
    }

    fn grant(&mut self, grants: &[Grant]) {
        for Grant { ticket, slot } in grants {
            let at = self
                .waiting
                .iter()
                .position(|(waits, _)| waits == ticket)
                .expect("it waits");
            let (_, want) = self.waiting.remove(at);
            let overtaken = self.waiting[..at].iter().any(|(_, before)| *before == want);
            assert!(!overtaken, "somebody who wants the same came before");
            self.lend(*slot, want);
        }
    }

    fn lend(&mut self, slot: SlotId, want: Want) {
        let load = self
            .shared
            .get_mut(&slot)
            .expect("an open connection that nobody has alone");
        if want == Want::Exclusive {
            assert_eq!(*load, 0, "others still use it");
            self.shared.remove(&slot);
            self.exclusive.push(slot);
        } else {
            *load += 1;
            assert!(*load <= DEPTH, "too many share it");
        }
    }

    fn check(&self) {
        let counts = self.pool.counts();
        assert!(counts.size() <= MAX, "{counts:?}");
        assert_eq!(counts.opening, self.opening.len());
        assert_eq!(counts.closing, self.closing.len());
        assert_eq!(counts.exclusive, self.exclusive.len());
        assert_eq!(counts.waiting, self.waiting.len());
        assert_eq!(
            counts.idle,
            self.shared.values().filter(|load| **load == 0).count()
        );
        assert_eq!(
            counts.shared,
            self.shared.values().filter(|load| **load > 0).count()
        );
        assert!(
            counts.waiting == 0 || counts.size() > 0,
            "somebody waits for nothing"
        );
    }

    /// Everybody gives back what they have, until nobody waits.
    fn settle(&mut self) {
        for _ in 0..1000 {
            let before = self.waiting.len();
            self.happen(&Happening::Opened(0));
            self.happen(&Happening::Closed(0));
            self.happen(&Happening::Finished(0));
            self.happen(&Happening::Released(0));
            let idle = self.opening.is_empty()
                && self.closing.is_empty()
                && self.exclusive.is_empty()
                && self.shared.values().all(|load| *load == 0);
            if idle && before == self.waiting.len() {
                break;
            }
        }
        assert!(
            self.waiting.is_empty(),
            "{:?} wait for ever: {:?}",
            self.waiting,
            self.pool.counts()
        );
    }
}

fn pick<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(which % from.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn counts_are_exact_and_nobody_waits_for_ever(happenings in happenings()) {
        let mut world = World::new();
        for happening in &happenings {
            world.happen(happening);
        }
        world.settle();
    }
}
