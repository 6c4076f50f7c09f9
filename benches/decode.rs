//! Values that cost arithmetic: numeric and timestamptz.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use data_bridge_benches::AMOUNT;
use data_bridge_driver::types::{datetime, numeric};

fn numbers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.bench_function("numeric(12,2) to a scaled i64", |bencher| {
        bencher.iter(|| {
            numeric::decode(black_box(&AMOUNT))
                .expect("a number")
                .to_scaled_i64()
        });
    });
    let mut text = Vec::with_capacity(32);
    group.bench_function("numeric(12,2) to text", |bencher| {
        bencher.iter(|| {
            text.clear();
            numeric::decode(black_box(&AMOUNT))
                .expect("a number")
                .write_text(&mut text);
            text.len()
        });
    });
    group.finish();
}

fn moments(criterion: &mut Criterion) {
    criterion.bench_function("decode/timestamptz to its fields", |bencher| {
        bencher.iter(|| {
            let (days, micros) = datetime::split_timestamp(black_box(413_886_002_085_049));
            let clock = datetime::Clock::from_micros(micros).expect("a time of day");
            (datetime::civil_from_days(days), clock)
        });
    });
}

criterion_group!(benches, numbers, moments);
criterion_main!(benches);
