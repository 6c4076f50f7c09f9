//! One table of behaviours, run against every front for Rust users, on every server.

mod bulk;
mod front;
mod sharing;
mod statements;
mod transactions;

use data_bridge_driver::blocking;
use data_bridge_driver::tokio::{Client, Pool, PoolOptions};
use data_bridge_tests::server::TestServers;

use front::{Async, Front};

/// Opens a front on a database.
type Connect = fn(&str) -> Box<dyn Front>;

const FRONTS: [(&str, Connect); 3] = [
    ("blocking", connect_blocking),
    ("tokio client", connect_client),
    ("tokio pool", connect_pool),
];

/// What a behaviour is called, and how it shows.
type Behaviour = (&'static str, fn(&mut dyn Front));

#[test]
fn every_front_behaves_alike_on_every_server() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for (version, url) in servers.versions() {
        // What differs between servers is their SQL, and that is the same for all fronts.
        let is_main = *version == servers.version();
        let fronts = if is_main { &FRONTS[..] } else { &FRONTS[..1] };
        let url = database(url, &format!("fronts_{}", std::process::id()));
        for (front, connect) in fronts {
            for (name, behaviour) in [statements::TABLE, transactions::TABLE, bulk::TABLE].concat()
            {
                eprintln!("PostgreSQL {version}, {front}: {name}");
                let mut front = connect(&url);
                front.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
                behaviour(&mut *front);
            }
        }
        drop_database(&url);
    }
}

/// What a front does must not depend on how its bytes travel.
#[test]
fn smoke_every_front_behaves_alike_over_tls() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let Some(authority) = servers.authority() else {
        eprintln!("skipped: the servers speak no TLS");
        return;
    };
    for (version, url) in servers.tcp_versions() {
        let name = format!("fronts_tls_{}", std::process::id());
        let plain = database(url, &name);
        let url = format!("{plain}?sslmode=verify-full&sslrootcert={authority}");
        for (front, connect) in FRONTS {
            // Each behaviour on the main server, one of each kind on the others.
            let every = if *version == servers.version() { 1 } else { 6 };
            let table = [statements::TABLE, transactions::TABLE, bulk::TABLE].concat();
            for (name, behaviour) in table.into_iter().step_by(every) {
                eprintln!("PostgreSQL {version} over TLS, {front}: {name}");
                let mut front = connect(&url);
                let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                assert_eq!(front.text(encrypted), "true");
                front.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
                behaviour(&mut *front);
            }
        }
        drop_database(&plain);
    }
}

fn connect_blocking(url: &str) -> Box<dyn Front> {
    Box::new(blocking::Client::connect(url).unwrap())
}

fn connect_client(url: &str) -> Box<dyn Front> {
    Box::new(Async::new(Client::connect(url)))
}

fn connect_pool(url: &str) -> Box<dyn Front> {
    let options = PoolOptions {
        max: 3,
        ..PoolOptions::default()
    };
    Box::new(Async::new(Pool::connect(url, options)))
}

/// A database of this test's own on the server of `url`; the answer is the URL that leads there.
fn database(url: &str, name: &str) -> String {
    let mut admin = blocking::Client::connect(url).unwrap();
    admin
        .simple(&format!("DROP DATABASE IF EXISTS {name}"))
        .unwrap();
    admin.simple(&format!("CREATE DATABASE {name}")).unwrap();
    format!("{}/{name}", url.rsplit_once('/').unwrap().0)
}

fn drop_database(url: &str) {
    let (server, name) = url.rsplit_once('/').unwrap();
    let mut admin = blocking::Client::connect(&format!("{server}/postgres")).unwrap();
    admin
        .simple(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .unwrap();
}
