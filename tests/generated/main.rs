//! Files made from data: each must be what its generator writes today. To write them anew:
//! `UPDATE_GENERATED=1 cargo test -p data-bridge-tests --test generated`.

mod errcodes;
mod oids;
mod python_errors;

use std::path::Path;
use std::{env, fs};

use errcodes::Code;

#[test]
fn sqlstate_constants() {
    compare("driver/src/error/sqlstate.rs", &errcodes::render(&codes()));
}

#[test]
fn python_exceptions() {
    compare(
        "python/data_bridge/postgres/_sqlstates.py",
        &python_errors::render(&codes()),
    );
}

#[test]
fn oid_constants() {
    let types = fs::read_to_string(root().join("driver/codegen/types.txt")).unwrap();
    compare(
        "driver/src/types/oid.rs",
        &oids::render(&oids::parse(&types)),
    );
}

fn codes() -> Vec<Code> {
    errcodes::parse(&fs::read_to_string(root().join("driver/codegen/errcodes.txt")).unwrap())
}

fn compare(path: &str, wanted: &str) {
    let full = root().join(path);
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&full, wanted).unwrap();
    }
    let found = fs::read_to_string(&full).unwrap();
    assert!(
        found == wanted,
        "{path} is not what its generator writes; see tests/generated/main.rs"
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
