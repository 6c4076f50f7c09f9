//! What a server must show before it is believed: the TLS settings of the sslmodes.
//!
//! | sslmode | encrypted | signed by a trusted authority | for this host |
//! |---|---|---|---|
//! | `require` | yes | only with `sslrootcert`, as in libpq | no |
//! | `verify-ca` | yes | yes | no |
//! | `verify-full` | yes | yes | yes |
//!
//! TLS 1.2 and 1.3 with the ring provider, named here rather than taken from the process, so that no other
//! crate's choice changes what this one does. No client certificate yet, no revocation lists yet: both are
//! set in [`client_config`].

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    Resumption, WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor as verify_chain,
};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use crate::error::Error;

/// The name under which the protocol is registered (ALPN); keeps a connection from being led to a server of
/// another protocol.
const PROTOCOL: &[u8] = b"postgresql";

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

/// Builds the settings. Share them between connections: loading the roots takes milliseconds.
///
/// `roots` is the content of the `sslrootcert` file: certificates in PEM form. Without it `verify-full`
/// trusts what the operating system trusts (or the file that `SSL_CERT_FILE` names), which is the one case
/// where this function reads files. The system's store rather than a compiled-in list, because companies put
/// their own authorities there and take broken ones out.
///
/// # Errors
/// Of kind `Config` when the PEM has no certificate or a damaged one, when `verify-ca` has no roots (every
/// public authority would do, for any host), or when the system has none.
pub fn client_config(
    verification: Verification,
    roots: Option<&[u8]>,
) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match (verification, roots) {
        (Verification::Optional | Verification::Authority, Some(pem)) => Arc::new(AnyName {
            roots: Some(parse_roots(pem)?),
            provider: provider.clone(),
        }),
        (Verification::Optional, None) => Arc::new(AnyName {
            roots: None,
            provider: provider.clone(),
        }),
        (Verification::Authority, None) => {
            return Err(Error::config(
                "sslmode=verify-ca needs sslrootcert=<file with the authority's certificate>; to trust the authorities of the \
                 operating system use sslmode=verify-full",
            ));
        }
        (Verification::Full, pem) => {
            let roots = pem.map_or_else(platform_roots, parse_roots)?;
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .map_err(|error| Error::config("the TLS roots cannot be used").with_source(error))?
        }
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::tls("TLS cannot be set up").with_source(error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
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

/// Reads a file of PEM certificates. Every one of them must be good: one that is left out by surprise makes a
/// later handshake fail for a reason that nobody finds.
fn parse_roots(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let damaged = || format!("certificate {} of sslrootcert is damaged", index + 1);
        let certificate =
            certificate.map_err(|error| Error::config(damaged()).with_source(error))?;
        roots
            .add(certificate)
            .map_err(|error| Error::config(damaged()).with_source(error))?;
    }
    if roots.is_empty() {
        return Err(Error::config(
            "sslrootcert holds no certificate; it must be a PEM file (-----BEGIN CERTIFICATE-----)",
        ));
    }
    Ok(roots)
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

/// Takes a certificate whatever host it names, and without roots whoever signed it. The signatures of the
/// handshake are checked all the same, so that the peer is at least the one whose certificate this is.
#[derive(Debug)]
struct AnyName {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_chain(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn refusal(verification: Verification, roots: Option<&[u8]>, says: &str) {
        let error = client_config(verification, roots).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains(says), "{error}");
    }

    #[test]
    fn roots_that_cannot_be_used() {
        let damaged: &[u8] =
            b"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----\n";
        refusal(
            Verification::Authority,
            None,
            "sslmode=verify-ca needs sslrootcert",
        );
        for verification in [
            Verification::Optional,
            Verification::Authority,
            Verification::Full,
        ] {
            refusal(verification, Some(b""), "holds no certificate");
            refusal(
                verification,
                Some(b"not PEM at all"),
                "holds no certificate",
            );
            refusal(
                verification,
                Some(damaged),
                "certificate 1 of sslrootcert is damaged",
            );
        }
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
        let config = client_config(Verification::Optional, None).unwrap();
        assert_eq!(config.alpn_protocols, [b"postgresql"]);
    }
}
