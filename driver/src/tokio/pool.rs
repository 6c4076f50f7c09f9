//! A pool that multiplexes.
//!
//! Statements that stand alone share connections and are pipelined; transactions and COPY have one to themselves. The
//! rules are those of [`crate::pool`]; here are the connections, the waiting callers and the time limits.

mod lease;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::tokio::sync::oneshot;
use ::tokio::time::timeout;

use super::{Client, Params, Row, Transaction, TransactionOptions, Upserted};
use crate::config::Config;
use crate::copy::{Insert, Target, Upsert};
use crate::dial::STATEMENT_CACHE;
use crate::error::{Error, Kind, Outcome};
use crate::pool::{self, Counts, Grant, SlotId, Ticket, Turn, Want};
use crate::types::{ToSql, Type, TypeCatalog};
use lease::{Lease, Waiting};

/// How a pool behaves.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// Connections to open at once, and to keep.
    pub min: usize,
    /// Connections at most.
    pub max: usize,
    /// Statements in flight on one connection at most.
    pub depth: usize,
    /// How long a call may wait for a connection.
    pub acquire_timeout: Duration,
    /// Statements that each connection keeps prepared.
    pub statement_cache: usize,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            min: 1,
            max: 10,
            depth: 100,
            acquire_timeout: Duration::from_secs(30),
            statement_cache: STATEMENT_CACHE,
        }
    }
}

/// Connections for any number of tasks. Clones are the same pool.
///
/// ```no_run
/// use data_bridge_driver::tokio::{Pool, PoolOptions};
///
/// # async fn example() -> Result<(), data_bridge_driver::Error> {
/// let pool = Pool::connect("postgresql://localhost/shop", PoolOptions::default()).await?;
/// let rows = pool.query("SELECT name FROM item WHERE id = $1", &[&7_i32]).await?;
/// println!("{}", rows[0].get::<&str>("name"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    options: PoolOptions,
    catalog: Arc<Mutex<TypeCatalog>>,
    state: Mutex<State>,
}

struct State {
    rules: pool::Pool,
    clients: HashMap<SlotId, Client>,
    waiting: HashMap<Ticket, (Want, oneshot::Sender<Result<SlotId, Error>>)>,
    /// Why the last attempt to connect failed.
    failure: Option<Error>,
    closed: bool,
}

impl Pool {
    /// Opens [`PoolOptions::min`] connections (at least one, so that a wrong address is known at once).
    pub async fn connect(url: &str, options: PoolOptions) -> Result<Self, Error> {
        Self::connect_with(Config::from_url_or_dsn(url)?, options).await
    }

    /// As [`Pool::connect`], as configured.
    pub async fn connect_with(config: Config, options: PoolOptions) -> Result<Self, Error> {
        let pool = Self(Arc::new(Inner {
            config: Arc::new(config),
            options,
            catalog: Arc::default(),
            state: Mutex::new(State {
                rules: pool::Pool::new(options.max, options.depth),
                clients: HashMap::new(),
                waiting: HashMap::new(),
                failure: None,
                closed: false,
            }),
        }));
        let warming = {
            let mut state = pool.0.lock();
            std::iter::from_fn(|| state.rules.wants_warming(options.min.max(1))).collect::<Vec<_>>()
        };
        for slot in warming {
            Arc::clone(&pool.0).open(slot).await?;
        }
        Ok(pool)
    }

    /// See [`Client::query`].
    pub async fn query(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, Error> {
        self.shared().await?.query(sql, params).await
    }

    /// See [`Client::query_typed`].
    pub async fn query_typed(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
        self.shared().await?.query_typed(sql, params).await
    }

    /// See [`Client::execute`].
    pub async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64, Error> {
        self.shared().await?.execute(sql, params).await
    }

    /// See [`Client::execute_many`].
    pub async fn execute_many<'p, I>(&self, sql: &str, rows: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]>, IntoIter: Send>,
    {
        let rows = rows.into_iter();
        self.shared().await?.execute_many(sql, rows).await
    }

    /// See [`Client::batch`].
    pub async fn batch(&self, calls: &[(&str, Params<'_>)]) -> Result<Vec<Vec<Row>>, Error> {
        self.shared().await?.batch(calls).await
    }

    /// See [`Client::pipeline`]; all of them run on one connection.
    pub async fn pipeline(&self, calls: &[(&str, Params<'_>)]) -> Vec<Result<Vec<Row>, Error>> {
        match self.shared().await {
            Ok(client) => client.pipeline(calls).await,
            Err(error) => calls.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// See [`Client::simple`].
    pub async fn simple(&self, sql: &str) -> Result<(), Error> {
        self.connection().await?.simple(sql).await
    }

    /// See [`Client::copy_in`].
    pub async fn copy_in<I>(&self, sql: &str, chunks: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[u8]>, IntoIter: Send>,
    {
        let chunks = chunks.into_iter();
        self.connection().await?.copy_in(sql, chunks).await
    }

    /// See [`Client::insert_many`].
    pub async fn insert_many<'p, I>(&self, target: &Target, rows: I) -> Result<u64, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let rows = rows.into_iter();
        self.connection().await?.insert_many(target, rows).await
    }

    /// See [`Client::insert_returning`].
    pub async fn insert_returning<'p, I>(&self, insert: &Insert, rows: I) -> Result<Vec<Row>, Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let rows = rows.into_iter();
        self.connection()
            .await?
            .insert_returning(insert, rows)
            .await
    }

    /// See [`Client::upsert_many`].
    pub async fn upsert_many<'p, I>(
        &self,
        upsert: &Upsert,
        rows: I,
    ) -> Result<(Upserted, Vec<Row>), Error>
    where
        I: IntoIterator<Item: AsRef<[&'p (dyn ToSql + Sync)]> + Send + Sync, IntoIter: Send>,
    {
        let rows = rows.into_iter();
        self.connection().await?.upsert_many(upsert, rows).await
    }

    /// A transaction on a connection of its own.
    pub async fn transaction(&self) -> Result<Transaction, Error> {
        self.transaction_with(TransactionOptions::default()).await
    }

    /// A transaction with options, on a connection of its own.
    pub async fn transaction_with(
        &self,
        options: TransactionOptions,
    ) -> Result<Transaction, Error> {
        Transaction::open(self.connection().await?, options)
    }

    /// A connection for the caller alone, until the client and its clones are dropped. A transaction that is left open
    /// is undone then; other state of the session, such as settings, is the caller's to put back.
    pub async fn connection(&self) -> Result<Client, Error> {
        let lease = self.acquire(Want::Exclusive).await?;
        let client = lease.client.clone();
        Ok(client.alone(Some(Box::new(lease))).await)
    }

    /// How many connections and waiting callers there are.
    pub fn counts(&self) -> Counts {
        self.0.lock().rules.counts()
    }

    /// Refuses new calls and dismisses those that wait; connections are closed when the calls on them are over.
    pub fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        for ticket in state.rules.dismiss() {
            if let Some((_, sender)) = state.waiting.remove(&ticket) {
                let _ = sender.send(Err(closed()));
            }
        }
        for slot in std::mem::take(&mut state.clients).into_keys() {
            state.rules.removed(slot);
        }
    }

    async fn shared(&self) -> Result<Lease, Error> {
        self.acquire(Want::Shared).await
    }

    /// Waits for a connection that is open.
    async fn acquire(&self, want: Want) -> Result<Lease, Error> {
        let limit = self.0.options.acquire_timeout;
        if let Ok(result) = timeout(limit, self.0.acquire(want)).await {
            return result;
        }
        let state = self.0.lock();
        let Counts {
            shared,
            exclusive,
            opening,
            waiting,
            ..
        } = state.rules.counts();
        let error = Error::pool_timeout(format!(
            "no connection became free in {:.1} seconds: {exclusive} are in use by one caller each, {shared} are shared, \
             {opening} are being opened, {waiting} callers wait",
            limit.as_secs_f64()
        ));
        Err(match &state.failure {
            Some(failure) => error.with_source(failure.clone()),
            None => error,
        })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn acquire(self: &Arc<Self>, want: Want) -> Result<Lease, Error> {
        loop {
            let turn = self.request(want)?;
            let slot = match turn {
                Ok(slot) => slot,
                Err(waiting) => waiting.turn().await?,
            };
            // Gives the slot back if the connection has been lost meanwhile.
            let lease = self.lend(slot, want);
            if let Some(lease) = lease {
                return Ok(lease);
            }
        }
    }

    fn request(self: &Arc<Self>, want: Want) -> Result<Result<SlotId, Waiting>, Error> {
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        let turn = match state.rules.request(want) {
            Turn::Now(slot) => Ok(slot),
            Turn::Wait(ticket) => {
                let (sender, receiver) = oneshot::channel();
                state.waiting.insert(ticket, (want, sender));
                Err(Waiting {
                    pool: Arc::clone(self),
                    want,
                    ticket: Some(ticket),
                    receiver,
                })
            }
        };
        while let Some(slot) = state.rules.wants_opening() {
            let pool = Arc::clone(self);
            ::tokio::spawn(async move { pool.open(slot).await });
        }
        Ok(turn)
    }

    /// Opens the connection of a slot.
    async fn open(self: Arc<Self>, slot: SlotId) -> Result<(), Error> {
        let config = Arc::clone(&self.config);
        let catalog = Arc::clone(&self.catalog);
        let result = Client::open(config, self.options.statement_cache, catalog).await;
        let mut state = self.lock();
        match result {
            Ok(client) if !state.closed => {
                state.failure = None;
                state.clients.insert(slot, client);
                let grants = state.rules.opened(slot);
                Self::grant(&mut state, grants);
                Ok(())
            }
            Ok(_) => {
                state.rules.removed(slot);
                Err(closed())
            }
            Err(error) => {
                state.rules.removed(slot);
                state.failure = Some(error.clone());
                // Without any connection nobody's turn would come; each new call tries to connect again.
                if state.clients.is_empty() {
                    for ticket in state.rules.dismiss() {
                        if let Some((_, sender)) = state.waiting.remove(&ticket) {
                            let _ = sender.send(Err(error.clone().with_outcome(Outcome::NotSent)));
                        }
                    }
                }
                Err(error)
            }
        }
    }

    fn grant(state: &mut State, grants: Vec<Grant>) {
        let mut grants = std::collections::VecDeque::from(grants);
        while let Some(Grant { ticket, slot }) = grants.pop_front() {
            if let Some((want, sender)) = state.waiting.remove(&ticket)
                && sender.send(Ok(slot)).is_err()
            {
                // The caller has gone in this very moment.
                grants.extend(state.rules.returned(slot, want));
            }
        }
    }

    fn lend(self: &Arc<Self>, slot: SlotId, want: Want) -> Option<Lease> {
        let mut state = self.lock();
        let client = state.clients.get(&slot)?.clone();
        if client.is_closed() {
            state.clients.remove(&slot);
            state.rules.removed(slot);
            return None;
        }
        Some(Lease {
            pool: Arc::clone(self),
            slot,
            want,
            client,
        })
    }

    /// A caller that wanted `want` of a connection is done with it.
    fn give_back(self: &Arc<Self>, slot: SlotId, want: Want, is_closed: bool) {
        let mut state = self.lock();
        if is_closed || !state.clients.contains_key(&slot) {
            state.clients.remove(&slot);
            state.rules.removed(slot);
            // Its place may be taken by another connection for those who wait.
            while let Some(slot) = state.rules.wants_opening() {
                let pool = Arc::clone(self);
                ::tokio::spawn(async move { pool.open(slot).await });
            }
            return;
        }
        let grants = state.rules.returned(slot, want);
        Self::grant(&mut state, grants);
    }
}

fn closed() -> Error {
    Error::new(Kind::PoolClosed, "the pool is closed")
}
