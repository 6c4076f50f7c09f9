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

/// What a behaviour is called, and how it shows.
type Behaviour = (&'static str, fn(&mut dyn Front));

#[test]
fn every_front_behaves_alike_on_every_server() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for (version, url) in servers.versions() {
        let mut fronts = vec![("blocking", connect_blocking as fn(&str) -> Box<dyn Front>)];
        // What differs between servers is their SQL, and that is the same for all fronts.
        if *version == servers.version() {
            fronts.push(("tokio client", connect_client));
            fronts.push(("tokio pool", connect_pool));
        }
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
