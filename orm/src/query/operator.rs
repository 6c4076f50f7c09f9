//! Operators: for each its SQL and how tightly it binds, in one table.

/// How tightly an operator binds, loosest first (PostgreSQL manual, section 4.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precedence {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `NOT`
    Not,
    /// `IS NULL`, `IS NOT NULL`
    Is,
    /// `=`, `<` and the like; they do not chain
    Comparison,
    /// `BETWEEN`, `LIKE`, `ILIKE`; they do not chain
    Match,
    /// Columns and parameters
    Atom,
}

macro_rules! operators {
    ($($(#[$doc:meta])* $variant:ident $sql:literal $precedence:ident;)*) => {
        /// An operator between two operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operator { $($(#[$doc])* $variant,)* }

        impl Operator {
            /// The SQL between the operands.
            pub const fn sql(self) -> &'static str {
                match self { $(Self::$variant => $sql,)* }
            }

            /// How tightly it binds.
            pub const fn precedence(self) -> Precedence {
                match self { $(Self::$variant => Precedence::$precedence,)* }
            }
        }
    };
}

operators! {
    /// Either side is true.
    Or " OR " Or;
    /// Both sides are true.
    And " AND " And;
    /// Equal.
    Eq " = " Comparison;
    /// Not equal; NULL where a side is NULL.
    Ne " <> " Comparison;
    /// Less.
    Lt " < " Comparison;
    /// Less or equal.
    Le " <= " Comparison;
    /// Greater.
    Gt " > " Comparison;
    /// Greater or equal.
    Ge " >= " Comparison;
    /// Matches a pattern with `%` and `_`.
    Like " LIKE " Match;
    /// Does not match the pattern.
    NotLike " NOT LIKE " Match;
    /// Matches a pattern whatever the case.
    ILike " ILIKE " Match;
    /// Does not match the pattern, whatever the case.
    NotILike " NOT ILIKE " Match;
}
