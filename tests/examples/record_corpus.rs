//! Records what a real server answers, as seeds for the fuzz targets:
//!
//! ```text
//! cargo run -p data-bridge-tests --example record_corpus -- localhost:5432 postgres fuzz/corpus
//! ```
//!
//! takes a TCP address of a server, a user that it trusts, and the folder of the corpora.

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use data_bridge_driver::session::{Event, Execute, Session};
use data_bridge_tests::fuzzing::{OWN_GREETING, ask};
use data_bridge_tests::scripted::wire::startup;
use postgres_protocol::IsNull;

/// One value of each kind, as SQL; the names become file names.
const VALUES: &[(&str, &str)] = &[
    ("bool", "true"),
    ("int2", "-2::int2"),
    ("int4", "2147483647"),
    ("int8", "-9223372036854775808"),
    ("float8", "0.1::float8"),
    ("numeric", "-1234567.8900"),
    ("numeric_huge", "1e131071::numeric"),
    ("numeric_small", "1e-16383::numeric"),
    ("numeric_nan", "'NaN'::numeric"),
    ("text", "'Grüße'::text"),
    ("bytea", "'\\x00ff'::bytea"),
    ("uuid", "'6f2c1a5e-2a7b-4c55-9a0e-0d6c7b1f9a11'::uuid"),
    ("date", "'2024-02-29'::date"),
    ("date_infinity", "'infinity'::date"),
    ("time", "'24:00'::time"),
    ("timetz", "'23:59:59.999999+15:59'::timetz"),
    ("timestamp", "'4713-01-01 BC'::timestamp"),
    ("timestamptz", "'2013-01-01 05:00Z'::timestamptz"),
    ("interval", "'1 mon -1 day 00:00:01'::interval"),
    ("json", "'{\"a\": [1, null]}'::json"),
    ("jsonb", "'{\"a\": [1, null]}'::jsonb"),
    ("int4_array", "'[2:3][1:2]={{1,NULL},{3,4}}'::int4[]"),
    ("text_array", "array['a', NULL, '']"),
    ("empty_array", "'{}'::numeric[]"),
    ("record", "row(1, 'a'::text, NULL::int4)"),
    ("range", "int4range(1, 5)"),
    ("inet", "'::1/64'::inet"),
    ("bit", "b'10110'"),
    ("path", "'((0,0),(1,1))'::path"),
    ("tsvector", "'a:1 b:2'::tsvector"),
    ("hstore", "'a=>1, b=>NULL'::hstore"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, folder] = &arguments[..] else {
        return Err("give the address, the user and the folder".into());
    };
    let folder = Path::new(folder);

    let frames = folder.join("backend_frames");
    fs::create_dir_all(&frames)?;
    for (requests, name) in [
        (1, "prepare"),
        (2, "rows"),
        (4, "simple"),
        (8, "begin"),
        (16, "error"),
        (32, "suspended"),
        (64, "copy"),
        (63, "pipeline"),
        (127, "everything"),
    ] {
        let mut recorder = Recorder::connect(address, user)?;
        let greeting = std::mem::take(&mut recorder.received);
        if requests == 1 {
            fs::write(
                frames.join("greeting"),
                [&[OWN_GREETING, 7], &greeting[..]].concat(),
            )?;
        }
        ask(&mut recorder.session, requests)?;
        recorder.settle()?;
        fs::write(
            frames.join(name),
            [&[requests, 7], &recorder.received[..]].concat(),
        )?;
    }

    let values = folder.join("row_decode");
    fs::create_dir_all(&values)?;
    let mut recorder = Recorder::connect(address, user)?;
    for (name, sql) in VALUES {
        recorder.received.clear();
        let mut batch = recorder.session.batch()?;
        batch.prepare(&format!("SELECT {sql}"), &[])?;
        batch
            .execute_prepared(Execute::default(), |_, _| Ok(IsNull::Yes))
            .map_err(data_bridge_driver::Error::from)?;
        batch.finish();
        for value in recorder.settle()? {
            fs::write(values.join(name), [&[1], &value[..]].concat())?;
        }
    }
    Ok(())
}

/// A session over a socket that keeps all that it is sent.
struct Recorder {
    session: Session,
    stream: TcpStream,
    received: Vec<u8>,
}

impl Recorder {
    fn connect(address: &str, user: &str) -> Result<Self, Box<dyn Error>> {
        let mut startup = startup();
        startup.parameters = vec![
            ("user".into(), user.into()),
            ("database".into(), "postgres".into()),
        ];
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut recorder = Self {
            session: Session::new(startup)?,
            stream,
            received: Vec::new(),
        };
        recorder.settle()?;
        Ok(recorder)
    }

    /// Talks until nothing is outstanding, and returns the values of all rows.
    fn settle(&mut self) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
        let mut values = Vec::new();
        loop {
            while let Some(event) = self.session.poll_event() {
                match event {
                    Event::Rows { rows, .. } => {
                        for row in &rows {
                            values.extend(row.values().flatten().map(<[u8]>::to_vec));
                        }
                    }
                    Event::CopyIn { .. } => {
                        let write = |out: &mut BytesMut| {
                            out.extend_from_slice(b"1\n2\n");
                            Ok::<(), data_bridge_driver::Error>(())
                        };
                        self.session.copy_data(write)?;
                        self.session.copy_done();
                    }
                    Event::Closed(error) => return Err(error.into()),
                    _ => {}
                }
            }
            let out = self.session.poll_out().to_vec();
            self.stream.write_all(&out)?;
            self.session.advance_out(out.len());
            if self.session.is_ready() && self.session.outstanding() == 0 {
                return Ok(values);
            }
            let mut buffer = [0; 16 * 1024];
            let len = self.stream.read(&mut buffer)?;
            self.received.extend_from_slice(&buffer[..len]);
            self.session.handle_bytes(&buffer[..len]);
        }
    }
}
