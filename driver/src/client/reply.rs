//! Collecting what a session tells of one request.

use std::sync::Arc;

use crate::error::Error;
use crate::session::{Event, RequestId, Statement};
use crate::wire::CommandTag;
use crate::wire::rows::RowBatch;

/// All that became of a request.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// What it prepared.
    pub(crate) statement: Option<Arc<Statement>>,
    /// The results of its commands, in order; BEGIN counts where it travelled along.
    pub(crate) results: Vec<Outcome>,
    /// Rows of a command that has not ended.
    rows: Batches,
    /// Why it failed.
    error: Option<Error>,
}

/// What became of one command.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Batches,
    pub(crate) tag: CommandTag,
}

/// The rows of a command. Most come in one batch, which needs no list.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    first: Option<RowBatch>,
    more: Vec<RowBatch>,
}

impl Batches {
    fn push(&mut self, rows: RowBatch) {
        match self.first {
            None => self.first = Some(rows),
            Some(_) => self.more.push(rows),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RowBatch> {
        self.first.iter().chain(&self.more)
    }
}

impl IntoIterator for Batches {
    type Item = RowBatch;
    type IntoIter = std::iter::Chain<std::option::IntoIter<RowBatch>, std::vec::IntoIter<RowBatch>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}

/// What an event means to whoever waits for its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// More is to come.
    More,
    /// COPY data can be sent.
    CopyReady,
    /// The reply is complete.
    Finished,
}

impl Reply {
    /// Takes an event of this request.
    #[inline]
    pub(crate) fn handle(&mut self, event: Event) -> Signal {
        match event {
            Event::Rows { rows, .. } => self.rows.push(rows),
            Event::Done { tag, .. } => {
                let rows = std::mem::take(&mut self.rows);
                self.results.push(Outcome { rows, tag });
            }
            Event::Prepared { statement, .. } => self.statement = Some(statement),
            Event::Failed { error, .. } => self.error = Some(error),
            Event::CopyIn { .. } => return Signal::CopyReady,
            Event::Finished { .. } => return Signal::Finished,
            _ => {}
        }
        Signal::More
    }

    /// The reply, or the error that the request ended in.
    pub(crate) fn into_result(mut self) -> Result<Self, Error> {
        match self.error.take() {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// The reply with another error in place of its own.
    pub(crate) fn map_error(mut self, change: impl FnOnce(Error) -> Error) -> Self {
        self.error = self.error.map(change);
        self
    }

    /// Rows that the last command touched.
    pub(crate) fn affected(&self) -> u64 {
        self.results.last().map_or(0, |outcome| outcome.tag.rows())
    }
}

/// The request that an event belongs to.
#[inline]
pub(crate) fn request_of(event: &Event) -> Option<RequestId> {
    match event {
        Event::Prepared { request, .. }
        | Event::Rows { request, .. }
        | Event::Done { request, .. }
        | Event::Suspended { request }
        | Event::CopyIn { request, .. }
        | Event::Failed { request, .. }
        | Event::Finished { request } => Some(*request),
        Event::Ready | Event::Notice(_) | Event::Notification(_) | Event::Closed(_) => None,
    }
}
