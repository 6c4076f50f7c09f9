//! How a TCP connection finds out that its other side is gone.

use std::time::Duration;

use super::settings::Settings;

/// Idle time before the kernel probes a silent peer; a half-open connection then ends in an error.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// What the kernel is told of a TCP connection. Unix sockets need none of it.
///
/// Source: PostgreSQL manual, "Parameter Key Words": `keepalives`, `keepalives_idle`, `keepalives_interval`,
/// `keepalives_count`, `tcp_user_timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    keepalive: Option<KeepAlive>,
    user_timeout: Option<Duration>,
}

/// Probes of a connection on which nothing comes. `None` leaves a figure to the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe.
    pub idle: Option<Duration>,
    /// Time between probes.
    pub interval: Option<Duration>,
    /// Probes without an answer before the connection counts as lost.
    pub count: Option<u32>,
}

impl TcpOptions {
    /// The probes, `None` where they are switched off.
    pub fn keepalive(&self) -> Option<KeepAlive> {
        self.keepalive
    }

    /// How long sent bytes may stay without the other side's acknowledgement before the connection counts as lost.
    /// `None` leaves it to the operating system, which takes a quarter of an hour or so.
    ///
    /// A server that is alive and reads nothing for so long counts as lost too, which is why there is no such limit unless
    /// asked for: a bulk load may wait for a lock.
    pub fn user_timeout(&self) -> Option<Duration> {
        self.user_timeout
    }

    pub(super) fn new(settings: &Settings) -> Self {
        let keepalive = settings.keepalives.unwrap_or(true).then(|| KeepAlive {
            idle: limit(settings.keepalives_idle, Some(KEEPALIVE_IDLE)),
            interval: limit(settings.keepalives_interval, Some(KEEPALIVE_INTERVAL)),
            count: settings.keepalives_count.filter(|count| *count > 0),
        });
        Self {
            keepalive,
            user_timeout: limit(settings.tcp_user_timeout, None),
        }
    }
}

/// Zero asks for what the operating system does.
fn limit(given: Option<Duration>, default: Option<Duration>) -> Option<Duration> {
    given.or(default).filter(|limit| !limit.is_zero())
}
