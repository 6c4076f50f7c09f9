//! A session on a socket, driven by the thread that calls.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::client::transaction;
use crate::client::{Link, Reply, Signal, TransactionOptions, request_of};
use crate::config::MessageHandler;
use crate::dial::{Canceller, Connected, Stream};
use crate::error::{Error, Outcome, SqlState};
use crate::session::{RequestId, Session};
use crate::types::TypeCatalog;
use crate::wire::TransactionStatus;

/// How long the server may take to obey a cancel request, and the request to arrive. A call ends at most half a second
/// after its time, if need be with the connection.
const OBEY_TIMEOUT: Duration = Duration::from_millis(400);
/// A write that waits this long makes room for reading: a server that is itself blocked in writing reads nothing.
const WRITE_PATIENCE: Duration = Duration::from_millis(10);
const BUFFER: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Wire {
    session: Session,
    stream: Stream,
    canceller: Canceller,
    messages: MessageHandler,
    catalog: Mutex<TypeCatalog>,
    /// Requests whose replies nobody has taken, oldest first.
    slots: VecDeque<Slot>,
    buffer: Box<[u8]>,
    /// When the call must be over.
    deadline: Option<Instant>,
    /// Whether the deadline has passed and the call is being cancelled.
    giving_up: bool,
    /// What the socket's read timeout is set to.
    read_timeout: Option<Duration>,
    /// Transactions and savepoints that are open.
    depth: usize,
}

#[derive(Debug)]
struct Slot {
    id: RequestId,
    reply: Reply,
    state: Signal,
}

impl Wire {
    pub(super) fn new(connected: Connected) -> Result<Self, Error> {
        let Connected {
            session,
            stream,
            canceller,
            messages,
        } = connected;
        stream
            .set_write_timeout(Some(WRITE_PATIENCE))
            .map_err(|error| Error::io("configure the connection", error))?;
        Ok(Self {
            session,
            stream,
            canceller,
            messages,
            catalog: Mutex::default(),
            slots: VecDeque::new(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            deadline: None,
            giving_up: false,
            read_timeout: None,
            depth: 0,
        })
    }

    pub(super) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    pub(super) fn start_call(&mut self, timeout: Option<Duration>) {
        self.deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.giving_up = false;
    }

    /// Opens one more level of transaction.
    pub(super) fn enter(&mut self, options: TransactionOptions) -> Result<usize, Error> {
        let level = self.depth;
        if level > 0 {
            transaction::check_open(&self.session)?;
        } else if self.session.status() != TransactionStatus::Idle {
            return Err(Error::interface(
                "a transaction that was begun in plain SQL is open; end it first",
            ));
        }
        transaction::open(&mut self.session, level, options);
        self.depth += 1;
        Ok(level)
    }

    pub(super) fn leave(&mut self, level: usize) {
        self.depth = level;
    }

    pub(super) fn terminate(&mut self) {
        self.session.terminate();
        while !self.session.poll_out().is_empty() {
            // The server learns of the end from the socket too, so this need not wait.
            match self.stream.write(self.session.poll_out()) {
                Ok(count) if count > 0 => self.session.advance_out(count),
                _ => break,
            }
        }
    }

    /// Drives the session until the request's reply has come as far as `goal`, or is complete.
    fn drive(&mut self, id: RequestId, goal: Signal) -> Result<Signal, Error> {
        loop {
            self.take_events();
            let Some(slot) = self.slots.iter().find(|slot| slot.id == id) else {
                return Err(Error::interface(
                    "the answer to this request was taken already",
                ));
            };
            if slot.state == goal || slot.state == Signal::Finished {
                return Ok(slot.state);
            }
            self.flush();
            if self.session.can_receive() {
                self.receive();
            }
        }
    }

    fn take_events(&mut self) {
        let outstanding = self.session.outstanding();
        while let Some(event) = self.session.poll_event() {
            let Some(id) = request_of(&event) else {
                self.messages.tell_event(event);
                continue;
            };
            if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
                match slot.reply.handle(event) {
                    Signal::More => {}
                    state => slot.state = state,
                }
            }
        }
        let left = self.session.outstanding();
        if self.giving_up && left > 0 && left < outstanding {
            self.cancel();
        }
    }

    /// Sends what there is to send; what cannot be sent ends the session.
    fn flush(&mut self) {
        while self.session.wants_write() {
            let bytes = self.session.poll_out();
            if bytes.is_empty() {
                return;
            }
            match self.stream.write(bytes) {
                Ok(count) if count > 0 => self.session.advance_out(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    self.receive_available();
                    if self.time_left() == Some(Duration::ZERO) {
                        self.give_up();
                    }
                }
                result => {
                    self.stream.drain_into(&mut self.session);
                    return match result {
                        Ok(_) => self.session.handle_eof(),
                        Err(error) => self.session.handle_loss(broken(error)),
                    };
                }
            }
        }
    }

    /// Waits for bytes from the server.
    fn receive(&mut self) {
        let left = self.time_left();
        if left == Some(Duration::ZERO) {
            return self.give_up();
        }
        if left != self.read_timeout {
            if let Err(error) = self.stream.set_read_timeout(left) {
                return self
                    .session
                    .fail(Error::io("configure the connection", error));
            }
            self.read_timeout = left;
        }
        match self.stream.read(&mut self.buffer) {
            Err(error) if is_timeout(&error) => self.give_up(),
            result => {
                self.received(result);
            }
        }
    }

    /// Takes the bytes that are there, without waiting.
    fn receive_available(&mut self) {
        if self.stream.set_nonblocking(true).is_err() {
            return;
        }
        loop {
            match self.stream.read(&mut self.buffer) {
                Err(error) if is_timeout(&error) => break,
                result => {
                    if !self.received(result) {
                        break;
                    }
                }
            }
        }
        if let Err(error) = self.stream.set_nonblocking(false) {
            self.session
                .fail(Error::io("configure the connection", error));
        }
    }

    /// Hands the result of a read to the session; `false` if there is nothing more to read.
    fn received(&mut self, result: io::Result<usize>) -> bool {
        match result {
            Ok(0) => self.session.handle_eof(),
            Ok(count) => {
                self.session
                    .handle_bytes(self.buffer.get(..count).unwrap_or_default());
                return true;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Err(error) => self.session.handle_loss(broken(error)),
        }
        false
    }

    fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// The deadline has passed: cancels what runs, and if that has been tried ends the session.
    fn give_up(&mut self) {
        if self.giving_up {
            let error =
                "the server did not answer in time, and did not obey a cancel request either";
            return self.session.fail(Error::timeout(error));
        }
        self.giving_up = true;
        self.deadline = Instant::now().checked_add(OBEY_TIMEOUT);
        self.cancel();
    }

    fn cancel(&mut self) {
        if self.session.is_copying() {
            self.session
                .copy_fail("the time given for the call has passed");
        } else {
            // If it does not arrive, the session ends when the time for obeying has passed.
            let _ = self.canceller.cancel(OBEY_TIMEOUT);
        }
    }

    /// The reply as the caller sees it: a cancel request of our own shows as what it was sent for.
    fn explain(&self, reply: Reply) -> Reply {
        if !self.giving_up {
            return reply;
        }
        reply.map_error(|error| match error.sqlstate() {
            Some(SqlState::QUERY_CANCELED) => Error::timeout(
                "the time given for the call has passed; the server has cancelled it",
            )
            .with_outcome(Outcome::Failed)
            .with_source(error),
            _ => error,
        })
    }

    fn finish_now(&mut self, id: RequestId) -> Result<Reply, Error> {
        self.drive(id, Signal::Finished)?;
        // Requests are finished in order; older ones that nobody asked for are of no use any more.
        while let Some(slot) = self.slots.pop_front() {
            if slot.id == id {
                return Ok(self.explain(slot.reply));
            }
        }
        Err(Error::interface(
            "the answer to this request was taken already",
        ))
    }

    fn feed_now(
        &mut self,
        fill: &mut (dyn FnMut(&mut BytesMut) -> Result<bool, Error> + Send),
    ) -> Result<(), Error> {
        while self.session.copy_data(&mut *fill)? {
            self.flush();
            // A server that has refused a row says so while it is still being sent the others.
            self.receive_available();
            self.take_events();
        }
        Ok(())
    }
}

impl Link for Wire {
    type Pending = RequestId;

    fn send<T: Send>(
        &mut self,
        issue: impl FnOnce(&mut Session) -> Result<(Option<RequestId>, T), Error> + Send,
    ) -> impl Future<Output = Result<(Option<RequestId>, T), Error>> + Send {
        let checked = match self.depth {
            _ if self.giving_up => Err(Error::timeout("the time given for the call has passed")
                .with_outcome(Outcome::NotSent)),
            0 => Ok(()),
            _ => transaction::check_open(&self.session),
        };
        let sent = checked.and_then(|()| issue(&mut self.session));
        if let Ok((Some(id), _)) = &sent {
            self.slots.push_back(Slot {
                id: *id,
                reply: Reply::default(),
                state: Signal::More,
            });
        }
        ready(sent)
    }

    fn finish(&mut self, pending: RequestId) -> impl Future<Output = Result<Reply, Error>> + Send {
        ready(self.finish_now(pending))
    }

    fn copy_ready(
        &mut self,
        pending: &mut RequestId,
    ) -> impl Future<Output = Result<bool, Error>> + Send {
        ready(
            self.drive(*pending, Signal::CopyReady)
                .map(|state| state == Signal::CopyReady),
        )
    }

    fn feed(
        &mut self,
        fill: &mut (dyn FnMut(&mut BytesMut) -> Result<bool, Error> + Send),
    ) -> impl Future<Output = Result<(), Error>> + Send {
        ready(self.feed_now(fill))
    }

    fn with_session<T>(&mut self, look: impl FnOnce(&mut Session) -> T) -> T {
        look(&mut self.session)
    }

    fn catalog(&self) -> &Mutex<TypeCatalog> {
        &self.catalog
    }

    fn in_transaction(&mut self) -> bool {
        self.depth > 0 || self.session.status() != TransactionStatus::Idle
    }
}

fn broken(error: io::Error) -> Error {
    Error::lost(format!("the connection to the server broke: {error}")).with_source(error)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
