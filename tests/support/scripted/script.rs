//! Scripts, and the peer that follows one.

use std::time::Duration;

use super::auth::Auth;
use super::backend::{Backend, Settings};
use super::frontend::{Frontend, Reader};
use super::mutation::{Action, Mutation, Mutator};

/// One step of a script. After the last one the server is honest.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads messages, and answers none of them, up to one that fits.
    Expect(Pattern),
    /// Answers honestly up to a message that fits, which is left unanswered.
    ServeUntil(Pattern),
    /// Answers honestly up to a message that fits, and answers it after the steps that follow.
    Before(Pattern),
    /// Answers the next message with this error, in the way of the protocol.
    FailNext(Vec<u8>),
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Writes these bytes in pieces of the given sizes; what is left goes last.
    SendSplit(Vec<u8>, Vec<usize>),
    /// Changes one honest message that is still to come.
    Mutate(Mutation),
    /// From now on writes in pieces of so many bytes.
    Trickle(usize),
    /// Drops all prepared statements, behind the client's back.
    ForgetStatements,
    /// Waits.
    Sleep(Duration),
    /// Stays connected, and neither reads nor writes any more.
    Stall,
    /// Closes in an orderly way.
    Close,
    /// Closes with a TCP reset.
    Rst,
}

/// Which message of the client is meant.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Any message.
    Any,
    /// The startup packet.
    Startup,
    /// `SSLRequest`.
    SslRequest,
    /// A message with this tag.
    Tag(u8),
    /// A `Bind` of a prepared statement that contains this text.
    Binds(&'static str),
    /// A message that runs a statement containing this text, prepared or simple.
    Executes(&'static str),
}

impl Pattern {
    fn fits(&self, front: &Frontend, backend: &Backend) -> bool {
        match self {
            Self::Any => true,
            Self::Startup => matches!(front, Frontend::Startup { .. }),
            Self::SslRequest => *front == Frontend::SslRequest,
            Self::Tag(tag) => front.tag() == *tag,
            Self::Binds(text) => backend.binds(front).is_some_and(|sql| sql.contains(text)),
            Self::Executes(text) => backend
                .executes(front)
                .is_some_and(|sql| sql.contains(text)),
        }
    }
}

/// What a server does on one connection: how it lets the client in, and the steps.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// How clients prove who they are.
    pub auth: Auth,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Script {
    /// A script without a fault.
    pub fn honest() -> Self {
        Self::default()
    }

    /// These steps, on a server that trusts.
    pub fn steps(steps: impl Into<Vec<Step>>) -> Self {
        Self {
            steps: steps.into(),
            ..Self::default()
        }
    }

    /// One lie.
    pub fn lie(mutation: Mutation) -> Self {
        Self::steps([Step::Mutate(mutation)])
    }

    /// No lie, but this way of authentication.
    pub fn auth(auth: Auth) -> Self {
        Self {
            auth,
            ..Self::default()
        }
    }
}

/// The server's end of one connection, without I/O: it follows its script, and is honest after it.
#[derive(Debug)]
pub struct Peer {
    reader: Reader,
    backend: Backend,
    mutator: Mutator,
    steps: std::vec::IntoIter<Step>,
    /// A step that waits for the client.
    waiting: Option<(Pattern, Answers)>,
    trickle: Option<usize>,
    over: bool,
}

/// Which messages are answered while the script waits for one that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// None.
    None,
    /// Those before it.
    Others,
    /// Those before it, and itself after the next steps.
    All,
}

impl Peer {
    /// The peer that follows `script`, as a backend with this process id and secret.
    pub fn new(script: Script, pid: i32, secret: Vec<u8>) -> Self {
        let settings = Settings {
            auth: script.auth,
            pid,
            secret,
            ..Settings::default()
        };
        Self {
            reader: Reader::default(),
            backend: Backend::new(settings),
            mutator: Mutator::default(),
            steps: script.steps.into_iter(),
            waiting: None,
            trickle: None,
            over: false,
        }
    }

    /// What happens before the client says anything.
    pub fn open(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.advance(&mut actions);
        self.finish(actions)
    }

    /// What the server does with these bytes, and the messages that they were.
    pub fn receive(&mut self, bytes: &[u8]) -> (Vec<Frontend>, Vec<Action>) {
        let (mut seen, mut actions) = (Vec::new(), Vec::new());
        self.reader.push(bytes);
        while let Some(front) = self.reader.message() {
            seen.push(front.clone());
            if !self.over {
                self.message(front, &mut actions);
            }
        }
        (seen, self.finish(actions))
    }

    /// What the server does when the running statement is cancelled.
    pub fn cancel(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for reply in self.backend.cancel() {
            self.mutator.apply(reply, false, &mut actions);
        }
        self.finish(actions)
    }

    /// Whether the whole script was played: each step reached, each lie told.
    pub fn is_done(&self) -> bool {
        self.waiting.is_none() && self.steps.len() == 0 && self.mutator.is_done()
    }

    fn message(&mut self, front: Frontend, actions: &mut Vec<Action>) {
        let answered = match self.waiting.take() {
            None => true,
            Some((pattern, answers)) if pattern.fits(&front, &self.backend) => {
                self.advance(actions);
                answers == Answers::All
            }
            Some((pattern, answers)) => {
                self.waiting = Some((pattern, answers));
                answers != Answers::None
            }
        };
        if answered {
            let startup = !self.backend.started();
            for reply in self.backend.answer(front) {
                self.mutator.apply(reply, startup, actions);
            }
        }
    }

    /// Plays steps up to one that waits for the client.
    fn advance(&mut self, actions: &mut Vec<Action>) {
        for step in self.steps.by_ref() {
            match step {
                Step::Expect(pattern) => return self.waiting = Some((pattern, Answers::None)),
                Step::ServeUntil(pattern) => {
                    return self.waiting = Some((pattern, Answers::Others));
                }
                Step::Before(pattern) => return self.waiting = Some((pattern, Answers::All)),
                Step::FailNext(error) => self.backend.fail_next(error),
                Step::Send(bytes) => actions.push(Action::Send(bytes)),
                Step::SendSplit(bytes, sizes) => actions.extend(pieces(&bytes, sizes)),
                Step::Mutate(mutation) => self.mutator.add(mutation),
                Step::Trickle(size) => self.trickle = Some(size),
                Step::ForgetStatements => self.backend.forget_statements(),
                Step::Sleep(time) => actions.push(Action::Sleep(time)),
                Step::Stall => actions.push(Action::Stall),
                Step::Close => actions.push(Action::Close),
                Step::Rst => actions.push(Action::Rst),
            }
        }
    }

    /// Drops what comes after the end, and cuts what is written into pieces.
    fn finish(&mut self, mut actions: Vec<Action>) -> Vec<Action> {
        if self.over {
            return Vec::new();
        }
        let last = actions
            .iter()
            .position(|action| matches!(action, Action::Close | Action::Rst | Action::Stall));
        if let Some(last) = last {
            self.over = true;
            actions.truncate(last + 1);
        }
        match self.trickle {
            None => actions,
            Some(size) => actions
                .into_iter()
                .flat_map(|action| match action {
                    Action::Send(bytes) => bytes
                        .chunks(size)
                        .map(|piece| Action::Send(piece.to_vec()))
                        .collect(),
                    other => vec![other],
                })
                .collect(),
        }
    }
}

fn pieces(mut bytes: &[u8], sizes: Vec<usize>) -> Vec<Action> {
    let mut actions = Vec::new();
    for size in sizes {
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        actions.push(Action::Send(piece.to_vec()));
        bytes = rest;
    }
    actions.push(Action::Send(bytes.to_vec()));
    actions
}
