//! The scripted server for test suites in other languages.
//!
//! `scripted-server list` prints the fault table as JSON. Without an argument it takes commands, a
//! line each, and answers each with a line, until its input ends:
//!
//! | command | answer |
//! |---|---|
//! | `start NAME` | starts a server with that fault (`honest` has none): its number and its port |
//! | `open NUMBER` | how many connections are open |
//! | `count NUMBER TAG` | how many messages with this tag clients have sent |
//! | `cancels NUMBER` | how many cancel requests came |
//! | `unfinished NUMBER` | how many connections ended before their script did |
//! | `stop NUMBER` | `stopped` |

use std::collections::HashMap;
use std::io::{BufRead, Write};

use data_bridge_tests::scripted::faults::{
    After, Call, Fault, GRACE, LIMIT, Outcome, fault, faults,
};
use data_bridge_tests::scripted::{Frontend, Script, Server};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if std::env::args().nth(1).as_deref() == Some("list") {
        return writeln!(out, "{}", table());
    }
    let mut servers = HashMap::new();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let answer = obey(&line?, number, &mut servers).unwrap_or_else(|| "what?".to_owned());
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn obey(line: &str, number: usize, servers: &mut HashMap<usize, Server>) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let ["start", name] = words[..] {
        let scripts = if name == "honest" {
            vec![Script::honest()]
        } else {
            vec![fault(name)?.script]
        };
        let server = Server::start(scripts);
        let answer = format!("{number} {}", server.address().port());
        servers.insert(number, server);
        return Some(answer);
    }
    let number = words.get(1)?.parse().ok()?;
    if words[0] == "stop" {
        return servers.remove(&number).map(|_| "stopped".to_owned());
    }
    let server = servers.get(&number)?;
    let answer = match words[..] {
        ["open", _] => server.open_connections(),
        ["unfinished", _] => server.unfinished().len(),
        ["count", _, tag] => server.count(*tag.as_bytes().first()?),
        ["cancels", _] => {
            let cancel = |front: &Frontend| matches!(front, Frontend::Cancel { .. });
            server
                .transcript()
                .iter()
                .filter(|entry| cancel(&entry.message))
                .count()
        }
        _ => return None,
    };
    Some(answer.to_string())
}

/// Names, kinds and SQL hold nothing that JSON would want escaped.
fn table() -> String {
    let lines: Vec<String> = faults().iter().map(line).collect();
    format!("[\n{}\n]", lines.join(",\n"))
}

fn line(fault: &Fault) -> String {
    let (call, sql) = match fault.call {
        Call::Connect => ("connect", vec![]),
        Call::ConnectTls => ("connect_tls", vec![]),
        Call::Fetch(sql) => ("fetch", vec![sql]),
        Call::FetchTwice(first, second) => ("fetch_twice", vec![first, second]),
        Call::Idle(sql) => ("idle", vec![sql]),
        Call::Transaction(sql) => ("transaction", vec![sql]),
        Call::CopyIn => ("copy_in", vec![]),
    };
    let (kinds, sqlstate) = match fault.outcome {
        Outcome::Works => (vec![], String::from("null")),
        Outcome::Fails(kinds) => (
            kinds.iter().map(|kind| format!("{kind:?}")).collect(),
            "null".into(),
        ),
        Outcome::Sqlstate(code) => (vec![], format!("{code:?}")),
    };
    let usable = fault.after == After::Usable;
    format!(
        r#"{{"name": {:?}, "call": {call:?}, "sql": {sql:?}, "kinds": {kinds:?}, "sqlstate": {sqlstate}, "usable": {usable}, "limit": {}, "grace": {}}}"#,
        fault.name,
        LIMIT.as_secs_f64(),
        GRACE.as_secs_f64(),
    )
}
