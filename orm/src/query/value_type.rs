//! What is known of an expression's type.

use super::{Operator, operator::Gives};
use crate::schema::{Builtin, Column, Oid, PgType};

/// The type of an expression as far as it is known without the server: a built-in type or an array of one, or nothing.
///
/// It decides how the value beside an expression is sent, so that `price * $1` takes what the column takes. To know
/// nothing is always safe: the server then says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueType {
    builtin: Option<Builtin>,
    array: bool,
    conversion: Conversion,
}

/// What a binding makes of the values of a type: an entry of a list of its own. Here it is only carried along, from a
/// column to what has the column's values and to the values that stand beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Conversion(u32);

impl Conversion {
    /// None: values are as the driver makes them.
    pub const NONE: Self = Self(0);

    /// The entry of this number, counted from 0.
    pub const fn at(index: u32) -> Self {
        Self(index.saturating_add(1))
    }

    /// The number of the entry.
    pub const fn index(self) -> Option<u32> {
        self.0.checked_sub(1)
    }
}

impl ValueType {
    /// Only the server knows.
    pub const UNKNOWN: Self = Self {
        builtin: None,
        array: false,
        conversion: Conversion::NONE,
    };

    /// A built-in type.
    pub const fn of(builtin: Builtin) -> Self {
        Self {
            builtin: Some(builtin),
            ..Self::UNKNOWN
        }
    }

    /// The type of a column.
    pub fn of_column(column: &Column) -> Self {
        Self {
            conversion: column.conversion,
            array: column.ty.is_array(),
            ..Self::from(&column.ty)
        }
    }

    /// What the binding makes of the values, or of the elements of an array.
    pub const fn conversion(self) -> Conversion {
        self.conversion
    }

    /// The type, or that of an array's elements, where it is known.
    pub const fn builtin(self) -> Option<Builtin> {
        self.builtin
    }

    /// Whether it is known.
    pub const fn is_known(self) -> bool {
        self.builtin.is_some()
    }

    /// Whether it is an array.
    pub const fn is_array(self) -> bool {
        self.array
    }

    /// The array of this type; unknown where the type is. An array of arrays is the same type in PostgreSQL.
    #[must_use]
    pub const fn array(self) -> Self {
        Self {
            array: self.builtin.is_some() || self.conversion.0 != 0,
            ..self
        }
    }

    /// The type itself, of what is made of values and is none of them any more.
    const fn bare(self) -> Self {
        Self {
            conversion: Conversion::NONE,
            ..self
        }
    }

    /// The type of an array's elements; unknown where this is no array. What has several dimensions is an array of this type
    /// still, which only its subscripts tell.
    #[must_use]
    pub const fn element(self) -> Self {
        if self.array {
            Self {
                array: false,
                ..self
            }
        } else {
            Self::UNKNOWN
        }
    }

    /// The type of the values in a range or multirange, where this is one.
    pub fn in_range(self) -> Option<Self> {
        let mut ranges = RANGES.iter().filter(|_| !self.array);
        let found =
            ranges.find(|(_, ranges)| self.builtin.is_some_and(|own| ranges.contains(&own)));
        found.map(|(builtin, _)| Self::of(*builtin))
    }

    /// The type of the ranges of such values, where there is one.
    pub fn range_of(self) -> Option<Self> {
        let mut ranges = RANGES.iter().filter(|_| !self.array);
        let found = ranges.find(|(builtin, _)| self.builtin == Some(*builtin));
        found.map(|(_, [range, _])| Self::of(*range))
    }

    /// The id to declare for a parameter of this type; 0 leaves it to the server.
    pub fn oid(self) -> Oid {
        match (self.builtin, self.array) {
            (None, _) => 0,
            (Some(builtin), false) => builtin.oids().0,
            (Some(builtin), true) => builtin.oids().1,
        }
    }

    /// The type of the value on the right of an operator whose left side has this type.
    #[must_use]
    pub fn beside(self, operator: Operator) -> Self {
        let text = Self::of(Builtin::Text);
        match operator {
            Operator::Like
            | Operator::NotLike
            | Operator::ILike
            | Operator::NotILike
            | Operator::StartsWith
            | Operator::Regexp
            | Operator::NotRegexp
            | Operator::IRegexp
            | Operator::NotIRegexp
            | Operator::Get
            | Operator::GetText
            | Operator::HasKey => text,
            Operator::GetPath
            | Operator::GetPathText
            | Operator::DeletePath
            | Operator::HasAny
            | Operator::HasAll => text.array(),
            Operator::PathExists => Self::of(Builtin::JsonPath),
            Operator::Match if self.builtin == Some(Builtin::Jsonb) => Self::of(Builtin::JsonPath),
            Operator::Match => Self::of(Builtin::TsQuery),
            Operator::Contains | Operator::ContainedBy if self.builtin == Some(Builtin::Jsonb) => {
                self.bare()
            }
            Operator::ContainedBy => self.range_of().unwrap_or(self),
            // There is no power of whole numbers.
            Operator::Pow if self.rank().is_some_and(|rank| rank < NUMERIC) => {
                Self::of(Builtin::Float8)
            }
            // Of whole numbers these shift bits, by an `integer`.
            Operator::Before | Operator::After if self.rank().is_some() => Self::of(Builtin::Int4),
            Operator::Concat => self.joined(),
            // Dates take days, spans of time or each other: the server chooses by what it is given.
            _ if operator.gives() == Gives::Number && self.rank().is_none() => Self::UNKNOWN,
            _ if operator.gives() == Gives::Number => self.bare(),
            _ => self,
        }
    }

    /// The type of `left operator right`.
    #[must_use]
    pub fn combined(self, operator: Operator, right: Self) -> Self {
        match operator.gives() {
            Gives::Bool => Self::of(Builtin::Bool),
            Gives::Joined => self.joined(),
            Gives::Left => self.bare(),
            Gives::Text => Self::of(Builtin::Text),
            Gives::Number if operator == Operator::Pow => match (self.rank(), right.rank()) {
                (Some(left), Some(right)) if left.max(right) == NUMERIC => {
                    Self::of(Builtin::Numeric)
                }
                (Some(_), Some(_)) => Self::of(Builtin::Float8),
                _ => Self::UNKNOWN,
            },
            Gives::Number => match (self.rank(), right.rank()) {
                (Some(left), Some(other)) if left >= other => self.bare(),
                (Some(_), Some(_)) => right.bare(),
                _ => self.moved(operator, right),
            },
        }
    }

    fn joined(self) -> Self {
        match self.builtin {
            Some(Builtin::Jsonb) if !self.array => self.bare(),
            _ if self.array => self,
            _ => Self::of(Builtin::Text),
        }
    }

    /// The place among the numbers: of two operands the higher one's type is the result's.
    fn rank(self) -> Option<u8> {
        if self.array {
            return None;
        }
        Some(match self.builtin? {
            Builtin::Int2 => 0,
            Builtin::Int4 => 1,
            Builtin::Int8 => 2,
            Builtin::Numeric => NUMERIC,
            Builtin::Float4 => 4,
            Builtin::Float8 => 5,
            _ => return None,
        })
    }

    /// Dates and times (PostgreSQL manual, table 9.32), keys taken out of JSON, and ranges.
    fn moved(self, operator: Operator, right: Self) -> Self {
        use Builtin::{Date, Int4, Interval, Jsonb, Time, Timestamp, TimestampTz};
        if operator == Operator::Sub && self == Self::of(Jsonb) {
            return self;
        }
        if self == right && self.in_range().is_some() {
            return self;
        }
        let (Some(left), Some(right), false) =
            (self.builtin, right.builtin, self.array || right.array)
        else {
            return Self::UNKNOWN;
        };
        Self::of(match (left, operator, right) {
            (Date, Operator::Sub, Date) => Int4,
            (Timestamp, Operator::Sub, Timestamp)
            | (TimestampTz, Operator::Sub, TimestampTz)
            | (Time, Operator::Sub, Time) => Interval,
            (Date, Operator::Add | Operator::Sub, Int4) => Date,
            (Date, Operator::Add | Operator::Sub, Interval) => Timestamp,
            (
                Timestamp | TimestampTz | Time | Interval,
                Operator::Add | Operator::Sub,
                Interval,
            ) => left,
            _ => return Self::UNKNOWN,
        })
    }
}

/// The rank of `numeric` among the numbers.
const NUMERIC: u8 = 3;

/// Values with the ranges and multiranges of them (PostgreSQL manual, section 8.17.1).
const RANGES: [(Builtin, [Builtin; 2]); 6] = {
    use Builtin as B;
    [
        (B::Int4, [B::Int4Range, B::Int4Multirange]),
        (B::Int8, [B::Int8Range, B::Int8Multirange]),
        (B::Numeric, [B::NumRange, B::NumMultirange]),
        (B::Date, [B::DateRange, B::DateMultirange]),
        (B::Timestamp, [B::TsRange, B::TsMultirange]),
        (B::TimestampTz, [B::TstzRange, B::TstzMultirange]),
    ]
};

impl From<&PgType> for ValueType {
    fn from(ty: &PgType) -> Self {
        let known = Self {
            builtin: ty.builtin(),
            ..Self::UNKNOWN
        };
        if ty.is_array() { known.array() } else { known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> ValueType {
        ValueType::from(&PgType::parse(text).unwrap())
    }

    #[test]
    fn arithmetic_takes_the_wider_type() {
        for (left, operator, right, result) in [
            ("int", Operator::Add, "bigint", "bigint"),
            ("numeric", Operator::Mul, "int", "numeric"),
            ("real", Operator::Div, "float8", "float8"),
            ("smallint", Operator::Rem, "smallint", "smallint"),
            ("date", Operator::Sub, "date", "int"),
            ("timestamptz", Operator::Sub, "timestamptz", "interval"),
            ("timestamptz", Operator::Add, "interval", "timestamptz"),
            ("date", Operator::Add, "interval", "timestamp"),
            ("varchar(3)", Operator::Concat, "text", "text"),
            ("int[]", Operator::Concat, "int[]", "int[]"),
            ("int", Operator::Lt, "int", "bool"),
            ("int", Operator::Pow, "int", "float8"),
            ("numeric", Operator::Pow, "int", "numeric"),
            ("jsonb", Operator::Get, "text", "jsonb"),
            ("jsonb", Operator::GetText, "text", "text"),
            ("jsonb", Operator::Sub, "text", "jsonb"),
            ("int4range", Operator::Mul, "int4range", "int4range"),
            ("int4range", Operator::Contains, "int", "bool"),
        ] {
            let (left, right) = (of(left), of(right));
            assert_eq!(
                left.combined(operator, right),
                of(result),
                "{left:?} {operator:?} {right:?}"
            );
        }
        assert_eq!(
            of("date").combined(Operator::Mul, of("int")),
            ValueType::UNKNOWN
        );
        assert_eq!(of("mood").array(), ValueType::UNKNOWN);
    }

    #[test]
    fn a_conversion_goes_with_the_values_and_not_with_what_is_made_of_them() {
        let mut column = Column::new("level", Builtin::Int4).unwrap();
        column.conversion = Conversion::at(7);
        let level = ValueType::of_column(&column);
        assert_eq!(level.conversion().index(), Some(7));
        assert_eq!(level.beside(Operator::Eq), level);
        assert_eq!(level.array().conversion(), level.conversion());
        for made in [
            level.beside(Operator::Add),
            level.combined(Operator::Add, of("int")),
            level.combined(Operator::Lt, level),
        ] {
            assert_eq!(made.conversion(), Conversion::NONE);
        }
    }

    #[test]
    fn values_take_the_type_beside_them_where_that_is_sure() {
        assert_eq!(of("int").beside(Operator::Lt), of("int"));
        assert_eq!(of("varchar(3)").beside(Operator::Like), of("text"));
        assert_eq!(of("date").beside(Operator::Sub), ValueType::UNKNOWN);
        assert_eq!(of("date").beside(Operator::Eq), of("date"));
        assert_eq!(of("jsonb").beside(Operator::Get), of("text"));
        assert_eq!(of("jsonb").beside(Operator::HasAny), of("text[]"));
        assert_eq!(of("date").beside(Operator::ContainedBy), of("daterange"));
        assert_eq!(of("int[]").beside(Operator::ContainedBy), of("int[]"));
        assert_eq!(of("tstzmultirange").in_range(), Some(of("timestamptz")));
        assert_eq!(of("int[]").in_range(), None);
    }
}
