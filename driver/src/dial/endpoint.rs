//! From the configured hosts to the sockets to try, in order.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustls::crypto::SecureRandom;

use super::{Deadline, Stream, resolve};
use crate::config::{Address, LoadBalanceHosts, TcpOptions};
use crate::error::Error;

/// One socket to dial. A host name stands for as many as it has addresses.
#[derive(Clone, Debug)]
pub(super) enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Endpoint {
    /// Connects, within the deadline.
    pub fn open(&self, tcp: TcpOptions, deadline: Deadline) -> Result<Stream, Error> {
        let timeout = deadline.remaining()?;
        let opened = match self {
            Self::Tcp(address) => Stream::tcp(*address, tcp, timeout),
            Self::Unix(path) => Stream::unix(path, timeout),
        };
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => deadline.passed(),
            _ => Error::io("connect", error),
        })
    }
}

/// The sockets of an address, looked up anew for each connection so that a failover in DNS is seen.
pub(super) fn endpoints(address: &Address, deadline: Deadline) -> Result<Vec<Endpoint>, Error> {
    match address {
        Address::Unix { .. } => {
            let path = address.socket_path().unwrap_or_default();
            Ok(vec![Endpoint::Unix(path)])
        }
        Address::Tcp {
            hostaddr: Some(ip),
            port,
            ..
        } => Ok(vec![Endpoint::Tcp(SocketAddr::new(*ip, *port))]),
        Address::Tcp {
            host,
            hostaddr: None,
            port,
        } => {
            let found = resolve::resolve(host, *port, deadline)?;
            Ok(found.into_iter().map(Endpoint::Tcp).collect())
        }
    }
}

/// The order in which several are tried.
pub(super) fn ordered<T>(
    mut items: Vec<T>,
    order: LoadBalanceHosts,
    random: &dyn SecureRandom,
) -> Vec<T> {
    if order == LoadBalanceHosts::Random {
        // Fisher and Yates; 32 bits for each of a few hosts leave no bias that could be seen.
        for last in (1..items.len()).rev() {
            let mut bytes = [0; 4];
            if random.fill(&mut bytes).is_ok() {
                let pick = u32::from_ne_bytes(bytes) as usize % (last + 1);
                items.swap(last, pick);
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_order_begins_with_every_host_at_times() {
        let provider = rustls::crypto::ring::default_provider();
        let hosts = vec![0, 1, 2];
        let mut first = [0; 3];
        for _ in 0..300 {
            let order = ordered(
                hosts.clone(),
                LoadBalanceHosts::Random,
                provider.secure_random,
            );
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, hosts);
            first[order[0]] += 1;
        }
        assert!(first.iter().all(|count| *count > 50), "{first:?}");
        let order = ordered(
            hosts.clone(),
            LoadBalanceHosts::Disable,
            provider.secure_random,
        );
        assert_eq!(order, hosts);
    }
}
