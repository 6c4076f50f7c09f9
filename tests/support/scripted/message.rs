//! Backend messages, one builder each, in the order of the PostgreSQL manual's
//! [message formats](https://www.postgresql.org/docs/18/protocol-message-formats.html).
//!
//! A builder writes what a correct server writes. Wrong messages are made from
//! right ones by a [`Mutation`](super::Mutation), or with [`frame_claiming`].

/// Type OID of `int4`.
pub const INT4: u32 = 23;
/// Type OID of `text`.
pub const TEXT: u32 = 25;

/// One column of a `RowDescription`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name as the server prints it; bytes, so that a script can send what is not UTF-8.
    pub name: Vec<u8>,
    /// Type OID.
    pub oid: u32,
    /// `pg_type.typlen`: bytes, or -1 for a variable length.
    pub len: i16,
    /// 0 is text and 1 is binary; anything else is a lie.
    pub format: i16,
}

impl Column {
    /// An `int4` column in the given format.
    pub fn int4(name: &str, format: i16) -> Self {
        Self {
            name: name.into(),
            oid: INT4,
            len: 4,
            format,
        }
    }

    /// A `text` column in the given format.
    pub fn text(name: &str, format: i16) -> Self {
        Self {
            name: name.into(),
            oid: TEXT,
            len: -1,
            format,
        }
    }
}

/// A message with a correct length word.
pub fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = i32::try_from(body.len() + 4).expect("a scripted message is small");
    frame_claiming(tag, len, body)
}

/// A message whose length word says `len`, whatever the body is.
pub fn frame_claiming(tag: u8, len: i32, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend_from_slice(&len.to_be_bytes());
    message.extend_from_slice(body);
    message
}

/// `AuthenticationOk`.
pub fn auth_ok() -> Vec<u8> {
    auth(0, &[])
}

/// `AuthenticationCleartextPassword`.
pub fn auth_cleartext() -> Vec<u8> {
    auth(3, &[])
}

/// `AuthenticationMD5Password`.
pub fn auth_md5(salt: [u8; 4]) -> Vec<u8> {
    auth(5, &salt)
}

/// `AuthenticationSASL`, offering these mechanisms.
pub fn auth_sasl(mechanisms: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for mechanism in mechanisms {
        cstr(&mut body, mechanism.as_bytes());
    }
    body.push(0);
    auth(10, &body)
}

/// `AuthenticationSASLContinue`.
pub fn auth_sasl_continue(data: &[u8]) -> Vec<u8> {
    auth(11, data)
}

/// `AuthenticationSASLFinal`.
pub fn auth_sasl_final(data: &[u8]) -> Vec<u8> {
    auth(12, data)
}

/// Any `Authentication*` request by its code.
pub fn auth(code: i32, data: &[u8]) -> Vec<u8> {
    let mut body = code.to_be_bytes().to_vec();
    body.extend_from_slice(data);
    frame(b'R', &body)
}

/// `BackendKeyData`; the secret has 4 bytes up to protocol 3.0 and up to 256 from 3.2.
pub fn backend_key(pid: i32, secret: &[u8]) -> Vec<u8> {
    let mut body = pid.to_be_bytes().to_vec();
    body.extend_from_slice(secret);
    frame(b'K', &body)
}

/// `BindComplete`.
pub fn bind_complete() -> Vec<u8> {
    frame(b'2', &[])
}

/// `CloseComplete`.
pub fn close_complete() -> Vec<u8> {
    frame(b'3', &[])
}

/// `CommandComplete` with its command tag.
pub fn command_complete(tag: &str) -> Vec<u8> {
    let mut body = Vec::new();
    cstr(&mut body, tag.as_bytes());
    frame(b'C', &body)
}

/// `CopyData`.
pub fn copy_data(data: &[u8]) -> Vec<u8> {
    frame(b'd', data)
}

/// `CopyDone`.
pub fn copy_done() -> Vec<u8> {
    frame(b'c', &[])
}

/// `CopyInResponse` for so many columns, all in one format.
pub fn copy_in_response(format: i8, columns: i16) -> Vec<u8> {
    copy_response(b'G', format, columns)
}

/// `CopyOutResponse` for so many columns, all in one format.
pub fn copy_out_response(format: i8, columns: i16) -> Vec<u8> {
    copy_response(b'H', format, columns)
}

/// `DataRow`; `None` is NULL.
pub fn data_row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = count(values.len()).to_vec();
    for value in values {
        match value {
            None => body.extend_from_slice(&(-1i32).to_be_bytes()),
            Some(bytes) => {
                let len = i32::try_from(bytes.len()).expect("a scripted value is small");
                body.extend_from_slice(&len.to_be_bytes());
                body.extend_from_slice(bytes);
            }
        }
    }
    frame(b'D', &body)
}

/// `EmptyQueryResponse`.
pub fn empty_query() -> Vec<u8> {
    frame(b'I', &[])
}

/// `ErrorResponse` with the fields that every server sends.
pub fn error(severity: &str, sqlstate: &str, message: &str) -> Vec<u8> {
    fields(b'E', &standard_fields(severity, sqlstate, message))
}

/// `NoticeResponse` with the fields that every server sends.
pub fn notice(severity: &str, sqlstate: &str, message: &str) -> Vec<u8> {
    fields(b'N', &standard_fields(severity, sqlstate, message))
}

/// `ErrorResponse` (`E`) or `NoticeResponse` (`N`) with exactly these fields.
pub fn fields(tag: u8, fields: &[(u8, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (code, text) in fields {
        body.push(*code);
        cstr(&mut body, text.as_bytes());
    }
    body.push(0);
    frame(tag, &body)
}

/// `NegotiateProtocolVersion`: the newest minor version, and the options that are not known.
pub fn negotiate_protocol_version(minor: i32, unknown: &[&str]) -> Vec<u8> {
    let mut body = minor.to_be_bytes().to_vec();
    body.extend_from_slice(&i32::from(i16::from_be_bytes(count(unknown.len()))).to_be_bytes());
    for option in unknown {
        cstr(&mut body, option.as_bytes());
    }
    frame(b'v', &body)
}

/// `NoData`.
pub fn no_data() -> Vec<u8> {
    frame(b'n', &[])
}

/// `NotificationResponse`.
pub fn notification(pid: i32, channel: &str, payload: &str) -> Vec<u8> {
    let mut body = pid.to_be_bytes().to_vec();
    cstr(&mut body, channel.as_bytes());
    cstr(&mut body, payload.as_bytes());
    frame(b'A', &body)
}

/// `ParameterDescription`.
pub fn parameter_description(oids: &[u32]) -> Vec<u8> {
    let mut body = count(oids.len()).to_vec();
    for oid in oids {
        body.extend_from_slice(&oid.to_be_bytes());
    }
    frame(b't', &body)
}

/// `ParameterStatus`.
pub fn parameter_status(name: &str, value: &str) -> Vec<u8> {
    let mut body = Vec::new();
    cstr(&mut body, name.as_bytes());
    cstr(&mut body, value.as_bytes());
    frame(b'S', &body)
}

/// `ParseComplete`.
pub fn parse_complete() -> Vec<u8> {
    frame(b'1', &[])
}

/// `PortalSuspended`.
pub fn portal_suspended() -> Vec<u8> {
    frame(b's', &[])
}

/// `ReadyForQuery`: `I` idle, `T` in a transaction, `E` in a failed one.
pub fn ready(status: u8) -> Vec<u8> {
    frame(b'Z', &[status])
}

/// `RowDescription`.
pub fn row_description(columns: &[Column]) -> Vec<u8> {
    let mut body = count(columns.len()).to_vec();
    for column in columns {
        cstr(&mut body, &column.name);
        body.extend_from_slice(&0u32.to_be_bytes()); // table
        body.extend_from_slice(&0i16.to_be_bytes()); // attribute number
        body.extend_from_slice(&column.oid.to_be_bytes());
        body.extend_from_slice(&column.len.to_be_bytes());
        body.extend_from_slice(&(-1i32).to_be_bytes()); // type modifier
        body.extend_from_slice(&column.format.to_be_bytes());
    }
    frame(b'T', &body)
}

fn standard_fields<'a>(
    severity: &'a str,
    sqlstate: &'a str,
    message: &'a str,
) -> [(u8, &'a str); 4] {
    [
        (b'S', severity),
        (b'V', severity),
        (b'C', sqlstate),
        (b'M', message),
    ]
}

fn copy_response(tag: u8, format: i8, columns: i16) -> Vec<u8> {
    let mut body = format.to_be_bytes().to_vec();
    body.extend_from_slice(&columns.to_be_bytes());
    for _ in 0..columns {
        body.extend_from_slice(&i16::from(format).to_be_bytes());
    }
    frame(tag, &body)
}

fn count(len: usize) -> [u8; 2] {
    i16::try_from(len)
        .expect("a scripted message has few items")
        .to_be_bytes()
}

fn cstr(body: &mut Vec<u8>, text: &[u8]) {
    body.extend_from_slice(text);
    body.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use fallible_iterator::FallibleIterator;
    use postgres_protocol::message::backend::Message;

    /// What an independent parser of the protocol reads from the bytes.
    fn parsed(bytes: impl AsRef<[u8]>) -> Message {
        let mut buf = BytesMut::from(bytes.as_ref());
        let message = Message::parse(&mut buf)
            .expect("well formed")
            .expect("complete");
        assert!(buf.is_empty(), "the length word covers the whole message");
        message
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(ready(b'I'), b"Z\0\0\0\x05I");
        assert_eq!(auth_ok(), b"R\0\0\0\x08\0\0\0\0");
        assert_eq!(command_complete("SELECT 1"), b"C\0\0\0\x0dSELECT 1\0");
        assert_eq!(
            data_row(&[Some(b"ab"), None]),
            b"D\0\0\0\x10\0\x02\0\0\0\x02ab\xff\xff\xff\xff"
        );
        assert_eq!(
            row_description(&[Column::int4("n", 1)]),
            b"T\0\0\0\x1a\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01"
        );
        assert_eq!(copy_in_response(1, 2), b"G\0\0\0\x0b\x01\0\x02\0\x01\0\x01");
        assert_eq!(
            backend_key(7, &[1, 2, 3, 4]),
            b"K\0\0\0\x0c\0\0\0\x07\x01\x02\x03\x04"
        );
        assert_eq!(frame_claiming(b'Z', -1, b"I"), b"Z\xff\xff\xff\xffI");
        assert_eq!(
            negotiate_protocol_version(2, &["_pq_.x"]),
            b"v\0\0\0\x13\0\0\0\x02\0\0\0\x01_pq_.x\0"
        );
    }

    #[test]
    fn messages_without_a_body_parse() {
        assert!(matches!(parsed(auth_ok()), Message::AuthenticationOk));
        assert!(matches!(
            parsed(auth_cleartext()),
            Message::AuthenticationCleartextPassword
        ));
        assert!(matches!(parsed(bind_complete()), Message::BindComplete));
        assert!(matches!(parsed(close_complete()), Message::CloseComplete));
        assert!(matches!(parsed(copy_done()), Message::CopyDone));
        assert!(matches!(parsed(empty_query()), Message::EmptyQueryResponse));
        assert!(matches!(parsed(no_data()), Message::NoData));
        assert!(matches!(parsed(parse_complete()), Message::ParseComplete));
        assert!(matches!(
            parsed(portal_suspended()),
            Message::PortalSuspended
        ));
    }

    #[test]
    fn authentication_messages_parse() {
        let Message::AuthenticationMd5Password(body) = parsed(auth_md5([1, 2, 3, 4])) else {
            panic!()
        };
        assert_eq!(body.salt(), [1, 2, 3, 4]);
        let Message::AuthenticationSasl(body) = parsed(auth_sasl(&["SCRAM-SHA-256", "X"])) else {
            panic!()
        };
        assert_eq!(
            body.mechanisms().collect::<Vec<_>>().unwrap(),
            ["SCRAM-SHA-256", "X"]
        );
        let Message::AuthenticationSaslContinue(body) = parsed(auth_sasl_continue(b"r=1")) else {
            panic!()
        };
        assert_eq!(body.data(), b"r=1");
        let Message::AuthenticationSaslFinal(body) = parsed(auth_sasl_final(b"v=1")) else {
            panic!()
        };
        assert_eq!(body.data(), b"v=1");
    }

    #[test]
    fn rows_and_their_description_parse() {
        let columns = [Column::int4("n", 1), Column::text("t", 0)];
        let Message::RowDescription(body) = parsed(row_description(&columns)) else {
            panic!()
        };
        let fields: Vec<_> = body
            .fields()
            .map(|f| Ok((f.name().to_owned(), f.type_oid(), f.format())))
            .collect()
            .unwrap();
        assert_eq!(
            fields,
            [("n".to_owned(), INT4, 1), ("t".to_owned(), TEXT, 0)]
        );

        let Message::DataRow(body) = parsed(data_row(&[Some(b"ab"), None, Some(b"")])) else {
            panic!()
        };
        let values: Vec<_> = body
            .ranges()
            .map(|r| Ok(r.map(|r| body.buffer()[r].to_vec())))
            .collect()
            .unwrap();
        assert_eq!(values, [Some(b"ab".to_vec()), None, Some(vec![])]);

        let Message::ParameterDescription(body) = parsed(parameter_description(&[INT4, TEXT]))
        else {
            panic!()
        };
        assert_eq!(body.parameters().collect::<Vec<_>>().unwrap(), [INT4, TEXT]);
    }

    #[test]
    fn everything_else_parses() {
        let Message::CommandComplete(body) = parsed(command_complete("INSERT 0 3")) else {
            panic!()
        };
        assert_eq!(body.tag().unwrap(), "INSERT 0 3");
        let Message::ParameterStatus(body) = parsed(parameter_status("TimeZone", "UTC")) else {
            panic!()
        };
        assert_eq!(
            (body.name().unwrap(), body.value().unwrap()),
            ("TimeZone", "UTC")
        );
        let Message::BackendKeyData(body) = parsed(backend_key(7, &9i32.to_be_bytes())) else {
            panic!()
        };
        assert_eq!((body.process_id(), body.secret_key()), (7, 9));
        let Message::ReadyForQuery(body) = parsed(ready(b'T')) else {
            panic!()
        };
        assert_eq!(body.status(), b'T');
        let Message::NotificationResponse(body) = parsed(notification(3, "jobs", "42")) else {
            panic!()
        };
        assert_eq!(
            (body.channel().unwrap(), body.message().unwrap()),
            ("jobs", "42")
        );
        let Message::CopyInResponse(body) = parsed(copy_in_response(1, 3)) else {
            panic!()
        };
        assert_eq!(
            (body.format(), body.column_formats().count().unwrap()),
            (1, 3)
        );
        let Message::CopyOutResponse(body) = parsed(copy_out_response(0, 1)) else {
            panic!()
        };
        assert_eq!(body.format(), 0);
        let Message::CopyData(body) = parsed(copy_data(b"xyz")) else {
            panic!()
        };
        assert_eq!(body.data(), b"xyz");
        let Message::NoticeResponse(_) = parsed(notice("WARNING", "01000", "careful")) else {
            panic!()
        };
        let Message::ErrorResponse(body) = parsed(error("ERROR", "22012", "division by zero"))
        else {
            panic!()
        };
        let fields: Vec<_> = body
            .fields()
            .map(|f| {
                Ok((
                    f.type_(),
                    String::from_utf8_lossy(f.value_bytes()).into_owned(),
                ))
            })
            .collect()
            .unwrap();
        assert_eq!(fields[2], (b'C', "22012".to_owned()));
        assert_eq!(fields[3], (b'M', "division by zero".to_owned()));
    }
}
