//! Bodies of backend messages, one function each, named as in the PostgreSQL manual's "Message Formats".

use crate::error::Error;
use crate::types::Format;
use crate::wire::reader::Reader;

/// What `ReadyForQuery` says of the transaction. This byte, never a counter of our own, decides whether a connection
/// may be lent to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// No transaction block is open.
    Idle,
    /// Inside a transaction block.
    Open,
    /// Inside a failed transaction block: only ROLLBACK will do.
    Failed,
}

/// A result column, as `RowDescription` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The column's name or alias.
    pub name: String,
    /// OID of the table the column comes from, 0 for an expression.
    pub table_oid: u32,
    /// Attribute number within that table, 0 for an expression.
    pub attribute: i16,
    /// OID of the column's type.
    pub type_oid: u32,
    /// `atttypmod`, -1 where the type has none.
    pub type_modifier: i32,
    /// Format of the values; statements are described as text since their result formats are chosen at Bind.
    pub format: Format,
}

/// What a finished command reports: `INSERT 0 5`, `SELECT 3`, `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandTag(Box<str>);

impl CommandTag {
    /// The tag of an empty query string.
    pub fn empty() -> Self {
        Self("".into())
    }

    /// The tag as the server sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Rows inserted, updated, deleted, selected, moved or copied; 0 for commands that touch no rows.
    pub fn rows(&self) -> u64 {
        self.0
            .rsplit(' ')
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(0)
    }

    /// Whether the command dropped every prepared statement of the connection.
    pub fn drops_statements(&self) -> bool {
        matches!(&*self.0, "DISCARD ALL" | "DEALLOCATE ALL")
    }
}

/// `ReadyForQuery`.
pub fn ready_for_query(body: &[u8]) -> Result<TransactionStatus, Error> {
    match body {
        b"I" => Ok(TransactionStatus::Idle),
        b"T" => Ok(TransactionStatus::Open),
        b"E" => Ok(TransactionStatus::Failed),
        _ => Err(Error::protocol(
            "the server's ReadyForQuery has no valid transaction status",
        )),
    }
}

/// `CommandComplete`.
pub fn command_complete(body: &[u8]) -> Result<CommandTag, Error> {
    let mut reader = Reader::new("CommandComplete", body);
    let tag = reader.text()?;
    reader.end()?;
    Ok(CommandTag(tag.into_boxed_str()))
}

/// `ParameterDescription`: type OIDs of a statement's parameters.
pub fn parameter_description(body: &[u8]) -> Result<Box<[u32]>, Error> {
    let mut reader = Reader::new("ParameterDescription", body);
    let count = reader.count()?;
    // Growth follows the bytes that are there, not the count.
    let oids = (0..count)
        .map(|_| reader.u32())
        .collect::<Result<Vec<_>, _>>()?;
    reader.end()?;
    Ok(oids.into_boxed_slice())
}

/// `RowDescription`: the columns of a result.
pub fn row_description(body: &[u8]) -> Result<Box<[Column]>, Error> {
    let mut reader = Reader::new("RowDescription", body);
    let count = reader.count()?;
    let columns = (0..count)
        .map(|_| column(&mut reader))
        .collect::<Result<Vec<_>, _>>()?;
    reader.end()?;
    Ok(columns.into_boxed_slice())
}

fn column(reader: &mut Reader<'_>) -> Result<Column, Error> {
    let name = reader.text()?;
    let table_oid = reader.u32()?;
    let attribute = reader.i16()?;
    let type_oid = reader.u32()?;
    let _type_size = reader.i16()?;
    let type_modifier = reader.i32()?;
    let format = match reader.i16()? {
        0 => Format::Text,
        1 => Format::Binary,
        other => {
            return Err(Error::protocol(format!(
                "the server's RowDescription names the unknown format {other}"
            )));
        }
    };
    Ok(Column {
        name,
        table_oid,
        attribute,
        type_oid,
        type_modifier,
        format,
    })
}

/// `ParameterStatus`: name and value of a run-time parameter.
pub fn parameter_status(body: &[u8]) -> Result<(String, String), Error> {
    let mut reader = Reader::new("ParameterStatus", body);
    let pair = (reader.text()?, reader.text()?);
    reader.end()?;
    Ok(pair)
}

/// `BackendKeyData`: process id and the secret that a cancel request must quote.
///
/// Protocol 3.0 fixes the secret at 4 bytes; 3.2 allows 4 to 256.
pub fn backend_key_data(body: &[u8]) -> Result<(i32, Box<[u8]>), Error> {
    let mut reader = Reader::new("BackendKeyData", body);
    let process = reader.i32()?;
    let secret = reader.remaining();
    if !(4..=256).contains(&secret.len()) {
        return Err(Error::protocol(
            "the server's BackendKeyData has a secret of impossible length",
        ));
    }
    Ok((process, secret.into()))
}

/// `NotificationResponse`: a NOTIFY from another session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Process id of the notifying backend.
    pub process: i32,
    /// Name of the channel.
    pub channel: String,
    /// The payload, empty where NOTIFY gave none.
    pub payload: String,
}

/// `NotificationResponse`.
pub fn notification(body: &[u8]) -> Result<Notification, Error> {
    let mut reader = Reader::new("NotificationResponse", body);
    let notification = Notification {
        process: reader.i32()?,
        channel: reader.text()?,
        payload: reader.text()?,
    };
    reader.end()?;
    Ok(notification)
}

/// `CopyInResponse`: whether the copy is binary, and its number of columns.
pub fn copy_in_response(body: &[u8]) -> Result<(Format, u16), Error> {
    let mut reader = Reader::new("CopyInResponse", body);
    let format = match reader.u8()? {
        0 => Format::Text,
        1 => Format::Binary,
        other => {
            return Err(Error::protocol(format!(
                "the server's CopyInResponse names the unknown format {other}"
            )));
        }
    };
    let columns = reader.count()?;
    reader.bytes(usize::from(columns) * 2)?;
    reader.end()?;
    Ok((format, columns))
}

/// Insists on an empty body, for the messages that are their tag alone.
pub fn empty(message: &'static str, body: &[u8]) -> Result<(), Error> {
    Reader::new(message, body).end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_tags_count_rows() {
        let tag = |text: &str| command_complete(&[text.as_bytes(), b"\0"].concat()).unwrap();
        assert_eq!(tag("INSERT 0 5").rows(), 5);
        assert_eq!(tag("SELECT 3").rows(), 3);
        assert_eq!(tag("CREATE TABLE").rows(), 0);
        assert!(tag("DISCARD ALL").drops_statements());
        assert!(!tag("DISCARD PLANS").drops_statements());
        assert!(command_complete(b"SELECT 1").is_err());
    }

    #[test]
    fn lying_descriptions_are_refused() {
        assert!(parameter_description(b"\xff\xff\0\0\0\x17").is_err());
        assert!(row_description(b"\xff\xffid\0").is_err());
        let mut body = b"\0\x01id\0".to_vec();
        body.extend([0; 4 + 2 + 4 + 2 + 4]);
        body.extend(7_i16.to_be_bytes());
        assert!(
            row_description(&body)
                .unwrap_err()
                .to_string()
                .contains("format 7")
        );
    }

    #[test]
    fn transaction_status_is_one_known_byte() {
        assert_eq!(ready_for_query(b"T").unwrap(), TransactionStatus::Open);
        for body in [&b""[..], b"X", b"II"] {
            assert!(ready_for_query(body).is_err());
        }
    }
}
