//! The engine's own socket: non-blocking reads and writes, whoever waits in between.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use data_bridge_driver::Error;
use data_bridge_driver::dial::Stream;
use data_bridge_driver::error::Kind;

use super::Engine;

/// How far a read or write came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All there was to do is done.
    Complete,
    /// There may be more, or the socket takes no more at the moment.
    Partial,
}

impl Engine {
    /// Reads once into `buffer` and hands it to the session. `Partial` if the buffer was filled, so that more may wait.
    pub fn read(&self, buffer: &mut [u8]) -> Progress {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(mut stream) = state.stream.as_deref() else {
            return Progress::Complete;
        };
        match stream.read(buffer) {
            Ok(0) => state.session.handle_eof(),
            Ok(count) => {
                state.session.handle_bytes(&buffer[..count]);
                if count == buffer.len() {
                    return Progress::Partial;
                }
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => state.session.handle_loss(lost("read from", error)),
        }
        Progress::Complete
    }

    /// Sends what there is to send. `Partial` if the socket took only a part: wait until it is writable.
    pub fn write(&self) -> Progress {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(mut stream) = state.stream.as_deref() else {
            return Progress::Complete;
        };
        loop {
            let bytes = state.session.poll_out();
            if bytes.is_empty() {
                return Progress::Complete;
            }
            match stream.write(bytes) {
                Ok(count) => state.session.advance_out(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::Partial,
                Err(error) => {
                    stream.drain_into(&mut state.session);
                    state.session.handle_loss(lost("write to", error));
                    return Progress::Complete;
                }
            }
        }
    }

    /// Bytes that wait to be sent.
    pub fn unsent(&self) -> usize {
        self.lock().session.unsent()
    }

    /// The socket, while it is open.
    pub fn fd(&self) -> Option<RawFd> {
        self.lock().stream.as_deref().map(AsRawFd::as_raw_fd)
    }

    /// The socket, for a thread that waits on it while nothing is locked.
    pub fn socket(&self) -> Option<Arc<Stream>> {
        self.lock().stream.clone()
    }

    /// Takes the socket out, to be closed by dropping it.
    pub fn take_stream(&self) -> Option<Arc<Stream>> {
        self.lock().stream.take()
    }
}

fn lost(doing: &str, error: std::io::Error) -> Error {
    Error::new(
        Kind::ConnectionLost,
        format!("could not {doing} the server: {error}"),
    )
    .with_source(error)
}
