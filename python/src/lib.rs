//! The native half of `data_bridge.postgres`: a module list.
use pyo3::prelude::*;

pub mod convert;
pub mod errors;
pub mod record;
#[cfg(test)]
mod testing;

#[pymodule]
mod _native {}
