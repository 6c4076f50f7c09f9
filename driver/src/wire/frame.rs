//! Message boundaries: one tag byte, then a length that counts itself and the body
//! (PostgreSQL manual, "Message Formats").

use crate::error::Error;

/// Tag and length of a message whose bytes may not have arrived yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The message type.
    pub tag: u8,
    /// Bytes of the whole message, header included.
    pub total: usize,
}

/// Bytes of a header: the tag and the 4-byte length.
pub const HEADER: usize = 5;

/// Reads the header at the start of `buffer`; `None` until its five bytes are there.
///
/// The length is checked against `limit` here, before anything waits for or stores the body, so that no amount of
/// memory and no waiting follows from a number that a hostile server made up.
pub fn header(buffer: &[u8], limit: usize) -> Result<Option<Header>, Error> {
    let Some((&tag, rest)) = buffer.split_first() else {
        return Ok(None);
    };
    if !is_backend_tag(tag) {
        return Err(Error::protocol(format!(
            "the server sent a message of unknown type 0x{tag:02x}; is this a PostgreSQL server?"
        )));
    }
    let Some(length) = rest.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*length);
    let body = usize::try_from(length)
        .ok()
        .filter(|length| *length >= 4)
        .ok_or_else(|| {
            Error::protocol(format!(
                "the server sent a message '{}' with the impossible length {length}",
                char::from(tag)
            ))
        })?;
    if body > limit {
        return Err(Error::protocol(format!(
            "the server announced a message '{}' of {body} bytes, above the limit of {limit} bytes",
            char::from(tag)
        )));
    }
    Ok(Some(Header {
        tag,
        total: body + 1,
    }))
}

/// Whether a backend may send messages of this type at all.
const fn is_backend_tag(tag: u8) -> bool {
    matches!(
        tag,
        b'1' | b'2'
            | b'3'
            | b'A'
            | b'C'
            | b'D'
            | b'E'
            | b'G'
            | b'H'
            | b'I'
            | b'K'
            | b'N'
            | b'R'
            | b'S'
            | b'T'
            | b'V'
            | b'W'
            | b'Z'
            | b'c'
            | b'd'
            | b'n'
            | b's'
            | b't'
            | b'v'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_needs_five_bytes() {
        assert_eq!(header(b"", 100).unwrap(), None);
        assert_eq!(header(b"Z\0\0\0", 100).unwrap(), None);
        assert_eq!(
            header(b"Z\0\0\0\x05I", 100).unwrap(),
            Some(Header {
                tag: b'Z',
                total: 6
            })
        );
    }

    #[test]
    fn impossible_lengths_and_strangers_are_refused_at_once() {
        for length in [-1_i32, 0, 3, i32::MIN, 101, i32::MAX] {
            let mut bytes = vec![b'D'];
            bytes.extend(length.to_be_bytes());
            assert!(header(&bytes, 100).is_err(), "{length}");
        }
        assert!(header(b"h", 100).is_err());
        assert!(header(b"HTTP/1.1 400 Bad Request", 65_536).is_err());
    }
}
