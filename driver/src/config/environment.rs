use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

use super::keys;
use super::settings::{KEYS, Origin, Settings};

/// The variable by which whoever runs a program forbids plaintext over TCP.
pub(super) const REQUIRE_TLS: &str = "DATA_BRIDGE_REQUIRE_TLS";

/// What the surroundings say: environment variables, home directory, name of the user. Tests and callers that want
/// no surprises pass one of their own, see [`Environment::empty`].
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
    user: Option<String>,
}

impl Environment {
    /// Nothing at all: no variable, no passfile, no name.
    pub fn empty() -> Self {
        Self::default()
    }

    /// That of this process. Variables that are not Unicode count as unset.
    pub fn of_process() -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| {
                name.starts_with("PG")
                    || matches!(name.as_str(), "HOME" | "USER" | "LOGNAME" | REQUIRE_TLS)
            })
            .collect();
        let get = |name: &str| {
            variables
                .get(name)
                .filter(|value| !value.is_empty())
                .cloned()
        };
        Self {
            home: get("HOME").map(PathBuf::from),
            user: get("USER")
                .or_else(|| get("LOGNAME"))
                .or_else(name_of_process_owner),
            variables,
        }
    }

    /// The same, with a variable set.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same, with another home directory: the place of `.pgpass` and `.postgresql/root.crt`.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// The same, with another name of the user of the operating system.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// The settings in the `PG*` variables; empty ones count as unset.
    pub(super) fn settings(&self) -> Result<Settings> {
        let mut settings = Settings::default();
        let supported = KEYS
            .iter()
            .filter_map(|(key, variable)| Some((*key, (*variable)?)));
        for (key, variable) in supported.chain(keys::unsupported_variables()) {
            if let Some(value) = self.variables.get(variable) {
                settings.put(
                    key,
                    Zeroizing::new(value.clone()),
                    Origin::Variable(variable),
                )?;
            }
        }
        Ok(settings)
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Where a service is looked for: in `own` or `~/.pg_service.conf`, then in the folder that `PGSYSCONFDIR` names.
    pub(super) fn service_files(&self, own: Option<PathBuf>) -> Vec<PathBuf> {
        let own = own.or_else(|| Some(self.home.as_ref()?.join(".pg_service.conf")));
        let system = self
            .variables
            .get("PGSYSCONFDIR")
            .filter(|folder| !folder.is_empty());
        let system = system.map(|folder| PathBuf::from(folder).join("pg_service.conf"));
        own.into_iter().chain(system).collect()
    }

    /// `~/.pgpass`.
    pub(super) fn passfile(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(".pgpass"))
    }

    /// `~/.postgresql`, the place of certificates.
    pub(super) fn certificates(&self) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(".postgresql"))
    }

    /// `~/.postgresql/root.crt`, if it is there.
    pub(super) fn root_certs(&self) -> Option<PathBuf> {
        self.certificates()
            .map(|folder| folder.join("root.crt"))
            .filter(|file| file.exists())
    }

    /// Whether plaintext is refused whatever a connection string says: `DATA_BRIDGE_REQUIRE_TLS`.
    pub(super) fn requires_tls(&self) -> Result<bool> {
        match self.variables.get(REQUIRE_TLS).map_or("", String::as_str) {
            "" | "false" | "off" | "no" | "0" => Ok(false),
            "true" | "on" | "yes" | "1" => Ok(true),
            _ => Err(Error::config(format!(
                "environment variable {REQUIRE_TLS} must be true or false"
            ))),
        }
    }
}

/// The name in `/etc/passwd` of the user that runs this process, for containers that set no `USER`.
#[cfg(target_os = "linux")]
fn name_of_process_owner() -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let uid = fs::metadata("/proc/self").ok()?.uid().to_string();
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(not(target_os = "linux"))]
fn name_of_process_owner() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_settings() {
        let environment = Environment::empty()
            .with_variable("PGHOST", "h")
            .with_variable("PGPASSWORD", "")
            .with_variable("PGUNHEARDOF", "x");
        let settings = environment.settings().unwrap();
        assert_eq!(settings.host.as_deref(), Some("h"));
        assert_eq!(settings.password, None);
    }

    #[test]
    fn mistakes_name_the_variable() {
        for (name, value) in [
            ("PGSSLMODE", "prefer"),
            ("PGCONNECT_TIMEOUT", "soon"),
            ("PGREQUIREPEER", "postgres"),
            ("PGTARGETSESSIONATTRS", "master"),
        ] {
            let error = Environment::empty()
                .with_variable(name, value)
                .settings()
                .unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_has_an_owner() {
        assert!(name_of_process_owner().is_some_and(|name| !name.is_empty()));
    }
}
