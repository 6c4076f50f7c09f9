//! `~/.pgpass`: lines of `host:port:database:user:password`, in which `*` fits everything and a backslash takes the
//! next character as it is. The first line that fits counts.
//!
//! Source: PostgreSQL manual, "The Password File".

use std::fs;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

use super::secret::Secret;
use super::target::Address;

/// A passfile that was read.
pub(super) struct Passfile(Zeroizing<String>);

impl Passfile {
    /// Reads the file; `None` if there is none. One that others can read is an error: its passwords are no secrets.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(path, error)),
        };
        if !metadata.is_file() {
            // As libpq: PGPASSFILE=/dev/null turns passfiles off.
            return Ok(None);
        }
        if others_have_access(&metadata) {
            return Err(Error::config(format!(
                "others can read the passfile {0}; run: chmod 600 {0}",
                path.display()
            )));
        }
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        Ok(Some(Self(Zeroizing::new(text))))
    }

    /// The password for an address, database and user.
    pub fn password(&self, address: &Address, database: &str, user: &str) -> Option<Secret> {
        let port = address.port().to_string();
        self.0
            .lines()
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| {
                let mut rest = line;
                let mut field = || {
                    let (value, wild, after) = next_field(rest)?;
                    rest = after;
                    Some((value, wild))
                };
                let (host, any_host) = field()?;
                let fits_host = any_host || address.passfile_names().contains(&host.as_str());
                let fits = fits_host
                    && [port.as_str(), database, user].into_iter().all(|wanted| {
                        field().is_some_and(|(value, wild)| wild || *value == wanted)
                    });
                fits.then(|| Secret::from(unescaped(rest)))
            })
    }
}

/// The field before the next colon, whether it is a bare `*`, and what follows.
fn next_field(line: &str) -> Option<(Zeroizing<String>, bool, &str)> {
    let mut escaped = false;
    let end = line.find(|c| {
        let ends = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (field, after) = line.split_at_checked(end)?;
    Some((unescaped(field), field == "*", after.strip_prefix(':')?))
}

fn unescaped(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::config(format!(
        "could not read the passfile {}: {error}",
        path.display()
    ))
    .with_source(error)
}

#[cfg(unix)]
fn others_have_access(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn others_have_access(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(file: &str, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        let address = if host.starts_with('/') {
            Address::Unix {
                directory: host.into(),
                port,
            }
        } else {
            Address::Tcp {
                host: host.to_owned(),
                hostaddr: None,
                port,
            }
        };
        let passfile = Passfile(Zeroizing::new(file.to_owned()));
        let found = passfile.password(&address, database, user);
        found.map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let file = "# h:5432:d:u:comment\n\nh:5432:d:u:one\nh:*:d:u:two\n*:*:*:u:three\r\n*:*:*:*:four:and more\n";
        for (host, port, database, user, password) in [
            ("h", 5432, "d", "u", "one"),
            ("h", 5433, "d", "u", "two"),
            ("x", 5432, "y", "u", "three"),
            ("x", 5432, "y", "z", "four:and more"),
        ] {
            assert_eq!(
                lookup(file, host, port, database, user).as_deref(),
                Some(password)
            );
        }
        assert_eq!(lookup("h:1:d:u:p", "other", 1, "d", "u"), None);
        assert_eq!(
            lookup("h:1:d", "h", 1, "d", "u"),
            None,
            "a line cut short fits nothing"
        );
    }

    #[test]
    fn backslashes_take_the_next_character() {
        assert_eq!(
            lookup(r"\:\:1:1:d\\b:\*:p\:a\\b", "::1", 1, r"d\b", "*").as_deref(),
            Some(r"p:a\b")
        );
        assert_eq!(
            lookup(r"h:1:d:\*:p", "h", 1, "d", "u"),
            None,
            "an escaped star is a star"
        );
        assert_eq!(
            lookup("h:1:d:u:p\\", "h", 1, "d", "u").as_deref(),
            Some("p")
        );
    }

    #[test]
    fn usual_sockets_are_localhost() {
        let file = "localhost:1:d:u:local\n/srv/pg:1:d:u:srv\n";
        assert_eq!(lookup(file, "/tmp", 1, "d", "u").as_deref(), Some("local"));
        assert_eq!(
            lookup(file, "/var/run/postgresql", 1, "d", "u").as_deref(),
            Some("local")
        );
        assert_eq!(lookup(file, "/srv/pg", 1, "d", "u").as_deref(), Some("srv"));
        assert_eq!(lookup(file, "/srv/other", 1, "d", "u"), None);
    }
}
