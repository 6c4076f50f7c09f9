//! The Rust client beside tokio-postgres: point selects one by one, and a hundred at a time on one connection.
//!
//! ```text
//! cargo run --release -p data-bridge-benches --example rust_client -- postgresql://... 5
//! ```
//! The arguments are the server's URL and the number of rounds. The tables are those of `benches/run.py`, which runs
//! this with `--rust`. Both clients run on a runtime of one thread and take turns; each line that is printed is one
//! round as JSON, with wall and CPU time (user and system, all threads) in microseconds per query.

use std::error::Error;
use std::time::{Duration, Instant};

use data_bridge_driver::client::{Params, Row};
use data_bridge_driver::tokio::Client;
use futures_util::future::try_join_all;
use postgres_types::ToSql;
use rustix::time::{ClockId, clock_gettime};

const QUERIES: usize = 10_000;
const BATCH: usize = 100;
/// Rounds that are not counted: a virtual CPU that has slept wakes up several times slower, for a second or more.
const WARM_UP: usize = 4;
const SQL: &str =
    "SELECT id, name, score, active, created, amount::text FROM bench_items WHERE id = $1";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), rounds) = (arguments.next(), arguments.next()) else {
        return Err("usage: rust_client URL [ROUNDS]".into());
    };
    let rounds: usize = rounds.map_or(Ok(5), |text| text.parse())?;
    let ours = Ours::connect(&url).await?;
    let theirs = Theirs::connect(&url).await?;
    for round in 0..WARM_UP + rounds {
        let measured = round >= WARM_UP;
        run("point_select", "data_bridge", measured, one_by_one(&ours)).await?;
        run(
            "point_select",
            "tokio-postgres",
            measured,
            one_by_one(&theirs),
        )
        .await?;
        run("batch100", "data_bridge", measured, batches(&ours)).await?;
        run("batch100", "tokio-postgres", measured, batches(&theirs)).await?;
    }
    Ok(())
}

/// Point queries: the id and the name of the row with this key, or of the rows with these keys.
trait Ask {
    async fn ask(&self, key: i64) -> Result<(i64, String)>;
    async fn ask_all(&self, keys: &[i64]) -> Result<Vec<(i64, String)>>;
}

struct Ours(Client);

impl Ours {
    async fn connect(url: &str) -> Result<Self> {
        Ok(Self(Client::connect(url).await?))
    }

    fn read(row: Option<&Row>) -> Result<(i64, String)> {
        let row = row.ok_or("no row")?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }
}

impl Ask for Ours {
    async fn ask(&self, key: i64) -> Result<(i64, String)> {
        Self::read(self.0.query(SQL, &[&key]).await?.first())
    }

    /// In one batch, which its caller asks for.
    async fn ask_all(&self, keys: &[i64]) -> Result<Vec<(i64, String)>> {
        let params: Vec<[&(dyn ToSql + Sync); 1]> = keys.iter().map(|key| [key as _]).collect();
        let calls: Vec<(&str, Params<'_>)> = params.iter().map(|key| (SQL, &key[..])).collect();
        let rows = self.0.batch(&calls).await?;
        rows.iter().map(|rows| Self::read(rows.first())).collect()
    }
}

struct Theirs {
    client: tokio_postgres::Client,
    statement: tokio_postgres::Statement,
}

impl Theirs {
    async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let statement = client.prepare(SQL).await?;
        Ok(Self { client, statement })
    }
}

impl Ask for Theirs {
    async fn ask(&self, key: i64) -> Result<(i64, String)> {
        let row = self.client.query_one(&self.statement, &[&key]).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// By futures that are polled together, which is how tokio-postgres pipelines.
    async fn ask_all(&self, keys: &[i64]) -> Result<Vec<(i64, String)>> {
        try_join_all(keys.iter().map(|key| self.ask(*key))).await
    }
}

async fn one_by_one(client: &impl Ask) -> Result<()> {
    for key in 1..=QUERIES {
        let key = i64::try_from(key)?;
        let (id, name) = client.ask(key).await?;
        assert!(id == key && name.len() == 15, "the wrong row");
    }
    Ok(())
}

async fn batches(client: &impl Ask) -> Result<()> {
    let keys: Vec<i64> = (1..).take(QUERIES).collect();
    for keys in keys.chunks(BATCH) {
        let rows = client.ask_all(keys).await?;
        assert!(rows.iter().map(|row| &row.0).eq(keys), "the wrong rows");
    }
    Ok(())
}

async fn run(
    case: &str,
    contender: &str,
    measured: bool,
    work: impl Future<Output = Result<()>>,
) -> Result<()> {
    let (cpu, wall) = (cpu_time(), Instant::now());
    work.await?;
    let (wall, cpu) = (wall.elapsed(), cpu_time().saturating_sub(cpu));
    if measured {
        println!(
            r#"{{"case": "{case}", "contender": "{contender}", "wall_us": {}, "cpu_us": {}}}"#,
            each(wall),
            each(cpu)
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "ten thousand is exact")]
fn each(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / QUERIES as f64
}

/// User and system time of this process, all threads.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
