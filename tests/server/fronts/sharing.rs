//! What only the fronts that share or wait can get wrong: concurrency, giving up, time limits.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_bridge_driver::blocking;
use data_bridge_driver::config::{Config, Message};
use data_bridge_driver::error::Kind;
use data_bridge_driver::tokio::{Client, Pool, PoolOptions};
use data_bridge_tests::server::TestServers;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const SHORT: Duration = Duration::from_millis(150);
const SOON: Duration = Duration::from_secs(4);

fn url() -> Option<String> {
    TestServers::from_env().map(|servers| servers.url().to_owned())
}

#[test]
fn a_blocking_call_ends_in_time_and_leaves_the_connection_usable() {
    let Some(url) = url() else { return };
    let mut client = blocking::Client::connect(&url).unwrap();
    client.set_timeout(Some(SHORT));
    let start = Instant::now();
    let error = client.query("SELECT pg_sleep(30)", &[]).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error:?}");
    assert!(start.elapsed() < SOON);
    assert_eq!(client.query("SELECT 1", &[]).unwrap()[0].get::<i32>(0), 1);
    let sleeps: Vec<_> =
        client.pipeline(&[("SELECT pg_sleep(30)", &[]), ("SELECT pg_sleep(29)", &[])]);
    assert!(sleeps.iter().all(Result::is_err), "{sleeps:?}");
    assert!(start.elapsed() < SOON, "{:?} {sleeps:?}", start.elapsed());
    assert_eq!(client.query("SELECT 1", &[]).unwrap()[0].get::<i32>(0), 1);
}

#[test]
fn a_blocking_front_reads_while_it_writes() {
    let Some(url) = url() else { return };
    let mut client = blocking::Client::connect(&url).unwrap();
    let big = "x".repeat(1 << 20);
    // Both directions together exceed what the socket's buffers hold.
    let params: [&(dyn data_bridge_driver::types::ToSql + Sync); 1] = [&big];
    let calls = vec![("SELECT $1::text", &params[..]); 20];
    for result in client.pipeline(&calls) {
        assert_eq!(result.unwrap()[0].get::<&str>(0).len(), big.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_go_to_those_who_asked() {
    let Some(url) = url() else { return };
    let options = PoolOptions {
        max: 4,
        ..PoolOptions::default()
    };
    let pool = Pool::connect(&url, options).await.unwrap();
    let client = Client::connect(&url).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..1_000_i32 {
        let (pool, client) = (pool.clone(), client.clone());
        tasks.spawn(async move {
            // Many texts, so that many prepare the same one at the same time.
            let sql = format!("SELECT $1::int4 * {}", number % 7);
            let one = pool.query(&sql, &[&number]).await.unwrap();
            let other = client.query(&sql, &[&number]).await.unwrap();
            assert_eq!(one[0].get::<i32>(0), number * (number % 7));
            assert_eq!(other[0].get::<i32>(0), number * (number % 7));
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let counts = pool.counts();
    assert!(
        counts.size() <= 4 && counts.waiting == 0 && counts.shared == 0,
        "{counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_is_cancelled_and_hits_nobody_else() {
    let Some(url) = url() else { return };
    let client = Client::connect(&url).await.unwrap();
    for _ in 0..5 {
        let start = Instant::now();
        assert!(
            timeout(SHORT, client.query("SELECT pg_sleep(30)", &[]))
                .await
                .is_err()
        );
        // Those that come behind wait for the cancel request's end, and are not hit by it.
        for number in 0..20_i32 {
            let rows = client.query("SELECT $1::int4", &[&number]).await.unwrap();
            assert_eq!(rows[0].get::<i32>(0), number);
        }
        assert!(start.elapsed() < SOON);
    }
    // With others behind it, it runs to its end and they get their answers.
    let first = tokio::spawn({
        let client = client.clone();
        async move {
            timeout(SHORT, client.query("SELECT pg_sleep(0.5)", &[]))
                .await
                .is_err()
        }
    });
    sleep(SHORT / 3).await;
    let second = client.query("SELECT 2", &[]).await.unwrap();
    assert_eq!(second[0].get::<i32>(0), 2);
    assert!(first.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_dropped_anywhere_leaves_nothing() {
    let Some(url) = url() else { return };
    let options = PoolOptions {
        max: 2,
        ..PoolOptions::default()
    };
    let pool = Pool::connect(&url, options).await.unwrap();
    pool.simple("CREATE TABLE IF NOT EXISTS fronts_dropped (a int4); TRUNCATE fronts_dropped")
        .await
        .unwrap();
    for micros in (0..2_000).step_by(50) {
        let work = async {
            let tx = pool.transaction().await?;
            tx.execute("INSERT INTO fronts_dropped VALUES (1)", &[])
                .await?;
            let inner = tx.transaction().await?;
            inner
                .execute("INSERT INTO fronts_dropped VALUES (2)", &[])
                .await?;
            inner.query("SELECT pg_sleep(0.001)", &[]).await?;
            inner.commit().await?;
            tx.rollback().await
        };
        let _ = timeout(Duration::from_micros(micros), work).await;
    }
    // All is undone, and both connections are free again.
    let (one, other) = tokio::join!(pool.connection(), pool.connection());
    let (one, other) = (one.unwrap(), other.unwrap());
    for client in [&one, &other] {
        let rows = client
            .query("SELECT count(*) FROM fronts_dropped", &[])
            .await
            .unwrap();
        assert_eq!(rows[0].get::<i64>(0), 0);
        assert_eq!(pool.counts().exclusive, 2);
    }
    drop((one, other));
    assert_eq!(pool.counts().exclusive, 0);
    pool.simple("DROP TABLE fronts_dropped").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_given_up_anywhere_leave_the_pool_exact() {
    let Some(url) = url() else { return };
    let options = PoolOptions {
        max: 3,
        ..PoolOptions::default()
    };
    let pool = Pool::connect(&url, options).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..600_u64 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let key = i64::try_from(number).unwrap();
            let work = async {
                match number % 3 {
                    0 => {
                        let rows = pool
                            .query("SELECT $1::int8, pg_sleep(0.0005)", &[&key])
                            .await?;
                        assert_eq!(rows[0].get::<i64>(0), key);
                    }
                    1 => {
                        let tx = pool.transaction().await?;
                        let rows = tx.query("SELECT $1::int8", &[&key]).await?;
                        assert_eq!(rows[0].get::<i64>(0), key);
                        tx.commit().await?;
                    }
                    _ => {
                        let client = pool.connection().await?;
                        client
                            .simple("CREATE TEMP TABLE IF NOT EXISTS bin (a text)")
                            .await?;
                        client
                            .copy_in("COPY bin FROM STDIN", ["one\n", "two\n"])
                            .await?;
                    }
                }
                Ok::<_, data_bridge_driver::Error>(())
            };
            // From "before the first byte" to "long after the last".
            if let Ok(result) = timeout(Duration::from_micros(number * 37 % 9_000), work).await {
                result.unwrap();
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    // What is still being cleaned comes back; then every connection answers its own caller.
    let clients = [
        pool.connection().await,
        pool.connection().await,
        pool.connection().await,
    ];
    for (number, client) in clients.iter().enumerate() {
        let key = i64::try_from(number).unwrap();
        let rows = client
            .as_ref()
            .unwrap()
            .query("SELECT $1::int8", &[&key])
            .await
            .unwrap();
        assert_eq!(rows[0].get::<i64>(0), key);
    }
    assert_eq!(pool.counts().exclusive, 3);
    drop(clients);
    let counts = pool.counts();
    assert_eq!(
        (counts.idle, counts.size(), counts.waiting),
        (3, 3, 0),
        "{counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_given_up_keeps_nothing() {
    let Some(url) = url() else { return };
    let client = Client::connect(&url).await.unwrap();
    client
        .simple("CREATE TEMP TABLE fronts_copy (a text)")
        .await
        .unwrap();
    let line = format!("{}\n", "x".repeat(1_000)).repeat(100);
    for micros in [0, 100, 500, 2_000, 10_000] {
        let endless = std::iter::repeat(&line);
        let copy = client.copy_in("COPY fronts_copy FROM STDIN", endless);
        assert!(timeout(Duration::from_micros(micros), copy).await.is_err());
        let rows = client
            .query("SELECT count(*) FROM fronts_copy", &[])
            .await
            .unwrap();
        assert_eq!(rows[0].get::<i64>(0), 0);
    }
}

#[tokio::test]
async fn a_connection_that_waits_for_its_last_statement_is_lent_once() {
    let Some(url) = url() else { return };
    let options = PoolOptions {
        max: 1,
        ..PoolOptions::default()
    };
    let pool = Pool::connect(&url, options).await.unwrap();
    let statement = pool.query("SELECT pg_sleep(0.2)", &[]);
    let next = async {
        sleep(SHORT / 3).await;
        pool.connection().await
    };
    let (answer, holder) = tokio::join!(statement, next);
    answer.unwrap();
    let holder = holder.unwrap();
    assert_eq!(pool.counts().exclusive, 1);
    assert!(timeout(SHORT, pool.connection()).await.is_err());
    assert!(timeout(SHORT, pool.query("SELECT 1", &[])).await.is_err());
    drop(holder);
    pool.connection().await.unwrap();
}

#[tokio::test]
async fn a_pool_says_why_nothing_became_free() {
    let Some(url) = url() else { return };
    let options = PoolOptions {
        max: 1,
        acquire_timeout: SHORT,
        ..PoolOptions::default()
    };
    let pool = Pool::connect(&url, options).await.unwrap();
    let held = pool.connection().await.unwrap();
    let error = pool.query("SELECT 1", &[]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::PoolTimeout);
    assert!(
        error
            .to_string()
            .contains("1 are in use by one caller each"),
        "{error}"
    );
    drop(held);
    pool.query("SELECT 1", &[]).await.unwrap();
    // A lost connection is replaced, and the next call does not see it.
    let _ = pool
        .query("SELECT pg_terminate_backend(pg_backend_pid())", &[])
        .await;
    pool.query("SELECT 1", &[]).await.unwrap();
    pool.close();
    assert_eq!(
        pool.query("SELECT 1", &[]).await.unwrap_err().kind(),
        Kind::PoolClosed
    );
}

/// Collects what a server says unasked.
fn listening(url: &str) -> (Config, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let config = Config::from_url_or_dsn(url).unwrap().on_message({
        let heard = Arc::clone(&heard);
        move |message| {
            heard.lock().unwrap().push(match message {
                Message::Notice(notice) => notice.message().to_owned(),
                Message::Notification(told) => format!("{} {}", told.channel, told.payload),
            });
            // That of one message is nobody else's trouble.
            assert!(
                heard.lock().unwrap().len() != 1,
                "the handler of a test fails"
            );
        }
    });
    (config, heard)
}

/// A statement that has a server say something unasked.
fn talk(channel: &str) -> String {
    format!(
        "DO $$ BEGIN RAISE NOTICE 'first'; RAISE WARNING 'second'; NOTIFY {channel}, 'third'; END $$"
    )
}

#[test]
fn a_blocking_client_passes_messages_on() {
    let Some(url) = url() else { return };
    let (config, heard) = listening(&url);
    let mut client = blocking::Client::connect_with(&config, 10).unwrap();
    client.simple("LISTEN fronts_blocking").unwrap();
    client.execute(&talk("fronts_blocking"), &[]).unwrap();
    client.query("SELECT 1", &[]).unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        ["first", "second", "fronts_blocking third"]
    );
}

#[tokio::test]
async fn a_tokio_client_passes_messages_on() {
    let Some(url) = url() else { return };
    let (config, heard) = listening(&url);
    let client = Client::connect_with(config, 10).await.unwrap();
    client.simple("LISTEN fronts_tokio").await.unwrap();
    client.execute(&talk("fronts_tokio"), &[]).await.unwrap();
    // The notices come before their statement's answer.
    assert_eq!(heard.lock().unwrap()[..2], ["first", "second"]);
    client.query("SELECT 1", &[]).await.unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        ["first", "second", "fronts_tokio third"]
    );
    // Without a request of this side too.
    let other = Client::connect(&url).await.unwrap();
    other.simple("NOTIFY fronts_tokio, 'fourth'").await.unwrap();
    for _ in 0..100 {
        if heard.lock().unwrap().len() > 3 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(heard.lock().unwrap()[3], "fronts_tokio fourth");
}

#[tokio::test]
async fn a_transaction_in_plain_sql_is_refused_where_others_would_be_part_of_it() {
    let Some(url) = url() else { return };
    let client = Client::connect(&url).await.unwrap();
    let pool = Pool::connect(&url, PoolOptions::default()).await.unwrap();
    for sql in ["BEGIN", " start transaction read only", "/* now */ BEGIN"] {
        let refusals = [
            client.execute(sql, &[]).await.unwrap_err(),
            client.query(sql, &[]).await.unwrap_err(),
            client.query_typed(sql, &[]).await.unwrap_err(),
            client.simple(sql).await.unwrap_err(),
            client.batch(&[(sql, &[])]).await.unwrap_err(),
            client.pipeline(&[(sql, &[])]).await.remove(0).unwrap_err(),
            pool.execute(sql, &[]).await.unwrap_err(),
            pool.query(sql, &[]).await.unwrap_err(),
        ];
        for error in refusals {
            assert_eq!(error.kind(), Kind::Interface, "{sql}: {error}");
            assert!(error.to_string().contains("use transaction()"), "{error}");
        }
    }
    client
        .simple("SELECT 1; BEGIN; SELECT 2; ROLLBACK")
        .await
        .unwrap();
    // Who has the connection alone may write what they like.
    let alone = pool.connection().await.unwrap();
    alone.execute("BEGIN", &[]).await.unwrap();
    alone.simple("SAVEPOINT a; ROLLBACK TO a").await.unwrap();
    alone.execute("COMMIT", &[]).await.unwrap();
    let tx = client.transaction().await.unwrap();
    tx.query("SELECT 1", &[]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn requests_during_a_copy_are_refused_and_the_copy_goes_on() {
    let Some(url) = url() else { return };
    let client = Client::connect(&url).await.unwrap();
    let tx = client.transaction().await.unwrap();
    tx.simple("CREATE TEMP TABLE fronts_during (a text)")
        .await
        .unwrap();
    let line = format!("{}\n", "x".repeat(1_000)).repeat(100);
    let copy = tx.copy_in(
        "COPY fronts_during FROM STDIN",
        std::iter::repeat_n(&line, 200),
    );
    let other = async {
        // Behind the COPY's beginning, which this task has already sent.
        let refusals = [
            tx.query("SELECT 1", &[]).await.unwrap_err(),
            tx.simple("SELECT 1").await.unwrap_err(),
            tx.copy_in("COPY fronts_during FROM STDIN", ["x"])
                .await
                .unwrap_err(),
        ];
        for error in refusals {
            assert_eq!(error.kind(), Kind::Interface, "{error}");
            assert!(error.to_string().contains("a COPY is running"), "{error}");
        }
    };
    let (copied, ()) = tokio::join!(copy, other);
    assert_eq!(copied.unwrap(), 20_000);
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_given_up_in_a_savepoint_ends_with_it() {
    let Some(url) = url() else { return };
    let client = Client::connect(&url).await.unwrap();
    let line = format!("{}\n", "x".repeat(1_000)).repeat(100);
    for micros in [500, 2_000, 10_000] {
        let tx = client.transaction().await.unwrap();
        tx.simple("CREATE TEMP TABLE fronts_savepoint (a text)")
            .await
            .unwrap();
        let inner = tx.transaction().await.unwrap();
        inner.query("SELECT 1", &[]).await.unwrap();
        let endless = std::iter::repeat(&line);
        let copy = inner.copy_in("COPY fronts_savepoint FROM STDIN", endless);
        assert!(timeout(Duration::from_micros(micros), copy).await.is_err());
        drop(inner);
        // Given up before the server had taken it, the connection ends: nothing can be sent behind it.
        match tx.query("SELECT count(*) FROM fronts_savepoint", &[]).await {
            Ok(rows) => assert_eq!(rows[0].get::<i64>(0), 0),
            Err(error) => {
                assert_eq!(error.kind(), Kind::ConnectionLost, "{error}");
                return;
            }
        }
        tx.rollback().await.unwrap();
    }
}
