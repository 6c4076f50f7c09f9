//! The names of constraints and indexes that nobody named. Unless a convention says otherwise they are those that
//! PostgreSQL itself would choose, so that a database made by hand and one made from a model agree.

use data_bridge_driver::{Error, ident::MAX_BYTES};

use super::Name;

/// What there are names for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A primary key.
    PrimaryKey,
    /// A unique constraint.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// A check.
    Check,
    /// An index.
    Index,
    /// An exclusion constraint.
    Exclude,
}

/// Each kind with its key in a convention and the ending that PostgreSQL gives its names.
const KINDS: [(Kind, &str, &str); 6] = [
    (Kind::PrimaryKey, "pk", "pkey"),
    (Kind::Unique, "uq", "key"),
    (Kind::ForeignKey, "fk", "fkey"),
    (Kind::Check, "ck", "check"),
    (Kind::Index, "ix", "idx"),
    (Kind::Exclude, "ex", "excl"),
];

/// A naming convention.
///
/// ```
/// use data_bridge_orm::schema::naming::{Kind, Naming};
///
/// let naming = Naming::new([("ix", "ix_{table}_{columns}")])?;
/// assert_eq!(naming.name(Kind::Index, "users", &["email"], "", 0)?.as_str(), "ix_users_email");
/// assert_eq!(naming.name(Kind::Unique, "users", &["email"], "", 0)?.as_str(), "users_email_key");
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming(Vec<(Kind, String)>);

impl Naming {
    /// From pairs of `pk`, `uq`, `fk`, `ck`, `ix` or `ex` and a pattern of `{table}`, `{columns}` (joined by `_`),
    /// `{column}` (the first) and `{target}` (the table that a foreign key refers to).
    ///
    /// # Errors
    /// Another key, or another placeholder.
    pub fn new<'a>(patterns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        let patterns = patterns.into_iter().map(|(key, pattern)| {
            let Some((kind, ..)) = KINDS.iter().find(|(_, known, _)| *known == key) else {
                return Err(Error::interface(format!(
                    "a naming convention has no {key:?}; it has pk, uq, fk, ck, ix and ex"
                )));
            };
            let filled = fill(pattern, "", &[], "");
            if filled.contains(['{', '}']) {
                return Err(Error::interface(format!(
                    "the pattern {pattern:?} of a naming convention has a placeholder besides {{table}}, {{columns}}, \
                     {{column}} and {{target}}"
                )));
            }
            Ok((*kind, pattern.to_owned()))
        });
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }

    /// The name of one object; `number` counts those that would otherwise have the same one.
    ///
    /// # Errors
    /// Parts that hold what no name may hold, or a pattern that comes to more than 63 bytes.
    pub fn name(
        &self,
        kind: Kind,
        table: &str,
        columns: &[&str],
        target: &str,
        number: usize,
    ) -> Result<Name, Error> {
        let number = if number == 0 {
            String::new()
        } else {
            number.to_string()
        };
        if let Some((_, pattern)) = self.0.iter().find(|(own, _)| *own == kind) {
            return Name::new(&(fill(pattern, table, columns, target) + &number));
        }
        let ending = KINDS
            .iter()
            .find(|(known, ..)| *known == kind)
            .map_or("", |(.., ending)| ending);
        object_name(table, columns, &format!("{ending}{number}"))
    }
}

fn fill(pattern: &str, table: &str, columns: &[&str], target: &str) -> String {
    pattern
        .replace("{table}", table)
        .replace("{columns}", &columns.join("_"))
        .replace("{column}", columns.first().copied().unwrap_or_default())
        .replace("{target}", target)
}

/// `{table}_{columns}_{suffix}`, with the longer of the first two parts shortened until the whole fits, as
/// PostgreSQL's `makeObjectName` does it.
///
/// # Errors
/// Parts that hold what no name may hold.
pub fn object_name(table: &str, columns: &[&str], suffix: &str) -> Result<Name, Error> {
    let joined = columns.join("_");
    let overhead = suffix.len() + if joined.is_empty() { 1 } else { 2 };
    let (mut left, mut right) = (table.len(), joined.len());
    while left + right + overhead > MAX_BYTES {
        if left > right { left -= 1 } else { right -= 1 }
    }
    let (left, right) = (clip(table, left), clip(&joined, right));
    let separator = if right.is_empty() { "" } else { "_" };
    Name::new(&format!("{left}{separator}{right}_{suffix}"))
}

/// The longest start of `text` within `bytes` that does not cut a character.
pub(crate) fn clip(text: &str, mut bytes: usize) -> &str {
    // Past the end is no boundary either.
    while !text.is_char_boundary(bytes) {
        bytes -= 1;
    }
    text.get(..bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_postgresql_names_them() {
        assert_eq!(
            object_name("users", &["email"], "key").unwrap().as_str(),
            "users_email_key"
        );
        assert_eq!(
            object_name("users", &[], "pkey").unwrap().as_str(),
            "users_pkey"
        );
        assert_eq!(
            object_name("t", &["a", "b"], "fkey").unwrap().as_str(),
            "t_a_b_fkey"
        );
    }

    #[test]
    fn long_names_are_shortened_without_cutting_a_character() {
        let name = object_name(&"é".repeat(31), &[&"y".repeat(60)], "fkey").unwrap();
        assert!(name.as_str().len() <= MAX_BYTES, "{name}");
        assert!(name.as_str().ends_with("_fkey"));
    }

    #[test]
    fn a_convention_speaks_for_what_it_names() {
        let naming = Naming::new([("fk", "fk_{table}_{column}_{target}"), ("ck", "c")]).unwrap();
        let name = |kind, number| {
            naming
                .name(kind, "t", &["a", "b"], "users", number)
                .unwrap()
        };
        assert_eq!(name(Kind::ForeignKey, 0).as_str(), "fk_t_a_users");
        assert_eq!(name(Kind::Check, 2).as_str(), "c2");
        assert_eq!(name(Kind::Exclude, 1).as_str(), "t_a_b_excl1");
        for (key, pattern) in [("index", "{table}"), ("ix", "{tabel}")] {
            assert!(Naming::new([(key, pattern)]).is_err(), "{key} {pattern}");
        }
    }
}
