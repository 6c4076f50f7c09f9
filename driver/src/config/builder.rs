use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::auth::Methods;
use crate::error::{Error, Result};
use crate::ident;

use super::environment::{Environment, REQUIRE_TLS};
use super::hosts::{LoadBalanceHosts, TargetSessionAttrs};
use super::messages::MessageHandler;
use super::network::TcpOptions;
use super::passfile::Passfile;
use super::secret::Secret;
use super::settings::{Origin, Settings};
use super::ssl::{RootCerts, SslMode, SslPolicy};
use super::target::{self, Address, Target};
use super::tls::{SslNegotiation, TlsOptions};
use super::{Config, servicefile, text};

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Servers ask for 4096 unless told otherwise; each iteration costs about a microsecond of this machine.
const DEFAULT_MAX_SCRAM_ITERATIONS: u32 = 100_000;

/// Collects settings and makes a [`Config`] of them. What counts more comes first: settings made here, the connection
/// string, the service file, the `PG*` variables, the passfile (for the password), the defaults.
#[derive(Clone, Default)]
#[must_use = "call build()"]
pub struct Builder {
    explicit: Settings,
    string: Settings,
    environment: Environment,
    options_in_string: bool,
}

impl Builder {
    /// Reads a connection string of either form. A second one replaces the first.
    pub fn connection_string(mut self, text: &str) -> Result<Self> {
        self.string = text::parse(text)?;
        Ok(self)
    }

    /// Uses these surroundings; without this call there are none, and no variable or file is looked at.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets a key of connection strings to its text, as in `set("sslmode", "require")`.
    pub fn set(mut self, key: &str, value: &str) -> Result<Self> {
        self.explicit
            .put(key, Zeroizing::new(value.to_owned()), Origin::Call)?;
        Ok(self)
    }

    /// Host name, IP address, or directory of Unix sockets; a comma separates several.
    pub fn host(mut self, host: &str) -> Self {
        self.explicit.host = Some(host.to_owned());
        self
    }

    /// Port of all hosts.
    pub fn port(mut self, port: u16) -> Self {
        self.explicit.port = Some(port.to_string());
        self
    }

    /// Role to log in as.
    pub fn user(mut self, user: &str) -> Self {
        self.explicit.user = Some(user.to_owned());
        self
    }

    /// Password of the role.
    pub fn password(mut self, password: Secret) -> Self {
        self.explicit.password = Some(password);
        self
    }

    /// Database; without one it is named like the user.
    pub fn database(mut self, database: &str) -> Self {
        self.explicit.dbname = Some(database.to_owned());
        self
    }

    /// Name shown in `pg_stat_activity` and the server's log.
    pub fn application_name(mut self, name: &str) -> Self {
        self.explicit.application_name = Some(name.to_owned());
        self
    }

    /// Command-line options for the server process, as in `-c statement_timeout=5s`.
    pub fn options(mut self, options: &str) -> Self {
        self.explicit.options = Some(options.to_owned());
        self
    }

    /// Allows `options` in the connection string. Off by default, since who can add to a URL could change any setting
    /// of the session with it (the schema search path, for one).
    pub fn allow_options_in_connection_string(mut self, allow: bool) -> Self {
        self.options_in_string = allow;
        self
    }

    /// Limit for name lookup, TCP, TLS and authentication together. 10 seconds by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.explicit.connect_timeout = Some(limit);
        self
    }

    /// Which servers will do, where several are given. Any by default.
    pub fn target_session_attrs(mut self, wanted: TargetSessionAttrs) -> Self {
        self.explicit.target_session_attrs = Some(wanted);
        self
    }

    /// In which order servers are tried. As they were given by default.
    pub fn load_balance_hosts(mut self, order: LoadBalanceHosts) -> Self {
        self.explicit.load_balance_hosts = Some(order);
        self
    }

    /// Protection asked for.
    pub fn ssl_mode(mut self, mode: SslMode) -> Self {
        self.explicit.sslmode = Some(mode);
        self
    }

    /// Authorities to trust.
    pub fn root_certs(mut self, roots: RootCerts) -> Self {
        self.explicit.sslrootcert = Some(roots);
        self
    }

    /// File to read the password from instead of `~/.pgpass`.
    pub fn passfile(mut self, path: impl Into<PathBuf>) -> Self {
        self.explicit.passfile = Some(path.into());
        self
    }

    /// Whether the password may be sent as it is to a server that asks for that without TLS. Off by default.
    pub fn allow_cleartext_password(mut self, allow: bool) -> Self {
        self.explicit.allow_cleartext_password = Some(allow);
        self
    }

    /// The highest SCRAM iteration count that this side will compute. 100,000 by default: a count from a hostile
    /// server can cost hours.
    pub fn max_scram_iterations(mut self, limit: u32) -> Self {
        self.explicit.max_scram_iterations = Some(limit);
        self
    }

    /// Merges all sources, looks for the password, and checks the whole.
    pub fn build(self) -> Result<Config> {
        if self.string.options.is_some() && !self.options_in_string {
            return Err(Error::config(
                "connection string: options is not allowed there unless the program opts in, since it can change any \
                 setting of the session",
            ));
        }
        let environment = self.environment;
        let surroundings = environment.settings()?;
        let given = self.explicit.or(self.string);
        let service = match given.service.as_ref().or(surroundings.service.as_ref()) {
            Some(name) => {
                let own = given.servicefile.clone();
                let own = own.or_else(|| surroundings.servicefile.clone());
                servicefile::find(name, &environment.service_files(own))?
            }
            None => Settings::default(),
        };
        let settings = given.or(service).or(surroundings);
        let user = match settings.user.as_deref().or(environment.user()) {
            Some(user) => role_or_database("user", user)?,
            None => {
                return Err(Error::config(
                    "no user is given: set user in the connection string or PGUSER",
                ));
            }
        };
        let database = role_or_database("dbname", settings.dbname.as_deref().unwrap_or(&user))?;
        let connect_timeout = settings.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT);
        if connect_timeout.is_zero() {
            return Err(Error::config("connect_timeout must be more than zero"));
        }
        for (key, value) in [
            ("application_name", settings.application_name.as_deref()),
            ("options", settings.options.as_deref()),
            ("password", settings.password.as_ref().map(Secret::expose)),
        ] {
            if value.is_some_and(|value| value.contains('\0')) {
                return Err(Error::config(format!("{key} holds a NUL character")));
            }
        }
        let addresses = target::addresses(&settings)?;
        let tcp = TcpOptions::new(&settings);
        let tls = TlsOptions::new(&settings, environment.certificates().as_deref())?;
        let ssl = SslPolicy::new(
            settings.sslmode,
            settings.sslrootcert,
            environment.root_certs(),
        )?;
        let passfile = match (
            &settings.password,
            settings.passfile.or(environment.passfile()),
        ) {
            (None, Some(path)) => Passfile::read(&path)?,
            _ => None,
        };
        let targets = addresses.into_iter().map(|address| Target {
            ssl_mode: ssl.mode_for(&address),
            password: settings
                .password
                .clone()
                .or_else(|| passfile.as_ref()?.password(&address, &database, &user)),
            address,
        });
        let targets: Vec<Target> = targets.collect();
        check_plaintext(&targets, &tls, environment.requires_tls()?)?;
        Ok(Config {
            targets,
            tls,
            target_session_attrs: settings.target_session_attrs.unwrap_or_default(),
            load_balance_hosts: settings.load_balance_hosts.unwrap_or_default(),
            tcp,
            root_certs: ssl.into_roots(),
            user,
            database,
            application_name: settings.application_name,
            options: settings.options,
            connect_timeout,
            channel_binding: settings.channel_binding.unwrap_or_default(),
            require_auth: settings.require_auth.unwrap_or(Methods::ALL),
            allow_cleartext_password: settings.allow_cleartext_password.unwrap_or(false),
            max_scram_iterations: settings
                .max_scram_iterations
                .unwrap_or(DEFAULT_MAX_SCRAM_ITERATIONS),
            messages: MessageHandler::default(),
        })
    }
}

/// Refuses plaintext over TCP where it is forbidden, or where something else that was asked for excludes it. What goes
/// through a Unix socket never leaves the machine.
fn check_plaintext(targets: &[Target], tls: &TlsOptions, is_forbidden: bool) -> Result<()> {
    let plain = targets.iter().any(|target| {
        matches!(target.address, Address::Tcp { .. }) && target.ssl_mode == SslMode::Disable
    });
    if plain && is_forbidden {
        return Err(Error::config(format!(
            "{REQUIRE_TLS} forbids plaintext, and this connection would have no TLS; give sslmode=verify-full (on this machine \
             with sslrootcert=<the authority of its server>)"
        )));
    }
    if plain && tls.negotiation == SslNegotiation::Direct {
        return Err(Error::config(
            "sslnegotiation=direct begins with TLS, and this connection would have none; give sslmode=verify-full, verify-ca or \
             require",
        ));
    }
    Ok(())
}

/// Names of roles and databases are cut off by the server like other names, so that the limit holds here too.
fn role_or_database(key: &str, name: &str) -> Result<String> {
    if name.is_empty() || name.len() > ident::MAX_BYTES {
        return Err(Error::config(format!(
            "{key} must be 1 to {} bytes long, it is {}",
            ident::MAX_BYTES,
            name.len()
        )));
    }
    if name.contains(char::is_control) {
        return Err(Error::config(format!("{key} holds a control character")));
    }
    Ok(name.to_owned())
}
