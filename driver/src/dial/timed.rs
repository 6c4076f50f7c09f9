//! A socket whose reads and writes all end by one deadline, however many they are.

use std::io::{self, ErrorKind, Read, Write};

use super::{Deadline, Stream};

/// Reads and writes that fail with `TimedOut` or `WouldBlock` once the deadline has passed.
pub(super) struct Timed<'s> {
    stream: &'s Stream,
    deadline: Deadline,
}

impl<'s> Timed<'s> {
    pub(super) fn new(stream: &'s Stream, deadline: Deadline) -> Self {
        Self { stream, deadline }
    }

    /// Gives the next call what is left of the time.
    fn limit(&self) -> io::Result<()> {
        let left = self.deadline.left().ok_or(ErrorKind::TimedOut)?;
        self.stream.set_timeout(Some(left))
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.limit()?;
        (&mut &*self.stream).read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.limit()?;
        (&mut &*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the deadline was why a call failed.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
