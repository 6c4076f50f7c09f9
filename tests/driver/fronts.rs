//! The fault table against the fronts for Rust: the same lines, the same demands.

use std::time::{Duration, Instant};

use data_bridge_driver::config::{Config, Environment};
use data_bridge_driver::dial::STATEMENT_CACHE;
use data_bridge_driver::error::{Error, Kind};
use data_bridge_driver::tokio::{Pool, PoolOptions};
use data_bridge_driver::{blocking, tokio as asynchronous};
use data_bridge_tests::scripted::Server;
use data_bridge_tests::scripted::auth::PASSWORD;
use data_bridge_tests::scripted::faults::{After, Call, Fault, GRACE, LIMIT, Outcome, faults};
use tokio::runtime::Runtime;
use tokio::time::timeout;

const WORDS: [&[u8]; 3] = [b"a\n", b"b\n", b"c\n"];
/// Long enough for the end of a connection to arrive.
const IDLE: Duration = Duration::from_millis(100);
const THREADS: usize = 6;
const COPY: &str = "COPY words (word) FROM STDIN";

/// What a front made of a fault.
struct Seen {
    result: Result<(), Error>,
    taken: Duration,
    /// The next query of the same client or pool, after the client was replaced if it was closed.
    next: Result<i32, Error>,
    usable: bool,
}

pub fn config(server: &Server) -> Config {
    let builder = Config::builder().environment(Environment::empty());
    let builder = builder
        .connection_string(&server.url())
        .expect("a connection string");
    builder
        .connect_timeout(LIMIT)
        .build()
        .expect("a configuration")
}

/// The values of a result's first column, decoded as what the statement selects.
macro_rules! decode {
    ($sql:expr, $rows:expr) => {
        $rows.iter().try_for_each(|row| {
            if $sql.contains('\'') {
                row.try_get::<String>(0).map(drop)
            } else {
                row.try_get::<i32>(0).map(drop)
            }
        })
    };
}

fn with_blocking(server: &Server, fault: &Fault) -> Seen {
    let config = config(server);
    let mut client =
        blocking::Client::connect_with(&config, STATEMENT_CACHE).expect("an honest greeting");
    client.set_timeout(Some(LIMIT));
    let start = Instant::now();
    let result = (|| match fault.call {
        Call::Fetch(sql) => decode!(sql, client.query(sql, &[])?),
        Call::FetchTwice(first, second) => {
            client.query(first, &[])?;
            decode!(second, client.query(second, &[])?)
        }
        Call::Transaction(sql) => {
            let mut tx = client.transaction()?;
            tx.query(sql, &[])?;
            tx.commit()
        }
        Call::CopyIn => client.copy_in(COPY, WORDS).map(drop),
        Call::Connect | Call::ConnectTls | Call::Idle(_) => Ok(()),
    })();
    let taken = start.elapsed();
    let usable = !client.is_closed();
    if !usable {
        client = blocking::Client::connect_with(&config, STATEMENT_CACHE)
            .expect("later connections are honest");
    }
    let next = client
        .query("SELECT 7", &[])
        .and_then(|rows| rows[0].try_get(0));
    Seen {
        result,
        taken,
        next,
        usable,
    }
}

async fn with_client(server: &Server, fault: &Fault) -> Seen {
    let connect = || asynchronous::Client::connect_with(config(server), STATEMENT_CACHE);
    let mut client = connect().await.expect("an honest greeting");
    let (result, taken) = timed(call(&client, fault)).await;
    let usable = {
        // A call that was given up leaves the connection to be cleaned, or closed.
        let alive = timeout(Duration::from_secs(20), client.query("SELECT 6", &[])).await;
        alive.is_ok_and(|alive| alive.is_ok())
    };
    if !usable {
        assert!(
            client.is_closed(),
            "{}: neither usable nor closed",
            fault.name
        );
        client = connect().await.expect("later connections are honest");
    }
    let next = client
        .query("SELECT 7", &[])
        .await
        .and_then(|rows| rows[0].try_get(0));
    Seen {
        result,
        taken,
        next,
        usable,
    }
}

async fn with_pool(server: &Server, fault: &Fault) -> Seen {
    let options = PoolOptions {
        max: 1,
        ..PoolOptions::default()
    };
    let pool = Pool::connect_with(config(server), options)
        .await
        .expect("an honest greeting");
    // Statements that stand alone share connections, the others have one alone.
    let (result, taken) = match fault.call {
        Call::Fetch(sql) => timed(async { decode!(sql, pool.query(sql, &[]).await?) }).await,
        Call::Idle(sql) => {
            let first = pool.query(sql, &[]).await;
            tokio::time::sleep(IDLE).await;
            timed(async { first.and(pool.query(sql, &[]).await).map(drop) }).await
        }
        _ => timed(call(&pool.connection().await.expect("a connection"), fault)).await,
    };
    let next = timeout(Duration::from_secs(20), pool.query("SELECT 7", &[])).await;
    let next = next
        .map_err(|_| Error::timeout("the next query hangs"))
        .flatten();
    let counts = settled(&pool).await;
    assert_eq!(
        (counts.size(), counts.idle, counts.waiting),
        (1, 1, 0),
        "{}: {counts:?}",
        fault.name
    );
    Seen {
        result,
        taken,
        next: next.and_then(|rows| rows[0].try_get(0)),
        usable: server.connections() == 1,
    }
}

/// Counts of the pool when it has come to rest.
pub async fn settled(pool: &Pool) -> data_bridge_driver::pool::Counts {
    for _ in 0..200 {
        let counts = pool.counts();
        if counts.size() == counts.idle && counts.waiting == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    pool.counts()
}

async fn timed(call: impl Future<Output = Result<(), Error>>) -> (Result<(), Error>, Duration) {
    let start = Instant::now();
    let result = timeout(LIMIT, call).await;
    (
        result.unwrap_or_else(|_| Err(Error::timeout("the time of the test's own clock"))),
        start.elapsed(),
    )
}

async fn call(client: &asynchronous::Client, fault: &Fault) -> Result<(), Error> {
    match fault.call {
        Call::Fetch(sql) => decode!(sql, client.query(sql, &[]).await?),
        Call::FetchTwice(first, second) => {
            client.query(first, &[]).await?;
            decode!(second, client.query(second, &[]).await?)
        }
        Call::Transaction(sql) => {
            let tx = client.transaction().await?;
            tx.query(sql, &[]).await?;
            tx.commit().await
        }
        Call::CopyIn => client.copy_in(COPY, WORDS).await.map(drop),
        Call::Connect | Call::ConnectTls | Call::Idle(_) => Ok(()),
    }
}

/// What is wrong about what was seen.
fn judge(fault: &Fault, server: &Server, seen: &Seen, has_own_clock: bool) -> Option<String> {
    let Seen {
        result,
        taken,
        next,
        usable,
    } = seen;
    let late = *taken > LIMIT + GRACE;
    // Where the test's clock ends a COMMIT, what it did is for the caller to ask.
    let given_up = has_own_clock && fault.name == "commit_hangs";
    let right = match (&fault.outcome, result) {
        (Outcome::Works, Ok(())) => true,
        (Outcome::Fails(kinds), Err(error)) => {
            kinds.contains(&error.kind()) || given_up && error.kind() == Kind::Timeout
        }
        (Outcome::Sqlstate(code), Err(error)) => format!("{error:?}").contains(code),
        _ => false,
    };
    let secret = format!("{result:?} {next:?}").contains(PASSWORD);
    let unplayed = !server.unfinished().is_empty();
    let went_on = matches!(next, Ok(7)) && *usable == (fault.after == After::Usable);
    (late || !right || secret || unplayed || !went_on).then(|| {
        format!(
            "{}: {result:?} in {taken:?}, usable {usable}, then {next:?}, unplayed {unplayed}",
            fault.name
        )
    })
}

/// A client alone does not replace its connection.
fn for_clients(fault: &Fault) -> bool {
    !matches!(fault.call, Call::Idle(_))
}

/// Runs the lines of the table that are calls, some at the same time, since most of their time is waiting.
fn table(concerns: fn(&Fault) -> bool, check: impl Fn(&Fault) -> Option<String> + Sync) {
    let faults: Vec<_> = faults().into_iter().filter(concerns).collect();
    let calls = faults
        .iter()
        .filter(|fault| !matches!(fault.call, Call::Connect | Call::ConnectTls));
    let calls: Vec<_> = calls.collect();
    let wrong: Vec<_> = std::thread::scope(|scope| {
        let check = &check;
        let share = calls.len().div_ceil(THREADS);
        let threads: Vec<_> = calls
            .chunks(share)
            .map(|calls| {
                scope.spawn(move || {
                    calls
                        .iter()
                        .filter_map(|fault| check(fault))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a check"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_holds_for_the_blocking_client() {
    table(for_clients, |fault| {
        let server = Server::start([fault.script.clone()]);
        let seen = with_blocking(&server, fault);
        judge(fault, &server, &seen, false)
    });
}

#[test]
fn the_table_holds_for_the_tokio_client() {
    let runtime = Runtime::new().expect("a runtime");
    table(for_clients, |fault| {
        let server = Server::start([fault.script.clone()]);
        let seen = runtime.block_on(with_client(&server, fault));
        judge(fault, &server, &seen, true)
    });
}

#[test]
fn the_table_holds_for_the_tokio_pool() {
    let runtime = Runtime::new().expect("a runtime");
    table(
        |_| true,
        |fault| {
            let server = Server::start([fault.script.clone()]);
            let seen = runtime.block_on(with_pool(&server, fault));
            judge(fault, &server, &seen, true)
        },
    );
}
