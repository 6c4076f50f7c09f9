//! Short ways to give a session its requests.

use data_bridge_driver::session::{Execute, Lookup, RequestId, Session};
use data_bridge_driver::types::Format;
use postgres_protocol::IsNull;

/// Fetches the rows of a statement without parameters, prepared once.
pub fn fetch(session: &mut Session, sql: &str) -> RequestId {
    let Lookup::Hit(statement) = session.lookup(sql, &[]) else {
        let mut batch = session.batch().expect("the session is open");
        batch.prepare(sql, &[]).expect("a statement");
        batch
            .execute_prepared(Execute::default(), |_, _| Ok(IsNull::Yes))
            .expect("no parameters");
        return batch.finish();
    };
    let mut batch = session.batch().expect("the session is open");
    batch
        .execute(&statement, Execute::default(), |_, _| Ok(IsNull::Yes))
        .expect("no parameters");
    batch.finish()
}

/// Fetches its own parameter, so that the answer shows whose it is; each number by its own statement.
pub fn echo(session: &mut Session, number: i32) -> RequestId {
    const INT4: u32 = 23;
    let sql = format!("SELECT $1::int4 AS number_{number}");
    let execute = Execute {
        parameter_formats: &[Format::Binary],
        ..Execute::default()
    };
    let encode = |_, out: &mut bytes::BytesMut| {
        out.extend_from_slice(&number.to_be_bytes());
        Ok(IsNull::No)
    };
    let known = session.lookup(&sql, &[INT4]);
    let mut batch = session.batch().expect("the session is open");
    match known {
        Lookup::Hit(statement) => batch
            .execute(&statement, execute, encode)
            .expect("a number"),
        Lookup::Miss | Lookup::Pending(_) => {
            batch.prepare(&sql, &[INT4]).expect("a statement");
            batch.execute_prepared(execute, encode).expect("a number");
        }
    }
    batch.finish()
}

/// How the answer to [`echo`] is told.
pub fn echoed(request: RequestId, number: i32) -> String {
    format!(
        "{} row {:?}",
        request.number(),
        [Some(number.to_be_bytes())]
    )
}
