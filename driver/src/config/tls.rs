//! The TLS settings beside `sslmode` and `sslrootcert`.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::session::tls_config::TlsVersion;

use super::secret::Secret;
use super::settings::{Origin, Settings};

/// How TLS is set up, apart from how far the server is checked.
///
/// Source: PostgreSQL manual, "Parameter Key Words".
#[derive(Clone, Debug)]
pub struct TlsOptions {
    pub(super) negotiation: SslNegotiation,
    pub(super) client_certificate: Option<ClientCertificate>,
    pub(super) revocation_lists: Vec<PathBuf>,
    pub(super) min_version: TlsVersion,
    pub(super) max_version: TlsVersion,
    pub(super) server_name_indication: bool,
}

/// Where this side's certificate and its key lie.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// PEM file with the certificate, and those that lead to its authority after it.
    pub certificate: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
    /// What an encrypted key is opened with.
    pub password: Option<Secret>,
}

/// How TLS begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslNegotiation {
    /// This side asks for TLS in PostgreSQL's protocol, the server says yes.
    #[default]
    Postgres,
    /// At once, which saves a round trip. Servers from 17 on understand it.
    Direct,
}

impl TlsOptions {
    /// How TLS begins.
    pub fn negotiation(&self) -> SslNegotiation {
        self.negotiation
    }

    /// What this side shows when the server asks for a certificate.
    pub fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.client_certificate.as_ref()
    }

    /// Files with lists of revoked certificates.
    pub fn revocation_lists(&self) -> &[PathBuf] {
        &self.revocation_lists
    }

    /// The oldest version to agree to.
    pub fn min_version(&self) -> TlsVersion {
        self.min_version
    }

    /// The newest version to agree to.
    pub fn max_version(&self) -> TlsVersion {
        self.max_version
    }

    /// Whether the server is told the name that is meant (SNI).
    pub fn server_name_indication(&self) -> bool {
        self.server_name_indication
    }

    /// `folder` is `~/.postgresql`, where the certificate and its key lie unless said otherwise.
    pub(super) fn new(settings: &Settings, folder: Option<&Path>) -> Result<Self> {
        let min_version = settings
            .ssl_min_protocol_version
            .unwrap_or(TlsVersion::Tls12);
        let max_version = settings
            .ssl_max_protocol_version
            .unwrap_or(TlsVersion::Tls13);
        if min_version > max_version {
            return Err(Error::config(
                "ssl_min_protocol_version is above ssl_max_protocol_version",
            ));
        }
        Ok(Self {
            negotiation: settings.sslnegotiation.unwrap_or_default(),
            client_certificate: client_certificate(settings, folder)?,
            revocation_lists: revocation_lists(settings)?,
            min_version,
            max_version,
            server_name_indication: settings.sslsni.unwrap_or(true),
        })
    }
}

fn client_certificate(
    settings: &Settings,
    folder: Option<&Path>,
) -> Result<Option<ClientCertificate>> {
    if settings.send_certificate == Some(false) {
        return Ok(None);
    }
    let usual = |name| {
        folder
            .map(|folder| folder.join(name))
            .filter(|file| file.exists())
    };
    let certificate = match (&settings.sslcert, usual("postgresql.crt")) {
        (Some(given), _) => given.clone(),
        (None, Some(found)) => found,
        (None, None) if settings.sslkey.is_some() => {
            return Err(Error::config(
                "sslkey is given and sslcert is not; give the certificate of this key",
            ));
        }
        (None, None) => return Ok(None),
    };
    let key = settings.sslkey.clone().or(usual("postgresql.key"));
    let key = key.ok_or_else(|| {
        Error::config("sslcert is given and sslkey is not; give the file with its private key")
    })?;
    Ok(Some(ClientCertificate {
        certificate,
        key,
        password: settings.sslpassword.clone(),
    }))
}

/// The file of `sslcrl`, and all files in the folder `sslcrldir`.
fn revocation_lists(settings: &Settings) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = settings.sslcrl.iter().cloned().collect();
    if let Some(folder) = &settings.sslcrldir {
        let fault = |error: std::io::Error| {
            Error::config(format!(
                "could not read the folder sslcrldir {}: {error}",
                folder.display()
            ))
            .with_source(error)
        };
        for entry in folder.read_dir().map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            if path.is_file() {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(Error::config(format!(
                "there is no file in sslcrldir {}",
                folder.display()
            )));
        }
    }
    Ok(files)
}

/// `TLSv1.2` and so on; older versions are not spoken, so that as a minimum they ask for nothing.
pub(super) fn version(text: &str, is_minimum: bool, origin: Origin) -> Result<TlsVersion> {
    match text {
        "TLSv1.2" => Ok(TlsVersion::Tls12),
        "TLSv1.3" => Ok(TlsVersion::Tls13),
        "TLSv1" | "TLSv1.1" if is_minimum => Ok(TlsVersion::Tls12),
        "TLSv1" | "TLSv1.1" => Err(Error::config(format!(
            "{origin}: {text} is broken and not spoken here; ssl_max_protocol_version can be TLSv1.2 or TLSv1.3"
        ))),
        _ => Err(Error::config(format!(
            "{origin}: a TLS version is TLSv1.2 or TLSv1.3"
        ))),
    }
}

/// `postgres` or `direct`.
pub(super) fn negotiation(text: &str, origin: Origin) -> Result<SslNegotiation> {
    match text {
        "postgres" => Ok(SslNegotiation::Postgres),
        "direct" => Ok(SslNegotiation::Direct),
        _ => Err(Error::config(format!(
            "{origin}: sslnegotiation must be postgres or direct"
        ))),
    }
}

/// Whether a certificate is shown: `sslcertmode`.
pub(super) fn certificate_mode(text: &str, origin: Origin) -> Result<bool> {
    match text {
        "allow" => Ok(true),
        "disable" => Ok(false),
        "require" => Err(Error::config(format!(
            "{origin}: sslcertmode=require is not supported; have the server demand the certificate (clientcert in pg_hba.conf)"
        ))),
        _ => Err(Error::config(format!(
            "{origin}: sslcertmode must be allow or disable"
        ))),
    }
}
