//! A caller in the line, and one that has got its connection.

use std::ops::Deref;
use std::sync::Arc;

use ::tokio::sync::oneshot;

use super::{Inner, closed};
use crate::error::Error;
use crate::pool::{SlotId, Ticket, Want};
use crate::tokio::Client;

/// A caller in the line; it leaves the line when it is dropped.
pub(super) struct Waiting {
    pub(super) pool: Arc<Inner>,
    pub(super) want: Want,
    pub(super) ticket: Option<Ticket>,
    pub(super) receiver: oneshot::Receiver<Result<SlotId, Error>>,
}

impl Waiting {
    pub(super) async fn turn(mut self) -> Result<SlotId, Error> {
        let turn = (&mut self.receiver).await;
        self.ticket = None;
        turn.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut state = self.pool.lock();
        state.waiting.remove(&ticket);
        let withdrawn = state.rules.withdraw(ticket);
        drop(state);
        if !withdrawn && let Ok(Ok(slot)) = self.receiver.try_recv() {
            self.pool.give_back(slot, self.want, false);
        }
    }
}

/// A connection that is lent.
pub(super) struct Lease {
    pub(super) pool: Arc<Inner>,
    pub(super) slot: SlotId,
    pub(super) want: Want,
    pub(super) client: Client,
}

impl Deref for Lease {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let held = self.client.shared().lock().is_held();
        if !held || !self.pool.lock().rules.withheld(self.slot) {
            let is_closed = self.client.is_closed();
            return self.pool.give_back(self.slot, self.want, is_closed);
        }
        // Its statement is being cancelled. Nobody else gets the connection before that is over, or has failed.
        let (pool, slot, client) = (Arc::clone(&self.pool), self.slot, self.client.clone());
        self.client.shared().runtime().spawn(async move {
            let shared = client.shared();
            shared
                .wait(|core| !core.is_held() || core.session.closed().is_some())
                .await;
            pool.give_back(slot, Want::Exclusive, client.is_closed());
        });
    }
}
