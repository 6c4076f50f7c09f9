//! Authentication as challenge and response, without I/O.
//!
//! The server sends `R` messages, [`Authenticator::handle`] says what to answer:
//!
//! ```text
//!               ┌─ Ok ──────────────────────────────────────────────────────────► Done
//!   Challenge ──┼─ cleartext, md5 ─► (password message) ────────► Confirmation ─ Ok ─► Done
//!               └─ SASL ─► (first) ─► ScramContinue ─► (proof) ─► ScramFinal ─ verified ─► Confirmation
//! ```
//!
//! A state is named for what it expects. Every other message is an error and ends the exchange: an
//! `AuthenticationOk` that comes before the server has proved that it knows the password is not believed.
//!
//! Sources: PostgreSQL manual, sections 54.2.1 and 54.3 (messages) and 20.1 (methods); RFC 5802 and RFC 7677
//! (SCRAM-SHA-256).

mod binding;
mod cleartext;
mod md5;
mod methods;
mod scram;

use std::fmt;
use std::mem;

use zeroize::Zeroizing;

use crate::error::Error;

pub use binding::server_end_point;
pub use methods::{Method, Methods};
pub use scram::ScramKeys;

/// Who logs in.
pub struct Credentials {
    /// The name of the role.
    pub user: String,
    /// Its password; `None` is enough for servers that ask for none. An empty one counts as none, as in
    /// libpq.
    pub password: Option<Zeroizing<Vec<u8>>>,
}

impl Credentials {
    fn password(&self) -> Result<&[u8], Error> {
        self.password.as_ref().map(|password| password.as_slice()).filter(|password| !password.is_empty()).ok_or_else(|| {
            Error::auth(format!(
                "the server asks for the password of user {:?}, and none was given; put it into the connection string \
                 (password=), the environment (PGPASSWORD) or the passfile (~/.pgpass)",
                self.user
            ))
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "***");
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &password)
            .finish()
    }
}

/// Whether a login is to be bound to the TLS connection that it runs in (RFC 5929, `tls-server-end-point`), so that nobody
/// in between can pass it on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where the server offers it.
    #[default]
    Prefer,
    /// A login without it fails.
    Require,
}

/// What this side agrees to.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The ways to log in that are good enough.
    pub methods: Methods,
    /// Whether SCRAM is bound to the TLS connection.
    pub channel_binding: ChannelBinding,
    /// Send the password itself over a connection without TLS, when the server asks for it. With TLS it is
    /// sent on request: who chose an sslmode that does not verify the server has accepted that risk.
    pub allow_cleartext: bool,
    /// The connection is encrypted.
    pub tls: bool,
    /// The largest SCRAM iteration count to compute. Without a cap a server can keep this side hashing for
    /// hours; PostgreSQL's default is 4,096.
    pub max_scram_iterations: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            methods: Methods::ALL,
            channel_binding: ChannelBinding::Prefer,
            allow_cleartext: false,
            tls: false,
            max_scram_iterations: 100_000,
        }
    }
}

/// What to do after a message of the server.
pub enum Step {
    /// Send these complete frontend messages. They may hold the password.
    Send(Vec<u8>),
    /// Nothing to send; the server goes on.
    Wait,
    /// The login is complete, and everything that the method lets this side verify was verified.
    Done,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send(_) => "Send(***)",
            Self::Wait => "Wait",
            Self::Done => "Done",
        })
    }
}

/// The client's side of one login.
///
/// The SCRAM key derivation runs inside [`handle`](Self::handle) and takes milliseconds by design; call it
/// where blocking for that long does no harm.
pub struct Authenticator {
    credentials: Credentials,
    policy: Policy,
    nonce: [u8; 18],
    /// What names the TLS connection, where there is one with such a name.
    channel: Option<Box<[u8]>>,
    state: State,
}

enum State {
    /// The server's first word: a challenge, or that none is needed.
    Challenge,
    /// SCRAM: salt, iterations and the server's nonce.
    ScramContinue(scram::ClientFirst),
    /// SCRAM: the server's signature.
    ScramFinal(scram::Verifier),
    /// `AuthenticationOk`.
    Confirmation,
    /// Nothing more.
    Done,
    /// Nothing more: an earlier message was refused.
    Failed,
}

/// Codes of the `R` message (manual, section 54.7).
mod code {
    pub(super) const OK: u32 = 0;
    pub(super) const KERBEROS_V5: u32 = 2;
    pub(super) const CLEARTEXT_PASSWORD: u32 = 3;
    pub(super) const MD5_PASSWORD: u32 = 5;
    pub(super) const SCM_CREDENTIAL: u32 = 6;
    pub(super) const GSS: u32 = 7;
    pub(super) const GSS_CONTINUE: u32 = 8;
    pub(super) const SSPI: u32 = 9;
    pub(super) const SASL: u32 = 10;
    pub(super) const SASL_CONTINUE: u32 = 11;
    pub(super) const SASL_FINAL: u32 = 12;
}

impl Authenticator {
    /// Prepares a login. `nonce` must be fresh random bytes for every connection; it is given from outside so
    /// that a test or a simulation can replay an exchange.
    pub fn new(credentials: Credentials, policy: Policy, nonce: [u8; 18]) -> Self {
        Self {
            credentials,
            policy,
            nonce,
            channel: None,
            state: State::Challenge,
        }
    }

    /// Names the TLS connection that the login runs in, for channel binding: see [`server_end_point`].
    pub fn bind_channel(&mut self, name: Option<Box<[u8]>>) {
        self.channel = name;
    }

    /// Takes the body of an `R` message: the four bytes of its code and what follows.
    ///
    /// # Errors
    /// Of kind `Protocol` for bytes that are no such message, else of kind `Auth`: the method is not
    /// supported or not permitted, no password was given, the server could not prove that it knows the
    /// password, or it spoke out of turn. The login has then failed for good: close the connection.
    pub fn handle(&mut self, body: &[u8]) -> Result<Step, Error> {
        let (code, data) = body.split_first_chunk::<4>().ok_or_else(malformed)?;
        let code = u32::from_be_bytes(*code);
        if code == code::OK && !data.is_empty() {
            return Err(malformed());
        }
        match (mem::replace(&mut self.state, State::Failed), code) {
            (State::Challenge, code::OK) => {
                self.permit(Method::None)?;
                self.require_binding(false)?;
                self.state = State::Done;
                Ok(Step::Done)
            }
            (State::Confirmation, code::OK) => {
                self.state = State::Done;
                Ok(Step::Done)
            }
            (State::Challenge, _) => self.challenge(code, data),
            (State::ScramContinue(first), code::SASL_CONTINUE) => {
                let (message, verifier) =
                    first.respond(self.credentials.password()?, data, self.policy)?;
                self.state = State::ScramFinal(verifier);
                Ok(Step::Send(message))
            }
            (State::ScramFinal(verifier), code::SASL_FINAL) => {
                verifier.verify(data)?;
                self.state = State::Confirmation;
                Ok(Step::Wait)
            }
            (State::ScramContinue(_) | State::ScramFinal(_), code::OK) => Err(Error::auth(
                "the server accepted the login without proving that it knows the password; it may be an impostor",
            )),
            (State::Done, _) => Err(Error::auth(
                "the server went on with authentication after the login was complete",
            )),
            (State::Failed, _) => Err(Error::auth("the login has failed; open another connection")),
            _ => Err(Error::auth(format!(
                "the server sent authentication message {code} out of turn"
            ))),
        }
    }

    /// Answers the first word of the server, when it asks for something.
    fn challenge(&mut self, code: u32, data: &[u8]) -> Result<Step, Error> {
        let unsupported = |method: &str| {
            Err(Error::auth(format!(
                "the server asks for {method} authentication, which this driver does not support; give this client a line with \
                 scram-sha-256 in the server's pg_hba.conf"
            )))
        };
        let message = match code {
            code::CLEARTEXT_PASSWORD => {
                self.permit(Method::Password)?;
                self.require_binding(false)?;
                cleartext::respond(&self.credentials, data, self.policy)?
            }
            code::MD5_PASSWORD => {
                self.permit(Method::Md5)?;
                self.require_binding(false)?;
                md5::respond(&self.credentials, data)?
            }
            code::SASL => {
                let channel = scram::choose_mechanism(data, self.policy, self.channel.as_deref())?;
                self.permit(Method::ScramSha256)?;
                self.require_binding(channel.is_bound())?;
                self.credentials.password()?;
                let first = scram::ClientFirst::new(self.nonce, channel);
                let message = first.message()?;
                self.state = State::ScramContinue(first);
                return Ok(Step::Send(message));
            }
            code::KERBEROS_V5 => return unsupported("Kerberos V5"),
            code::SCM_CREDENTIAL => return unsupported("SCM credential"),
            code::GSS | code::GSS_CONTINUE => return unsupported("GSSAPI"),
            code::SSPI => return unsupported("SSPI"),
            code::SASL_CONTINUE | code::SASL_FINAL => {
                return Err(Error::auth(format!(
                    "the server sent authentication message {code} out of turn"
                )));
            }
            _ => {
                return Err(Error::protocol(format!(
                    "unknown authentication request {code}"
                )));
            }
        };
        self.state = State::Confirmation;
        Ok(Step::Send(message))
    }

    /// Refuses a way to log in that `require_auth` leaves out, before anything of the password is sent.
    fn permit(&self, method: Method) -> Result<(), Error> {
        if self.policy.methods.contains(method) {
            return Ok(());
        }
        Err(Error::auth(format!(
            "the server asks for {}, which require_auth={} does not permit",
            method.described(),
            self.policy.methods
        )))
    }

    fn require_binding(&self, is_bound: bool) -> Result<(), Error> {
        if is_bound || self.policy.channel_binding != ChannelBinding::Require {
            return Ok(());
        }
        Err(Error::auth(if self.policy.tls {
            "channel_binding=require, and the server does not bind the login to the TLS connection: it offers no SCRAM-SHA-256-PLUS, or \
             its certificate names no hash for that"
        } else {
            "channel_binding=require needs TLS; give sslmode=verify-full"
        }))
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("credentials", &self.credentials)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

fn malformed() -> Error {
    Error::protocol("the server sent a malformed authentication message")
}

#[cfg(test)]
mod tests;
