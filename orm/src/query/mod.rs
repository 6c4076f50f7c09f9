//! Queries as an immutable tree, and their rendering to SQL text with `$n` parameters.
//!
//! Values are never part of the text, names pass the driver's identifier rules, and a list is one parameter: one shape
//! of query is one text, which the driver prepares once. [`Statement`] carries the parameters' types, so that even the
//! first use takes one round trip.

mod containers;
mod derived;
mod expr;
mod function;
mod keyset;
mod link;
mod methods;
mod operator;
mod param;
mod render;
mod render_expr;
mod render_select;
mod scope;
mod select;
mod source;
mod text;
mod value_type;
mod write;

pub use self::{
    derived::Derived,
    expr::{Expr, MAX_DEPTH, Named, Same},
    function::{Bound, Frame, Function, Unit, Window},
    link::Link,
    operator::{Associativity, Gives, Operator, Precedence, Symbol},
    param::{IntoOperand, IntoParam, Param},
    render::Statement,
    scope::Scope,
    select::{Lock, Nulls, Order, Select, SetOperator, Strength, Wait},
    source::{Join, Relation, key_condition},
    value_type::{Conversion, ValueType},
    write::{Conflict, Delete, Insert, Update},
};
