//! A pipelining PostgreSQL driver.
#![forbid(unsafe_code)]
