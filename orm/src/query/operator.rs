//! Operators: for each its SQL, how tightly it binds, how it associates and what it gives, in one table.

use data_bridge_driver::Error;

/// How tightly an operator binds, loosest first (PostgreSQL manual, section 4.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precedence {
    /// SQL of the caller's, of which nothing is known
    Text,
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `NOT`
    Not,
    /// `IS NULL`, `IS DISTINCT FROM` and the like
    Is,
    /// `=`, `<` and the like; they do not chain
    Comparison,
    /// `BETWEEN`, `IN`, `LIKE`, `ILIKE`; they do not chain
    Match,
    /// `||`, `~` and every operator that is not named here
    Other,
    /// `+`, `-`
    Additive,
    /// `*`, `/`, `%`
    Multiplicative,
    /// `^`
    Power,
    /// The sign of a number
    Sign,
    /// Columns, parameters, calls: what needs no brackets anywhere
    Atom,
}

/// On which side an operand of the same precedence needs no brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Associativity {
    /// On neither.
    None,
    /// On the left.
    Left,
    /// On both: how such a chain is grouped does not matter.
    Both,
}

/// The type of what an operator gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// `boolean`
    Bool,
    /// What the rules of arithmetic say for the operands' types.
    Number,
    /// The left operand's type where that is an array or JSON, else `text`.
    Joined,
    /// The left operand's type.
    Left,
    /// `text`
    Text,
}

macro_rules! operators {
    ($($(#[$doc:meta])* $variant:ident $sql:literal $precedence:ident $associativity:ident $gives:ident;)*) => {
        /// An operator between two operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operator { $($(#[$doc])* $variant,)* }

        impl Operator {
            /// Every operator.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The SQL between the operands.
            pub const fn sql(self) -> &'static str {
                match self { $(Self::$variant => $sql,)* }
            }

            /// How tightly it binds.
            pub const fn precedence(self) -> Precedence {
                match self { $(Self::$variant => Precedence::$precedence,)* }
            }

            /// How it associates.
            pub const fn associativity(self) -> Associativity {
                match self { $(Self::$variant => Associativity::$associativity,)* }
            }

            /// What it gives.
            pub const fn gives(self) -> Gives {
                match self { $(Self::$variant => Gives::$gives,)* }
            }
        }
    };
}

operators! {
    /// Either side is true.
    Or " OR " Or Both Bool;
    /// Both sides are true.
    And " AND " And Both Bool;
    /// Not equal, NULL being a value like others.
    IsDistinct " IS DISTINCT FROM " Is None Bool;
    /// Equal, NULL being a value like others.
    IsNotDistinct " IS NOT DISTINCT FROM " Is None Bool;
    /// Equal.
    Eq " = " Comparison None Bool;
    /// Not equal; NULL where a side is NULL.
    Ne " <> " Comparison None Bool;
    /// Less.
    Lt " < " Comparison None Bool;
    /// Less or equal.
    Le " <= " Comparison None Bool;
    /// Greater.
    Gt " > " Comparison None Bool;
    /// Greater or equal.
    Ge " >= " Comparison None Bool;
    /// Matches a pattern with `%` and `_`.
    Like " LIKE " Match None Bool;
    /// Does not match the pattern.
    NotLike " NOT LIKE " Match None Bool;
    /// Matches a pattern whatever the case.
    ILike " ILIKE " Match None Bool;
    /// Does not match the pattern, whatever the case.
    NotILike " NOT ILIKE " Match None Bool;
    /// Begins with a text.
    StartsWith " ^@ " Other Left Bool;
    /// Matches a regular expression.
    Regexp " ~ " Other Left Bool;
    /// Does not match the regular expression.
    NotRegexp " !~ " Other Left Bool;
    /// Matches a regular expression whatever the case.
    IRegexp " ~* " Other Left Bool;
    /// Does not match the regular expression, whatever the case.
    NotIRegexp " !~* " Other Left Bool;
    /// Joins texts, arrays or JSON.
    Concat " || " Other Left Joined;
    /// Sum.
    Add " + " Additive Left Number;
    /// Difference.
    Sub " - " Additive Left Number;
    /// Product.
    Mul " * " Multiplicative Left Number;
    /// Quotient; of whole numbers without its fraction.
    Div " / " Multiplicative Left Number;
    /// Remainder.
    Rem " % " Multiplicative Left Number;
    /// Power.
    Pow " ^ " Power Left Number;
    /// An array, JSON or a range holds all of another, a range holds a value.
    Contains " @> " Other Left Bool;
    /// All of an array, JSON or a range is in another, a value is in a range.
    ContainedBy " <@ " Other Left Bool;
    /// Arrays or ranges have something in common.
    Overlaps " && " Other Left Bool;
    /// Ranges touch and have nothing between them.
    Adjacent " -|- " Other Left Bool;
    /// All of a range lies before another; an address is within a network.
    Before " << " Other Left Bool;
    /// All of a range lies behind another; a network holds an address.
    After " >> " Other Left Bool;
    /// A range ends no later than another.
    EndsWithin " &< " Other Left Bool;
    /// A range begins no earlier than another.
    BeginsWithin " &> " Other Left Bool;
    /// The JSON of a key or of a place in a list.
    Get " -> " Other Left Left;
    /// The same as text.
    GetText " ->> " Other Left Text;
    /// The JSON at a path.
    GetPath " #> " Other Left Left;
    /// The same as text.
    GetPathText " #>> " Other Left Text;
    /// JSON without what is at a path.
    DeletePath " #- " Other Left Left;
    /// JSON has a key.
    HasKey " ? " Other Left Bool;
    /// JSON has one of the keys.
    HasAny " ?| " Other Left Bool;
    /// JSON has all of the keys.
    HasAll " ?& " Other Left Bool;
    /// A JSON path finds something.
    PathExists " @? " Other Left Bool;
    /// A document matches a full-text query; what a JSON path computes is true.
    Match " @@ " Other Left Bool;
}

impl Operator {
    /// The operator of this SQL, whatever the case of its words.
    pub fn by_sql(sql: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|one| one.sql().trim().eq_ignore_ascii_case(sql.trim()))
            .copied()
    }

    /// The operator that says the same with its sides exchanged.
    pub const fn mirrored(self) -> Option<Self> {
        Some(match self {
            Self::Eq | Self::Ne | Self::IsDistinct | Self::IsNotDistinct | Self::Overlaps => self,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Contains => Self::ContainedBy,
            Self::ContainedBy => Self::Contains,
            _ => return None,
        })
    }
}

/// An operator that [`Operator`] does not list, of an extension or of one's own: `<->`. It binds as those do in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol(Box<str>);

impl Symbol {
    /// Checks that it is an operator and nothing else (PostgreSQL manual, section 4.1.3).
    ///
    /// # Errors
    /// Other characters than operators have, more than 63 of them, or what begins a comment.
    pub fn new(sql: &str) -> Result<Self, Error> {
        const MAX_LENGTH: usize = 63;
        let sql = sql.trim();
        let is_operator = (1..=MAX_LENGTH).contains(&sql.len())
            && sql.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c))
            && !sql.contains("--")
            && !sql.contains("/*");
        if is_operator {
            return Ok(Self(format!(" {sql} ").into()));
        }
        Err(Error::interface(format!(
            "{sql:?} is no operator; one is made of + - * / < > = ~ ! @ # % ^ & | ` ? and begins no comment"
        )))
    }

    /// The SQL between the operands.
    pub fn sql(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_found_by_their_sql() {
        for operator in Operator::ALL {
            assert_eq!(Operator::by_sql(operator.sql()), Some(*operator));
        }
        assert_eq!(Operator::by_sql("like"), Some(Operator::Like));
        assert_eq!(Operator::by_sql("<->"), None);
    }

    #[test]
    fn an_operator_is_nothing_else() {
        for sql in ["<->", "~~", "@-@", "|>>", " <=> "] {
            assert!(Symbol::new(sql).is_ok(), "{sql}");
        }
        for sql in [
            "",
            " ",
            "--",
            "+--",
            "/*",
            "</*",
            "a",
            "= 1 OR",
            ";",
            "(",
            "$1",
            "'",
            "<\0",
            &"<".repeat(64),
        ] {
            assert!(Symbol::new(sql).is_err(), "{sql}");
        }
    }
}
