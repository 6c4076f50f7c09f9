//! `Record`: a row of a result, made by the hundred thousand.

mod methods;
mod object;
mod shape;
#[cfg(test)]
mod tests;

pub use object::{NewRecord, class, values};
pub use shape::Shape;
