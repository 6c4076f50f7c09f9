//! Calls of SQL functions, of aggregates and of window functions.

use data_bridge_driver::Error;

use super::{Expr, Order, Param, ValueType, expr::Node};
use crate::schema::{Builtin, QualifiedName};

/// A call of a function.
///
/// ```
/// use data_bridge_orm::{query::{Function, Param, Select}, schema::{Builtin, Column, Table}};
///
/// let sales = Table::builder("sales")?
///     .column(Column::new("shop", Builtin::Text)?)
///     .column(Column::new("amount", Builtin::Int4)?)
///     .build()?;
/// let (shop, amount) = (sales.column("shop")?, sales.column("amount")?);
/// let total = Function::<Param>::new("sum", vec![amount.expr()])?.filter(amount.gt(0_i32));
/// let query = Select::of([shop.expr(), total.into()]).source(&sales).group_by(&shop);
/// assert_eq!(
///     query.render()?.sql,
///     "SELECT \"sales\".\"shop\", sum(\"sales\".\"amount\") FILTER (WHERE \"sales\".\"amount\" > $1) \
///      FROM \"sales\" GROUP BY \"sales\".\"shop\""
/// );
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Debug)]
pub struct Function<V = Param> {
    pub(super) name: Box<str>,
    pub(super) args: Vec<Expr<V>>,
    pub(super) distinct: bool,
    pub(super) order: Vec<Order<V>>,
    pub(super) filter: Option<Expr<V>>,
    pub(super) within: Vec<Order<V>>,
    pub(super) window: Option<Window<V>>,
    ty: ValueType,
}

/// The rows that a window function looks at: those with the same `partition`, in this order, of them those in the frame.
#[derive(Debug)]
pub struct Window<V = Param> {
    /// What divides the rows; nothing: all are together.
    pub partition: Vec<Expr<V>>,
    /// Their order.
    pub order: Vec<Order<V>>,
    /// Which of them count for a row. Without a frame, those up to its last peer; without an order, all.
    pub frame: Option<Frame<V>>,
}

/// From where to where a window reaches around each row (PostgreSQL manual, section 4.2.8).
#[derive(Debug)]
pub struct Frame<V = Param> {
    /// What the bounds count.
    pub unit: Unit,
    /// Its first row.
    pub start: Bound<V>,
    /// Its last row.
    pub end: Bound<V>,
}

/// What the bounds of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Rows.
    Rows,
    /// The distance of the value that the window is ordered by.
    Range,
    /// Groups of rows that are equal in the window's order.
    Groups,
}

impl Unit {
    /// The SQL word.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Rows => "ROWS",
            Self::Range => "RANGE",
            Self::Groups => "GROUPS",
        }
    }
}

/// An end of a frame.
#[derive(Debug)]
pub enum Bound<V = Param> {
    /// The first row of the partition.
    UnboundedPreceding,
    /// So far before the row.
    Preceding(Expr<V>),
    /// The row; with [`Unit::Range`] and [`Unit::Groups`] its peers too.
    CurrentRow,
    /// So far behind the row.
    Following(Expr<V>),
    /// The last row of the partition.
    UnboundedFollowing,
}

impl<V> Bound<V> {
    fn distance(&self) -> Option<&Expr<V>> {
        match self {
            Self::Preceding(distance) | Self::Following(distance) => Some(distance),
            Self::UnboundedPreceding | Self::CurrentRow | Self::UnboundedFollowing => None,
        }
    }
}

/// What a function gives.
#[derive(Clone, Copy)]
enum Returns {
    /// Only the server knows.
    Unknown,
    Type(Builtin),
    /// The type of its first argument whose type is known.
    Argument,
    /// The wider type that sums have.
    Sum,
    /// `numeric` of whole numbers, else the argument's.
    Average,
    ArrayOfArgument,
    /// Of its array.
    Element,
    /// A bound of a range, else `text`.
    TextOrBound,
}

/// The functions whose result is known. They are also the ones that are called by their bare names, some being no
/// functions at all but words of the grammar, such as `coalesce`.
fn known(name: &str) -> Option<Returns> {
    use Builtin::{
        Bool, Bytea, Date, Float4, Float8, Int4, Int8, Json, Jsonb, Text, TimestampTz, TsQuery,
        TsVector, Uuid,
    };
    Some(match name {
        "count" | "row_number" | "rank" | "dense_rank" => Returns::Type(Int8),
        "sum" => Returns::Sum,
        "avg" => Returns::Average,
        "min" | "max" | "coalesce" | "greatest" | "least" | "nullif" | "abs" | "lag" | "lead"
        | "first_value" | "last_value" | "nth_value" | "array_append" | "array_remove"
        | "generate_series" => Returns::Argument,
        "array_agg" => Returns::ArrayOfArgument,
        "bool_and" | "bool_or" | "every" | "starts_with" => Returns::Type(Bool),
        "lower" | "upper" => Returns::TextOrBound,
        "string_agg" | "initcap" | "btrim" | "ltrim" | "rtrim" | "concat" | "concat_ws"
        | "format" | "left" | "right" | "substr" | "replace" | "reverse" | "repeat" | "lpad"
        | "rpad" | "split_part" | "translate" | "to_char" | "md5" | "regexp_replace"
        | "array_to_string" | "ts_headline" | "jsonb_typeof" | "json_typeof" | "jsonb_pretty" => {
            Returns::Type(Text)
        }
        "length" | "char_length" | "octet_length" | "strpos" | "ascii" | "cardinality"
        | "array_length" | "array_position" | "ntile" | "grouping" | "jsonb_array_length"
        | "json_array_length" => Returns::Type(Int4),
        "ts_rank" | "ts_rank_cd" => Returns::Type(Float4),
        "to_tsvector" | "setweight" | "strip" => Returns::Type(TsVector),
        "to_tsquery" | "plainto_tsquery" | "phraseto_tsquery" | "websearch_to_tsquery" => {
            Returns::Type(TsQuery)
        }
        "now"
        | "transaction_timestamp"
        | "statement_timestamp"
        | "clock_timestamp"
        | "to_timestamp" => Returns::Type(TimestampTz),
        "to_date" => Returns::Type(Date),
        "random" | "percent_rank" | "cume_dist" | "sqrt" | "date_part" => Returns::Type(Float8),
        "gen_random_uuid" => Returns::Type(Uuid),
        "sha256" => Returns::Type(Bytea),
        "json_agg" | "json_build_object" | "row_to_json" => Returns::Type(Json),
        "jsonb_agg"
        | "jsonb_build_object"
        | "jsonb_build_array"
        | "jsonb_object_agg"
        | "to_jsonb"
        | "jsonb_set"
        | "jsonb_insert"
        | "jsonb_strip_nulls"
        | "jsonb_array_elements"
        | "jsonb_path_query"
        | "jsonb_path_query_array"
        | "jsonb_path_query_first" => Returns::Type(Jsonb),
        "jsonb_array_elements_text" | "jsonb_object_keys" => Returns::Type(Text),
        "unnest" => Returns::Element,
        "percentile_disc" | "mode" | "percentile_cont" | "date_trunc" | "round" | "ceil"
        | "floor" | "trunc" => Returns::Unknown,
        _ => return None,
    })
}

impl Returns {
    fn of(self, argument: ValueType) -> ValueType {
        use Builtin::{Float4, Float8, Int2, Int4, Int8, Interval, Numeric};
        let of = ValueType::of;
        match (self, argument.builtin()) {
            (Self::Type(builtin), _) => of(builtin),
            (Self::ArrayOfArgument, _) => argument.array(),
            (Self::Element, _) => argument.element(),
            (Self::TextOrBound, _) => argument.in_range().unwrap_or(of(Builtin::Text)),
            (Self::Sum, Some(Int2 | Int4)) => of(Int8),
            (Self::Sum, Some(Int8)) | (Self::Average, Some(Int2 | Int4 | Int8)) => of(Numeric),
            (Self::Average, Some(Float4)) => of(Float8),
            (Self::Argument, _)
            | (Self::Sum, Some(Float4))
            | (Self::Sum | Self::Average, Some(Float8 | Numeric | Interval)) => argument,
            (Self::Unknown | Self::Sum | Self::Average, _) => ValueType::UNKNOWN,
        }
    }
}

impl<V> Function<V> {
    /// A call; `count` without arguments counts rows.
    ///
    /// # Errors
    /// A name that is none: it is `name` or `schema.name`, taken literally, and quoted where it is not a well-known one.
    pub fn new(name: &str, args: Vec<Expr<V>>) -> Result<Self, Error> {
        let (name, ty) = if let Some(returns) = known(name) {
            let argument = args
                .iter()
                .map(Expr::value_type)
                .find(|ty| *ty != ValueType::UNKNOWN);
            (name.into(), returns.of(argument.unwrap_or_default()))
        } else {
            (
                QualifiedName::parse(name)?.quoted().into(),
                ValueType::UNKNOWN,
            )
        };
        Ok(Self {
            name,
            args,
            distinct: false,
            order: Vec::new(),
            filter: None,
            within: Vec::new(),
            window: None,
            ty,
        })
    }

    /// Over different values only.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.distinct = true;
        self
    }

    /// In this order, where the order matters: `array_agg`, `string_agg`. A second one decides among equals of the first.
    #[must_use]
    pub fn order_by(mut self, order: Order<V>) -> Self {
        self.order.push(order);
        self
    }

    /// `WITHIN GROUP (ORDER BY ...)`, as `percentile_cont` and `mode` need it.
    #[must_use]
    pub fn within_group(mut self, order: Order<V>) -> Self {
        if self.within.is_empty() && &*self.name != "percentile_cont" {
            // `mode` and `percentile_disc` give one of the values.
            self.ty = order.expr.value_type();
        }
        self.within.push(order);
        self
    }

    /// Over the rows for which the condition is true; a second one narrows the first.
    #[must_use]
    pub fn filter(mut self, condition: Expr<V>) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(earlier) => earlier & condition,
            None => condition,
        });
        self
    }

    /// Of each row, over its window.
    #[must_use]
    pub fn over(mut self, window: Window<V>) -> Self {
        self.window = Some(window);
        self
    }

    pub(super) fn for_each_part<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr<V>)) {
        let orders = |order: &'a Order<V>| &order.expr;
        self.args.iter().for_each(&mut *visit);
        self.order.iter().map(orders).for_each(&mut *visit);
        self.within.iter().map(orders).for_each(&mut *visit);
        self.filter.iter().for_each(&mut *visit);
        if let Some(window) = &self.window {
            window.partition.iter().for_each(&mut *visit);
            window.order.iter().map(orders).for_each(&mut *visit);
            if let Some(Frame { start, end, .. }) = &window.frame {
                let distances = [start, end].into_iter().filter_map(Bound::distance);
                distances.for_each(&mut *visit);
            }
        }
    }
}

impl<V> From<Function<V>> for Expr<V> {
    fn from(function: Function<V>) -> Self {
        let ty = function.ty;
        Self::new(Node::Function(function), ty)
    }
}

/// Cloning shares the arguments and does not need `V: Clone`.
impl<V> Clone for Function<V> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            args: self.args.clone(),
            distinct: self.distinct,
            order: self.order.clone(),
            filter: self.filter.clone(),
            within: self.within.clone(),
            window: self.window.clone(),
            ty: self.ty,
        }
    }
}

impl<V> Clone for Window<V> {
    fn clone(&self) -> Self {
        Self {
            partition: self.partition.clone(),
            order: self.order.clone(),
            frame: self.frame.clone(),
        }
    }
}

impl<V> Clone for Frame<V> {
    fn clone(&self) -> Self {
        Self {
            unit: self.unit,
            start: self.start.clone(),
            end: self.end.clone(),
        }
    }
}

impl<V> Clone for Bound<V> {
    fn clone(&self) -> Self {
        match self {
            Self::UnboundedPreceding => Self::UnboundedPreceding,
            Self::Preceding(distance) => Self::Preceding(distance.clone()),
            Self::CurrentRow => Self::CurrentRow,
            Self::Following(distance) => Self::Following(distance.clone()),
            Self::UnboundedFollowing => Self::UnboundedFollowing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_follow_from_arguments() {
        let of = |name: &str, builtin| {
            let null = Expr::<Param>::null().cast(crate::schema::PgType::from(builtin));
            Function::new(name, vec![null]).unwrap().ty
        };
        assert_eq!(of("sum", Builtin::Int4), ValueType::of(Builtin::Int8));
        assert_eq!(of("sum", Builtin::Int8), ValueType::of(Builtin::Numeric));
        assert_eq!(of("avg", Builtin::Float4), ValueType::of(Builtin::Float8));
        assert_eq!(
            of("array_agg", Builtin::Text),
            ValueType::of(Builtin::Text).array()
        );
        assert_eq!(of("max", Builtin::Date), ValueType::of(Builtin::Date));
        assert_eq!(of("app.price", Builtin::Date), ValueType::UNKNOWN);
    }

    #[test]
    fn a_name_is_a_name() {
        let name = |text: &str| Function::<Param>::new(text, Vec::new()).map(|call| call.name);
        assert_eq!(&*name("lower").unwrap(), "lower");
        assert_eq!(&*name("Lower").unwrap(), "\"Lower\"");
        assert_eq!(&*name("app.f").unwrap(), "\"app\".\"f\"");
        assert_eq!(&*name("f() --").unwrap(), "\"f() --\"");
        assert!(name("").is_err());
        assert!(name("a.b.c").is_err());
    }
}
