//! From the configuration and its files to the TLS of one connection. Files are read for each connection, so that a
//! certificate that was renewed counts at once.

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::{Config, RootCerts, Secret, SslMode, SslNegotiation, Target};
use crate::error::Error;
use crate::session::Encryption;
use crate::session::tls_config::{self, Identity, TlsSettings, Verification};

/// How connections to a target are encrypted; `None` for plaintext.
pub(super) fn encryption(config: &Config, target: &Target) -> Result<Option<Encryption>, Error> {
    let verification = match (target.ssl_mode(), target.server_name()) {
        (SslMode::Disable, _) | (_, None) => return Ok(None),
        (SslMode::Require, _) => Verification::Optional,
        (SslMode::VerifyCa, _) => Verification::Authority,
        (SslMode::VerifyFull, _) => Verification::Full,
    };
    let options = config.tls();
    let roots = match config.root_certs() {
        RootCerts::File(path) => Some(read("sslrootcert", path)?),
        RootCerts::System => None,
    };
    let mut lists = Vec::new();
    for path in options.revocation_lists() {
        lists.extend_from_slice(&read("sslcrl", path)?);
        lists.push(b'\n');
    }
    let files = match options.client_certificate() {
        None => None,
        Some(own) => {
            check_key(&own.key)?;
            let certificates = read("sslcert", &own.certificate)?;
            Some((
                certificates,
                read("sslkey", &own.key)?,
                own.password.as_ref(),
            ))
        }
    };
    let identity = files
        .as_ref()
        .map(|(certificates, key, password)| Identity {
            certificates,
            key,
            password: password.map(Secret::expose),
        });
    let settings = TlsSettings {
        verification,
        roots: roots.as_deref().map(Vec::as_slice),
        revocation_lists: (!lists.is_empty()).then_some(lists.as_slice()),
        identity,
        min_version: options.min_version(),
        max_version: options.max_version(),
        server_name_indication: options.server_name_indication(),
    };
    Ok(Some(Encryption {
        config: tls_config::client_config(&settings)?,
        name: tls_config::server_name(target.server_name().unwrap_or_default())?,
        direct: options.negotiation() == SslNegotiation::Direct,
    }))
}

fn read(setting: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    fs::read(path).map(Zeroizing::new).map_err(|error| {
        Error::config(format!(
            "could not read {setting} {}: {error}",
            path.display()
        ))
        .with_source(error)
    })
}

/// A key that others can read is no secret. As libpq: only its owner may, or its group where it is root's.
#[cfg(unix)]
fn check_key(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;

    let Ok(metadata) = fs::metadata(path) else {
        return Ok(()); // reading it says what is wrong
    };
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        return Ok(());
    }
    Err(Error::config(format!(
        "others can read the key sslkey {0}; run: chmod 600 {0}",
        path.display()
    )))
}

#[cfg(not(unix))]
fn check_key(_: &Path) -> Result<(), Error> {
    Ok(())
}
