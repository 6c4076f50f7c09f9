//! COPY, and the bulk writes that are built on it.

use data_bridge_driver::client::Upserted;
use data_bridge_driver::copy::{Action, Duplicates, Insert, Target, Upsert};
use data_bridge_driver::error::Kind;
use data_bridge_driver::ident::QualifiedName;

use super::Behaviour;
use super::front::{End, Front, Many};

pub const TABLE: &[Behaviour] = &[
    ("COPY takes bytes in pieces", copy),
    ("COPY is all or nothing", copy_refused),
    ("insert_many takes many rows", insert_many),
    (
        "insert_many names the bad row and keeps nothing",
        insert_refused,
    ),
    ("generated keys come back in order", generated_keys),
    ("upsert counts inserted and updated rows", upsert_counts),
    ("duplicates within a batch", duplicates),
    ("keys with NULL never conflict", null_keys),
    (
        "upsert into partitions, with a condition, giving rows back",
        partitions,
    ),
    ("upserts within one transaction", upsert_in_transaction),
];

fn target(table: &str, columns: &[&str]) -> Target {
    Target::new(
        QualifiedName::parse(table).unwrap(),
        columns.iter().copied(),
    )
    .unwrap()
}

fn upsert(action: Action<'_>, duplicates: Duplicates) -> Upsert {
    Upsert::new(target("t", &["id", "a"]), ["id"], action)
        .unwrap()
        .duplicates(duplicates)
}

fn counts(front: &mut dyn Front, upsert: &Upsert, rows: Many<'_>) -> (u64, u64) {
    let (Upserted { inserted, updated }, _) = front.upsert_many(upsert, rows).unwrap();
    (inserted, updated)
}

fn contents(front: &mut dyn Front) -> String {
    front.text("SELECT string_agg(t::text, ' ' ORDER BY t) FROM t")
}

fn copy(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4, a text)");
    assert_eq!(
        front
            .copy_in("COPY t FROM STDIN", &["1\to", "ne\n2\tt", "wo\n"])
            .unwrap(),
        2
    );
    assert_eq!(front.copy_in("COPY t FROM STDIN", &[]).unwrap(), 0);
    assert_eq!(contents(front), "(1,one) (2,two)");
    let error = front
        .copy_in("COPY nothing FROM STDIN", &["1"])
        .unwrap_err();
    assert_eq!(error.sqlstate().unwrap().as_str(), "42P01");
    assert!(front.copy_in("SELECT 1", &["1"]).is_err());
}

fn copy_refused(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4, a text)");
    let line = "1\tone\n".repeat(10_000);
    let pieces: Vec<&str> = (0..50)
        .map(|piece| if piece == 10 { "x\ty\n" } else { &line })
        .collect();
    let error = front.copy_in("COPY t FROM STDIN", &pieces).unwrap_err();
    assert_eq!(error.sqlstate().unwrap().as_str(), "22P02");
    assert_eq!(front.text("SELECT count(*) FROM t"), "0");
    let result = front.transaction(End::Commit, &mut |tx| {
        tx.copy_in("COPY t FROM STDIN", &[&line]).map(|_| ())
    });
    result.unwrap();
    assert_eq!(front.text("SELECT count(*) FROM t"), "10000");
}

fn insert_many(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4, a text, b float8[])");
    let ids: Vec<i32> = (0..30_000).collect();
    let many = vec![1.0, 2.0];
    let rows: Vec<Vec<&(dyn data_bridge_driver::types::ToSql + Sync)>> = ids
        .iter()
        .map(|id| vec![id as _, &many as _, &"word" as _])
        .collect();
    assert_eq!(
        front
            .insert_many(&target("t", &["id", "b", "a"]), &rows)
            .unwrap(),
        30_000
    );
    assert_eq!(
        front.text("SELECT (count(*), sum(id), min(b), max(a)) FROM t"),
        "(30000,449985000,\"{1,2}\",word)"
    );
}

fn insert_refused(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4, a text)");
    let target = target("t", &["id", "a"]);
    let error = front
        .insert_many(&target, &[vec![&1, &"a"], vec![&2, &3]])
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert!(
        error
            .to_string()
            .contains("row 1, column \"a\" of type text"),
        "{error}"
    );
    let error = front
        .insert_many(&target, &[vec![&1, &"a"], vec![&2]])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("row 1 has 1 values for 2 columns"),
        "{error}"
    );
    assert_eq!(front.text("SELECT count(*) FROM t"), "0");
    assert_eq!(front.insert_many(&target, &[]).unwrap(), 0);
}

fn generated_keys(front: &mut dyn Front) {
    front.run("CREATE TABLE t (key int4 GENERATED ALWAYS AS IDENTITY (START 10), a text)");
    let insert = Insert::new(target("t", &["a"]), ["key", "a"]).unwrap();
    for start in [10, 13] {
        let rows = front
            .insert_returning(&insert, &[vec![&"x"], vec![&"y"], vec![&"z"]])
            .unwrap();
        let rows: Vec<(i32, String)> = rows
            .iter()
            .map(|row| (row.get("key"), row.get("a")))
            .collect();
        assert_eq!(
            rows,
            [
                (start, "x".into()),
                (start + 1, "y".into()),
                (start + 2, "z".into())
            ]
        );
    }
}

fn upsert_counts(front: &mut dyn Front) {
    front.run(
        "CREATE TABLE t (id int4 PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'old'), (2, 'old')",
    );
    let all = upsert(Action::UpdateAll, Duplicates::Last);
    assert_eq!(
        counts(
            front,
            &all,
            &[vec![&2, &"new"], vec![&3, &"new"], vec![&4, &"new"]]
        ),
        (2, 1)
    );
    assert_eq!(contents(front), "(1,old) (2,new) (3,new) (4,new)");
    assert_eq!(
        counts(front, &all, &[vec![&1, &"x"], vec![&2, &"x"]]),
        (0, 2)
    );
    let nothing = upsert(Action::Nothing, Duplicates::Last);
    assert_eq!(
        counts(front, &nothing, &[vec![&1, &"y"], vec![&5, &"y"]]),
        (1, 0)
    );
    assert_eq!(contents(front), "(1,x) (2,x) (3,new) (4,new) (5,y)");
    assert_eq!(counts(front, &all, &[]), (0, 0));
    let error = front
        .upsert_many(&all, &[vec![&1, &"z"], vec![&None::<i32>, &"z"]])
        .unwrap_err();
    assert_eq!(error.sqlstate().unwrap().as_str(), "23502");
    assert_eq!(front.text("SELECT a FROM t WHERE id = 1"), "x");
}

fn duplicates(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4 PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'old')");
    let rows: Many<'_> = &[
        vec![&1, &"a"],
        vec![&2, &"b"],
        vec![&1, &"c"],
        vec![&2, &"d"],
    ];
    assert_eq!(
        counts(front, &upsert(Action::UpdateAll, Duplicates::Last), rows),
        (1, 1)
    );
    assert_eq!(contents(front), "(1,c) (2,d)");
    assert_eq!(
        counts(front, &upsert(Action::UpdateAll, Duplicates::First), rows),
        (0, 2)
    );
    assert_eq!(contents(front), "(1,a) (2,b)");
    front.run("DELETE FROM t WHERE id = 2");
    assert_eq!(
        counts(front, &upsert(Action::Nothing, Duplicates::Last), rows),
        (1, 0)
    );
    assert_eq!(contents(front), "(1,a) (2,d)");
    for action in [Action::UpdateAll, Action::Nothing] {
        let strict = upsert(action, Duplicates::Error);
        let error = front.upsert_many(&strict, rows).unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        assert!(
            error.to_string().contains("same values in \"id\""),
            "{error}"
        );
        assert_eq!(
            counts(front, &strict, &[vec![&1, &"a"], vec![&2, &"d"]]).0,
            0
        );
    }
    assert_eq!(contents(front), "(1,a) (2,d)");
}

fn null_keys(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4 UNIQUE, a text)");
    let rows: Many<'_> = &[
        vec![&None::<i32>, &"a"],
        vec![&None::<i32>, &"b"],
        vec![&1, &"c"],
    ];
    for (action, duplicates) in [
        (Action::UpdateAll, Duplicates::Last),
        (Action::UpdateAll, Duplicates::Error),
        (Action::Nothing, Duplicates::First),
        (Action::Nothing, Duplicates::Error),
    ] {
        front.run("TRUNCATE t");
        assert_eq!(counts(front, &upsert(action, duplicates), rows), (3, 0));
        assert_eq!(contents(front), "(1,c) (,a) (,b)");
    }
}

fn partitions(front: &mut dyn Front) {
    front.run(
        "CREATE TABLE t (a text, id int4 PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (10);
         CREATE TABLE high (dropped int4, id int4 NOT NULL, a text);
         ALTER TABLE high DROP COLUMN dropped;
         ALTER TABLE t ATTACH PARTITION high FOR VALUES FROM (10) TO (20);
         INSERT INTO t VALUES ('old', 1), ('old', 11), ('kept', 12)",
    );
    let upsert = upsert(Action::UpdateAll, Duplicates::Last)
        .condition("t.a <> 'kept' -- and so on")
        .returning(["id"])
        .unwrap();
    let rows: Many<'_> = &[
        vec![&1, &"n"],
        vec![&2, &"n"],
        vec![&11, &"n"],
        vec![&12, &"n"],
        vec![&13, &"n"],
    ];
    let (counts, rows) = front.upsert_many(&upsert, rows).unwrap();
    assert_eq!(
        counts,
        Upserted {
            inserted: 2,
            updated: 2
        }
    );
    let mut ids: Vec<i32> = rows.iter().map(|row| row.get("id")).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 11, 13]);
    assert_eq!(front.text("SELECT a FROM t WHERE id = 12"), "kept");
}

fn upsert_in_transaction(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4 PRIMARY KEY, a text)");
    let upsert = upsert(Action::UpdateAll, Duplicates::Last);
    let result = front.transaction(End::Commit, &mut |tx| {
        assert_eq!(
            counts(tx, &upsert, &[vec![&1, &"a"], vec![&2, &"a"]]),
            (2, 0)
        );
        assert_eq!(
            counts(tx, &upsert, &[vec![&2, &"b"], vec![&3, &"b"]]),
            (1, 1)
        );
        let undone = tx.transaction(End::Rollback, &mut |inner| {
            assert_eq!(
                counts(inner, &upsert, &[vec![&1, &"c"], vec![&9, &"c"]]),
                (1, 1)
            );
            Ok(())
        });
        undone.unwrap();
        assert_eq!(
            counts(tx, &upsert, &[vec![&3, &"d"], vec![&4, &"d"]]),
            (1, 1)
        );
        Ok(())
    });
    result.unwrap();
    assert_eq!(contents(front), "(1,a) (2,b) (3,d) (4,d)");
    // Another shape of the table needs another stage.
    front.run("ALTER TABLE t ALTER a TYPE int4 USING 0");
    assert_eq!(
        counts(front, &upsert, &[vec![&1, &5], vec![&7, &5]]),
        (1, 1)
    );
}
