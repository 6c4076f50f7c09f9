//! The native half of `data_bridge.postgres`: a module list.
use pyo3::prelude::*;

pub mod convert;
pub mod errors;
pub mod record;

#[pymodule]
mod _native {}
