//! Real and scripted servers for the tests.

pub mod fuzzing;
pub mod scripted;
pub mod server;
