//! A pipelining PostgreSQL driver.
#![forbid(unsafe_code)]

pub mod auth;
pub mod error;
pub mod session;
pub mod ident;
pub mod types;
pub mod wire;

pub use error::{Error, Result};
