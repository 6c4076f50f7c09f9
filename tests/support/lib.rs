//! Real and scripted servers for the tests.

pub mod server;
