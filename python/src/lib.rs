//! The native half of `data_bridge.postgres`: a module list.
use pyo3::prelude::*;

#[pymodule]
mod _native {}
