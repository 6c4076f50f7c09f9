//! A session with Python calls on it: what both Python fronts share.
//!
//! The engine knows how to turn a call into requests and events into Python objects. It does not wait: the asyncio
//! front feeds it from the event loop, the blocking front from the calling thread.
//!
//! One rule governs the locking: **no Python code runs while the state is locked.** Encoding and decoding may call
//! methods of the program's own objects, allocation may run finalizers, and all of these may come back to the same
//! connection. So parameters are encoded before the lock is taken, rows are decoded after it is given back, and answers
//! are collected and delivered last.

mod call;
mod catalog;
mod copy;
mod description;
mod events;
mod prepared;
mod socket;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BufMut, BytesMut};
use data_bridge_driver::Error;
use data_bridge_driver::dial::{Canceller, Connected, Stream};
use data_bridge_driver::error::Kind as ErrorKind;
use data_bridge_driver::session::{Batch, Execute, Lookup, RequestId, Session, Statement};
use data_bridge_driver::types::IsNull;
use data_bridge_driver::wire::TransactionStatus;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

pub use call::{Args, Call, Completion, Portal, Reply, Request, RowBuilder, Shape};
pub use catalog::Catalog;
pub use description::Description;
pub use events::News;
pub use prepared::Prepared;
pub use socket::Progress;

use crate::convert::Params;
use crate::errors;
use copy::Copying;

/// One connection's engine.
pub struct Engine {
    state: Mutex<State>,
    catalog: Arc<Catalog>,
    canceller: Canceller,
}

struct State {
    session: Session,
    /// Shared with a thread that waits for it.
    stream: Option<Arc<Stream>>,
    /// One for each outstanding request, in order.
    jobs: VecDeque<Job>,
    /// The request number of the first job.
    first: u64,
    hold: Hold,
    /// What waits until the hold ends.
    held: Vec<Held>,
    /// Commands that travel ahead of the next statement, in the same Sync: `BEGIN`, `SAVEPOINT`.
    preludes: Vec<Box<str>>,
    /// Why the server ended the last COPY, where nobody waited for its end.
    copy_failure: Option<PyErr>,
    /// Session state was changed that outlives a transaction.
    touched: bool,
}

/// While a cancel request is on its way nothing may be sent, for it could hit what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Calls are sent.
    No,
    /// The cancel request is being sent.
    Cancelling,
    /// The server has taken the cancel request; the cancelled call has still to end.
    Cancelled,
}

/// Something that was asked for while nothing may be sent.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are calls; a box each would cost more than the room"
)]
enum Held {
    Call(Call),
    Simple(Box<str>, Reply),
    CopyIn(Box<str>, Reply),
}

/// A request that is outstanding, and who waits for it.
struct Job {
    kind: Kind,
    /// Calls that need the statement which this request prepares.
    waiting: Vec<Call>,
}

enum Kind {
    /// Prepares a statement for the waiting calls.
    Prepare,
    /// Runs a call.
    Run(Box<Call>),
    /// Looks up types for the waiting calls, whose statement this is.
    Types(Arc<Statement>),
    /// A COPY.
    Copy(Copying),
    /// Statements of the simple protocol.
    Simple {
        reply: Reply,
        error: Option<PyErr>,
        tag: Option<Box<str>>,
    },
}

thread_local! {
    /// Parameters are encoded here before the session is locked; the allocation is kept between calls.
    static SCRATCH: Cell<BytesMut> = Cell::default();
}

/// Scratch memory beyond this is given back.
const KEPT_SCRATCH: usize = 1 << 20;

impl Engine {
    /// An engine on a connection that is ready.
    pub fn new(connected: Connected, catalog: Arc<Catalog>) -> std::io::Result<Self> {
        let Connected {
            session,
            stream,
            canceller,
        } = connected;
        stream.set_nonblocking(true)?;
        let first = session.next_request().number();
        let state = State {
            session,
            stream: Some(Arc::new(stream)),
            jobs: VecDeque::new(),
            first,
            hold: Hold::No,
            held: Vec::new(),
            preludes: Vec::new(),
            copy_failure: None,
            touched: false,
        };
        Ok(Self {
            state: Mutex::new(state),
            catalog,
            canceller,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the state was locked has ended the session's use through the exception that it became; the state
        // itself is never left half-changed by code that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The types of the database.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Sends cancel requests for this connection.
    pub fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// Requests that are not finished.
    pub fn outstanding(&self) -> usize {
        let state = self.lock();
        state.jobs.len() + state.held.len()
    }

    /// What the server last said of the transaction.
    pub fn status(&self) -> TransactionStatus {
        self.lock().session.status()
    }

    /// Whether somebody else may use the connection.
    pub fn is_reusable(&self) -> bool {
        let state = self.lock();
        state.session.is_reusable() && state.hold == Hold::No && state.held.is_empty()
    }

    /// Why the connection is over, if it is.
    pub fn closed(&self) -> Option<Error> {
        self.lock().session.closed().cloned()
    }

    /// A run-time parameter that the server reports.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.lock().session.parameter(name).map(str::to_owned)
    }

    /// The backend's process id.
    pub fn backend_pid(&self) -> Option<i32> {
        self.lock().session.cancel_key().map(|key| key.process)
    }

    /// Whether TLS protects the connection.
    pub fn is_encrypted(&self) -> bool {
        self.lock().session.is_encrypted()
    }

    /// Starts a call; if it cannot be started, its completion says why.
    #[inline]
    pub fn start(&self, py: Python<'_>, call: Call, done: &mut Vec<Completion>) {
        let sql = call.request.sql.clone_ref(py);
        let Ok(sql) = sql.bind(py).to_str() else {
            let error = errors::data_error(
                py,
                "the SQL text holds a lone surrogate, which is no Unicode",
            );
            return done.push((call.reply, Err(error)));
        };
        let declared = Arc::clone(&call.request.declared);
        let mut state = self.lock();
        if state.hold != Hold::No {
            return state.held.push(Held::Call(call));
        }
        let mut lookup = state.session.lookup(sql, &declared);
        if call.request.fresh {
            // The transaction's lock on what is described is taken by describing it.
            state.send_preludes();
            if let Lookup::Hit(statement) = lookup {
                state.session.forget(&statement);
                lookup = Lookup::Miss;
            }
        }
        match lookup {
            Lookup::Hit(statement) => {
                drop(state);
                self.run(py, call, statement, done);
            }
            Lookup::Pending(request) => {
                if let Some(job) = state.job_mut(request) {
                    job.waiting.push(call);
                }
            }
            Lookup::Miss if self.is_typed(&call.request) => {
                drop(state);
                self.prepare_and_run(py, call, sql, done);
            }
            Lookup::Miss => match state.session.prepare(sql, &declared) {
                Ok(_) => state.jobs.push_back(Job {
                    kind: Kind::Prepare,
                    waiting: vec![call],
                }),
                Err(error) => {
                    drop(state);
                    done.push((call.reply, Err(errors::to_py(py, &error))));
                }
            },
        }
    }

    /// Whether all that Bind needs is known before the server has described the statement.
    fn is_typed(&self, request: &Request) -> bool {
        request.typed
            && request.shape != Shape::Describe
            && request.declared.iter().all(|oid| self.catalog.knows(*oid))
    }

    /// Runs a call whose statement is prepared.
    fn run(
        &self,
        py: Python<'_>,
        mut call: Call,
        statement: Arc<Statement>,
        done: &mut Vec<Completion>,
    ) {
        if call.error.is_some() {
            return done.push(call.complete(py));
        }
        let prepared = match self.prepared(py, &statement) {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return self.look_up_types(py, call, statement, done),
            Err(error) => return done.push((call.reply, Err(error))),
        };
        if call.request.shape == Shape::Describe {
            let description =
                Description::new(statement, Arc::clone(&self.catalog)).into_object(py);
            return done.push((call.reply, description));
        }
        let portal = call.request.portal.clone();
        let execute = Execute {
            portal: portal.as_ref().map_or("", |portal| &portal.name),
            parameter_formats: prepared.params.formats(),
            result_formats: &prepared.result_formats,
            max_rows: call.request.max_rows(),
        };
        call.statement = Some(Arc::clone(&statement));
        if let Some(Portal {
            name,
            rows,
            is_open: true,
        }) = &portal
        {
            return self.next_page(py, call, &statement, name, *rows, done);
        }
        self.send(py, call, &prepared.params, done, |batch, values, _| {
            batch
                .execute(&statement, execute, |_, out| Ok(next_value(values, out)))
                .map_err(Error::from)
        });
    }

    /// Reads on in a portal that an earlier call has opened.
    fn next_page(
        &self,
        py: Python<'_>,
        call: Call,
        statement: &Statement,
        portal: &str,
        rows: i32,
        done: &mut Vec<Completion>,
    ) {
        let mut state = self.lock();
        let sent = state.session.batch().and_then(|mut batch| {
            batch.more(portal, statement, rows)?;
            batch.finish();
            Ok(())
        });
        match sent {
            Ok(()) => state.jobs.push_back(Job {
                kind: Kind::Run(Box::new(call)),
                waiting: Vec::new(),
            }),
            Err(error) => {
                drop(state);
                done.push((call.reply, Err(errors::to_py(py, &error))));
            }
        }
    }

    /// Prepares and runs in one round trip, with the types that the caller has declared.
    fn prepare_and_run(&self, py: Python<'_>, call: Call, sql: &str, done: &mut Vec<Completion>) {
        let declared = Arc::clone(&call.request.declared);
        let params = Params::new(declared.iter().map(|oid| self.catalog.resolve(*oid)));
        let formats = params.formats();
        let portal = call.request.portal.clone();
        let execute = Execute {
            portal: portal.as_ref().map_or("", |portal| &portal.name),
            parameter_formats: formats,
            result_formats: &[],
            max_rows: call.request.max_rows(),
        };
        self.send(py, call, &params, done, |batch, values, index| {
            if index == 0 {
                batch.prepare(sql, &declared)?;
            }
            batch
                .execute_prepared(execute, |_, out| Ok(next_value(values, out)))
                .map_err(Error::from)
        });
    }

    /// Encodes the parameters, then builds the request of one or many executions; nothing of it remains after an error.
    fn send(
        &self,
        py: Python<'_>,
        mut call: Call,
        params: &Params,
        done: &mut Vec<Completion>,
        mut execute: impl FnMut(&mut Batch<'_>, &mut &[u8], usize) -> Result<(), Error>,
    ) {
        let mut scratch = SCRATCH.take();
        scratch.clear();
        if let Err(error) = encode(py, &call.request.args, params, &mut scratch) {
            return done.push((call.reply, Err(error)));
        }
        let mut state = self.lock();
        let State {
            session, preludes, ..
        } = &mut *state;
        let mut values = &scratch[..];
        let sent = session.batch().and_then(|mut batch| {
            preludes
                .iter()
                .try_for_each(|prelude| batch.command(prelude))?;
            let executions = call.request.args.executions();
            (0..executions).try_for_each(|index| execute(&mut batch, &mut values, index))?;
            if let Some(follow) = &call.request.follow {
                call.ahead = preludes.len() + executions;
                batch
                    .execute_unnamed(follow, &[], 1, Execute::default(), |_, _| Ok(IsNull::Yes))
                    .map_err(Error::from)?;
            }
            batch.finish();
            Ok(())
        });
        match sent {
            Ok(()) => {
                preludes.clear();
                state.jobs.push_back(Job {
                    kind: Kind::Run(Box::new(call)),
                    waiting: Vec::new(),
                });
                drop(state);
                if scratch.capacity() <= KEPT_SCRATCH {
                    SCRATCH.set(scratch);
                }
            }
            Err(error) => {
                drop(state);
                done.push((call.reply, Err(errors::to_py(py, &error))));
            }
        }
    }

    /// The codecs of a statement; `None` while types of it are unknown.
    fn prepared<'s>(
        &self,
        py: Python<'_>,
        statement: &'s Statement,
    ) -> PyResult<Option<&'s Prepared>> {
        if let Some(prepared) = statement.resolved_layout() {
            return Ok(Some(prepared));
        }
        if catalog::type_oids(statement).any(|oid| !self.catalog.knows(oid)) {
            return Ok(None);
        }
        let prepared = Prepared::new(py, statement, &self.catalog)?;
        Ok(statement.layout(|| prepared))
    }

    /// Sends statements without parameters through the simple protocol; the answer is the last command tag.
    pub fn simple(&self, py: Python<'_>, sql: &str, reply: Reply, done: &mut Vec<Completion>) {
        let mut state = self.lock();
        if state.hold != Hold::No {
            return state.held.push(Held::Simple(sql.into(), reply));
        }
        state.send_preludes();
        match state.session.simple(sql) {
            Ok(_) => {
                let kind = Kind::Simple {
                    reply,
                    error: None,
                    tag: None,
                };
                state.jobs.push_back(Job {
                    kind,
                    waiting: Vec::new(),
                });
            }
            Err(error) => {
                drop(state);
                done.push((reply, Err(errors::to_py(py, &error))));
            }
        }
    }

    /// Ends the session because of something that the front met.
    pub fn fail(&self, error: Error) {
        self.lock().session.fail(error);
    }

    /// Says goodbye to the server.
    pub fn terminate(&self) {
        let mut state = self.lock();
        state.session.terminate();
    }

    /// Whether the only outstanding request is the one that answers to `is_it`: then, and only then, may it be
    /// cancelled on the server. From then on nothing is sent until [`Engine::resume`].
    pub fn hold_for_cancel(&self, is_it: impl Fn(&Reply) -> bool) -> bool {
        let mut state = self.lock();
        let alone = state.jobs.len() == 1
            && state.jobs.front().is_some_and(|job| match &job.kind {
                Kind::Run(call) => is_it(&call.reply),
                Kind::Simple { reply, .. } => is_it(reply),
                Kind::Copy(copying) => copying.answers(&is_it),
                Kind::Prepare | Kind::Types(_) => false,
            });
        if alone {
            state.hold = Hold::Cancelling;
        }
        alone
    }

    /// Gives up all that is outstanding, for a front whose connection has one user: from then on nothing is sent until
    /// the cancel request has been dealt with.
    pub fn hold_all_for_cancel(&self, py: Python<'_>) {
        let error = Error::new(ErrorKind::Cancelled, "the call was given up");
        let error = errors::to_py(py, &error);
        let mut state = self.lock();
        state.hold = Hold::Cancelling;
        // What is being prepared for them must not make them run.
        for call in state.jobs.iter_mut().flat_map(|job| &mut job.waiting) {
            call.fail(error.clone_ref(py));
        }
    }

    /// The cancel request has been dealt with.
    pub fn cancel_sent(&self, py: Python<'_>, done: &mut Vec<Completion>) {
        self.lock().hold = Hold::Cancelled;
        self.resume_if_cancelled(py, done);
    }

    /// Sends calls again once both the cancel request and what it was aimed at are over.
    fn resume_if_cancelled(&self, py: Python<'_>, done: &mut Vec<Completion>) {
        let held = {
            let mut state = self.lock();
            if state.hold != Hold::Cancelled || !state.jobs.is_empty() {
                return;
            }
            state.hold = Hold::No;
            std::mem::take(&mut state.held)
        };
        for held in held {
            match held {
                Held::Call(call) => self.start(py, call, done),
                Held::Simple(sql, reply) => self.simple(py, &sql, reply, done),
                Held::CopyIn(sql, reply) => self.copy_in(py, &sql, reply, done),
            }
        }
    }

    /// Gives up a call that has not been sent: it waits for its statement or for a cancel request. Its completion is
    /// added to `done`, so that whoever counts calls sees it end. Whether there was such a call.
    ///
    /// Without this, the first statement of a cancelled transaction could still run, after the transaction.
    pub fn drop_unsent(
        &self,
        py: Python<'_>,
        is_it: impl Fn(&Reply) -> bool,
        done: &mut Vec<Completion>,
    ) -> bool {
        let reply = {
            let mut state = self.lock();
            let held = state.held.iter().position(|held| is_it(held.reply()));
            match held {
                Some(index) => Some(state.held.remove(index).into_reply()),
                None => state.jobs.iter_mut().find_map(|job| {
                    let index = job.waiting.iter().position(|call| is_it(&call.reply))?;
                    Some(job.waiting.remove(index).into_reply())
                }),
            }
        };
        let was_unsent = reply.is_some();
        done.extend(reply.map(|reply| (reply, Ok(py.None()))));
        was_unsent
    }

    /// Whether calls are held back because of a cancel request.
    pub fn is_held(&self) -> bool {
        self.lock().hold != Hold::No
    }

    /// A command that travels ahead of the next statement, in the same Sync.
    pub fn push_prelude(&self, sql: &str) {
        self.lock().preludes.push(sql.into());
    }

    /// Takes back the last such command, if it has not been sent.
    pub fn pop_prelude(&self) -> bool {
        self.lock().preludes.pop().is_some()
    }

    /// Whether session state was changed since [`Engine::take_touched`].
    pub fn is_touched(&self) -> bool {
        self.lock().touched
    }

    /// Whether session state was changed since the last time this was asked.
    pub fn take_touched(&self) -> bool {
        std::mem::take(&mut self.lock().touched)
    }
}

impl Held {
    fn reply(&self) -> &Reply {
        match self {
            Self::Call(call) => &call.reply,
            Self::Simple(_, reply) | Self::CopyIn(_, reply) => reply,
        }
    }

    fn into_reply(self) -> Reply {
        match self {
            Self::Call(call) => call.into_reply(),
            Self::Simple(_, reply) | Self::CopyIn(_, reply) => reply,
        }
    }
}

impl State {
    fn job_mut(&mut self, request: RequestId) -> Option<&mut Job> {
        let index = usize::try_from(request.number().checked_sub(self.first)?).ok()?;
        self.jobs.get_mut(index)
    }

    /// Commands that wait for the next statement go ahead of a request that cannot carry them itself.
    fn send_preludes(&mut self) {
        let preludes = std::mem::take(&mut self.preludes).join(";");
        if !preludes.is_empty() && self.session.simple(&preludes).is_ok() {
            let kind = Kind::Simple {
                reply: Reply::Nobody,
                error: None,
                tag: None,
            };
            self.jobs.push_back(Job {
                kind,
                waiting: Vec::new(),
            });
        }
    }

    fn finish_job(&mut self) -> Option<Job> {
        self.first += 1;
        self.jobs.pop_front()
    }
}

/// Encodes all parameters of a call, each behind its length, in the order of Bind.
fn encode(py: Python<'_>, args: &Args, params: &Params, out: &mut BytesMut) -> PyResult<()> {
    match args {
        Args::One(args) => encode_row(args.bind(py), params, out),
        Args::Many(rows) => rows
            .iter()
            .try_for_each(|args| encode_row(args.bind(py), params, out)),
        Args::Columns(columns) => columns.get().encode(py, out),
    }
}

#[inline]
fn encode_row(args: &Bound<'_, PyTuple>, params: &Params, out: &mut BytesMut) -> PyResult<()> {
    params.check_count(args.py(), args.len())?;
    for (at, value) in args.iter_borrowed().enumerate() {
        let start = out.len();
        out.put_i32(-1);
        if let IsNull::No = params.encode_one(at, &value, out)? {
            let length =
                u32::try_from(out.len() - start - 4).expect("a value is checked to be below 1 GiB");
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// Moves the next encoded value over to the Bind message, which writes the length itself.
#[inline]
fn next_value(values: &mut &[u8], out: &mut BytesMut) -> IsNull {
    match usize::try_from(values.get_i32()) {
        Ok(length) => {
            let (value, rest) = values.split_at(length);
            out.extend_from_slice(value);
            *values = rest;
            IsNull::No
        }
        Err(_) => IsNull::Yes,
    }
}
