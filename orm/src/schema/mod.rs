//! The schema as data: tables, columns, constraints, and their DDL.

mod builder;
mod column;
mod constraint;
mod ddl;
mod ddl_text;
mod enum_type;
mod fragment;
mod identity;
mod index;
mod name;
pub mod naming;
mod table;
mod types;

pub use self::{
    builder::TableBuilder,
    column::{Column, Generated},
    constraint::{Action, Constraint, Exclude, ExclusionOperator, Reference, Rule, Timing},
    ddl::{Existing, create_all, create_table, drop_all, in_dependency_order},
    enum_type::EnumType,
    fragment::Fragment,
    identity::{Identity, SequenceOptions},
    index::{Index, IndexForm, Key, Nulls, OperatorClass, Part},
    name::{Name, QualifiedName},
    table::{ColumnRef, Table},
    types::{Builtin, Oid, PgType},
};
