//! Asking the server to stop what it is doing (PostgreSQL manual, "Canceling Requests in Progress").

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use bytes::BytesMut;

use super::endpoint::Endpoint;
use super::timed::{Timed, is_timeout};
use super::{Deadline, refused};
use crate::config::{Address, TcpOptions};
use crate::error::Error;
use crate::session::{CancelKey, Encryption};
use crate::wire::frontend;

/// Sends cancel requests for one session: to the very address that it was opened with, whatever its host's name means by
/// now, and under the same TLS settings.
#[derive(Clone)]
pub struct Canceller {
    pub(super) endpoint: Endpoint,
    /// For messages.
    pub(super) address: Address,
    pub(super) tcp: TcpOptions,
    pub(super) tls: Option<Encryption>,
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
        let stream = self
            .endpoint
            .open(self.tcp, deadline)
            .map_err(|error| refused(&self.address, error))?;
        let mut socket = Timed::new(&stream, deadline);
        let mut request = BytesMut::new();
        frontend::cancel_request(key.process, &key.secret, &mut request);
        match &self.tls {
            None => socket.write_all(&request).map_err(failed)?,
            Some(encryption) => send_encrypted(&mut socket, encryption, request)?,
        }
        // The server closes this connection after it has signalled the backend. Until then the cancel may still be on
        // its way, and could hit whatever the session runs next.
        let mut buffer = [0; 512];
        loop {
            match socket.read(&mut buffer) {
                Ok(1..) => {}
                Err(error) if is_timeout(&error) => return Err(failed(error)),
                Ok(0) | Err(_) => return Ok(()),
            }
        }
    }
}

/// Begins TLS as the session did, and sends `request` through it.
fn send_encrypted(
    socket: &mut Timed<'_>,
    encryption: &Encryption,
    mut request: BytesMut,
) -> Result<(), Error> {
    let mut tls = encryption.start()?;
    let mut bytes = BytesMut::new();
    if !encryption.direct {
        frontend::ssl_request(&mut bytes);
        socket.write_all(&bytes).map_err(failed)?;
        let mut reply = [0];
        socket.read_exact(&mut reply).map_err(failed)?;
        if reply != *b"S" {
            return Err(Error::tls("the server refused TLS for a cancel request"));
        }
    }
    let mut buffer = [0; 4096];
    loop {
        bytes.clear();
        tls.send(&mut request, &mut bytes)?;
        socket.write_all(&bytes).map_err(failed)?;
        if request.is_empty() && !tls.is_handshaking() {
            return Ok(());
        }
        let count = socket.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Err(Error::tls(
                "the server closed a cancel request before it was sent",
            ));
        }
        let received = buffer.get(..count).unwrap_or_default();
        tls.receive(received, &mut BytesMut::new())?;
    }
}

fn failed(error: io::Error) -> Error {
    if is_timeout(&error) {
        return Error::timeout("a cancel request did not get through to the server in time");
    }
    Error::io("send a cancel request", error)
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::config::Config;
    use crate::error::Kind;
    use crate::session::tls_config::{self, TlsSettings, Verification};

    const TIMEOUT: Duration = Duration::from_millis(300);

    /// A canceller whose server answers with `greeting`, then with a byte from time to time, without end.
    fn trickling(greeting: &'static [u8], is_encrypted: bool) -> Canceller {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let own = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut result = stream.write_all(greeting);
            while result.is_ok() {
                thread::sleep(TIMEOUT / 10);
                result = stream.write_all(&[0]);
            }
        });
        let tls = is_encrypted.then(|| Encryption {
            config: tls_config::client_config(&TlsSettings::new(Verification::Optional)).unwrap(),
            name: tls_config::server_name("localhost").unwrap(),
            direct: false,
        });
        let config = Config::builder().host("127.0.0.1").user("me").build();
        let config = config.unwrap();
        Canceller {
            endpoint: Endpoint::Tcp(own),
            address: config.targets()[0].address().clone(),
            tcp: config.tcp(),
            tls,
            key: Some(CancelKey {
                process: 1,
                secret: Box::from(*b"key!"),
            }),
        }
    }

    #[test]
    fn one_deadline_is_for_all_of_it() {
        // A TLS handshake record of 16 KiB, which will take its time.
        let in_a_record = b"S\x16\x03\x03\x40\0\x02\0\x3f\xfc";
        for (greeting, is_encrypted) in [(&b""[..], false), (in_a_record, true)] {
            let canceller = trickling(greeting, is_encrypted);
            let start = Instant::now();
            let error = canceller.cancel(TIMEOUT).unwrap_err();
            let taken = start.elapsed();
            assert_eq!(error.kind(), Kind::Timeout, "{error:?}");
            assert!(taken < TIMEOUT * 2, "TLS {is_encrypted}: {taken:?}");
        }
    }
}
