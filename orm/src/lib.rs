//! Schema model and SQL rendering for PostgreSQL, free of I/O.
//!
//! [`schema`] describes tables and renders their DDL; [`query`] builds statements over them;
//! [`reflect`] makes the description of an existing database. What is rendered here is
//! run by any front of `data-bridge-driver`, or by another driver: it is text, values and type ids.
//!
//! ```
//! use data_bridge_orm::{query::Select, schema::{Builtin, Column, Table}};
//!
//! let users = Table::builder("users")?
//!     .column(Column::new("id", Builtin::Int8)?.primary_key())
//!     .column(Column::new("email", Builtin::Text)?.unique())
//!     .build()?;
//! let query = Select::from(&users).filter(users.column("email")?.eq("a@x.io")).one();
//! let statement = query.render()?;
//! assert_eq!(
//!     statement.sql,
//!     "SELECT \"users\".\"id\", \"users\".\"email\" FROM \"users\" WHERE \"users\".\"email\" = $1 LIMIT 1"
//! );
//! assert_eq!(statement.types, [25]);
//! assert_eq!(statement.values().len(), 1); // client.query(&statement.sql, &statement.values())
//! # Ok::<(), data_bridge_driver::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod query;
pub mod reflect;
pub mod schema;
