//! The schema as data: tables, columns, constraints, and their DDL.

mod column;
mod constraint;
mod ddl;
mod fragment;
mod name;
pub mod naming;
mod table;
mod types;

pub use self::{
    column::{Column, Identity},
    constraint::{Action, Constraint, Index, Reference, Rule},
    ddl::{Existing, create_all, create_table, drop_all, in_dependency_order},
    fragment::Fragment,
    name::{Name, QualifiedName},
    table::{ColumnRef, Table, TableBuilder},
    types::{Builtin, Oid, PgType},
};
