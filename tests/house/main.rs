//! The rules of the house that a compiler does not check: which room may know which, how long a file may be, which words
//! never land. Each rule reads the sources as text, without their comments; docs/ARCHITECTURE.md says why the arrows stand.

mod source;

use source::{Source, sources};

const MAX_LINES: usize = 800;

/// Written by a program from PostgreSQL's own lists, so their length is not a person's choice.
const GENERATED: [&str; 2] = [
    "driver/src/error/sqlstate.rs",
    "python/data_bridge/postgres/_sqlstates.py",
];

/// The rooms of the driver that may touch sockets, threads and clocks. Everything else in it is the core.
const FRONTS: [&str; 3] = [
    "driver/src/blocking/",
    "driver/src/dial/",
    "driver/src/tokio/",
];

/// Words of unfinished work.
const BANNED: [&str; 6] = ["dbg!(", "todo!(", "unimplemented!(", "FIXME", "XXX", "HACK"];

#[test]
fn the_core_knows_no_runtime_no_socket_no_thread_and_no_clock() {
    // Time is passed in and bytes are passed in and out: so the core runs under every front, and under a test's fake clock.
    let forbidden = [
        "tokio::",
        "std::thread",
        "Instant::now",
        "SystemTime::now",
        "TcpStream",
        "UnixStream",
        "TcpListener",
        "ToSocketAddrs",
    ];
    let core = sources("driver/src", "rs")
        .into_iter()
        .filter(|file| !FRONTS.iter().any(|front| file.path.starts_with(front)));
    let mut wrong = Vec::new();
    for file in core {
        wrong.extend(file.lines_with(&forbidden));
        wrong.extend(
            file.lines()
                .filter(|line| knows_the_network(line.text))
                .map(|line| line.to_string()),
        );
    }
    assert_none(
        &wrong,
        "the core touches the outside world; that belongs into a front, or into an argument",
    );
}

/// Addresses are data; everything else in `std::net` is a socket.
fn knows_the_network(line: &str) -> bool {
    line.split("std::net").skip(1).any(|rest| {
        let names = rest.trim_start_matches("::").trim_start_matches('{');
        !["IpAddr", "Ipv4Addr", "Ipv6Addr"]
            .iter()
            .any(|address| names.starts_with(address))
            || names.contains("Socket")
    })
}

#[test]
fn the_driver_knows_no_orm() {
    let wrong = every("driver/src", &["data_bridge_orm"]);
    assert_none(&wrong, "the driver must not know the ORM");
    let manifest = source::read("driver/Cargo.toml");
    assert!(
        !manifest.contains("data-bridge-orm"),
        "driver/Cargo.toml depends on the ORM"
    );
}

#[test]
fn the_orm_opens_no_socket() {
    let wrong = every(
        "orm/src",
        &[
            "std::net",
            "tokio::",
            "std::thread",
            "UnixStream",
            "::dial::",
            "::blocking::",
        ],
    );
    assert_none(
        &wrong,
        "the ORM renders and plans; a front of the driver does the talking",
    );
}

#[test]
fn only_python_knows_pyo3() {
    for room in ["driver", "orm", "tests", "benches"] {
        let manifest = source::read(&format!("{room}/Cargo.toml"));
        assert!(
            !manifest.contains("pyo3"),
            "{room}/Cargo.toml depends on pyo3; Python belongs into python/"
        );
    }
}

#[test]
fn no_front_knows_another() {
    let mut wrong = every("driver/src/blocking", &["crate::tokio", "tokio::"]);
    wrong.extend(every("driver/src/tokio", &["crate::blocking"]));
    wrong.extend(every(
        "driver/src/dial",
        &["crate::tokio", "crate::blocking", "tokio::"],
    ));
    assert_none(&wrong, "fronts meet in the session, not in each other");
}

#[test]
fn only_the_package_knows_the_native_module() {
    let wrong: Vec<String> = ["tests/python", "demo", "benches"]
        .iter()
        .flat_map(|room| sources(room, "py"))
        .flat_map(|file| {
            file.lines_with(&[
                "import _native",
                "data_bridge._native import",
                "data_bridge._native.",
            ])
        })
        .collect();
    assert_none(
        &wrong,
        "users import data_bridge.postgres, never the native module",
    );
}

#[test]
fn files_stay_short_enough_to_read() {
    let wrong: Vec<String> = everything()
        .into_iter()
        .filter(|file| !GENERATED.contains(&file.path.as_str()))
        .map(|file| (file.text.lines().count(), file.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(
        &wrong,
        "longer than 800 lines: ask what it is really two of",
    );
}

#[test]
fn nothing_unfinished_lands() {
    let here = "tests/house/main.rs";
    let wrong: Vec<String> = everything()
        .into_iter()
        .filter(|file| file.path != here)
        .flat_map(|file| file.raw_lines_with(&BANNED))
        .collect();
    assert_none(&wrong, "unfinished work does not land");
}

#[test]
fn the_driver_and_the_orm_unwrap_in_tests_only() {
    let wrong: Vec<String> = ["driver/src", "orm/src"]
        .iter()
        .flat_map(|room| every(room, &[".unwrap()"]))
        .collect();
    assert_none(&wrong, "a library returns its errors");
}

#[test]
fn the_driver_and_the_orm_forbid_unsafe_code() {
    for root in ["driver/src/lib.rs", "orm/src/lib.rs"] {
        assert!(
            source::read(root).contains("#![forbid(unsafe_code)]"),
            "{root} does not forbid unsafe code"
        );
    }
}

#[test]
fn the_rules_see_what_they_look_for() {
    for line in [
        "use std::net::TcpStream;",
        "use std::net::{IpAddr, SocketAddr};",
        "let a: std::net::SocketAddr;",
        "use std::net;",
    ] {
        assert!(knows_the_network(line), "{line}");
    }
    for line in [
        "use std::net::IpAddr;",
        "use std::net::{IpAddr, Ipv4Addr};",
        "let x = 1;",
    ] {
        assert!(!knows_the_network(line), "{line}");
    }
    let text = "// tokio::spawn\nuse tokio::net;\n#[cfg(test)]\nmod tests { use tokio::time; }\n"
        .to_owned();
    let file = Source {
        path: "driver/src/session/mod.rs".to_owned(),
        text,
    };
    assert_eq!(
        file.lines_with(&["tokio::"]),
        ["driver/src/session/mod.rs:2: use tokio::net;"]
    );
    assert_eq!(file.raw_lines_with(&["tokio::"]).len(), 3);
}

fn every(room: &str, words: &[&str]) -> Vec<String> {
    sources(room, "rs")
        .iter()
        .flat_map(|file| file.lines_with(words))
        .collect()
}

fn everything() -> Vec<Source> {
    let rooms = [
        "driver", "orm", "python", "tests", "fuzz", "benches", "demo", "tools",
    ];
    rooms
        .iter()
        .flat_map(|room| [sources(room, "rs"), sources(room, "py")].concat())
        .collect()
}

fn assert_none(wrong: &[String], why: &str) {
    assert!(wrong.is_empty(), "{why}:\n  {}", wrong.join("\n  "));
}
