//! Whether a server that answered is one of those that were asked for.

use super::start::Dialogue;
use crate::config::{ServerRole, TargetSessionAttrs};
use crate::error::Error;
use crate::session::{Event, Session};

/// Refuses a server that is not as `wanted` (PostgreSQL manual, `target_session_attrs`).
///
/// # Errors
/// Of kind `Connect`, so that the search goes on; what the conversation itself met.
pub(super) fn check(
    session: &mut Session,
    dialogue: &Dialogue<'_>,
    wanted: TargetSessionAttrs,
) -> Result<(), Error> {
    if wanted == TargetSessionAttrs::Any {
        return Ok(());
    }
    let role = match reported(session) {
        Some(role) => role,
        None => asked(session, dialogue)?,
    };
    if wanted.accepts(role) {
        return Ok(());
    }
    let state = match (role.is_standby, role.is_read_only) {
        (true, _) => "a standby",
        (false, true) => "read-only by default",
        (false, false) => "a primary that takes writes",
    };
    Err(Error::connect(format!(
        "{} is {state}, which target_session_attrs={} does not take",
        dialogue.address,
        wanted.as_str()
    )))
}

/// What servers from 14 on say of themselves while a session starts.
fn reported(session: &Session) -> Option<ServerRole> {
    Some(ServerRole {
        is_standby: session.parameter("in_hot_standby")? == "on",
        is_read_only: session.parameter("default_transaction_read_only")? == "on",
    })
}

/// What older ones say when they are asked.
fn asked(session: &mut Session, dialogue: &Dialogue<'_>) -> Result<ServerRole, Error> {
    const QUESTION: &str = "SELECT pg_catalog.pg_is_in_recovery()::int::text || \
        (pg_catalog.current_setting('default_transaction_read_only') = 'on')::int::text";
    session.simple(QUESTION)?;
    let mut answer = None;
    let mut failed = None;
    dialogue.run(session, |event| match event {
        Event::Rows { rows, .. } => {
            let value = rows
                .iter()
                .next()
                .and_then(|row| row.values().next()?.map(<[u8]>::to_vec));
            answer = value;
            None
        }
        Event::Failed { error, .. } => {
            failed = Some(error);
            None
        }
        Event::Finished { .. } => Some(()),
        _ => None,
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    match answer.as_deref() {
        Some([standby @ (b'0' | b'1'), read_only @ (b'0' | b'1')]) => Ok(ServerRole {
            is_standby: *standby == b'1',
            is_read_only: *read_only == b'1',
        }),
        _ => Err(Error::protocol(
            "the server did not say whether it is a standby",
        )),
    }
}
