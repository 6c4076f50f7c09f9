//! Opening a session: the one way in which every front gets a connection.
//!
//! Dialing blocks, with a deadline over name look-up, connect, TLS and authentication together. Fronts that must not
//! block run it on a worker thread and take over the socket afterwards: a slow DNS server and the hashing that SCRAM
//! demands then stay off an event loop, and there is one implementation of both.

mod cancel;
mod endpoint;
mod resolve;
mod role;
mod start;
mod stream;
mod timed;
mod tls;

use std::time::{Duration, Instant};

use rustls::crypto::SecureRandom;
use zeroize::Zeroizing;

/// Statements that a connection keeps prepared unless told otherwise.
pub const STATEMENT_CACHE: usize = 256;

pub use cancel::Canceller;
use endpoint::{Endpoint, endpoints, ordered};
use start::Dialogue;
pub use stream::Stream;

use crate::auth::{Authenticator, Credentials, Policy};
use crate::config::{Address, Config, MessageHandler, Target, TargetSessionAttrs};
use crate::error::{Error, Kind, Outcome};
use crate::session::{Encryption, Event, Session, Startup};

/// A session that is ready for requests, and the socket that it lives on.
#[derive(Debug)]
pub struct Connected {
    /// The session.
    pub session: Session,
    /// The socket, in blocking mode and without time limits.
    pub stream: Stream,
    /// Sends cancel requests for this session.
    pub canceller: Canceller,
    /// Who is told of what the server says unasked.
    pub messages: MessageHandler,
}

/// Opens a session with the first of the configured servers that will do.
///
/// All of it, for all servers together, takes at most [`Config::connect_timeout`]. A server that answers and refuses
/// (wrong password, no such database) ends the search: the next one would not be a replacement for it.
///
/// `statement_cache` is the number of statements to keep prepared; 0 keeps none and names none, as poolers in
/// transaction mode may demand.
pub fn connect(config: &Config, statement_cache: usize) -> Result<Connected, Error> {
    let provider = rustls::crypto::ring::default_provider();
    let dialer = Dialer {
        config,
        statement_cache,
        deadline: Deadline::after(config.connect_timeout()),
        random: provider.secure_random,
    };
    let mut failures = Vec::new();
    for wanted in config.target_session_attrs().rounds() {
        failures.clear();
        if let Some(connected) = dialer.first(*wanted, &mut failures)? {
            return Ok(connected);
        }
    }
    let Some(last) = failures.pop() else {
        return Err(Error::config("no server is configured; give a host"));
    };
    if failures.is_empty() {
        return Err(last);
    }
    let all = failures.iter().chain([&last]).map(ToString::to_string);
    let all = all.collect::<Vec<_>>().join("; ");
    Err(Error::connect(format!("no server could be reached: {all}")).with_outcome(Outcome::NotSent))
}

/// What is the same for all servers of one search.
struct Dialer<'a> {
    config: &'a Config,
    statement_cache: usize,
    deadline: Deadline,
    random: &'static dyn SecureRandom,
}

impl Dialer<'_> {
    /// The first server that is as wanted. Why others were passed over is noted in `failures`.
    fn first(
        &self,
        wanted: TargetSessionAttrs,
        failures: &mut Vec<Error>,
    ) -> Result<Option<Connected>, Error> {
        let order = self.config.load_balance_hosts();
        let targets: Vec<&Target> = self.config.targets().iter().collect();
        for target in ordered(targets, order, self.random) {
            let found = match endpoints(target.address(), self.deadline) {
                Ok(found) => found,
                Err(error) if may_try_next(&error) => {
                    failures.push(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            // The files of certificates are read once for all addresses of a host.
            let tls = tls::encryption(self.config, target)?;
            for endpoint in ordered(found, order, self.random) {
                match self.open(target, endpoint, tls.clone(), wanted) {
                    Ok(connected) => return Ok(Some(connected)),
                    Err(error) if may_try_next(&error) => failures.push(error),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    fn open(
        &self,
        target: &Target,
        endpoint: Endpoint,
        tls: Option<Encryption>,
        wanted: TargetSessionAttrs,
    ) -> Result<Connected, Error> {
        let config = self.config;
        let stream = endpoint
            .open(config.tcp(), self.deadline)
            .map_err(|error| refused(target.address(), error))?;
        let mut nonce = [0; 18];
        if self.random.fill(&mut nonce).is_err() {
            return Err(Error::auth("the operating system gave no random bytes"));
        }
        let credentials = Credentials {
            user: config.user().to_owned(),
            password: target
                .password()
                .map(|password| Zeroizing::new(password.expose().as_bytes().to_vec())),
        };
        let policy = Policy {
            methods: config.require_auth(),
            channel_binding: config.channel_binding(),
            allow_cleartext: config.allow_cleartext_password(),
            tls: tls.is_some(),
            max_scram_iterations: config.max_scram_iterations(),
        };
        let mut session = Session::new(Startup {
            parameters: config.startup_parameters(),
            tls: tls.clone(),
            authenticator: Authenticator::new(credentials, policy, nonce),
            statement_cache: self.statement_cache,
        })?;
        let messages = config.message_handler().clone();
        let dialogue = Dialogue {
            stream: &stream,
            address: target.address(),
            deadline: self.deadline,
            messages: &messages,
        };
        dialogue.run(&mut session, |event| {
            matches!(event, Event::Ready).then_some(())
        })?;
        role::check(&mut session, &dialogue, wanted)?;
        stream
            .set_timeout(None)
            .map_err(|error| Error::io("configure the connection", error))?;
        let canceller = Canceller {
            endpoint,
            address: target.address().clone(),
            tcp: config.tcp(),
            tls,
            key: session.cancel_key().cloned(),
        };
        Ok(Connected {
            session,
            stream,
            canceller,
            messages,
        })
    }
}

fn may_try_next(error: &Error) -> bool {
    match error.kind() {
        Kind::Connect | Kind::Io | Kind::ConnectionLost => true,
        // The server is starting up, shutting down or full.
        Kind::Server => error.safe_to_retry(),
        _ => false,
    }
}

/// Says of a socket that was not connected whose it was.
fn refused(address: &Address, error: Error) -> Error {
    if error.kind() == Kind::ConnectTimeout {
        return error;
    }
    let reason =
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    Error::connect(format!(
        "could not connect to {address}: {reason}; is the server running there?"
    ))
}

/// A moment by which something must be done.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    at: Option<Instant>,
    timeout: Duration,
}

impl Deadline {
    fn after(timeout: Duration) -> Self {
        Self {
            at: Instant::now().checked_add(timeout),
            timeout,
        }
    }

    /// The time that is left, or the error that there is none.
    fn remaining(self) -> Result<Duration, Error> {
        self.left().ok_or_else(|| self.passed())
    }

    /// The time that is left, if any.
    fn left(self) -> Option<Duration> {
        match self.at {
            None => Some(self.timeout),
            Some(at) => at
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero()),
        }
    }

    fn passed(self) -> Error {
        Error::connect_timeout(format!(
            "no connection after {:.1} seconds",
            self.timeout.as_secs_f64()
        ))
    }
}
