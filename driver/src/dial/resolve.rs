//! Host names to addresses, within a deadline.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use super::Deadline;
use crate::error::Error;

/// The addresses of a host, asked anew for each connection so that a failover in DNS is seen.
///
/// The system's resolver knows no deadline, so a name is looked up on a thread of its own that is left behind when time
/// is up.
pub(super) fn resolve(host: &str, port: u16, deadline: Deadline) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (answer, answers) = mpsc::channel();
    let name = host.to_owned();
    thread::Builder::new()
        .name("data-bridge-dns".to_owned())
        .spawn(move || {
            // The receiver is gone once the deadline has passed; nobody misses the answer then.
            let _ = answer.send(
                (name.as_str(), port)
                    .to_socket_addrs()
                    .map(Iterator::collect),
            );
        })
        .map_err(|error| Error::io("start a thread for the name look-up", error))?;
    let addresses: Vec<SocketAddr> = answers
        .recv_timeout(deadline.remaining()?)
        .map_err(|_| deadline.passed())?
        .map_err(|error| Error::connect(format!("could not resolve host {host:?}: {error}")))?;
    if addresses.is_empty() {
        return Err(Error::connect(format!("host {host:?} has no address")));
    }
    Ok(addresses)
}
