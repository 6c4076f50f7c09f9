//! COPY, and the bulk writes that are built on it.

use std::sync::Arc;

use bytes::BytesMut;

use super::call::prepare;
use super::row::{Row, rows};
use super::transaction::send_preface;
use super::types::Types;
use super::{Link, Reply, Upserted, request};
use crate::copy::{ColumnType, Insert, RowEncoder, StagePlan, Target, Upsert, binary};
use crate::error::Error;
use crate::session::{Session, Statement};
use crate::types::{ToSql, Type};
use crate::wire::TransactionStatus;

/// How much one piece of COPY data holds before it is sent, in bytes.
const PIECE: usize = 64 * 1024;

/// Runs `COPY ... FROM STDIN` with the bytes that `fill` appends, until it says that there is no more; gives the number
/// of rows. After an error of `fill` the server drops them all.
pub(crate) async fn copy_in<L: Link>(
    link: &mut L,
    sql: &str,
    fill: &mut (dyn FnMut(&mut BytesMut) -> Result<bool, Error> + Send),
) -> Result<u64, Error> {
    send_preface(link).await?;
    let (pending, ()) = link
        .send(|session| Ok((Some(session.copy_in(sql)?), ())))
        .await?;
    let Some(mut pending) = pending else {
        return Ok(0);
    };
    let mut refused = None;
    if link.copy_ready(&mut pending).await? {
        match link.feed(fill).await {
            Ok(()) => link.with_session(Session::copy_done),
            Err(error) => {
                link.with_session(|session| session.copy_fail("the client could not give a row"));
                refused = Some(error);
            }
        }
    }
    let reply = link.finish(pending).await?.into_result();
    match (refused, reply) {
        (None, reply) => Ok(reply?.affected()),
        // The server ended the COPY first, and feeding it failed because of that.
        (Some(error), Err(reply))
            if reply
                .sqlstate()
                .is_none_or(|state| state.as_str() != "57014") =>
        {
            drop(error);
            Err(reply)
        }
        (Some(error), _) => Err(error),
    }
}

/// Turns pieces of bytes into what [`copy_in`] takes.
pub(crate) fn chunks(
    mut chunks: impl Iterator<Item: AsRef<[u8]>> + Send,
) -> impl FnMut(&mut BytesMut) -> Result<bool, Error> + Send {
    move |out| match chunks.next() {
        Some(chunk) => {
            out.extend_from_slice(chunk.as_ref());
            Ok(true)
        }
        None => Ok(false),
    }
}

/// COPY of rows straight into their table.
pub(crate) async fn insert_many<'p, L: Link>(
    link: &mut L,
    target: &Target,
    rows: impl Iterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>> + Send,
) -> Result<u64, Error> {
    let columns = columns_of(&*describe(link, target).await?);
    copy_rows(link, &target.copy_sql(), columns, false, rows).await
}

/// Insert by way of the staging table; the caller has seen to a transaction.
pub(crate) async fn insert_returning<'p, L: Link>(
    link: &mut L,
    insert: &Insert,
    rows: impl Iterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>> + Send,
) -> Result<Vec<Row>, Error> {
    let described = describe(link, insert.target()).await?;
    let plan = insert.stage(&types_of(&described));
    staged(link, &plan, columns_of(&described), rows)
        .await
        .map(|(_, _, rows)| rows)
}

/// Upsert by way of the staging table; the caller has seen to a transaction.
pub(crate) async fn upsert_many<'p, L: Link>(
    link: &mut L,
    upsert: &Upsert,
    rows: impl Iterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>> + Send,
) -> Result<(Upserted, Vec<Row>), Error> {
    let described = describe(link, upsert.target()).await?;
    let plan = upsert.stage(&types_of(&described));
    let (written, updated, rows) = staged(link, &plan, columns_of(&described), rows)
        .await
        .map_err(|error| upsert.explain(error))?;
    let inserted = written.saturating_sub(updated);
    Ok((Upserted { inserted, updated }, rows))
}

/// The steps of a [`StagePlan`]: rows written, rows updated among them, and rows given back.
async fn staged<'p, L: Link>(
    link: &mut L,
    plan: &StagePlan,
    columns: Vec<(String, Type)>,
    source: impl Iterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>> + Send,
) -> Result<(u64, u64, Vec<Row>), Error> {
    // A transaction that begins with this request finds the stage empty.
    let used_before = link.with_session(|session| session.status() != TransactionStatus::Idle);
    request(link, |session| {
        let oldest = session.stage(plan);
        let mut batch = session.batch()?;
        if let Some(drop) = &oldest {
            batch.command(drop)?;
        }
        batch.command(&plan.create)?;
        if used_before {
            batch.command(&plan.clear)?;
        }
        Ok(batch.finish())
    })
    .await?;
    if copy_rows(link, &plan.copy, columns, plan.ordinal, source).await? == 0 {
        return Ok((0, 0, Vec::new()));
    }
    let merge = prepare(link, &plan.merge, &[]).await?;
    let count = match &plan.count {
        Some(sql) => Some(prepare(link, sql, &[]).await?),
        None => None,
    };
    let reply = request(link, |session| {
        let mut batch = session.batch()?;
        for statement in [Some(&merge), count.as_ref()].into_iter().flatten() {
            super::call::bind(&mut batch, statement, &[])?;
        }
        Ok(batch.finish())
    })
    .await?;
    written(&merge, count.as_ref(), reply)
}

/// What a merge, and the statement that counts its updates if there is one, did: rows written, rows updated among them,
/// and rows given back.
pub(super) fn written(
    merge: &Arc<Statement>,
    count: Option<&Arc<Statement>>,
    mut reply: Reply,
) -> Result<(u64, u64, Vec<Row>), Error> {
    let updated = match count {
        Some(statement) => {
            let counted = reply
                .results
                .pop()
                .map(|outcome| outcome.rows)
                .unwrap_or_default();
            let counted = rows(statement, counted);
            counted.first().map_or(Ok(0), |row| row.try_get::<i64>(0))?
        }
        None => 0,
    };
    let Some(merged) = reply.results.pop() else {
        return Err(Error::protocol("the server did not answer a merge"));
    };
    // A trigger may have kept rows from being updated that were counted before.
    let updated = u64::try_from(updated).unwrap_or(0).min(merged.tag.rows());
    Ok((merged.tag.rows(), updated, rows(merge, merged.rows)))
}

async fn copy_rows<'p, L: Link>(
    link: &mut L,
    sql: &str,
    columns: Vec<(String, Type)>,
    ordinal: bool,
    mut source: impl Iterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>> + Send,
) -> Result<u64, Error> {
    let mut encoder = RowEncoder::new(columns, ordinal);
    let mut begun = false;
    let mut fill = |out: &mut BytesMut| {
        let start = out.len();
        if !std::mem::replace(&mut begun, true) {
            out.extend_from_slice(binary::HEADER);
        }
        while out.len() - start < PIECE {
            let Some(row) = source.next() else {
                out.extend_from_slice(binary::TRAILER);
                return Ok(false);
            };
            encoder.encode(row.as_ref(), out)?;
        }
        Ok(true)
    };
    copy_in(link, sql, &mut fill).await
}

/// The target's columns, as the server knows them.
async fn describe<L: Link>(link: &mut L, target: &Target) -> Result<Arc<Statement>, Error> {
    let statement = prepare(link, &target.describe_sql(), &[]).await?;
    // Never executed, it would not be found stale when the table has changed.
    link.with_session(|session| session.forget(&statement));
    Ok(statement)
}

/// Names and types of a statement's columns.
pub(super) fn columns_of(statement: &Statement) -> Vec<(String, Type)> {
    let types = Types::of(statement).map_or(&[][..], |types| &types.columns);
    let columns = statement.columns().iter().zip(types);
    columns
        .map(|(column, ty)| (column.name.clone(), ty.clone()))
        .collect()
}

/// The types of a statement's columns, with their modifiers.
pub(super) fn types_of(statement: &Statement) -> Vec<ColumnType> {
    statement.columns().iter().map(ColumnType::from).collect()
}
