//! The scripted server on a TCP port: one thread a connection.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::auth::PASSWORD;
use super::frontend::{Frontend, Reader};
use super::mutation::Action;
use super::script::{Peer, Script};

/// How often a blocked thread looks whether it should end.
const TICK: Duration = Duration::from_millis(5);

/// A running scripted server. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What a client sent, on which connection (counted from 0, cancel requests included).
#[derive(Debug, Clone)]
pub struct Entry {
    /// Number of the connection.
    pub connection: usize,
    /// The message.
    pub message: Frontend,
}

/// Process id and secret.
type CancelKey = (i32, Vec<u8>);

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    next_pid: AtomicI32,
    open: Mutex<usize>,
    /// Scripts of the connections still to come; later ones are honest.
    scripts: Mutex<std::collections::VecDeque<Script>>,
    transcript: Mutex<Vec<Entry>>,
    /// Cancel flags of the open connections.
    running: Mutex<HashMap<CancelKey, Arc<AtomicBool>>>,
    /// Scripts that ended before all was played.
    unfinished: Mutex<Vec<usize>>,
}

impl Server {
    /// A server on a free port of the loopback. Its first connections follow these scripts, one
    /// each; all later ones are honest. A cancel request takes no script.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            scripts: Mutex::new(scripts.into_iter().collect()),
            ..Shared::default()
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection string for it, without TLS.
    pub fn url(&self) -> String {
        format!(
            "postgresql://scripted:{PASSWORD}@{}/scripted?sslmode=disable",
            self.address
        )
    }

    /// All that clients have sent so far.
    pub fn transcript(&self) -> Vec<Entry> {
        lock(&self.shared.transcript).clone()
    }

    /// How many of the clients' messages have this tag.
    pub fn count(&self, tag: u8) -> usize {
        lock(&self.shared.transcript)
            .iter()
            .filter(|entry| entry.message.tag() == tag)
            .count()
    }

    /// How many connections have been made, cancel requests not counted.
    pub fn connections(&self) -> usize {
        usize::try_from(self.shared.next_pid.load(Ordering::SeqCst)).unwrap_or_default()
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        *lock(&self.shared.open)
    }

    /// Waits for so many open connections; `false` if that takes longer than `limit`.
    pub fn wait_for_open(&self, connections: usize, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.open_connections() != connections {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(TICK);
        }
        true
    }

    /// Connections that ended before their script did: their test tested nothing.
    pub fn unfinished(&self) -> Vec<usize> {
        lock(&self.shared.unfinished).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    for number in 0.. {
        let Ok((stream, _)) = listener.accept() else {
            break;
        };
        if shared.stop.load(Ordering::SeqCst) {
            break;
        }
        let shared = Arc::clone(shared);
        *lock(&shared.open) += 1;
        connections.push(thread::spawn(move || {
            // A client that goes away is not an error of the server.
            drop(serve(stream, number, &shared));
            *lock(&shared.open) -= 1;
        }));
    }
    for connection in connections {
        drop(connection.join());
    }
}

fn serve(mut stream: TcpStream, number: usize, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TICK))?;

    // The first bytes tell whether this is a cancel request, which takes no script.
    let mut reader = Reader::default();
    let mut buffer = vec![0; 64 * 1024];
    let mut received = 0;
    let first = loop {
        match receive(&mut stream, &mut buffer[received..])? {
            Some(0) => return Ok(()),
            Some(len) => {
                reader.push(&buffer[received..received + len]);
                received += len;
            }
            None if shared.stop.load(Ordering::SeqCst) => return Ok(()),
            None => {}
        }
        if let Some(first) = reader.message() {
            break first;
        }
    };
    if let Frontend::Cancel { pid, secret } = &first {
        if let Some(flag) = lock(&shared.running).get(&(*pid, secret.clone())) {
            flag.store(true, Ordering::SeqCst);
        }
        record(shared, number, vec![first]);
        return Ok(());
    }

    let script = lock(&shared.scripts).pop_front().unwrap_or_default();
    let pid = shared.next_pid.fetch_add(1, Ordering::SeqCst) + 1;
    let secret = (pid ^ 0x5a5a_5a5a).to_be_bytes().to_vec();
    let cancelled = Arc::new(AtomicBool::new(false));
    lock(&shared.running).insert((pid, secret.clone()), Arc::clone(&cancelled));

    let mut peer = Peer::new(script, pid, secret.clone());
    let end = converse(
        &mut stream,
        &mut peer,
        buffer,
        received,
        number,
        shared,
        &cancelled,
    );
    lock(&shared.running).remove(&(pid, secret));
    if !peer.is_done() {
        lock(&shared.unfinished).push(number);
    }
    end
}

fn converse(
    stream: &mut TcpStream,
    peer: &mut Peer,
    mut buffer: Vec<u8>,
    received: usize,
    number: usize,
    shared: &Shared,
    cancelled: &AtomicBool,
) -> std::io::Result<()> {
    let mut actions = peer.open();
    let mut received = Some(received);
    loop {
        if let Some(len) = received {
            if len == 0 {
                return Ok(());
            }
            let (seen, more) = peer.receive(&buffer[..len]);
            record(shared, number, seen);
            actions.extend(more);
        }
        if cancelled.swap(false, Ordering::SeqCst) {
            actions.extend(peer.cancel());
        }
        for action in actions.drain(..) {
            match action {
                Action::Send(bytes) => stream.write_all(&bytes)?,
                Action::Sleep(time) => thread::sleep(time),
                Action::Stall => return stall(stream, shared),
                Action::Close => return close(stream, &mut buffer),
                Action::Rst => {
                    return socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
                }
            }
        }
        if shared.stop.load(Ordering::SeqCst) {
            return Ok(());
        }
        received = receive(stream, &mut buffer)?;
    }
}

/// Keeps the connection until the server ends or the client has gone. What the client sends stays
/// in the kernel, so that a client that only writes is blocked in the end.
fn stall(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut byte = [0];
    while !shared.stop.load(Ordering::SeqCst) {
        match stream.peek(&mut byte) {
            Ok(0) => break,
            Ok(_) => thread::sleep(TICK),
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Closes without a reset, which would come of unread bytes and take sent ones with it.
fn close(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let end = Instant::now() + Duration::from_secs(1);
    while Instant::now() < end && receive(stream, buffer)? != Some(0) {}
    Ok(())
}

/// How many bytes came; `None` is none within a tick.
fn receive(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(len) => Ok(Some(len)),
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn record(shared: &Shared, connection: usize, messages: Vec<Frontend>) {
    let entries = messages.into_iter().map(|message| Entry {
        connection,
        message,
    });
    lock(&shared.transcript).extend(entries);
}

/// A panic of one connection's thread is that connection's.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::{Op, Pattern, Step, message, on};
    use super::*;
    use bytes::BytesMut;
    use postgres_protocol::message::frontend;

    /// A client that knows nothing: it writes bytes and reads bytes.
    fn connect(server: &Server) -> TcpStream {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut bytes = BytesMut::new();
        frontend::startup_message([("user", "u")], &mut bytes).unwrap();
        stream.write_all(&bytes).unwrap();
        stream
    }

    fn query(stream: &mut TcpStream, sql: &str) {
        let mut bytes = BytesMut::new();
        frontend::query(sql, &mut bytes).unwrap();
        stream.write_all(&bytes).unwrap();
    }

    /// Reads up to and with `ReadyForQuery`, or to the end.
    fn read(stream: &mut TcpStream) -> Vec<u8> {
        let (mut all, mut byte) = (Vec::new(), [0]);
        while !all.ends_with(b"Z\0\0\0\x05I") && stream.read(&mut byte).unwrap_or(0) == 1 {
            all.push(byte[0]);
        }
        all
    }

    #[test]
    fn the_default_is_honest_and_the_transcript_tells() {
        let server = Server::start([]);
        let mut client = connect(&server);
        assert!(read(&mut client).starts_with(&message::auth_ok()));
        query(&mut client, "SELECT 42");
        let expected = [
            message::row_description(&[message::Column::int4("?column?", 0)]),
            message::data_row(&[Some(b"42")]),
            message::command_complete("SELECT 1"),
            message::ready(b'I'),
        ];
        assert_eq!(read(&mut client), expected.concat());
        assert_eq!(server.count(b'Q'), 1);
        assert_eq!(server.open_connections(), 1);
        drop(client);
        assert!(server.wait_for_open(0, Duration::from_secs(5)));
        assert!(server.unfinished().is_empty());
    }

    #[test]
    fn a_script_is_for_one_connection() {
        let server = Server::start([
            Script::lie(on(b'C').then(Op::Drop)),
            Script::steps([Step::ServeUntil(Pattern::Executes("SELECT")), Step::Rst]),
        ]);
        let mut lied_to = connect(&server);
        read(&mut lied_to);
        query(&mut lied_to, "BEGIN");
        query(&mut lied_to, "COMMIT");
        let expected = [
            message::ready(b'T'),
            message::command_complete("COMMIT"),
            message::ready(b'I'),
        ];
        assert_eq!(read(&mut lied_to), expected.concat());

        let mut reset = connect(&server);
        read(&mut reset);
        query(&mut reset, "SELECT 1");
        assert_eq!(
            reset.read(&mut [0]).unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
    }

    #[test]
    fn a_sleep_ends_when_it_is_cancelled() {
        let server = Server::start([]);
        let mut client = connect(&server);
        let greeting = read(&mut client);
        let at = greeting.iter().rposition(|byte| *byte == b'K').unwrap();
        query(&mut client, "SELECT pg_sleep(60)");
        query(&mut client, "SELECT 42");
        let mut cancel = TcpStream::connect(server.address()).unwrap();
        let packet = [
            &16i32.to_be_bytes()[..],
            &80_877_102i32.to_be_bytes(),
            &greeting[at + 5..at + 13],
        ];
        cancel.write_all(&packet.concat()).unwrap();
        assert_eq!(cancel.read(&mut [0]).unwrap(), 0);
        let answer = read(&mut client);
        assert!(answer.windows(5).any(|window| window == b"57014"));
        assert!(
            read(&mut client).starts_with(b"T"),
            "the next query is answered"
        );
    }

    #[test]
    fn an_unplayed_script_is_reported() {
        let server = Server::start([Script::lie(on(b'D').then(Op::Duplicate))]);
        let mut client = connect(&server);
        read(&mut client);
        drop(client);
        assert!(server.wait_for_open(0, Duration::from_secs(5)));
        // The thread counts as closed only after it has reported.
        assert_eq!(server.unfinished(), [0]);
    }
}
