use crate::error::{Error, Result};

use super::settings::{KEYS, Origin};

/// libpq's keys that are not understood yet, their environment variables, and the values that ask for nothing but
/// what happens anyway. Those values are accepted; all others are an error, since to ignore them would be to connect
/// in a way that the caller did not want.
///
/// Source: PostgreSQL 18 manual, "Parameter Key Words".
const UNSUPPORTED: [(&str, Option<&str>, &[&str]); 18] = [
    (
        "client_encoding",
        None,
        &["UTF8", "utf8", "UTF-8", "utf-8", "auto"],
    ),
    ("fallback_application_name", None, &[]),
    ("gssdelegation", Some("PGGSSDELEGATION"), &["0"]),
    ("gssencmode", Some("PGGSSENCMODE"), &["disable", "prefer"]),
    ("gsslib", Some("PGGSSLIB"), &[]),
    ("krbsrvname", Some("PGKRBSRVNAME"), &[]),
    (
        "max_protocol_version",
        Some("PGMAXPROTOCOLVERSION"),
        &["3.0"],
    ),
    (
        "min_protocol_version",
        Some("PGMINPROTOCOLVERSION"),
        &["3.0"],
    ),
    ("oauth_client_id", None, &[]),
    ("oauth_client_secret", None, &[]),
    ("oauth_issuer", None, &[]),
    ("oauth_scope", None, &[]),
    ("replication", None, &["false", "off", "no", "0"]),
    ("requirepeer", Some("PGREQUIREPEER"), &[]),
    ("scram_client_key", None, &[]),
    ("scram_server_key", None, &[]),
    ("sslcompression", Some("PGSSLCOMPRESSION"), &["0"]),
    ("sslkeylogfile", None, &[]),
];

/// Names that other libraries use, too far from ours to be recognised as slips.
const ALIASES: [(&str, &str); 8] = [
    ("application", "application_name"),
    ("database", "dbname"),
    ("db", "dbname"),
    ("pass", "password"),
    ("ssl", "sslmode"),
    ("timeout", "connect_timeout"),
    ("tls", "sslmode"),
    ("username", "user"),
];

/// Accepts a key of libpq with a value that changes nothing; all else is an error.
///
/// An unknown key is not repeated in the message: in `password=my secret=1` it is a piece of the password.
pub(super) fn check_unsupported(key: &str, value: &str, origin: Origin) -> Result<()> {
    if let Some((known, _, harmless)) = UNSUPPORTED.iter().find(|(known, ..)| *known == key) {
        if value.is_empty() || harmless.contains(&value) {
            return Ok(());
        }
        let accepted = match harmless {
            [] => "leave it out".to_owned(),
            some => format!("leave it out (accepted: {})", some.join(", ")),
        };
        return Err(Error::config(format!(
            "{origin}: {known} with this value is not supported yet; {accepted}"
        )));
    }
    let advice = if let Some(known) = nearest(key) {
        format!("did you mean {known}?")
    } else {
        let known: Vec<&str> = KEYS.iter().map(|(known, _)| *known).collect();
        format!("known are {}", known.join(", "))
    };
    Err(Error::config(format!("{origin}: an unknown key; {advice}")))
}

/// Variables whose keys are not understood: to be checked as well, so that none is ignored in silence.
pub(super) fn unsupported_variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    UNSUPPORTED
        .iter()
        .filter_map(|(key, variable, _)| Some((*key, (*variable)?)))
}

fn nearest(key: &str) -> Option<&'static str> {
    if key.len() > 40 {
        return None; // the distance costs time and memory by length
    }
    let key = key.to_ascii_lowercase();
    if let Some((_, ours)) = ALIASES.iter().find(|(alias, _)| *alias == key) {
        return Some(ours);
    }
    let known = KEYS
        .iter()
        .map(|(known, _)| *known)
        .chain(UNSUPPORTED.iter().map(|(known, ..)| *known));
    known
        .map(|known| (strsim::damerau_levenshtein(known, &key), known))
        .filter(|(distance, known)| *distance * 3 <= known.len())
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(key: &str, value: &str) -> String {
        check_unsupported(key, value, Origin::ConnectionString)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        for (given, known) in [
            ("SSLMODE", "sslmode"),
            ("ssl_mode", "sslmode"),
            ("pasword", "password"),
            ("usr", "user"),
            ("username", "user"),
            ("database", "dbname"),
            ("aplication_name", "application_name"),
            ("targetsessionattrs", "target_session_attrs"),
        ] {
            assert_eq!(
                message(given, "x"),
                format!("connection string: an unknown key; did you mean {known}?")
            );
        }
        let far = message("swordfish", "x");
        assert!(
            far.contains("known are host, hostaddr") && !far.contains("swordfish"),
            "{far}"
        );
        message("", "x");
        message(&"x".repeat(100_000), "x");
    }

    #[test]
    fn keys_of_libpq_are_recognised() {
        assert_eq!(
            message("gssencmode", "require"),
            "connection string: gssencmode with this value is not supported yet; leave it out \
             (accepted: disable, prefer)"
        );
        assert!(message("krbsrvname", "nosuch").contains("not supported yet"));
        assert!(check_unsupported("gssencmode", "disable", Origin::Call).is_ok());
        assert!(check_unsupported("client_encoding", "LATIN1", Origin::Call).is_err());
    }
}
