//! What a session tells its front.

use std::sync::Arc;

use crate::error::{DbError, Error};
use crate::session::statement::Statement;
use crate::types::Format;
use crate::wire::backend::{CommandTag, Notification};
use crate::wire::rows::RowBatch;

/// Names a request of one session; later requests have larger ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

impl RequestId {
    /// The id as a number: requests of a session are counted from 0.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Something that happened, in the order in which the server said it.
///
/// Events own what they carry, so that no borrow of the session lives while a front wakes its callers: a woken caller
/// may come straight back with the next request.
#[derive(Debug)]
pub enum Event {
    /// Startup is over: requests can be sent.
    Ready,
    /// A statement is prepared, and cached where the cache is on.
    Prepared {
        /// The request that prepared it.
        request: RequestId,
        /// The statement, with the types of its parameters and columns.
        statement: Arc<Statement>,
    },
    /// Result rows; a large result comes in many batches.
    Rows {
        /// The request they answer.
        request: RequestId,
        /// The rows.
        rows: RowBatch,
    },
    /// One command of the request completed. Its effects may still be undone by an error before [`Event::Finished`].
    Done {
        /// The request the command belongs to.
        request: RequestId,
        /// What it did.
        tag: CommandTag,
    },
    /// The portal stopped at the row limit; more rows can be asked for.
    Suspended {
        /// The request that set the limit.
        request: RequestId,
    },
    /// The server is ready for the data of a COPY.
    CopyIn {
        /// The request that started the COPY.
        request: RequestId,
        /// Binary or text.
        format: Format,
        /// Columns of each row.
        columns: u16,
    },
    /// The request failed; its remaining commands do not run.
    Failed {
        /// The request that failed.
        request: RequestId,
        /// Why.
        error: Error,
    },
    /// The last event of each request: what it did is settled, and the server answers the next one.
    Finished {
        /// The request that ended.
        request: RequestId,
    },
    /// A warning or other notice.
    Notice(DbError),
    /// A NOTIFY on a channel that this session listens to.
    Notification(Notification),
    /// The session is over; every request that was outstanding has failed and finished before this.
    Closed(Error),
}
