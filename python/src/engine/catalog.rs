//! The types of one database, shared by all connections to it.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::BytesMut;
use data_bridge_driver::Error;
use data_bridge_driver::session::{Execute, Lookup, Statement};
use data_bridge_driver::types::catalog::{Entry, LOOKUP_COLUMNS, LOOKUP_SQL, encode_oids};
use data_bridge_driver::types::{Format, IsNull, TypeCatalog, oid};
use data_bridge_driver::wire::RowBatch;
use pyo3::prelude::*;

use super::{Call, Completion, Engine, Job, Kind};
use crate::convert::Type;
use crate::errors;

/// What is known of a database's types.
#[derive(Debug, Default)]
pub struct Catalog(RwLock<TypeCatalog>);

impl Catalog {
    /// Whether the type and all that it is made of are known.
    pub fn knows(&self, oid: u32) -> bool {
        self.missing([oid]).is_empty()
    }

    /// The type of this number; one that is not known travels as text.
    pub fn resolve(&self, oid: u32) -> Type {
        Type::of(oid, &self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The type of arrays of this type, if there is one.
    pub fn array_of(&self, oid: u32) -> Option<u32> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .array_of(oid)
    }

    fn missing(&self, oids: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .missing(oids)
    }

    /// Takes the answer of a look-up.
    pub(super) fn learn(&self, rows: &RowBatch) -> Result<(), Error> {
        let mut catalog = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let mut columns = [None; LOOKUP_COLUMNS];
            for (column, value) in columns.iter_mut().zip(row.values()) {
                *column = value;
            }
            catalog.learn(Entry::from_row(columns)?);
        }
        Ok(())
    }

    fn give_up(&self, oids: &[u32]) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .give_up(oids);
    }
}

/// The types that a statement's codecs need.
pub(super) fn type_oids(statement: &Statement) -> impl Iterator<Item = u32> {
    let columns = statement.columns().iter().map(|column| column.type_oid);
    statement.parameters().iter().copied().chain(columns)
}

impl Engine {
    /// Asks the server, in one query, for the types that a statement needs; the call goes on when they are known.
    pub(super) fn look_up_types(
        &self,
        py: Python<'_>,
        call: Call,
        statement: Arc<Statement>,
        done: &mut Vec<Completion>,
    ) {
        let mut oids = BytesMut::new();
        let encoded = encode_oids(&self.catalog.missing(type_oids(&statement)), &mut oids);
        let execute = Execute {
            parameter_formats: &[Format::Binary],
            ..Execute::default()
        };
        let mut state = self.lock();
        let lookup = state.session.lookup(LOOKUP_SQL, &[oid::OID_ARRAY]);
        let sent = encoded.and_then(|()| {
            let mut batch = state.session.batch()?;
            let encode = |_, out: &mut BytesMut| {
                out.extend_from_slice(&oids);
                Ok(IsNull::No)
            };
            match &lookup {
                Lookup::Hit(lookup) => batch.execute(lookup, execute, encode)?,
                Lookup::Miss => {
                    batch.prepare(LOOKUP_SQL, &[oid::OID_ARRAY])?;
                    batch.execute_prepared(execute, encode)?;
                }
                // Another call's look-up is on its way: this one goes unnamed, to be in nobody's way.
                Lookup::Pending(_) => batch.execute_unnamed(
                    LOOKUP_SQL,
                    &[oid::OID_ARRAY],
                    LOOKUP_COLUMNS,
                    execute,
                    encode,
                )?,
            }
            batch.finish();
            Ok(())
        });
        match sent {
            Ok(()) => state.jobs.push_back(Job {
                waiting: vec![call],
                ..Job::new(Kind::Types(statement))
            }),
            Err(error) => {
                drop(state);
                done.push((call.reply, Err(errors::to_py(py, &error))));
            }
        }
    }

    /// The look-up is over: what it did not find travels as text, and the calls go on.
    pub(super) fn types_known(
        &self,
        py: Python<'_>,
        waiting: Vec<Call>,
        statement: &Arc<Statement>,
        done: &mut Vec<Completion>,
    ) {
        for call in waiting {
            if call.is_over() {
                done.push(call.complete(py));
                continue;
            }
            // A second look-up would answer the same; a chain longer than the first one saw is rare enough for text.
            self.catalog
                .give_up(&self.catalog.missing(type_oids(statement)));
            self.run(py, call, Arc::clone(statement), done);
        }
    }
}
