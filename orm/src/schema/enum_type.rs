//! Enum types: a name and its labels, made before the tables that use them.

use data_bridge_driver::Error;

use super::{Name, QualifiedName};

/// The most bytes of a label (`NAMEDATALEN` - 1).
const MAX_LABEL: usize = 63;

/// An enum type (manual, "Enumerated Types").
///
/// ```
/// use data_bridge_orm::schema::{EnumType, PgType, QualifiedName};
///
/// let mood = EnumType::new(QualifiedName::parse("app.mood")?, ["sad", "happy"])?;
/// let ty = PgType::from(mood);
/// assert_eq!(ty.to_string(), "\"app\".\"mood\"");
/// assert_eq!(ty.enum_type().map(|mood| mood.labels().len()), Some(2));
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumType {
    name: QualifiedName,
    labels: Vec<String>,
}

impl EnumType {
    /// Of these labels, in their order.
    ///
    /// # Errors
    /// Two equal labels, or one that is empty, too long or holds NUL.
    pub fn new(
        name: QualifiedName,
        labels: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, Error> {
        let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
        for (index, label) in labels.iter().enumerate() {
            let earlier = labels.get(..index).unwrap_or_default();
            let fault = if label.is_empty() {
                "is empty"
            } else if label.len() > MAX_LABEL {
                "is longer than 63 bytes"
            } else if label.contains('\0') {
                "holds a NUL"
            } else if earlier.contains(label) {
                "is there twice"
            } else {
                continue;
            };
            return Err(Error::interface(format!(
                "the label {label:?} of the enum type {name} {fault}"
            )));
        }
        Ok(Self { name, labels })
    }

    /// Its name.
    pub fn name(&self) -> &QualifiedName {
        &self.name
    }

    /// Its labels, in their order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The same type in a schema, if it was in none.
    #[must_use]
    pub fn in_schema(mut self, schema: &Name) -> Self {
        if self.name.schema().is_none() {
            self.name = QualifiedName::new(Some(schema.clone()), self.name.name().clone());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_the_server_takes() {
        let made = |labels: &[&str]| {
            EnumType::new(
                QualifiedName::parse("mood").unwrap(),
                labels.iter().copied(),
            )
        };
        assert!(made(&[]).is_ok());
        assert!(made(&["it's", "a\\b", "é"]).is_ok());
        for bad in [&["a", "a"][..], &[""], &["a\0"], &[&"x".repeat(64)]] {
            assert!(made(bad).is_err(), "{bad:?}");
        }
    }
}
