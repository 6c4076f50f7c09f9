//! One call of a Python program: what to run, how to shape the answer, and what has come of it so far.

use std::sync::Arc;

use data_bridge_driver::session::Statement;
use data_bridge_driver::wire::{CommandTag, Row, RowBatch};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::bulk::Columns;
use crate::capture::Watch;
use crate::convert::Layout;
use crate::errors;

/// Who gets the answer.
#[derive(Debug)]
pub enum Reply {
    /// An asyncio future.
    Future(Py<PyAny>),
    /// The thread that waits for the answer with this number.
    Ticket(u64),
    /// Nobody: a command that the engine runs for itself.
    Nobody,
}

impl Reply {
    /// Another reference to whoever gets the answer.
    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Future(future) => Self::Future(future.clone_ref(py)),
            Self::Ticket(number) => Self::Ticket(*number),
            Self::Nobody => Self::Nobody,
        }
    }

    /// Whether both mean the same caller.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Future(one), Self::Future(other)) => one.is(other),
            (Self::Ticket(one), Self::Ticket(other)) => one == other,
            (Self::Nobody, Self::Nobody) => true,
            _ => false,
        }
    }
}

/// An answer and who gets it.
pub type Completion = (Reply, PyResult<Py<PyAny>>);

/// Makes one Python object of one row; the ORM builds its instances through this.
pub trait RowBuilder: Send + Sync {
    /// The object for `row`, whose columns are decoded by `layout`.
    fn build<'py>(
        &self,
        py: Python<'py>,
        layout: &Layout,
        row: Row<'_>,
    ) -> PyResult<Bound<'py, PyAny>>;
}

/// What the caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A list of all rows.
    Rows,
    /// The first row or `None`.
    Row,
    /// One column (from 0) of the first row, or `None`.
    Value(usize),
    /// The number of rows affected.
    Count,
    /// All rows where the statement returns rows, else the count.
    RowsOrCount,
    /// A page of a portal: its rows, and whether there are more.
    Page,
    /// The statement itself, described and not run.
    Describe,
}

/// The parameters of a call.
#[derive(Debug)]
pub enum Args {
    /// One execution.
    One(Py<PyTuple>),
    /// One execution for each, in a single Sync.
    Many(Vec<Py<PyTuple>>),
    /// One execution, whose parameters are the columns of many rows.
    Columns(Py<Columns>),
}

/// A named portal and the page size to read it by.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Its name.
    pub name: Arc<str>,
    /// Rows of a page.
    pub rows: i32,
    /// An earlier call has opened it: this one reads on.
    pub is_open: bool,
}

/// What to run. See [`Call`] for what becomes of it.
pub struct Request {
    /// The SQL text.
    pub sql: Py<PyString>,
    /// Its parameters.
    pub args: Args,
    /// What the caller gets.
    pub shape: Shape,
    /// Parameter types that the caller knows; part of the statement's identity.
    pub declared: Arc<[u32]>,
    /// The caller vouches that all columns travel in binary, so that even the first use takes one round trip.
    pub typed: bool,
    /// Makes the objects; `None` for `Record`s.
    pub builder: Option<Arc<dyn RowBuilder>>,
    /// Read by pages.
    pub portal: Option<Portal>,
    /// A statement that runs in the same Sync behind the others and returns one int8, which is added to the answer.
    pub follow: Option<Arc<str>>,
    /// The statement is described anew even if it is known, within the transaction that is open or about to open.
    pub fresh: bool,
}

impl Args {
    /// How many parameters an execution has; none are counted where there is no execution.
    pub(super) fn width(&self, py: Python<'_>) -> usize {
        let of = |row: &Py<PyTuple>| row.bind(py).len();
        match self {
            Self::One(row) => of(row),
            Self::Many(rows) => rows.iter().map(of).max().unwrap_or(0),
            Self::Columns(_) => 0,
        }
    }

    /// How often the statement is executed.
    pub fn executions(&self) -> usize {
        match self {
            Self::One(_) | Self::Columns(_) => 1,
            Self::Many(rows) => rows.len(),
        }
    }

    /// The description of the table that the parameters were encoded for. One that has no name is never out of date:
    /// it was asked for just now.
    pub(super) fn described(&self) -> Option<Arc<Statement>> {
        match self {
            Self::Columns(columns) => Some(columns.get().described())
                .filter(|statement| !statement.name().is_empty())
                .cloned(),
            Self::One(_) | Self::Many(_) => None,
        }
    }
}

impl Request {
    /// The row limit for Execute; 0 for none.
    pub(super) fn max_rows(&self) -> i32 {
        match (&self.portal, self.shape) {
            (Some(portal), _) => portal.rows,
            (None, Shape::Row | Shape::Value(_)) => 1,
            _ => 0,
        }
    }
}

/// A request on its way.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that hold or not, each by itself"
)]
pub struct Call {
    pub(super) reply: Reply,
    pub(super) request: Request,
    pub(super) statement: Option<Arc<Statement>>,
    rows: Option<Py<PyList>>,
    first: Option<Py<PyAny>>,
    count: u64,
    /// What the server is to check in the same Sync: the description that the rows were encoded by. Where that is out of
    /// date nothing is run, and the answer is `None`.
    pub(super) checked: Option<Arc<Statement>>,
    /// Commands of the request that are still to end before the one that follows; 0 if none follows.
    pub(super) ahead: usize,
    /// What the command that follows has returned.
    followed: i64,
    suspended: bool,
    /// Nobody waits for it any more: what has not been sent of it never is.
    given_up: bool,
    pub(super) error: Option<PyErr>,
    /// It ran once and met a stale statement: it is not tried a third time.
    pub(super) retried: bool,
    pub(super) stale: bool,
    /// Who wants to hear of it, besides the caller.
    watch: Option<Box<Watch>>,
}

impl Call {
    /// A call that has not started.
    pub fn new(reply: Reply, request: Request) -> Self {
        Self {
            reply,
            request,
            statement: None,
            rows: None,
            first: None,
            count: 0,
            checked: None,
            ahead: 0,
            followed: 0,
            suspended: false,
            given_up: false,
            error: None,
            retried: false,
            stale: false,
            watch: None,
        }
    }

    /// The same, told of to whoever captures what the caller's context runs.
    #[inline]
    #[must_use]
    pub fn watched(mut self, py: Python<'_>) -> Self {
        self.watch = Watch::of_caller(py);
        self
    }

    /// Tells whoever captures that it is over.
    fn tell(&mut self, py: Python<'_>) {
        if let Some(watch) = self.watch.take()
            && self.request.shape != Shape::Describe
        {
            let found = self.rows.as_ref().map_or(0, |rows| rows.bind(py).len());
            let found = found.max(usize::from(self.first.is_some())) as u64;
            let sql = self.request.sql.bind(py);
            let args = Some(&self.request.args);
            watch.tell(py, sql, args, self.count.max(found), self.error.as_ref());
        }
    }

    /// Whether it runs this statement.
    pub(super) fn runs(&self, py: Python<'_>, statement: &Statement) -> bool {
        let sql = self.request.sql.bind(py);
        sql.to_str().is_ok_and(|sql| sql == statement.sql())
    }

    /// Whether this future gets the answer.
    pub fn answers(&self, future: &Bound<'_, PyAny>) -> bool {
        matches!(&self.reply, Reply::Future(reply) if reply.is(future))
    }

    /// Gives the call up for whom it was made.
    pub fn into_reply(self) -> Reply {
        self.reply
    }

    /// Nobody waits for it any more.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Whether nothing more is to be sent for it.
    pub(super) fn is_over(&self) -> bool {
        self.given_up || self.error.is_some()
    }

    /// Keeps the first failure.
    pub(super) fn fail(&mut self, error: PyErr) {
        self.error.get_or_insert(error);
    }

    pub(super) fn command_done(&mut self, tag: &CommandTag) {
        if self.request.follow.is_none() {
            self.count += tag.rows();
        } else if self.ahead > 0 {
            self.ahead -= 1;
            self.count += tag.rows();
        }
    }

    pub(super) fn suspend(&mut self) {
        self.suspended = true;
    }

    /// How its rows are to be taken, in a form that needs no borrow of the call.
    pub(super) fn sink(&mut self, py: Python<'_>) -> Option<Sink> {
        if self.error.is_some() {
            return None;
        }
        let take = match self.request.shape {
            _ if self.request.follow.is_some() && self.ahead == 0 => Take::Follow,
            Shape::Rows | Shape::RowsOrCount | Shape::Page => {
                let rows = self.rows.get_or_insert_with(|| PyList::empty(py).unbind());
                Take::All(rows.clone_ref(py))
            }
            Shape::Row if self.first.is_none() => Take::First,
            Shape::Value(column) if self.first.is_none() => Take::Value(column),
            _ => return None,
        };
        Some(Sink {
            take,
            statement: self.statement.clone()?,
            builder: self.request.builder.clone(),
        })
    }

    pub(super) fn keep(&mut self, taken: Taken) {
        match taken {
            Taken::Rows => {}
            Taken::First(first) => {
                self.first.get_or_insert(first);
            }
            Taken::Followed(number) => self.followed = number,
        }
    }

    /// Forgets a first try, for a second one.
    pub(super) fn restart(mut self) -> Self {
        self.retried = true;
        self.stale = false;
        self.error = None;
        self.statement = None;
        self.rows = None;
        self.first = None;
        self.count = 0;
        self.followed = 0;
        self
    }

    /// The answer.
    pub(super) fn complete(mut self, py: Python<'_>) -> Completion {
        self.tell(py);
        let Self {
            reply, error: None, ..
        } = self
        else {
            let error = self
                .error
                .unwrap_or_else(|| PyErr::new::<pyo3::exceptions::PyRuntimeError, _>(()));
            return (self.reply, Err(error));
        };
        let rows = |rows: Option<Py<PyList>>| rows.unwrap_or_else(|| PyList::empty(py).unbind());
        let answer = match self.request.shape {
            Shape::Rows => Ok(rows(self.rows).into_any()),
            Shape::Row | Shape::Value(_) => Ok(self.first.unwrap_or_else(|| py.None())),
            Shape::RowsOrCount
                if self
                    .statement
                    .is_some_and(|statement| statement.returns_rows()) =>
            {
                Ok(rows(self.rows).into_any())
            }
            Shape::Count | Shape::RowsOrCount => into_any(py, self.count),
            Shape::Page => into_any(py, (rows(self.rows), self.suspended)),
            Shape::Describe => Ok(py.None()),
        };
        let answer = match self.request.follow {
            Some(_) => answer.and_then(|answer| into_any(py, (answer, self.followed))),
            None => answer,
        };
        (reply, answer)
    }
}

/// Any value as an object.
pub(super) fn into_any<'py, T: IntoPyObjectExt<'py>>(
    py: Python<'py>,
    value: T,
) -> PyResult<Py<PyAny>> {
    value.into_py_any(py)
}

enum Take {
    All(Py<PyList>),
    First,
    Value(usize),
    Follow,
}

/// What has come of a batch of rows.
pub(super) enum Taken {
    /// The rows are in the call's list.
    Rows,
    /// The first row, or a value of it.
    First(Py<PyAny>),
    /// What the command that follows has returned.
    Followed(i64),
}

/// Takes rows for a call. It holds what it needs, for decoding runs Python code, which may come back to the engine.
pub(super) struct Sink {
    take: Take,
    statement: Arc<Statement>,
    builder: Option<Arc<dyn RowBuilder>>,
}

impl Sink {
    /// Decodes a batch.
    pub(super) fn take(
        &self,
        py: Python<'_>,
        layout: &Layout,
        batch: &RowBatch,
    ) -> PyResult<Taken> {
        let build = |row: Row<'_>| match &self.builder {
            None => layout.record(py, row.values()),
            Some(builder) => builder.build(py, layout, row),
        };
        match &self.take {
            Take::All(list) => {
                let list = list.bind(py);
                for row in batch {
                    list.append(build(row)?)?;
                }
                Ok(Taken::Rows)
            }
            Take::First => match batch.iter().next() {
                Some(row) => Ok(Taken::First(build(row)?.unbind())),
                None => Ok(Taken::Rows),
            },
            Take::Value(column) => {
                let value = batch
                    .iter()
                    .next()
                    .and_then(|row| row.values().nth(*column));
                match value {
                    Some(value) => layout
                        .value(py, *column, value)
                        .map(|value| Taken::First(value.unbind())),
                    None => Err(errors::interface_error(py, "the result has no such column")),
                }
            }
            Take::Follow => {
                let value = batch.iter().next().and_then(|row| row.values().next());
                match value.flatten().map(<[u8; 8]>::try_from) {
                    Some(Ok(bytes)) => Ok(Taken::Followed(i64::from_be_bytes(bytes))),
                    _ => Err(errors::decode_error(py, "the server counted in no int8")),
                }
            }
        }
    }

    pub(super) fn statement(&self) -> &Statement {
        &self.statement
    }
}
