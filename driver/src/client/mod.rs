//! What every Rust front does the same way: rows, parameters, and the routines of several steps.
//!
//! A routine (prepare and run a statement, heal a stale plan, commit, COPY, upsert) is written once, as an `async fn` over
//! a `Link`. The tokio front awaits it. The blocking front's link waits inside its calls, so that its futures are
//! ready at the first poll: `run` takes the answer out.

pub(crate) mod bulk;
pub(crate) mod call;
pub(crate) mod few;
mod reply;
mod row;
pub(crate) mod transaction;
mod types;

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;

pub use call::Params;
pub(crate) use reply::{Batches, Reply, Signal, request_of};
pub use row::{Row, RowIndex};
pub use transaction::{Isolation, TransactionOptions};

use crate::error::Error;
use crate::session::{RequestId, Session};
use crate::types::TypeCatalog;

/// How many rows an upsert wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Rows that were not there before.
    pub inserted: u64,
    /// Rows that were there and were updated.
    pub updated: u64,
}

/// A connection as a routine sees it.
pub(crate) trait Link: Send {
    /// A request whose answer has not been taken. Dropping it means that nobody wants the answer any more.
    type Pending: Send;

    /// Runs `issue` with the session, which encodes one request; its bytes are sent without being waited for.
    ///
    /// `issue` may issue nothing; then there is nothing to finish.
    fn send<T: Send>(
        &mut self,
        issue: impl FnOnce(&mut Session) -> Result<(Option<RequestId>, T), Error> + Send,
    ) -> impl Future<Output = Result<(Option<Self::Pending>, T), Error>> + Send;

    /// Waits for the end of a request. The errors of the server are in the reply.
    fn finish(
        &mut self,
        pending: Self::Pending,
    ) -> impl Future<Output = Result<Reply, Error>> + Send;

    /// Waits until the server takes COPY data; `false` if the request has ended instead.
    fn copy_ready(
        &mut self,
        pending: &mut Self::Pending,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Calls `fill` for piece after piece of COPY data, as fast as the server takes them, until it says that there is no
    /// more. `fill` appends to a buffer that it must not read or shorten.
    fn feed(
        &mut self,
        fill: &mut (dyn FnMut(&mut BytesMut) -> Result<bool, Error> + Send),
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Refuses a statement that may not run on its own here.
    fn check(&self, _sql: &str) -> Result<(), Error> {
        Ok(())
    }

    /// Reads or changes something of the session between requests.
    fn with_session<T>(&mut self, look: impl FnOnce(&mut Session) -> T) -> T;

    /// The types of the database that the connection leads to.
    fn catalog(&self) -> &Mutex<TypeCatalog>;

    /// Whether the connection is in a transaction, or has one to begin.
    fn in_transaction(&mut self) -> bool;
}

/// Sends one request and waits for its end; an error of the server is an error.
pub(crate) async fn request<L: Link>(
    link: &mut L,
    issue: impl FnOnce(&mut Session) -> Result<RequestId, Error> + Send,
) -> Result<Reply, Error> {
    let (pending, ()) = link.send(|session| Ok((Some(issue(session)?), ()))).await?;
    match pending {
        Some(pending) => link.finish(pending).await?.into_result(),
        None => Ok(Reply::default()),
    }
}

/// The result of a routine whose link waits inside its calls.
pub(crate) fn run<T>(routine: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let mut routine = pin!(routine);
    match routine
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::interface(
            "a blocking call would have had to be awaited",
        )),
    }
}
