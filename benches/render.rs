//! Queries of the ORM to SQL text.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use data_bridge_orm::query::{Conflict, Insert, Link, Param, Select};
use data_bridge_orm::schema::{Builtin, Column, Reference, Table};

fn airlines() -> Table {
    Table::builder("airlines")
        .and_then(|table| {
            table
                .column(Column::new("carrier", Builtin::Text)?.primary_key())
                .column(Column::new("name", Builtin::Text)?)
                .build()
        })
        .expect("a table")
}

fn flights() -> Table {
    Table::builder("flights")
        .and_then(|table| {
            let airline = Reference::parse("airlines.carrier")?;
            table
                .column(Column::new("id", Builtin::Int8)?.primary_key())
                .column(Column::new("carrier", Builtin::Text)?.references(airline))
                .column(Column::new("origin", Builtin::Text)?)
                .column(Column::new("dep_delay", Builtin::Int8)?.nullable())
                .column(Column::new("time_hour", Builtin::TimestampTz)?)
                .build()
        })
        .expect("a table")
}

fn selects(criterion: &mut Criterion) {
    let (airlines, flights) = (airlines(), flights());
    let column = |name| flights.column(name).expect("a column");
    let mut group = criterion.benchmark_group("render");
    group.bench_function("select by key", |bencher| {
        bencher.iter(|| {
            let query: Select<Param> = Select::from(&flights)
                .filter(column("id").eq(black_box(7_i64)))
                .one();
            query.render().expect("a query").sql.len()
        });
    });
    let carrier = airlines.column("carrier").expect("a column");
    group.bench_function("select with a link, a filter and an order", |bencher| {
        bencher.iter(|| {
            let airline = Link::new("airline", column("carrier"), carrier.clone());
            let query: Select<Param> = Select::from(&flights)
                .link(&airline.expect("a link"))
                .filter(column("origin").eq(black_box("JFK")) & column("dep_delay").gt(30_i64))
                .order_by(column("time_hour").desc())
                .limit(10_i64);
            query.render().expect("a query").sql.len()
        });
    });
    group.bench_function("select with five conditions", |bencher| {
        bencher.iter(|| {
            let query: Select<Param> = Select::from(&flights).filter(
                column("id").lt(black_box(50_000_i64))
                    & column("carrier").like("U%")
                    & column("origin").eq("EWR")
                    & column("dep_delay").gt(30_i64)
                    & column("dep_delay").lt(300_i64),
            );
            query.render().expect("a query").sql.len()
        });
    });
    group.finish();
}

fn upsert(criterion: &mut Criterion) {
    let flights = flights();
    let column = |name| flights.column(name).expect("a column");
    criterion.bench_function("render/upsert of one row", |bencher| {
        bencher.iter(|| {
            let query: Insert<Param> = Insert::into(&flights)
                .set(column("id"), black_box(7_i64))
                .set(column("carrier"), "UA")
                .set(column("origin"), "EWR")
                .on_conflict(Conflict::columns(vec![column("id")]).update(column("origin")))
                .returning();
            query.render().expect("a query").sql.len()
        });
    });
}

criterion_group!(benches, selects, upsert);
criterion_main!(benches);
