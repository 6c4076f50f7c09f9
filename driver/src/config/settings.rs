use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::auth::{ChannelBinding, Methods};
use crate::error::{Error, Result};
use crate::session::tls_config::TlsVersion;

use super::hosts::{LoadBalanceHosts, TargetSessionAttrs};
use super::keys;
use super::secret::Secret;
use super::ssl::{RootCerts, SslMode};
use super::tls::{self, SslNegotiation};

/// Where a setting comes from, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    ConnectionString,
    Variable(&'static str),
    ServiceFile,
    Call,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionString => f.write_str("connection string"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::ServiceFile => f.write_str("service file"),
            Self::Call => f.write_str("settings"),
        }
    }
}

/// The keys that are understood, with their environment variables.
pub(super) const KEYS: [(&str, Option<&str>); 35] = [
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("port", Some("PGPORT")),
    ("dbname", Some("PGDATABASE")),
    ("user", Some("PGUSER")),
    ("password", Some("PGPASSWORD")),
    ("passfile", Some("PGPASSFILE")),
    ("application_name", Some("PGAPPNAME")),
    ("options", Some("PGOPTIONS")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("sslmode", Some("PGSSLMODE")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    ("keepalives", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("keepalives_count", None),
    ("tcp_user_timeout", None),
    ("service", Some("PGSERVICE")),
    ("servicefile", Some("PGSERVICEFILE")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslkey", Some("PGSSLKEY")),
    ("sslpassword", None),
    ("sslcertmode", Some("PGSSLCERTMODE")),
    ("sslcrl", Some("PGSSLCRL")),
    ("sslcrldir", Some("PGSSLCRLDIR")),
    ("sslsni", Some("PGSSLSNI")),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("require_auth", Some("PGREQUIREAUTH")),
    ("allow_cleartext_password", None),
    ("max_scram_iterations", None),
];

/// Settings as one source gives them, each of which may be left out.
macro_rules! settings {
    ($($name:ident: $type:ty,)*) => {
        /// What one source says; sources are merged with [`Settings::or`].
        #[derive(Clone, Debug, Default)]
        pub(super) struct Settings {
            $(pub $name: Option<$type>,)*
        }

        impl Settings {
            /// These settings, completed by those of a source that counts less.
            pub fn or(self, mut lower: Self) -> Self {
                // An address belongs to its host: a leftover PGHOSTADDR must not redirect another host.
                if self.host.is_some() {
                    lower.hostaddr = None;
                }
                Self { $($name: self.$name.or(lower.$name),)* }
            }
        }
    };
}

settings! {
    host: String,
    hostaddr: String,
    port: String,
    dbname: String,
    user: String,
    password: Secret,
    passfile: PathBuf,
    application_name: String,
    options: String,
    connect_timeout: Duration,
    sslmode: SslMode,
    sslrootcert: RootCerts,
    sslnegotiation: SslNegotiation,
    sslcert: PathBuf,
    sslkey: PathBuf,
    sslpassword: Secret,
    send_certificate: bool,
    sslcrl: PathBuf,
    sslcrldir: PathBuf,
    sslsni: bool,
    ssl_min_protocol_version: TlsVersion,
    ssl_max_protocol_version: TlsVersion,
    channel_binding: ChannelBinding,
    require_auth: Methods,
    target_session_attrs: TargetSessionAttrs,
    load_balance_hosts: LoadBalanceHosts,
    keepalives: bool,
    keepalives_idle: Duration,
    keepalives_interval: Duration,
    keepalives_count: u32,
    tcp_user_timeout: Duration,
    service: String,
    servicefile: PathBuf,
    allow_cleartext_password: bool,
    max_scram_iterations: u32,
}

impl Settings {
    /// Takes one key with its value as text; `password` and the like never come back in a message. An empty value
    /// counts as not given.
    pub fn put(&mut self, key: &str, mut value: Zeroizing<String>, origin: Origin) -> Result<()> {
        if value.contains('\0') {
            return Err(Error::config(format!(
                "{origin}: a value holds a NUL character"
            )));
        }
        if value.is_empty() && KEYS.iter().any(|(known, _)| *known == key) {
            return Ok(());
        }
        match key {
            "host" => self.host = Some(value.to_string()),
            "hostaddr" => self.hostaddr = Some(value.to_string()),
            "port" => self.port = Some(value.to_string()),
            "dbname" => self.dbname = Some(value.to_string()),
            "user" => self.user = Some(value.to_string()),
            "password" => self.password = Some(Secret::new(std::mem::take(&mut *value))),
            "passfile" => self.passfile = Some(PathBuf::from(value.as_str())),
            "application_name" => self.application_name = Some(value.to_string()),
            "options" => self.options = Some(value.to_string()),
            "connect_timeout" => self.connect_timeout = Some(seconds(&value, origin)?),
            "sslmode" => self.sslmode = Some(SslMode::parse(&value, origin)?),
            "sslrootcert" if *value == "system" => self.sslrootcert = Some(RootCerts::System),
            "sslrootcert" => {
                self.sslrootcert = Some(RootCerts::File(PathBuf::from(value.as_str())));
            }
            "sslnegotiation" => self.sslnegotiation = Some(tls::negotiation(&value, origin)?),
            "sslcert" => self.sslcert = Some(PathBuf::from(value.as_str())),
            "sslkey" => self.sslkey = Some(PathBuf::from(value.as_str())),
            "sslpassword" => self.sslpassword = Some(Secret::new(std::mem::take(&mut *value))),
            "sslcertmode" => self.send_certificate = Some(tls::certificate_mode(&value, origin)?),
            "sslcrl" => self.sslcrl = Some(PathBuf::from(value.as_str())),
            "sslcrldir" => self.sslcrldir = Some(PathBuf::from(value.as_str())),
            "sslsni" => self.sslsni = Some(boolean(key, &value, origin)?),
            "ssl_min_protocol_version" => {
                self.ssl_min_protocol_version = Some(tls::version(&value, true, origin)?);
            }
            "ssl_max_protocol_version" => {
                self.ssl_max_protocol_version = Some(tls::version(&value, false, origin)?);
            }
            "channel_binding" => {
                self.channel_binding = Some(match value.as_str() {
                    "disable" => ChannelBinding::Disable,
                    "prefer" => ChannelBinding::Prefer,
                    "require" => ChannelBinding::Require,
                    _ => {
                        return Err(Error::config(format!(
                            "{origin}: channel_binding must be disable, prefer or require"
                        )));
                    }
                });
            }
            "require_auth" => {
                self.require_auth = Some(
                    Methods::parse(&value)
                        .map_err(|error| Error::config(format!("{origin}: {error}")))?,
                );
            }
            "target_session_attrs" => {
                self.target_session_attrs = Some(TargetSessionAttrs::parse(&value, origin)?);
            }
            "load_balance_hosts" => {
                self.load_balance_hosts = Some(LoadBalanceHosts::parse(&value, origin)?);
            }
            "keepalives" => self.keepalives = Some(boolean(key, &value, origin)?),
            "keepalives_idle" => {
                self.keepalives_idle =
                    Some(Duration::from_secs(number(key, &value, origin)?.into()));
            }
            "keepalives_interval" => {
                self.keepalives_interval =
                    Some(Duration::from_secs(number(key, &value, origin)?.into()));
            }
            "keepalives_count" => self.keepalives_count = Some(number(key, &value, origin)?),
            "tcp_user_timeout" => {
                self.tcp_user_timeout =
                    Some(Duration::from_millis(number(key, &value, origin)?.into()));
            }
            "service" => self.service = Some(value.to_string()),
            "servicefile" => self.servicefile = Some(PathBuf::from(value.as_str())),
            "allow_cleartext_password" => {
                self.allow_cleartext_password = Some(boolean(key, &value, origin)?);
            }
            "max_scram_iterations" => {
                self.max_scram_iterations = Some(number(key, &value, origin)?);
            }
            _ => return keys::check_unsupported(key, &value, origin),
        }
        Ok(())
    }
}

fn seconds(text: &str, origin: Origin) -> Result<Duration> {
    match text.trim().parse::<u32>() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds.into())),
        _ => Err(Error::config(format!(
            "{origin}: connect_timeout must be a whole number of seconds from 1 on; there is always a limit"
        ))),
    }
}

fn boolean(key: &str, text: &str, origin: Origin) -> Result<bool> {
    match text {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err(Error::config(format!(
            "{origin}: {key} must be true or false"
        ))),
    }
}

fn number(key: &str, text: &str, origin: Origin) -> Result<u32> {
    text.trim().parse().map_err(|_| {
        Error::config(format!(
            "{origin}: {key} must be a number from 0 to {}",
            u32::MAX
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_understood() {
        for (key, _) in KEYS {
            let value = match key {
                "sslmode" | "load_balance_hosts" => "disable",
                "target_session_attrs" => "any",
                "channel_binding" => "prefer",
                "require_auth" => "md5",
                "sslnegotiation" => "direct",
                "sslcertmode" => "allow",
                "ssl_min_protocol_version" | "ssl_max_protocol_version" => "TLSv1.2",
                _ => "1",
            };
            let mut settings = Settings::default();
            settings
                .put(key, Zeroizing::new(value.to_owned()), Origin::Call)
                .unwrap();
            settings
                .put(key, Zeroizing::default(), Origin::Call)
                .unwrap();
        }
    }
}
