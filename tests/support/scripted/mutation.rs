//! One lie in an otherwise honest stream of messages.

use std::time::Duration;

use super::backend::Reply;

/// What goes out on the wire, or happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Waits before the next action.
    Sleep(Duration),
    /// Sends nothing any more and reads nothing, and stays connected.
    Stall,
    /// Closes in an orderly way.
    Close,
    /// Closes with a TCP reset.
    Rst,
}

/// Which message of the server is changed.
#[must_use]
#[derive(Debug, Clone)]
pub struct Target {
    tag: u8,
    nth: usize,
    startup: bool,
    containing: Vec<u8>,
}

/// The first message with this tag after startup.
pub fn on(tag: u8) -> Target {
    Target {
        tag,
        nth: 0,
        startup: false,
        containing: Vec::new(),
    }
}

/// The first message with this tag during startup, its `ReadyForQuery` included.
pub fn on_startup(tag: u8) -> Target {
    Target {
        startup: true,
        ..on(tag)
    }
}

impl Target {
    /// The one after so many others that fit.
    pub fn nth(self, nth: usize) -> Self {
        Self { nth, ..self }
    }

    /// Only a message that contains these bytes.
    pub fn containing(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            containing: bytes.into(),
            ..self
        }
    }

    /// Changes the message so.
    pub fn then(self, op: Op) -> Mutation {
        Mutation {
            target: self,
            op,
            done: false,
        }
    }

    fn fits(&self, message: &[u8], startup: bool) -> bool {
        let size = self.containing.len();
        message[0] == self.tag
            && startup == self.startup
            && (size == 0
                || message
                    .windows(size)
                    .any(|window| window == self.containing))
    }
}

/// How a message is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// So many bytes are cut from the end, and the length word agrees.
    Shorten(usize),
    /// These bytes are added to the end, and the length word agrees.
    Lengthen(Vec<u8>),
    /// The length word says this, and the rest stays.
    Claim(i32),
    /// The bytes at this offset of the body are overwritten.
    Patch(usize, Vec<u8>),
    /// It comes twice.
    Duplicate,
    /// It does not come.
    Drop,
    /// It comes after the message that should follow it.
    Swap,
    /// It has another tag.
    Retag(u8),
    /// These bytes come in its place.
    Replace(Vec<u8>),
    /// These bytes come before it.
    Before(Vec<u8>),
    /// These bytes come after it.
    After(Vec<u8>),
    /// These bytes come after it, and then the connection is closed.
    LastWords(Vec<u8>),
    /// Only so many of its bytes come, and then something else happens.
    Cut(usize, Action),
    /// It comes, and then something else happens.
    Then(Action),
}

/// A change of one message.
#[derive(Debug, Clone)]
pub struct Mutation {
    target: Target,
    op: Op,
    done: bool,
}

/// Applies mutations to what the honest server says.
#[derive(Debug, Default)]
pub struct Mutator {
    mutations: Vec<Mutation>,
    swapped: Option<Vec<u8>>,
}

impl Mutator {
    /// Adds a mutation, which happens once.
    pub fn add(&mut self, mutation: Mutation) {
        self.mutations.push(mutation);
    }

    /// Whether every mutation has happened: else a test tested nothing.
    pub fn is_done(&self) -> bool {
        self.mutations.iter().all(|mutation| mutation.done)
    }

    /// What becomes of one reply.
    pub fn apply(&mut self, reply: Reply, startup: bool, actions: &mut Vec<Action>) {
        let message = match reply {
            Reply::Message(message) => message,
            Reply::Raw(bytes) => return actions.push(Action::Send(bytes)),
            Reply::Close => return actions.push(Action::Close),
        };
        let op = self.matching(&message, startup);
        if op == Some(Op::Swap) {
            self.swapped = Some(message);
            return;
        }
        match op {
            None => actions.push(Action::Send(message)),
            Some(op) => change(message, op, actions),
        }
        actions.extend(self.swapped.take().map(Action::Send));
    }

    fn matching(&mut self, message: &[u8], startup: bool) -> Option<Op> {
        for mutation in self.mutations.iter_mut().filter(|mutation| !mutation.done) {
            if mutation.target.fits(message, startup) {
                if mutation.target.nth == 0 {
                    mutation.done = true;
                    return Some(mutation.op.clone());
                }
                mutation.target.nth -= 1;
            }
        }
        None
    }
}

fn change(mut message: Vec<u8>, op: Op, actions: &mut Vec<Action>) {
    let mut send = |bytes| actions.push(Action::Send(bytes));
    match op {
        Op::Shorten(by) => {
            message.truncate(message.len().saturating_sub(by).max(5));
            send(with_length(message));
        }
        Op::Lengthen(bytes) => {
            message.extend_from_slice(&bytes);
            send(with_length(message));
        }
        Op::Claim(len) => {
            message[1..5].copy_from_slice(&len.to_be_bytes());
            send(message);
        }
        Op::Patch(at, bytes) => {
            // A short message keeps what the patch would overwrite beyond its end.
            for (byte, patch) in message.iter_mut().skip(at + 5).zip(bytes) {
                *byte = patch;
            }
            send(message);
        }
        Op::Duplicate => {
            send(message.clone());
            send(message);
        }
        // `Swap` needs its neighbour and never comes here.
        Op::Drop | Op::Swap => {}
        Op::Retag(tag) => {
            message[0] = tag;
            send(message);
        }
        Op::Replace(bytes) => send(bytes),
        Op::Before(bytes) => {
            send(bytes);
            send(message);
        }
        Op::After(bytes) => {
            send(message);
            send(bytes);
        }
        Op::LastWords(bytes) => {
            send(message);
            send(bytes);
            actions.push(Action::Close);
        }
        Op::Cut(len, action) => {
            message.truncate(len);
            send(message);
            actions.push(action);
        }
        Op::Then(action) => {
            send(message);
            actions.push(action);
        }
    }
}

fn with_length(mut message: Vec<u8>) -> Vec<u8> {
    let len = i32::try_from(message.len() - 1).expect("a scripted message is small");
    message[1..5].copy_from_slice(&len.to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::super::message::{command_complete, ready};
    use super::*;

    fn mutated(mutation: Mutation, replies: &[Vec<u8>]) -> Vec<Action> {
        let mut mutator = Mutator::default();
        mutator.add(mutation);
        let mut actions = Vec::new();
        for reply in replies {
            mutator.apply(Reply::Message(reply.clone()), false, &mut actions);
        }
        assert!(mutator.is_done());
        actions
    }

    #[test]
    fn each_operation_changes_one_message() {
        let (c, z) = (command_complete("BEGIN"), ready(b'T'));
        let sends = |messages: &[&[u8]]| -> Vec<Action> {
            messages
                .iter()
                .map(|bytes| Action::Send(bytes.to_vec()))
                .collect()
        };
        let both = [c.clone(), z.clone()];
        for (op, expected) in [
            (Op::Shorten(1), sends(&[b"C\0\0\0\x09BEGIN", &z])),
            (
                Op::Lengthen(vec![7]),
                sends(&[b"C\0\0\0\x0bBEGIN\0\x07", &z]),
            ),
            (Op::Claim(-1), sends(&[b"C\xff\xff\xff\xffBEGIN\0", &z])),
            (
                Op::Patch(1, b"xx".to_vec()),
                sends(&[b"C\0\0\0\x0aBxxIN\0", &z]),
            ),
            (Op::Duplicate, sends(&[&c, &c, &z])),
            (Op::Drop, sends(&[&z])),
            (Op::Swap, sends(&[&z, &c])),
            (Op::Retag(b'?'), sends(&[b"?\0\0\0\x0aBEGIN\0", &z])),
            (Op::Replace(z.clone()), sends(&[&z, &z])),
            (Op::Before(z.clone()), sends(&[&z, &c, &z])),
            (Op::After(z.clone()), sends(&[&c, &z, &z])),
        ] {
            assert_eq!(
                mutated(on(b'C').then(op.clone()), &both),
                expected,
                "{op:?}"
            );
        }
        assert_eq!(
            mutated(on(b'C').then(Op::Cut(3, Action::Close)), &both[..1]),
            [Action::Send(b"C\0\0".to_vec()), Action::Close]
        );
    }

    #[test]
    fn targets_count_and_look_inside() {
        let (a, b) = (command_complete("A"), command_complete("B"));
        let drop = || Op::Drop;
        assert_eq!(
            mutated(on(b'C').nth(1).then(drop()), &[a.clone(), b.clone()]),
            [Action::Send(a.clone())]
        );
        assert_eq!(
            mutated(on(b'C').containing("B").then(drop()), &[a.clone(), b]),
            [Action::Send(a)]
        );
    }
}
