//! The names of constraints and indexes that nobody named: those that PostgreSQL itself would choose, so that a
//! database made by hand and one made from a model agree.

use data_bridge_driver::{Error, ident::MAX_BYTES};

use super::Name;

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
}
