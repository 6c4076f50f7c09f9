use std::fmt;

use super::sqlstate::NAMES;

/// A five-character error code (SQL standard; PostgreSQL manual, appendix A).
///
/// The associated constants are generated from PostgreSQL's own list. Codes outside of it are kept as they are:
/// functions may raise any code they like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    pub(super) const fn known(code: [u8; 5]) -> Self {
        Self(code)
    }

    /// The code in these bytes, if they are five ASCII letters or digits.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let code: [u8; 5] = bytes.try_into().ok()?;
        code.iter()
            .all(u8::is_ascii_alphanumeric)
            .then_some(Self(code))
    }

    /// The code as text, as in `23505`.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        str::from_utf8(&self.0).unwrap_or("XX000")
    }

    /// The first two characters: the class, as in `23` for integrity constraint violations.
    pub fn class(&self) -> &str {
        self.as_str().get(..2).unwrap_or("XX")
    }

    /// PostgreSQL's name of the condition, as in `unique_violation`, for codes of its own list.
    pub fn name(self) -> Option<&'static str> {
        let at = NAMES.binary_search_by_key(&self, |(code, _)| *code).ok()?;
        NAMES.get(at).map(|(_, name)| *name)
    }

    /// Whether the server refused for reasons of timing or load, with no effect left behind: serialisation failure,
    /// deadlock, lock not available, starting up or shutting down, too many connections.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::T_R_SERIALIZATION_FAILURE
                | Self::T_R_DEADLOCK_DETECTED
                | Self::LOCK_NOT_AVAILABLE
                | Self::CANNOT_CONNECT_NOW
                | Self::TOO_MANY_CONNECTIONS
        )
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlState({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_table() {
        assert_eq!(SqlState::UNIQUE_VIOLATION.as_str(), "23505");
        assert_eq!(SqlState::UNIQUE_VIOLATION.class(), "23");
        assert_eq!(SqlState::UNIQUE_VIOLATION.name(), Some("unique_violation"));
        assert_eq!(
            SqlState::from_bytes(b"23505"),
            Some(SqlState::UNIQUE_VIOLATION)
        );
        assert_eq!(
            SqlState::from_bytes(b"72000").unwrap().name(),
            Some("snapshot_too_old")
        );
        assert_eq!(SqlState::from_bytes(b"ZZ999").unwrap().name(), None);
        assert!(
            NAMES.is_sorted_by_key(|(code, _)| *code),
            "the search needs order"
        );
    }

    #[test]
    fn five_letters_or_digits_make_a_code() {
        for bad in [
            &b""[..],
            b"2350",
            b"235051",
            b"2350\0",
            b"23 05",
            b"\xff3505",
        ] {
            assert_eq!(SqlState::from_bytes(bad), None, "{bad:?}");
        }
    }
}
