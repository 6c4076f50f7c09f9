//! TLS as a filter between two byte buffers: rustls without a socket.
//!
//! The session hands in what it received and takes out what is to be sent; the handshake happens on the way.

mod explain;

use std::fmt;
use std::io::{BufRead as _, ErrorKind, Write as _};
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, BytesMut};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::tls_config;
use crate::error::{Error, Outcome};

/// Plaintext given to rustls at a time: one TLS record, so that its own buffers stay small.
const RECORD: usize = 16 * 1024;

/// One TLS connection, the client's side.
pub struct Tls {
    connection: ClientConnection,
    /// The server has said that it will send nothing more.
    closed_by_server: bool,
}

impl Tls {
    /// Starts a connection; the first [`send`](Self::send) writes the `ClientHello`.
    ///
    /// # Errors
    /// Of kind `Tls` when the configuration cannot be used for this server.
    pub fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, Error> {
        let connection = ClientConnection::new(config, name).map_err(explain::error)?;
        Ok(Self {
            connection,
            closed_by_server: false,
        })
    }

    /// Takes bytes as they came from the socket, cut anywhere, and appends what they say to `plaintext`.
    ///
    /// The answer of TLS itself (its handshake, alerts, key updates) waits to be [sent](Self::wants_write);
    /// after an error too, since the alert that tells the server why should still go out.
    ///
    /// # Errors
    /// Of kind `Tls`, with the reason and what to do: a certificate that is not accepted, a refused
    /// handshake, bytes that are not TLS. What arrived before the fault is in `plaintext`. The connection is
    /// of no more use.
    pub fn receive(
        &mut self,
        mut ciphertext: &[u8],
        plaintext: &mut BytesMut,
    ) -> Result<(), Error> {
        while !ciphertext.is_empty() && !self.closed_by_server {
            let before = ciphertext.len();
            self.connection
                .read_tls(&mut ciphertext)
                .map_err(|error| self.broken(explain::io(error)))?;
            let result = self.connection.process_new_packets();
            self.take_plaintext(plaintext);
            let state = result.map_err(|error| self.broken(explain::error(error)))?;
            self.closed_by_server = state.peer_has_closed();
            if ciphertext.len() == before && !self.closed_by_server {
                return Err(self.broken(Error::tls("the TLS connection does not go on")));
            }
        }
        Ok(())
    }

    /// Encrypts `plaintext` into `ciphertext`, before which TLS's own messages go out. While the handshake
    /// runs `plaintext` stays where it is.
    ///
    /// # Errors
    /// Of kind `Tls`, when rustls cannot encrypt any more.
    pub fn send(
        &mut self,
        plaintext: &mut BytesMut,
        ciphertext: &mut BytesMut,
    ) -> Result<(), Error> {
        self.flush(ciphertext)?;
        while !plaintext.is_empty() && !self.is_handshaking() {
            let record = plaintext.get(..RECORD).unwrap_or(plaintext);
            let taken = self
                .connection
                .writer()
                .write(record)
                .map_err(|error| self.broken(explain::io(error)))?;
            plaintext.advance(taken);
            self.flush(ciphertext)?;
        }
        Ok(())
    }

    /// Says goodbye to the server, so that it can tell an end from a cut.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn close(&mut self, ciphertext: &mut BytesMut) -> Result<(), Error> {
        self.connection.send_close_notify();
        self.flush(ciphertext)
    }

    /// Whether the handshake still runs: nothing of the session can be sent or received yet.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the server agreed to PostgreSQL's protocol by its registered name (ALPN, RFC 7301).
    pub fn speaks_postgres(&self) -> bool {
        self.connection.alpn_protocol() == Some(tls_config::PROTOCOL)
    }

    /// The certificate that the server showed (DER), once the handshake is over.
    pub fn server_certificate(&self) -> Option<&[u8]> {
        let first = self.connection.peer_certificates()?.first()?;
        Some(first)
    }

    /// Whether TLS itself has something to send.
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Whether the server ended the connection in order (`close_notify`). An end of file without it may be a
    /// cut by somebody in between, and whatever was to come is unknown.
    pub fn closed_by_server(&self) -> bool {
        self.closed_by_server
    }

    fn take_plaintext(&mut self, plaintext: &mut BytesMut) {
        let mut reader = self.connection.reader();
        // The end of the data is an empty chunk, `WouldBlock` or `UnexpectedEof`, depending on how the
        // connection stands.
        while let Ok(chunk) = reader.fill_buf() {
            if chunk.is_empty() {
                return;
            }
            plaintext.extend_from_slice(chunk);
            let taken = chunk.len();
            reader.consume(taken);
        }
    }

    fn flush(&mut self, ciphertext: &mut BytesMut) -> Result<(), Error> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut (&mut *ciphertext).writer()) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(explain::io(error))),
            }
        }
        Ok(())
    }

    /// After the handshake a fault may hit requests that are under way.
    fn broken(&self, error: Error) -> Error {
        if self.is_handshaking() {
            error
        } else {
            error.with_outcome(Outcome::Unknown)
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("version", &self.connection.protocol_version())
            .field("handshaking", &self.is_handshaking())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
