//! What the fuzz targets and the recorder of their corpora agree on.

use data_bridge_driver::Error;
use data_bridge_driver::session::{Execute, Session};
use postgres_protocol::IsNull;

/// Makes a request for each bit, so that any kind of answer may be due. A real server understands
/// them too: its answers are the seeds of the corpus.
pub fn ask(session: &mut Session, requests: u8) -> Result<(), Error> {
    if requests & 1 != 0 {
        session.prepare("SELECT $1", &[23])?;
    }
    if requests & 2 != 0 {
        execute(session, "SELECT n, n::text FROM generate_series(1, 3) n", 0)?;
    }
    if requests & 4 != 0 {
        session.simple(
            "SELECT 1; SELECT 2; LISTEN jobs; NOTIFY jobs, '42'; SET TimeZone = 'Asia/Tokyo'",
        )?;
    }
    if requests & 8 != 0 {
        let mut batch = session.batch()?;
        batch.command("BEGIN")?;
        batch.close_portal("p")?;
        batch.finish();
    }
    if requests & 16 != 0 {
        execute(session, "SELECT 1/0", 0)?;
    }
    if requests & 32 != 0 {
        execute(session, "SELECT generate_series(1, 9)", 2)?;
    }
    if requests & 64 != 0 {
        session.simple("CREATE TEMP TABLE IF NOT EXISTS t (a int4)")?;
        session.copy_in("COPY t FROM STDIN")?;
    }
    Ok(())
}

/// The bit that asks for nothing, since the input brings its own greeting.
pub const OWN_GREETING: u8 = 128;

fn execute(session: &mut Session, sql: &str, max_rows: i32) -> Result<(), Error> {
    let mut batch = session.batch()?;
    batch.prepare(sql, &[])?;
    let execute = Execute {
        max_rows,
        ..Execute::default()
    };
    batch.execute_prepared(execute, |_, _| Ok(IsNull::Yes))?;
    batch.finish();
    Ok(())
}
