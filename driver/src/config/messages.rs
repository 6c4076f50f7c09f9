use std::fmt;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::DbError;
use crate::session::Event;
use crate::wire::backend::Notification;

/// What a server says unasked (PostgreSQL manual, "Asynchronous Operations").
#[derive(Clone, Debug)]
pub enum Message {
    /// A warning or other notice, such as `RAISE NOTICE` gives.
    Notice(DbError),
    /// A NOTIFY on a channel that the session listens to.
    Notification(Notification),
}

/// Who is told of a [`Message`]; nobody by default.
#[derive(Clone, Default)]
pub struct MessageHandler(Option<Arc<dyn Fn(Message) + Send + Sync>>);

impl MessageHandler {
    /// See [`Config::on_message`](super::Config::on_message).
    pub fn new(handler: impl Fn(Message) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(handler)))
    }

    /// Passes a message on. A handler that panics has said so through the panic hook, and disturbs nobody else.
    pub fn tell(&self, message: Message) {
        if let Some(handler) = &self.0 {
            let _ = catch_unwind(AssertUnwindSafe(|| handler(message)));
        }
    }

    /// Passes on what the server said unasked; other events concern others.
    pub(crate) fn tell_event(&self, event: Event) {
        if let Some(message) = Message::of(event) {
            self.tell(message);
        }
    }
}

impl Message {
    pub(crate) fn of(event: Event) -> Option<Self> {
        match event {
            Event::Notice(notice) => Some(Self::Notice(notice)),
            Event::Notification(notification) => Some(Self::Notification(notification)),
            _ => None,
        }
    }
}

/// A handler that panics is called again like any other, so what it leaves behind is its own to care for.
impl UnwindSafe for MessageHandler {}
impl RefUnwindSafe for MessageHandler {}

impl fmt::Debug for MessageHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(..)" } else { "None" })
    }
}
