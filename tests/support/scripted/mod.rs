//! A scripted PostgreSQL server, for faults that a real one cannot be made to have.
//!
//! The [`Backend`] is an honest model of a server's side of the protocol. A [`Script`] lets it tell
//! one lie (a [`Mutation`] of a message), or takes over for some steps. So a fault is one line:
//!
//! ```
//! use data_bridge_tests::scripted::{Op, Script, Server, on};
//!
//! let server = Server::start([Script::lie(on(b'C').then(Op::Drop))]); // no CommandComplete
//! let _url = server.url();
//! ```
//!
//! A [`Peer`] is one connection without I/O, to be fed by hand; a [`Server`] puts peers on a port
//! and records what clients send.

#![allow(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

pub mod answer;
pub mod auth;
pub mod backend;
pub mod faults;
pub mod frontend;
pub mod message;
mod mutation;
mod script;
mod server;
pub mod wire;

pub use auth::{Auth, ScramFault};
pub use backend::Backend;
pub use frontend::Frontend;
pub use mutation::{Action, Mutation, Op, Target, on, on_startup};
pub use script::{Pattern, Peer, Script, Step};
pub use server::{Entry, Server};
pub use wire::Wire;
