//! Bulk writes: binary COPY, and the SQL of inserting and upserting many rows.
//!
//! Everything here is data: texts, and bytes appended to a buffer. Each front runs the texts in its own way of waiting,
//! so that a blocking, an asynchronous and a Python caller get the same statements.
//!
//! | rows | insert | upsert |
//! |---|---|---|
//! | few | [`Insert::unnest_sql`] | [`Upsert::unnest_sql`], then [`Upsert::count_sql`] in the same request |
//! | many | [`Target::copy_sql`] | [`Upsert::stage`] |
//! | many, with generated keys | [`Insert::stage`] | [`Upsert::stage`] |
//!
//! "Few" needs an array type for each column; [`unnest_parameters`] says whether there is one.

pub mod binary;
mod insert;
mod stage;
mod target;
mod upsert;

pub use binary::RowEncoder;
pub use insert::{Insert, unnest_parameters};
pub use stage::StagePlan;
pub use target::Target;
pub use upsert::{Action, Duplicates, Upsert};
