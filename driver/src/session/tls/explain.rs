//! What went wrong in TLS, said so that its reader knows what to do.

use std::io;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use crate::error::Error;
use crate::types::datetime::{UNIX_EPOCH_DAYS, civil_from_days};

/// Names of a certificate that an error shows.
const NAMES_SHOWN: usize = 8;

/// The error of rustls as one of ours.
pub(super) fn error(error: TlsError) -> Error {
    let message = match &error {
        TlsError::InvalidCertificate(fault) => certificate(fault),
        TlsError::NoCertificatesPresented => "the server presented no certificate".into(),
        TlsError::AlertReceived(alert) => refusal(*alert),
        TlsError::PeerIncompatible(_) => {
            format!(
                "the server and this client have no TLS version or cipher in common ({error}); the server must allow TLS 1.2"
            )
        }
        TlsError::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "the server's answer is not TLS; is this the port of a PostgreSQL server?".into(),
        TlsError::DecryptError => {
            "the TLS connection was disturbed: a record cannot be decrypted".into()
        }
        _ => format!("TLS failed: {error}"),
    };
    Error::tls(message).with_source(error)
}

/// rustls speaks of a few faults through `io::Error`.
pub(super) fn io(error: io::Error) -> Error {
    Error::tls(format!("TLS failed: {error}")).with_source(error)
}

/// An alert that the server sent instead of going on.
fn refusal(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the server requires a client certificate; give sslcert and sslkey".into()
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => {
            format!("the server refused the client certificate, or the lack of one (alert {alert:?}); give sslcert and sslkey that its authority (ssl_ca_file) signed")
        }
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            format!("the server and this client have no TLS version or cipher in common (alert {alert:?}); the server must allow TLS 1.2")
        }
        AlertDescription::NoApplicationProtocol => {
            "the server refused the application protocol \"postgresql\"; is this the port of a PostgreSQL server?".into()
        }
        _ => format!("the server ended the TLS connection with the alert {alert:?}"),
    }
}

/// Why a certificate is not accepted.
fn certificate(fault: &CertificateError) -> String {
    match fault {
        CertificateError::Expired => "the server's certificate has expired; renew it on the server".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate, or one that signed it, expired on {}; renew it on the server", date(*not_after))
        }
        CertificateError::NotValidYet => "the server's certificate is not valid yet; check the clocks of both machines".into(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the server's certificate is valid only from {}; check the clocks of both machines", date(*not_before))
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate is not signed by an authority that this client trusts; give the authority's certificate as \
             sslrootcert, or have the server send its intermediate certificates too"
                .into()
        }
        CertificateError::BadSignature => {
            "the signature of the server's certificate is wrong: it was not made by the trusted authority of that name".into()
        }
        CertificateError::NotValidForName => "the server's certificate is for another host; connect by the name that it holds".into(),
        CertificateError::NotValidForNameContext { expected, presented } => wrong_name(expected, presented),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate was not issued for servers (its extended key usage lacks serverAuth); issue one that is".into()
        }
        CertificateError::Revoked => "the server's certificate was revoked by its authority".into(),
        CertificateError::BadEncoding => "the server's certificate is damaged: it is not a valid X.509 certificate".into(),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the server's certificate is signed by a method that is no longer accepted, such as SHA-1, or with a key that is too \
             short; issue one with SHA-256 and RSA-2048 or ECDSA"
                .into()
        }
        CertificateError::Other(other) => match other.to_string().as_str() {
            "CaUsedAsEndEntity" => {
                "the server's own certificate is that of an authority (CA:TRUE); libpq accepts that and this driver does not: let \
                 the authority sign a certificate for the server"
                    .into()
            }
            "UnsupportedCertVersion" => {
                "the server's certificate is X.509 version 1; libpq accepts that and this driver does not: issue one of version 3 \
                 with a subject alternative name"
                    .into()
            }
            reason => format!("the server's certificate is not accepted: {reason}"),
        },
        other => format!("the server's certificate is not accepted: {other}"),
    }
}

fn wrong_name(expected: &ServerName<'_>, presented: &[String]) -> String {
    let expected = expected.to_str();
    if presented.is_empty() {
        return format!(
            "the server's certificate names no host: it has no subject alternative name, and the common name alone, which libpq \
             accepts, does not count; issue one with a subject alternative name for {expected}, or give sslmode=verify-ca to check \
             only who signed it"
        );
    }
    // A server chose these bytes.
    let mut names: Vec<String> = presented
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| plain_name(name).escape_debug().to_string())
        .collect();
    if presented.len() > NAMES_SHOWN {
        names.push("...".into());
    }
    format!(
        "the server's certificate is for {} and not for {expected}; connect by a name that it holds, or give sslmode=verify-ca to \
         check only who signed it",
        names.join(", ")
    )
}

/// `DnsName("db.example.com")`, as rustls gives it, without the wrapping.
fn plain_name(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(name);
    inner.trim_matches('"')
}

fn date(time: UnixTime) -> String {
    let days = i32::try_from(time.as_secs() / 86_400).unwrap_or(i32::MAX);
    let (year, month, day) = civil_from_days(days.saturating_sub(UNIX_EPOCH_DAYS));
    format!("{year:04}-{month:02}-{day:02}")
}
