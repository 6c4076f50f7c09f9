//! SQL of the caller's inside a query, with values bound by name.

use data_bridge_driver::Error;

use super::{Expr, ValueType, expr::Node, param::Typed};
use crate::schema::Fragment;

/// A part of a text.
#[derive(Debug)]
pub(super) enum Piece<V> {
    Sql(String),
    Bind(Typed<V>),
}

impl<V> Expr<V> {
    /// SQL without values, as a definition holds it.
    pub fn fragment(sql: &Fragment) -> Self {
        let pieces = vec![Piece::Sql(sql.as_str().to_owned())];
        Self::new(Node::Text(pieces), ValueType::UNKNOWN)
    }

    /// A piece of SQL, for what no other expression says; `:name` stands for a value. It is code and never to be built from
    /// input. It stays within its brackets: semicolons, comments and unbalanced brackets are refused.
    ///
    /// ```
    /// use data_bridge_orm::{query::{Expr, IntoParam, Param, Select}, schema::{Builtin, Column, Table}};
    ///
    /// let users = Table::builder("users")?.column(Column::new("id", Builtin::Int8)?).build()?;
    /// let odd = Expr::text("id % :n = 1", |_| Some(Param::new(2_i64)))?;
    /// let query = Select::from(&users).filter(odd & users.column("id")?.gt(9_i64));
    /// assert_eq!(
    ///     query.render()?.sql,
    ///     "SELECT \"users\".\"id\" FROM \"users\" WHERE (id % $1 = 1) AND \"users\".\"id\" > $2"
    /// );
    /// # Ok::<(), data_bridge_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// A text that could reach outside its brackets, and a name that `value` has nothing for.
    pub fn text(sql: &str, mut value: impl FnMut(&str) -> Option<V>) -> Result<Self, Error> {
        let sql = Fragment::new(sql)?;
        let mut pieces = Vec::new();
        let mut plain = String::new();
        for token in tokens(sql.as_str()) {
            let Some(name) = token.strip_prefix(':').filter(|name| is_name(name)) else {
                plain.push_str(token);
                continue;
            };
            let Some(value) = value(name) else {
                return Err(Error::interface(format!(
                    "the SQL {:?} has :{name}, and no value was given for {name}",
                    sql.as_str()
                )));
            };
            if !plain.is_empty() {
                pieces.push(Piece::Sql(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Bind(Typed { value, oid: 0 }));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Sql(plain));
        }
        Ok(Self::new(Node::Text(pieces), ValueType::UNKNOWN))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Cuts SQL into quoted parts, casts (`::`), names after a colon, and what lies between them.
fn tokens(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let word = |text: &str| {
            text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(text.len())
        };
        let end = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |at| at + 2),
            ':' if rest.starts_with("::") => 2,
            ':' => 1 + word(&rest[1..]),
            _ => rest.find(['\'', '"', ':']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_told_from_casts_and_quotes() {
        let of = |text: &'static str| tokens(text).collect::<Vec<_>>();
        assert_eq!(of("a = :b_1"), ["a = ", ":b_1"]);
        assert_eq!(of("a::text || ':x'"), ["a", "::", "text || ", "':x'"]);
        assert_eq!(of("\":x\"[1:2]"), ["\":x\"", "[1", ":2", "]"]);
        assert_eq!(of("é:é"), ["é", ":", "é"]);
        assert!(Expr::<i32>::text("a > :b", |_| None).is_err());
        assert!(Expr::<i32>::text("a) OR (true", |_| None).is_err());
    }
}
