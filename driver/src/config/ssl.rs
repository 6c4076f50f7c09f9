use std::path::PathBuf;

use crate::error::{Error, Result};

use super::settings::Origin;
use super::target::Address;

/// How much a connection must be protected. Ordered by strength.
///
/// Source: PostgreSQL manual, "SSL Support", table of `sslmode`. Its modes `allow` and `prefer` are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SslMode {
    /// Plaintext.
    Disable,
    /// Encrypted, to whoever answers: no protection from somebody in the middle.
    Require,
    /// The certificate must come from a trusted authority; its name does not matter.
    VerifyCa,
    /// The certificate must come from a trusted authority and name the host.
    VerifyFull,
}

impl SslMode {
    pub(super) fn parse(text: &str, origin: Origin) -> Result<Self> {
        match text {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            "allow" | "prefer" => Err(Error::config(format!(
                "{origin}: sslmode={text} lets anybody on the way switch encryption off; use verify-full (or \
                 verify-ca, require) to be protected, or disable to say that plaintext is fine"
            ))),
            _ => Err(Error::config(format!(
                "{origin}: sslmode must be verify-full, verify-ca, require or disable"
            ))),
        }
    }

    /// The name used in connection strings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// The authorities that may sign a server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootCerts {
    /// Those that the operating system trusts.
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

/// What was asked for, checked for contradictions.
#[derive(Debug)]
pub(super) struct SslPolicy {
    mode: Option<SslMode>,
    roots: RootCerts,
    roots_given: bool,
}

impl SslPolicy {
    /// `default_file` is `~/.postgresql/root.crt`, where it exists.
    pub(super) fn new(
        mode: Option<SslMode>,
        given: Option<RootCerts>,
        default_file: Option<PathBuf>,
    ) -> Result<Self> {
        if let (Some(mode), Some(RootCerts::System)) = (mode, &given)
            && mode != SslMode::VerifyFull
        {
            return Err(Error::config(format!(
                "sslrootcert=system trusts every public authority, which only sslmode=verify-full makes safe; \
                 sslmode={} was given",
                mode.as_str()
            )));
        }
        let roots_given = given.is_some();
        let roots = given
            .or(default_file.map(RootCerts::File))
            .unwrap_or(RootCerts::System);
        if mode == Some(SslMode::VerifyCa) && roots == RootCerts::System {
            return Err(Error::config(
                "sslmode=verify-ca needs sslrootcert, the file with your own authority's certificate; with public \
                 authorities use sslmode=verify-full",
            ));
        }
        Ok(Self {
            mode,
            roots,
            roots_given,
        })
    }

    /// The mode that holds for one address.
    pub(super) fn mode_for(&self, address: &Address) -> SslMode {
        match (self.mode, address) {
            // The server does not offer TLS on Unix sockets; file permissions protect them.
            (_, Address::Unix { .. }) => SslMode::Disable,
            // As in libpq: who names an authority wants it checked.
            (Some(SslMode::Require), _) if matches!(self.roots, RootCerts::File(_)) => {
                SslMode::VerifyCa
            }
            (Some(mode), _) => mode,
            (None, address) if address.is_loopback() && !self.roots_given => SslMode::Disable,
            (None, _) => SslMode::VerifyFull,
        }
    }

    pub(super) fn into_roots(self) -> RootCerts {
        self.roots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str) -> Address {
        Address::Tcp {
            host: host.to_owned(),
            hostaddr: None,
            port: 5432,
        }
    }

    fn file() -> PathBuf {
        PathBuf::from("/ca.pem")
    }

    #[test]
    fn the_default_is_strict_except_at_home() {
        let policy = SslPolicy::new(None, None, None).unwrap();
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(policy.mode_for(&tcp(host)), SslMode::Disable, "{host}");
        }
        for host in [
            "db.example.com",
            "10.0.0.1",
            "128.0.0.1",
            "localhost.example.com",
            "::2",
            "127.1",
            "0.0.0.0",
        ] {
            assert_eq!(policy.mode_for(&tcp(host)), SslMode::VerifyFull, "{host}");
        }
        assert_eq!(policy.into_roots(), RootCerts::System);
    }

    #[test]
    fn hostaddr_decides_what_is_loopback() {
        let policy = SslPolicy::new(None, None, None).unwrap();
        let address = |host: &str, hostaddr: &str| Address::Tcp {
            host: host.to_owned(),
            hostaddr: Some(hostaddr.parse().unwrap()),
            port: 5432,
        };
        assert_eq!(
            policy.mode_for(&address("localhost", "10.0.0.1")),
            SslMode::VerifyFull
        );
        assert_eq!(
            policy.mode_for(&address("db.example.com", "127.0.0.1")),
            SslMode::Disable
        );
    }

    #[test]
    fn a_named_authority_is_always_checked() {
        let given = SslPolicy::new(None, Some(RootCerts::File(file())), None).unwrap();
        assert_eq!(given.mode_for(&tcp("localhost")), SslMode::VerifyFull);
        let required = SslPolicy::new(Some(SslMode::Require), None, Some(file())).unwrap();
        assert_eq!(required.mode_for(&tcp("db")), SslMode::VerifyCa);
        let nothing_to_check = SslPolicy::new(Some(SslMode::Require), None, None).unwrap();
        assert_eq!(nothing_to_check.mode_for(&tcp("db")), SslMode::Require);
        let default_file = SslPolicy::new(None, None, Some(file())).unwrap();
        assert_eq!(default_file.mode_for(&tcp("localhost")), SslMode::Disable);
        assert_eq!(default_file.mode_for(&tcp("db")), SslMode::VerifyFull);
        assert_eq!(default_file.into_roots(), RootCerts::File("/ca.pem".into()));
    }

    #[test]
    fn unix_sockets_are_plaintext() {
        let policy = SslPolicy::new(Some(SslMode::VerifyFull), None, None).unwrap();
        let address = Address::Unix {
            directory: "/tmp".into(),
            port: 5432,
        };
        assert_eq!(policy.mode_for(&address), SslMode::Disable);
    }

    #[test]
    fn contradictions_are_refused() {
        for mode in [SslMode::Disable, SslMode::Require, SslMode::VerifyCa] {
            assert!(SslPolicy::new(Some(mode), Some(RootCerts::System), None).is_err());
        }
        assert!(SslPolicy::new(Some(SslMode::VerifyCa), None, None).is_err());
        assert!(SslPolicy::new(Some(SslMode::VerifyCa), None, Some(file())).is_ok());
        assert!(SslPolicy::new(Some(SslMode::VerifyFull), Some(RootCerts::System), None).is_ok());
    }
}
