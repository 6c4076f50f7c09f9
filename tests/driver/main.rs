//! The driver against a scripted server: what it does when the server is slow, wrong or gone.

mod cancel;
mod commands;
mod commit;
mod dial;
mod fronts;
mod last_words;
mod mutations;
mod pool;
mod session;
mod split;
