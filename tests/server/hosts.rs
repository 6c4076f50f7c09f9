//! Several servers: which of them a session is opened on, and how its socket is set up.

use data_bridge_driver::config::{Config, Environment, TargetSessionAttrs};
use data_bridge_driver::error::Kind;
use data_bridge_tests::server::TestServers;
use socket2::SockRef;
use std::time::Duration;

use crate::{connect, simple};

/// A database of this name is read-only by default on every second server.
const DATABASE: &str = "hosts_read_only";

struct Host {
    version: u32,
    /// Its part of the lists `host` and `port`.
    place: (String, u16),
    is_read_only: bool,
}

/// The servers over TCP, each with the database.
fn hosts(servers: &TestServers) -> Vec<Host> {
    let prepare = |(at, (version, url)): (usize, (&u32, &String))| {
        let config = Config::builder().connection_string(url).unwrap();
        let config = config.environment(Environment::empty()).build().unwrap();
        let mut connected = connect(&config).unwrap();
        let is_read_only = at % 2 == 1;
        if simple(
            &mut connected,
            &format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"),
        )
        .is_empty()
        {
            simple(&mut connected, &format!("CREATE DATABASE {DATABASE}"));
        }
        let state = if is_read_only { "on" } else { "off" };
        let sql = format!("ALTER DATABASE {DATABASE} SET default_transaction_read_only = {state}");
        simple(&mut connected, &sql);
        Host {
            version: *version,
            place: ("localhost".to_owned(), config.targets()[0].address().port()),
            is_read_only,
        }
    };
    servers
        .tcp_versions()
        .iter()
        .enumerate()
        .map(prepare)
        .collect()
}

/// The version of the server that is found among these, in this order.
fn found(hosts: &[&Host], wanted: TargetSessionAttrs) -> Result<u32, data_bridge_driver::Error> {
    let list = |item: fn(&Host) -> String| {
        let items: Vec<String> = hosts.iter().map(|host| item(host)).collect();
        items.join(",")
    };
    let config = Config::builder()
        .environment(Environment::empty())
        .set("host", &list(|host| host.place.0.clone()))?
        .set("port", &list(|host| host.place.1.to_string()))?
        .user("postgres")
        .database(DATABASE)
        .target_session_attrs(wanted)
        .build()?;
    let mut connected = connect(&config)?;
    let answer = simple(&mut connected, "SHOW server_version_num");
    let number = answer[0][0].clone().unwrap();
    Ok(String::from_utf8(number).unwrap().parse::<u32>().unwrap() / 10_000)
}

#[test]
fn the_first_server_that_will_do_is_taken() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let hosts = hosts(&servers);
    // Each pair in both orders, so that each version is asked for its state.
    for pair in hosts.windows(2) {
        let [writable, frozen] = if pair[0].is_read_only {
            [&pair[1], &pair[0]]
        } else {
            [&pair[0], &pair[1]]
        };
        for order in [[writable, frozen], [frozen, writable]] {
            let version = |wanted| found(&order, wanted).unwrap();
            assert_eq!(version(TargetSessionAttrs::ReadWrite), writable.version);
            assert_eq!(version(TargetSessionAttrs::ReadOnly), frozen.version);
            for indifferent in [
                TargetSessionAttrs::Any,
                TargetSessionAttrs::Primary,
                TargetSessionAttrs::PreferStandby,
            ] {
                assert_eq!(version(indifferent), order[0].version, "{indifferent:?}");
            }
            let error = found(&order, TargetSessionAttrs::Standby).unwrap_err();
            assert_eq!(error.kind(), Kind::Connect);
            let said = "which target_session_attrs=standby does not take";
            assert_eq!(
                error.to_string().matches(said).count(),
                order.len(),
                "{error}"
            );
        }
    }
}

#[test]
fn a_random_order_reaches_every_server() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let port = |url: &String| {
        let config = Config::builder().connection_string(url).unwrap();
        config.build().unwrap().targets()[0]
            .address()
            .port()
            .to_string()
    };
    let ports: Vec<String> = servers.tcp_versions().values().map(port).collect();
    let config = Config::builder()
        .environment(Environment::empty())
        .set("host", &vec!["localhost"; ports.len()].join(","))
        .unwrap()
        .set("port", &ports.join(","))
        .unwrap()
        .set("load_balance_hosts", "random")
        .unwrap()
        .user("postgres")
        .build()
        .unwrap();
    let mut reached = std::collections::BTreeSet::new();
    // Missing one of six in 200 draws happens once in 10^15 runs.
    for _ in 0..200 {
        let mut connected = connect(&config).unwrap();
        reached.insert(simple(&mut connected, "SHOW server_version_num"));
        if reached.len() == ports.len() {
            return;
        }
    }
    panic!("{} of {} servers were reached", reached.len(), ports.len());
}

#[test]
fn sockets_are_set_up_as_asked() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let config = |settings: &str| {
        let url = format!("{}?{settings}", servers.tcp_url());
        let builder = Config::builder().connection_string(&url).unwrap();
        builder.environment(Environment::empty()).build().unwrap()
    };
    let connected = connect(&config(
        "keepalives_idle=7&keepalives_interval=3&keepalives_count=4&tcp_user_timeout=1500",
    ))
    .unwrap();
    let socket = SockRef::from(&connected.stream);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(7));
    assert_eq!(
        socket.tcp_keepalive_interval().unwrap(),
        Duration::from_secs(3)
    );
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
    assert_eq!(
        socket.tcp_user_timeout().unwrap(),
        Some(Duration::from_millis(1500))
    );

    let connected = connect(&config("keepalives=0")).unwrap();
    let socket = SockRef::from(&connected.stream);
    assert!(!socket.keepalive().unwrap());
    assert_eq!(socket.tcp_user_timeout().unwrap(), None);
}
