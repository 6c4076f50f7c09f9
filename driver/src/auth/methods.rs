//! The ways to log in, and which of them are good enough (`require_auth`).

use std::fmt;

use crate::error::Error;

/// A way to log in.
///
/// Source: PostgreSQL manual, "Parameter Key Words": `require_auth`. Its `gss`, `sspi` and `oauth` are not spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The server asks for nothing.
    None,
    /// The password as it is.
    Password,
    /// A hash of the password.
    Md5,
    /// SCRAM-SHA-256, bound to the TLS connection or not.
    ScramSha256,
}

impl Method {
    const ALL: [Self; 4] = [Self::None, Self::Password, Self::Md5, Self::ScramSha256];

    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password => "password",
            Self::Md5 => "md5",
            Self::ScramSha256 => "scram-sha-256",
        }
    }

    /// What a server asks for that wants it.
    pub(super) const fn described(self) -> &'static str {
        match self {
            Self::None => "no authentication",
            Self::Password => "the password in clear text",
            Self::Md5 => "an md5 hash of the password",
            Self::ScramSha256 => "SCRAM-SHA-256",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of ways to log in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Methods {
    bits: u8,
    /// Whether they were named one by one.
    named: bool,
}

impl Methods {
    /// All that this driver speaks.
    pub const ALL: Self = Self {
        bits: u8::MAX,
        named: false,
    };

    /// Reads `require_auth`: names of those that are permitted, or, each after a `!`, of those that are not.
    ///
    /// # Errors
    /// Of kind `Config`: an unknown name, a name given twice, both kinds mixed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut bits = 0;
        let mut negated = None;
        for item in text.split(',').map(str::trim) {
            let (not, name) = match item.strip_prefix('!') {
                Some(name) => (true, name),
                None => (false, item),
            };
            if *negated.get_or_insert(not) != not {
                return Err(Error::config(
                    "require_auth cannot mix methods with and without !",
                ));
            }
            match Method::ALL.into_iter().find(|method| method.name() == name) {
                Some(method) if bits & method.bit() != 0 => {
                    return Err(Error::config(format!(
                        "require_auth names {} twice",
                        method.name()
                    )));
                }
                Some(method) => bits |= method.bit(),
                // To exclude what is not spoken anyway changes nothing.
                None if not && matches!(name, "gss" | "sspi" | "oauth") => {}
                None => {
                    let known = Method::ALL.map(Method::name).join(", ");
                    return Err(Error::config(format!(
                        "require_auth takes {known}, separated by commas"
                    )));
                }
            }
        }
        let negated = negated.unwrap_or(false);
        Ok(Self {
            bits: if negated { !bits } else { bits },
            named: !negated,
        })
    }

    /// Whether a way is among them.
    pub const fn contains(self, method: Method) -> bool {
        self.bits & method.bit() != 0
    }

    /// Whether a way was named as good enough, rather than not excluded.
    pub const fn names(self, method: Method) -> bool {
        self.named && self.contains(method)
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for method in Method::ALL {
            if self.contains(method) == self.named {
                let not = if self.named { "" } else { "!" };
                write!(f, "{separator}{not}{}", method.name())?;
                separator = ",";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Methods({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        for (text, permitted) in [
            ("scram-sha-256", [false, false, false, true]),
            ("md5, scram-sha-256", [false, false, true, true]),
            ("!password,!none", [false, false, true, true]),
            ("!gss", [true, true, true, true]),
            ("none", [true, false, false, false]),
        ] {
            let methods = Methods::parse(text).unwrap();
            assert_eq!(
                Method::ALL.map(|method| methods.contains(method)),
                permitted,
                "{text}"
            );
        }
        assert_eq!(
            Methods::parse("!none,!md5").unwrap().to_string(),
            "!none,!md5"
        );
        for (text, says) in [
            ("md5,!none", "cannot mix"),
            ("md5,md5", "md5 twice"),
            ("kerberos", "require_auth takes none, password"),
            ("gss", "require_auth takes"),
            ("", "require_auth takes"),
        ] {
            let message = Methods::parse(text).unwrap_err().to_string();
            assert!(message.contains(says), "{text}: {message}");
        }
    }
}
