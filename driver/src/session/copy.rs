//! The sending side of COPY.

use bytes::BytesMut;

use super::Session;
use super::event::RequestId;
use super::pipeline::Expect;
use crate::error::Error;
use crate::sql;
use crate::wire::frontend;

impl Session {
    /// Starts `COPY ... FROM STDIN`. After [`Event::CopyIn`](super::Event::CopyIn) come any number of
    /// [`Session::copy_data`] and one [`Session::copy_done`] or [`Session::copy_fail`].
    ///
    /// The connection must be the caller's alone: until the COPY ends, nothing else can be sent. Any other SQL is refused
    /// before it is sent.
    pub fn copy_in(&mut self, sql: &str) -> Result<RequestId, Error> {
        sql::check_copy_in(sql)?;
        let request = self.send_query(sql, Expect::CopyIn)?;
        self.copying = true;
        Ok(request)
    }

    /// Whether the server takes COPY data now.
    pub fn is_copying(&mut self) -> bool {
        matches!(self.pipeline.head(), Some((_, Expect::CopyEnd)))
    }

    /// Adds one `CopyData` message whose body `write` appends; after an error nothing of it remains.
    ///
    /// The buffer holds bytes of other messages before that: append only, and truncate to no less than what was there.
    pub fn copy_data<T, E: From<Error>>(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.is_copying() {
            let ended = || Error::interface("no COPY is running: the server has ended it");
            return Err(self.closed.clone().unwrap_or_else(ended).into());
        }
        let start = self.outgoing.len();
        self.outgoing.extend_from_slice(b"d\0\0\0\0");
        let result = write(&mut self.outgoing).and_then(|value| {
            let length = self.outgoing.len() - start - 1;
            if length > frontend::MESSAGE_LIMIT {
                return Err(Error::data(
                    "a piece of COPY data is larger than 1 GiB; send it in parts",
                )
                .into());
            }
            let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
            if let Some(field) = self.outgoing.get_mut(start + 1..start + 5) {
                field.copy_from_slice(&length);
            }
            Ok(value)
        });
        // An empty message would be legal; leaving it out costs nothing.
        if result.is_err() || self.outgoing.len() == start + 5 {
            self.outgoing.truncate(start);
        }
        result
    }

    /// All rows are sent: the server checks constraints and answers with the count.
    pub fn copy_done(&mut self) {
        if self.is_copying() {
            frontend::copy_done(&mut self.outgoing);
            self.copying = false;
        }
    }

    /// Gives the COPY up: the server drops its rows and fails the request with SQLSTATE 57014.
    pub fn copy_fail(&mut self, reason: &str) {
        if self.is_copying() {
            self.copying = false;
            if frontend::copy_fail(reason, &mut self.outgoing).is_err() {
                self.fail(Error::data("the reason for ending a COPY is too long"));
            }
        }
    }
}
