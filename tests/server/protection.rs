//! TLS and logins beyond the sslmodes, on every version: client certificates, revocation, direct TLS, channel binding,
//! `require_auth`.

use data_bridge_driver::Error;
use data_bridge_driver::config::{Config, Environment};
use data_bridge_driver::dial::Connected;
use data_bridge_driver::error::Kind;
use data_bridge_tests::server::TestServers;

use crate::{connect, simple};

/// The servers and the folder with the certificates, or nothing where this run has none.
fn servers() -> Option<(TestServers, impl Fn(&str) -> String)> {
    let servers = TestServers::from_env()?;
    if servers.authority().is_none() {
        eprintln!("skipped: the servers speak no TLS");
        return None;
    }
    let known = servers.clone();
    Some((servers, move |name: &str| {
        known.beside_authority(name).unwrap()
    }))
}

/// Connects over TLS that is fully verified, with further settings.
fn open(url: &str, authority: &str, settings: &[(&str, &str)]) -> Result<Connected, Error> {
    let common = [("sslmode", "verify-full"), ("sslrootcert", authority)];
    let mut builder = Config::builder()
        .environment(Environment::empty())
        .connection_string(url)?;
    for (key, value) in common.iter().chain(settings) {
        builder = builder.set(key, value)?;
    }
    connect(&builder.build()?)
}

fn refusal(result: Result<Connected, Error>, kind: Kind, says: &str) {
    let error = result.expect_err(says);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn a_client_certificate_logs_in() {
    let Some((servers, file)) = servers() else {
        return;
    };
    let (authority, certificate) = (file("ca.crt"), file("client.crt"));
    for (version, url) in servers.tcp_versions() {
        let with_key = |key: &str, more: &[(&str, &str)]| {
            let key = file(key);
            let mut settings = vec![
                ("user", "cert_user"),
                ("sslcert", &certificate),
                ("sslkey", &key),
            ];
            settings.extend(more);
            open(url, &authority, &settings)
        };
        for more in [&[][..], &[("ssl_max_protocol_version", "TLSv1.2")]] {
            let mut connected =
                with_key("client.key", more).unwrap_or_else(|error| panic!("{version}: {error}"));
            let answer = simple(&mut connected, "SELECT current_user");
            assert_eq!(answer[0][0].as_deref(), Some(&b"cert_user"[..]));
        }
        with_key("encrypted.key", &[("sslpassword", "key-secret")]).unwrap();
        refusal(
            with_key("encrypted.key", &[]),
            Kind::Config,
            "give sslpassword",
        );
        refusal(
            with_key("encrypted.key", &[("sslpassword", "wrong")]),
            Kind::Config,
            "cannot be opened",
        );
        let error = open(url, &authority, &[("user", "cert_user")]).unwrap_err();
        assert_eq!(error.kind(), Kind::Server, "{version}: {error}");
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some((servers, file)) = servers() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("open.key");
    std::fs::copy(file("client.key"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let settings = [
        ("sslcert", file("client.crt")),
        ("sslkey", key.display().to_string()),
    ];
    let settings = settings
        .each_ref()
        .map(|(key, value)| (*key, value.as_str()));
    refusal(
        open(servers.tcp_url(), &file("ca.crt"), &settings),
        Kind::Config,
        "chmod 600",
    );
}

#[test]
fn revoked_certificates_are_refused_in_every_mode_that_looks() {
    let Some((servers, file)) = servers() else {
        return;
    };
    let (authority, url) = (file("ca.crt"), servers.tcp_url());
    for mode in ["verify-full", "verify-ca"] {
        let with = |list: &str| {
            open(
                url,
                &authority,
                &[("sslmode", mode), ("sslcrl", &file(list))],
            )
        };
        with("empty.crl").unwrap();
        refusal(with("revoking.crl"), Kind::Tls, "was revoked");
        refusal(
            with("client.key"),
            Kind::Config,
            "sslcrl holds no revocation list",
        );
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(file("revoking.crl"), folder.path().join("0a1b2c3d.r0")).unwrap();
    let folder = folder.path().display().to_string();
    refusal(
        open(url, &authority, &[("sslcrldir", &folder)]),
        Kind::Tls,
        "was revoked",
    );
}

#[test]
fn tls_begins_at_once_where_the_server_knows_how() {
    let Some((servers, file)) = servers() else {
        return;
    };
    let authority = file("ca.crt");
    for (version, url) in servers.tcp_versions() {
        let result = open(url, &authority, &[("sslnegotiation", "direct")]);
        if *version >= 17 {
            let mut connected = result.unwrap_or_else(|error| panic!("{version}: {error}"));
            assert!(connected.session.is_encrypted());
            simple(&mut connected, "SELECT 1");
            // A cancel request begins as its session did.
            connected
                .canceller
                .cancel(std::time::Duration::from_secs(5))
                .unwrap();
        } else {
            assert!(result.is_err(), "{version}");
        }
    }
}

#[test]
fn versions_of_tls_are_as_asked() {
    let Some((servers, file)) = servers() else {
        return;
    };
    for (key, version) in [
        ("ssl_max_protocol_version", "TLSv1.2"),
        ("ssl_min_protocol_version", "TLSv1.3"),
    ] {
        let mut connected = open(
            servers.tcp_url(),
            &file("ca.crt"),
            &[(key, version), ("sslsni", "0")],
        )
        .unwrap();
        let answer = simple(
            &mut connected,
            "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        );
        assert_eq!(answer[0][0].as_deref(), Some(version.as_bytes()));
    }
}

#[test]
fn scram_is_bound_to_the_connection() {
    let Some((servers, file)) = servers() else {
        return;
    };
    let authority = file("ca.crt");
    let scram = [("user", "scram_user"), ("password", "scram-secret")];
    for (version, url) in servers.tcp_versions() {
        for binding in ["require", "prefer", "disable"] {
            let settings = [scram[0], scram[1], ("channel_binding", binding)];
            open(url, &authority, &settings)
                .unwrap_or_else(|error| panic!("{version} {binding}: {error}"));
        }
        for (user, password) in [
            ("md5_user", "md5-secret"),
            ("clear_user", "clear-secret"),
            ("postgres", ""),
        ] {
            let settings = [
                ("user", user),
                ("password", password),
                ("channel_binding", "require"),
            ];
            refusal(
                open(url, &authority, &settings),
                Kind::Auth,
                "channel_binding=require",
            );
        }
        let plaintext = [
            scram[0],
            scram[1],
            ("sslmode", "disable"),
            ("channel_binding", "require"),
        ];
        refusal(open(url, &authority, &plaintext), Kind::Auth, "needs TLS");
    }
}

#[test]
fn a_login_must_be_one_of_those_that_are_good_enough() {
    let Some((servers, file)) = servers() else {
        return;
    };
    let (authority, url) = (file("ca.crt"), servers.tcp_url());
    let logins = [
        ("scram_user", "scram-secret", "scram-sha-256"),
        ("md5_user", "md5-secret", "md5"),
        ("clear_user", "clear-secret", "password"),
        ("postgres", "", "none"),
    ];
    for (user, password, method) in logins {
        for (_, _, required) in logins {
            let settings = [
                ("user", user),
                ("password", password),
                ("require_auth", required),
            ];
            let result = open(url, &authority, &settings);
            if method == required {
                result.unwrap_or_else(|error| panic!("{user}: {error}"));
            } else {
                refusal(
                    result,
                    Kind::Auth,
                    &format!("require_auth={required} does not permit"),
                );
            }
        }
        let excluded = format!("!{method}");
        let settings = [
            ("user", user),
            ("password", password),
            ("require_auth", &excluded),
        ];
        refusal(
            open(url, &authority, &settings),
            Kind::Auth,
            "does not permit",
        );
    }
    // Who names the password as good enough permits it in plaintext.
    let plaintext = [
        ("sslmode", "disable"),
        ("user", "clear_user"),
        ("password", "clear-secret"),
        ("require_auth", "password"),
    ];
    let builder = Config::builder()
        .environment(Environment::empty())
        .connection_string(url)
        .unwrap();
    let builder = plaintext.iter().fold(builder, |builder, (key, value)| {
        builder.set(key, value).unwrap()
    });
    connect(&builder.build().unwrap()).unwrap();
}
