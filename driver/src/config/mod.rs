//! Where to connect, as whom, and how well protected: connection strings, `PG*` variables, passfiles, defaults.
//!
//! ```
//! use data_bridge_driver::config::{Config, Environment, SslMode};
//!
//! let config = Config::builder()
//!     .connection_string("postgresql://app:s3cret@db.example.com/shop?connect_timeout=5")?
//!     .environment(Environment::empty())
//!     .application_name("billing")
//!     .build()?;
//! let target = &config.targets()[0];
//! assert_eq!(target.address().to_string(), "db.example.com:5432");
//! assert_eq!(target.ssl_mode(), SslMode::VerifyFull);
//! assert!(!format!("{config:?}").contains("s3cret"));
//! # Ok::<(), data_bridge_driver::Error>(())
//! ```

mod builder;
mod environment;
mod hosts;
mod keys;
mod messages;
mod network;
mod passfile;
mod secret;
mod servicefile;
mod settings;
mod ssl;
mod target;
mod text;
mod tls;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::auth::{ChannelBinding, Methods};
use crate::error::Result;

pub use builder::Builder;
pub use environment::Environment;
pub use hosts::{LoadBalanceHosts, ServerRole, TargetSessionAttrs};
pub use messages::{Message, MessageHandler};
pub use network::{KeepAlive, TcpOptions};
pub use secret::Secret;
pub use ssl::{RootCerts, SslMode};
pub use target::{Address, Target};
pub use tls::{ClientCertificate, SslNegotiation, TlsOptions};

/// All that is needed to open connections. Checked as a whole when it was built; prints without its password.
#[derive(Clone, Debug)]
pub struct Config {
    targets: Vec<Target>,
    target_session_attrs: TargetSessionAttrs,
    load_balance_hosts: LoadBalanceHosts,
    tcp: TcpOptions,
    root_certs: RootCerts,
    tls: TlsOptions,
    user: String,
    database: String,
    application_name: Option<String>,
    options: Option<String>,
    connect_timeout: Duration,
    channel_binding: ChannelBinding,
    require_auth: Methods,
    allow_cleartext_password: bool,
    max_scram_iterations: u32,
    messages: MessageHandler,
}

impl Config {
    /// Starts from nothing, not even the environment.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// From a URL or key=value text, completed by the environment of this process.
    pub fn from_url_or_dsn(text: &str) -> Result<Self> {
        Self::builder()
            .environment(Environment::of_process())
            .connection_string(text)?
            .build()
    }

    /// From the environment of this process alone.
    pub fn from_env() -> Result<Self> {
        Self::builder()
            .environment(Environment::of_process())
            .build()
    }

    /// Has `handler` called for each notice and notification of the connections that are opened with this configuration.
    ///
    /// It is called where the connection is read: by the blocking client within its calls, by the tokio front in the
    /// connection's task, before the statement that caused the message is answered. So it must not wait; a program that
    /// has more to do sends the message on, through a channel say.
    ///
    /// ```no_run
    /// use data_bridge_driver::blocking::Client;
    /// use data_bridge_driver::config::{Config, Message};
    ///
    /// let config = Config::from_url_or_dsn("postgresql://localhost/shop")?.on_message(|message| match message {
    ///     Message::Notice(notice) => eprintln!("{}: {}", notice.severity(), notice.message()),
    ///     Message::Notification(told) => println!("{}: {}", told.channel, told.payload),
    /// });
    /// let client = Client::connect_with(&config, 256)?;
    /// # Ok::<(), data_bridge_driver::Error>(())
    /// ```
    #[must_use]
    pub fn on_message(mut self, handler: impl Fn(Message) + Send + Sync + 'static) -> Self {
        self.messages = MessageHandler::new(handler);
        self
    }

    /// Who is told what the server says unasked.
    pub fn message_handler(&self) -> &MessageHandler {
        &self.messages
    }

    /// The places to try, in this order unless [`load_balance_hosts`](Self::load_balance_hosts) says otherwise; at least
    /// one.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Which of them will do.
    pub fn target_session_attrs(&self) -> TargetSessionAttrs {
        self.target_session_attrs
    }

    /// In which order they are tried.
    pub fn load_balance_hosts(&self) -> LoadBalanceHosts {
        self.load_balance_hosts
    }

    /// How a TCP connection finds out that its other side is gone.
    pub fn tcp(&self) -> TcpOptions {
        self.tcp
    }

    /// The authorities that may sign certificates, for targets whose mode looks at them.
    pub fn root_certs(&self) -> &RootCerts {
        &self.root_certs
    }

    /// How TLS is set up, for targets that use it.
    pub fn tls(&self) -> &TlsOptions {
        &self.tls
    }

    /// Role to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Database to use.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Name shown in `pg_stat_activity`.
    pub fn application_name(&self) -> Option<&str> {
        self.application_name.as_deref()
    }

    /// Command-line options for the server process.
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// Limit for name lookup, TCP, TLS and authentication together.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Whether a login is bound to the TLS connection.
    pub fn channel_binding(&self) -> ChannelBinding {
        self.channel_binding
    }

    /// The ways to log in that are good enough.
    pub fn require_auth(&self) -> Methods {
        self.require_auth
    }

    /// Whether the password may be sent as it is without TLS.
    pub fn allow_cleartext_password(&self) -> bool {
        self.allow_cleartext_password
    }

    /// The highest SCRAM iteration count to compute.
    pub fn max_scram_iterations(&self) -> u32 {
        self.max_scram_iterations
    }

    /// The run-time parameters of the startup message. Text travels as UTF-8, whatever the database uses.
    pub fn startup_parameters(&self) -> Vec<(String, String)> {
        let given = [
            ("user", Some(self.user.as_str())),
            ("database", Some(&self.database)),
            ("client_encoding", Some("UTF8")),
            ("application_name", self.application_name()),
            ("options", self.options()),
        ];
        given
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect()
    }
}
