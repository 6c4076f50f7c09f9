//! Queries as an immutable tree, and their rendering to SQL text with `$n` parameters.
//!
//! Values are never part of the text, names pass the driver's identifier rules, and a list is one parameter: one shape
//! of query is one text, which the driver prepares once. [`Statement`] carries the parameters' types, so that even the
//! first use takes one round trip.

mod expr;
mod operator;
mod param;
mod render;
mod select;
mod write;

pub use self::{
    expr::{Expr, MAX_DEPTH},
    operator::{Operator, Precedence},
    param::{IntoParam, Param},
    render::Statement,
    select::{Link, Nulls, Order, Select},
    write::{Delete, Insert, Update},
};
