use core::net::IpAddr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::secret::Secret;
use super::settings::Settings;
use super::ssl::SslMode;

/// The port of a server that was not told otherwise.
pub(super) const DEFAULT_PORT: u16 = 5432;

/// Where servers put their sockets: Debian and Red Hat, then PostgreSQL's own default.
pub(super) const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One place to try, with all that holds for it alone.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) address: Address,
    pub(super) ssl_mode: SslMode,
    pub(super) password: Option<Secret>,
}

impl Target {
    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The protection that holds for it: what was asked for, or the default for such an address.
    pub fn ssl_mode(&self) -> SslMode {
        self.ssl_mode
    }

    /// The password for it; passfiles can hold one for each host.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The name that its certificate must carry: the host as it was given (without the zone of an IPv6 address).
    /// `None` for Unix sockets.
    pub fn server_name(&self) -> Option<&str> {
        match &self.address {
            Address::Tcp { host, .. } => {
                Some(host.split_once('%').map_or(host.as_str(), |(name, _)| name))
            }
            Address::Unix { .. } => None,
        }
    }
}

/// The address of a server. `Display` is fit for messages: `db.example.com:5432`, `/tmp/.s.PGSQL.5432`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A host reached over TCP.
    Tcp {
        /// Name or address as it was given; the text of `hostaddr` where only that was given.
        host: String,
        /// The address to dial instead of looking up the host.
        hostaddr: Option<IpAddr>,
        /// TCP port.
        port: u16,
    },
    /// A Unix socket on this machine.
    Unix {
        /// The directory that holds the socket.
        directory: PathBuf,
        /// The number in the socket's name.
        port: u16,
    },
}

impl Address {
    /// TCP port, or number in the socket's name.
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } | Self::Unix { port, .. } => *port,
        }
    }

    /// The path of the Unix socket.
    pub fn socket_path(&self) -> Option<PathBuf> {
        match self {
            Self::Tcp { .. } => None,
            Self::Unix { directory, port } => Some(directory.join(format!(".s.PGSQL.{port}"))),
        }
    }

    /// Whether bytes to it stay on this machine by its address alone; only numbers and the word `localhost` count.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Unix { .. } => true,
            Self::Tcp {
                hostaddr: Some(addr),
                ..
            } => addr.is_loopback(),
            Self::Tcp { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse().is_ok_and(|addr: IpAddr| addr.is_loopback())
            }
        }
    }

    /// The names under which a passfile knows it. The usual socket directories are `localhost` there, as in libpq.
    pub(super) fn passfile_names(&self) -> Vec<&str> {
        match self {
            Self::Tcp { host, .. } => vec![host],
            Self::Unix { directory, .. } => {
                let usual = SOCKET_DIRECTORIES
                    .iter()
                    .any(|usual| directory == Path::new(usual));
                directory
                    .to_str()
                    .into_iter()
                    .chain(usual.then_some("localhost"))
                    .collect()
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "{host}:{port}"),
            Self::Unix { directory, port } => write!(f, "{}/.s.PGSQL.{port}", directory.display()),
        }
    }
}

/// The addresses in the lists `host`, `hostaddr` and `port`, in the order in which they are to be tried.
///
/// Messages do not repeat hosts or ports: a password with an unescaped `@` or `/` ends up in them.
pub(super) fn addresses(settings: &Settings) -> Result<Vec<Address>> {
    let hosts = settings
        .host
        .as_deref()
        .map(|list| list.split(',').collect::<Vec<_>>());
    let hostaddrs = settings
        .hostaddr
        .as_deref()
        .map(|list| list.split(',').collect::<Vec<_>>());
    if let (Some(hosts), Some(hostaddrs)) = (&hosts, &hostaddrs)
        && hosts.len() != hostaddrs.len()
    {
        return Err(Error::config(format!(
            "host lists {} and hostaddr {}; give one address for each host",
            hosts.len(),
            hostaddrs.len()
        )));
    }
    let count = hosts.as_ref().or(hostaddrs.as_ref()).map(Vec::len);
    let ports = ports(settings.port.as_deref(), count)?;
    let Some(count) = count else {
        let port = ports.first().copied().unwrap_or(DEFAULT_PORT);
        return Ok(local_addresses(port));
    };
    (0..count)
        .map(|at| {
            let port = ports
                .get(at)
                .or(ports.first())
                .copied()
                .unwrap_or(DEFAULT_PORT);
            let item = |list: &Option<Vec<&str>>| {
                list.as_ref()
                    .and_then(|list| list.get(at).map(|item| item.trim().to_owned()))
            };
            address(item(&hosts), item(&hostaddrs), port)
        })
        .collect()
}

/// Where to look when nothing was said: the usual sockets, then this machine over TCP.
fn local_addresses(port: u16) -> Vec<Address> {
    SOCKET_DIRECTORIES
        .iter()
        .map(|directory| Address::Unix {
            directory: directory.into(),
            port,
        })
        .chain([Address::Tcp {
            host: "localhost".to_owned(),
            hostaddr: None,
            port,
        }])
        .collect()
}

fn address(host: Option<String>, hostaddr: Option<String>, port: u16) -> Result<Address> {
    let hostaddr = match hostaddr {
        None => None,
        Some(text) => Some(text.parse::<IpAddr>().map_err(|_| {
            Error::config("hostaddr must be a numeric IPv4 or IPv6 address; names go into host")
        })?),
    };
    let host = match (host, hostaddr) {
        (Some(host), _) => host,
        (None, Some(addr)) => addr.to_string(),
        (None, None) => String::new(),
    };
    if host.is_empty() {
        return Err(Error::config("an entry in the list of hosts is empty"));
    }
    if host.contains(|c: char| c.is_control()) {
        return Err(Error::config("host holds a control character"));
    }
    if host.starts_with('/') {
        return Ok(Address::Unix {
            directory: host.into(),
            port,
        });
    }
    if host.contains('@') {
        return Err(Error::config(
            "the host holds an @: in a password of a URL write it as %40 (and / as %2F, : as %3A)",
        ));
    }
    if host.contains(|c: char| c.is_whitespace() || "/?#[]\\'\"".contains(c)) {
        return Err(Error::config(
            "host must be a name, an address (IPv6 without brackets, except in a URL) or a directory that starts with /",
        ));
    }
    Ok(Address::Tcp {
        host,
        hostaddr,
        port,
    })
}

/// The list of ports: none, one for all hosts, or one for each. An empty entry is the default port.
fn ports(list: Option<&str>, hosts: Option<usize>) -> Result<Vec<u16>> {
    let Some(list) = list else {
        return Ok(Vec::new());
    };
    let ports = list
        .split(',')
        .map(|port| port_number(port.trim()))
        .collect::<Result<Vec<_>>>()?;
    if ports.len() > 1 && Some(ports.len()) != hosts {
        return Err(Error::config(format!(
            "port lists {} and host {}; give one port for all hosts or one for each",
            ports.len(),
            hosts.unwrap_or(0)
        )));
    }
    Ok(ports)
}

fn port_number(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    match text.parse() {
        Ok(port @ 1..) if text.bytes().all(|digit| digit.is_ascii_digit()) => Ok(port),
        _ => Err(Error::config(
            "port must be a number from 1 to 65535 (a / in a password of a URL is written as %2F)",
        )),
    }
}
