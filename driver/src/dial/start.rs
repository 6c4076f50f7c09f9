//! The conversation before a session is handed over, with a deadline over all of it.

use std::io::{self, ErrorKind, Read, Write};

use super::timed::{Timed, is_timeout};
use super::{Deadline, Stream};
use crate::config::{Address, MessageHandler};
use crate::error::{Error, Outcome};
use crate::session::{Event, Session};

/// A session's socket while it is opened, and what an error tells of it.
pub(super) struct Dialogue<'a> {
    pub stream: &'a Stream,
    pub address: &'a Address,
    pub deadline: Deadline,
    pub messages: &'a MessageHandler,
}

impl Dialogue<'_> {
    /// Reads and writes until `on_event` has its answer. Notices and the like are told on the way.
    pub fn run<T>(
        &self,
        session: &mut Session,
        mut on_event: impl FnMut(Event) -> Option<T>,
    ) -> Result<T, Error> {
        let mut socket = Timed::new(self.stream, self.deadline);
        let mut buffer = [0; 8192];
        let broken = |error: io::Error| {
            Error::connect(format!(
                "the connection to {} broke during startup: {error}",
                self.address
            ))
            .with_source(error)
        };
        loop {
            while let Some(event) = session.poll_event() {
                match event {
                    Event::Closed(error) => {
                        // A TLS alert tells the server why; whether it arrives changes nothing here.
                        let _ = socket.write(session.poll_out());
                        return Err(error.with_outcome(Outcome::NotSent));
                    }
                    Event::Notice(_) | Event::Notification(_) => self.messages.tell_event(event),
                    event => {
                        if let Some(answer) = on_event(event) {
                            return Ok(answer);
                        }
                    }
                }
            }
            while session.can_receive() && !session.poll_out().is_empty() {
                match socket.write(session.poll_out()) {
                    Ok(sent) => session.advance_out(sent),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if is_timeout(&error) => return Err(self.deadline.passed()),
                    Err(error) => {
                        self.stream.drain_into(session);
                        session.handle_loss(broken(error));
                    }
                }
            }
            if !session.can_receive() {
                continue;
            }
            match socket.read(&mut buffer) {
                Ok(0) => session.handle_eof(),
                Ok(count) => session.handle_bytes(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(self.deadline.passed()),
                Err(error) => session.handle_loss(broken(error)),
            }
        }
    }
}
