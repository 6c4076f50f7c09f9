//! A call that is given up at any of its awaits leaves its connection clean or closed, and the pool's counts exact.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use data_bridge_driver::Error;
use data_bridge_driver::tokio::{Pool, PoolOptions};
use data_bridge_tests::scripted::Server;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::fronts::{config, settled};

/// Polls `call` so many times at most, then drops it; whether it had come to its end.
async fn give_up_after<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        call.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// Gives `call` up at every await that it has, each time on a pool of one connection.
fn everywhere(what: &str, call: &impl AsyncFn(&Pool) -> Result<(), Error>) {
    let runtime = Runtime::new().expect("a runtime");
    let server = Server::start([]);
    runtime.block_on(async {
        let options = PoolOptions {
            max: 1,
            ..PoolOptions::default()
        };
        let pool = Pool::connect_with(config(&server), options)
            .await
            .expect("a pool");
        for polls in 0.. {
            assert!(polls < 200, "{what} has no end");
            let ended = give_up_after(polls, call(&pool)).await;
            let next = timeout(Duration::from_secs(10), pool.query("SELECT 7", &[])).await;
            let rows = next
                .expect("the next query hangs")
                .expect("the next query fails");
            assert_eq!(
                rows[0].get::<i32>(0),
                7,
                "{what} given up after {polls} polls"
            );
            let counts = settled(&pool).await;
            assert_eq!(
                (counts.size(), counts.idle),
                (1, 1),
                "{what} after {polls} polls: {counts:?}"
            );
            if ended {
                break;
            }
        }
        // Nothing is left open: a transaction of our own begins and ends.
        let tx = pool.transaction().await.expect("a transaction");
        tx.execute("UPDATE t SET n = 1", &[])
            .await
            .expect("a statement");
        tx.commit().await.expect("a commit");
    });
}

#[test]
fn in_a_query() {
    everywhere("a query", &async |pool| {
        pool.query("SELECT $1::int4", &[&1_i32]).await.map(drop)
    });
}

#[test]
fn in_a_statement_that_takes_long() {
    everywhere("a long statement", &async |pool| {
        let long = pool.query("SELECT pg_sleep(60)", &[]);
        timeout(Duration::from_millis(20), long)
            .await
            .map_or(Ok(()), |result| result.map(drop))
    });
}

#[test]
fn in_a_transaction() {
    everywhere("a transaction", &async |pool| {
        let tx = pool.transaction().await?;
        tx.query("SELECT $1::int4", &[&1_i32]).await?;
        let inner = tx.transaction().await?;
        inner.execute("UPDATE t SET n = 1", &[]).await?;
        inner.commit().await?;
        tx.execute("UPDATE t SET n = 2", &[]).await?;
        tx.commit().await
    });
}

#[test]
fn in_a_failing_transaction() {
    everywhere("a failing transaction", &async |pool| {
        let tx = pool.transaction().await?;
        tx.query("SELECT 1/0", &[])
            .await
            .expect_err("division by zero");
        tx.rollback().await
    });
}

#[test]
fn in_a_copy() {
    everywhere("a COPY", &async |pool| {
        let rows: [&[u8]; 2] = [b"1\n", b"2\n"];
        pool.copy_in("COPY t (n) FROM STDIN", rows).await.map(drop)
    });
}

#[test]
fn in_a_pipeline() {
    everywhere("a pipeline", &async |pool| {
        let calls: [(&str, data_bridge_driver::tokio::Params<'_>); 3] =
            [("SELECT 1", &[]), ("SELECT 1/0", &[]), ("SELECT 3", &[])];
        drop(pool.pipeline(&calls).await);
        Ok(())
    });
}

#[test]
fn neighbours_keep_their_answers() {
    let runtime = Runtime::new().expect("a runtime");
    let server = Server::start([]);
    runtime.block_on(async {
        let options = PoolOptions {
            max: 1,
            ..PoolOptions::default()
        };
        let pool = Pool::connect_with(config(&server), options)
            .await
            .expect("a pool");
        for polls in 0..6 {
            let ask = async |number: i32| pool.query("SELECT $1::int4", &[&number]).await;
            let (first, _, last) = tokio::join!(ask(7), give_up_after(polls, ask(8)), ask(9),);
            assert_eq!(first.expect("a neighbour")[0].get::<i32>(0), 7);
            assert_eq!(last.expect("a neighbour")[0].get::<i32>(0), 9);
        }
    });
}
