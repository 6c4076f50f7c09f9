//! What a server must show before it is believed: the TLS settings of the sslmodes.
//!
//! | sslmode | encrypted | signed by a trusted authority | for this host |
//! |---|---|---|---|
//! | `require` | yes | only with `sslrootcert`, as in libpq | no |
//! | `verify-ca` | yes | yes | no |
//! | `verify-full` | yes | yes | yes |
//!
//! TLS 1.2 and 1.3 with the ring provider, named here rather than taken from the process, so that no other
//! crate's choice changes what this one does.

mod pem;
mod verifier;

use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::error::Error;
use verifier::AnyName;

/// The name under which the protocol is registered (ALPN); keeps a connection from being led to a server of
/// another protocol.
pub(super) const PROTOCOL: &[u8] = b"postgresql";

/// How much of the server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// sslmode `require`: nothing, or the signatures where roots are given. Keeps listeners out, but not a
    /// server in between.
    Optional,
    /// sslmode `verify-ca`: that an authority among the roots signed it. Whoever else has a certificate from
    /// there may stand in.
    Authority,
    /// sslmode `verify-full`: that, and that it is for the host that was asked for.
    Full,
}

/// What a TLS connection is to be like. Certificates, lists and keys are PEM, as they stand in their files.
#[derive(Clone, Copy, Debug)]
pub struct TlsSettings<'a> {
    /// How much of the server's certificate is checked.
    pub verification: Verification,
    /// The authorities to trust (`sslrootcert`). Without any, [`Verification::Full`] trusts those of the operating system
    /// (or of the file that `SSL_CERT_FILE` names), which is the one case where [`client_config`] reads files. The system's
    /// store rather than a compiled-in list, because companies put their own authorities there and take broken ones out.
    pub roots: Option<&'a [u8]>,
    /// Lists of revoked certificates (`sslcrl`). Where there are any, each authority of a chain must have one that has not
    /// expired, as with libpq.
    pub revocation_lists: Option<&'a [u8]>,
    /// What this side shows when the server asks for a certificate.
    pub identity: Option<Identity<'a>>,
    /// The oldest version to agree to.
    pub min_version: TlsVersion,
    /// The newest version to agree to.
    pub max_version: TlsVersion,
    /// Whether the server is told the name that is meant (SNI).
    pub server_name_indication: bool,
}

impl TlsSettings<'_> {
    /// Nothing but this much checking.
    pub const fn new(verification: Verification) -> Self {
        Self {
            verification,
            roots: None,
            revocation_lists: None,
            identity: None,
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            server_name_indication: true,
        }
    }
}

/// A certificate of this side, with its key.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate (`sslcert`), with those that lead to its authority after it.
    pub certificates: &'a [u8],
    /// The key (`sslkey`): PKCS#8, PKCS#1 or SEC 1; of these PKCS#8 may be encrypted.
    pub key: &'a [u8],
    /// What an encrypted key is opened with (`sslpassword`).
    pub password: Option<&'a str>,
}

impl std::fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(***)")
    }
}

/// A version of TLS that both PostgreSQL and rustls speak. Older ones are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// Builds the settings of rustls. Share them between connections: loading the roots takes milliseconds.
///
/// # Errors
/// Of kind `Config` when a PEM text has nothing in it or something damaged, when `verify-ca` has no roots (every
/// public authority would do, for any host), when the system has none, or when a key cannot be opened.
pub fn client_config(settings: &TlsSettings<'_>) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let roots = match (settings.verification, settings.roots) {
        (_, Some(pem)) => Some(pem::roots(pem)?),
        (Verification::Full, None) => Some(platform_roots()?),
        (Verification::Authority, None) => {
            return Err(Error::config(
                "sslmode=verify-ca needs sslrootcert=<file with the authority's certificate>; to trust the authorities of the \
                 operating system use sslmode=verify-full",
            ));
        }
        (Verification::Optional, None) => None,
    };
    let chain = match roots {
        None => None,
        Some(roots) => {
            let lists = settings
                .revocation_lists
                .map_or(Ok(Vec::new()), pem::lists)?;
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                    .with_crls(lists)
                    .enforce_revocation_expiration()
                    .build();
            Some(verifier.map_err(|error| {
                Error::config("the TLS roots or revocation lists cannot be used").with_source(error)
            })?)
        }
    };
    let verifier: Arc<dyn ServerCertVerifier> = match (settings.verification, chain) {
        (Verification::Full, Some(chain)) => chain,
        (_, chain) => Arc::new(AnyName::new(chain, provider.clone())),
    };
    let known: [(TlsVersion, &'static SupportedProtocolVersion); 2] =
        [(TlsVersion::Tls12, &TLS12), (TlsVersion::Tls13, &TLS13)];
    let versions: Vec<&'static SupportedProtocolVersion> = known
        .into_iter()
        .filter(|(version, _)| (settings.min_version..=settings.max_version).contains(version))
        .map(|(_, version)| version)
        .collect();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| {
            Error::config(
                "no TLS version is left to use; ssl_min_protocol_version must not be above ssl_max_protocol_version",
            )
            .with_source(error)
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &settings.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (certificates, key) = pem::identity(identity)?;
            builder.with_client_auth_cert(certificates, key).map_err(|error| {
                Error::config("sslcert and sslkey cannot be used together; is the key that of the certificate?")
                    .with_source(error)
            })?
        }
    };
    config.enable_sni = settings.server_name_indication;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    // PostgreSQL gives out no session tickets, and a session that resumes would skip the certificate.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The host of a connection as TLS wants it: a DNS name or an IP address.
///
/// # Errors
/// Of kind `Config` for what is neither.
pub fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(host.to_owned()).map_err(|_| {
        Error::config(format!(
            "host {host:?} is neither a DNS name nor an IP address, so TLS cannot check it"
        ))
    })
}

/// What the operating system trusts: read once for the process, since that takes longer than a handshake.
fn platform_roots() -> Result<RootCertStore, Error> {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    read_platform_roots().map(|roots| ROOTS.get_or_init(|| roots).clone())
}

fn read_platform_roots() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Stores of real systems hold a few relics that rustls cannot read; they are no reason to connect to
    // nobody.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let error = Error::config(
            "no trusted authorities were found on this system; install its package of CA certificates, or give sslrootcert=<file>",
        );
        return Err(match found.errors.into_iter().next() {
            Some(cause) => error.with_source(cause),
            None => error,
        });
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn refusal(settings: &TlsSettings<'_>, says: &str) {
        let error = client_config(settings).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains(says), "{error}");
    }

    #[test]
    fn roots_that_cannot_be_used() {
        let damaged: &[u8] =
            b"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----\n";
        refusal(
            &TlsSettings::new(Verification::Authority),
            "sslmode=verify-ca needs sslrootcert",
        );
        for verification in [
            Verification::Optional,
            Verification::Authority,
            Verification::Full,
        ] {
            for (pem, says) in [
                (&b""[..], "holds no certificate"),
                (b"not PEM at all", "holds no certificate"),
                (damaged, "certificate 1 of sslrootcert is damaged"),
            ] {
                let settings = TlsSettings {
                    roots: Some(pem),
                    ..TlsSettings::new(verification)
                };
                refusal(&settings, says);
            }
        }
    }

    #[test]
    fn versions_that_leave_none() {
        let settings = TlsSettings {
            min_version: TlsVersion::Tls13,
            max_version: TlsVersion::Tls12,
            ..TlsSettings::new(Verification::Optional)
        };
        refusal(&settings, "no TLS version is left");
    }

    #[test]
    fn server_names() {
        for good in [
            "localhost",
            "db.example.com",
            "db.example.com.",
            "127.0.0.1",
            "::1",
            "my_db",
        ] {
            assert!(server_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "host:5432", "[::1]", "é.example"] {
            assert_eq!(server_name(bad).unwrap_err().kind(), Kind::Config, "{bad}");
        }
    }

    #[test]
    fn require_needs_no_roots() {
        let config = client_config(&TlsSettings::new(Verification::Optional)).unwrap();
        assert_eq!(config.alpn_protocols, [b"postgresql"]);
    }
}
