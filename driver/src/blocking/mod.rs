//! The front that waits: for synchronous programs, over `std::net`.
//!
//! ```no_run
//! use data_bridge_driver::blocking::Client;
//!
//! # fn main() -> Result<(), data_bridge_driver::Error> {
//! let mut client = Client::connect("postgresql://localhost/shop")?;
//! let mut tx = client.transaction()?;
//! tx.execute("UPDATE item SET price = price * 2 WHERE id = $1", &[&7_i32])?;
//! for row in tx.query("SELECT name, price FROM item WHERE price > $1", &[&10.0_f64])? {
//!     println!("{} costs {}", row.get::<&str>("name"), row.get::<f64>("price"));
//! }
//! tx.commit()?;
//! # Ok(())
//! # }
//! ```

mod link;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use crate::client::call::{self, Call};
use crate::client::few::{self, Source};
use crate::client::transaction;
use crate::client::{self, Link, bulk};
pub use crate::client::{Isolation, Params, Row, RowIndex, TransactionOptions, Upserted};
use crate::config::Config;
use crate::copy::{Insert, Target, Upsert};
use crate::dial::{self, Canceller, STATEMENT_CACHE};
use crate::error::Error;
use crate::session::Statement;
use crate::types::{ToSql, Type};
use link::Wire;

/// One connection.
///
/// All calls report the server's refusals as errors of kind `Server`; the connection stays usable after them. After
/// errors of kind `ConnectionLost`, `Protocol` and `Io` it is closed, and [`Client::is_closed`] says so.
#[derive(Debug)]
pub struct Client {
    link: Wire,
    timeout: Option<Duration>,
    commit_timeout: Duration,
}

/// A COMMIT may have to wait for deferred checks and for standby servers, but not for ever for a server that is gone.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(60);
/// Undoing takes no time: a server that does not answer to it is gone.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(10);

impl Client {
    /// Connects to the server that a URL or `key=value` text names.
    pub fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(&Config::from_url_or_dsn(url)?, STATEMENT_CACHE)
    }

    /// Connects as configured, and keeps up to `statement_cache` statements prepared; 0 suits poolers that share
    /// connections between transactions.
    pub fn connect_with(config: &Config, statement_cache: usize) -> Result<Self, Error> {
        let link = Wire::new(dial::connect(config, statement_cache)?)?;
        Ok(Self {
            link,
            timeout: None,
            commit_timeout: COMMIT_TIMEOUT,
        })
    }

    /// Limits how long each call may take; `None` for ever. A call that takes longer is cancelled on the server and fails
    /// with an error of kind `Timeout`; the connection stays usable if the server obeys within five seconds.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Limits how long a COMMIT may take where [`Client::set_timeout`] sets no limit; a minute by default. One that is not
    /// answered in time fails with an error of kind `CommitOutcomeUnknown`.
    pub fn set_commit_timeout(&mut self, timeout: Duration) {
        self.commit_timeout = timeout;
    }

    /// Runs a statement and gives its rows. The statement is prepared at its first use and kept.
    pub fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
        self.wait(async |link| call::run(link, Call::new(sql, params)).await)
            .map(call::Answer::rows)
    }

    /// As [`Client::query`], with the parameters' types: the first use takes one round trip instead of two.
    pub fn query_typed(
        &mut self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        let typed = Call::typed(sql, params);
        self.wait(async |link| call::run(link, typed.call()).await)
            .map(call::Answer::rows)
    }

    /// Runs a statement and gives the number of rows that it touched.
    pub fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64, Error> {
        self.wait(async |link| call::run(link, Call::new(sql, params)).await)
            .map(|answer| answer.reply.affected())
    }

    /// Runs a statement once for each row of parameters, all in one request: all take effect, or none. Gives the number of
    /// rows that they touched.
    pub fn execute_many<'p, I>(&mut self, sql: &str, rows: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>, IntoIter: Send>,
    {
        let rows = rows.into_iter();
        self.wait(async |link| call::execute_many(link, sql, rows).await)
    }

    /// Runs several statements in one request: all take effect, or none.
    pub fn batch(&mut self, calls: &[(&str, Params<'_>)]) -> Result<Vec<Vec<Row>>, Error> {
        self.wait(async |link| call::batch(link, calls).await)
    }

    /// Runs independent statements: all are sent before the first answer is waited for, and each fails alone.
    pub fn pipeline(&mut self, calls: &[(&str, Params<'_>)]) -> Vec<Result<Vec<Row>, Error>> {
        let results = self.wait(async |link| Ok(call::pipeline(link, calls).await));
        results.unwrap_or_else(|error| calls.iter().map(|_| Err(error.clone())).collect())
    }

    /// Prepares a statement ahead of its first use, and tells its types.
    pub fn prepare(&mut self, sql: &str) -> Result<Arc<Statement>, Error> {
        self.wait(async |link| call::prepare(link, sql, &[]).await)
    }

    /// Runs SQL text without parameters, several statements if need be, and gives no rows back.
    pub fn simple(&mut self, sql: &str) -> Result<(), Error> {
        self.wait(async |link| {
            transaction::send_preface(link).await?;
            client::request(link, |session| session.simple(sql))
                .await
                .map(|_| ())
        })
    }

    /// Begins a transaction, or within one a savepoint. BEGIN travels with the first statement.
    ///
    /// What is dropped without [`Transaction::commit`] is rolled back.
    pub fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        self.transaction_with(TransactionOptions::default())
    }

    /// As [`Client::transaction`]; the options are those of a transaction and do nothing for a savepoint.
    pub fn transaction_with(
        &mut self,
        options: TransactionOptions,
    ) -> Result<Transaction<'_>, Error> {
        let level = self.link.enter(options)?;
        Ok(Transaction {
            client: self,
            level,
            open: true,
        })
    }

    /// Runs `COPY ... FROM STDIN` with these bytes, in the format that the statement says. Gives the number of rows.
    pub fn copy_in<I>(&mut self, sql: &str, chunks: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[u8]>, IntoIter: Send>,
    {
        let mut fill = bulk::chunks(chunks.into_iter());
        self.wait(async |link| bulk::copy_in(link, sql, &mut fill).await)
    }

    /// Inserts rows: all of them, or none. Few travel in one statement, many by binary COPY. Gives their number.
    pub fn insert_many<'p, I>(&mut self, target: &Target, rows: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let source = Source::new(rows.into_iter());
        if let Some(rows) = source.few() {
            let insert = Insert::new(target.clone(), [])?;
            let answer = self.wait(async |link| few::insert(link, &insert, rows).await)?;
            if let Some((count, _)) = answer {
                return Ok(count);
            }
        }
        self.wait(async |link| bulk::insert_many(link, target, source.into_iter()).await)
    }

    /// Inserts rows and gives the columns back that `insert` names, in the rows' order.
    pub fn insert_returning<'p, I>(&mut self, insert: &Insert, rows: I) -> Result<Vec<Row>, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let source = Source::new(rows.into_iter());
        if let Some(rows) = source.few() {
            let answer = self.wait(async |link| few::insert(link, insert, rows).await)?;
            if let Some((_, rows)) = answer {
                return Ok(rows);
            }
        }
        self.atomic(async |link| bulk::insert_returning(link, insert, source.into_iter()).await)
    }

    /// Inserts rows, or updates those that are there; also gives back what `upsert` says it returns.
    pub fn upsert_many<'p, I>(
        &mut self,
        upsert: &Upsert,
        rows: I,
    ) -> Result<(Upserted, Vec<Row>), Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let source = Source::new(rows.into_iter());
        if let Some(rows) = source.few() {
            let answer = self.wait(async |link| few::upsert(link, upsert, rows).await)?;
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
        self.atomic(async |link| bulk::upsert_many(link, upsert, source.into_iter()).await)
    }

    /// Sends cancel requests for this connection, from another thread say.
    pub fn canceller(&self) -> Canceller {
        self.link.canceller()
    }

    /// A run-time parameter that the server reports, such as `server_version`.
    pub fn parameter(&mut self, name: &str) -> Option<String> {
        self.link
            .with_session(|session| session.parameter(name).map(str::to_owned))
    }

    /// Whether the connection is over.
    pub fn is_closed(&mut self) -> bool {
        self.link.with_session(|session| session.closed().is_some())
    }

    /// Says goodbye to the server. Dropping the client does the same.
    pub fn close(self) {}

    /// Runs a routine within the time that a call may take.
    fn wait<T>(
        &mut self,
        routine: impl AsyncFnOnce(&mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.link.start_call(self.timeout);
        client::run(routine(&mut self.link))
    }

    /// Runs a routine that ends something: not without a limit, if it is of our own.
    fn end<T>(
        &mut self,
        limit: Duration,
        routine: impl AsyncFnOnce(&mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.link.start_call(self.timeout.or(Some(limit)));
        client::run(routine(&mut self.link))
    }

    /// Runs a routine of several requests in the transaction that is there, or in one of its own.
    fn atomic<T>(
        &mut self,
        routine: impl AsyncFnOnce(&mut Wire) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.link.in_transaction() {
            return self.wait(routine);
        }
        let mut tx = self.transaction()?;
        let result = tx.wait(routine)?;
        tx.commit()?;
        Ok(result)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.link.terminate();
    }
}

/// A transaction, or a savepoint in one. It has all calls of [`Client`].
#[derive(Debug)]
pub struct Transaction<'c> {
    client: &'c mut Client,
    level: usize,
    open: bool,
}

impl Transaction<'_> {
    /// Makes what it did last: a transaction's effects for everybody, a savepoint's for the transaction around it.
    ///
    /// # Errors
    /// Of kind `TransactionRolledBack` if a statement had failed and nothing is in effect; of kind `CommitOutcomeUnknown`
    /// if the connection broke before the answer came.
    pub fn commit(mut self) -> Result<(), Error> {
        self.open = false;
        let level = self.level;
        let limit = self.client.commit_timeout;
        let result = self
            .client
            .end(limit, async |link| transaction::commit(link, level).await);
        self.client.link.leave(level);
        result
    }

    /// Undoes what it did.
    pub fn rollback(mut self) -> Result<(), Error> {
        self.undo()
    }

    fn undo(&mut self) -> Result<(), Error> {
        self.open = false;
        let level = self.level;
        let result = self.client.end(ROLLBACK_TIMEOUT, async |link| {
            transaction::rollback(link, level).await
        });
        self.client.link.leave(level);
        result
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open && self.undo().is_err() {
            // Nobody may meet a transaction that is neither done nor undone; the server undoes it at the end.
            self.client.link.terminate();
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Client {
        self.client
    }
}
