//! A session with Python calls on it: what both Python fronts share.
//!
//! The engine knows how to turn a call into requests and events into Python objects. It does not wait: the asyncio
//! front feeds it from the event loop, the blocking front from the calling thread.
//!
//! One rule governs the locking: **no Python code runs while the state is locked.** Encoding and decoding may call
//! methods of the program's own objects, allocation may run finalizers, and all of these may come back to the same
//! connection. So parameters are encoded before the lock is taken, rows are decoded after it is given back, and answers
//! are collected and delivered last.

mod base;
mod broken;
mod call;
mod catalog;
mod copy;
mod description;
mod events;
mod hold;
mod params;
mod prepared;
mod reset;
mod socket;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use data_bridge_driver::Error;
use data_bridge_driver::copy::StagePlan;
use data_bridge_driver::dial::{Canceller, Connected, Stream};
use data_bridge_driver::session::{Batch, Execute, Lookup, RequestId, Session, Statement};
use data_bridge_driver::sql::ends_transaction;
use data_bridge_driver::types::IsNull;
use data_bridge_driver::wire::TransactionStatus;
use data_bridge_driver::wire::frontend::check_parameters;
use pyo3::prelude::*;

pub use base::Base;
pub use call::{Args, Call, Completion, Portal, Reply, Request, RowBuilder, Shape};
pub use catalog::Catalog;
pub use description::Description;
pub use events::News;
pub use prepared::Prepared;
pub use socket::Progress;

use crate::convert::Params;
use crate::errors;
use copy::Copying;
use hold::{Held, Hold};
use params::{encode, next_value};

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
    /// A transaction block is open, which alone may end its transaction.
    in_block: bool,
    /// Session state was changed that outlives a transaction.
    touched: bool,
    /// Statements were prepared by SQL.
    has_prepared: bool,
}

/// A request that is outstanding, and who waits for it.
struct Job {
    kind: Kind,
    /// Calls that need the statement which this request prepares.
    waiting: Vec<Call>,
    /// Whoever waited for it does so no more.
    given_up: bool,
}

impl Job {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            waiting: Vec::new(),
            given_up: false,
        }
    }
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
    /// What a connection goes back to its pool with; see [`Engine::reset`].
    Reset,
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
            ..
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
            in_block: false,
            touched: false,
            has_prepared: false,
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

    /// Requests that are not finished; a reset of the session is nobody's request.
    pub fn outstanding(&self) -> usize {
        let state = self.lock();
        state.jobs.len() + state.held.len() - usize::from(state.is_resetting())
    }

    /// Requests so far, finished or not.
    pub fn requests(&self) -> u64 {
        self.lock().session.next_request().number()
    }

    /// What the server last said of the transaction.
    pub fn status(&self) -> TransactionStatus {
        self.lock().session.status()
    }

    /// Whether somebody else may use the connection.
    pub fn is_reusable(&self) -> bool {
        let state = self.lock();
        let is_idle = state.session.is_reusable() || state.is_only_resetting();
        is_idle && state.hold == Hold::No && state.held.is_empty()
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
        let reply = call.reply.clone_ref(py);
        self.guarded(py, reply, done, |done| self.start_call(py, call, done));
    }

    pub(super) fn start_call(&self, py: Python<'_>, mut call: Call, done: &mut Vec<Completion>) {
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
        if state.in_block && ends_transaction(sql) {
            drop(state);
            let error = errors::interface_error(
                py,
                "a transaction block ends its transaction itself: leave the block to commit, raise in it to roll back; for a \
                 part of it use a nested transaction(), and connection() to write COMMIT by hand",
            );
            return done.push((call.reply, Err(error)));
        }
        if state.hold != Hold::No {
            return state.held.push(Held::Call(call));
        }
        if let Some(described) = call.request.args.described() {
            // On whichever connection the table was described: this one must know it too, to have it checked.
            match state.session.lookup(described.sql(), described.declared()) {
                Lookup::Hit(here) if here.columns() == described.columns() => {
                    call.checked = Some(here);
                }
                Lookup::Hit(_) => {
                    drop(state);
                    return done.push((call.reply, Ok(py.None())));
                }
                Lookup::Pending(request) => {
                    if let Some(job) = state.job_mut(request) {
                        job.waiting.push(call);
                    }
                    return;
                }
                Lookup::Miss => {
                    state.send_savepoints();
                    return prepare(py, state, call, done, |session| {
                        session.prepare(described.sql(), described.declared())
                    });
                }
            }
        }
        let lookup = state.session.lookup(sql, &declared);
        if call.request.fresh {
            // The transaction's lock on what is described is taken by describing it.
            state.send_preludes();
            if let Lookup::Hit(statement) = &lookup {
                return prepare(py, state, call, done, |session| {
                    session.prepare_anew(statement)
                });
            }
        }
        if matches!(lookup, Lookup::Miss)
            && let Err(error) = check_parameters(call.request.args.width(py))
        {
            drop(state);
            return done.push((call.reply, Err(errors::to_py(py, &error))));
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
            Lookup::Miss => {
                state.send_savepoints();
                prepare(py, state, call, done, |session| {
                    session.prepare(sql, &declared)
                });
            }
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
        if call.is_over() {
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
            Ok(()) => state.jobs.push_back(Job::new(Kind::Run(Box::new(call)))),
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
            if let Some(described) = &call.checked {
                batch.check(described)?;
            }
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
                state.jobs.push_back(Job::new(Kind::Run(Box::new(call))));
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
                state.jobs.push_back(Job::new(kind));
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

    /// A command that travels ahead of the next statement, in the same Sync.
    pub fn push_prelude(&self, sql: &str) {
        self.lock().preludes.push(sql.into());
    }

    /// A transaction block begins or ends: within it, statements that end its transaction are refused.
    pub fn set_in_block(&self, in_block: bool) {
        self.lock().in_block = in_block;
    }

    /// Notes that a staging table is about to be used; see the driver's `Session::stage`.
    pub fn stage(&self, plan: &StagePlan) -> Option<String> {
        self.lock().session.stage(plan)
    }

    /// Takes back the last such command, if it has not been sent.
    pub fn pop_prelude(&self) -> bool {
        self.lock().preludes.pop().is_some()
    }
}

impl State {
    fn job_mut(&mut self, request: RequestId) -> Option<&mut Job> {
        let index = usize::try_from(request.number().checked_sub(self.first)?).ok()?;
        self.jobs.get_mut(index)
    }

    /// A statement that cannot be prepared fails within its savepoint, not within the transaction around it. `BEGIN` may
    /// wait: outside of a transaction such a failure leaves nothing behind.
    fn send_savepoints(&mut self) {
        if self
            .preludes
            .first()
            .is_some_and(|first| first.starts_with("SAVEPOINT"))
        {
            self.send_preludes();
        }
    }

    /// Commands that wait for the next statement go ahead of a request that cannot carry them itself.
    fn send_preludes(&mut self) {
        let preludes = self.preludes.join(";");
        if !preludes.is_empty() && self.session.simple(&preludes).is_ok() {
            self.preludes.clear();
            let kind = Kind::Simple {
                reply: Reply::Nobody,
                error: None,
                tag: None,
            };
            self.jobs.push_back(Job::new(kind));
        }
    }

    fn finish_job(&mut self) -> Option<Job> {
        self.first += 1;
        self.jobs.pop_front()
    }
}

/// Prepares a statement that `call` waits for.
fn prepare(
    py: Python<'_>,
    mut state: MutexGuard<'_, State>,
    call: Call,
    done: &mut Vec<Completion>,
    issue: impl FnOnce(&mut Session) -> Result<RequestId, Error>,
) {
    match issue(&mut state.session) {
        Ok(_) => state.jobs.push_back(Job {
            waiting: vec![call],
            ..Job::new(Kind::Prepare)
        }),
        Err(error) => {
            drop(state);
            done.push((call.reply, Err(errors::to_py(py, &error))));
        }
    }
}
