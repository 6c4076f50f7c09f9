//! One error type for the whole driver: whose fault it is, what the server said, and whether a retry is safe.

mod db;
mod kind;
mod sqlstate;
mod state;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

pub use db::DbError;
pub use kind::{Kind, Outcome};
pub use state::SqlState;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. One pointer wide; cloning shares the contents.
///
/// `Display` is one clear sentence (for server errors followed by `DETAIL` and `HINT` lines). It never holds a
/// password, a connection string or the bytes of a value.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    outcome: Outcome,
    message: Cow<'static, str>,
    db: Option<DbError>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Writes one public constructor per kind of error that carries only a message.
macro_rules! constructors {
    ($($(#[$doc:meta])+ $name:ident => $kind:ident;)+) => {
        impl Error {
            $($(#[$doc])+ #[cold] pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
                Self::new(Kind::$kind, message)
            })+
        }
    };
}

constructors! {
    /// A setting, connection string, environment variable or passfile is wrong.
    config => Config;
    /// No connection could be opened.
    connect => Connect;
    /// The connect deadline passed.
    connect_timeout => ConnectTimeout;
    /// TLS was refused, or the certificate was not accepted.
    tls => Tls;
    /// The authentication exchange failed on this side, or was refused by policy.
    auth => Auth;
    /// The server sent bytes that the protocol does not allow.
    protocol => Protocol;
    /// The connection ended under a request that was already sent. Where nothing had been sent yet, add
    /// `.with_outcome(Outcome::NotSent)`.
    lost => ConnectionLost;
    /// A value given by the caller cannot be sent. Use [`Error::decode`] for a value that came from the server.
    data => Data;
    /// The API was used wrongly.
    interface => Interface;
    /// Neither this driver nor the server can do this.
    not_supported => NotSupported;
    /// The time given for a call passed.
    timeout => Timeout;
    /// The caller gave up on the request.
    cancelled => Cancelled;
    /// No connection became free in time.
    pool_timeout => PoolTimeout;
    /// The pool was closed.
    pool_closed => PoolClosed;
    /// The request was skipped because an earlier one of the same batch failed.
    pipeline_aborted => PipelineAborted;
    /// COMMIT was sent and its answer never came.
    commit_outcome_unknown => CommitOutcomeUnknown;
    /// COMMIT was answered with ROLLBACK, because a statement of the transaction had failed.
    transaction_rolled_back => TransactionRolledBack;
}

impl Error {
    /// An error of the given kind with the outcome that is usual for it, see [`Kind::usual_outcome`].
    #[cold]
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            outcome: kind.usual_outcome(),
            message: message.into(),
            db: None,
            source: None,
        }))
    }

    /// A value from the server cannot be represented on this side. The statement itself was run, so its outcome is
    /// [`Outcome::Unknown`] to the caller of that statement.
    #[cold]
    pub fn decode(message: impl Into<Cow<'static, str>>) -> Self {
        Self::data(message).with_outcome(Outcome::Unknown)
    }

    /// The server refused the request.
    #[cold]
    pub fn server(db: DbError) -> Self {
        Self(Arc::new(Inner {
            kind: Kind::Server,
            outcome: Kind::Server.usual_outcome(),
            message: Cow::Borrowed(""),
            db: Some(db),
            source: None,
        }))
    }

    /// An operation of the operating system failed; `doing` says which, as in "read from the server".
    #[cold]
    pub fn io(doing: impl fmt::Display, source: io::Error) -> Self {
        Self::new(Kind::Io, format!("could not {doing}: {source}")).with_source(source)
    }

    /// The same error with the error that led to it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(Arc::from(source.into()));
        self
    }

    /// The same error, where more (or less) is known about what happened on the server than is usual for its kind.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        Arc::make_mut(&mut self.0).outcome = outcome;
        self
    }

    /// Whose fault it is, and what a caller can match on.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Everything the server said, when the server said something.
    pub fn db(&self) -> Option<&DbError> {
        self.0.db.as_ref()
    }

    /// The server's error code.
    pub fn sqlstate(&self) -> Option<SqlState> {
        self.db().map(DbError::code)
    }

    /// What is known about the effect of the request on the server.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Whether the same request (for a statement of a transaction: the whole transaction) may be sent again and has a
    /// chance to succeed: the server undid it for reasons of timing or load
    /// ([`SqlState::is_retryable`]), or nothing was sent because the server could not be reached.
    ///
    /// Mistakes of the caller are not retryable, though nothing was sent: the second try would fail the same way.
    pub fn safe_to_retry(&self) -> bool {
        match self.db() {
            Some(db) => db.code().is_retryable(),
            None => self.0.outcome == Outcome::NotSent && self.0.kind.is_passing(),
        }
    }

    /// Whether the server no longer knows the prepared statement, or knows that its result type has changed: prepared
    /// anew, the same request succeeds.
    ///
    /// 26000 follows DEALLOCATE, DISCARD ALL or a pooler's switch of servers; 0A000 from `RevalidateCachedQuery` follows
    /// DDL on the tables of a cached plan. The failure itself aborts a transaction, so only a statement that stands alone
    /// may be sent again.
    pub fn is_stale_statement(&self) -> bool {
        self.db().is_some_and(|db| match db.code().as_str() {
            "26000" => true,
            "0A000" => db.routine() == Some("RevalidateCachedQuery"),
            _ => false,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.db() {
            Some(db) => db.fmt(f),
            None => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind)
            .field("outcome", &inner.outcome);
        match &inner.db {
            Some(db) => out.field("db", db),
            None => out.field("message", &inner.message),
        };
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

impl From<DbError> for Error {
    fn from(db: DbError) -> Self {
        Self::server(db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: &str) -> Error {
        let body = format!("SERROR\0VERROR\0C{code}\0Mno luck\0\0");
        Error::server(DbError::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn is_one_pointer_wide_and_crosses_threads() {
        fn check<T: Send + Sync + Clone + 'static>() {}
        check::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn every_kind_states_its_outcome() {
        assert_eq!(Error::config("x").outcome(), Outcome::NotSent);
        assert_eq!(Error::data("x").outcome(), Outcome::NotSent);
        assert_eq!(Error::decode("x").outcome(), Outcome::Unknown);
        assert_eq!(Error::lost("x").outcome(), Outcome::Unknown);
        assert_eq!(Error::timeout("x").outcome(), Outcome::Unknown);
        assert_eq!(Error::protocol("x").outcome(), Outcome::Unknown);
        assert_eq!(
            Error::commit_outcome_unknown("x").outcome(),
            Outcome::Unknown
        );
        assert_eq!(
            Error::transaction_rolled_back("x").outcome(),
            Outcome::Failed
        );
        assert_eq!(server("23505").outcome(), Outcome::Failed);
    }

    #[test]
    fn retry_is_safe_for_passing_troubles_only() {
        for code in ["40001", "40P01", "55P03", "57P03", "53300"] {
            assert!(server(code).safe_to_retry(), "{code}");
        }
        for code in ["23505", "40003", "57014", "57P01", "42601"] {
            assert!(!server(code).safe_to_retry(), "{code}");
        }
        assert!(Error::connect("x").safe_to_retry());
        assert!(Error::connect_timeout("x").safe_to_retry());
        assert!(Error::pool_timeout("x").safe_to_retry());
        assert!(!Error::lost("x").safe_to_retry());
        assert!(
            Error::lost("x")
                .with_outcome(Outcome::NotSent)
                .safe_to_retry()
        );
        assert!(!Error::commit_outcome_unknown("x").safe_to_retry());
        for fault_of_the_caller in [
            Error::config("x"),
            Error::data("x"),
            Error::interface("x"),
            Error::auth("x"),
        ] {
            assert!(
                !fault_of_the_caller.safe_to_retry(),
                "{fault_of_the_caller:?}"
            );
        }
    }

    #[test]
    fn changing_a_clone_leaves_the_original() {
        let original = Error::lost("gone");
        let changed = original.clone().with_outcome(Outcome::NotSent);
        assert_eq!(original.outcome(), Outcome::Unknown);
        assert_eq!(changed.outcome(), Outcome::NotSent);
        assert_eq!(changed.to_string(), "gone");
    }

    #[test]
    fn keeps_its_source() {
        let error = Error::io("read from the server", io::Error::other("cut"));
        assert_eq!(error.kind(), Kind::Io);
        assert_eq!(error.to_string(), "could not read from the server: cut");
        assert_eq!(error.source().unwrap().to_string(), "cut");
        let lost = Error::lost("the server ended the connection").with_source(server("57P01"));
        assert!(lost.source().unwrap().to_string().contains("57P01"));
    }
}
