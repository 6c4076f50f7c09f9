//! COPY, and the bulk writes that are built on it.

use std::error::Error;

use bytes::BytesMut;
use data_bridge_driver::client::Upserted;
use data_bridge_driver::copy::{Action, Duplicates, Insert, Target, Upsert};
use data_bridge_driver::error::{Kind, Outcome};
use data_bridge_driver::ident::QualifiedName;
use data_bridge_driver::types::{ToSql, Type};
use postgres_types::{IsNull, to_sql_checked};

use super::Behaviour;
use super::front::{End, Front, Many};

pub const TABLE: &[Behaviour] = &[
    ("COPY takes bytes in pieces", copy),
    ("COPY is all or nothing", copy_refused),
    ("copy_in takes COPY FROM STDIN only", copy_only),
    ("the new type of a column is noticed", changed_column),
    ("insert_many takes many rows", insert_many),
    ("insert_many names the bad row", |front| {
        insert_refused(front, STATEMENT);
    }),
    ("COPY names the bad row", |front| {
        insert_refused(front, STAGE);
    }),
    ("generated keys come back", |front| {
        generated_keys(front, STATEMENT);
    }),
    ("generated keys come back from the stage", |front| {
        generated_keys(front, STAGE);
    }),
    ("upsert counts", |front| upsert_counts(front, STATEMENT)),
    ("the stage counts", |front| upsert_counts(front, STAGE)),
    ("duplicates within a statement", |front| {
        duplicates(front, STATEMENT);
    }),
    ("duplicates within the stage", |front| {
        duplicates(front, STAGE);
    }),
    ("keys with NULL never conflict", |front| {
        null_keys(front, STATEMENT);
    }),
    ("keys with NULL never conflict in the stage", |front| {
        null_keys(front, STAGE);
    }),
    ("upsert into partitions", |front| {
        partitions(front, STATEMENT);
    }),
    ("upsert into partitions from the stage", |front| {
        partitions(front, STAGE);
    }),
    ("upserts in a transaction", |front| {
        upsert_in_transaction(front, STATEMENT);
    }),
    ("upserts in a transaction, staged", |front| {
        upsert_in_transaction(front, STAGE);
    }),
    ("many rows are staged", upsert_many),
];

/// Few rows travel in one statement, unless a column is an array: then even few take the way of many.
type Way = &'static [&'static str];
const STATEMENT: Way = &[];
const STAGE: Way = &["more"];

fn target(way: Way, columns: &[&str]) -> Target {
    Target::new(
        QualifiedName::parse("t").unwrap(),
        columns.iter().chain(way).copied(),
    )
    .unwrap()
}

fn upsert(way: Way, action: Action<'_>, duplicates: Duplicates) -> Upsert {
    Upsert::new(target(way, &["id", "a"]), ["id"], action)
        .unwrap()
        .duplicates(duplicates)
}

/// Makes the table, with an array column where the way asks for one.
fn create(front: &mut dyn Front, way: Way, columns: &str) {
    let array = if way.is_empty() { "" } else { ", more int4[]" };
    front.run(&format!("CREATE TABLE t ({columns}{array})"));
}

/// The rows, with a value for the array column.
fn pad<'a>(way: Way, rows: Many<'a>) -> Vec<Vec<&'a (dyn ToSql + Sync)>> {
    let pad = |row: &Vec<&'a (dyn ToSql + Sync)>| {
        let mut row = row.clone();
        row.extend(
            way.iter()
                .map(|_| -> &(dyn ToSql + Sync) { &None::<Vec<i32>> }),
        );
        row
    };
    rows.iter().map(pad).collect()
}

fn counts(front: &mut dyn Front, way: Way, upsert: &Upsert, rows: Many<'_>) -> (u64, u64) {
    let (Upserted { inserted, updated }, _) = front.upsert_many(upsert, &pad(way, rows)).unwrap();
    (inserted, updated)
}

fn contents(front: &mut dyn Front) -> String {
    front.text("SELECT string_agg((id, a)::text, ' ' ORDER BY id, a) FROM t")
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
}

fn copy_only(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4, a text)");
    for sql in [
        "SELECT 1",
        "INSERT INTO t VALUES (1, 'one')",
        "COPY t TO STDOUT",
        "COPY t FROM STDIN; INSERT INTO t VALUES (1, 'one')",
        "",
    ] {
        let error = front.copy_in(sql, &["1\tone\n"]).unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (Kind::Interface, Outcome::NotSent),
            "{sql}: {error}"
        );
        assert_eq!(front.text("SELECT count(*) FROM t"), "0");
    }
    // Within a transaction it does no harm either.
    let result = front.transaction(End::Commit, &mut |tx| {
        tx.copy_in("SELECT 1", &["1"]).unwrap_err();
        tx.copy_in("COPY t FROM STDIN;", &["1\tone\n"]).map(|_| ())
    });
    result.unwrap();
    assert_eq!(contents(front), "(1,one)");
}

/// A value that becomes what its column's type asks for.
#[derive(Debug)]
struct AsAsked;

impl ToSql for AsAsked {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *ty {
            Type::INT4 => 7_i32.to_sql(ty, out),
            _ => "seven".to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT4 | Type::TEXT)
    }

    to_sql_checked!();
}

/// The server would cast what is declared as the old type: 7 to '7' here, and elsewhere digits would be lost.
fn changed_column(front: &mut dyn Front) {
    let plain = Insert::new(target(STATEMENT, &["a"]), ["a"]).unwrap();
    let all = upsert(STATEMENT, Action::UpdateAll, Duplicates::Last);
    let write = |front: &mut dyn Front, id: i32| {
        front
            .insert_many(&target(STATEMENT, &["id", "a"]), &[vec![&id, &AsAsked]])
            .unwrap();
        front.insert_returning(&plain, &[vec![&AsAsked]]).unwrap();
        front
            .upsert_many(&all, &[vec![&id, &AsAsked], vec![&-id, &AsAsked]])
            .unwrap();
    };
    for (number, (old, new)) in [("int4", "text"), ("text", "int4")].into_iter().enumerate() {
        front.run(&format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id int4 UNIQUE, a {old})"
        ));
        write(front, 1);
        front.run(&format!(
            "TRUNCATE t; ALTER TABLE t ALTER a TYPE {new} USING NULL"
        ));
        write(front, 1);
        let expected = ["seven seven seven", "7 7 7"][number];
        let words = "SELECT string_agg(a::text, ' ') FROM t";
        assert_eq!(front.text(words), expected);

        // A refusal would end the transaction.
        let result = front.transaction(End::Commit, &mut |tx| {
            tx.run("TRUNCATE t");
            write(tx, 1);
            tx.run(&format!(
                "TRUNCATE t; ALTER TABLE t ALTER a TYPE {old} USING NULL"
            ));
            write(tx, 1);
            Ok(())
        });
        result.unwrap();
        let expected = ["7 7 7", "seven seven seven"][number];
        assert_eq!(front.text(words), expected);
    }
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
    let rows: Vec<Vec<&(dyn ToSql + Sync)>> = ids
        .iter()
        .map(|id| vec![id as _, &many as _, &"word" as _])
        .collect();
    assert_eq!(
        front
            .insert_many(&target(STATEMENT, &["id", "b", "a"]), &rows)
            .unwrap(),
        30_000
    );
    assert_eq!(
        front.text("SELECT (count(*), sum(id), min(b), max(a)) FROM t"),
        "(30000,449985000,\"{1,2}\",word)"
    );
}

fn insert_refused(front: &mut dyn Front, way: Way) {
    create(front, way, "id int4, a text");
    let target = target(way, &["id", "a"]);
    let error = front
        .insert_many(&target, &pad(way, &[vec![&1, &"a"], vec![&2, &3]]))
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert!(
        error
            .to_string()
            .contains("row 1, column \"a\" of type text"),
        "{error}"
    );
    let error = front
        .insert_many(&target, &pad(way, &[vec![&1, &"a"], vec![&2]]))
        .unwrap_err();
    assert!(
        error.to_string().contains(&format!(
            "row 1 has {} values for {} columns",
            1 + way.len(),
            2 + way.len()
        )),
        "{error}"
    );
    assert_eq!(front.text("SELECT count(*) FROM t"), "0");
    assert_eq!(front.insert_many(&target, &[]).unwrap(), 0);
}

fn generated_keys(front: &mut dyn Front, way: Way) {
    create(
        front,
        way,
        "key int4 GENERATED ALWAYS AS IDENTITY (START 10), a text",
    );
    let insert = Insert::new(target(way, &["a"]), ["key", "a"]).unwrap();
    for start in [10, 13] {
        let rows = front
            .insert_returning(&insert, &pad(way, &[vec![&"x"], vec![&"y"], vec![&"z"]]))
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

fn upsert_counts(front: &mut dyn Front, way: Way) {
    create(front, way, "id int4 PRIMARY KEY, a text");
    front.run("INSERT INTO t VALUES (1, 'old'), (2, 'old')");
    let all = upsert(way, Action::UpdateAll, Duplicates::Last);
    assert_eq!(
        counts(
            front,
            way,
            &all,
            &[vec![&2, &"new"], vec![&3, &"new"], vec![&4, &"new"]]
        ),
        (2, 1)
    );
    assert_eq!(contents(front), "(1,old) (2,new) (3,new) (4,new)");
    assert_eq!(
        counts(front, way, &all, &[vec![&1, &"x"], vec![&2, &"x"]]),
        (0, 2)
    );
    let nothing = upsert(way, Action::Nothing, Duplicates::Last);
    assert_eq!(
        counts(front, way, &nothing, &[vec![&1, &"y"], vec![&5, &"y"]]),
        (1, 0)
    );
    assert_eq!(contents(front), "(1,x) (2,x) (3,new) (4,new) (5,y)");
    assert_eq!(counts(front, way, &all, &[]), (0, 0));
    let error = front
        .upsert_many(&all, &pad(way, &[vec![&1, &"z"], vec![&None::<i32>, &"z"]]))
        .unwrap_err();
    assert_eq!(error.sqlstate().unwrap().as_str(), "23502");
    assert_eq!(front.text("SELECT a FROM t WHERE id = 1"), "x");
}

fn duplicates(front: &mut dyn Front, way: Way) {
    create(front, way, "id int4 PRIMARY KEY, a text");
    front.run("INSERT INTO t VALUES (1, 'old')");
    let rows: Many<'_> = &[
        vec![&1, &"a"],
        vec![&2, &"b"],
        vec![&1, &"c"],
        vec![&2, &"d"],
    ];
    assert_eq!(
        counts(
            front,
            way,
            &upsert(way, Action::UpdateAll, Duplicates::Last),
            rows
        ),
        (1, 1)
    );
    assert_eq!(contents(front), "(1,c) (2,d)");
    assert_eq!(
        counts(
            front,
            way,
            &upsert(way, Action::UpdateAll, Duplicates::First),
            rows
        ),
        (0, 2)
    );
    assert_eq!(contents(front), "(1,a) (2,b)");
    front.run("DELETE FROM t WHERE id = 2");
    assert_eq!(
        counts(
            front,
            way,
            &upsert(way, Action::Nothing, Duplicates::Last),
            rows
        ),
        (1, 0)
    );
    assert_eq!(contents(front), "(1,a) (2,d)");
    for action in [Action::UpdateAll, Action::Nothing] {
        let strict = upsert(way, action, Duplicates::Error);
        let error = front.upsert_many(&strict, &pad(way, rows)).unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        assert!(
            error.to_string().contains("same values in \"id\""),
            "{error}"
        );
        assert_eq!(
            counts(front, way, &strict, &[vec![&1, &"a"], vec![&2, &"d"]]).0,
            0
        );
    }
    assert_eq!(contents(front), "(1,a) (2,d)");
}

fn null_keys(front: &mut dyn Front, way: Way) {
    create(front, way, "id int4 UNIQUE, a text");
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
        assert_eq!(
            counts(front, way, &upsert(way, action, duplicates), rows),
            (3, 0)
        );
        assert_eq!(contents(front), "(1,c) (,a) (,b)");
    }
}

fn partitions(front: &mut dyn Front, way: Way) {
    front.run(
        "CREATE TABLE t (a text, id int4 PRIMARY KEY, more int4[]) PARTITION BY RANGE (id);
         CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (10);
         CREATE TABLE high (dropped int4, more int4[], id int4 NOT NULL, a text);
         ALTER TABLE high DROP COLUMN dropped;
         ALTER TABLE t ATTACH PARTITION high FOR VALUES FROM (10) TO (20);
         INSERT INTO t VALUES ('old', 1), ('old', 11), ('kept', 12)",
    );
    let upsert = upsert(way, Action::UpdateAll, Duplicates::Last)
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
    let (counts, rows) = front.upsert_many(&upsert, &pad(way, rows)).unwrap();
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

fn upsert_in_transaction(front: &mut dyn Front, way: Way) {
    create(front, way, "id int4 PRIMARY KEY, a text");
    let upsert = upsert(way, Action::UpdateAll, Duplicates::Last);
    let result = front.transaction(End::Commit, &mut |tx| {
        assert_eq!(
            counts(tx, way, &upsert, &[vec![&1, &"a"], vec![&2, &"a"]]),
            (2, 0)
        );
        assert_eq!(
            counts(tx, way, &upsert, &[vec![&2, &"b"], vec![&3, &"b"]]),
            (1, 1)
        );
        let undone = tx.transaction(End::Rollback, &mut |inner| {
            assert_eq!(
                counts(inner, way, &upsert, &[vec![&1, &"c"], vec![&9, &"c"]]),
                (1, 1)
            );
            Ok(())
        });
        undone.unwrap();
        assert_eq!(
            counts(tx, way, &upsert, &[vec![&3, &"d"], vec![&4, &"d"]]),
            (1, 1)
        );
        Ok(())
    });
    result.unwrap();
    assert_eq!(contents(front), "(1,a) (2,b) (3,d) (4,d)");
    // Another shape of the table needs another stage.
    front.run("ALTER TABLE t ALTER a TYPE int4 USING 0");
    assert_eq!(
        counts(front, way, &upsert, &[vec![&1, &5], vec![&7, &5]]),
        (1, 1)
    );
}

fn upsert_many(front: &mut dyn Front) {
    create(front, STATEMENT, "id int4 PRIMARY KEY, a text");
    front.run("INSERT INTO t SELECT g * 2, 'old' FROM generate_series(0, 999) AS g");
    let ids: Vec<i32> = (0..2_000).chain([5]).collect();
    let rows: Vec<Vec<&(dyn ToSql + Sync)>> =
        ids.iter().map(|id| vec![id as _, &"new" as _]).collect();
    let upsert = upsert(STATEMENT, Action::UpdateAll, Duplicates::Last);
    assert_eq!(counts(front, STATEMENT, &upsert, &rows), (1_000, 1_000));
    assert_eq!(front.text("SELECT count(*) FROM t WHERE a = 'new'"), "2000");
    let insert = Insert::new(target(STATEMENT, &["a"]), ["a"]).unwrap();
    front.run("ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ALTER id DROP NOT NULL");
    let words: Vec<Vec<&(dyn ToSql + Sync)>> = ids.iter().map(|_| vec![&"word" as _]).collect();
    assert_eq!(
        front.insert_returning(&insert, &words).unwrap().len(),
        2_001
    );
}
