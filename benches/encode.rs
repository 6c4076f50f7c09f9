//! Requests to bytes: what one point select costs before it is sent, alone and in a batch.

use bytes::BytesMut;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use data_bridge_benches::{advance_all, answer, drain, prepared, ready_session};
use data_bridge_driver::session::Execute;
use data_bridge_driver::types::{Format, numeric};
use data_bridge_driver::wire::frontend;
use postgres_protocol::IsNull;

const BATCH: u32 = 100;

fn bind(criterion: &mut Criterion) {
    let mut out = BytesMut::with_capacity(1 << 16);
    criterion.bench_function("encode/bind of one int8", |bencher| {
        bencher.iter(|| {
            out.clear();
            let key = black_box(58_562_i64);
            frontend::bind(
                "",
                "s1",
                &[Format::Binary],
                &[],
                |_, out| {
                    out.extend_from_slice(&key.to_be_bytes());
                    Ok(IsNull::No)
                },
                &mut out,
            )
            .expect("a small message");
            out.len()
        });
    });
}

/// The whole way of a point select through the session, both directions.
fn point_select(criterion: &mut Criterion) {
    let mut session = ready_session();
    let statement = prepared(&mut session);
    let execute = Execute {
        parameter_formats: &[Format::Binary],
        ..Execute::default()
    };
    let one = answer(1);
    let mut group = criterion.benchmark_group("session");
    group.bench_function("point select, request and answer", |bencher| {
        bencher.iter(|| {
            let mut batch = session.batch().expect("an open session");
            batch
                .execute(&statement, execute, |_, out| {
                    out.extend_from_slice(&58_562_i64.to_be_bytes());
                    Ok(IsNull::No)
                })
                .expect("a small message");
            batch.finish();
            advance_all(&mut session);
            session.handle_bytes(black_box(&one));
            assert_eq!(drain(&mut session), 1);
        });
    });
    let hundred = one.repeat(BATCH as usize);
    group.throughput(Throughput::Elements(BATCH.into()));
    group.bench_function("100 point selects, a Sync each", |bencher| {
        bencher.iter(|| {
            for key in 0..BATCH {
                let mut batch = session.batch().expect("an open session");
                batch
                    .execute(&statement, execute, |_, out| {
                        out.extend_from_slice(&key.to_be_bytes());
                        Ok(IsNull::No)
                    })
                    .expect("a small message");
                batch.finish();
            }
            advance_all(&mut session);
            session.handle_bytes(black_box(&hundred));
            assert_eq!(drain(&mut session), BATCH as usize);
        });
    });
    group.finish();
}

fn numeric_text(criterion: &mut Criterion) {
    let mut out = BytesMut::with_capacity(64);
    criterion.bench_function("encode/numeric(12,2) from its text", |bencher| {
        bencher.iter(|| {
            out.clear();
            numeric::encode_text(black_box(b"1836151.93"), &mut out).expect("a number");
            out.len()
        });
    });
}

criterion_group!(benches, bind, point_select, numeric_text);
criterion_main!(benches);
