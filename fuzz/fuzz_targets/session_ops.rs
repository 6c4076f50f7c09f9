//! Any sequence of a client's operations against a scripted server with any lies: every request ends
//! exactly once, in order, and no row is ever told to a request that did not ask for it.

#![no_main]

use std::collections::HashMap;

use arbitrary::Arbitrary;
use bytes::BytesMut;
use data_bridge_driver::Error;
use data_bridge_driver::session::{Event, Execute, Lookup, RequestId, Session};
use data_bridge_driver::types::Format;
use data_bridge_tests::scripted::{Action, Op, Script, Step, Wire, on};
use libfuzzer_sys::fuzz_target;
use postgres_protocol::IsNull;

/// What the client does next.
#[derive(Debug, Arbitrary)]
enum Operation {
    Echo(u8),
    Prepare(u8),
    Fail,
    Series(u8, u8),
    Begin,
    Commit,
    Simple(u8),
    DiscardAll,
    CopyIn,
    CopyData(u8),
    CopyDone,
    CopyFail,
    Abandon,
    Forget(u8),
    /// Both ends talk until nothing moves.
    Run,
}

/// A change of one message of the server.
#[derive(Debug, Arbitrary)]
struct Lie {
    tag: u8,
    nth: u8,
    change: Change,
}

#[derive(Debug, Arbitrary)]
enum Change {
    Shorten(u8),
    Lengthen(Vec<u8>),
    Claim(i32),
    Patch(u8, u8),
    Duplicate,
    Drop,
    Swap,
    Retag(u8),
    Before(Vec<u8>),
    After(Vec<u8>),
    Cut(u8),
    Close,
}

#[derive(Debug, Arbitrary)]
struct Input {
    piece: u8,
    lies: Vec<Lie>,
    operations: Vec<Operation>,
}

fuzz_target!(|input: Input| {
    let tags = b"1tT2DCZENnsG3";
    let mut honest_rows = true;
    let steps: Vec<Step> = input
        .lies
        .into_iter()
        .take(3)
        .map(|lie| {
            // Bytes of a row that the server itself made up are believed.
            honest_rows &= !matches!(lie.change, Change::Before(_) | Change::After(_) | Change::Lengthen(_))
                && tags[usize::from(lie.tag) % tags.len()] != b'D';
            let tag = tags[usize::from(lie.tag) % tags.len()];
            Step::Mutate(on(tag).nth(usize::from(lie.nth % 8)).then(operation(lie.change)))
        })
        .collect();
    let piece = usize::from(input.piece);
    let cuts = move |len: usize| if piece == 0 { len } else { piece.min(len) };
    let mut client = Client {
        wire: Wire::with_cuts(Script::steps(steps), Box::new(cuts)),
        asked: HashMap::new(),
        events: Vec::new(),
        copying: false,
    };
    client.run();
    for operation in input.operations.iter().take(40) {
        client.perform(operation);
    }
    client.wire.session.handle_eof();
    client.run();
    client.check(honest_rows);
});

fn operation(change: Change) -> Op {
    match change {
        Change::Shorten(by) => Op::Shorten(by.into()),
        Change::Lengthen(bytes) => Op::Lengthen(bytes),
        Change::Claim(len) => Op::Claim(len),
        Change::Patch(at, byte) => Op::Patch(at.into(), vec![byte]),
        Change::Duplicate => Op::Duplicate,
        Change::Drop => Op::Drop,
        Change::Swap => Op::Swap,
        Change::Retag(tag) => Op::Retag(tag),
        Change::Before(bytes) => Op::Before(bytes),
        Change::After(bytes) => Op::After(bytes),
        Change::Cut(len) => Op::Cut(len.into(), Action::Close),
        Change::Close => Op::Then(Action::Close),
    }
}

struct Client {
    wire: Wire,
    /// The requests, and the number that each asked for.
    asked: HashMap<u64, Option<i32>>,
    events: Vec<Event>,
    copying: bool,
}

impl Client {
    fn perform(&mut self, operation: &Operation) {
        let session = &mut self.wire.session;
        if self.copying {
            match operation {
                Operation::CopyData(byte) => {
                    let write = |out: &mut BytesMut| {
                        out.extend_from_slice(&[*byte; 3]);
                        Ok::<(), Error>(())
                    };
                    drop(session.copy_data(write));
                }
                Operation::Run => return self.run(),
                Operation::CopyFail => {
                    session.copy_fail("enough");
                    self.copying = false;
                }
                _ => {
                    session.copy_done();
                    self.copying = false;
                }
            }
            return self.run();
        }
        let request = match operation {
            Operation::Run => return self.run(),
            Operation::CopyData(_) | Operation::CopyDone => {
                return drop(session.copy_data(|_| Ok::<(), Error>(())));
            }
            Operation::CopyFail => return session.copy_fail("nothing runs"),
            Operation::Forget(number) => {
                if let Lookup::Hit(statement) = session.lookup(&sql(*number), &[INT4]) {
                    session.forget(&statement);
                }
                return;
            }
            Operation::Abandon => {
                if let Ok(mut batch) = session.batch() {
                    drop(batch.prepare("SELECT 1", &[]));
                }
                return;
            }
            Operation::Echo(number) => {
                let request = echo(session, *number);
                return self.asked(request, Some((*number).into()));
            }
            Operation::Prepare(number) => session.prepare(&format!("SELECT {number}"), &[]).ok(),
            Operation::Fail => execute(session, "SELECT 1/0", 0),
            Operation::Series(count, limit) => {
                execute(session, &format!("SELECT generate_series(1, {})", count % 16), (limit % 4).into())
            }
            Operation::Begin => execute(session, "BEGIN", 0),
            Operation::Commit => execute(session, "COMMIT", 0),
            Operation::DiscardAll => execute(session, "DISCARD ALL", 0),
            Operation::Simple(number) => session.simple(&format!("SELECT {number}; SELECT 1/0; SELECT 3")).ok(),
            Operation::CopyIn => {
                // A COPY has its connection alone.
                self.run();
                let request = self.wire.session.copy_in("COPY t (a) FROM STDIN").ok();
                self.asked(request, None);
                self.run();
                self.copying = self.wire.session.is_copying();
                return;
            }
        };
        self.asked(request, None);
    }

    fn asked(&mut self, request: Option<RequestId>, number: Option<i32>) {
        if let Some(request) = request {
            assert!(self.asked.insert(request.number(), number).is_none(), "an id was given twice");
        }
    }

    fn run(&mut self) {
        self.events.extend(self.wire.run());
    }

    fn check(&self, honest_rows: bool) {
        let mut ended = HashMap::new();
        let mut last = 0;
        for (at, event) in self.events.iter().enumerate() {
            let request = match event {
                Event::Closed(_) => {
                    assert_eq!(at + 1, self.events.len(), "something was told after the end");
                    continue;
                }
                Event::Finished { request } => {
                    assert!(ended.insert(request.number(), ()).is_none(), "a request ended twice");
                    request
                }
                Event::Rows { request, rows } => {
                    if let Some(Some(number)) = self.asked.get(&request.number())
                        && honest_rows
                    {
                        for row in rows {
                            assert_eq!(row.values().next(), Some(Some(&number.to_be_bytes()[..])));
                        }
                    }
                    request
                }
                Event::Failed { request, .. } | Event::Done { request, .. } | Event::Prepared { request, .. } => request,
                _ => continue,
            };
            assert!(request.number() >= last, "answers came out of order");
            last = request.number();
        }
        assert_eq!(ended.len(), self.asked.len(), "a request never ended");
        assert!(matches!(self.events.last(), Some(Event::Closed(_))), "the end was not told");
    }
}

const INT4: u32 = 23;

fn sql(number: u8) -> String {
    format!("SELECT $1::int4 AS number_{}", number % 8)
}

fn echo(session: &mut Session, number: u8) -> Option<RequestId> {
    let sql = sql(number);
    let execute = Execute { parameter_formats: &[Format::Binary], ..Execute::default() };
    let encode = |_, out: &mut BytesMut| {
        out.extend_from_slice(&i32::from(number).to_be_bytes());
        Ok(IsNull::No)
    };
    let known = session.lookup(&sql, &[INT4]);
    let mut batch = session.batch().ok()?;
    match known {
        // A lying server may have described other parameters.
        Lookup::Hit(statement) => batch.execute(&statement, execute, encode).ok()?,
        Lookup::Pending(_) => return None,
        Lookup::Miss => {
            batch.prepare(&sql, &[INT4]).ok()?;
            batch.execute_prepared(execute, encode).ok()?;
        }
    }
    Some(batch.finish())
}

fn execute(session: &mut Session, sql: &str, max_rows: i32) -> Option<RequestId> {
    let execute = Execute { max_rows, ..Execute::default() };
    let known = session.lookup(sql, &[]);
    let mut batch = session.batch().ok()?;
    match known {
        Lookup::Hit(statement) => batch.execute(&statement, execute, |_, _| Ok(IsNull::Yes)).ok()?,
        Lookup::Pending(_) => return None,
        Lookup::Miss => {
            batch.prepare(sql, &[]).ok()?;
            batch.execute_prepared(execute, |_, _| Ok(IsNull::Yes)).ok()?;
        }
    }
    Some(batch.finish())
}
