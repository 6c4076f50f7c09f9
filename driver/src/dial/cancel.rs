//! Asking the server to stop what it is doing (PostgreSQL manual, "Canceling Requests in Progress").

use std::fmt;
use std::io::{Read, Write};
use std::time::Duration;

use bytes::BytesMut;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::sync::Arc;

use super::Deadline;
use crate::config::Address;
use crate::error::Error;
use crate::session::CancelKey;
use crate::session::tls::Tls;
use crate::wire::frontend;

/// Sends cancel requests for one session: to the same address and under the same TLS settings.
#[derive(Clone)]
pub struct Canceller {
    pub(super) address: Address,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) key: Option<CancelKey>,
}

impl Canceller {
    /// Asks the server to cancel what the session runs at this moment, and waits until it has taken the request.
    ///
    /// The caller makes sure that the request that is to be cancelled heads the session's pipeline with nothing behind
    /// it, and sends nothing more until this has returned: a cancel hits whatever runs when it arrives.
    pub fn cancel(&self, timeout: Duration) -> Result<(), Error> {
        let Some(key) = &self.key else {
            return Err(Error::not_supported(
                "the server gave no key for cancel requests",
            ));
        };
        let deadline = Deadline::after(timeout);
        let mut stream = super::connect_socket(&self.address, deadline)?;
        let failed = |error| Error::io("send a cancel request", error);
        stream
            .set_timeout(Some(deadline.remaining()?))
            .map_err(failed)?;
        let mut request = BytesMut::new();
        frontend::cancel_request(key.process, &key.secret, &mut request);
        match &self.tls {
            None => stream.write_all(&request).map_err(failed)?,
            Some((config, name)) => {
                let mut hello = BytesMut::new();
                frontend::ssl_request(&mut hello);
                stream.write_all(&hello).map_err(failed)?;
                let mut reply = [0];
                stream.read_exact(&mut reply).map_err(failed)?;
                if reply != *b"S" {
                    return Err(Error::tls("the server refused TLS for a cancel request"));
                }
                let mut tls = Tls::new(Arc::clone(config), name.clone())?;
                let mut ciphertext = BytesMut::new();
                loop {
                    tls.send(&mut request, &mut ciphertext)?;
                    stream.write_all(&ciphertext).map_err(failed)?;
                    ciphertext.clear();
                    if request.is_empty() && !tls.is_handshaking() {
                        break;
                    }
                    let mut buffer = [0; 4096];
                    let count = stream.read(&mut buffer).map_err(failed)?;
                    if count == 0 {
                        return Err(Error::tls(
                            "the server closed a cancel request before it was sent",
                        ));
                    }
                    tls.receive(
                        buffer.get(..count).unwrap_or_default(),
                        &mut BytesMut::new(),
                    )?;
                }
            }
        }
        // The server closes this connection after it has signalled the backend. Until then the cancel may still be on
        // its way, and could hit whatever the session runs next.
        let mut buffer = [0; 512];
        while matches!(stream.read(&mut buffer), Ok(count) if count > 0) {
            stream
                .set_timeout(Some(deadline.remaining()?))
                .map_err(failed)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
