//! PostgreSQL types as a schema states them: `varchar(40)`, `bigint[]`, `app.mood`.

use std::fmt;

use data_bridge_driver::Error;

use super::{EnumType, Name, QualifiedName};

/// An object id of `pg_type`. 0 leaves the choice to the server.
pub type Oid = u32;

/// A column's or parameter's type.
///
/// ```
/// use data_bridge_orm::schema::PgType;
///
/// let price = PgType::parse("NUMERIC(10, 2)")?;
/// assert_eq!(price.to_string(), "numeric(10,2)");
/// assert_eq!(PgType::parse("bigint[]")?.oid(), 1016);
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PgType {
    base: Base,
    /// Length, precision and scale or the like, as written in the parentheses, which are left out.
    modifiers: Box<str>,
    /// What an interval is limited to: `day to second`.
    fields: &'static str,
    array: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Base {
    Builtin(Builtin),
    Named(QualifiedName),
    Enum(EnumType),
}

/// What an interval may be limited to (manual, "Date/Time Types").
const INTERVAL_FIELDS: [&str; 13] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "year to month",
    "day to hour",
    "day to minute",
    "day to second",
    "hour to minute",
    "hour to second",
    "minute to second",
];

macro_rules! builtins {
    ($($(#[$doc:meta])* $variant:ident $sql:literal $oid:literal $array:literal [$($alias:literal)*];)*) => {
        /// The types that every server has, with the ids of `pg_type.dat`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Builtin { $($(#[$doc])* $variant,)* }

        impl Builtin {
            /// The name used in DDL.
            pub const fn sql(self) -> &'static str {
                match self { $(Self::$variant => $sql,)* }
            }

            pub(crate) const fn oids(self) -> (Oid, Oid) {
                match self { $(Self::$variant => ($oid, $array),)* }
            }

            /// Finds a type by any of its usual spellings, in lower case.
            fn by_name(name: &str) -> Option<Self> {
                match name { $($sql $(| $alias)* => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

builtins! {
    /// True or false.
    Bool "boolean" 16 1000 ["bool"];
    /// 16-bit integer.
    Int2 "smallint" 21 1005 ["int2"];
    /// 32-bit integer.
    Int4 "integer" 23 1007 ["int4" "int"];
    /// 64-bit integer.
    Int8 "bigint" 20 1016 ["int8"];
    /// 32-bit float.
    Float4 "real" 700 1021 ["float4"];
    /// 64-bit float.
    Float8 "double precision" 701 1022 ["float8" "float"];
    /// Exact decimal number.
    Numeric "numeric" 1700 1231 ["decimal"];
    /// Text of any length.
    Text "text" 25 1009 [];
    /// Text of a limited length.
    Varchar "varchar" 1043 1015 ["character varying"];
    /// Blank-padded text.
    Bpchar "char" 1042 1014 ["character" "bpchar"];
    /// Bytes.
    Bytea "bytea" 17 1001 [];
    /// UUID.
    Uuid "uuid" 2950 2951 [];
    /// Calendar date.
    Date "date" 1082 1182 [];
    /// Time of day.
    Time "time" 1083 1183 ["time without time zone"];
    /// Time of day with an offset.
    TimeTz "timetz" 1266 1270 ["time with time zone"];
    /// Date and time without a zone.
    Timestamp "timestamp" 1114 1115 ["timestamp without time zone"];
    /// A moment in time.
    TimestampTz "timestamptz" 1184 1185 ["timestamp with time zone"];
    /// Span of time.
    Interval "interval" 1186 1187 [];
    /// JSON kept as text.
    Json "json" 114 199 [];
    /// JSON kept parsed.
    Jsonb "jsonb" 3802 3807 [];
    /// Object id.
    Oid "oid" 26 1028 [];
    /// IP address, host bits kept.
    Inet "inet" 869 1041 [];
    /// IP network.
    Cidr "cidr" 650 651 [];
    /// Range of `integer`.
    Int4Range "int4range" 3904 3905 [];
    /// Range of `bigint`.
    Int8Range "int8range" 3926 3927 [];
    /// Range of `numeric`.
    NumRange "numrange" 3906 3907 [];
    /// Range of `date`.
    DateRange "daterange" 3912 3913 [];
    /// Range of `timestamp`.
    TsRange "tsrange" 3908 3909 [];
    /// Range of `timestamptz`.
    TstzRange "tstzrange" 3910 3911 [];
    /// Ranges of `integer`; multiranges came with PostgreSQL 14.
    Int4Multirange "int4multirange" 4451 6150 [];
    /// Ranges of `bigint`.
    Int8Multirange "int8multirange" 4536 6157 [];
    /// Ranges of `numeric`.
    NumMultirange "nummultirange" 4532 6151 [];
    /// Ranges of `date`.
    DateMultirange "datemultirange" 4535 6155 [];
    /// Ranges of `timestamp`.
    TsMultirange "tsmultirange" 4533 6152 [];
    /// Ranges of `timestamptz`.
    TstzMultirange "tstzmultirange" 4534 6153 [];
    /// Document for full-text search: words with their places.
    TsVector "tsvector" 3614 3643 [];
    /// Full-text query.
    TsQuery "tsquery" 3615 3645 [];
    /// Path into JSON.
    JsonPath "jsonpath" 4072 4073 [];
    /// XML.
    Xml "xml" 142 143 [];
    /// Amount of money in the server's currency.
    Money "money" 790 791 [];
    /// Bits, a fixed number of them.
    Bit "bit" 1560 1561 [];
    /// Bits up to a limit.
    Varbit "bit varying" 1562 1563 ["varbit"];
    /// Network card's address.
    Macaddr "macaddr" 829 1040 [];
    /// Network card's address of 8 bytes.
    Macaddr8 "macaddr8" 774 775 [];
    /// Point in the plane.
    Point "point" 600 1017 [];
    /// Endless line.
    Line "line" 628 629 [];
    /// Line between two points.
    Lseg "lseg" 601 1018 [];
    /// Rectangle.
    Box "box" 603 1020 [];
    /// Sequence of points.
    Path "path" 602 1019 [];
    /// Polygon.
    Polygon "polygon" 604 1027 [];
    /// Circle.
    Circle "circle" 718 719 [];
}

impl PgType {
    /// Reads a type as SQL spells it. A name that is not built in is taken as a user-defined type and quoted.
    ///
    /// # Errors
    /// A name that the identifier rules refuse, or modifiers that are neither numbers nor words.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || {
            Error::interface(format!(
                "{text:?} is not a PostgreSQL type; write it as in DDL, for example varchar(40) or bigint[]"
            ))
        };
        let trimmed = text.trim();
        let mut scalar = trimmed;
        while let Some(element) = scalar.strip_suffix("[]") {
            scalar = element.trim_end();
        }
        let array = scalar.len() < trimmed.len();
        let (name, modifiers) = match bracket(scalar) {
            None => (scalar.to_owned(), String::new()),
            Some((before, rest)) => {
                let (inside, after) = rest.split_once(')').ok_or_else(bad)?;
                let parts: Vec<&str> = inside.split(',').map(str::trim).collect();
                if !parts.iter().all(|part| is_modifier(part)) {
                    return Err(bad());
                }
                (
                    format!("{} {}", before.trim_end(), after.trim()),
                    parts.join(","),
                )
            }
        };
        let folded = name
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_ascii_lowercase();
        let limited = folded
            .strip_prefix("interval ")
            .and_then(|rest| INTERVAL_FIELDS.into_iter().find(|fields| *fields == rest));
        let base = match (Builtin::by_name(&folded), limited) {
            (Some(builtin), _) => Base::Builtin(builtin),
            (None, Some(_)) => Base::Builtin(Builtin::Interval),
            (None, None) => Base::Named(QualifiedName::parse(name.trim())?),
        };
        Ok(Self {
            modifiers: modifiers.into(),
            fields: limited.unwrap_or_default(),
            array,
            ..Self::from(base)
        })
    }

    /// The enum type of this name with these labels, or an array of it.
    ///
    /// # Errors
    /// A type that has another meaning already, and the errors of [`EnumType::new`].
    pub fn with_labels(
        mut self,
        labels: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, Error> {
        match self.base {
            Base::Named(name) => {
                self.base = Base::Enum(EnumType::new(name, labels)?);
                Ok(self)
            }
            _ => Err(Error::interface(format!(
                "{self} is no name for an enum type; choose one that PostgreSQL does not use"
            ))),
        }
    }

    /// The same type with what stands in its parentheses.
    ///
    /// # Errors
    /// Modifiers that are neither numbers nor words.
    pub fn with_modifiers(mut self, text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        if !text.is_empty() && !parts.iter().all(|part| is_modifier(part)) {
            return Err(Error::interface(format!(
                "{text:?} is nothing that limits the type {self}"
            )));
        }
        self.modifiers = parts.join(",").into();
        Ok(self)
    }

    /// The name as a schema says it, where it is no built-in type.
    pub fn name(&self) -> Option<&QualifiedName> {
        match &self.base {
            Base::Builtin(_) => None,
            Base::Named(name) => Some(name),
            Base::Enum(ty) => Some(ty.name()),
        }
    }

    /// The enum type of the value or of the array's elements, if it is one whose labels are known.
    pub fn enum_type(&self) -> Option<&EnumType> {
        match &self.base {
            Base::Enum(ty) => Some(ty),
            _ => None,
        }
    }

    /// Puts an enum type that is in no schema into this one.
    #[must_use]
    pub(super) fn in_schema(mut self, schema: &Name) -> Self {
        if let Base::Enum(ty) = self.base {
            self.base = Base::Enum(ty.in_schema(schema));
        }
        self
    }

    /// The array of this type. An array of arrays is the same type in PostgreSQL.
    #[must_use]
    pub fn array(mut self) -> Self {
        self.array = true;
        self
    }

    /// Whether this is an array type.
    pub fn is_array(&self) -> bool {
        self.array
    }

    /// The built-in type of the value or of the array's elements, if it is one.
    pub fn builtin(&self) -> Option<Builtin> {
        match self.base {
            Base::Builtin(builtin) => Some(builtin),
            Base::Named(_) | Base::Enum(_) => None,
        }
    }

    /// The id to declare for a parameter of this type; 0 for user-defined types, which the server then infers.
    pub fn oid(&self) -> Oid {
        match (&self.base, self.array) {
            (Base::Builtin(builtin), false) => builtin.oids().0,
            (Base::Builtin(builtin), true) => builtin.oids().1,
            (Base::Named(_) | Base::Enum(_), _) => 0,
        }
    }

    /// The id of the array of this type, as `= ANY($1)` needs it; 0 for user-defined types and for arrays.
    pub fn array_oid(&self) -> Oid {
        match (&self.base, self.array) {
            (Base::Builtin(builtin), false) => builtin.oids().1,
            _ => 0,
        }
    }
}

impl From<Base> for PgType {
    fn from(base: Base) -> Self {
        Self {
            base,
            modifiers: Box::default(),
            fields: "",
            array: false,
        }
    }
}

impl From<Builtin> for PgType {
    fn from(builtin: Builtin) -> Self {
        Self::from(Base::Builtin(builtin))
    }
}

/// A user-defined type by its name.
impl From<Name> for PgType {
    fn from(name: Name) -> Self {
        Self::from(QualifiedName::new(None, name))
    }
}

/// A user-defined type by its name and schema.
impl From<QualifiedName> for PgType {
    fn from(name: QualifiedName) -> Self {
        Self::from(Base::Named(name))
    }
}

impl From<EnumType> for PgType {
    fn from(ty: EnumType) -> Self {
        Self::from(Base::Enum(ty))
    }
}

impl fmt::Display for PgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.base {
            Base::Builtin(builtin) => builtin.sql(),
            Base::Named(name) => name.quoted(),
            Base::Enum(ty) => ty.name().quoted(),
        })?;
        if !self.fields.is_empty() {
            write!(f, " {}", self.fields)?;
        }
        if !self.modifiers.is_empty() {
            write!(f, "({})", self.modifiers)?;
        }
        f.write_str(if self.array { "[]" } else { "" })
    }
}

/// What stands before and after the first bracket outside of double quotes.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = text.find(|c| {
        quoted ^= c == '"';
        c == '(' && !quoted
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What may stand in the parentheses of a type: a number, or a word as in `geometry(Point, 4326)`.
fn is_modifier(part: &str) -> bool {
    let digits = part.strip_prefix('-').unwrap_or(part);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !digits.is_empty()
        && digits.len() < 64
        && digits.chars().all(word)
        && (digits.len() == part.len() || digits.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_type_are_equal() {
        for (left, right) in [
            ("int", "INTEGER"),
            ("int8", "bigint"),
            ("timestamp with time zone", "timestamptz"),
            ("timestamp (3) with time zone", "timestamptz(3)"),
            ("character  varying(40)", "varchar(40)"),
            ("decimal(10,2)", "numeric( 10 , 2 )"),
            ("double precision[]", "float8[]"),
            ("int[][]", "int4[]"),
            ("interval  DAY to second (3)", "interval day to second(3)"),
            ("numeric(3,-2)", "decimal( 3, -2 )"),
        ] {
            assert_eq!(
                PgType::parse(left).unwrap(),
                PgType::parse(right).unwrap(),
                "{left} and {right}"
            );
        }
    }

    #[test]
    fn user_types_are_quoted_and_leave_the_oid_to_the_server() {
        let mood = PgType::parse("App.mood[]").unwrap();
        assert_eq!(mood.to_string(), r#""App"."mood"[]"#);
        assert_eq!((mood.oid(), mood.array_oid()), (0, 0));
    }

    #[test]
    fn words_and_limits_are_kept() {
        let point = PgType::parse("geometry(Point, 4326)").unwrap();
        assert_eq!(point.to_string(), "\"geometry\"(Point,4326)");
        let span = PgType::parse("interval day to second(3)[]").unwrap();
        assert_eq!(span.to_string(), "interval day to second(3)[]");
    }

    #[test]
    fn brackets_in_quotes_are_part_of_the_name() {
        let odd = PgType::parse("\"a(1)\"(2)").unwrap();
        assert_eq!(odd.to_string(), "\"a(1)\"(2)");
        assert_eq!(PgType::parse("\"a[]\"").unwrap().to_string(), "\"a[]\"");
    }

    #[test]
    fn a_name_becomes_an_enum_type_by_its_labels() {
        let moods = PgType::parse("mood[]")
            .unwrap()
            .with_labels(["sad", "happy"]);
        let moods = moods.unwrap();
        assert_eq!(moods.to_string(), "\"mood\"[]");
        assert_eq!(moods.enum_type().unwrap().labels(), ["sad", "happy"]);
        assert_eq!((moods.oid(), moods.builtin()), (0, None));
        assert!(PgType::parse("text").unwrap().with_labels(["a"]).is_err());
    }

    #[test]
    fn nothing_but_a_type_gets_through() {
        for text in [
            "",
            "varchar(",
            "varchar(a b)",
            "varchar(a-1)",
            "varchar('a')",
            "varchar()",
            "a.b.c",
            "int; drop table x",
            "int) --",
        ] {
            match PgType::parse(text) {
                Err(_) => {}
                Ok(parsed) => assert!(
                    parsed.to_string().starts_with('"'),
                    "{text} became {parsed}"
                ),
            }
        }
    }
}
