//! Bytes to messages and back (PostgreSQL manual, "Frontend/Backend Protocol").
//!
//! [`frame`] finds message boundaries and caps their length, [`backend`] reads message bodies in place, [`rows`] holds
//! a validated run of result rows, [`frontend`] writes requests. Nothing here keeps state of a conversation.

pub mod backend;
pub mod frame;
pub mod frontend;
pub mod reader;
pub mod rows;

pub use backend::{Column, CommandTag, TransactionStatus};
pub use rows::{Row, RowBatch};
