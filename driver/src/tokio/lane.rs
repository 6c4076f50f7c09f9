//! Having a connection alone: for transactions, COPY, and whatever needs state between two statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::tokio::time::timeout;

use super::link::{Core, OBEY_TIMEOUT, Shared};
use crate::client::transaction;
use crate::error::Error;
use crate::session::Session;
use crate::wire::TransactionStatus;

/// The right to a connection. When it is dropped, the connection is cleaned before others may use it.
pub(super) struct Lane {
    shared: Arc<Shared>,
    /// Transactions and savepoints that are open.
    depth: AtomicUsize,
    /// Dropped when the connection is free again.
    kept: Option<Box<dyn Send + Sync>>,
}

impl Lane {
    /// Waits for the connection; `kept` is dropped when it is free again.
    pub(super) async fn acquire(
        shared: &Arc<Shared>,
        kept: Option<Box<dyn Send + Sync>>,
    ) -> Arc<Self> {
        // Those in flight go on; they are ahead of whatever is sent from now on.
        shared
            .wait(|core| !std::mem::replace(&mut core.exclusive, true))
            .await;
        Arc::new(Self {
            shared: Arc::clone(shared),
            depth: AtomicUsize::new(0),
            kept,
        })
    }

    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    pub(super) fn set_depth(&self, depth: usize) {
        self.depth.store(depth, Ordering::Relaxed);
    }

    /// Fails if the transaction that the owner believes to be in has ended.
    pub(super) fn check(&self, session: &Session) -> Result<(), Error> {
        match self.depth() {
            0 => Ok(()),
            _ => transaction::check_open(session),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let shared = Arc::clone(&self.shared);
        let kept = self.kept.take();
        let mut core = shared.lock();
        while core.session.pop_preface() {}
        if is_clean(&core) {
            free(&shared, &mut core);
            return;
        }
        drop(core);
        let runtime = shared.runtime().clone();
        runtime.spawn(async move {
            if timeout(OBEY_TIMEOUT * 2, clean(&shared)).await.is_err() {
                shared.fail(Error::timeout(
                    "an abandoned transaction could not be undone in time",
                ));
            }
            free(&shared, &mut shared.lock());
            drop(kept);
        });
    }
}

/// Waits for what is in flight, and undoes the transaction that is left open.
async fn clean(shared: &Arc<Shared>) {
    shared.wait(|core| core.in_flight() == 0).await;
    let undone = {
        let mut core = shared.lock();
        if is_clean(&core) {
            return;
        }
        shared.issue(&mut core, |session| {
            let mut batch = session.batch()?;
            batch.command("ROLLBACK")?;
            Ok((Some(batch.finish()), ()))
        })
    };
    if let Ok((Some((_, reply)), ())) = undone {
        // What counts is the state of the session afterwards.
        let _ = reply.await;
    }
    let mut core = shared.lock();
    if !is_clean(&core) {
        core.session
            .fail(Error::lost("an abandoned transaction could not be undone"));
    }
}

fn is_clean(core: &Core) -> bool {
    core.session.closed().is_some()
        || core.in_flight() == 0 && core.session.status() == TransactionStatus::Idle
}

fn free(shared: &Shared, core: &mut Core) {
    core.exclusive = false;
    shared.moved.notify_waiters();
}
