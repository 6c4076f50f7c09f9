//! The password as it is. Anyone who can read the connection can read it too, so it goes out only where that
//! was agreed to.

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use super::{Credentials, Method, Policy, malformed};
use crate::error::Error;

/// The answer to `AuthenticationCleartextPassword`.
pub(super) fn respond(
    credentials: &Credentials,
    data: &[u8],
    policy: Policy,
) -> Result<Vec<u8>, Error> {
    if !data.is_empty() {
        return Err(malformed());
    }
    if !policy.tls && !policy.allow_cleartext && !policy.methods.names(Method::Password) {
        return Err(Error::auth(
            "the server asks for the password in clear text over a connection without TLS, and it was not sent; \
             use TLS (sslmode=verify-full), or scram-sha-256 in the server's pg_hba.conf, or give \
             allow_cleartext_password=true where nobody can listen",
        ));
    }
    let mut out = BytesMut::new();
    frontend::password_message(credentials.password()?, &mut out).map_err(|_| {
        Error::auth("the password holds a zero byte, which the server cannot receive")
    })?;
    Ok(out.into())
}
