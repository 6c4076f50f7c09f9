//! Transactions and savepoints.

use super::{Link, request};
use crate::error::{Error, Outcome};
use crate::session::{Batch, Session};
use crate::wire::TransactionStatus;

/// How far a transaction is kept apart from others (PostgreSQL manual, "Transaction Isolation").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// All statements see what was committed before the first of them.
    RepeatableRead,
    /// As if the transactions ran one after the other; they may fail with SQLSTATE 40001 and are then run again.
    Serializable,
}

/// How to begin a transaction; what is not set is as the server is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionOptions {
    /// Isolation level.
    pub isolation: Option<Isolation>,
    /// Whether it may only read.
    pub read_only: Option<bool>,
    /// Whether a serializable read-only transaction waits until it can run without conflicts.
    pub deferrable: Option<bool>,
}

impl TransactionOptions {
    pub(crate) fn begin_sql(self) -> String {
        let mut sql = "BEGIN".to_owned();
        sql.push_str(match self.isolation {
            None => "",
            Some(Isolation::ReadCommitted) => " ISOLATION LEVEL READ COMMITTED",
            Some(Isolation::RepeatableRead) => " ISOLATION LEVEL REPEATABLE READ",
            Some(Isolation::Serializable) => " ISOLATION LEVEL SERIALIZABLE",
        });
        sql.push_str(match self.read_only {
            None => "",
            Some(true) => " READ ONLY",
            Some(false) => " READ WRITE",
        });
        sql.push_str(match self.deferrable {
            None => "",
            Some(true) => " DEFERRABLE",
            Some(false) => " NOT DEFERRABLE",
        });
        sql
    }
}

/// Opens the transaction (level 0) or savepoint (the levels above) with the next request; nothing is sent for it alone.
pub(crate) fn open(session: &mut Session, level: usize, options: TransactionOptions) {
    if level == 0 {
        session.push_preface(&options.begin_sql());
    } else {
        session.push_preface(&format!("SAVEPOINT data_bridge_{level}"));
    }
}

/// Sends BEGIN by itself, ahead of a request that it cannot travel with.
pub(crate) async fn send_preface<L: Link>(link: &mut L) -> Result<(), Error> {
    if link.with_session(|session| session.has_preface()) {
        request(link, |session| Ok(session.batch()?.finish())).await?;
    }
    Ok(())
}

/// Fails if the server ended the transaction that a caller believes to be in: after a COMMIT in plain SQL, say.
pub(crate) fn check_open(session: &Session) -> Result<(), Error> {
    let over = session.status() == TransactionStatus::Idle
        && session.outstanding() == 0
        && !session.has_preface();
    if over && session.closed().is_none() {
        return Err(Error::interface(
            "the transaction has ended on the server; begin another one",
        ));
    }
    Ok(())
}

/// Ends a level with all it did. A transaction in which nothing was sent costs nothing.
pub(crate) async fn commit<L: Link>(link: &mut L, level: usize) -> Result<(), Error> {
    if link.with_session(Session::pop_preface) {
        return Ok(());
    }
    if level > 0 {
        return command(link, &format!("RELEASE SAVEPOINT data_bridge_{level}"))
            .await
            .map(|_| ());
    }
    let tag = command(link, "COMMIT").await.map_err(|error| match error.outcome() {
        // Whether the COMMIT arrived, and was done, nobody can tell.
        Outcome::Unknown => Error::commit_outcome_unknown(format!(
            "COMMIT was sent, but its answer did not come ({error}): the transaction may or may not be in effect"
        ))
        .with_source(error),
        _ => error,
    })?;
    if tag == "ROLLBACK" {
        return Err(Error::transaction_rolled_back(
            "the server answered COMMIT with ROLLBACK, because a statement of the transaction had failed",
        ));
    }
    Ok(())
}

/// Ends a level with nothing of what it did.
pub(crate) async fn rollback<L: Link>(link: &mut L, level: usize) -> Result<(), Error> {
    // What SQL text or the server has ended is undone or beyond undoing.
    if link.with_session(|session| session.pop_preface() || check_open(session).is_err()) {
        return Ok(());
    }
    if level == 0 {
        return command(link, "ROLLBACK").await.map(|_| ());
    }
    request(link, |session| {
        let mut batch = session.batch()?;
        undo_savepoint(&mut batch, level)?;
        Ok(batch.finish())
    })
    .await
    .map(|_| ())
}

/// Undoes what was done since a savepoint, and forgets it.
pub(crate) fn undo_savepoint(batch: &mut Batch<'_>, level: usize) -> Result<(), Error> {
    batch.command(&format!("ROLLBACK TO SAVEPOINT data_bridge_{level}"))?;
    batch.command(&format!("RELEASE SAVEPOINT data_bridge_{level}"))
}

async fn command<L: Link>(link: &mut L, sql: &str) -> Result<String, Error> {
    let reply = request(link, |session| {
        let mut batch = session.batch()?;
        batch.command(sql)?;
        Ok(batch.finish())
    })
    .await?;
    Ok(reply
        .results
        .last()
        .map_or_else(String::new, |outcome| outcome.tag.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begin_says_only_what_was_asked() {
        assert_eq!(TransactionOptions::default().begin_sql(), "BEGIN");
        let all = TransactionOptions {
            isolation: Some(Isolation::Serializable),
            read_only: Some(true),
            deferrable: Some(true),
        };
        assert_eq!(
            all.begin_sql(),
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE"
        );
    }
}
