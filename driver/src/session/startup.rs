//! From the first byte to the first `ReadyForQuery`.
//!
//! ```text
//!  TlsReply --S--> TlsHandshake --> Authenticating --AuthenticationOk--> Starting --ReadyForQuery--> Ready
//!                       ^                ^
//!  (direct TLS starts here)    (no TLS wanted: starts here)
//! ```
//! `N` in answer to the TLS request is an error: a session that wants TLS never goes on without it.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::event::Event;
use super::receive::{Step, unexpected};
use super::tls::Tls;
use super::{CancelKey, Session};
use crate::auth::{self, Authenticator};
use crate::error::{Error, Kind};
use crate::wire::backend;

/// All that a session needs before it can start.
#[derive(Debug)]
pub struct Startup {
    /// Run-time parameters of the startup message: `user`, `database`, `application_name`, ...
    pub parameters: Vec<(String, String)>,
    /// How the session is encrypted; `None` for plaintext.
    pub tls: Option<Encryption>,
    /// Answers the server's challenges.
    pub authenticator: Authenticator,
    /// Statements to keep prepared; 0 turns the cache off.
    pub statement_cache: usize,
}

/// How a session is encrypted.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// TLS settings.
    pub config: Arc<ClientConfig>,
    /// The name that the certificate must carry.
    pub name: ServerName<'static>,
    /// Whether TLS begins at once instead of being asked for (PostgreSQL manual, "SSL Session Encryption").
    pub direct: bool,
}

impl Encryption {
    pub(crate) fn start(&self) -> Result<Tls, Error> {
        Tls::new(self.config.clone(), self.name.clone())
    }
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

impl Session {
    pub(super) fn tls_reply(&mut self) -> Result<Step, Error> {
        let reply = match &self.incoming[..] {
            [] => return Ok(Step::Starved),
            [reply] => *reply,
            // Bytes behind the answer came before the handshake: somebody in between put them there.
            _ => {
                return Err(Error::protocol(
                    "the server sent more than one byte in answer to the TLS request",
                ));
            }
        };
        self.incoming.clear();
        match reply {
            b'S' => {
                let Phase::TlsReply(startup) = std::mem::replace(&mut self.phase, Phase::Starting)
                else {
                    return Err(Error::protocol("TLS was agreed twice"));
                };
                if let Some(encryption) = &startup.tls {
                    self.tls = Some(encryption.start()?);
                }
                self.phase = Phase::TlsHandshake(startup);
                Ok(Step::Silent)
            }
            b'N' => Err(Error::new(
                Kind::Tls,
                "the server does not offer TLS; turn ssl on there, or give sslmode=disable if plaintext is acceptable",
            )),
            _ => Err(Error::new(
                Kind::Tls,
                "the server answered the TLS request with neither yes nor no",
            )),
        }
    }

    pub(super) fn tls_handshake(&mut self) -> Result<Step, Error> {
        if self.tls.as_ref().is_some_and(Tls::is_handshaking) {
            return Ok(Step::Starved);
        }
        if let Phase::TlsHandshake(mut startup) =
            std::mem::replace(&mut self.phase, Phase::Starting)
        {
            if startup.tls.as_ref().is_some_and(|tls| tls.direct)
                && !self.tls.as_ref().is_some_and(Tls::speaks_postgres)
            {
                return Err(Error::tls(
                    "the server did not agree to speak PostgreSQL's protocol over TLS (ALPN); is this the port of a PostgreSQL server?",
                ));
            }
            let certificate = self.tls.as_ref().and_then(Tls::server_certificate);
            let channel = certificate.and_then(auth::server_end_point);
            startup.authenticator.bind_channel(channel);
            self.send_startup(*startup)?;
        }
        Ok(Step::Silent)
    }

    pub(super) fn startup_message(&mut self, tag: u8, body: &[u8]) -> Result<Step, Error> {
        match (&mut self.phase, tag) {
            (Phase::Authenticating(authenticator), b'R') => {
                match authenticator.handle(body)? {
                    auth::Step::Send(bytes) => self.outgoing.extend_from_slice(&bytes),
                    auth::Step::Wait => {}
                    auth::Step::Done => self.phase = Phase::Starting,
                }
                Ok(Step::Silent)
            }
            (Phase::Starting, b'K') => {
                let (process, secret) = backend::backend_key_data(body)?;
                self.cancel_key = Some(CancelKey { process, secret });
                Ok(Step::Silent)
            }
            (Phase::Starting, b'Z') => {
                self.status = backend::ready_for_query(body)?;
                self.phase = Phase::Ready;
                Ok(Step::Event(Event::Ready))
            }
            _ => Err(unexpected(tag, "during startup")),
        }
    }
}
