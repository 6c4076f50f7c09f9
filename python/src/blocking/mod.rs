//! The blocking front: sockets read and written in the calling thread, which waits with the interpreter released.

mod connection;
mod limit;
mod pool;
mod shared;

pub use connection::Connection;
pub use pool::Pool;
