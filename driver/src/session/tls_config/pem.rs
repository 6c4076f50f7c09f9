//! Certificates, revocation lists and keys from PEM text (RFC 7468).
//!
//! All of a text must be good: a certificate that is left out by surprise makes a later handshake fail for a reason that
//! nobody finds.

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::SecretDocument;
use pkcs8::der::pem::PemLabel;
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer,
};

use super::Identity;
use crate::error::Error;

/// The authorities of `sslrootcert`.
pub(super) fn roots(text: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in all::<CertificateDer<'static>>(text, "certificate", "sslrootcert")?
        .into_iter()
        .enumerate()
    {
        roots.add(certificate).map_err(|error| {
            Error::config(damaged("certificate", index, "sslrootcert")).with_source(error)
        })?;
    }
    Ok(roots)
}

/// The lists of `sslcrl`.
pub(super) fn lists(text: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    all(text, "revocation list", "sslcrl")
}

/// The certificates of `sslcert` and the key of `sslkey`.
pub(super) fn identity(
    identity: &Identity<'_>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let certificates = all(identity.certificates, "certificate", "sslcert")?;
    Ok((certificates, key(identity.key, identity.password)?))
}

fn key(text: &[u8], password: Option<&str>) -> Result<PrivateKeyDer<'static>, Error> {
    let as_text = str::from_utf8(text).unwrap_or_default();
    if as_text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(Error::config(
            "sslkey is encrypted in OpenSSL's old way, which hardly protects it; convert it: openssl pkcs8 -topk8 -in old.key -out new.key",
        ));
    }
    if !as_text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return PrivateKeyDer::from_pem_slice(text).map_err(|error| {
            Error::config("sslkey holds no private key that can be read; it must be a PEM file with PKCS#8, PKCS#1 or SEC 1")
                .with_source(error)
        });
    }
    let Some(password) = password else {
        return Err(Error::config(
            "sslkey is encrypted; give sslpassword to open it",
        ));
    };
    let (label, document) = SecretDocument::from_pem(as_text.trim_start())
        .map_err(|_| Error::config("sslkey is damaged"))?;
    EncryptedPrivateKeyInfoRef::validate_pem_label(label)
        .map_err(|_| Error::config("sslkey begins with something else than its key"))?;
    let encrypted: EncryptedPrivateKeyInfoRef<'_> = document.decode_msg().map_err(|_| {
        Error::config("sslkey is damaged, or encrypted in a way that is not supported")
    })?;
    let opened = encrypted
        .decrypt(password)
        .map_err(|_| Error::config("sslkey cannot be opened with this sslpassword"))?;
    Ok(PrivatePkcs8KeyDer::from(opened.as_bytes().to_vec()).into())
}

/// Every item of one kind; at least one.
fn all<T: PemObject>(text: &[u8], kind: &str, setting: &str) -> Result<Vec<T>, Error> {
    let items = T::pem_slice_iter(text)
        .enumerate()
        .map(|(index, item)| {
            item.map_err(|error: pem::Error| {
                Error::config(damaged(kind, index, setting)).with_source(error)
            })
        })
        .collect::<Result<Vec<T>, Error>>()?;
    if items.is_empty() {
        return Err(Error::config(format!(
            "{setting} holds no {kind}; it must be a PEM file (-----BEGIN ...-----)"
        )));
    }
    Ok(items)
}

fn damaged(kind: &str, index: usize, setting: &str) -> String {
    format!("{kind} {} of {setting} is damaged", index + 1)
}
