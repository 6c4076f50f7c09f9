//! From the first byte to the first `ReadyForQuery`.
//!
//! ```text
//!  TlsReply --S--> TlsHandshake --> Authenticating --AuthenticationOk--> Starting --ReadyForQuery--> Ready
//!     |                                  ^
//!     +------ (no TLS wanted: starts here)
//! ```
//! `N` in answer to the TLS request is an error: a session that wants TLS never goes on without it.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::auth::Authenticator;

/// All that a session needs before it can start.
#[derive(Debug)]
pub struct Startup {
    /// Run-time parameters of the startup message: `user`, `database`, `application_name`, ...
    pub parameters: Vec<(String, String)>,
    /// TLS settings and the name that the certificate must carry; `None` for plaintext.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Answers the server's challenges.
    pub authenticator: Authenticator,
    /// Statements to keep prepared; 0 turns the cache off.
    pub statement_cache: usize,
}

/// Named for what the session waits for.
#[derive(Debug)]
pub(super) enum Phase {
    /// One byte in answer to `SSLRequest`.
    TlsReply(Box<Startup>),
    /// The end of the TLS handshake.
    TlsHandshake(Box<Startup>),
    /// Challenges, then `AuthenticationOk`.
    Authenticating(Box<Authenticator>),
    /// Parameters and key, then the first `ReadyForQuery`.
    Starting,
    /// Answers to requests.
    Ready,
    /// Nothing any more.
    Closed,
}

impl Phase {
    /// The largest message body that the phase allows, in bytes.
    pub(super) fn frame_limit(&self) -> usize {
        match self {
            Self::Ready => READY_LIMIT,
            _ => STARTUP_LIMIT,
        }
    }
}

/// Before authentication nobody has a reason to send much.
const STARTUP_LIMIT: usize = 64 * 1024;
/// PostgreSQL itself builds no message of 1 GiB or more.
const READY_LIMIT: usize = 0x3fff_ffff + 4;
