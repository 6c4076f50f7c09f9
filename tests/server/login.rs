//! Every way to log in, on every version, with and without TLS.

use data_bridge_driver::config::{Builder, Config, RootCerts, Secret, SslMode};
use data_bridge_driver::error::Kind;
use data_bridge_tests::server::TestServers;

use crate::{connect, simple};

/// The roles of the test servers: each must log in its own way.
const ROLES: [(&str, &str); 3] = [
    ("scram_user", "scram-secret"),
    ("md5_user", "md5-secret"),
    ("clear_user", "clear-secret"),
];

fn config(url: &str) -> Builder {
    Config::builder().connection_string(url).unwrap()
}

fn with_password(url: &str, user: &str, password: &str) -> Builder {
    config(url)
        .user(user)
        .password(Secret::new(password.into()))
}

#[test]
fn each_method_on_each_version() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for (version, url) in servers.versions() {
        for (user, password) in ROLES {
            let allowed = with_password(url, user, password)
                .allow_cleartext_password(true)
                .build()
                .unwrap();
            let mut connected =
                connect(&allowed).unwrap_or_else(|error| panic!("{version} {user}: {error}"));
            assert_eq!(
                simple(&mut connected, "SELECT current_user"),
                [[Some(user.as_bytes().to_vec())]]
            );

            let wrong = with_password(url, user, "wrong")
                .allow_cleartext_password(true)
                .build()
                .unwrap();
            let error = connect(&wrong).unwrap_err();
            assert_eq!(
                error.sqlstate().map(|code| code.to_string()).as_deref(),
                Some("28P01"),
                "{version} {user}: {error}"
            );

            let error = connect(&config(url).user(user).build().unwrap()).unwrap_err();
            let refused_first = user == "clear_user";
            assert_eq!(error.kind(), Kind::Auth);
            let says = if refused_first {
                "allow_cleartext_password"
            } else {
                user
            };
            assert!(error.to_string().contains(says), "{version}: {error}");
        }
    }
}

#[test]
fn cleartext_stays_here_unless_allowed() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let (user, password) = ROLES[2];
    let error = connect(
        &with_password(servers.tcp_url(), user, password)
            .build()
            .unwrap(),
    )
    .unwrap_err();
    assert_eq!(error.kind(), Kind::Auth);
    assert!(error.to_string().contains("was not sent"), "{error}");
}

#[test]
fn each_method_over_verified_tls() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let Some(authority) = servers.authority() else {
        eprintln!("skipped: the servers speak no TLS");
        return;
    };
    for (user, password) in ROLES {
        let config = with_password(servers.tcp_url(), user, password)
            .ssl_mode(SslMode::VerifyFull)
            .root_certs(RootCerts::File(authority.into()))
            .build()
            .unwrap();
        let mut connected = connect(&config).unwrap_or_else(|error| panic!("{user}: {error}"));
        assert!(connected.session.is_encrypted());
        let answer = simple(
            &mut connected,
            "SELECT ssl, length(repeat('x', 1000000)), repeat('x', 1000000) FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        );
        assert_eq!(answer[0][0].as_deref(), Some(&b"t"[..]));
        assert_eq!(
            answer[0][2].as_ref().map(Vec::len),
            Some(1_000_000),
            "many records in one answer"
        );
    }
}

#[test]
fn what_each_sslmode_accepts() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let Some(authority) = servers.authority() else {
        eprintln!("skipped: the servers speak no TLS");
        return;
    };
    let by_name = servers.tcp_url().to_owned();
    // The certificate names localhost; the same server under a name that it does not hold.
    let by_another = format!(
        "{}?hostaddr=127.0.0.1",
        by_name.replace("localhost", "db.example.com")
    );
    let file = || RootCerts::File(authority.into());

    for (url, mode, roots, says) in [
        (&by_name, SslMode::Require, None, None),
        (&by_name, SslMode::VerifyCa, Some(file()), None),
        (&by_another, SslMode::VerifyCa, Some(file()), None),
        (&by_name, SslMode::VerifyFull, Some(file()), None),
        (
            &by_another,
            SslMode::VerifyFull,
            Some(file()),
            Some("not for db.example.com"),
        ),
        (
            &by_name,
            SslMode::VerifyFull,
            Some(RootCerts::System),
            Some("sslrootcert"),
        ),
    ] {
        let builder = config(url).ssl_mode(mode);
        let builder = match roots {
            Some(roots) => builder.root_certs(roots),
            None => builder,
        };
        match (connect(&builder.build().unwrap()), says) {
            (Ok(connected), None) => assert!(connected.session.is_encrypted()),
            (Err(error), Some(says)) => {
                // A machine without any authorities says so already when it reads them.
                assert!(matches!(error.kind(), Kind::Tls | Kind::Config), "{error}");
                assert!(error.to_string().contains(says), "{error}");
            }
            (result, _) => panic!("{url} {mode:?}: {result:?}"),
        }
    }
}
