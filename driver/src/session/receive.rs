//! The receiving side: each message is met with what the pipeline expects.

use bytes::BytesMut;

use super::event::Event;
use super::pipeline::{Expect, Outstanding};
use super::startup::Phase;
use super::{KEPT_CAPACITY, Receiving, Session};
use crate::error::{DbError, Error, Kind, Outcome};
use crate::wire::frame::{self, HEADER, Header};
use crate::wire::{CommandTag, backend, rows};

/// Distinct run-time parameters that are remembered; PostgreSQL reports about fifteen.
const PARAMETER_LIMIT: usize = 256;

impl Session {
    /// Takes bytes that came from the server.
    pub fn handle_bytes(&mut self, received: &[u8]) {
        if matches!(self.phase, Phase::Closed) || received.is_empty() {
            return;
        }
        let result = if let Some(tls) = &mut self.tls {
            tls.receive(received, &mut self.incoming)
        } else {
            self.incoming.extend_from_slice(received);
            Ok(())
        };
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// The server has closed its side.
    pub fn handle_eof(&mut self) {
        if matches!(self.receiving, Receiving::Open) {
            self.receiving = Receiving::Ended;
        }
    }

    /// The connection broke in reading or writing; `error` says how. What was received before is still told: often it is
    /// the server's reason, which tells more than a broken pipe. So a front whose write failed first hands over what is
    /// left to be read.
    pub fn handle_loss(&mut self, error: Error) {
        if matches!(self.receiving, Receiving::Open) {
            self.receiving = Receiving::Broken(error);
        }
    }

    /// The next thing that happened; `None` until more bytes arrive.
    pub fn poll_event(&mut self) -> Option<Event> {
        while self.closed.is_none() {
            match self.step() {
                Ok(Step::Event(event)) => return Some(event),
                Ok(Step::Silent) => {}
                Ok(Step::Starved) if !matches!(self.receiving, Receiving::Open) => {
                    let error = self.end_of_file();
                    self.fail(error);
                }
                Ok(Step::Starved) => {
                    self.give_back_memory();
                    return None;
                }
                Err(error) => self.fail(error),
            }
        }
        self.wind_up()
    }

    fn step(&mut self) -> Result<Step, Error> {
        match &mut self.phase {
            Phase::TlsReply(_) => return self.tls_reply(),
            Phase::TlsHandshake(_) => return self.tls_handshake(),
            Phase::Authenticating(_) | Phase::Starting | Phase::Ready | Phase::Closed => {}
        }
        let Some(Header { tag, total }) = frame::header(&self.incoming, self.phase.frame_limit())?
        else {
            return Ok(Step::Starved);
        };
        if self.incoming.len() < total {
            return Ok(Step::Starved);
        }
        if tag == b'D' {
            return self.rows();
        }
        let message = self.incoming.split_to(total);
        let body = message.get(HEADER..).unwrap_or_default();
        match tag {
            b'N' => {
                let notice = DbError::parse(body)?;
                if self.pipeline.len() == 0 || notice.code().as_str() == "57P02" {
                    // A crash of another backend is announced by a warning, then the socket closes.
                    self.farewell = Some(notice.clone());
                }
                Ok(Step::Event(Event::Notice(notice)))
            }
            b'S' => self.parameter_status(body),
            b'A' => Ok(Step::Event(Event::Notification(backend::notification(
                body,
            )?))),
            b'E' => self.error_response(DbError::parse(body)?),
            _ if matches!(self.phase, Phase::Ready) => self.answer(tag, body),
            _ => self.startup_message(tag, body),
        }
    }

    /// An answer to the request at the head of the pipeline.
    fn answer(&mut self, tag: u8, body: &[u8]) -> Result<Step, Error> {
        let Some((outstanding, expected)) = self.pipeline.head() else {
            return Err(unexpected(tag, "while no request was outstanding"));
        };
        let request = outstanding.id;
        match (expected, tag) {
            (Expect::Parse, b'1') => backend::empty("ParseComplete", body)?,
            (Expect::Bind, b'2') => backend::empty("BindComplete", body)?,
            (Expect::Close, b'3') => backend::empty("CloseComplete", body)?,
            (Expect::Parameters, b't') => {
                let parameters = backend::parameter_description(body)?;
                if let Some(draft) = &mut outstanding.draft {
                    draft.parameters = parameters;
                }
            }
            (Expect::SameParameters, b't') => drop(backend::parameter_description(body)?),
            (Expect::SameColumns, b'T') => drop(backend::row_description(body)?),
            (Expect::SameColumns, b'n') => backend::empty("NoData", body)?,
            (Expect::Columns, b'T' | b'n') => {
                let columns = if tag == b'T' {
                    Some(backend::row_description(body)?)
                } else {
                    backend::empty("NoData", body)?;
                    None
                };
                outstanding.columns = columns
                    .as_ref()
                    .and_then(|columns| u16::try_from(columns.len()).ok());
                let draft = outstanding.draft.take();
                self.pipeline.answered();
                return Ok(match draft {
                    Some(draft) => {
                        let statement = self.statements.prepared(draft, columns);
                        Step::Event(Event::Prepared { request, statement })
                    }
                    None => Step::Silent,
                });
            }
            (Expect::Rows(_) | Expect::DescribedRows | Expect::Command | Expect::CopyEnd, b'C') => {
                let tag = backend::command_complete(body)?;
                self.pipeline.answered();
                return Ok(self.command_done(request, tag));
            }
            (Expect::Rows(_) | Expect::DescribedRows | Expect::Command, b'I') => {
                backend::empty("EmptyQueryResponse", body)?;
                self.pipeline.answered();
                return Ok(Step::Event(Event::Done {
                    request,
                    tag: CommandTag::empty(),
                }));
            }
            (Expect::Rows(_) | Expect::DescribedRows, b's') => {
                backend::empty("PortalSuspended", body)?;
                self.pipeline.answered();
                return Ok(Step::Event(Event::Suspended { request }));
            }
            (Expect::CopyIn, b'G') => {
                let (format, columns) = backend::copy_in_response(body)?;
                self.pipeline.replace_head(Expect::CopyEnd);
                return Ok(Step::Event(Event::CopyIn {
                    request,
                    format,
                    columns,
                }));
            }
            (
                Expect::Rows(_) | Expect::DescribedRows | Expect::Command | Expect::Simple,
                b'G' | b'H' | b'W',
            ) => {
                return Err(Error::protocol(
                    "the server started a COPY in answer to a statement that is none",
                ));
            }
            (Expect::Simple, _) => return self.simple_answer(tag, body),
            (Expect::Sync, b'Z') => return self.ready(body),
            _ => return Err(unexpected(tag, "in answer to a request")),
        }
        self.pipeline.answered();
        Ok(Step::Silent)
    }

    fn simple_answer(&mut self, tag: u8, body: &[u8]) -> Result<Step, Error> {
        let Some((outstanding, _)) = self.pipeline.head() else {
            return Ok(Step::Silent);
        };
        let request = outstanding.id;
        match tag {
            b'T' => {
                let columns = backend::row_description(body)?;
                outstanding.columns = u16::try_from(columns.len()).ok();
                outstanding.open = true;
                Ok(Step::Silent)
            }
            b'C' => {
                outstanding.open = false;
                outstanding.columns = None;
                let tag = backend::command_complete(body)?;
                Ok(self.command_done(request, tag))
            }
            b'I' => {
                outstanding.open = false;
                backend::empty("EmptyQueryResponse", body)?;
                Ok(Step::Event(Event::Done {
                    request,
                    tag: CommandTag::empty(),
                }))
            }
            b'Z' if !outstanding.open => {
                self.pipeline.answered();
                self.ready(body)
            }
            _ => Err(unexpected(tag, "in answer to a simple query")),
        }
    }

    fn command_done(&mut self, request: super::RequestId, tag: CommandTag) -> Step {
        if tag.drops_statements() {
            self.statements.forget_all();
        }
        Step::Event(Event::Done { request, tag })
    }

    fn ready(&mut self, body: &[u8]) -> Result<Step, Error> {
        self.status = backend::ready_for_query(body)?;
        match self.pipeline.finish() {
            Some(Outstanding { id, draft, .. }) => {
                if draft.is_some() {
                    self.statements.settle(id);
                }
                Ok(Step::Event(Event::Finished { request: id }))
            }
            None => Err(unexpected(b'Z', "while no request was outstanding")),
        }
    }

    fn error_response(&mut self, error: DbError) -> Result<Step, Error> {
        if error.is_fatal() || !matches!(self.phase, Phase::Ready) {
            // The connection ends with this; whoever waits gets the server's own words.
            let fatal = Error::from(error);
            return Err(fatal);
        }
        let Some((outstanding, _)) = self.pipeline.head() else {
            self.farewell = Some(error);
            return Err(Error::protocol(
                "the server sent an error while no request was outstanding",
            ));
        };
        let request = outstanding.id;
        if std::mem::replace(&mut outstanding.failed, true) {
            return Err(Error::protocol("the server failed one request twice"));
        }
        self.statements.settle(request);
        if matches!(
            self.pipeline.head(),
            Some((_, Expect::CopyIn | Expect::CopyEnd))
        ) {
            self.copying = false;
        }
        self.pipeline.skip_to_sync();
        Ok(Step::Event(Event::Failed {
            request,
            error: Error::from(error),
        }))
    }

    fn parameter_status(&mut self, body: &[u8]) -> Result<Step, Error> {
        let (name, value) = backend::parameter_status(body)?;
        if name == "client_encoding" && value != "UTF8" {
            return Err(Error::protocol(format!(
                "the server changed client_encoding to {value}; this driver speaks UTF8 only, do not SET it"
            )));
        }
        if self.parameters.len() < PARAMETER_LIMIT || self.parameters.contains_key(&name) {
            self.parameters.insert(name, value);
        }
        Ok(Step::Silent)
    }

    /// Splits off the run of rows at the start of `incoming`, checked and uncopied.
    fn rows(&mut self) -> Result<Step, Error> {
        let limit = self.phase.frame_limit();
        let (request, columns) = match self.pipeline.head() {
            Some((outstanding, Expect::Rows(columns))) => (outstanding.id, Some(columns)),
            Some((outstanding, Expect::DescribedRows | Expect::Simple)) => {
                (outstanding.id, outstanding.columns)
            }
            _ => return Err(unexpected(b'D', "while no rows were due")),
        };
        let columns = columns.ok_or_else(|| unexpected(b'D', "without a description"))?;
        let mut end = 0;
        let mut count = 0;
        while let Some(rest) = self.incoming.get(end..) {
            if rest.first() != Some(&b'D') {
                break;
            }
            match row_at(rest, limit, columns) {
                Ok(Some(total)) => {
                    end += total;
                    count += 1;
                }
                Ok(None) => break,
                // Good rows before a bad one are told, as they would have been had they come by themselves; the next
                // step then meets the bad one.
                Err(_) if count > 0 => break,
                Err(error) => return Err(error),
            }
        }
        let bytes = self.incoming.split_to(end).freeze();
        Ok(Step::Event(Event::Rows {
            request,
            rows: rows::RowBatch::new(bytes, count, columns),
        }))
    }

    fn end_of_file(&mut self) -> Error {
        let what = match self.phase {
            Phase::Ready if self.incoming.is_empty() => "the server closed the connection",
            Phase::Ready => "the server closed the connection in the middle of a message",
            _ => "the server closed the connection during startup",
        };
        let error = match &self.receiving {
            Receiving::Broken(error) => error.clone(),
            Receiving::Open | Receiving::Ended => Error::new(Kind::ConnectionLost, what),
        };
        match self.farewell.take() {
            Some(reason) => error.with_source(Error::from(reason)),
            None => error,
        }
    }

    /// After the end: fails what is outstanding, one request at a time, then says so once.
    fn wind_up(&mut self) -> Option<Event> {
        let error = self.closed.clone()?;
        if let Some(request) = self.winding.take() {
            return Some(Event::Finished { request });
        }
        if let Some(Outstanding {
            id: request,
            start,
            failed,
            ..
        }) = self.pipeline.abandon()
        {
            if failed {
                return Some(Event::Finished { request });
            }
            self.winding = Some(request);
            // The request at the head may have been what the server answered with its last words.
            let outcome = if start >= self.sent {
                Outcome::NotSent
            } else {
                Outcome::Unknown
            };
            return Some(Event::Failed {
                request,
                error: error.with_outcome(outcome),
            });
        }
        (!std::mem::replace(&mut self.told, true)).then_some(Event::Closed(error))
    }

    fn give_back_memory(&mut self) {
        if self.incoming.is_empty() && self.incoming.capacity() > KEPT_CAPACITY {
            self.incoming = BytesMut::new();
        }
    }
}

/// The length of the complete and valid row at the start of `bytes`; `None` if it has not all come.
#[inline]
fn row_at(bytes: &[u8], limit: usize, columns: u16) -> Result<Option<usize>, Error> {
    let Some(Header { total, .. }) = frame::header(bytes, limit)? else {
        return Ok(None);
    };
    let Some(body) = bytes.get(HEADER..total) else {
        return Ok(None);
    };
    rows::check_row(body, columns)?;
    Ok(Some(total))
}

/// How far a message led.
pub(super) enum Step {
    Event(Event),
    /// Something was handled that concerns nobody outside.
    Silent,
    /// More bytes are needed.
    Starved,
}

pub(super) fn unexpected(tag: u8, when: &str) -> Error {
    Error::protocol(format!(
        "the server sent a message of type '{}' {when}",
        char::from(tag)
    ))
}
