//! Real and scripted servers for the tests.

pub mod scripted;
pub mod server;
