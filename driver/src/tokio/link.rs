//! A session that many tasks use at once.
//!
//! A call encodes its request into the session under a short lock. If nothing else is in flight it also writes at once,
//! which saves waking the connection's task; otherwise that task writes what has gathered, in one piece. Only the task
//! reads, and hands each caller its whole reply.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::tokio::io::Interest;
use ::tokio::io::unix::AsyncFd;
use ::tokio::runtime::Handle;
use ::tokio::sync::{Notify, oneshot};
use ::tokio::time::timeout;
use bytes::BytesMut;
use socket2::SockRef;

use crate::client::{Reply, Signal, request_of};
use crate::config::{Message, MessageHandler};
use crate::dial::{Canceller, Connected, Stream};
use crate::error::Error;
use crate::session::{RequestId, Session};
use crate::types::TypeCatalog;

/// How long the server may take to obey a cancel request.
pub(super) const OBEY_TIMEOUT: Duration = Duration::from_secs(5);
const BUFFER: usize = 64 * 1024;

/// What the tasks that use a connection share.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// Registered for reading only: a Unix socket tells of each piece that the other side has taken, and being woken
    /// for that would cost every query as much as its answer does.
    socket: AsyncFd<Stream>,
    /// Tells the connection's task that there is something to send.
    wake: Notify,
    /// Tells whoever waits that something has moved: bytes went out, a request ended, the connection is free.
    pub(super) moved: Notify,
    canceller: Canceller,
    pub(super) catalog: Arc<Mutex<TypeCatalog>>,
    runtime: Handle,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
pub(super) struct Core {
    pub(super) session: Session,
    slots: VecDeque<Slot>,
    /// Whether one caller has the connection alone.
    pub(super) exclusive: bool,
    /// Whether the task has been told that there is something to send.
    woken: bool,
    /// Whether a cancel request is on its way.
    cancelling: bool,
    /// Whether the socket refuses writes for good.
    deaf: bool,
}

/// A request in flight.
pub(super) struct Slot {
    id: RequestId,
    reply: Reply,
    /// Gone once nobody wants the reply.
    sender: Option<oneshot::Sender<Reply>>,
    cancelled: bool,
}

impl Shared {
    /// Takes a connection over, and starts the task that serves it.
    pub(super) fn start(
        connected: Connected,
        catalog: Arc<Mutex<TypeCatalog>>,
    ) -> Result<Arc<Self>, Error> {
        let Connected {
            session,
            stream,
            canceller,
            messages,
        } = connected;
        let socket = stream
            .set_nonblocking(true)
            .and_then(|()| register(stream, Interest::READABLE))
            .map_err(|error| Error::io("configure the connection", error))?;
        let shared = Arc::new(Self {
            core: Mutex::new(Core {
                session,
                slots: VecDeque::new(),
                exclusive: false,
                woken: false,
                cancelling: false,
                deaf: false,
            }),
            socket,
            wake: Notify::new(),
            moved: Notify::new(),
            canceller,
            catalog,
            runtime: Handle::current(),
        });
        ::tokio::spawn(serve(Arc::clone(&shared), messages));
        Ok(shared)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Issues a request whose reply will be sent to the receiver.
    pub(super) fn issue<T>(
        &self,
        core: &mut Core,
        issue: impl FnOnce(&mut Session) -> Result<(Option<RequestId>, T), Error>,
    ) -> Result<(Option<Issued>, T), Error> {
        let (id, value) = issue(&mut core.session)?;
        let Some(id) = id else {
            return Ok((None, value));
        };
        let (sender, receiver) = oneshot::channel();
        core.slots.push_back(Slot {
            id,
            reply: Reply::default(),
            sender: Some(sender),
            cancelled: false,
        });
        self.send_out(core);
        Ok((Some((id, receiver)), value))
    }

    /// Sees to it that what was just added is sent: now if it is alone, with what comes after it otherwise.
    pub(super) fn send_out(&self, core: &mut Core) {
        if core.slots.len() <= 1 && !self.flush(core) {
            return;
        }
        if !std::mem::replace(&mut core.woken, true) {
            self.wake.notify_one();
        }
    }

    /// Writes as much as the socket takes; `true` if it takes no more now.
    fn flush(&self, core: &mut Core) -> bool {
        while core.session.wants_write() && !core.is_held() && !core.deaf {
            let bytes = core.session.poll_out();
            if bytes.is_empty() {
                break;
            }
            match self.socket.get_ref().write(bytes) {
                Ok(count) => core.session.advance_out(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.socket.get_ref().drain_into(&mut core.session);
                    core.session.handle_loss(broken(error));
                    core.deaf = true;
                    self.wake.notify_one();
                }
            }
        }
        false
    }

    /// Nobody wants the reply of this request any more.
    pub(super) fn abandon(self: &Arc<Self>, id: RequestId) {
        let mut core = self.lock();
        let is_current = core.session.current_request() == Some(id);
        let Some(slot) = core.slot(id) else {
            return;
        };
        slot.sender = None;
        if is_current && core.session.is_copying() {
            core.session.copy_fail("the caller gave up");
            self.send_out(&mut core);
        } else {
            self.cancel_abandoned(&mut core);
        }
    }

    /// Asks the server to stop a request that nobody waits for, if that cannot hit any other.
    fn cancel_abandoned(self: &Arc<Self>, core: &mut Core) {
        let unsent = core.session.unsent() > 0;
        let [slot] = core.slots.make_contiguous() else {
            return;
        };
        if slot.sender.is_some() || slot.cancelled || unsent || core.session.is_copying() {
            return;
        }
        slot.cancelled = true;
        core.cancelling = true;
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            let canceller = shared.canceller.clone();
            // If it does not arrive, the request ends by itself or with the connection.
            let _ = ::tokio::task::spawn_blocking(move || canceller.cancel(OBEY_TIMEOUT)).await;
            {
                let mut core = shared.lock();
                core.cancelling = false;
                core.woken = true;
            }
            shared.wake.notify_one();
            let obeyed = shared.wait(|core| !core.is_held());
            if timeout(OBEY_TIMEOUT, obeyed).await.is_err() {
                shared.fail(Error::timeout(
                    "the server did not obey a cancel request in time",
                ));
            }
        });
    }

    /// Waits until something is so.
    pub(super) async fn wait(&self, mut until: impl FnMut(&mut Core) -> bool) {
        loop {
            let mut moved = pin!(self.moved.notified());
            // From here on nothing that moves is missed.
            moved.as_mut().enable();
            if until(&mut self.lock()) {
                return;
            }
            moved.await;
        }
    }

    /// Ends the session because of `error`.
    pub(super) fn fail(&self, error: Error) {
        let mut core = self.lock();
        core.session.fail(error);
        core.woken = true;
        drop(core);
        self.wake.notify_one();
    }

    /// Says goodbye to the server, and ends the session.
    pub(super) fn terminate(&self) {
        let mut core = self.lock();
        core.session.terminate();
        self.flush(&mut core);
        core.woken = true;
        drop(core);
        self.wake.notify_one();
    }

    /// Reads what the session has to tell, for whom it concerns: they are told when nothing is locked.
    fn take_events(self: &Arc<Self>, core: &mut Core, news: &mut News) {
        while let Some(event) = core.session.poll_event() {
            let Some(id) = request_of(&event) else {
                news.told.extend(Message::of(event));
                continue;
            };
            // Answers come in the order of the requests.
            let Some(slot) = core.slots.front_mut().filter(|slot| slot.id == id) else {
                continue;
            };
            match slot.reply.handle(event) {
                Signal::CopyReady if slot.sender.is_none() => {
                    core.session.copy_fail("the caller gave up");
                }
                Signal::More | Signal::CopyReady => {}
                Signal::Finished => {
                    if let Some(Slot {
                        reply,
                        sender: Some(sender),
                        ..
                    }) = core.slots.pop_front()
                    {
                        news.done.push((sender, reply));
                    }
                    self.cancel_abandoned(core);
                }
            }
        }
    }
}

/// A request that is on its way, and where its reply will come.
pub(super) type Issued = (RequestId, oneshot::Receiver<Reply>);

/// What the session has told.
#[derive(Default)]
struct News {
    /// Messages that belong to no request.
    told: Vec<Message>,
    /// Replies that are complete, and who waits for them.
    done: Vec<(oneshot::Sender<Reply>, Reply)>,
}

impl Core {
    /// Requests that are not finished.
    pub(super) fn in_flight(&self) -> usize {
        self.slots.len()
    }

    /// A request that is still in flight.
    pub(super) fn slot(&mut self, id: RequestId) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.id == id)
    }

    /// Whether nothing may be sent, since a cancel request could hit it. A COPY that was cancelled still has to be told
    /// its end.
    pub(super) fn is_held(&mut self) -> bool {
        self.cancelling
            || self.slots.front().is_some_and(|slot| slot.cancelled) && !self.session.is_copying()
    }
}

/// The connection's task: reads, and writes what callers left to it, until the session is over.
async fn serve(shared: Arc<Shared>, messages: MessageHandler) {
    let mut buffer = vec![0; BUFFER];
    let mut news = News::default();
    loop {
        let (blocked, closed) = {
            let mut core = shared.lock();
            core.woken = false;
            let blocked = shared.flush(&mut core);
            if core.deaf || core.session.closed().is_some() {
                shared.take_events(&mut core, &mut news);
            }
            (blocked, core.session.closed().is_some())
        };
        for message in news.told.drain(..) {
            messages.tell(message);
        }
        for (sender, reply) in news.done.drain(..) {
            // An error means that the caller has gone.
            let _ = sender.send(reply);
        }
        shared.moved.notify_waiters();
        if closed {
            // Ends the connection for the other side, whoever still holds it on this one; an error means that it has
            // ended already.
            let _ = SockRef::from(shared.socket.get_ref()).shutdown(Shutdown::Both);
            return;
        }
        ::tokio::select! {
            biased;
            result = receive(&shared.socket, &mut buffer) => {
                let mut core = shared.lock();
                match result {
                    Ok(0) => core.session.handle_eof(),
                    Ok(count) => core.session.handle_bytes(buffer.get(..count).unwrap_or_default()),
                    Err(error) => core.session.handle_loss(broken(error)),
                }
                shared.take_events(&mut core, &mut news);
            }
            () = shared.wake.notified() => {}
            result = writable(shared.socket.get_ref()), if blocked => {
                if let Err(error) = result {
                    shared.lock().session.fail(Error::io("wait for the connection", error));
                }
            }
        }
    }
}

#[expect(
    deprecated,
    reason = "its successor is an unsafe fn; what that asks for holds, since a Stream owns its descriptor and keeps it"
)]
fn register(socket: Stream, interest: Interest) -> io::Result<AsyncFd<Stream>> {
    AsyncFd::with_interest(socket, interest)
}

fn broken(error: io::Error) -> Error {
    Error::lost(format!("the connection to the server broke: {error}")).with_source(error)
}

/// Waits for bytes and reads them.
async fn receive(socket: &AsyncFd<Stream>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut ready = socket.readable().await?;
        match socket.get_ref().read(buffer) {
            Ok(count) => {
                // With epoll, a short read shows that all has been read: what comes later tells of itself.
                if cfg!(target_os = "linux") && 0 < count && count < buffer.len() {
                    ready.clear_ready();
                }
                return Ok(count);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => ready.clear_ready(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until the socket takes more. Rare enough to be registered anew each time.
async fn writable(socket: &Stream) -> io::Result<()> {
    let socket = register(socket.try_clone()?, Interest::WRITABLE)?;
    socket.writable().await.map(|_| ())
}

/// How much may wait to be sent before a COPY is held back, in bytes.
const HIGH_WATER: usize = 1 << 20;

impl Shared {
    /// Sends COPY data, as fast as the server takes them.
    pub(super) async fn feed(
        &self,
        fill: &mut (dyn FnMut(&mut BytesMut) -> Result<bool, Error> + Send),
    ) -> Result<(), Error> {
        let mut piece = BytesMut::new();
        let mut more = true;
        while more {
            // Filled outside of the lock: `fill` runs code of the caller.
            piece.clear();
            more = fill(&mut piece)?;
            self.wait(|core| core.session.unsent() < HIGH_WATER || core.session.closed().is_some())
                .await;
            let mut core = self.lock();
            core.session.copy_data(|out| {
                out.extend_from_slice(&piece);
                Ok::<_, Error>(())
            })?;
            self.send_out(&mut core);
        }
        Ok(())
    }
}
