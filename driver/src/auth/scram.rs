//! SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it (manual, section 54.3).
//!
//! Both sides prove that they know the password, or what is derived from it, and neither sends it. The
//! server's half is checked in [`Verifier::verify`]; a login without it does not count.
//!
//! PostgreSQL's departures from the RFC: the user name is left empty (the startup message has it), and a
//! password that is not valid UTF-8 or that `SASLprep` refuses is used as it is.
//!
//! Over TLS the login is bound to the connection where the server offers SCRAM-SHA-256-PLUS (RFC 5802, section 6): see
//! [`Channel`].

use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use hmac::{Hmac, KeyInit, Mac};
use postgres_protocol::message::frontend;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ChannelBinding, Policy, malformed};
use crate::error::Error;

const MECHANISM: &str = "SCRAM-SHA-256";
const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// How the login stands to the TLS connection; the beginning of the first message says so, and the proof covers it.
pub(super) enum Channel {
    /// It is not bound, and could not be.
    Unbound,
    /// It is not bound, since the server did not offer that; were this not true, the server would notice.
    NotOffered,
    /// It is bound to the connection of this name (RFC 5929, `tls-server-end-point`).
    Bound(Box<[u8]>),
}

impl Channel {
    pub fn is_bound(&self) -> bool {
        matches!(self, Self::Bound(_))
    }

    const fn mechanism(&self) -> &'static str {
        match self {
            Self::Unbound | Self::NotOffered => MECHANISM,
            Self::Bound(_) => MECHANISM_PLUS,
        }
    }

    /// The header of RFC 5801, section 4, without another identity.
    const fn header(&self) -> &'static str {
        match self {
            Self::Unbound => "n,,",
            Self::NotOffered => "y,,",
            Self::Bound(_) => "p=tls-server-end-point,,",
        }
    }

    /// The attribute `c=`.
    fn input(&self) -> String {
        let name = match self {
            Self::Unbound | Self::NotOffered => &[][..],
            Self::Bound(name) => name,
        };
        BASE64.encode([self.header().as_bytes(), name].concat())
    }
}

/// The keys that a password gives with one salt and one iteration count (RFC 5802, section 3).
///
/// Deriving them is the slow part of a login; a pool that opens many connections may keep them, since a role
/// keeps its salt until its password changes.
pub struct ScramKeys {
    client_key: Zeroizing<[u8; 32]>,
    server_key: Zeroizing<[u8; 32]>,
}

impl ScramKeys {
    /// Computes the keys: `iterations` rounds of HMAC-SHA-256, a millisecond or so for 4,096 of them. The
    /// caller has checked `iterations` against its limit; 0 counts as 1.
    pub fn derive(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let salted = salted_password(&normalize(password), salt, iterations);
        Self {
            client_key: Zeroizing::new(hmac(&*salted, b"Client Key")),
            server_key: Zeroizing::new(hmac(&*salted, b"Server Key")),
        }
    }

    fn client_proof(&self, auth_message: &str) -> [u8; 32] {
        let stored_key = Sha256::digest(*self.client_key);
        let mut proof = hmac(&stored_key, auth_message.as_bytes());
        proof
            .iter_mut()
            .zip(*self.client_key)
            .for_each(|(proof, key)| *proof ^= key);
        proof
    }

    fn server_signature(&self, auth_message: &str) -> [u8; 32] {
        hmac(&*self.server_key, auth_message.as_bytes())
    }
}

/// Reads the list of `AuthenticationSASL` and chooses among what it offers. `channel` names the TLS connection.
pub(super) fn choose_mechanism(
    data: &[u8],
    policy: Policy,
    channel: Option<&[u8]>,
) -> Result<Channel, Error> {
    // Zero-terminated names, then an empty one.
    let names = data.strip_suffix(b"\0\0").ok_or_else(malformed)?;
    let offers = |wanted: &str| {
        names
            .split(|byte| *byte == 0)
            .any(|name| name == wanted.as_bytes())
    };

    let bound = channel.filter(|_| policy.channel_binding != ChannelBinding::Disable);
    if offers(MECHANISM_PLUS) && !policy.tls {
        return Err(Error::auth(
            "the server offers SCRAM-SHA-256-PLUS on a connection without TLS, which no honest server does; someone may stand \
             between, so connect with sslmode=verify-full",
        ));
    }
    match bound {
        Some(name) if offers(MECHANISM_PLUS) => return Ok(Channel::Bound(name.into())),
        Some(_) if offers(MECHANISM) => return Ok(Channel::NotOffered),
        _ if offers(MECHANISM) => return Ok(Channel::Unbound),
        _ => {}
    }
    let offered: Vec<_> = names
        .split(|byte| *byte == 0)
        .take(8)
        .map(printable)
        .collect();
    Err(Error::auth(format!(
        "the server offers only {} authentication, and this driver supports SCRAM-SHA-256; give this client a line with \
         scram-sha-256 in the server's pg_hba.conf",
        offered.join(", ")
    )))
}

/// The first message, sent; expects the server's first.
pub(super) struct ClientFirst {
    nonce: String,
    channel: Channel,
}

impl ClientFirst {
    pub(super) fn new(nonce: [u8; 18], channel: Channel) -> Self {
        Self {
            nonce: BASE64.encode(nonce),
            channel,
        }
    }

    /// The `SASLInitialResponse`.
    pub(super) fn message(&self) -> Result<Vec<u8>, Error> {
        let mut out = BytesMut::new();
        let data = format!("{}{}", self.channel.header(), self.bare());
        frontend::sasl_initial_response(self.channel.mechanism(), data.as_bytes(), &mut out)
            .map_err(|_| malformed())?;
        Ok(out.into())
    }

    fn bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// Checks the server's first message, derives the keys and gives the `SASLResponse` with the proof.
    pub(super) fn respond(
        self,
        password: &[u8],
        data: &[u8],
        policy: Policy,
    ) -> Result<(Vec<u8>, Verifier), Error> {
        let server = ServerFirst::parse(data, &self.nonce, policy.max_scram_iterations)?;
        let keys = ScramKeys::derive(password, &server.salt, server.iterations);

        let without_proof = format!("c={},r={}", self.channel.input(), server.nonce);
        let auth_message = format!("{},{},{without_proof}", self.bare(), server.text);
        let proof = BASE64.encode(keys.client_proof(&auth_message));

        let mut out = BytesMut::new();
        frontend::sasl_response(format!("{without_proof},p={proof}").as_bytes(), &mut out)
            .map_err(|_| malformed())?;
        Ok((
            out.into(),
            Verifier {
                signature: keys.server_signature(&auth_message),
            },
        ))
    }
}

/// `r=nonce,s=salt,i=iterations`, checked before anything is computed from it.
struct ServerFirst<'a> {
    text: &'a str,
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> ServerFirst<'a> {
    fn parse(data: &'a [u8], client_nonce: &str, max_iterations: u32) -> Result<Self, Error> {
        let text = str::from_utf8(data).map_err(|_| malformed())?;
        if text.starts_with("m=") {
            return Err(Error::auth(
                "the server requires a SCRAM extension, and this driver knows none",
            ));
        }
        // What follows the three are optional extensions.
        let mut attributes = text.split(',');
        let mut attribute = |name| {
            attributes
                .next()
                .and_then(|text| text.strip_prefix(name))
                .ok_or_else(malformed)
        };
        let (nonce, salt, iterations): (&str, &str, &str) =
            (attribute("r=")?, attribute("s=")?, attribute("i=")?);

        if nonce.len() <= client_nonce.len() || !nonce.starts_with(client_nonce) {
            return Err(Error::auth(
                "the server's SCRAM nonce does not extend ours; the answer is a replay or belongs to another connection",
            ));
        }
        if !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed());
        }
        let salt = BASE64.decode(salt).map_err(|_| malformed())?;
        if salt.is_empty() {
            return Err(Error::auth(
                "the server sent an empty SCRAM salt, which no honest server does",
            ));
        }
        if iterations.is_empty() || !iterations.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed());
        }
        match iterations.parse::<u32>() {
            Ok(0) => Err(Error::auth(
                "the server asks for 0 SCRAM iterations, which no honest server does",
            )),
            Ok(iterations) if iterations <= max_iterations => Ok(Self {
                text,
                nonce,
                salt,
                iterations,
            }),
            _ => Err(Error::auth(format!(
                "the server asks for more than {max_iterations} SCRAM iterations, which would only keep this side busy; where \
                 that is meant, raise max_scram_iterations"
            ))),
        }
    }
}

/// The proof, sent; expects the signature of a server that knows the password's keys.
pub(super) struct Verifier {
    signature: [u8; 32],
}

impl Verifier {
    /// Checks the data of `AuthenticationSASLFinal`.
    pub(super) fn verify(&self, data: &[u8]) -> Result<(), Error> {
        let text = str::from_utf8(data).map_err(|_| malformed())?;
        let first = text.split(',').next().unwrap_or_default();
        if let Some(reason) = first.strip_prefix("e=") {
            return Err(Error::auth(format!(
                "the server refused the login: {}",
                printable(reason.as_bytes())
            )));
        }
        let signature = first.strip_prefix("v=").ok_or_else(malformed)?;
        let signature = BASE64.decode(signature).map_err(|_| malformed())?;
        if bool::from(signature.ct_eq(&self.signature)) {
            Ok(())
        } else {
            Err(Error::auth(
                "the server's SCRAM signature is wrong: it does not know the password and may be an impostor",
            ))
        }
    }
}

/// `SASLprep` where it applies, else the bytes as they are: PostgreSQL lets passwords be anything.
fn normalize(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let prepared = str::from_utf8(password)
        .ok()
        .and_then(|text| stringprep::saslprep(text).ok());
    Zeroizing::new(
        prepared.map_or_else(|| password.to_vec(), |text| text.into_owned().into_bytes()),
    )
}

/// `Hi()` of RFC 5802: PBKDF2 with HMAC-SHA-256 and one block of output.
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> Zeroizing<[u8; 32]> {
    // Keyed once and cloned for every round: half of the work would be hashing the key again.
    let keyed = keyed_hmac(password);
    let mut round: [u8; 32] = keyed
        .clone()
        .chain_update(salt)
        .chain_update([0, 0, 0, 1])
        .finalize()
        .into_bytes()
        .into();
    let mut sum = Zeroizing::new(round);
    for _ in 1..iterations {
        round = keyed
            .clone()
            .chain_update(round)
            .finalize()
            .into_bytes()
            .into();
        sum.iter_mut()
            .zip(round)
            .for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    keyed_hmac(key)
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}

/// HMAC takes a key of one block: a shorter one is filled with zeros, a longer one is hashed first (RFC
/// 2104).
fn keyed_hmac(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    if key.len() <= block.len() {
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    } else {
        block
            .iter_mut()
            .zip(Sha256::digest(key))
            .for_each(|(to, from)| *to = from);
    }
    Hmac::new(&(*block).into())
}

/// A word of the server, cut and freed of what a terminal would obey.
fn printable(word: &[u8]) -> String {
    word.iter()
        .take(40)
        .map(|byte| {
            if byte.is_ascii_graphic() {
                char::from(*byte)
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3. The user name there is `user`, which PostgreSQL leaves out; the keys know nothing
    /// of it.
    #[test]
    fn rfc_7677_example() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let keys = ScramKeys::derive(b"pencil", &salt, 4096);
        let auth_message = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
             r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
             c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        assert_eq!(
            BASE64.encode(keys.client_proof(auth_message)),
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(
            BASE64.encode(keys.server_signature(auth_message)),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
    }

    /// RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
    #[test]
    fn hmac_known_answers() {
        for (key, message, expected) in [
            (
                vec![0x0b; 20],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let digest = hmac(&key, message);
            let hex = digest.map(|byte| format!("{byte:02x}")).concat();
            assert_eq!(hex, expected);
        }
    }

    #[test]
    fn passwords_are_prepared_where_that_is_possible() {
        for (password, expected) in [
            ("pencil".as_bytes(), "pencil".as_bytes()),
            // RFC 4013, section 3: soft hyphen vanishes, compatibility characters are folded.
            ("I\u{ad}X".as_bytes(), b"IX"),
            ("\u{2168}".as_bytes(), b"IX"),
            // Prohibited, so taken as it is.
            (b"\x07", b"\x07"),
            // Not UTF-8, likewise.
            (b"\xff\xfe", b"\xff\xfe"),
        ] {
            assert_eq!(*normalize(password), expected);
        }
    }
}
