//! Transactions and savepoints.

use std::ops::Deref;

use super::Client;
use crate::client::{TransactionOptions, transaction};
use crate::error::Error;

/// A transaction, or a savepoint in one. It has all calls of [`Client`]; its `transaction` makes a savepoint.
#[derive(Debug)]
pub struct Transaction {
    client: Client,
    level: usize,
    open: bool,
}

impl Transaction {
    pub(super) fn open(client: Client, options: TransactionOptions) -> Result<Self, Error> {
        let level = client.depth();
        let mut core = client.shared().lock();
        if level > 0 {
            transaction::check_open(&core.session)?;
        }
        transaction::open(&mut core.session, level, options);
        drop(core);
        client.set_depth(level + 1);
        Ok(Self {
            client,
            level,
            open: true,
        })
    }

    /// Makes what it did last: a transaction's effects for everybody, a savepoint's for the transaction around it.
    ///
    /// # Errors
    /// Of kind `TransactionRolledBack` if a statement had failed and nothing is in effect; of kind `CommitOutcomeUnknown`
    /// if the connection broke before the answer came.
    pub async fn commit(mut self) -> Result<(), Error> {
        self.open = false;
        let result = transaction::commit(&mut &self.client, self.level).await;
        self.client.set_depth(self.level);
        result
    }

    /// Undoes what it did.
    pub async fn rollback(mut self) -> Result<(), Error> {
        self.open = false;
        let result = transaction::rollback(&mut &self.client, self.level).await;
        self.client.set_depth(self.level);
        result
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // The outermost level needs nothing here: the lane undoes what is open when it is dropped.
        if !self.open || self.level == 0 {
            return;
        }
        self.client.set_depth(self.level);
        let shared = self.client.shared();
        let mut core = shared.lock();
        if core.session.pop_preface() {
            return;
        }
        // Behind a COPY that has not begun nothing can be sent: then the connection ends.
        let undone = shared.issue(&mut core, |session| {
            let mut batch = session.batch()?;
            transaction::undo_savepoint(&mut batch, self.level)?;
            Ok((Some(batch.finish()), ()))
        });
        drop(core);
        if undone.is_err() {
            shared.terminate();
        }
    }
}

impl Deref for Transaction {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
