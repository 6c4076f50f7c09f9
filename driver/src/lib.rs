//! A pipelining PostgreSQL driver.
#![forbid(unsafe_code)]

pub mod auth;
pub mod blocking;
pub mod client;
pub mod config;
pub mod copy;
pub mod dial;
pub mod error;
pub mod ident;
pub mod pool;
pub mod session;
pub mod sql;
#[cfg(feature = "tokio")]
pub mod tokio;
pub mod types;
pub mod wire;

pub use error::{DbError, Error, Result};
