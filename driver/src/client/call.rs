//! Running statements: prepare where needed, bind, execute, heal.

use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::IsNull;

use super::row::{Row, rows};
use super::types::{Types, resolve};
use super::{Link, Reply, request};
use crate::error::Error;
use crate::session::{Batch, Execute, Lookup, RequestId, Session, Statement};
use crate::types::{Format, ToSql, Type};
use crate::wire::frontend::{EncodeError, check_parameters};

/// The parameters of a statement, `$1` first.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Parameters that all travel in binary, as most do, need no list of formats of their own.
const ALL_BINARY: [Format; 32] = [Format::Binary; 32];

/// One statement on its way to being run.
pub(crate) struct Call<'a> {
    sql: &'a str,
    /// The parameters' types where the caller gave them; then the first use is a single round trip.
    types: Option<&'a [Type]>,
    declared: Box<[u32]>,
    params: Params<'a>,
    /// Prepared for this call, and maybe not in the cache.
    known: Option<Arc<Statement>>,
    healed: bool,
}

/// What [`Call::issue`] sent.
enum Step {
    /// The statement's execution.
    Executing(Arc<Statement>),
    /// Preparation and execution in one.
    Opening,
    /// Nothing: the statement must be prepared, or its types be resolved.
    Unknown,
}

/// What became of a call.
pub(crate) struct Answer {
    pub(crate) statement: Arc<Statement>,
    pub(crate) reply: Reply,
}

impl Answer {
    pub(crate) fn rows(mut self) -> Vec<Row> {
        match self.reply.results.pop() {
            Some(outcome) => rows(&self.statement, outcome.rows),
            None => Vec::new(),
        }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(sql: &'a str, params: Params<'a>) -> Self {
        Self {
            sql,
            types: None,
            declared: Box::default(),
            params,
            known: None,
            healed: false,
        }
    }

    pub(crate) fn typed(
        sql: &'a str,
        params: &'a [(&'a (dyn ToSql + Sync), Type)],
    ) -> TypedCall<'a> {
        TypedCall {
            sql,
            params: params.iter().map(|(value, _)| *value).collect(),
            types: params.iter().map(|(_, ty)| ty.clone()).collect(),
        }
    }

    #[inline]
    fn issue(&mut self, session: &mut Session) -> Result<(Option<RequestId>, Step), Error> {
        let found = match self.known.take() {
            Some(statement) => Lookup::Hit(statement),
            None => session.lookup(self.sql, &self.declared),
        };
        if matches!(found, Lookup::Miss) {
            check_parameters(self.params.len())?;
        }
        match (found, self.types) {
            (Lookup::Hit(statement), _) if Types::of(&statement).is_some() => {
                let mut batch = session.batch()?;
                bind(&mut batch, &statement, self.params)?;
                Ok((Some(batch.finish()), Step::Executing(statement)))
            }
            (Lookup::Miss, Some(types)) => {
                let mut batch = session.batch()?;
                batch.prepare(self.sql, &self.declared)?;
                with_formats(self.params, types, |formats| {
                    let execute = Execute {
                        parameter_formats: formats,
                        ..Execute::default()
                    };
                    batch.execute_prepared(execute, |index, out| {
                        encode(self.params, types, index, out)
                    })
                })?;
                Ok((Some(batch.finish()), Step::Opening))
            }
            (Lookup::Hit(statement), _) => {
                self.known = Some(statement);
                Ok((None, Step::Unknown))
            }
            _ => Ok((None, Step::Unknown)),
        }
    }

    /// What comes after a step; `None` if the call must be issued again.
    async fn settle<L: Link>(
        &mut self,
        link: &mut L,
        step: Step,
        reply: Reply,
    ) -> Result<Option<Answer>, Error> {
        match (step, reply.into_result()) {
            (Step::Unknown, _) => {
                // Boxed, as what follows is rare: it would make the future of every call three times as large.
                let known = self.known.take();
                let prepared = Box::pin(prepare_known(link, known, self.sql, &self.declared));
                self.known = Some(prepared.await?);
                Ok(None)
            }
            (Step::Executing(statement), Ok(reply)) => Ok(Some(Answer { statement, reply })),
            (Step::Opening, Ok(mut reply)) => {
                let statement = reply.statement.take().ok_or_else(no_description)?;
                Box::pin(resolve(link, &statement)).await?;
                Ok(Some(Answer { statement, reply }))
            }
            // The server refused a plan that has gone stale, or does not know the statement any more. Nothing was run, so
            // it is prepared anew; within a transaction the refusal has ended that already.
            (Step::Executing(statement), Err(error))
                if !self.healed && error.is_stale_statement() && !link.in_transaction() =>
            {
                link.with_session(|session| session.forget(&statement));
                self.healed = true;
                Ok(None)
            }
            (_, Err(error)) => Err(error),
        }
    }
}

/// The owner of what a [`Call`] with declared types borrows.
pub(crate) struct TypedCall<'a> {
    sql: &'a str,
    params: Vec<&'a (dyn ToSql + Sync)>,
    types: Vec<Type>,
}

impl TypedCall<'_> {
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            types: Some(&self.types),
            declared: self.types.iter().map(Type::oid).collect(),
            ..Call::new(self.sql, &self.params)
        }
    }
}

/// Runs one statement.
pub(crate) async fn run<L: Link>(link: &mut L, mut call: Call<'_>) -> Result<Answer, Error> {
    link.check(call.sql)?;
    loop {
        let (pending, step) = link.send(|session| call.issue(session)).await?;
        let reply = match pending {
            Some(pending) => link.finish(pending).await?,
            None => Reply::default(),
        };
        if let Some(answer) = call.settle(link, step, reply).await? {
            return Ok(answer);
        }
    }
}

/// Runs independent statements, all of them sent before the first is waited for; each succeeds or fails alone.
pub(crate) async fn pipeline<L: Link>(
    link: &mut L,
    calls: &[(&str, Params<'_>)],
) -> Vec<Result<Vec<Row>, Error>> {
    let mut results: Vec<Option<Result<Vec<Row>, Error>>> = calls.iter().map(|_| None).collect();
    let mut open: Vec<(usize, Call<'_>)> = (calls.iter().enumerate())
        .map(|(index, (sql, params))| (index, Call::new(sql, params)))
        .collect();
    while !open.is_empty() {
        let mut sent = Vec::with_capacity(open.len());
        for (index, mut call) in open.drain(..) {
            let step = match link.check(call.sql) {
                Ok(()) => link.send(|session| call.issue(session)).await,
                Err(error) => Err(error),
            };
            sent.push((index, call, step));
        }
        for (index, mut call, step) in sent {
            let settled = async {
                let (pending, step) = step?;
                let reply = match pending {
                    Some(pending) => link.finish(pending).await?,
                    None => Reply::default(),
                };
                call.settle(link, step, reply).await
            };
            let result = match settled.await {
                Ok(Some(answer)) => Ok(answer.rows()),
                Ok(None) => {
                    open.push((index, call));
                    continue;
                }
                Err(error) => Err(error),
            };
            if let Some(slot) = results.get_mut(index) {
                *slot = Some(result);
            }
        }
    }
    results.into_iter().flatten().collect()
}

/// Runs statements as one: all of them take effect, or none.
pub(crate) async fn batch<L: Link>(
    link: &mut L,
    calls: &[(&str, Params<'_>)],
) -> Result<Vec<Vec<Row>>, Error> {
    let mut statements = Vec::with_capacity(calls.len());
    for (sql, _) in calls {
        statements.push(prepare(link, sql, &[]).await?);
    }
    let reply = request(link, |session| {
        let mut batch = session.batch()?;
        for (statement, (_, params)) in statements.iter().zip(calls) {
            bind(&mut batch, statement, params)?;
        }
        Ok(batch.finish())
    })
    .await?;
    // BEGIN may have travelled in front of them.
    let skipped = reply.results.len().saturating_sub(statements.len());
    let outcomes = reply.results.into_iter().skip(skipped);
    Ok((statements.iter().zip(outcomes))
        .map(|(statement, outcome)| rows(statement, outcome.rows))
        .collect())
}

/// Runs one statement for each row of parameters, as one; gives the number of rows that all of them touched.
pub(crate) async fn execute_many<'p, L: Link>(
    link: &mut L,
    sql: &str,
    rows: impl Iterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>> + Send,
) -> Result<u64, Error> {
    let statement = prepare(link, sql, &[]).await?;
    let reply = request(link, |session| {
        let mut batch = session.batch()?;
        for (index, row) in rows.enumerate() {
            bind(&mut batch, &statement, row.as_ref()).map_err(|error| {
                Error::new(error.kind(), format!("row {index}: {error}")).with_source(error)
            })?;
        }
        Ok(batch.finish())
    })
    .await?;
    Ok(reply.results.iter().map(|outcome| outcome.tag.rows()).sum())
}

/// A statement from the cache, or prepared now; its types are resolved.
pub(crate) async fn prepare<L: Link>(
    link: &mut L,
    sql: &str,
    declared: &[u32],
) -> Result<Arc<Statement>, Error> {
    link.check(sql)?;
    prepare_known(link, None, sql, declared).await
}

async fn prepare_known<L: Link>(
    link: &mut L,
    known: Option<Arc<Statement>>,
    sql: &str,
    declared: &[u32],
) -> Result<Arc<Statement>, Error> {
    let statement = match known {
        Some(statement) => statement,
        None => prepare_only(link, sql, declared).await?,
    };
    resolve(link, &statement).await?;
    Ok(statement)
}

async fn prepare_only<L: Link>(
    link: &mut L,
    sql: &str,
    declared: &[u32],
) -> Result<Arc<Statement>, Error> {
    loop {
        let (pending, found) = link
            .send(|session| match session.lookup(sql, declared) {
                Lookup::Hit(statement) => Ok((None, Some(statement))),
                // Behind the request that prepares it, an empty one ends when it is there.
                Lookup::Pending(_) => Ok((Some(session.batch()?.finish()), None)),
                Lookup::Miss => Ok((Some(session.prepare(sql, declared)?), None)),
            })
            .await?;
        if let Some(statement) = found {
            return Ok(statement);
        }
        let Some(pending) = pending else { continue };
        if let Some(statement) = link.finish(pending).await?.into_result()?.statement {
            return Ok(statement);
        }
    }
}

/// Adds the execution of a statement to a batch.
pub(super) fn bind(
    batch: &mut Batch<'_>,
    statement: &Statement,
    params: Params<'_>,
) -> Result<(), Error> {
    let types = Types::of(statement).map_or(&[][..], |types| &types.parameters);
    with_formats(params, types, |formats| {
        let execute = Execute {
            parameter_formats: formats,
            ..Execute::default()
        };
        batch.execute(statement, execute, |index, out| {
            encode(params, types, index, out)
        })
    })
}

#[inline]
fn with_formats<E: Into<Error>>(
    params: Params<'_>,
    types: &[Type],
    then: impl FnOnce(&[Format]) -> Result<(), E>,
) -> Result<(), Error> {
    let format = |(param, ty): (&&(dyn ToSql + Sync), &Type)| match param.encode_format(ty) {
        postgres_types::Format::Binary => Format::Binary,
        postgres_types::Format::Text => Format::Text,
    };
    let formats = params.iter().zip(types).map(format);
    match ALL_BINARY.get(..params.len()) {
        // A wrong number of parameters is told by the session, which compares the lists' lengths.
        Some(binary) if formats.clone().all(|format| format == Format::Binary) => then(binary),
        _ => {
            let mut formats: Vec<Format> = formats.collect();
            formats.resize(params.len(), Format::Binary);
            then(&formats)
        }
    }
    .map_err(Into::into)
}

#[inline]
fn encode(
    params: Params<'_>,
    types: &[Type],
    index: usize,
    out: &mut BytesMut,
) -> Result<IsNull, EncodeError> {
    let (Some(param), Some(ty)) = (params.get(index), types.get(index)) else {
        return Ok(IsNull::Yes);
    };
    match param.to_sql_checked(ty, out) {
        Ok(postgres_types::IsNull::No) => Ok(IsNull::No),
        Ok(postgres_types::IsNull::Yes) => Ok(IsNull::Yes),
        Err(error) => Err(Box::new(Error::data(format!(
            "parameter ${} of type {ty}: {error}",
            index + 1
        )))),
    }
}

fn no_description() -> Error {
    Error::protocol("the server did not describe a statement that it ran")
}
