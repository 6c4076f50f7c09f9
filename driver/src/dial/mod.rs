//! Opening a session: the one way in which every front gets a connection.
//!
//! Dialing blocks, with a deadline over name look-up, connect, TLS and authentication together. Fronts that must not
//! block run it on a worker thread and take over the socket afterwards: a slow DNS server and the hashing that SCRAM
//! demands then stay off an event loop, and there is one implementation of both.

mod cancel;
mod resolve;
mod stream;
mod timed;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use zeroize::Zeroizing;

/// Statements that a connection keeps prepared unless told otherwise.
pub const STATEMENT_CACHE: usize = 256;

pub use cancel::Canceller;
pub use stream::Stream;
use timed::{Timed, is_timeout};

use crate::auth::{Authenticator, Credentials, Policy};
use crate::config::{Address, Config, MessageHandler, RootCerts, SslMode, Target};
use crate::error::{Error, Kind, Outcome};
use crate::session::tls_config::{self, Verification};
use crate::session::{Event, Session, Startup};

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

/// Opens a session with the first of the configured servers that answers.
///
/// All of it, for all servers together, takes at most [`Config::connect_timeout`]. A server that answers and refuses
/// (wrong password, no such database) ends the search: the next one would not be a replacement for it.
///
/// `statement_cache` is the number of statements to keep prepared; 0 keeps none and names none, as poolers in
/// transaction mode may demand.
pub fn connect(config: &Config, statement_cache: usize) -> Result<Connected, Error> {
    let deadline = Deadline::after(config.connect_timeout());
    let mut failures: Vec<Error> = Vec::new();
    for target in config.targets() {
        match connect_to(config, target, statement_cache, deadline) {
            Ok(connected) => return Ok(connected),
            Err(error) if may_try_next(&error) => failures.push(error),
            Err(error) => return Err(error),
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

fn may_try_next(error: &Error) -> bool {
    match error.kind() {
        Kind::Connect | Kind::Io | Kind::ConnectionLost => true,
        // The server is starting up, shutting down or full.
        Kind::Server => error.safe_to_retry(),
        _ => false,
    }
}

fn connect_to(
    config: &Config,
    target: &Target,
    statement_cache: usize,
    deadline: Deadline,
) -> Result<Connected, Error> {
    let tls = tls(config, target)?;
    let stream = connect_socket(target.address(), deadline)?;
    let mut nonce = [0; 18];
    let provider = rustls::crypto::ring::default_provider();
    if provider.secure_random.fill(&mut nonce).is_err() {
        return Err(Error::auth("the operating system gave no random bytes"));
    }
    let credentials = Credentials {
        user: config.user().to_owned(),
        password: target
            .password()
            .map(|password| Zeroizing::new(password.expose().as_bytes().to_vec())),
    };
    let policy = Policy {
        allow_cleartext: config.allow_cleartext_password(),
        tls: tls.is_some(),
        max_scram_iterations: config.max_scram_iterations(),
    };
    let mut session = Session::new(Startup {
        parameters: config.startup_parameters(),
        tls: tls.clone(),
        authenticator: Authenticator::new(credentials, policy, nonce),
        statement_cache,
    })?;
    let messages = config.message_handler().clone();
    start(&mut session, &stream, target.address(), deadline, &messages)?;
    stream
        .set_timeout(None)
        .map_err(|error| Error::io("configure the connection", error))?;
    let canceller = Canceller {
        address: target.address().clone(),
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

/// Runs the session to its first `Ready`.
fn start(
    session: &mut Session,
    stream: &Stream,
    address: &Address,
    deadline: Deadline,
    messages: &MessageHandler,
) -> Result<(), Error> {
    let mut socket = Timed::new(stream, deadline);
    let mut buffer = [0; 8192];
    let broken = |error: io::Error| {
        Error::connect(format!(
            "the connection to {address} broke during startup: {error}"
        ))
        .with_source(error)
    };
    loop {
        while let Some(event) = session.poll_event() {
            match event {
                Event::Ready => return Ok(()),
                Event::Closed(error) => {
                    // A TLS alert tells the server why; whether it arrives changes nothing here.
                    let _ = socket.write(session.poll_out());
                    return Err(error.with_outcome(Outcome::NotSent));
                }
                event => messages.tell_event(event),
            }
        }
        while session.can_receive() && !session.poll_out().is_empty() {
            match socket.write(session.poll_out()) {
                Ok(sent) => session.advance_out(sent),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(deadline.passed()),
                Err(error) => {
                    stream.drain_into(session);
                    session.handle_loss(broken(error));
                }
            }
        }
        if !session.can_receive() {
            continue;
        }
        match socket.read(&mut buffer) {
            Ok(0) => session.handle_eof(),
            Ok(count) => session.handle_bytes(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err(deadline.passed()),
            Err(error) => session.handle_loss(broken(error)),
        }
    }
}

type TlsSetup = (Arc<ClientConfig>, ServerName<'static>);

fn tls(config: &Config, target: &Target) -> Result<Option<TlsSetup>, Error> {
    let verification = match (target.ssl_mode(), target.server_name()) {
        (SslMode::Disable, _) | (_, None) => return Ok(None),
        (SslMode::Require, _) => Verification::Optional,
        (SslMode::VerifyCa, _) => Verification::Authority,
        (SslMode::VerifyFull, _) => Verification::Full,
    };
    let name = tls_config::server_name(target.server_name().unwrap_or_default())?;
    let pem = match config.root_certs() {
        RootCerts::File(path) => Some(fs::read(path).map_err(|error| {
            Error::config(format!(
                "could not read sslrootcert {}: {error}",
                path.display()
            ))
        })?),
        RootCerts::System => None,
    };
    Ok(Some((
        tls_config::client_config(verification, pem.as_deref())?,
        name,
    )))
}

/// Connects a socket; every address of the host is tried.
fn connect_socket(address: &Address, deadline: Deadline) -> Result<Stream, Error> {
    let (host, port) = match address {
        Address::Unix { .. } => {
            let path = address.socket_path().unwrap_or_default();
            return Stream::unix(&path, deadline.remaining()?)
                .map_err(|error| refused(address, &error, deadline));
        }
        Address::Tcp {
            host,
            hostaddr: Some(ip),
            port,
        } => {
            let _ = host;
            (ip.to_string(), *port)
        }
        Address::Tcp {
            host,
            hostaddr: None,
            port,
        } => (host.clone(), *port),
    };
    let mut last = None;
    for socket in resolve::resolve(&host, port, deadline)? {
        match Stream::tcp(socket, deadline.remaining()?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(refused(address, &error, deadline)),
        }
    }
    Err(last.unwrap_or_else(|| Error::connect(format!("host {host:?} has no address"))))
}

fn refused(address: &Address, error: &io::Error, deadline: Deadline) -> Error {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => deadline.passed(),
        _ => Error::connect(format!(
            "could not connect to {address}: {error}; is the server running there?"
        )),
    }
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
