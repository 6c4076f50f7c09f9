//! PostgreSQL values: type numbers, kinds, and the arithmetic between wire and language.

pub mod datetime;
pub mod numeric;
