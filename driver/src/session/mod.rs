//! The sans-I/O core: bytes in, bytes out, requests in, events out. No socket, no clock, no thread.
//!
//! A front does four things, in any order that suits its kind of waiting:
//! 1. hands over what it received ([`Session::handle_bytes`], [`Session::handle_eof`]);
//! 2. takes what is to be sent ([`Session::poll_out`], [`Session::advance_out`]);
//! 3. issues requests ([`Session::batch`], [`Session::prepare`], [`Session::simple`], [`Session::copy_in`]), as many as
//!    it likes before the first is answered;
//! 4. asks what happened ([`Session::poll_event`]) until there is nothing more.

mod batch;
mod copy;
mod event;
mod pipeline;
mod receive;
mod startup;
mod statement;
pub mod tls;
pub mod tls_config;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;

pub use batch::{Batch, Execute};
pub use event::{Event, RequestId};
pub use startup::{Encryption, Startup};
pub use statement::{Lookup, Statement};

use crate::copy::{StagePlan, Stages};
use crate::error::{DbError, Error, Kind, Outcome};
use crate::sql;
use crate::wire::TransactionStatus;
use crate::wire::frontend;
use pipeline::{Expect, Pipeline};
use startup::Phase;
use statement::Statements;
use tls::Tls;

/// One connection to a server, without the connection.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    /// Received and not yet read; plaintext.
    incoming: BytesMut,
    /// To be sent; plaintext.
    outgoing: BytesMut,
    /// Present once the server has agreed to TLS.
    tls: Option<Tls>,
    /// To be sent, encrypted.
    ciphertext: BytesMut,
    /// Bytes of `outgoing` that have left it since the beginning.
    sent: u64,
    pipeline: Pipeline,
    statements: Statements,
    stages: Stages,
    parameters: HashMap<String, String>,
    cancel_key: Option<CancelKey>,
    status: TransactionStatus,
    /// Commands that open the next batch.
    preface: Vec<Box<str>>,
    /// An error or warning that nobody asked for: usually the reason of the end of file that follows.
    farewell: Option<DbError>,
    /// A COPY takes all that is sent, from its start to its end or failure.
    copying: bool,
    /// Why the session is over.
    closed: Option<Error>,
    /// Whether [`Event::Closed`] has been told.
    told: bool,
    /// A request that was told of its failure after the end, and not yet that it is finished.
    winding: Option<RequestId>,
    receiving: Receiving,
}

/// Whether more bytes can come.
#[derive(Debug)]
enum Receiving {
    Open,
    /// The server has closed its side.
    Ended,
    /// The connection broke like this.
    Broken(Error),
}

/// What a cancel request must quote.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelKey {
    /// Process id of the backend.
    pub process: i32,
    /// The secret that came with it.
    pub secret: Box<[u8]>,
}

impl std::fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelKey")
            .field("process", &self.process)
            .field("secret", &"***")
            .finish()
    }
}

/// A buffer that has grown beyond this for one large message is given back once it is empty.
const KEPT_CAPACITY: usize = 1 << 20;

impl Session {
    /// A session whose first bytes are ready to be sent.
    pub fn new(startup: Startup) -> Result<Self, Error> {
        let mut session = Self {
            phase: Phase::Starting,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            tls: None,
            ciphertext: BytesMut::new(),
            sent: 0,
            pipeline: Pipeline::default(),
            statements: Statements::new(startup.statement_cache),
            stages: Stages::default(),
            parameters: HashMap::new(),
            cancel_key: None,
            status: TransactionStatus::Idle,
            preface: Vec::new(),
            farewell: None,
            copying: false,
            closed: None,
            told: false,
            winding: None,
            receiving: Receiving::Open,
        };
        match &startup.tls {
            None => session.send_startup(startup)?,
            Some(encryption) if encryption.direct => {
                session.tls = Some(encryption.start()?);
                session.phase = Phase::TlsHandshake(Box::new(startup));
            }
            Some(_) => {
                frontend::ssl_request(&mut session.outgoing);
                session.phase = Phase::TlsReply(Box::new(startup));
            }
        }
        Ok(session)
    }

    /// Whether startup is over and requests are taken.
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// Why the session is over, if it is.
    pub fn closed(&self) -> Option<&Error> {
        self.closed.as_ref()
    }

    /// Whether reading on makes sense: neither is the session over, nor has the end of its bytes been met.
    pub fn can_receive(&self) -> bool {
        self.closed.is_none() && matches!(self.receiving, Receiving::Open)
    }

    /// What the last `ReadyForQuery` said of the transaction.
    pub fn status(&self) -> TransactionStatus {
        self.status
    }

    /// Requests that are not finished.
    pub fn outstanding(&self) -> usize {
        self.pipeline.len()
    }

    /// The id that the next request will get.
    pub fn next_request(&self) -> RequestId {
        self.pipeline.next_id()
    }

    /// The request that the server works on now: the only one that a cancel request may aim at.
    pub fn current_request(&self) -> Option<RequestId> {
        self.pipeline.head_id()
    }

    /// Whether somebody else may use the connection: ready, nothing outstanding, outside a transaction.
    pub fn is_reusable(&self) -> bool {
        self.is_ready()
            && self.outstanding() == 0
            && self.status == TransactionStatus::Idle
            && self.farewell.is_none()
    }

    /// A run-time parameter that the server reports, such as `server_version`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The key for cancel requests, where the server gave one.
    pub fn cancel_key(&self) -> Option<&CancelKey> {
        self.cancel_key.as_ref()
    }

    /// Whether a COPY has been started and not yet ended by this side. No request is taken meanwhile: it would reach the
    /// server in the middle of the data, which ends the connection.
    pub fn is_in_copy(&self) -> bool {
        self.copying
    }

    /// Whether TLS protects the connection.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// What the statement cache knows of `sql` with these declared parameter types.
    #[inline]
    pub fn lookup(&mut self, sql: &str, declared: &[u32]) -> Lookup {
        self.statements.lookup(sql, declared)
    }

    /// Statements in the cache.
    pub fn cached_statements(&self) -> usize {
        self.statements.len()
    }

    /// Drops a statement from the cache, because the server reported its plan stale or its name unknown.
    pub fn forget(&mut self, statement: &Arc<Statement>) {
        self.statements.forget(statement);
    }

    /// Puts a command in front of the next batch, within its Sync: so BEGIN costs no round trip of its own, and where it
    /// fails nothing of the batch runs. [`Event::Done`] tells of it as of the batch's other commands.
    ///
    /// It does not travel with [`Session::simple`] and [`Session::copy_in`]; send an empty batch before those.
    pub fn push_preface(&mut self, sql: &str) {
        self.preface.push(sql.into());
    }

    /// Takes the last command of [`Session::push_preface`] back; `false` if it is on its way already.
    pub fn pop_preface(&mut self) -> bool {
        self.preface.pop().is_some()
    }

    /// Notes that a bulk write through a staging table is about to be run. The command that is to go ahead of it, if there
    /// is one, drops the staging table used longest ago: a connection keeps no more than 16.
    pub fn stage(&mut self, plan: &StagePlan) -> Option<String> {
        self.stages.used(plan)
    }

    /// Whether commands wait for the next batch.
    pub fn has_preface(&self) -> bool {
        !self.preface.is_empty()
    }

    /// Starts a request of one or more commands that end in a single Sync.
    #[inline]
    pub fn batch(&mut self) -> Result<Batch<'_>, Error> {
        Batch::new(self)
    }

    /// Prepares a statement; [`Event::Prepared`] brings it.
    pub fn prepare(&mut self, sql: &str, declared: &[u32]) -> Result<RequestId, Error> {
        let mut batch = self.batch()?;
        batch.prepare(sql, declared)?;
        Ok(batch.finish())
    }

    /// Has the server describe a statement anew, within the transaction that is open: [`Event::Prepared`] brings the same
    /// statement if nothing has changed, and from then on its tables are locked against change, as reading them would.
    pub fn prepare_anew(&mut self, statement: &Arc<Statement>) -> Result<RequestId, Error> {
        self.check_open()?;
        self.forget(statement);
        let mut batch = self.batch()?;
        batch.prepare_as(statement)?;
        Ok(batch.finish())
    }

    /// Sends SQL through the simple query protocol: several statements at once, no parameters, results as text.
    pub fn simple(&mut self, sql: &str) -> Result<RequestId, Error> {
        sql::check_no_copy(sql)?;
        self.send_query(sql, Expect::Simple)
    }

    /// Says goodbye to the server; nothing can be requested after this.
    pub fn terminate(&mut self) {
        if self.closed.is_none() {
            if !matches!(self.phase, Phase::TlsReply(_) | Phase::TlsHandshake(_)) {
                frontend::terminate(&mut self.outgoing);
            }
            self.fail(Error::new(
                Kind::ConnectionLost,
                "the connection was closed by this client",
            ));
        }
    }

    /// Ends the session at once, because of something that its front met: a deadline, say. For a socket that broke there
    /// is [`Session::handle_loss`].
    pub fn fail(&mut self, error: Error) {
        if self.closed.is_none() {
            self.closed = Some(error);
            self.phase = Phase::Closed;
            self.incoming.clear();
            if let Some(tls) = &mut self.tls {
                // What is left to say goes out, then the end, so that the server can tell it from a cut. The session is
                // over either way: an error on the way changes nothing.
                let _ = tls.send(&mut self.outgoing, &mut self.ciphertext);
                let _ = tls.close(&mut self.ciphertext);
            }
        }
    }

    /// Whether there is something to send.
    #[inline]
    pub fn wants_write(&self) -> bool {
        !self.ciphertext.is_empty()
            || (!self.outgoing.is_empty() && self.tls.is_none())
            || self.tls_wants_write()
    }

    /// Bytes that wait to be sent; fronts hold back new work while this is large.
    pub fn unsent(&self) -> usize {
        self.outgoing.len() + self.ciphertext.len()
    }

    /// The bytes to send next; [`Session::advance_out`] tells how many of them went out.
    pub fn poll_out(&mut self) -> &[u8] {
        let Some(tls) = &mut self.tls else {
            return &self.outgoing;
        };
        let before = self.outgoing.len();
        let result = tls.send(&mut self.outgoing, &mut self.ciphertext);
        self.sent += (before - self.outgoing.len()) as u64;
        if let Err(error) = result {
            self.fail(error);
        }
        &self.ciphertext
    }

    /// `count` bytes of [`Session::poll_out`] were sent.
    pub fn advance_out(&mut self, count: usize) {
        let buffer = if self.tls.is_some() {
            &mut self.ciphertext
        } else {
            self.sent += count as u64;
            &mut self.outgoing
        };
        if count >= buffer.len() {
            // Starting over at the front keeps one allocation for the life of the connection.
            buffer.clear();
            if buffer.capacity() > KEPT_CAPACITY {
                *buffer = BytesMut::new();
            }
        } else {
            bytes::Buf::advance(buffer, count);
        }
    }

    fn tls_wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| {
            tls.wants_write() || !self.outgoing.is_empty() && !tls.is_handshaking()
        })
    }

    fn send_startup(&mut self, startup: Startup) -> Result<(), Error> {
        let parameters = startup
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        frontend::startup(parameters, &mut self.outgoing)?;
        self.phase = Phase::Authenticating(Box::new(startup.authenticator));
        Ok(())
    }

    /// A request of the simple query protocol: the server answers it with a `ReadyForQuery` unasked.
    fn send_query(&mut self, sql: &str, expect: Expect) -> Result<RequestId, Error> {
        self.check_open()?;
        let bytes = self.outgoing.len();
        if let Err(error) = frontend::query(sql, &mut self.outgoing) {
            self.outgoing.truncate(bytes);
            return Err(error);
        }
        self.pipeline.expect(expect);
        self.pipeline.expect(Expect::Sync);
        Ok(self.pipeline.push(self.offset_of(bytes), None))
    }

    fn check_open(&self) -> Result<(), Error> {
        match (&self.closed, &self.phase) {
            (Some(error), _) => Err(error.clone().with_outcome(Outcome::NotSent)),
            // Two tasks share a transaction, say, and one of them inserts rows.
            (None, Phase::Ready) if self.copying => Err(Error::interface(
                "a COPY is running on this connection; nothing else can be sent until it ends",
            )),
            (None, Phase::Ready) => Ok(()),
            (None, _) => Err(Error::interface("the connection is not ready yet")),
        }
    }

    /// Where a position of `outgoing` stands in the stream of all bytes sent.
    #[inline]
    fn offset_of(&self, position: usize) -> u64 {
        self.sent + position as u64
    }
}
