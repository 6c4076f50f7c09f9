//! Building one request: one or more commands that end in a single Sync.

use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::IsNull;

use crate::error::Error;
use crate::session::Session;
use crate::session::event::RequestId;
use crate::session::pipeline::Expect;
use crate::session::statement::{Draft, Statement};
use crate::sql;
use crate::types::Format;
use crate::wire::frontend::{self, BindFailure, EncodeError};

/// One request under construction: its commands succeed or fail as one, for a single Sync ends them.
///
/// Nothing counts until [`Batch::finish`]; a batch that is dropped, because a value could not be encoded say, leaves no
/// byte behind.
#[derive(Debug)]
pub struct Batch<'s> {
    session: &'s mut Session,
    bytes: usize,
    expectations: usize,
    draft: Option<Draft>,
    finished: bool,
}

/// How to bind and execute a statement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Execute<'a> {
    /// Name of the portal; empty for the unnamed one, which the next Bind replaces.
    pub portal: &'a str,
    /// The format of each parameter; its length must be the statement's number of parameters.
    pub parameter_formats: &'a [Format],
    /// The format of each column; empty for binary throughout.
    pub result_formats: &'a [Format],
    /// Stop after this many rows and keep the portal; 0 for all.
    pub max_rows: i32,
}

impl<'s> Batch<'s> {
    pub(super) fn new(session: &'s mut Session) -> Result<Self, Error> {
        session.check_open()?;
        let bytes = session.outgoing.len();
        let expectations = session.pipeline.mark();
        let mut batch = Self {
            session,
            bytes,
            expectations,
            draft: None,
            finished: false,
        };
        for name in batch.session.statements.closing().to_vec() {
            frontend::close_statement(&name, batch.out())?;
            batch.session.pipeline.expect(Expect::Close);
        }
        for sql in batch.session.preface.clone() {
            batch.command(&sql)?;
        }
        Ok(batch)
    }

    /// Parses and describes `sql` with the parameter types that are declared (0 lets the server infer one).
    pub fn prepare(&mut self, sql: &str, declared: &[u32]) -> Result<(), Error> {
        sql::check_no_copy(sql)?;
        let request = self.session.pipeline.next_id();
        let draft = self.session.statements.draft(sql, declared, request);
        let name = draft.name.clone();
        self.draft = Some(draft);
        frontend::parse(&name, sql, declared, self.out())?;
        frontend::describe_statement(&name, self.out())?;
        for what in [Expect::Parse, Expect::Parameters, Expect::Columns] {
            self.session.pipeline.expect(what);
        }
        Ok(())
    }

    /// As [`Batch::prepare`], of a statement that is known and may have changed.
    pub(super) fn prepare_as(&mut self, before: &Arc<Statement>) -> Result<(), Error> {
        self.prepare(before.sql(), before.declared())?;
        if let Some(draft) = &mut self.draft {
            draft.before = Some(Arc::clone(before));
        }
        Ok(())
    }

    /// Runs what [`Batch::prepare`] has just parsed, in the same round trip; the caller knows the parameter types.
    /// All results come in binary.
    pub fn execute_prepared(
        &mut self,
        execute: Execute<'_>,
        encode: impl FnMut(usize, &mut BytesMut) -> Result<IsNull, EncodeError>,
    ) -> Result<(), BindFailure> {
        let name = self
            .draft
            .as_ref()
            .map(|draft| draft.name.clone())
            .unwrap_or_default();
        self.bind_and_execute(&name, execute, Expect::DescribedRows, encode)
    }

    /// Executes a prepared statement; `encode` appends the payload of the parameter with that index.
    #[inline]
    pub fn execute(
        &mut self,
        statement: &Statement,
        execute: Execute<'_>,
        encode: impl FnMut(usize, &mut BytesMut) -> Result<IsNull, EncodeError>,
    ) -> Result<(), BindFailure> {
        let (taken, given) = (
            statement.parameters().len(),
            execute.parameter_formats.len(),
        );
        if taken != given {
            return Err(BindFailure::Message(Error::interface(format!(
                "the statement takes {taken} parameters but {given} were given"
            ))));
        }
        if statement.name().is_empty() {
            // Unnamed statements live until the next Parse, and behind a pooler not even until the next Sync.
            frontend::parse("", statement.sql(), statement.parameters(), self.out())
                .map_err(BindFailure::Message)?;
            self.session.pipeline.expect(Expect::Parse);
        }
        self.bind_and_execute(statement.name(), execute, rows_of(statement), encode)
    }

    /// Has the server check, ahead of what follows in the same Sync, that `statement` still has the columns that it was
    /// described with, and keep them so until the transaction ends (it locks the tables as reading them would). Where
    /// they have changed, the whole request fails with a stale plan ([`Error::is_stale_statement`]).
    ///
    /// It costs no execution, and needs no right to read the tables. An unnamed statement has nothing that could be
    /// checked.
    pub fn check(&mut self, statement: &Statement) -> Result<(), Error> {
        if !statement.name().is_empty() {
            frontend::describe_statement(statement.name(), self.out())?;
            self.session.pipeline.expect(Expect::SameParameters);
            self.session.pipeline.expect(Expect::SameColumns);
        }
        Ok(())
    }

    /// Parses and executes `sql` as the unnamed statement, whose types and number of columns the caller knows.
    pub fn execute_unnamed(
        &mut self,
        sql: &str,
        declared: &[u32],
        columns: usize,
        execute: Execute<'_>,
        encode: impl FnMut(usize, &mut BytesMut) -> Result<IsNull, EncodeError>,
    ) -> Result<(), BindFailure> {
        sql::check_no_copy(sql)
            .and_then(|()| frontend::parse("", sql, declared, self.out()))
            .map_err(BindFailure::Message)?;
        self.session.pipeline.expect(Expect::Parse);
        let columns = u16::try_from(columns).unwrap_or(u16::MAX);
        self.bind_and_execute("", execute, Expect::Rows(columns), encode)
    }

    /// Runs a command without parameters and rows, such as BEGIN, ahead of what follows in the same Sync.
    pub fn command(&mut self, sql: &str) -> Result<(), Error> {
        frontend::parse("", sql, &[], self.out())?;
        self.session.pipeline.expect(Expect::Parse);
        self.bind_and_execute("", Execute::default(), Expect::Command, |_, _| {
            Ok(IsNull::Yes)
        })
        .map_err(Error::from)
    }

    /// Asks for more rows of a portal that [`Event::Suspended`](super::Event::Suspended) left open.
    ///
    /// The portal must still be there: it lives until the end of the transaction.
    pub fn more(
        &mut self,
        portal: &str,
        statement: &Statement,
        max_rows: i32,
    ) -> Result<(), Error> {
        frontend::execute(portal, max_rows, self.out())?;
        self.session.pipeline.expect(rows_of(statement));
        Ok(())
    }

    /// Closes a portal before the transaction ends.
    pub fn close_portal(&mut self, portal: &str) -> Result<(), Error> {
        frontend::close_portal(portal, self.out())?;
        self.session.pipeline.expect(Expect::Close);
        Ok(())
    }

    /// Ends the request.
    #[inline]
    pub fn finish(mut self) -> RequestId {
        frontend::sync(&mut self.session.outgoing);
        self.session.pipeline.expect(Expect::Sync);
        self.finished = true;
        self.session.preface.clear();
        self.session.statements.closed();
        let start = self.session.offset_of(self.bytes);
        self.session.pipeline.push(start, self.draft.take())
    }

    #[inline]
    fn bind_and_execute(
        &mut self,
        name: &str,
        execute: Execute<'_>,
        rows: Expect,
        encode: impl FnMut(usize, &mut BytesMut) -> Result<IsNull, EncodeError>,
    ) -> Result<(), BindFailure> {
        let Execute {
            portal,
            parameter_formats,
            result_formats,
            max_rows,
        } = execute;
        frontend::bind(
            portal,
            name,
            parameter_formats,
            result_formats,
            encode,
            self.out(),
        )?;
        frontend::execute(portal, max_rows, self.out()).map_err(BindFailure::Message)?;
        self.session.pipeline.expect(Expect::Bind);
        self.session.pipeline.expect(rows);
        Ok(())
    }

    fn out(&mut self) -> &mut BytesMut {
        &mut self.session.outgoing
    }
}

/// The rows that a described statement gives.
#[inline]
fn rows_of(statement: &Statement) -> Expect {
    if statement.returns_rows() {
        Expect::Rows(u16::try_from(statement.columns().len()).unwrap_or(u16::MAX))
    } else {
        Expect::Command
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.session.outgoing.truncate(self.bytes);
        self.session.pipeline.truncate(self.expectations);
        let request = self.session.pipeline.next_id();
        self.session.statements.settle(request);
    }
}
