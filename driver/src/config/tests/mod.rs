//! Whole configurations: the table of connection strings, what counts more than what, secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::error::Kind;

mod strings;

use strings::{ACCEPTED, REFUSED};

fn surroundings() -> Environment {
    Environment::empty().with_user("me")
}

fn config(text: &str) -> Result<Config> {
    Config::builder()
        .environment(surroundings())
        .connection_string(text)?
        .build()
}

fn addresses(config: &Config) -> String {
    let all: Vec<String> = config
        .targets()
        .iter()
        .map(|target| target.address().to_string())
        .collect();
    all.join(" ")
}

#[test]
fn accepted_strings() {
    for (text, wanted, user, password, database) in ACCEPTED.iter().copied() {
        let config = config(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(addresses(&config), wanted, "{text}");
        assert_eq!(
            (config.user(), config.database()),
            (user, database),
            "{text}"
        );
        for target in config.targets() {
            assert_eq!(target.password().map(Secret::expose), password, "{text}");
        }
    }
}

#[test]
fn refused_strings() {
    for (text, reason) in REFUSED.iter().copied() {
        let error = config(text)
            .map(|config| addresses(&config))
            .expect_err(text);
        assert_eq!(error.kind(), Kind::Config, "{text}");
        let message = format!("{error} {error:?}");
        assert!(message.contains(reason), "{text}: {message}");
        assert!(
            !message.contains("hunt") && !message.contains("er2"),
            "{text}: {message}"
        );
    }
}

#[test]
fn keys_reach_their_getters() {
    let config = config(
        "host=h application_name=app connect_timeout=3 sslmode=verify-ca sslrootcert=/ca.pem \
         allow_cleartext_password=on max_scram_iterations=5000",
    )
    .unwrap();
    assert_eq!(config.application_name(), Some("app"));
    assert_eq!(config.connect_timeout(), Duration::from_secs(3));
    assert_eq!(config.targets()[0].ssl_mode(), SslMode::VerifyCa);
    assert_eq!(config.root_certs(), &RootCerts::File("/ca.pem".into()));
    assert!(config.allow_cleartext_password());
    assert_eq!(config.max_scram_iterations(), 5000);
}

#[test]
fn defaults() {
    let config = config("host=h").unwrap();
    assert_eq!(config.connect_timeout(), Duration::from_secs(10));
    assert_eq!(config.targets()[0].ssl_mode(), SslMode::VerifyFull);
    assert_eq!(config.root_certs(), &RootCerts::System);
    assert!(!config.allow_cleartext_password());
    assert_eq!(config.max_scram_iterations(), 100_000);
    assert_eq!(
        config.startup_parameters(),
        [
            ("user", "me"),
            ("database", "me"),
            ("client_encoding", "UTF8")
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    let nobody = Config::builder()
        .connection_string("host=h")
        .unwrap()
        .build()
        .unwrap_err();
    assert!(nobody.to_string().contains("PGUSER"));
}

#[test]
fn certificates_name_the_host_as_given() {
    let names = |text: &str| -> Vec<Option<String>> {
        let config = config(text).unwrap();
        config
            .targets()
            .iter()
            .map(|target| target.server_name().map(str::to_owned))
            .collect()
    };
    assert_eq!(
        names("host=db.example hostaddr=10.0.0.1"),
        [Some("db.example".to_owned())]
    );
    assert_eq!(names("hostaddr=10.0.0.1"), [Some("10.0.0.1".to_owned())]);
    assert_eq!(
        names("postgresql://[fe80::1%25eth0]"),
        [Some("fe80::1".to_owned())]
    );
    assert_eq!(names("host=/tmp"), [None]);
}

#[test]
fn what_counts_more() {
    let home = tempfile::tempdir().unwrap();
    let passfile = home.path().join(".pgpass");
    fs::write(&passfile, "*:*:*:*:from file\n").unwrap();
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).unwrap();
    let environment = surroundings()
        .with_home(home.path())
        .with_variable("PGHOST", "env.example")
        .with_variable("PGPORT", "1")
        .with_variable("PGDATABASE", "env")
        .with_variable("PGAPPNAME", "env")
        .with_variable("PGOPTIONS", "-c geqo=off");
    let builder = Config::builder().environment(environment.clone());
    let password = |config: &Config| {
        config.targets()[0]
            .password()
            .map(|secret| secret.expose().to_owned())
    };

    let from_env = builder.clone().build().unwrap();
    assert_eq!(addresses(&from_env), "env.example:1");
    assert_eq!(from_env.options(), Some("-c geqo=off"));
    assert_eq!(password(&from_env).as_deref(), Some("from file"));

    let builder = builder.environment(environment.with_variable("PGPASSWORD", "from env"));
    assert_eq!(
        password(&builder.clone().build().unwrap()).as_deref(),
        Some("from env")
    );

    let builder = builder
        .connection_string("postgresql://:from%20url@url.example:2/url")
        .unwrap();
    let from_url = builder.clone().build().unwrap();
    assert_eq!(addresses(&from_url), "url.example:2");
    assert_eq!(
        (from_url.database(), from_url.application_name()),
        ("url", Some("env"))
    );
    assert_eq!(password(&from_url).as_deref(), Some("from url"));

    let explicit = builder
        .host("call.example")
        .port(3)
        .database("call")
        .application_name("call")
        .user("call")
        .password(Secret::new("from call".to_owned()))
        .build()
        .unwrap();
    assert_eq!(addresses(&explicit), "call.example:3");
    assert_eq!(
        (
            explicit.user(),
            explicit.database(),
            explicit.application_name()
        ),
        ("call", "call", Some("call"))
    );
    assert_eq!(password(&explicit).as_deref(), Some("from call"));
}

#[test]
fn a_leftover_pghostaddr_does_not_redirect_another_host() {
    let environment = surroundings().with_variable("PGHOSTADDR", "127.0.0.1");
    let builder = Config::builder().environment(environment);
    let with_host = builder.clone().host("db.example").build().unwrap();
    assert_eq!(with_host.targets()[0].ssl_mode(), SslMode::VerifyFull);
    assert_eq!(addresses(&builder.build().unwrap()), "127.0.0.1:5432");
}

#[test]
fn passfiles_hold_a_password_for_each_host() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("secrets");
    let build = |mode: u32| {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Config::builder()
            .environment(surroundings().with_variable("PGPASSFILE", path.to_str().unwrap()))
            .connection_string("host=h1,h2,h3")?
            .build()
    };
    fs::write(&path, "h1:5432:me:me:one\nh2:*:*:*:two\n").unwrap();
    let config = build(0o600).unwrap();
    let passwords: Vec<_> = config
        .targets()
        .iter()
        .map(|target| target.password().map(Secret::expose))
        .collect();
    assert_eq!(passwords, [Some("one"), Some("two"), None]);
    for mode in [0o640, 0o604, 0o666] {
        let error = build(mode).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
    let missing = Config::builder()
        .environment(surroundings())
        .host("h")
        .passfile(home.path().join("none"));
    assert!(missing.build().unwrap().targets()[0].password().is_none());
    let switched_off = Config::builder()
        .environment(surroundings())
        .host("h")
        .passfile("/dev/null");
    assert!(switched_off.build().is_ok());
}

#[test]
fn the_usual_root_file_is_found() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".postgresql")).unwrap();
    let file = home.path().join(".postgresql/root.crt");
    fs::write(&file, "").unwrap();
    let config = Config::builder()
        .environment(surroundings().with_home(home.path()))
        .host("h")
        .build()
        .unwrap();
    assert_eq!(config.root_certs(), &RootCerts::File(file));
}

#[test]
fn options_need_consent_in_strings_only() {
    let string = Config::builder()
        .environment(surroundings())
        .connection_string("postgresql://h?options=-c%20geqo%3Doff")
        .unwrap();
    assert!(string.clone().build().is_err());
    let config = string
        .allow_options_in_connection_string(true)
        .build()
        .unwrap();
    assert_eq!(config.options(), Some("-c geqo=off"));
    let config = Config::builder()
        .environment(surroundings())
        .options("-c geqo=off")
        .build()
        .unwrap();
    assert!(
        config
            .startup_parameters()
            .contains(&("options".to_owned(), "-c geqo=off".to_owned()))
    );
}

#[test]
fn setters_are_checked_like_strings() {
    let builder = Config::builder().environment(surroundings());
    for bad in [
        builder.clone().host("h1,,h2"),
        builder.clone().host(""),
        builder.clone().port(0),
        builder.clone().user("a\0b"),
        builder.clone().user(""),
        builder.clone().database("a\0b"),
        builder.clone().application_name("a\0b"),
        builder.clone().password(Secret::new("a\0b".to_owned())),
        builder.clone().connect_timeout(Duration::ZERO),
    ] {
        assert_eq!(bad.build().unwrap_err().kind(), Kind::Config);
    }
    assert!(builder.clone().set("sslmode", "prefer").is_err());
    assert!(builder.clone().set("port", "x").unwrap().build().is_err());
    assert_eq!(
        addresses(&builder.set("host", "h").unwrap().build().unwrap()),
        "h:5432"
    );
}

#[test]
fn nothing_prints_the_password() {
    let builder = Config::builder()
        .environment(surroundings())
        .connection_string("postgresql://u:hunter2@h")
        .unwrap();
    let config = builder.build().unwrap();
    let printed = format!("{config:?} {config:#?}");
    assert!(
        printed.contains("***") && !printed.contains("hunter2"),
        "{printed}"
    );
}

proptest! {
    /// Whatever stands around it, a password of letters that no message uses never comes back.
    #[test]
    fn no_text_panics_or_prints_its_password(
        before in "(postgres(ql)?://)?[a-z:=@/%?&', \\\\\\[\\]]{0,12}",
        after in "[a-z0-9:=@/%?&', \\\\\\[\\]]{0,12}",
    ) {
        for text in [format!("{before}ZQJXZQ{after}"), format!("postgresql://u:ZQJXZQ{before}{after}")] {
            if let Err(error) = config(&text) {
                prop_assert!(!format!("{error} {error:?}").contains("ZQJX"), "{}", text);
            }
        }
    }

    #[test]
    fn quoting_brings_any_password_through(password in "[^\\x00]{1,20}") {
        let quoted = password.replace('\\', r"\\").replace('\'', r"\'");
        let encoded = percent_encoding::percent_encode(password.as_bytes(), percent_encoding::NON_ALPHANUMERIC);
        for text in [format!("host=h password='{quoted}'"), format!("postgresql://u:{encoded}@h")] {
            let config = config(&text).unwrap();
            prop_assert_eq!(config.targets()[0].password().map(Secret::expose), Some(password.as_str()));
        }
    }
}

/// The manual page lists exactly the keys there are, and its examples are valid.
#[test]
fn the_manual_page_is_true() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/connecting.md");
    let page = fs::read_to_string(page).unwrap();
    for (key, variable) in settings::KEYS {
        let variable = variable.map_or(String::new(), |name| format!(" `{name}`"));
        assert!(
            page.contains(&format!("\n| `{key}` |{variable} |")),
            "{key}"
        );
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(
        rows,
        settings::KEYS.len() + 5,
        "keys, and the table of sslmodes"
    );
    let examples: Vec<&str> = page
        .split("```text\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .filter(|line| line.starts_with("postgresql://") || line.starts_with("host="))
        .collect();
    assert_eq!(examples.len(), 8);
    for example in examples {
        let result = config(
            &example
                .replace(":port", "")
                .replace("key=value&key=value", ""),
        );
        assert!(result.is_ok(), "{example}: {result:?}");
    }
}

#[test]
fn sockets_and_hosts() {
    let none = config("host=h").unwrap();
    let probes = none.tcp().keepalive().unwrap();
    assert_eq!(probes.idle, Some(Duration::from_secs(60)));
    assert_eq!(none.tcp().user_timeout(), None);
    assert_eq!(none.target_session_attrs(), TargetSessionAttrs::Any);

    let all = config(
        "host=a,b keepalives_idle=7 keepalives_interval=0 keepalives_count=3 tcp_user_timeout=1500 \
         target_session_attrs=prefer-standby load_balance_hosts=random",
    )
    .unwrap();
    let probes = all.tcp().keepalive().unwrap();
    assert_eq!(
        (probes.idle, probes.interval, probes.count),
        (Some(Duration::from_secs(7)), None, Some(3))
    );
    assert_eq!(all.tcp().user_timeout(), Some(Duration::from_millis(1500)));
    assert_eq!(
        all.target_session_attrs(),
        TargetSessionAttrs::PreferStandby
    );
    assert_eq!(all.load_balance_hosts(), LoadBalanceHosts::Random);
    let off = config("host=h keepalives=0").unwrap();
    assert_eq!(off.tcp().keepalive(), None);
}

#[test]
fn a_service_counts_less_than_the_string_and_more_than_variables() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".pg_service.conf");
    fs::write(&file, "[shop]\nhost=service.example\nport=7\ndbname=shop\n").unwrap();
    let environment = surroundings()
        .with_home(home.path())
        .with_variable("PGPORT", "1")
        .with_variable("PGAPPNAME", "env");
    let build = |text: &str, environment: &Environment| {
        Config::builder()
            .environment(environment.clone())
            .connection_string(text)
            .and_then(Builder::build)
    };
    let found = build("service=shop dbname=string", &environment).unwrap();
    assert_eq!(addresses(&found), "service.example:7");
    assert_eq!(
        (found.database(), found.application_name()),
        ("string", Some("env"))
    );
    let by_variable = build("", &environment.clone().with_variable("PGSERVICE", "shop")).unwrap();
    assert_eq!(addresses(&by_variable), "service.example:7");
    let elsewhere = surroundings().with_variable("PGSYSCONFDIR", home.path().to_str().unwrap());
    fs::rename(&file, home.path().join("pg_service.conf")).unwrap();
    let found = build("postgresql:///?service=shop", &elsewhere).unwrap();
    assert_eq!(found.database(), "shop");
    let missing = build("service=other", &elsewhere).unwrap_err().to_string();
    assert!(missing.contains("pg_service.conf"), "{missing}");
}

#[test]
fn tls_can_be_demanded_from_outside() {
    let demanding = surroundings().with_variable("DATA_BRIDGE_REQUIRE_TLS", "true");
    let build = |text: &str| {
        Config::builder()
            .environment(demanding.clone())
            .connection_string(text)
            .and_then(Builder::build)
    };
    for plain in [
        "host=h sslmode=disable",
        "host=localhost",
        "host=h,127.0.0.1",
        "host=/tmp,localhost",
    ] {
        let message = build(plain).unwrap_err().to_string();
        assert!(
            message.contains("DATA_BRIDGE_REQUIRE_TLS forbids plaintext"),
            "{plain}: {message}"
        );
    }
    for protected in ["host=h", "host=/tmp", "host=localhost sslmode=require"] {
        assert!(build(protected).is_ok(), "{protected}");
    }
    let unclear = surroundings().with_variable("DATA_BRIDGE_REQUIRE_TLS", "maybe");
    let builder = Config::builder().environment(unclear).host("h");
    assert!(builder.build().is_err());
}
