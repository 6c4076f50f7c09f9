//! The driver and the orm crate against real servers: logging in, learning their types, the arithmetic of values, what is rendered.

mod catalog;
mod forms;
mod fronts;
mod hosts;
mod login;
mod orm;
mod protection;
mod values;

use std::io::{Read as _, Write as _};

use data_bridge_driver::dial::{self, Connected};
use data_bridge_driver::session::{Event, Session};
use data_bridge_driver::{Error, config::Config};

fn connect(config: &Config) -> Result<Connected, Error> {
    dial::connect(config, dial::STATEMENT_CACHE)
}

/// A row's values as the server sent them.
type Values = Vec<Option<Vec<u8>>>;

/// Makes a request and waits for its end.
fn ask(
    connected: &mut Connected,
    request: impl FnOnce(&mut Session),
) -> Result<Vec<Values>, Error> {
    let Connected {
        session, stream, ..
    } = connected;
    request(session);
    let (mut rows, mut failure, mut buffer) = (Vec::new(), None, [0; 8192]);
    loop {
        while let Some(event) = session.poll_event() {
            match event {
                Event::Rows { rows: batch, .. } => {
                    rows.extend(batch.iter().map(|row| {
                        row.values()
                            .map(|value| value.map(<[u8]>::to_vec))
                            .collect()
                    }));
                }
                Event::Failed { error, .. } => failure = Some(error),
                Event::Finished { .. } => return failure.map_or(Ok(rows), Err),
                Event::Closed(error) => return Err(error),
                _ => {}
            }
        }
        while session.wants_write() {
            let sent = stream.write(session.poll_out()).unwrap();
            session.advance_out(sent);
        }
        let received = stream.read(&mut buffer).unwrap();
        session.handle_bytes(&buffer[..received]);
        if received == 0 {
            session.handle_eof();
        }
    }
}

/// Runs SQL without parameters; values come as text.
fn simple(connected: &mut Connected, sql: &str) -> Vec<Values> {
    ask(connected, |session| {
        session.simple(sql).unwrap();
    })
    .unwrap()
}
