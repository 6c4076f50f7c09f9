//! The honest server: a sans-I/O model of one PostgreSQL backend.
//!
//! ```text
//!   Startup ──► Authenticating ──► Ready ◄──────────┐ Sync, or the end of a simple query
//!                     │              │ error        │
//!                     ▼              ▼              │
//!                  Closed        Skipping ──────────┤ (extended query: all is dropped up to Sync)
//!                                CopyIn   ──────────┤ CopyDone, CopyFail
//!                                Asleep   ──────────┘ cancelled
//! ```

use std::collections::{HashMap, VecDeque};

use super::answer::{Answer, Rows, Value, format_at, parameter_types};
use super::auth::{Auth, Exchange, Verdict};
use super::frontend::Frontend;
use super::message;

/// One thing that the server sends or does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A message.
    Message(Vec<u8>),
    /// Bytes that are no message: the answer to `SSLRequest`.
    Raw(Vec<u8>),
    /// The end of the connection.
    Close,
}

/// What a backend is before its client comes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How clients prove who they are.
    pub auth: Auth,
    /// For `BackendKeyData`.
    pub pid: i32,
    /// For `BackendKeyData`.
    pub secret: Vec<u8>,
    /// Sent as `ParameterStatus` after authentication.
    pub parameters: Vec<(&'static str, &'static str)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auth: Auth::Trust,
            pid: 1,
            secret: vec![0, 0, 0, 1],
            parameters: vec![
                ("client_encoding", "UTF8"),
                ("DateStyle", "ISO, MDY"),
                ("integer_datetimes", "on"),
                ("IntervalStyle", "postgres"),
                ("server_encoding", "UTF8"),
                ("server_version", "18.4"),
                ("standard_conforming_strings", "on"),
                ("TimeZone", "UTC"),
            ],
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Startup,
    Authenticating,
    Ready,
    /// Drops everything up to Sync after an error in the extended protocol.
    Skipping,
    /// `true`: begun by a simple query, which ends with `ReadyForQuery` of its own.
    CopyIn(bool),
    /// Runs until cancelled; `true` as above.
    Asleep(bool),
    Closed,
}

#[derive(Debug, Clone)]
struct Statement {
    sql: String,
    oids: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Portal {
    sql: String,
    parameters: Vec<Value>,
    formats: Vec<i16>,
    sent: i32,
}

/// The backend's state.
#[derive(Debug)]
pub struct Backend {
    settings: Settings,
    phase: Phase,
    exchange: Option<Exchange>,
    /// As in `ReadyForQuery`.
    status: u8,
    statements: HashMap<String, Statement>,
    portals: HashMap<String, Portal>,
    copied: usize,
    refusal: Option<Vec<u8>>,
    backlog: VecDeque<Frontend>,
    out: Vec<Reply>,
}

impl Backend {
    /// A backend that waits for its startup packet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Startup,
            exchange: None,
            status: b'I',
            statements: HashMap::new(),
            portals: HashMap::new(),
            copied: 0,
            refusal: None,
            backlog: VecDeque::new(),
            out: Vec::new(),
        }
    }

    /// Whether the client is in: authentication is over.
    pub fn started(&self) -> bool {
        !matches!(self.phase, Phase::Startup | Phase::Authenticating)
    }

    /// Drops what is prepared, as if it had never been; the client does not know.
    pub fn forget_statements(&mut self) {
        self.statements.clear();
    }

    /// Answers the next message with this error.
    pub fn fail_next(&mut self, error: Vec<u8>) {
        self.refusal = Some(error);
    }

    /// The SQL of the prepared statement that this message binds, if it is a `Bind`.
    pub fn binds(&self, front: &Frontend) -> Option<&str> {
        let Frontend::Tagged { tag: b'B', body } = front else {
            return None;
        };
        let mut body = Body(body);
        body.cstr();
        Some(&self.statements.get(&body.cstr())?.sql)
    }

    /// The SQL that this message runs, if it runs any.
    pub fn executes(&self, front: &Frontend) -> Option<String> {
        let Frontend::Tagged { tag, body } = front else {
            return None;
        };
        match tag {
            b'Q' => front.sql().map(str::to_owned),
            b'E' => Some(self.portals.get(&Body(body).cstr())?.sql.clone()),
            _ => None,
        }
    }

    /// Answers one message.
    pub fn answer(&mut self, front: Frontend) -> Vec<Reply> {
        if matches!(self.phase, Phase::Asleep(_)) && front.tag() != b'X' {
            self.backlog.push_back(front);
        } else {
            self.handle(&front);
        }
        std::mem::take(&mut self.out)
    }

    /// A `CancelRequest` with the right key came.
    pub fn cancel(&mut self) -> Vec<Reply> {
        if let Phase::Asleep(simple) = self.phase {
            self.phase = Phase::Ready;
            self.fail("57014", "canceling statement due to user request");
            self.end_simple(simple);
            while let Some(front) = self.backlog.pop_front() {
                self.handle(&front);
            }
        }
        std::mem::take(&mut self.out)
    }

    fn handle(&mut self, front: &Frontend) {
        match front {
            Frontend::Startup { parameters, .. } => {
                let user = parameters.iter().find(|(name, _)| name == "user");
                let user = user.map_or("", |(_, user)| user.as_str());
                let exchange = Exchange::new(self.settings.auth.clone(), user);
                self.phase = Phase::Authenticating;
                let verdict = exchange.begin();
                self.exchange = Some(exchange);
                self.judge(verdict);
            }
            Frontend::SslRequest | Frontend::GssRequest => self.out.push(Reply::Raw(b"N".to_vec())),
            Frontend::Cancel { .. } => self.close(),
            Frontend::Tagged { tag, body } => self.handle_tagged(*tag, body),
        }
    }

    fn handle_tagged(&mut self, tag: u8, body: &[u8]) {
        match (&self.phase, tag) {
            (_, b'X') => self.close(),
            (Phase::Authenticating, b'p') => {
                let verdict = self.exchange.as_mut().map(|exchange| exchange.answer(body));
                self.judge(verdict.expect("authentication has begun"));
            }
            (Phase::CopyIn(_), b'd') => self.copied += 1,
            (Phase::CopyIn(simple), b'c' | b'f') => {
                let simple = *simple;
                self.phase = Phase::Ready;
                if let Some(refusal) = self.refusal.take() {
                    self.refuse(refusal);
                } else if tag == b'c' {
                    let tag = format!("COPY {}", self.copied);
                    self.send(message::command_complete(&tag));
                } else {
                    self.fail("57014", "COPY from stdin failed: see the client's reason");
                }
                self.end_simple(simple);
            }
            // The manual: Flush and Sync are ignored during COPY in.
            (Phase::CopyIn(_), b'H' | b'S') => {}
            (_, b'S') => {
                self.phase = Phase::Ready;
                self.send_ready();
            }
            (Phase::Ready, _) if self.refusal.is_some() => {
                let refusal = self.refusal.take();
                self.refuse(refusal.unwrap_or_default());
                self.end_simple(tag == b'Q');
            }
            (Phase::Ready, b'Q') => self.simple_query(&Body(body).cstr()),
            (Phase::Ready, b'P') => self.parse(body),
            (Phase::Ready, b'B') => self.bind(body),
            (Phase::Ready, b'D') => self.describe(body),
            (Phase::Ready, b'E') => self.execute(body),
            (Phase::Ready, b'C') => {
                let name = Body(&body[1..]).cstr();
                if body[0] == b'S' {
                    self.statements.remove(&name);
                } else {
                    self.portals.remove(&name);
                }
                self.send(message::close_complete());
            }
            // After a failed COPY the client may still send data: the manual says to drop it.
            (Phase::Skipping, _) | (Phase::Ready, b'H' | b'd' | b'c' | b'f') => {}
            (phase, tag) => {
                panic!(
                    "the client sent {:?} while the server was {phase:?}",
                    char::from(tag)
                )
            }
        }
    }

    fn judge(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Ask(message) => self.send(message),
            Verdict::Reject(message) => {
                self.send(message);
                self.close();
            }
            Verdict::Accept(messages) => {
                for message in messages {
                    self.send(message);
                }
                for (name, value) in self.settings.parameters.clone() {
                    self.send(message::parameter_status(name, value));
                }
                self.send(message::backend_key(
                    self.settings.pid,
                    &self.settings.secret,
                ));
                self.send_ready();
                self.phase = Phase::Ready;
            }
        }
    }

    fn simple_query(&mut self, sql: &str) {
        let statements: Vec<_> = sql
            .split(';')
            .filter(|part| !part.trim().is_empty())
            .collect();
        if statements.is_empty() {
            self.send(message::empty_query());
        }
        for statement in statements {
            let answer = self.admit(statement);
            if let Some(columns) = answer.columns(&[]) {
                self.send(message::row_description(&columns));
            }
            let mut portal = Portal {
                sql: statement.to_owned(),
                parameters: Vec::new(),
                formats: Vec::new(),
                sent: 0,
            };
            let failed = matches!(answer, Answer::Fail(..));
            self.perform(&mut portal, answer, 0, true);
            if failed || self.phase != Phase::Ready {
                break;
            }
        }
        self.end_simple(self.phase == Phase::Ready || self.phase == Phase::Skipping);
    }

    fn parse(&mut self, body: &[u8]) {
        let mut body = Body(body);
        let (name, sql) = (body.cstr(), body.cstr());
        let mut oids: Vec<u32> = (0..body.i16())
            .map(|_| body.i32().cast_unsigned())
            .collect();
        for (index, oid) in parameter_types(&sql).into_iter().enumerate() {
            match oids.get_mut(index) {
                Some(declared) if *declared != 0 => {}
                Some(declared) => *declared = oid,
                None => oids.push(oid),
            }
        }
        if !name.is_empty() && self.statements.contains_key(&name) {
            return self.fail("42P05", "prepared statement already exists");
        }
        self.statements.insert(name, Statement { sql, oids });
        self.send(message::parse_complete());
    }

    fn bind(&mut self, body: &[u8]) {
        let mut body = Body(body);
        let (name, statement) = (body.cstr(), body.cstr());
        let Some(statement) = self.statements.get(&statement).cloned() else {
            return self.fail("26000", "prepared statement does not exist");
        };
        let formats = body.i16s();
        let parameters: Vec<_> = (0..body.i16())
            .map(|index| {
                let index = usize::try_from(index).expect("a count");
                let len = usize::try_from(body.i32()).ok();
                let bytes = len.map(|len| body.take(len));
                let oid = statement.oids.get(index).copied().unwrap_or(0);
                Value::decode(oid, format_at(&formats, index), bytes)
            })
            .collect();
        if parameters.len() != statement.oids.len() {
            return self.fail(
                "08P01",
                "bind message supplies the wrong number of parameters",
            );
        }
        let portal = Portal {
            sql: statement.sql,
            parameters,
            formats: body.i16s(),
            sent: 0,
        };
        self.portals.insert(name, portal);
        self.send(message::bind_complete());
    }

    fn describe(&mut self, body: &[u8]) {
        let name = Body(&body[1..]).cstr();
        let (sql, formats) = if body[0] == b'S' {
            let Some(Statement { sql, oids }) = self.statements.get(&name).cloned() else {
                return self.fail("26000", "prepared statement does not exist");
            };
            self.send(message::parameter_description(&oids));
            (sql, Vec::new())
        } else {
            let Some(portal) = self.portals.get(&name).cloned() else {
                return self.fail("34000", "portal does not exist");
            };
            (portal.sql, portal.formats)
        };
        match Answer::to(&sql).columns(&formats) {
            Some(columns) => self.send(message::row_description(&columns)),
            None => self.send(message::no_data()),
        }
    }

    fn execute(&mut self, body: &[u8]) {
        let mut body = Body(body);
        let (name, limit) = (body.cstr(), body.i32());
        let Some(mut portal) = self.portals.remove(&name) else {
            return self.fail("34000", "portal does not exist");
        };
        let answer = self.admit(&portal.sql);
        self.perform(&mut portal, answer, limit, false);
        self.portals.insert(name, portal);
    }

    /// The answer to a statement, but for the transaction that it would run in.
    fn admit(&self, sql: &str) -> Answer {
        let answer = Answer::to(sql);
        let ends = match &answer {
            Answer::Done(tag) => tag == "ROLLBACK" || tag == "COMMIT",
            other => *other == Answer::RollbackTo,
        };
        if self.status == b'E' && !ends {
            return Answer::Fail("25P02", "current transaction is aborted");
        }
        answer
    }

    fn perform(&mut self, portal: &mut Portal, answer: Answer, limit: i32, simple: bool) {
        match answer {
            Answer::Rows(_, rows) => self.rows(portal, &rows, limit),
            Answer::Done(tag) => self.done(tag),
            Answer::RollbackTo => {
                self.status = b'T';
                self.send(message::command_complete("ROLLBACK"));
            }
            Answer::Fail(code, text) => self.fail(code, text),
            Answer::CopyIn(columns) => {
                self.send(message::copy_in_response(
                    i8::from(portal.sql.contains("binary")),
                    columns,
                ));
                self.copied = 0;
                self.phase = Phase::CopyIn(simple);
            }
            Answer::CopyOut(chunks) => {
                self.send(message::copy_out_response(0, 2));
                for chunk in &chunks {
                    self.send(message::copy_data(chunk.as_bytes()));
                }
                self.send(message::copy_done());
                self.send(message::command_complete(&format!("COPY {}", chunks.len())));
            }
            Answer::Sleep => self.phase = Phase::Asleep(simple),
            Answer::Empty => self.send(message::empty_query()),
        }
    }

    fn rows(&mut self, portal: &mut Portal, rows: &Rows, limit: i32) {
        let total = if let Rows::Series(last) = rows {
            *last
        } else {
            1
        };
        let end = if limit > 0 {
            total.min(portal.sent + limit)
        } else {
            total
        };
        for number in portal.sent + 1..=end {
            let series = [Value::Int4(number)];
            let values = match rows {
                Rows::One(values) => values,
                Rows::Parameters => portal.parameters.as_slice(),
                Rows::Series(_) => &series,
            };
            let encoded: Vec<_> = values
                .iter()
                .enumerate()
                .map(|(index, value)| value.encode(format_at(&portal.formats, index)))
                .collect();
            let row: Vec<_> = encoded.iter().map(Option::as_deref).collect();
            self.out.push(Reply::Message(message::data_row(&row)));
        }
        let sent = end - portal.sent;
        portal.sent = end;
        // A limit that is met suspends the portal even when no row is left.
        if limit > 0 && sent == limit {
            self.send(message::portal_suspended());
        } else {
            self.send(message::command_complete(&format!("SELECT {sent}")));
        }
    }

    fn done(&mut self, tag: String) {
        let tag = if tag == "COMMIT" && self.status == b'E' {
            "ROLLBACK".to_owned()
        } else {
            tag
        };
        match tag.as_str() {
            "BEGIN" | "START TRANSACTION" => self.status = b'T',
            "COMMIT" | "ROLLBACK" => self.status = b'I',
            "DISCARD ALL" | "DEALLOCATE ALL" => self.statements.clear(),
            _ => {}
        }
        self.send(message::command_complete(&tag));
    }

    fn fail(&mut self, code: &str, text: &str) {
        self.refuse(message::error("ERROR", code, text));
    }

    fn refuse(&mut self, error: Vec<u8>) {
        self.send(error);
        self.phase = Phase::Skipping;
        if self.status == b'T' {
            self.status = b'E';
        }
    }

    /// A simple query is over: unlike an extended one it is not ended by Sync.
    fn end_simple(&mut self, simple: bool) {
        if simple {
            self.phase = Phase::Ready;
            self.send_ready();
        }
    }

    fn send_ready(&mut self) {
        self.send(message::ready(self.status));
    }

    fn send(&mut self, message: Vec<u8>) {
        self.out.push(Reply::Message(message));
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.out.push(Reply::Close);
    }
}

/// Reads the body of a client's message, which is trusted to be well formed.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    fn cstr(&mut self) -> String {
        let end = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .expect("a string ends in NUL");
        let text = String::from_utf8_lossy(self.take(end)).into_owned();
        self.take(1);
        text
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().expect("two bytes"))
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn i16s(&mut self) -> Vec<i16> {
        (0..self.i16()).map(|_| self.i16()).collect()
    }
}
