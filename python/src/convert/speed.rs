//! What a row costs, in nanoseconds of this process: `cargo test --release -p data-bridge-python --no-default-features speed --
//! --ignored --nocapture`.

use std::hint::black_box;

use bytes::BytesMut;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::tests::{ty, unhex};
use super::{CopyEncoder, Layout};
use crate::testing::{eval, with_python};

const ROWS: usize = 100_000;
const ROUNDS: usize = 15;
const TYPES: [(&str, &str); 7] = [
    ("id", "int8"),
    ("name", "text"),
    ("score", "float8"),
    ("active", "bool"),
    ("created", "timestamptz"),
    ("amount", "numeric"),
    ("key", "uuid"),
];
const WIRE: [&str; 7] = [
    "000000000001e240",
    "637573746f6d65722d3132333435",
    "3ff8000000000000",
    "01",
    "0002a30b5d5ea0c0",
    "0003 0001 0000 0002 0001 0929 1a2c",
    "a0eebc999c0b4ef8bb6d6bb9bd380a11",
];

/// The least of some rounds, per row.
fn measure(what: &str, mut round: impl FnMut()) {
    let nanos = (0..ROUNDS).map(|_| {
        let start = cpu_nanos();
        round();
        cpu_nanos() - start
    });
    #[allow(clippy::cast_precision_loss)] // a few digits are enough
    let least = nanos.min().unwrap() as f64 / ROWS as f64;
    println!("{what:32} {least:8.1} ns");
}

/// CPU time of this thread, so that other work on the machine counts less.
fn cpu_nanos() -> u64 {
    Python::attach(|py| py.import("time")?.call_method0("thread_time_ns")?.extract()).unwrap()
}

#[test]
#[ignore = "a measurement, for release builds"]
fn speed() {
    with_python(|py| {
        let wire: Vec<Vec<u8>> = WIRE.iter().map(|wire| unhex(wire)).collect();
        let row = || wire.iter().take(6).map(|wire| Some(&wire[..]));
        let layout = Layout::new(
            py,
            TYPES.iter().take(6).map(|(name, kind)| (*name, ty(kind))),
        )
        .unwrap();
        measure("row of 6 to Record, kept", || {
            let rows = PyList::empty(py);
            for _ in 0..ROWS {
                rows.append(layout.record(py, row()).unwrap()).unwrap();
            }
        });
        measure("row of 6 to Record", || {
            for _ in 0..ROWS {
                black_box(layout.record(py, row()).unwrap());
            }
        });
        measure("row of 6 to tuple", || {
            for _ in 0..ROWS {
                black_box(layout.tuple(py, row()).unwrap());
            }
        });
        let nothing = Layout::new(py, std::iter::empty()).unwrap();
        measure("row of 0 to Record", || {
            for _ in 0..ROWS {
                black_box(nothing.record(py, std::iter::empty()).unwrap());
            }
        });
        for ((name, kind), wire) in TYPES.iter().zip(&wire) {
            let layout = Layout::new(py, [(*name, ty(kind))]).unwrap();
            measure(&format!("decode {kind}"), || {
                for _ in 0..ROWS {
                    black_box(layout.value(py, 0, Some(black_box(wire))).unwrap());
                }
            });
        }
        let tuple = eval(
            py,
            "(123456, 'customer-12345', 1.5, True, ts(2023, 5, 6, 7, 8, 9, 123456, UTC), Decimal('12345.67'), \
             UUID('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'))",
        );
        let values: Vec<_> = tuple.try_iter().unwrap().map(Result::unwrap).collect();
        let names: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
        for (what, rows) in [
            (
                "tuples",
                eval(
                    py,
                    "lambda names, row: [tuple(row[:6]) for _ in range(100_000)]",
                ),
            ),
            (
                "dicts",
                eval(
                    py,
                    "lambda names, row: [dict(zip(names[:6], row[:6])) for _ in range(100_000)]",
                ),
            ),
            (
                "objects",
                eval(
                    py,
                    "lambda names, row: [types.SimpleNamespace(**dict(zip(names, row))) for _ in range(100_000)]",
                ),
            ),
        ] {
            let rows = rows.call1((&names, &tuple)).unwrap();
            let rows = rows.cast::<PyList>().unwrap();
            let mut encoder = CopyEncoder::new(
                py,
                TYPES.iter().take(6).map(|(name, kind)| (*name, ty(kind))),
                false,
            )
            .unwrap();
            let mut out = BytesMut::with_capacity(1 << 24);
            measure(&format!("COPY row of 6 from {what}"), || {
                out.clear();
                for (index, row) in rows.iter().enumerate() {
                    encoder.encode_row(&row, &mut out, index as u64).unwrap();
                }
            });
        }
        let mut out = BytesMut::with_capacity(1 << 24);
        for ((_, kind), value) in TYPES.iter().zip(&values) {
            let codec = ty(kind).codec;
            measure(&format!("encode {kind}"), || {
                out.clear();
                for _ in 0..ROWS {
                    codec.encode_with_len(black_box(value), &mut out).unwrap();
                }
            });
        }
    });
}
