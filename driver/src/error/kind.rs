/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A setting is wrong; nothing was attempted.
    Config,
    /// The server could not be reached, or refused before a session began.
    Connect,
    /// The connect deadline, which covers name lookup, TCP, TLS and authentication, passed.
    ConnectTimeout,
    /// TLS could not be agreed on, or the server's certificate was not accepted.
    Tls,
    /// Authentication failed on this side, or would have broken the caller's policy.
    Auth,
    /// The server (or something that is no PostgreSQL server) broke the protocol. The connection is closed.
    Protocol,
    /// The connection ended while a request was under way. The connection is closed.
    ConnectionLost,
    /// The server answered with an error; see [`DbError`](super::DbError).
    Server,
    /// A value cannot be represented in the other world.
    Data,
    /// The API was used in a way it does not allow.
    Interface,
    /// The driver or the server does not offer this.
    NotSupported,
    /// The time given for a call passed.
    Timeout,
    /// The caller gave up on the request.
    Cancelled,
    /// No pooled connection became free in time.
    PoolTimeout,
    /// The pool was closed before or while waiting.
    PoolClosed,
    /// An earlier request of the same batch failed, so the server skipped this one.
    PipelineAborted,
    /// COMMIT was sent and its answer never came: the transaction may or may not be in effect.
    CommitOutcomeUnknown,
    /// COMMIT was answered with ROLLBACK: nothing of the transaction is in effect.
    TransactionRolledBack,
    /// The operating system reported an error.
    Io,
}

impl Kind {
    /// What is known about the request on the server when nothing more is said with
    /// [`Error::with_outcome`](super::Error::with_outcome).
    pub const fn usual_outcome(self) -> Outcome {
        match self {
            Self::Config
            | Self::Connect
            | Self::ConnectTimeout
            | Self::Tls
            | Self::Auth
            | Self::Data
            | Self::Interface
            | Self::NotSupported
            | Self::PoolTimeout
            | Self::PoolClosed => Outcome::NotSent,
            Self::Server | Self::PipelineAborted | Self::TransactionRolledBack => Outcome::Failed,
            Self::Protocol
            | Self::ConnectionLost
            | Self::Timeout
            | Self::Cancelled
            | Self::CommitOutcomeUnknown
            | Self::Io => Outcome::Unknown,
        }
    }

    /// Troubles that can be over at the next try, as opposed to mistakes that will be repeated.
    pub(super) const fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Connect
                | Self::ConnectTimeout
                | Self::ConnectionLost
                | Self::Timeout
                | Self::Cancelled
                | Self::PoolTimeout
                | Self::Io
        )
    }
}

/// What is known about the effect of a failed request on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No byte of it left this process.
    NotSent,
    /// The server refused or skipped it: it has no effect.
    Failed,
    /// It was sent and no answer came, so it may be in effect.
    Unknown,
}

impl Outcome {
    /// The name that other languages see: `not_sent`, `failed` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}
