//! Service files: sections named in brackets, `key=value` lines under them, `#` before comments.
//!
//! Source: PostgreSQL manual, "The Connection Service File". Its LDAP look-ups are not supported.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Error, Result};

use super::settings::{Origin, Settings};

/// What the first of the files that has the section says of the service.
pub(super) fn find(service: &str, files: &[PathBuf]) -> Result<Settings> {
    for file in files {
        let text = match fs::read_to_string(file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(Error::config(format!(
                    "could not read the service file {}: {error}",
                    file.display()
                ))
                .with_source(error));
            }
        };
        if let Some(settings) = section(&text, service, file)? {
            return Ok(settings);
        }
    }
    let places: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    Err(Error::config(format!(
        "there is no service of this name; looked for its section in {}",
        if places.is_empty() {
            "no file, since there is no home directory; set PGSERVICEFILE".to_owned()
        } else {
            places.join(", ")
        }
    )))
}

/// The settings of one section, `None` where the file has none of this name. No message repeats a line: it may hold a
/// password.
fn section(text: &str, service: &str, file: &Path) -> Result<Option<Settings>> {
    let mut found: Option<Settings> = None;
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let fault = |what: &str| {
            Error::config(format!(
                "service file {}, line {}: {what}",
                file.display(),
                index + 1
            ))
        };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            if inside {
                break; // the first section of the name counts
            }
            let name = name
                .strip_suffix(']')
                .ok_or_else(|| fault("a section has no closing bracket"))?;
            inside = name == service;
            if inside {
                found = Some(Settings::default());
            }
            continue;
        }
        let Some(settings) = found.as_mut().filter(|_| inside) else {
            continue;
        };
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| fault("expected key=value"))?;
        let key = key.trim();
        if matches!(key, "service" | "servicefile") {
            return Err(fault("a service cannot name another service"));
        }
        let value = Zeroizing::new(value.trim().to_owned());
        settings
            .put(key, value, Origin::ServiceFile)
            .map_err(|error| fault(&error.to_string()))?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# ours\n[other]\nhost=other\n\n[shop]\nhost = db.example.com\nport=6432\n# more\npassword=p=w d\n\
                        [shop]\nhost=second\n";

    fn read(text: &str, service: &str) -> Result<Option<Settings>> {
        section(text, service, Path::new("pg_service.conf"))
    }

    #[test]
    fn the_first_section_of_the_name_counts() {
        let settings = read(FILE, "shop").unwrap().unwrap();
        assert_eq!(settings.host.as_deref(), Some("db.example.com"));
        assert_eq!(settings.port.as_deref(), Some("6432"));
        assert_eq!(
            settings
                .password
                .map(|password| password.expose().to_owned())
                .as_deref(),
            Some("p=w d")
        );
        assert!(read(FILE, "Shop").unwrap().is_none());
    }

    #[test]
    fn faults_name_the_line_and_not_its_text() {
        for (text, says) in [
            ("[s]\nhunter2\n", "line 2: expected key=value"),
            ("[s\n", "line 1: a section has no closing bracket"),
            (
                "[s]\nservice=t\n",
                "line 2: a service cannot name another service",
            ),
            ("[s]\npasswrd=hunter2\n", "did you mean password?"),
        ] {
            let message = read(text, "s").unwrap_err().to_string();
            assert!(
                message.contains(says) && !message.contains("hunter2"),
                "{message}"
            );
        }
        assert!(
            read("[t]\nnonsense\n", "s").unwrap().is_none(),
            "other sections are not looked at"
        );
    }

    #[test]
    fn the_search_goes_on_where_a_file_has_no_such_section() {
        let folder = tempfile::tempdir().unwrap();
        let (own, system) = (folder.path().join("own"), folder.path().join("system"));
        let files = [own.clone(), system.clone()];
        let message = find("shop", &files).unwrap_err().to_string();
        assert!(
            message.contains("own") && message.contains("system"),
            "{message}"
        );
        fs::write(&own, "[other]\nhost=a\n").unwrap();
        fs::write(&system, "[shop]\nhost=b\n").unwrap();
        assert_eq!(find("shop", &files).unwrap().host.as_deref(), Some("b"));
    }
}
