//! The front for programs on a tokio runtime.
//!
//! A [`Client`] is one connection that any number of tasks use at once: their statements are pipelined without being
//! asked. A [`Pool`] spreads them over several connections.
//!
//! Dropping a call's future, as `tokio::time::timeout` does, gives the call up: its statement is cancelled on the server
//! unless statements of others are behind it, and the connection stays clean.
//!
//! ```no_run
//! use data_bridge_driver::tokio::Client;
//!
//! # async fn example() -> Result<(), data_bridge_driver::Error> {
//! let client = Client::connect("postgresql://localhost/shop").await?;
//! let (items, people) = tokio::try_join!(
//!     client.query("SELECT name FROM item WHERE price > $1", &[&10.0_f64]),
//!     client.query("SELECT name FROM person", &[]),
//! )?;
//! println!("{} items, {} people", items.len(), people.len());
//! let tx = client.transaction().await?;
//! tx.execute("DELETE FROM item WHERE price > $1", &[&10.0_f64]).await?;
//! tx.commit().await?;
//! # Ok(())
//! # }
//! ```

mod lane;
mod link;
mod pool;
mod transaction;

use std::fmt;
use std::sync::{Arc, Mutex};

use ::tokio::sync::oneshot;
use ::tokio::task::spawn_blocking;
use bytes::BytesMut;

use crate::client::call::{self, Call};
use crate::client::few::{self, Source};
use crate::client::transaction::send_preface;
use crate::client::{self, Link, Reply, bulk};
pub use crate::client::{Isolation, Params, Row, RowIndex, TransactionOptions, Upserted};
use crate::config::Config;
use crate::copy::{Insert, Target, Upsert};
use crate::dial::{self, Canceller, STATEMENT_CACHE};
use crate::error::Error;
use crate::session::{RequestId, Session, Statement};
use crate::sql;
use crate::types::{ToSql, Type, TypeCatalog};
use crate::wire::TransactionStatus;
use lane::Lane;
use link::Shared;
pub use pool::{Pool, PoolOptions};
pub use transaction::Transaction;

/// One connection, shared by whoever has a clone. It is closed when the last clone is gone.
///
/// All calls report the server's refusals as errors of kind `Server`; the connection stays usable after them. After
/// errors of kind `ConnectionLost`, `Protocol` and `Io` it is closed, and [`Client::is_closed`] says so.
#[derive(Clone)]
pub struct Client {
    /// Before `handle`: a connection is clean before it is closed.
    lane: Option<Arc<Lane>>,
    handle: Arc<Connection>,
}

struct Connection(Arc<Shared>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

impl Client {
    /// Connects to the server that a URL or `key=value` text names. Must be called on a tokio runtime, as everything here.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(Config::from_url_or_dsn(url)?, STATEMENT_CACHE).await
    }

    /// Connects as configured, and keeps up to `statement_cache` statements prepared; 0 suits poolers that share
    /// connections between transactions.
    pub async fn connect_with(config: Config, statement_cache: usize) -> Result<Self, Error> {
        Self::open(Arc::new(config), statement_cache, Arc::default()).await
    }

    async fn open(
        config: Arc<Config>,
        statement_cache: usize,
        catalog: Arc<Mutex<TypeCatalog>>,
    ) -> Result<Self, Error> {
        let connected = spawn_blocking(move || dial::connect(&config, statement_cache))
            .await
            .map_err(|error| Error::connect("connecting was interrupted").with_source(error))??;
        let shared = Shared::start(connected, catalog)?;
        Ok(Self {
            lane: None,
            handle: Arc::new(Connection(shared)),
        })
    }

    /// Runs a statement and gives its rows. The statement is prepared at its first use and kept.
    pub async fn query(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
        call::run(&mut &*self, Call::new(sql, params))
            .await
            .map(call::Answer::rows)
    }

    /// As [`Client::query`], with the parameters' types: the first use takes one round trip instead of two.
    pub async fn query_typed(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        let typed = Call::typed(sql, params);
        call::run(&mut &*self, typed.call())
            .await
            .map(call::Answer::rows)
    }

    /// Runs a statement and gives the number of rows that it touched.
    pub async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64, Error> {
        call::run(&mut &*self, Call::new(sql, params))
            .await
            .map(|answer| answer.reply.affected())
    }

    /// Runs a statement once for each row of parameters, all in one request: all take effect, or none. Gives the number of
    /// rows that they touched.
    pub async fn execute_many<'p, I>(&self, sql: &str, rows: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>, IntoIter: Send>,
    {
        call::execute_many(&mut &*self, sql, rows.into_iter()).await
    }

    /// Runs several statements in one request: all take effect, or none.
    pub async fn batch(&self, calls: &[(&str, Params<'_>)]) -> Result<Vec<Vec<Row>>, Error> {
        call::batch(&mut &*self, calls).await
    }

    /// Runs independent statements: all are sent before the first answer is waited for, and each fails alone.
    pub async fn pipeline(&self, calls: &[(&str, Params<'_>)]) -> Vec<Result<Vec<Row>, Error>> {
        call::pipeline(&mut &*self, calls).await
    }

    /// Prepares a statement ahead of its first use, and tells its types.
    pub async fn prepare(&self, sql: &str) -> Result<Arc<Statement>, Error> {
        call::prepare(&mut &*self, sql, &[]).await
    }

    /// Runs SQL text without parameters, several statements if need be, and gives no rows back.
    ///
    /// As with all calls, a transaction that is opened here and not ended is refused, since what others run on the
    /// connection would become part of it; [`Client::transaction`] and [`Pool::connection`] are for that.
    pub async fn simple(&self, sql: &str) -> Result<(), Error> {
        if self.lane.is_none() && sql::leaves_transaction_open(sql) {
            return Err(transaction_on_shared());
        }
        send_preface(&mut &*self).await?;
        client::request(&mut &*self, |session| session.simple(sql))
            .await
            .map(|_| ())
    }

    /// Begins a transaction once nobody else has one on this connection; other callers wait meanwhile. BEGIN travels with
    /// the first statement.
    ///
    /// What is dropped without [`Transaction::commit`] is rolled back.
    pub async fn transaction(&self) -> Result<Transaction, Error> {
        self.transaction_with(TransactionOptions::default()).await
    }

    /// As [`Client::transaction`]; the options are those of a transaction and do nothing for a savepoint.
    pub async fn transaction_with(
        &self,
        options: TransactionOptions,
    ) -> Result<Transaction, Error> {
        Transaction::open(self.alone(None).await, options)
    }

    /// Runs `COPY ... FROM STDIN` with these bytes, in the format that the statement says. Gives the number of rows.
    pub async fn copy_in<I>(&self, sql: &str, chunks: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[u8]>, IntoIter: Send>,
    {
        let mut fill = bulk::chunks(chunks.into_iter());
        let client = self.alone(None).await;
        bulk::copy_in(&mut &client, sql, &mut fill).await
    }

    /// Inserts rows: all of them, or none. Few travel in one statement, many by binary COPY. Gives their number.
    pub async fn insert_many<'p, I>(&self, target: &Target, rows: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let source = Source::new(rows.into_iter());
        if let Some(rows) = source.few() {
            let insert = Insert::new(target.clone(), [])?;
            if let Some((count, _)) = few::insert(&mut &*self, &insert, rows).await? {
                return Ok(count);
            }
        }
        let client = self.alone(None).await;
        bulk::insert_many(&mut &client, target, source.into_iter()).await
    }

    /// Inserts rows and gives the columns back that `insert` names, in the rows' order.
    pub async fn insert_returning<'p, I>(&self, insert: &Insert, rows: I) -> Result<Vec<Row>, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let source = Source::new(rows.into_iter());
        if let Some(rows) = source.few()
            && let Some((_, rows)) = few::insert(&mut &*self, insert, rows).await?
        {
            return Ok(rows);
        }
        if self.depth() > 0 {
            return bulk::insert_returning(&mut &*self, insert, source.into_iter()).await;
        }
        let tx = self.transaction().await?;
        let result = bulk::insert_returning(&mut &*tx, insert, source.into_iter()).await?;
        tx.commit().await?;
        Ok(result)
    }

    /// Inserts rows, or updates those that are there; also gives back what `upsert` says it returns.
    pub async fn upsert_many<'p, I>(
        &self,
        upsert: &Upsert,
        rows: I,
    ) -> Result<(Upserted, Vec<Row>), Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let source = Source::new(rows.into_iter());
        if let Some(rows) = source.few()
            && let Some(answer) = few::upsert(&mut &*self, upsert, rows).await?
        {
            return Ok(answer);
        }
        if self.depth() > 0 {
            return bulk::upsert_many(&mut &*self, upsert, source.into_iter()).await;
        }
        let tx = self.transaction().await?;
        let result = bulk::upsert_many(&mut &*tx, upsert, source.into_iter()).await?;
        tx.commit().await?;
        Ok(result)
    }

    /// Sends cancel requests for this connection.
    pub fn canceller(&self) -> Canceller {
        self.shared().canceller().clone()
    }

    /// A run-time parameter that the server reports, such as `server_version`.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.shared()
            .lock()
            .session
            .parameter(name)
            .map(str::to_owned)
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.shared().lock().session.closed().is_some()
    }

    /// Closes the connection for all clones. Calls in flight fail.
    pub fn close(self) {
        self.shared().terminate();
    }

    /// This connection without other callers; `kept` is dropped when they may come back.
    async fn alone(&self, kept: Option<Box<dyn Send + Sync>>) -> Self {
        if self.lane.is_some() {
            return self.clone();
        }
        Self {
            lane: Some(Lane::acquire(self.shared(), kept).await),
            handle: Arc::clone(&self.handle),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.0
    }

    /// Transactions and savepoints that are open.
    fn depth(&self) -> usize {
        self.lane.as_ref().map_or(0, |lane| lane.depth())
    }

    fn set_depth(&self, depth: usize) {
        if let Some(lane) = &self.lane {
            lane.set_depth(depth);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// A request whose reply has not come; dropping it gives the request up.
pub(super) struct Pending {
    shared: Arc<Shared>,
    id: RequestId,
    reply: oneshot::Receiver<Reply>,
    taken: bool,
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.taken {
            self.shared.abandon(self.id);
        }
    }
}

impl Link for &Client {
    type Pending = Pending;

    async fn send<T: Send>(
        &mut self,
        issue: impl FnOnce(&mut Session) -> Result<(Option<RequestId>, T), Error> + Send,
    ) -> Result<(Option<Pending>, T), Error> {
        let shared = self.shared();
        let mut issue = Some(issue);
        loop {
            // The block keeps the lock out of the waiting.
            {
                let mut core = shared.lock();
                if (self.lane.is_some() || !core.exclusive)
                    && let Some(issue) = issue.take()
                {
                    if let Some(lane) = &self.lane {
                        lane.check(&core.session)?;
                    }
                    let (pending, value) = shared.issue(&mut core, issue)?;
                    let pending = pending.map(|(id, reply)| Pending {
                        shared: Arc::clone(shared),
                        id,
                        reply,
                        taken: false,
                    });
                    return Ok((pending, value));
                }
            }
            // Boxed, since it is rare and every call's future would carry it.
            Box::pin(shared.wait(|core| !core.exclusive)).await;
        }
    }

    async fn finish(&mut self, mut pending: Pending) -> Result<Reply, Error> {
        let reply = (&mut pending.reply).await;
        pending.taken = true;
        reply.map_err(|_| Error::lost("the connection's task has ended"))
    }

    async fn copy_ready(&mut self, pending: &mut Pending) -> Result<bool, Error> {
        let id = pending.id;
        let shared = self.shared();
        shared
            .wait(|core| match core.slot(id) {
                None => true,
                Some(_) => core.session.current_request() == Some(id) && core.session.is_copying(),
            })
            .await;
        Ok(shared.lock().slot(id).is_some())
    }

    async fn feed(
        &mut self,
        fill: &mut (dyn FnMut(&mut BytesMut) -> Result<bool, Error> + Send),
    ) -> Result<(), Error> {
        self.shared().feed(fill).await
    }

    fn check(&self, sql: &str) -> Result<(), Error> {
        if self.lane.is_none() && sql::begins_transaction(sql) {
            return Err(transaction_on_shared());
        }
        Ok(())
    }

    fn with_session<T>(&mut self, look: impl FnOnce(&mut Session) -> T) -> T {
        let shared = self.shared();
        let mut core = shared.lock();
        let value = look(&mut core.session);
        shared.send_out(&mut core);
        value
    }

    fn catalog(&self) -> &Mutex<TypeCatalog> {
        &self.shared().catalog
    }

    fn in_transaction(&mut self) -> bool {
        self.depth() > 0 || self.shared().lock().session.status() != TransactionStatus::Idle
    }
}

fn transaction_on_shared() -> Error {
    Error::interface(
        "a transaction needs the connection alone: use transaction(), or Pool::connection() to write BEGIN by hand",
    )
}
