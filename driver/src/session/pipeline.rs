//! What the server still owes: a queue of requests, and one of the messages that will answer them.
//!
//! ```text
//!  request      P ─ D ─────── B ─ E ─ S          (each letter a message that we sent)
//!  expectation  Parse         Bind Rows Sync     (popped from the front as the server answers)
//!                   Parameters,
//!                   Columns
//! ```
//! An `ErrorResponse` strikes all expectations up to the next `Sync`, for the server skips those messages; requests
//! behind that `Sync` are not touched by it.

use std::collections::VecDeque;

use crate::session::event::RequestId;
use crate::session::statement::Draft;

/// One answer that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// `ParseComplete`.
    Parse,
    /// `ParameterDescription`.
    Parameters,
    /// `RowDescription` or `NoData`.
    Columns,
    /// As `Parameters`, of a statement whose description is known.
    SameParameters,
    /// As `Columns`, of a statement whose description is known.
    SameColumns,
    /// `BindComplete`.
    Bind,
    /// Rows of this many columns, then `CommandComplete`, `EmptyQueryResponse` or `PortalSuspended`.
    Rows(u16),
    /// As `Rows`, with the columns that this request's own Describe told.
    DescribedRows,
    /// `CommandComplete` or `EmptyQueryResponse` of a statement that returns no rows.
    Command,
    /// `CloseComplete`.
    Close,
    /// Any number of results, as the simple query protocol gives them.
    Simple,
    /// `CopyInResponse`.
    CopyIn,
    /// `CommandComplete` of a COPY.
    CopyEnd,
    /// `ReadyForQuery`.
    Sync,
}

/// A request that is not finished.
#[derive(Debug)]
pub(crate) struct Outstanding {
    pub(crate) id: RequestId,
    /// Where its first byte stands in the stream of all bytes sent.
    pub(crate) start: u64,
    pub(crate) failed: bool,
    /// The statement that it is preparing.
    pub(crate) draft: Option<Draft>,
    /// Columns told by a description within this request, if one is in force.
    pub(crate) columns: Option<u16>,
    /// Simple protocol: a result is open that no `CommandComplete` has ended, or none has come at all.
    pub(crate) open: bool,
}

/// The requests in flight, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    requests: VecDeque<Outstanding>,
    expected: VecDeque<Expect>,
    next_id: u64,
}

impl Pipeline {
    /// The id that the next request will get.
    pub(crate) fn next_id(&self) -> RequestId {
        RequestId(self.next_id)
    }

    /// Adds a request whose expectations have been pushed before.
    pub(crate) fn push(&mut self, start: u64, draft: Option<Draft>) -> RequestId {
        let id = self.next_id();
        self.next_id += 1;
        self.requests.push_back(Outstanding {
            id,
            start,
            failed: false,
            draft,
            columns: None,
            open: true,
        });
        id
    }

    pub(crate) fn expect(&mut self, what: Expect) {
        self.expected.push_back(what);
    }

    /// How many answers are due; with [`Self::truncate`], undoes a request that could not be encoded.
    pub(crate) fn mark(&self) -> usize {
        self.expected.len()
    }

    pub(crate) fn truncate(&mut self, mark: usize) {
        self.expected.truncate(mark);
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// The request that the server is answering, and what it owes next.
    #[inline]
    pub(crate) fn head(&mut self) -> Option<(&mut Outstanding, Expect)> {
        Some((self.requests.front_mut()?, *self.expected.front()?))
    }

    pub(crate) fn head_id(&self) -> Option<RequestId> {
        Some(self.requests.front()?.id)
    }

    /// The answer at the front has come.
    #[inline]
    pub(crate) fn answered(&mut self) {
        self.expected.pop_front();
    }

    /// The answer at the front has come, and leads to another one.
    pub(crate) fn replace_head(&mut self, what: Expect) {
        if let Some(head) = self.expected.front_mut() {
            *head = what;
        }
    }

    /// The server skips to the next Sync.
    pub(crate) fn skip_to_sync(&mut self) {
        while self
            .expected
            .front()
            .is_some_and(|what| *what != Expect::Sync)
        {
            self.expected.pop_front();
        }
    }

    /// The request at the front is over.
    #[inline]
    pub(crate) fn finish(&mut self) -> Option<Outstanding> {
        self.expected.pop_front();
        self.requests.pop_front()
    }

    /// Takes out a request without an answer: the session is over.
    pub(crate) fn abandon(&mut self) -> Option<Outstanding> {
        self.expected.clear();
        self.requests.pop_front()
    }
}
