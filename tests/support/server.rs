//! The real servers of a test run, as `make test` starts and names them.

use std::collections::BTreeMap;
use std::env;

/// The servers that this test run may use.
///
/// `tools/servers.py` describes the environment variables and the users that every server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestServers {
    main: u32,
    sockets: BTreeMap<u32, String>,
    tcp: BTreeMap<u32, String>,
    authority: Option<String>,
}

impl TestServers {
    /// The servers named by the environment, or `None` outside `make test`: say [`SKIPPED`] and return.
    ///
    /// # Panics
    /// When the variables contradict each other, and when servers are missing although `DATA_BRIDGE_TEST_REQUIRED` says
    /// that this run must have them: a test run without its servers would pass without testing anything.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let found = Self::from_vars(|name| env::var(name).ok());
        assert!(
            found.is_some() || env::var_os("DATA_BRIDGE_TEST_REQUIRED").is_none(),
            "this test run must have servers, but DATA_BRIDGE_TEST_URL is not set"
        );
        if found.is_none() {
            eprintln!("{SKIPPED}");
        }
        found
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let main_url = var("DATA_BRIDGE_TEST_URL")?;
        let sockets = by_version(&var("DATA_BRIDGE_TEST_URLS").unwrap_or_default());
        let main = sockets
            .iter()
            .find(|(_, url)| **url == main_url)
            .map(|(version, _)| *version)
            .expect("DATA_BRIDGE_TEST_URLS names the server of DATA_BRIDGE_TEST_URL");
        Some(Self {
            main,
            sockets,
            tcp: by_version(&var("DATA_BRIDGE_TEST_TCP_URLS").unwrap_or_default()),
            authority: var("DATA_BRIDGE_TEST_CA"),
        })
    }

    /// The main server's major version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.main
    }

    /// The main server over its Unix socket, as the superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.sockets[&self.main]
    }

    /// The main server over TCP to localhost, as the superuser.
    ///
    /// # Panics
    /// When the environment names no TCP address for it.
    #[must_use]
    pub fn tcp_url(&self) -> &str {
        &self.tcp[&self.main]
    }

    /// Every server over its Unix socket, by major version.
    #[must_use]
    pub fn versions(&self) -> &BTreeMap<u32, String> {
        &self.sockets
    }

    /// Every server over TCP to localhost, by major version.
    #[must_use]
    pub fn tcp_versions(&self) -> &BTreeMap<u32, String> {
        &self.tcp
    }

    /// A file beside that of [`authority`](Self::authority): see `tools/servers.py`.
    #[must_use]
    pub fn beside_authority(&self, name: &str) -> Option<String> {
        let authority = std::path::Path::new(self.authority()?);
        Some(authority.with_file_name(name).display().to_string())
    }

    /// The file with the authority that signed the servers' certificates; `None` where they speak no TLS.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }
}

/// What a test says that has no server to talk to.
pub const SKIPPED: &str =
    "skipped: no server (`make test` starts them, or run under `python tools/servers.py -- ...`)";

/// Reads `13=url,14=url`.
fn by_version(list: &str) -> BTreeMap<u32, String> {
    list.split(',')
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let (version, url) = entry.split_once('=').expect("entries look like 18=url");
            (
                version.parse().expect("a major version before ="),
                url.to_owned(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn reads_what_the_server_tool_writes() {
        let servers = TestServers::from_vars(vars(&[
            ("DATA_BRIDGE_TEST_URL", "postgresql://postgres@%2Ftmp%2Fb:2/postgres"),
            ("DATA_BRIDGE_TEST_URLS", "13=postgresql://postgres@%2Ftmp%2Fa:1/postgres,18=postgresql://postgres@%2Ftmp%2Fb:2/postgres"),
            ("DATA_BRIDGE_TEST_TCP_URLS", "13=postgresql://postgres@localhost:1/postgres,18=postgresql://postgres@localhost:2/postgres"),
            ("DATA_BRIDGE_TEST_CA", "/tmp/ca.crt"),
        ]))
        .expect("servers are named");
        assert_eq!(servers.version(), 18);
        assert_eq!(servers.url(), "postgresql://postgres@%2Ftmp%2Fb:2/postgres");
        assert_eq!(
            servers.tcp_url(),
            "postgresql://postgres@localhost:2/postgres"
        );
        assert_eq!(
            servers.versions().keys().copied().collect::<Vec<_>>(),
            [13, 18]
        );
        assert_eq!(servers.authority(), Some("/tmp/ca.crt"));
    }

    #[test]
    fn none_without_the_variable() {
        assert_eq!(TestServers::from_vars(vars(&[])), None);
    }
}
