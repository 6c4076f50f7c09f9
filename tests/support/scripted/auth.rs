//! The server's side of authentication, right and wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use super::message;

/// Fixed, so that a transcript is the same in every run.
const SERVER_NONCE: &str = "c2NyaXB0ZWQtc2VydmVy";
const SALT: &[u8] = b"scripted salt...";
const MD5_SALT: [u8; 4] = *b"salt";

/// The password of user `scripted`, where a server asks for one; no message of anybody may hold it.
pub const PASSWORD: &str = "hunter2";

/// How the server asks who is there.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// `AuthenticationOk` at once.
    #[default]
    Trust,
    /// Asks for the password as it is.
    Cleartext {
        /// The right answer.
        password: String,
    },
    /// Asks for the salted MD5 hash.
    Md5 {
        /// The right answer, before hashing.
        password: String,
    },
    /// SCRAM-SHA-256, RFC 5802 and RFC 7677.
    Scram {
        /// The right answer.
        password: String,
        /// What the server does wrong.
        fault: ScramFault,
    },
}

/// What a SCRAM server can do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScramFault {
    /// Nothing.
    #[default]
    None,
    /// The server signature is of the right length and wrong.
    WrongSignature,
    /// `AuthenticationOk` comes without `SASLFinal`: the server never proved itself.
    FinalOmitted,
    /// `AuthenticationOk` comes in place of the first challenge.
    SkippedAltogether,
    /// The nonce does not begin with the client's.
    ForeignNonce,
    /// The nonce is the client's alone.
    NonceNotExtended,
    /// The iteration count is this text.
    Iterations(&'static str),
    /// The salt is empty.
    EmptySalt,
    /// Only SCRAM-SHA-256-PLUS is offered.
    OnlyPlus,
    /// Only a mechanism that nobody knows is offered.
    UnknownMechanism,
    /// `SASLFinal` carries an error in place of a signature.
    ErrorInFinal,
    /// The first challenge is not a SCRAM message.
    Garbage,
}

/// An authentication in progress.
#[derive(Debug)]
pub struct Exchange {
    auth: Auth,
    user: String,
    /// Everything that the signatures cover, as far as it is known.
    transcript: String,
    iterations: u32,
}

/// What the server does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Sends this and waits for the client.
    Ask(Vec<u8>),
    /// Sends these and lets the client in.
    Accept(Vec<Vec<u8>>),
    /// Sends an error and hangs up.
    Reject(Vec<u8>),
}

impl Exchange {
    /// Begins to authenticate `user`.
    pub fn new(auth: Auth, user: &str) -> Self {
        Self {
            auth,
            user: user.to_owned(),
            transcript: String::new(),
            iterations: 4096,
        }
    }

    /// The server's first message.
    pub fn begin(&self) -> Verdict {
        match &self.auth {
            Auth::Trust
            | Auth::Scram {
                fault: ScramFault::SkippedAltogether,
                ..
            } => Verdict::Accept(vec![message::auth_ok()]),
            Auth::Cleartext { .. } => Verdict::Ask(message::auth_cleartext()),
            Auth::Md5 { .. } => Verdict::Ask(message::auth_md5(MD5_SALT)),
            Auth::Scram {
                fault: ScramFault::OnlyPlus,
                ..
            } => Verdict::Ask(message::auth_sasl(&["SCRAM-SHA-256-PLUS"])),
            Auth::Scram {
                fault: ScramFault::UnknownMechanism,
                ..
            } => Verdict::Ask(message::auth_sasl(&["SCRAM-SHA-1024"])),
            Auth::Scram { .. } => Verdict::Ask(message::auth_sasl(&["SCRAM-SHA-256"])),
        }
    }

    /// Answers the body of a `p` message.
    pub fn answer(&mut self, body: &[u8]) -> Verdict {
        let right = match &self.auth {
            Auth::Trust => false,
            Auth::Cleartext { password } => body == cstr(password),
            Auth::Md5 { password } => body == cstr(&md5_response(&self.user, password)),
            Auth::Scram { password, fault } => {
                let (password, fault) = (password.clone(), *fault);
                return if self.transcript.is_empty() {
                    self.scram_first(body, fault)
                } else {
                    self.scram_final(body, &password, fault)
                };
            }
        };
        if right {
            Verdict::Accept(vec![message::auth_ok()])
        } else {
            reject(&self.user)
        }
    }

    fn scram_first(&mut self, body: &[u8], fault: ScramFault) -> Verdict {
        // SASLInitialResponse: mechanism, length of the data, data.
        let end = body
            .iter()
            .position(|byte| *byte == 0)
            .expect("a mechanism name ends in NUL");
        let data = std::str::from_utf8(&body[end + 5..]).expect("SCRAM messages are UTF-8");
        // gs2 header `n,,` or `y,,`, then the bare message.
        let bare = data
            .splitn(3, ',')
            .nth(2)
            .expect("a gs2 header has two commas");
        let client_nonce = bare
            .split(",r=")
            .nth(1)
            .expect("the first message holds a nonce");
        let nonce = match fault {
            ScramFault::ForeignNonce => format!("x{SERVER_NONCE}"),
            ScramFault::NonceNotExtended => client_nonce.to_owned(),
            _ => format!("{client_nonce}{SERVER_NONCE}"),
        };
        let salt = if fault == ScramFault::EmptySalt {
            String::new()
        } else {
            BASE64.encode(SALT)
        };
        let iterations = match fault {
            ScramFault::Iterations(text) => text,
            _ => "4096",
        };
        self.iterations = iterations.parse().unwrap_or(1);
        let first = match fault {
            ScramFault::Garbage => "HTTP/1.1 200 OK".to_owned(),
            _ => format!("r={nonce},s={salt},i={iterations}"),
        };
        self.transcript = format!("{bare},{first}");
        Verdict::Ask(message::auth_sasl_continue(first.as_bytes()))
    }

    fn scram_final(&mut self, body: &[u8], password: &str, fault: ScramFault) -> Verdict {
        let last = std::str::from_utf8(body).expect("SCRAM messages are UTF-8");
        let Some((without_proof, proof)) = last.split_once(",p=") else {
            return reject(&self.user);
        };
        let signed = format!("{},{without_proof}", self.transcript);

        let salted = hi(password.as_bytes(), SALT, self.iterations);
        let client_key = hmac(&salted, b"Client Key");
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        let client_signature = hmac(&stored_key, signed.as_bytes());
        let expected: Vec<u8> = client_key
            .iter()
            .zip(client_signature)
            .map(|(k, s)| k ^ s)
            .collect();
        if BASE64.decode(proof).ok() != Some(expected) {
            return reject(&self.user);
        }

        let mut signature = hmac(&hmac(&salted, b"Server Key"), signed.as_bytes());
        if fault == ScramFault::WrongSignature {
            signature[31] ^= 1;
        }
        let last = match fault {
            ScramFault::ErrorInFinal => "e=other-error".to_owned(),
            _ => format!("v={}", BASE64.encode(signature)),
        };
        match fault {
            ScramFault::FinalOmitted => Verdict::Accept(vec![message::auth_ok()]),
            _ => Verdict::Accept(vec![
                message::auth_sasl_final(last.as_bytes()),
                message::auth_ok(),
            ]),
        }
    }
}

fn reject(user: &str) -> Verdict {
    let text = format!("password authentication failed for user \"{user}\"");
    Verdict::Reject(message::error("FATAL", "28P01", &text))
}

fn cstr(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

/// `md5` + hex(md5(hex(md5(password + user)) + salt)), see the manual's `AuthenticationMD5Password`.
fn md5_response(user: &str, password: &str) -> String {
    let inner = hex(&Md5::digest([password, user].concat()));
    format!(
        "md5{}",
        hex(&Md5::digest([inner.as_bytes(), &MD5_SALT].concat()))
    )
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("four bits");
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// `Hi()` of RFC 5802: PBKDF2 with one block.
fn hi(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut block = hmac(password, &[salt, &1u32.to_be_bytes()].concat());
    let mut result = block;
    for _ in 1..iterations {
        block = hmac(password, &block);
        for (out, byte) in result.iter_mut().zip(block) {
            *out ^= byte;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};

    /// Logs in with an independent client.
    fn log_in(given: &str, fault: ScramFault) -> Result<(), String> {
        let auth = Auth::Scram {
            password: "right".into(),
            fault,
        };
        let mut server = Exchange::new(auth, "u");
        let mut client = ScramSha256::new(given.as_bytes(), ChannelBinding::unsupported());
        let Verdict::Ask(_) = server.begin() else {
            return Err("not asked".into());
        };
        let mut first = cstr(SCRAM_SHA_256);
        first.extend_from_slice(&u32::try_from(client.message().len()).unwrap().to_be_bytes());
        first.extend_from_slice(client.message());
        let Verdict::Ask(challenge) = server.answer(&first) else {
            return Err("refused".into());
        };
        client
            .update(&challenge[9..])
            .map_err(|error| error.to_string())?;
        match server.answer(client.message()) {
            Verdict::Accept(messages) if messages.len() == 2 => client
                .finish(&messages[0][9..])
                .map_err(|error| error.to_string()),
            verdict => Err(format!("{verdict:?}")),
        }
    }

    #[test]
    fn an_independent_client_logs_in() {
        log_in("right", ScramFault::None).unwrap();
        let error = log_in("wrong", ScramFault::None).unwrap_err();
        assert!(error.starts_with("Reject"), "{error}");
    }

    #[test]
    fn an_independent_client_sees_the_faults() {
        for fault in [
            ScramFault::WrongSignature,
            ScramFault::FinalOmitted,
            ScramFault::ErrorInFinal,
            ScramFault::Garbage,
            ScramFault::Iterations("20000000"),
        ] {
            assert!(log_in("right", fault).is_err(), "{fault:?}");
        }
    }

    #[test]
    fn passwords_and_md5_are_checked() {
        let md5 = postgres_protocol::authentication::md5_hash(b"u", b"pw", MD5_SALT);
        for (auth, right) in [
            (
                Auth::Cleartext {
                    password: "pw".into(),
                },
                "pw".to_owned(),
            ),
            (
                Auth::Md5 {
                    password: "pw".into(),
                },
                md5,
            ),
        ] {
            let mut exchange = Exchange::new(auth, "u");
            assert!(matches!(exchange.begin(), Verdict::Ask(_)));
            assert_eq!(
                exchange.answer(&cstr(&right)),
                Verdict::Accept(vec![message::auth_ok()])
            );
            assert!(matches!(exchange.answer(&cstr("no")), Verdict::Reject(_)));
        }
    }
}
