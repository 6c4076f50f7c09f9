//! Operators: for each its SQL, how tightly it binds, how it associates and what it gives, in one table.

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
}
