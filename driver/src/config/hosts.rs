//! Which of several servers will do, and in which order they are asked.

use crate::error::{Error, Result};

use super::settings::Origin;

/// Which servers will do for a session.
///
/// Source: PostgreSQL manual, "Parameter Key Words": `target_session_attrs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetSessionAttrs {
    /// Every one.
    #[default]
    Any,
    /// One that takes writes: no standby, and not read-only by default.
    ReadWrite,
    /// One that takes no writes.
    ReadOnly,
    /// One that is no standby.
    Primary,
    /// One that is a standby.
    Standby,
    /// A standby if there is one, else any.
    PreferStandby,
}

impl TargetSessionAttrs {
    const NAMES: [(&'static str, Self); 6] = [
        ("any", Self::Any),
        ("read-write", Self::ReadWrite),
        ("read-only", Self::ReadOnly),
        ("primary", Self::Primary),
        ("standby", Self::Standby),
        ("prefer-standby", Self::PreferStandby),
    ];

    /// The name used in connection strings.
    pub fn as_str(self) -> &'static str {
        name_in(&Self::NAMES, self)
    }

    /// What to look for, in one round over all servers after another.
    pub fn rounds(self) -> &'static [Self] {
        match self {
            Self::Any => &[Self::Any],
            Self::ReadWrite => &[Self::ReadWrite],
            Self::ReadOnly => &[Self::ReadOnly],
            Self::Primary => &[Self::Primary],
            Self::Standby => &[Self::Standby],
            Self::PreferStandby => &[Self::Standby, Self::Any],
        }
    }

    /// Whether a server in this state will do.
    pub fn accepts(self, server: ServerRole) -> bool {
        let read_only = server.is_standby || server.is_read_only;
        match self {
            Self::Any | Self::PreferStandby => true,
            Self::ReadWrite => !read_only,
            Self::ReadOnly => read_only,
            Self::Primary => !server.is_standby,
            Self::Standby => server.is_standby,
        }
    }

    pub(super) fn parse(text: &str, origin: Origin) -> Result<Self> {
        parse("target_session_attrs", &Self::NAMES, text, origin)
    }
}

/// The state of a server that decides whether it will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerRole {
    /// It replays another server's changes.
    pub is_standby: bool,
    /// Its transactions are read-only unless they say otherwise.
    pub is_read_only: bool,
}

/// The order in which servers are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadBalanceHosts {
    /// As they were given, and the addresses of a host as name look-up gives them.
    #[default]
    Disable,
    /// Another one for each connection, of hosts and of their addresses.
    Random,
}

impl LoadBalanceHosts {
    const NAMES: [(&'static str, Self); 2] = [("disable", Self::Disable), ("random", Self::Random)];

    /// The name used in connection strings.
    pub fn as_str(self) -> &'static str {
        name_in(&Self::NAMES, self)
    }

    pub(super) fn parse(text: &str, origin: Origin) -> Result<Self> {
        parse("load_balance_hosts", &Self::NAMES, text, origin)
    }
}

fn name_in<T: Copy + PartialEq>(names: &[(&'static str, T)], wanted: T) -> &'static str {
    names
        .iter()
        .find(|(_, value)| *value == wanted)
        .map_or("", |(name, _)| name)
}

fn parse<T: Copy>(key: &str, names: &[(&'static str, T)], text: &str, origin: Origin) -> Result<T> {
    let found = names.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        Error::config(format!(
            "{origin}: {key} must be one of {}",
            known.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_will_do() {
        let primary = ServerRole {
            is_standby: false,
            is_read_only: false,
        };
        let frozen = ServerRole {
            is_read_only: true,
            ..primary
        };
        let standby = ServerRole {
            is_standby: true,
            ..primary
        };
        for (wanted, accepted) in [
            (TargetSessionAttrs::Any, [true, true, true]),
            (TargetSessionAttrs::ReadWrite, [true, false, false]),
            (TargetSessionAttrs::ReadOnly, [false, true, true]),
            (TargetSessionAttrs::Primary, [true, true, false]),
            (TargetSessionAttrs::Standby, [false, false, true]),
        ] {
            let found = [primary, frozen, standby].map(|server| wanted.accepts(server));
            assert_eq!(found, accepted, "{}", wanted.as_str());
        }
        assert_eq!(
            TargetSessionAttrs::PreferStandby.rounds(),
            [TargetSessionAttrs::Standby, TargetSessionAttrs::Any]
        );
    }
}
