//! Transactions and savepoints.

use data_bridge_driver::error::Kind;

use super::Behaviour;
use super::front::{End, Front};

pub const TABLE: &[Behaviour] = &[
    ("commit keeps, rollback and drop undo", ends),
    ("savepoints are undone alone", savepoints),
    ("COMMIT of a failed transaction is an error", failed),
    ("a transaction without statements sends nothing", empty),
    ("a transaction that SQL has ended is over", ended_by_sql),
    (
        "a transaction whose BEGIN is refused runs nothing",
        refused_begin,
    ),
    ("COMMIT without an answer is unknown", unknown),
];

fn ends(front: &mut dyn Front) {
    front.run("CREATE TABLE t (a int4)");
    for (end, count) in [
        (End::Commit, "1"),
        (End::Rollback, "1"),
        (End::Drop, "1"),
        (End::Commit, "2"),
    ] {
        let result = front.transaction(end, &mut |tx| {
            tx.execute("INSERT INTO t VALUES (1)", &[]).map(|_| ())
        });
        result.unwrap();
        assert_eq!(front.text("SELECT count(*) FROM t"), count);
    }
    let error = front.transaction(End::Commit, &mut |tx| {
        tx.execute("INSERT INTO t VALUES (1)", &[])?;
        tx.execute("SELECT 1/0", &[]).map(|_| ())
    });
    assert_eq!(error.unwrap_err().sqlstate().unwrap().as_str(), "22012");
    assert_eq!(front.text("SELECT count(*) FROM t"), "2");
}

fn savepoints(front: &mut dyn Front) {
    front.run("CREATE TABLE t (a int4)");
    let insert = |front: &mut dyn Front, value: i32| {
        front
            .execute("INSERT INTO t VALUES ($1)", &[&value])
            .map(|_| ())
    };
    let result = front.transaction(End::Commit, &mut |tx| {
        insert(tx, 1)?;
        tx.transaction(End::Commit, &mut |inner| insert(inner, 2))?;
        tx.transaction(End::Rollback, &mut |inner| insert(inner, 4))?;
        tx.transaction(End::Drop, &mut |inner| insert(inner, 8))?;
        let failed = tx.transaction(End::Commit, &mut |inner| {
            inner.transaction(End::Commit, &mut |innermost| insert(innermost, 16))?;
            inner.execute("SELECT 1/0", &[]).map(|_| ())
        });
        assert!(failed.is_err());
        tx.transaction(End::Commit, &mut |_| Ok(()))?;
        insert(tx, 32)
    });
    result.unwrap();
    assert_eq!(front.text("SELECT sum(a) FROM t"), "35");
    // BEGIN and both savepoints travel with the first statement.
    let result = front.transaction(End::Commit, &mut |tx| {
        tx.transaction(End::Commit, &mut |inner| {
            inner.transaction(End::Commit, &mut |innermost| insert(innermost, 64))
        })
    });
    result.unwrap();
    assert_eq!(front.text("SELECT sum(a) FROM t"), "99");
}

fn failed(front: &mut dyn Front) {
    let error = front.transaction(End::Commit, &mut |tx| {
        tx.execute("SELECT 1/0", &[]).unwrap_err();
        Ok(())
    });
    assert_eq!(error.unwrap_err().kind(), Kind::TransactionRolledBack);
    assert_eq!(front.text("1"), "1");
}

fn empty(front: &mut dyn Front) {
    for end in [End::Commit, End::Rollback, End::Drop] {
        front.transaction(end, &mut |_| Ok(())).unwrap();
        // A BEGIN that was left behind would show here.
        assert_ne!(
            front.text("SELECT txid_current()"),
            front.text("SELECT txid_current()")
        );
    }
}

fn ended_by_sql(front: &mut dyn Front) {
    let error = front.transaction(End::Commit, &mut |tx| {
        tx.execute("SELECT 1", &[])?;
        tx.run("COMMIT");
        tx.execute("SELECT 2", &[]).map(|_| ())
    });
    let error = error.unwrap_err();
    assert!(
        error.to_string().contains("has ended on the server"),
        "{error}"
    );
    assert_eq!(front.text("1"), "1");
}

fn refused_begin(front: &mut dyn Front) {
    front.run("CREATE TABLE t (a int4)");
    let error = front.transaction(End::Commit, &mut |tx| {
        tx.run("SET LOCAL transaction_read_only = on");
        tx.execute("INSERT INTO t VALUES (1)", &[]).map(|_| ())
    });
    assert_eq!(error.unwrap_err().sqlstate().unwrap().as_str(), "25006");
    assert_eq!(front.text("SELECT count(*) FROM t"), "0");
}

fn unknown(front: &mut dyn Front) {
    front.run(
        "CREATE TABLE t (a int4);
         CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION die()",
    );
    let error = front.transaction(End::Commit, &mut |tx| {
        tx.execute("INSERT INTO t VALUES (1)", &[]).map(|_| ())
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), Kind::CommitOutcomeUnknown, "{error:?}");
    assert!(!error.safe_to_retry());
}
