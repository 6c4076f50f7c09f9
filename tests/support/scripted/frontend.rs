//! What a client sends, cut into messages.

use std::fmt;

/// Request codes that stand where the protocol version does, see the manual's `SSLRequest`.
const CANCEL_REQUEST: i32 = 80_877_102;
const SSL_REQUEST: i32 = 80_877_103;
const GSSENC_REQUEST: i32 = 80_877_104;

/// One message from the client.
#[derive(Clone, PartialEq, Eq)]
pub enum Frontend {
    /// `StartupMessage`: protocol version as sent, and the parameters.
    Startup {
        /// 196608 is 3.0.
        version: i32,
        /// `user`, `database`, ...
        parameters: Vec<(String, String)>,
    },
    /// `SSLRequest`.
    SslRequest,
    /// `GSSENCRequest`.
    GssRequest,
    /// `CancelRequest`.
    Cancel {
        /// From `BackendKeyData`.
        pid: i32,
        /// From `BackendKeyData`.
        secret: Vec<u8>,
    },
    /// Any message with a tag.
    Tagged {
        /// `Q`, `P`, `B`, ...
        tag: u8,
        /// What follows the length word.
        body: Vec<u8>,
    },
}

impl Frontend {
    /// The tag of a tagged message, else 0.
    pub fn tag(&self) -> u8 {
        match self {
            Self::Tagged { tag, .. } => *tag,
            _ => 0,
        }
    }

    /// The SQL of a `Query` or `Parse`.
    pub fn sql(&self) -> Option<&str> {
        let Self::Tagged { tag, body } = self else {
            return None;
        };
        let mut strings = body.split(|byte| *byte == 0);
        match tag {
            b'Q' => std::str::from_utf8(strings.next()?).ok(),
            b'P' => std::str::from_utf8(strings.nth(1)?).ok(),
            _ => None,
        }
    }
}

impl fmt::Debug for Frontend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Startup {
                version,
                parameters,
            } => write!(f, "Startup {version:#x} {parameters:?}"),
            Self::SslRequest => f.write_str("SSLRequest"),
            Self::GssRequest => f.write_str("GSSENCRequest"),
            Self::Cancel { pid, .. } => write!(f, "CancelRequest {pid}"),
            Self::Tagged { tag, body } => {
                write!(
                    f,
                    "{} {}",
                    char::from(*tag),
                    String::from_utf8_lossy(body).escape_debug()
                )
            }
        }
    }
}

/// Cuts a byte stream into [`Frontend`] messages.
///
/// The client under test is trusted to be well formed where a test does not say
/// otherwise, so a malformed message is a panic that fails the test.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    started: bool,
}

impl Reader {
    /// Adds what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete message.
    pub fn message(&mut self) -> Option<Frontend> {
        let header = usize::from(self.started);
        let len = word(self.buffer.get(header..)?)?;
        let len = usize::try_from(len).expect("the client sent a negative length");
        assert!(len >= 4, "the client sent a length of {len}");
        let total = header + len;
        if self.buffer.len() < total {
            return None;
        }
        let message: Vec<u8> = self.buffer.drain(..total).collect();
        let body = &message[header + 4..];
        if self.started {
            return Some(Frontend::Tagged {
                tag: message[0],
                body: body.to_vec(),
            });
        }
        let code = word(body).expect("a startup packet holds a version");
        let rest = &body[4..];
        Some(match code {
            SSL_REQUEST => Frontend::SslRequest,
            GSSENC_REQUEST => Frontend::GssRequest,
            CANCEL_REQUEST => Frontend::Cancel {
                pid: word(rest).expect("a CancelRequest holds a process id"),
                secret: rest[4..].to_vec(),
            },
            version => {
                self.started = true;
                let strings: Vec<String> = rest
                    .split(|byte| *byte == 0)
                    .map(|text| String::from_utf8_lossy(text).into_owned())
                    .collect();
                let parameters = strings
                    .chunks_exact(2)
                    .filter(|pair| !pair[0].is_empty())
                    .map(|pair| (pair[0].clone(), pair[1].clone()))
                    .collect();
                Frontend::Startup {
                    version,
                    parameters,
                }
            }
        })
    }
}

fn word(bytes: &[u8]) -> Option<i32> {
    bytes.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use postgres_protocol::IsNull;
    use postgres_protocol::message::frontend;

    #[test]
    fn reads_what_an_independent_encoder_writes_byte_by_byte() {
        let mut bytes = BytesMut::new();
        frontend::ssl_request(&mut bytes);
        frontend::startup_message([("user", "u"), ("database", "d")], &mut bytes).unwrap();
        frontend::parse("s1", "SELECT $1", [23], &mut bytes).unwrap();
        frontend::bind(
            "",
            "s1",
            [1],
            [7i32],
            |value, out| {
                out.extend_from_slice(&value.to_be_bytes());
                Ok(IsNull::No)
            },
            [1],
            &mut bytes,
        )
        .unwrap_or_else(|_| panic!("bind"));
        frontend::query("SELECT 2", &mut bytes).unwrap();
        frontend::sync(&mut bytes);

        let mut reader = Reader::default();
        let mut seen = Vec::new();
        for byte in bytes {
            reader.push(&[byte]);
            seen.extend(reader.message());
        }
        assert_eq!(seen[0], Frontend::SslRequest);
        let parameters = [("user", "u"), ("database", "d")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .to_vec();
        assert!(
            matches!(&seen[1], Frontend::Startup { version: 0x0003_0000, parameters: p }
            if parameters.iter().all(|pair| p.contains(pair)))
        );
        assert_eq!(seen[2].sql(), Some("SELECT $1"));
        assert_eq!(seen[3].tag(), b'B');
        assert_eq!(seen[4].sql(), Some("SELECT 2"));
        assert_eq!(
            seen[5],
            Frontend::Tagged {
                tag: b'S',
                body: vec![]
            }
        );
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn reads_a_cancel_request() {
        let mut bytes = BytesMut::new();
        frontend::cancel_request(5, 9, &mut bytes);
        let mut reader = Reader::default();
        reader.push(&bytes);
        assert_eq!(
            reader.message(),
            Some(Frontend::Cancel {
                pid: 5,
                secret: 9i32.to_be_bytes().to_vec()
            })
        );
    }
}
