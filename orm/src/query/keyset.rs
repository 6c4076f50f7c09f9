//! Paging by where the last page ended: the rows behind a row in a query's order.

use data_bridge_driver::Error;

use super::{Expr, Order, Select, expr::Node, select::Nulls};

impl<V> Select<V> {
    /// Keeps the rows behind the one that has these values in the query's order, [`Expr::null`] for NULL: the next page of any
    /// size, found by an index however far it lies, which OFFSET is not. An order that several rows share at its end leaves
    /// out rows; let it end with a key.
    ///
    /// ```
    /// use data_bridge_orm::{query::{Expr, Param, Select, ValueType}, schema::{Builtin, Column, Table}};
    ///
    /// let users = Table::builder("users")?
    ///     .column(Column::new("id", Builtin::Int8)?.primary_key())
    ///     .column(Column::new("name", Builtin::Text)?)
    ///     .build()?;
    /// let (id, name) = (users.column("id")?, users.column("name")?);
    /// let ann = Expr::param(Param::new("Ann"), ValueType::of(Builtin::Text));
    /// let last = Expr::param(Param::new(7_i64), ValueType::of(Builtin::Int8));
    /// let query = Select::of([name.expr()]).source(&users).order_by(name.asc()).order_by(id.asc());
    /// assert_eq!(
    ///     query.after(vec![ann, last])?.render()?.sql,
    ///     "SELECT \"users\".\"name\" FROM \"users\" \
    ///      WHERE ROW(\"users\".\"name\", \"users\".\"id\") > ROW($1, $2) \
    ///      ORDER BY \"users\".\"name\", \"users\".\"id\""
    /// );
    /// # Ok::<(), data_bridge_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// Another number of values than the order has expressions, or no order.
    pub fn after(self, values: Vec<Expr<V>>) -> Result<Self, Error> {
        if self.order.is_empty() {
            return Err(Error::interface(
                "after() needs an order: call order_by() first, with a key at its end",
            ));
        }
        if self.order.len() != values.len() {
            return Err(Error::interface(format!(
                "the query is ordered by {} expressions, and after() was given {} values",
                self.order.len(),
                values.len()
            )));
        }
        let keys: Vec<_> = self.order.iter().zip(values).map(Key::new).collect();
        let condition = match keys.as_slice() {
            [first, _, ..] if keys.iter().all(|key| key.is_plain_as(first)) => {
                let (exprs, values) = keys
                    .iter()
                    .map(|key| (key.expr.clone(), key.value.clone()))
                    .unzip();
                Key {
                    expr: Expr::row(exprs),
                    value: Expr::row(values),
                    ..*first
                }
                .further()
            }
            // What the first key says by itself is what an index can be searched for.
            [first, _, ..] if first.is_plain_as(first) => first.not_before() & behind(&keys),
            keys => behind(keys),
        };
        Ok(self.filter(condition))
    }

    /// The expressions that the query is ordered by.
    pub fn orders(&self) -> impl Iterator<Item = &Expr<V>> {
        self.order.iter().map(|order| &order.expr)
    }
}

/// One expression of an order, with its value where the page ended.
struct Key<V> {
    expr: Expr<V>,
    value: Expr<V>,
    descending: bool,
    nulls_first: bool,
    nullable: bool,
}

impl<V> Key<V> {
    fn new((order, value): (&Order<V>, Expr<V>)) -> Self {
        let nulls_first = order
            .nulls
            .map_or(order.descending, |nulls| nulls == Nulls::First);
        let nullable = match &order.expr.0.node {
            Node::Column(column) => column.column().nullable,
            _ => true,
        };
        Self {
            expr: order.expr.clone(),
            value,
            descending: order.descending,
            nulls_first,
            nullable,
        }
    }

    /// Whether NULL plays no part in it and its direction is that of another, so that both can be compared as one row.
    fn is_plain_as(&self, other: &Self) -> bool {
        !self.value.is_null_word()
            && (!self.nullable || self.nulls_first)
            && self.descending == other.descending
    }

    /// Behind the value, NULL left aside.
    fn further(&self) -> Expr<V> {
        if self.descending {
            self.expr.lt(&self.value)
        } else {
            self.expr.gt(&self.value)
        }
    }

    fn strictly_behind(&self) -> Expr<V> {
        match (self.value.is_null_word(), self.nulls_first) {
            (true, true) => self.expr.is_not_null(),
            (true, false) => Expr::any([]),
            (false, false) if self.nullable => self.further() | self.expr.is_null(),
            (false, _) => self.further(),
        }
    }

    fn not_before(&self) -> Expr<V> {
        if self.descending {
            self.expr.le(&self.value)
        } else {
            self.expr.ge(&self.value)
        }
    }

    fn ties(&self) -> Expr<V> {
        if self.value.is_null_word() {
            self.expr.is_null()
        } else {
            self.expr.eq(&self.value)
        }
    }
}

/// Behind by the first key, or equal by it and behind by the others.
fn behind<V>(keys: &[Key<V>]) -> Expr<V> {
    match keys {
        [] => Expr::any([]),
        [last] => last.strictly_behind(),
        [key, rest @ ..] => key.strictly_behind() | (key.ties() & behind(rest)),
    }
}
