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
//! ```
//! use data_bridge_driver::copy::{Action, ColumnType, Duplicates, Target, Upsert};
//! use data_bridge_driver::ident::QualifiedName;
//!
//! # fn main() -> Result<(), data_bridge_driver::Error> {
//! let target = Target::new(QualifiedName::parse("shop.item")?, ["id", "price"])?;
//! assert_eq!(target.copy_sql(), r#"COPY "shop"."item" ("id", "price") FROM STDIN (FORMAT binary)"#);
//!
//! let upsert = Upsert::new(target, ["id"], Action::UpdateAll)?
//!     .condition("item.price <> excluded.price")
//!     .duplicates(Duplicates::Last);
//! let int8_and_numeric = [20, 1700].map(|oid| ColumnType { oid, modifier: -1 });
//! let plan = upsert.stage(&int8_and_numeric);
//! assert!(plan.merge.contains(r#"ON CONFLICT ("id") DO UPDATE SET "price" = excluded."price""#));
//! # Ok(())
//! # }
//! ```
//! "Few" needs an array type for each column; [`unnest_parameters`] says whether there is one.

pub mod binary;
mod insert;
mod stage;
mod target;
mod upsert;

pub use binary::RowEncoder;
pub use insert::{Insert, unnest_parameters};
pub use stage::StagePlan;
pub(crate) use stage::Stages;
pub use target::{ColumnType, Target};
pub use upsert::{Action, Duplicates, Upsert};
