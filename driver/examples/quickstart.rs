//! Connect, pipelined queries, COPY in, upsert.
//!
//! `cargo run -p data-bridge-driver --example quickstart -- postgresql://user@localhost/db`, or with the URL in
//! `DATABASE_URL`.

use std::time::Instant;

use data_bridge_driver::Error;
use data_bridge_driver::copy::{Action, Target, Upsert};
use data_bridge_driver::ident::QualifiedName;
use data_bridge_driver::tokio::Client;
use data_bridge_driver::types::ToSql;
use tokio::task::JoinSet;

const CITIES: i32 = 100_000;

#[tokio::main]
async fn main() {
    let given = std::env::args().nth(1);
    let Some(url) = given.or_else(|| std::env::var("DATABASE_URL").ok()) else {
        eprintln!(
            "Give the URL of a server as the argument or in DATABASE_URL; to start one: \
             docker run -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres, then postgresql://postgres@localhost/postgres"
        );
        std::process::exit(2);
    };
    if let Err(error) = run(&url).await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run(url: &str) -> Result<(), Error> {
    let client = Client::connect(url).await?;
    let version = client.parameter("server_version").unwrap_or_default();
    println!("connected to PostgreSQL {version}");

    pipelined_queries(&client).await?;

    client
        .simple("CREATE TEMP TABLE city (id int4 PRIMARY KEY, name text NOT NULL, people int8)")
        .await?;
    let table = QualifiedName::parse("city")?;
    let columns = Target::new(table, ["id", "name", "people"])?;
    copy_in(&client, &columns).await?;
    upsert(&client, &columns).await
}

/// Any number of tasks use one connection; their queries travel together without being asked.
async fn pipelined_queries(client: &Client) -> Result<(), Error> {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..1_000_i64 {
        let client = client.clone();
        tasks.spawn(async move {
            let rows = client
                .query("SELECT $1::int8 * 2 AS double", &[&number])
                .await?;
            rows.first()
                .map_or(Ok(0), |row| row.try_get::<i64>("double"))
        });
    }
    let mut sum = 0;
    for double in tasks.join_all().await {
        sum += double?;
    }
    println!(
        "1,000 queries on one connection: sum {sum}, {:.1?}",
        start.elapsed()
    );
    Ok(())
}

/// Rows stream into the table in PostgreSQL's binary format: all of them, or none.
async fn copy_in(client: &Client, columns: &Target) -> Result<(), Error> {
    let start = Instant::now();
    let cities = cities(0, "founded");
    let rows = cities
        .iter()
        .map(|(id, name, people)| -> [&(dyn ToSql + Sync); 3] { [id, name, people] });
    let count = client.insert_many(columns, rows).await?;
    println!("{count} rows by COPY: {:.1?}", start.elapsed());
    Ok(())
}

/// Half of these rows are there already.
async fn upsert(client: &Client, columns: &Target) -> Result<(), Error> {
    let start = Instant::now();
    let cities = cities(CITIES / 2, "renamed");
    let rows = cities
        .iter()
        .map(|(id, name, people)| -> [&(dyn ToSql + Sync); 3] { [id, name, people] });
    let upsert = Upsert::new(columns.clone(), ["id"], Action::UpdateAll)?;
    let (counts, _) = client.upsert_many(&upsert, rows).await?;
    println!(
        "upsert: {} inserted, {} updated, {:.1?}",
        counts.inserted,
        counts.updated,
        start.elapsed()
    );
    Ok(())
}

fn cities(first: i32, word: &str) -> Vec<(i32, String, Option<i64>)> {
    (first..first + CITIES)
        .map(|id| {
            (
                id,
                format!("{word} {id}"),
                (id % 10 != 0).then_some(i64::from(id) * 7),
            )
        })
        .collect()
}
