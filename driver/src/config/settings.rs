use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

use super::keys;
use super::secret::Secret;
use super::ssl::{RootCerts, SslMode};

/// Where a setting comes from, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    ConnectionString,
    Variable(&'static str),
    Call,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionString => f.write_str("connection string"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Call => f.write_str("settings"),
        }
    }
}

/// The keys that are understood, with their environment variables.
pub(super) const KEYS: [(&str, Option<&str>); 14] = [
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
    ("allow_cleartext_password", None),
    ("max_scram_iterations", None),
];

/// What one source says; sources are merged with [`Settings::or`].
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub host: Option<String>,
    pub hostaddr: Option<String>,
    pub port: Option<String>,
    pub dbname: Option<String>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub passfile: Option<PathBuf>,
    pub application_name: Option<String>,
    pub options: Option<String>,
    pub connect_timeout: Option<Duration>,
    pub sslmode: Option<SslMode>,
    pub sslrootcert: Option<RootCerts>,
    pub allow_cleartext_password: Option<bool>,
    pub max_scram_iterations: Option<u32>,
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
            "allow_cleartext_password" => {
                self.allow_cleartext_password = Some(boolean(&value).ok_or_else(|| {
                    Error::config(format!(
                        "{origin}: allow_cleartext_password must be true or false"
                    ))
                })?);
            }
            "max_scram_iterations" => {
                self.max_scram_iterations = Some(value.parse().map_err(|_| {
                    Error::config(format!("{origin}: max_scram_iterations must be a number"))
                })?);
            }
            _ => return keys::check_unsupported(key, &value, origin),
        }
        Ok(())
    }

    /// These settings, completed by those of a source that counts less.
    pub fn or(self, lower: Self) -> Self {
        // An address belongs to its host: a leftover PGHOSTADDR must not redirect another host.
        let hostaddr = match self.host {
            Some(_) => self.hostaddr,
            None => self.hostaddr.or(lower.hostaddr),
        };
        Self {
            host: self.host.or(lower.host),
            hostaddr,
            port: self.port.or(lower.port),
            dbname: self.dbname.or(lower.dbname),
            user: self.user.or(lower.user),
            password: self.password.or(lower.password),
            passfile: self.passfile.or(lower.passfile),
            application_name: self.application_name.or(lower.application_name),
            options: self.options.or(lower.options),
            connect_timeout: self.connect_timeout.or(lower.connect_timeout),
            sslmode: self.sslmode.or(lower.sslmode),
            sslrootcert: self.sslrootcert.or(lower.sslrootcert),
            allow_cleartext_password: self
                .allow_cleartext_password
                .or(lower.allow_cleartext_password),
            max_scram_iterations: self.max_scram_iterations.or(lower.max_scram_iterations),
        }
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

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "on" | "yes" | "1" => Some(true),
        "false" | "off" | "no" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_understood() {
        for (key, _) in KEYS {
            let value = if key == "sslmode" { "disable" } else { "1" };
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
