//! A session and a scripted peer that talk in one thread: no socket, no clock, the same in every run.

use data_bridge_driver::Error;
use data_bridge_driver::auth::{Authenticator, Credentials, Policy};
use data_bridge_driver::session::{Event, Session, Startup};

use super::auth::PASSWORD;
use super::mutation::Action;
use super::script::{Peer, Script};

/// How the next bytes from the server are cut: takes how many there are, and says how many come.
pub type Cuts = Box<dyn FnMut(usize) -> usize>;

/// What a session needs to log in to a scripted server as user `scripted` with [`PASSWORD`].
pub fn startup() -> Startup {
    let credentials = Credentials {
        user: "scripted".into(),
        password: Some(PASSWORD.as_bytes().to_vec().into()),
    };
    Startup {
        parameters: vec![
            ("user".into(), "scripted".into()),
            ("database".into(), "scripted".into()),
        ],
        tls: None,
        authenticator: Authenticator::new(credentials, Policy::default(), *b"a nonce of no use."),
        statement_cache: 100,
    }
}

/// The two ends and what is between them.
pub struct Wire {
    /// The client's end.
    pub session: Session,
    peer: Peer,
    cuts: Cuts,
    /// All that the server has sent.
    pub received: Vec<u8>,
    /// The server sends no more.
    over: bool,
}

impl Wire {
    /// A session at its start, opposite a server with this script. Bytes arrive as they are sent.
    pub fn new(script: Script) -> Self {
        Self::with_cuts(script, Box::new(|len| len))
    }

    /// As [`Wire::new`], and what the server sends arrives in pieces.
    pub fn with_cuts(script: Script, cuts: Cuts) -> Self {
        let session = Session::new(startup()).expect("a session without TLS starts");
        let mut wire = Self {
            session,
            peer: Peer::new(script, 1, vec![0, 0, 0, 1]),
            cuts,
            received: Vec::new(),
            over: false,
        };
        let actions = wire.peer.open();
        wire.act(actions, &mut Vec::new());
        wire
    }

    /// Lets both ends talk until neither has anything to say.
    pub fn run(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            events.extend(std::iter::from_fn(|| self.session.poll_event()));
            let sent = self.session.poll_out().to_vec();
            self.session.advance_out(sent.len());
            if sent.is_empty() {
                return events;
            }
            if !self.over {
                let (_, actions) = self.peer.receive(&sent);
                self.act(actions, &mut events);
            }
        }
    }

    /// Lets both ends talk, and tells in words what happened.
    pub fn told(&mut self) -> Vec<String> {
        self.run().iter().flat_map(tell).collect()
    }

    /// Whether the script was played to its end.
    pub fn is_done(&self) -> bool {
        self.peer.is_done()
    }

    fn act(&mut self, actions: Vec<Action>, events: &mut Vec<Event>) {
        // What is sent at once arrives at once, unless the cuts say otherwise.
        let mut together = Vec::new();
        for action in actions {
            if let Action::Send(bytes) = action {
                together.extend_from_slice(&bytes);
                continue;
            }
            self.arrive(&std::mem::take(&mut together), events);
            match action {
                Action::Send(_) | Action::Sleep(_) => {}
                Action::Stall => self.over = true,
                Action::Close => {
                    self.over = true;
                    self.session.handle_eof();
                }
                Action::Rst => {
                    self.over = true;
                    self.session.handle_loss(Error::lost("reset"));
                }
            }
        }
        self.arrive(&together, events);
    }

    fn arrive(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        self.received.extend_from_slice(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((self.cuts)(rest.len()));
            self.session.handle_bytes(piece);
            events.extend(std::iter::from_fn(|| self.session.poll_event()));
            rest = later;
        }
    }
}

/// An event in words, one line a row, so that two traces can be compared: how rows are grouped into
/// batches depends on how their bytes arrived, and means nothing.
pub fn tell(event: &Event) -> Vec<String> {
    let error = |error: &Error| format!("{:?} {error}", error.kind());
    vec![match event {
        Event::Rows { request, rows } => {
            return rows
                .iter()
                .map(|row| {
                    format!(
                        "{} row {:?}",
                        request.number(),
                        row.values().collect::<Vec<_>>()
                    )
                })
                .collect();
        }
        Event::Ready => "ready".to_owned(),
        Event::Prepared { request, statement } => {
            let columns: Vec<_> = statement
                .columns()
                .iter()
                .map(|column| &column.name)
                .collect();
            format!(
                "{} prepared {:?} {columns:?}",
                request.number(),
                statement.parameters()
            )
        }
        Event::Done { request, tag } => format!("{} done {}", request.number(), tag.as_str()),
        Event::Suspended { request } => format!("{} suspended", request.number()),
        Event::CopyIn {
            request, columns, ..
        } => format!("{} copy in {columns}", request.number()),
        Event::Failed {
            request,
            error: why,
        } => format!("{} failed {}", request.number(), error(why)),
        Event::Finished { request } => format!("{} finished", request.number()),
        Event::Notice(notice) => format!("notice {}", notice.message()),
        Event::Notification(notification) => {
            format!(
                "notification {} {}",
                notification.channel, notification.payload
            )
        }
        Event::Closed(why) => format!("closed {}", error(why)),
    }]
}
