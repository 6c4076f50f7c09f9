//! Bytes to events and rows: frames found and rows checked in place, then walked.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use data_bridge_benches::{advance_all, answer, drain, prepared, ready_session};
use data_bridge_driver::session::{Event, Execute, Session, Statement};
use data_bridge_driver::types::Format;
use data_bridge_driver::wire::rows::RowBatch;
use postgres_protocol::IsNull;

const ROWS: usize = 1_000;

fn ask(session: &mut Session, statement: &Statement) {
    let mut batch = session.batch().expect("an open session");
    let execute = Execute {
        parameter_formats: &[Format::Binary],
        ..Execute::default()
    };
    batch
        .execute(statement, execute, |_, out| {
            out.extend_from_slice(&1_i64.to_be_bytes());
            Ok(IsNull::No)
        })
        .expect("a small message");
    batch.finish();
    advance_all(session);
}

fn receive(criterion: &mut Criterion) {
    let mut session = ready_session();
    let statement = prepared(&mut session);
    let bytes = answer(ROWS);
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, piece) in [
        ("1,000 rows in one piece", bytes.len()),
        ("1,000 rows in pieces of 8 KiB", 8 * 1024),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                ask(&mut session, &statement);
                let mut rows = 0;
                for received in black_box(&bytes).chunks(piece) {
                    session.handle_bytes(received);
                    rows += drain(&mut session);
                }
                assert_eq!(rows, ROWS);
            });
        });
    }
    group.finish();
}

fn walk(criterion: &mut Criterion) {
    let mut session = ready_session();
    let statement = prepared(&mut session);
    ask(&mut session, &statement);
    session.handle_bytes(&answer(ROWS));
    let mut batches: Vec<RowBatch> = Vec::new();
    while let Some(event) = session.poll_event() {
        if let Event::Rows { rows, .. } = event {
            batches.push(rows);
        }
    }
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("walk 1,000 rows of 6 values", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            for row in black_box(&batches).iter().flatten() {
                for value in row.values() {
                    bytes += value.map_or(0, <[u8]>::len);
                }
            }
            bytes
        });
    });
    group.finish();
}

criterion_group!(benches, receive, walk);
criterion_main!(benches);
