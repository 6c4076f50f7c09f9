//! A pipelining PostgreSQL driver.
#![forbid(unsafe_code)]

pub mod error;

pub use error::{Error, Result};
