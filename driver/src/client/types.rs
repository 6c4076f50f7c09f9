//! The types of a statement's parameters and columns, resolved once per statement.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use postgres_protocol::IsNull;

use super::{Batches, Link};
use crate::error::Error;
use crate::session::{Execute, Lookup, Statement};
use crate::types::catalog::{Entry, LOOKUP_COLUMNS, LOOKUP_SQL, encode_oids};
use crate::types::{Format, Type, TypeCatalog, oid};

/// What a front keeps with a statement.
#[derive(Debug)]
pub(super) struct Types {
    pub(super) parameters: Box<[Type]>,
    pub(super) columns: Box<[Type]>,
}

impl Types {
    /// The types of a statement, once [`resolve`] has found them.
    #[inline]
    pub(super) fn of(statement: &Statement) -> Option<&Self> {
        statement.resolved_layout()
    }
}

/// Finds the types of a statement; asks the server about those that are neither built in nor known.
pub(super) async fn resolve<L: Link>(
    link: &mut L,
    statement: &Arc<Statement>,
) -> Result<(), Error> {
    if Types::of(statement).is_some() {
        return Ok(());
    }
    let oids = || {
        let columns = statement.columns().iter().map(|column| column.type_oid);
        statement.parameters().iter().copied().chain(columns)
    };
    // Twice: what the first answer leads to may be unknown in turn.
    for _ in 0..2 {
        let missing = lock(link.catalog()).missing(oids());
        if missing.is_empty() {
            break;
        }
        let rows = look_up(link, &missing).await?;
        let mut catalog = lock(link.catalog());
        for row in rows.iter().flatten() {
            let mut values = row.values();
            let columns: [_; LOOKUP_COLUMNS] = std::array::from_fn(|_| values.next().flatten());
            catalog.learn(Entry::from_row(columns)?);
        }
        catalog.give_up(&missing);
    }
    let catalog = lock(link.catalog());
    statement.layout(|| Types {
        parameters: (statement
            .parameters()
            .iter()
            .map(|oid| catalog.rust_type(*oid)))
        .collect(),
        columns: (statement
            .columns()
            .iter()
            .map(|column| catalog.rust_type(column.type_oid)))
        .collect(),
    });
    Ok(())
}

async fn look_up<L: Link>(link: &mut L, missing: &[u32]) -> Result<Batches, Error> {
    let execute = Execute {
        parameter_formats: &[Format::Binary],
        ..Execute::default()
    };
    let declared = &[oid::OID_ARRAY];
    loop {
        let (pending, sent) = link
            .send(|session| {
                let found = session.lookup(LOOKUP_SQL, declared);
                let mut batch = session.batch()?;
                let encode = |_, out: &mut BytesMut| {
                    encode_oids(missing, out)?;
                    Ok(IsNull::No)
                };
                let sent = match found {
                    Lookup::Hit(statement) => {
                        batch.execute(&statement, execute, encode).map(|()| true)?
                    }
                    Lookup::Miss => {
                        batch.prepare(LOOKUP_SQL, declared)?;
                        batch.execute_prepared(execute, encode).map(|()| true)?
                    }
                    // Behind the request that prepares it, an empty one ends when it is there.
                    Lookup::Pending(_) => false,
                };
                Ok((Some(batch.finish()), sent))
            })
            .await?;
        let Some(pending) = pending else { continue };
        let reply = link.finish(pending).await?.into_result()?;
        if sent {
            let last = reply.results.into_iter().next_back();
            return Ok(last.map(|outcome| outcome.rows).unwrap_or_default());
        }
    }
}

pub(super) fn lock(catalog: &Mutex<TypeCatalog>) -> MutexGuard<'_, TypeCatalog> {
    catalog.lock().unwrap_or_else(PoisonError::into_inner)
}
