//! A pipelining PostgreSQL driver.
#![forbid(unsafe_code)]

pub mod error;
pub mod types;

pub use error::{Error, Result};
