//! Bulk writes of few rows: one statement, whose parameters are the columns as arrays.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;

use super::bulk::{columns_of, types_of, written};
use super::call::prepare;
use super::row::Row;
use super::{Link, Upserted, request};
use crate::copy::{ColumnType, Insert, Target, Upsert, binary, unnest_parameters};
use crate::error::{Error, Kind, Outcome};
use crate::session::{Execute, Lookup, Statement};
use crate::types::builtin::BuiltIn;
use crate::types::{Format, ToSql, Type};
use crate::wire::frontend::EncodeError;

/// Up to this many rows travel in one statement. COPY and the staging table pay off above it: they take more round
/// trips, and less time for each row.
pub(crate) const FEW: usize = 1_000;

/// Rows from an iterator, of which the first [`FEW`] have been looked at.
pub(crate) struct Source<I: Iterator> {
    first: Vec<I::Item>,
    rest: Option<I>,
}

impl<I: Iterator> Source<I> {
    pub(crate) fn new(mut rows: I) -> Self {
        let first: Vec<_> = rows.by_ref().take(FEW).collect();
        let rest = (first.len() == FEW).then_some(rows);
        Self { first, rest }
    }

    /// The rows, if those are all.
    pub(crate) fn few(&self) -> Option<&[I::Item]> {
        self.rest.is_none().then_some(&self.first)
    }
}

impl<I: Iterator> IntoIterator for Source<I> {
    type Item = I::Item;
    type IntoIter =
        std::iter::Chain<std::vec::IntoIter<I::Item>, std::iter::Flatten<std::option::IntoIter<I>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first
            .into_iter()
            .chain(self.rest.into_iter().flatten())
    }
}

/// Inserts rows by one statement; `None` if a column has no array type that is known.
pub(crate) async fn insert<'p, L: Link>(
    link: &mut L,
    insert: &Insert,
    rows: &[impl AsRef<[&'p (dyn ToSql + Sync)]> + Sync],
) -> Result<Option<(u64, Vec<Row>)>, Error> {
    let sql = |_: &[ColumnType]| insert.unnest_sql();
    let answer = run(link, insert.target(), &sql, None, rows).await?;
    Ok(answer.map(|(count, _, rows)| (count, rows)))
}

/// Upserts rows by one statement; `None` if a column has no array type that is known.
pub(crate) async fn upsert<'p, L: Link>(
    link: &mut L,
    upsert: &Upsert,
    rows: &[impl AsRef<[&'p (dyn ToSql + Sync)]> + Sync],
) -> Result<Option<(Upserted, Vec<Row>)>, Error> {
    let sql = |types: &[ColumnType]| upsert.unnest_sql(types);
    let answer = run(link, upsert.target(), &sql, upsert.count_sql(), rows).await;
    let answer = answer.map_err(|error| upsert.explain(error))?;
    Ok(answer.map(|(written, updated, rows)| {
        let inserted = written.saturating_sub(updated);
        (Upserted { inserted, updated }, rows)
    }))
}

async fn run<'p, L: Link>(
    link: &mut L,
    target: &Target,
    sql: &(dyn Fn(&[ColumnType]) -> String + Sync),
    count: Option<&str>,
    rows: &[impl AsRef<[&'p (dyn ToSql + Sync)]> + Sync],
) -> Result<Option<(u64, u64, Vec<Row>)>, Error> {
    let describe = target.describe_sql();
    // A refusal would end a transaction that is open. Described anew within it, the table stays as it is until its end.
    let fresh = link.in_transaction();
    let described = describe_as(link, &describe, fresh).await?;
    let result = run_as(link, &described, sql, count, rows).await;
    match result {
        Err(error) if !fresh && may_be_outdated(&error) => {
            link.with_session(|session| session.forget(&described));
            let now = describe_as(link, &describe, false).await?;
            if !error.is_stale_statement() && columns_of(&now) == columns_of(&described) {
                return Err(error);
            }
            run_as(link, &now, sql, count, rows).await
        }
        result => result,
    }
}

/// Whether the table may have become another one since it was described: the server says so, or this side has refused
/// values that may suit what a column has become.
fn may_be_outdated(error: &Error) -> bool {
    error.is_stale_statement() || error.kind() == Kind::Data && error.outcome() == Outcome::NotSent
}

/// The description of the table: the one that is known, or `fresh` from the server.
async fn describe_as<L: Link>(
    link: &mut L,
    describe: &str,
    fresh: bool,
) -> Result<Arc<Statement>, Error> {
    if fresh && let Lookup::Hit(known) = link.with_session(|session| session.lookup(describe, &[]))
    {
        let reply = request(link, |session| session.prepare_anew(&known)).await?;
        if let Some(statement) = reply.statement {
            super::types::resolve(link, &statement).await?;
            return Ok(statement);
        }
    }
    prepare(link, describe, &[]).await
}

async fn run_as<'p, L: Link>(
    link: &mut L,
    described: &Statement,
    sql: &(dyn Fn(&[ColumnType]) -> String + Sync),
    count: Option<&str>,
    rows: &[impl AsRef<[&'p (dyn ToSql + Sync)]> + Sync],
) -> Result<Option<(u64, u64, Vec<Row>)>, Error> {
    let columns = &columns_of(described)[..];
    let oids: Vec<u32> = columns.iter().map(|(_, ty)| ty.oid()).collect();
    let array_of = |oid| {
        let array = BuiltIn::get(oid).map(|built_in| built_in.array);
        array.filter(|array| *array != 0)
    };
    let Some(declared) = unnest_parameters(&oids, array_of) else {
        return Ok(None);
    };
    check(columns, rows)?;
    if rows.is_empty() {
        return Ok(Some((0, 0, Vec::new())));
    }
    let merge = prepare(link, &sql(&types_of(described)), &declared).await?;
    let count = match count {
        Some(sql) => Some(prepare(link, sql, &[]).await?),
        None => None,
    };
    let reply = request(link, |session| {
        let mut batch = session.batch()?;
        // The server would cast what was encoded for the types that the columns had once, and lose digits silently.
        batch.check(described)?;
        let execute = Execute {
            parameter_formats: &vec![Format::Binary; columns.len()],
            ..Execute::default()
        };
        batch.execute(&merge, execute, |index, out| {
            array(columns, rows, index, out)
        })?;
        if let Some(count) = &count {
            super::call::bind(&mut batch, count, &[])?;
        }
        Ok(batch.finish())
    })
    .await
    .inspect_err(|error| {
        if error.is_stale_statement() {
            link.with_session(|session| {
                for statement in [Some(&merge), count.as_ref()].into_iter().flatten() {
                    session.forget(statement);
                }
            });
        }
    })?;
    written(&merge, count.as_ref(), reply).map(Some)
}

fn check<'p>(
    columns: &[(String, Type)],
    rows: &[impl AsRef<[&'p (dyn ToSql + Sync)]>],
) -> Result<(), Error> {
    for (index, row) in rows.iter().enumerate() {
        binary::check_length(row.as_ref().len(), columns.len(), index as u64)?;
    }
    Ok(())
}

/// Appends a column of the rows as an array of one dimension (PostgreSQL's `array_send`).
fn array<'p>(
    columns: &[(String, Type)],
    rows: &[impl AsRef<[&'p (dyn ToSql + Sync)]>],
    index: usize,
    out: &mut BytesMut,
) -> Result<IsNull, EncodeError> {
    let Some((name, ty)) = columns.get(index) else {
        return Ok(IsNull::Yes);
    };
    out.put_i32(1);
    // That there are NULLs is said always; the server takes it as "there may be".
    out.put_i32(1);
    out.put_u32(ty.oid());
    out.put_i32(i32::try_from(rows.len())?);
    out.put_i32(1);
    for (number, row) in rows.iter().enumerate() {
        if let Some(value) = row.as_ref().get(index) {
            binary::value(*value, (name, ty), number as u64, out)?;
        }
    }
    Ok(IsNull::No)
}
