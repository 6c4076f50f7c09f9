//! `md5`: `"md5" + hex(md5(hex(md5(password + user)) + salt))` (manual, section 54.2.1).
//!
//! Deprecated since PostgreSQL 18, and it proves nothing about the server; kept for servers whose stored
//! passwords are still md5.

use bytes::BytesMut;
use md5::{Digest, Md5};
use postgres_protocol::message::frontend;
use zeroize::Zeroizing;

use super::{Credentials, malformed};
use crate::error::Error;

/// The answer to `AuthenticationMD5Password`, whose data are the four bytes of the salt.
pub(super) fn respond(credentials: &Credentials, data: &[u8]) -> Result<Vec<u8>, Error> {
    let salt: &[u8; 4] = data.try_into().map_err(|_| malformed())?;
    let secret = hex_md5(credentials.password()?, credentials.user.as_bytes());
    let response = hex_md5(secret.as_bytes(), salt);

    let mut out = BytesMut::new();
    frontend::password_message(format!("md5{}", *response).as_bytes(), &mut out)
        .map_err(|_| malformed())?;
    Ok(out.into())
}

fn hex_md5(head: &[u8], tail: &[u8]) -> Zeroizing<String> {
    let hash = Md5::new().chain_update(head).chain_update(tail).finalize();
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    Zeroizing::new(
        hash.iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)])
            .collect(),
    )
}
