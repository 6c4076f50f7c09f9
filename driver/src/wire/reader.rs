//! A cursor over one message body whose every step is checked.

use crate::error::Error;

/// Reads big-endian fields off the front of a message body.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `body`; `message` names it in errors.
    pub fn new(message: &'static str, body: &'a [u8]) -> Self {
        Self {
            message,
            rest: body,
        }
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| self.short())?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// The next 16-bit integer.
    pub fn i16(&mut self) -> Result<i16, Error> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// The next 16-bit count: parameter and column counts are unsigned on the wire.
    pub fn count(&mut self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// The next 32-bit integer.
    pub fn i32(&mut self) -> Result<i32, Error> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// The next OID.
    pub fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// The bytes up to the next NUL, which is consumed.
    pub fn cstr(&mut self) -> Result<&'a [u8], Error> {
        let end = memchr::memchr(0, self.rest).ok_or_else(|| {
            Error::protocol(format!(
                "the server's {} holds an unterminated string",
                self.message
            ))
        })?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Ok(text)
    }

    /// The next NUL-terminated string as text; names that are no UTF-8 are kept readable rather than refused.
    pub fn text(&mut self) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(self.cstr()?).into_owned())
    }

    /// What is left.
    pub fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// Insists that the body was read to its end.
    pub fn end(&self) -> Result<(), Error> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Error::protocol(format!(
            "the server's {} is {} bytes too long",
            self.message,
            self.rest.len()
        )))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.short())?;
        self.rest = rest;
        Ok(*taken)
    }

    fn short(&self) -> Error {
        Error::protocol(format!("the server's {} ends too early", self.message))
    }
}
