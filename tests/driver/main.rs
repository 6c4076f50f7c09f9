//! The driver against a scripted server: what it does when the server is slow, wrong or gone.

mod commands;
mod dial;
mod mutations;
mod pool;
mod session;
mod split;
