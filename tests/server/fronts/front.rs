//! The fronts under one trait, so that a behaviour is written once.

use std::future::Future;
use std::sync::Arc;

use data_bridge_driver::Error;
use data_bridge_driver::blocking;
use data_bridge_driver::client::{Params, Row, Upserted};
use data_bridge_driver::copy::{Insert, Target, Upsert};
use data_bridge_driver::tokio::{Client, Pool};
use data_bridge_driver::types::{ToSql, Type};
use tokio::runtime::Runtime;

type Result<T> = std::result::Result<T, Error>;
/// Rows of parameters.
pub type Many<'a> = &'a [Vec<&'a (dyn ToSql + Sync)>];

/// How a transaction of a test ends.
#[derive(Clone, Copy)]
pub enum End {
    Commit,
    Rollback,
    Drop,
}

pub trait Front {
    fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>>;
    fn query_typed(
        &mut self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>>;
    fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64>;
    fn execute_many(&mut self, sql: &str, rows: Many<'_>) -> Result<u64>;
    fn batch(&mut self, calls: &[(&str, Params<'_>)]) -> Result<Vec<Vec<Row>>>;
    fn pipeline(&mut self, calls: &[(&str, Params<'_>)]) -> Vec<Result<Vec<Row>>>;
    fn simple(&mut self, sql: &str) -> Result<()>;
    fn copy_in(&mut self, sql: &str, chunks: &[&str]) -> Result<u64>;
    fn insert_many(&mut self, target: &Target, rows: Many<'_>) -> Result<u64>;
    fn insert_returning(&mut self, insert: &Insert, rows: Many<'_>) -> Result<Vec<Row>>;
    fn upsert_many(&mut self, upsert: &Upsert, rows: Many<'_>) -> Result<(Upserted, Vec<Row>)>;
    fn transaction(
        &mut self,
        end: End,
        body: &mut dyn FnMut(&mut dyn Front) -> Result<()>,
    ) -> Result<()>;

    /// Runs SQL that must not fail.
    fn run(&mut self, sql: &str) {
        self.simple(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The only value of a query, as text.
    fn text(&mut self, sql: &str) -> String {
        let rows = self.query(&format!("SELECT ({sql})::text"), &[]).unwrap();
        rows[0]
            .get::<Option<String>>(0)
            .unwrap_or_else(|| "NULL".to_owned())
    }
}

impl Front for blocking::Client {
    fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        self.query(sql, params)
    }

    fn query_typed(
        &mut self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>> {
        self.query_typed(sql, params)
    }

    fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64> {
        self.execute(sql, params)
    }

    fn execute_many(&mut self, sql: &str, rows: Many<'_>) -> Result<u64> {
        self.execute_many(sql, rows)
    }

    fn batch(&mut self, calls: &[(&str, Params<'_>)]) -> Result<Vec<Vec<Row>>> {
        self.batch(calls)
    }

    fn pipeline(&mut self, calls: &[(&str, Params<'_>)]) -> Vec<Result<Vec<Row>>> {
        self.pipeline(calls)
    }

    fn simple(&mut self, sql: &str) -> Result<()> {
        self.simple(sql)
    }

    fn copy_in(&mut self, sql: &str, chunks: &[&str]) -> Result<u64> {
        self.copy_in(sql, chunks)
    }

    fn insert_many(&mut self, target: &Target, rows: Many<'_>) -> Result<u64> {
        self.insert_many(target, rows)
    }

    fn insert_returning(&mut self, insert: &Insert, rows: Many<'_>) -> Result<Vec<Row>> {
        self.insert_returning(insert, rows)
    }

    fn upsert_many(&mut self, upsert: &Upsert, rows: Many<'_>) -> Result<(Upserted, Vec<Row>)> {
        self.upsert_many(upsert, rows)
    }

    fn transaction(
        &mut self,
        end: End,
        body: &mut dyn FnMut(&mut dyn Front) -> Result<()>,
    ) -> Result<()> {
        let mut tx = self.transaction()?;
        body(&mut *tx)?;
        match end {
            End::Commit => tx.commit(),
            End::Rollback => tx.rollback(),
            End::Drop => Ok(()),
        }
    }
}

/// A front that awaits, and a runtime to await it on.
pub struct Async<F> {
    runtime: Arc<Runtime>,
    front: F,
}

impl<F> Async<F> {
    pub fn new(connect: impl Future<Output = Result<F>>) -> Self {
        let runtime = Arc::new(Runtime::new().unwrap());
        let front = runtime.block_on(connect).unwrap();
        Self { runtime, front }
    }
}

macro_rules! awaiting {
    ($front:ty) => {
        impl Front for Async<$front> {
            fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
                self.runtime.block_on(self.front.query(sql, params))
            }

            fn query_typed(
                &mut self,
                sql: &str,
                params: &[(&(dyn ToSql + Sync), Type)],
            ) -> Result<Vec<Row>> {
                self.runtime.block_on(self.front.query_typed(sql, params))
            }

            fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64> {
                self.runtime.block_on(self.front.execute(sql, params))
            }

            fn execute_many(&mut self, sql: &str, rows: Many<'_>) -> Result<u64> {
                self.runtime.block_on(self.front.execute_many(sql, rows))
            }

            fn batch(&mut self, calls: &[(&str, Params<'_>)]) -> Result<Vec<Vec<Row>>> {
                self.runtime.block_on(self.front.batch(calls))
            }

            fn pipeline(&mut self, calls: &[(&str, Params<'_>)]) -> Vec<Result<Vec<Row>>> {
                self.runtime.block_on(self.front.pipeline(calls))
            }

            fn simple(&mut self, sql: &str) -> Result<()> {
                self.runtime.block_on(self.front.simple(sql))
            }

            fn copy_in(&mut self, sql: &str, chunks: &[&str]) -> Result<u64> {
                self.runtime.block_on(self.front.copy_in(sql, chunks))
            }

            fn insert_many(&mut self, target: &Target, rows: Many<'_>) -> Result<u64> {
                self.runtime.block_on(self.front.insert_many(target, rows))
            }

            fn insert_returning(&mut self, insert: &Insert, rows: Many<'_>) -> Result<Vec<Row>> {
                self.runtime
                    .block_on(self.front.insert_returning(insert, rows))
            }

            fn upsert_many(
                &mut self,
                upsert: &Upsert,
                rows: Many<'_>,
            ) -> Result<(Upserted, Vec<Row>)> {
                self.runtime.block_on(self.front.upsert_many(upsert, rows))
            }

            fn transaction(
                &mut self,
                end: End,
                body: &mut dyn FnMut(&mut dyn Front) -> Result<()>,
            ) -> Result<()> {
                let runtime = Arc::clone(&self.runtime);
                let tx = runtime.block_on(self.front.transaction())?;
                let inner: Client = (*tx).clone();
                body(&mut Async {
                    runtime: Arc::clone(&runtime),
                    front: inner,
                })?;
                match end {
                    End::Commit => runtime.block_on(tx.commit()),
                    End::Rollback => runtime.block_on(tx.rollback()),
                    End::Drop => Ok(()),
                }
            }
        }
    };
}

awaiting!(Client);
awaiting!(Pool);
