//! Statements: values, errors, pipelines, stale plans.

use std::error::Error as _;

use data_bridge_driver::error::{Kind, Outcome};
use data_bridge_driver::types::{ToSql, Type};

use super::Behaviour;
use super::front::Front;

pub const TABLE: &[Behaviour] = &[
    ("values come back as they went", values),
    ("types of the database are learned", learned_types),
    ("bad calls are refused before they are sent", bad_calls),
    ("a refused statement leaves the connection usable", refused),
    ("a pipeline's statements fail alone", pipeline),
    ("a batch is all or nothing", batch),
    ("execute_many is all or nothing", execute_many),
    ("stale plans heal outside a transaction", healing),
    ("simple runs several statements", simple),
    ("COPY in a statement harms no other", copy),
    ("a terminated connection says so", terminated),
];

fn values(front: &mut dyn Front) {
    let sql =
        "SELECT $1::int4 AS number, $2::text AS words, $3::bool AS nothing, $4::float8[] AS many";
    for _ in 0..2 {
        let many = vec![1.5, -0.0];
        let rows = front
            .query(sql, &[&7_i32, &"sev'n", &None::<bool>, &many])
            .unwrap();
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(row.get::<i32>(0), 7);
        assert_eq!(row.get::<&str>("words"), "sev'n");
        assert_eq!(row.get::<Option<bool>>("nothing"), None);
        assert_eq!(row.get::<Vec<f64>>(3), many);
        assert_eq!((row.len(), row.raw(0)), (4, Some(&[0, 0, 0, 7][..])));
        for (error, words) in [
            (
                row.try_get::<i32>("words").unwrap_err(),
                "cannot be read as i32",
            ),
            (
                row.try_get::<bool>("nothing").unwrap_err(),
                "read it as Option<bool>",
            ),
            (
                row.try_get::<bool>("absent").unwrap_err(),
                "no column named \"absent\"",
            ),
            (row.try_get::<bool>(4).unwrap_err(), "there is no column 4"),
        ] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    let many = front
        .query("SELECT g FROM generate_series(1, 20000) AS g", &[])
        .unwrap();
    assert!(many.iter().map(|row| row.get::<i32>(0)).eq(1..=20_000));
    for _ in 0..2 {
        let typed = front
            .query_typed("SELECT $1 + 1", &[(&41_i64, Type::INT8)])
            .unwrap();
        assert_eq!(typed[0].get::<i64>(0), 42);
    }
    assert_eq!(
        front
            .execute("SELECT FROM generate_series(1, 3)", &[])
            .unwrap(),
        3
    );
    assert_eq!(front.execute("", &[]).unwrap(), 0);
}

fn learned_types(front: &mut dyn Front) {
    front.run("CREATE TYPE colour AS ENUM ('red', 'green'); CREATE DOMAIN even AS int4 CHECK (VALUE % 2 = 0)");
    let sql = "SELECT ARRAY['green', 'red']::colour[] AS colours, 4::even AS even";
    let rows = front.query(sql, &[]).unwrap();
    assert_eq!(rows[0].columns()[1].name, "even");
    // RowDescription tells the base of a domain.
    assert_eq!(rows[0].get::<i32>("even"), 4);
    assert!(
        rows[0].try_get::<Vec<String>>("colours").is_ok()
            || rows[0].try_get::<String>("colours").is_err()
    );
}

fn bad_calls(front: &mut dyn Front) {
    let error = front.query("SELECT $1::int4", &[]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("takes 1 parameters but 0 were given"),
        "{error}"
    );
    let error = front.query("SELECT $1::int4", &[&"seven"]).unwrap_err();
    assert!(
        error.to_string().contains("parameter $1 of type int4"),
        "{error}"
    );
    assert_eq!(
        (error.kind(), error.outcome()),
        (Kind::Data, Outcome::NotSent)
    );
    let error = front.query("SELECT 1\0", &[]).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    let numbers: Vec<String> = (1..=65_536).map(|n| format!("${n}::int4")).collect();
    let many = vec![&1_i32 as &(dyn ToSql + Sync); numbers.len()];
    let sql = format!("SELECT cardinality(ARRAY[{}])", numbers.join(", "));
    let error = front.query(&sql, &many).unwrap_err();
    assert!(error.to_string().contains("one array parameter"), "{error}");
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    assert_eq!(front.text("1"), "1");
}

fn refused(front: &mut dyn Front) {
    for (sql, code) in [
        ("SELECT", "42601"),
        ("SELECT nothing", "42703"),
        ("SELECT 1/0", "22012"),
    ] {
        for _ in 0..2 {
            match front.query(sql, &[]) {
                Ok(rows) => assert!(sql == "SELECT" && rows.len() == 1),
                Err(error) => {
                    assert_eq!(error.sqlstate().unwrap().as_str(), code);
                    assert_eq!(error.outcome(), Outcome::Failed);
                }
            }
        }
    }
    assert_eq!(front.text("1"), "1");
}

fn pipeline(front: &mut dyn Front) {
    let numbers: Vec<i32> = (0..50).collect();
    let params: Vec<[&(dyn ToSql + Sync); 1]> =
        numbers.iter().map(|number| [number as _]).collect();
    // 100 / $1 fails for 0, and only there.
    let calls: Vec<(&str, &[_])> = params
        .iter()
        .map(|params| ("SELECT 100 / $1::int4", &params[..]))
        .collect();
    for _ in 0..2 {
        for (number, result) in numbers.iter().zip(front.pipeline(&calls)) {
            match result {
                Ok(rows) => assert_eq!(rows[0].get::<i32>(0), 100 / number),
                Err(error) => {
                    assert_eq!((number, error.sqlstate().unwrap().as_str()), (&0, "22012"));
                }
            }
        }
    }
    let mixed = front.pipeline(&[
        ("SELECT 1", &[]),
        ("SELECT nonsense", &[]),
        ("SELECT $1::int4", &[]),
    ]);
    assert!(mixed[0].is_ok() && mixed[1].is_err() && mixed[2].is_err());
}

fn batch(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4 PRIMARY KEY)");
    let insert = "INSERT INTO t VALUES ($1) RETURNING id";
    let rows = front
        .batch(&[
            (insert, &[&1]),
            (insert, &[&2]),
            ("SELECT id FROM t ORDER BY id", &[]),
        ])
        .unwrap();
    assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 2]);
    let error = front
        .batch(&[(insert, &[&3]), (insert, &[&1])])
        .unwrap_err();
    assert_eq!(error.sqlstate().unwrap().as_str(), "23505");
    assert_eq!(front.text("SELECT count(*) FROM t"), "2");
}

fn execute_many(front: &mut dyn Front) {
    front.run("CREATE TABLE t (id int4 PRIMARY KEY, name text)");
    let insert = "INSERT INTO t VALUES ($1, $2)";
    assert_eq!(
        front
            .execute_many(insert, &[vec![&1, &"a"], vec![&2, &"b"]])
            .unwrap(),
        2
    );
    assert!(
        front
            .execute_many(insert, &[vec![&3, &"a"], vec![&1, &"b"]])
            .is_err()
    );
    let error = front
        .execute_many(insert, &[vec![&3, &"a"], vec![&4, &5]])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("row 1: parameter $2 of type text"),
        "{error}"
    );
    assert_eq!(front.text("SELECT count(*) FROM t"), "2");
    assert_eq!(front.execute_many(insert, &[]).unwrap(), 0);
}

fn healing(front: &mut dyn Front) {
    front.run("CREATE TABLE t (a int4); INSERT INTO t VALUES (1)");
    let columns = |front: &mut dyn Front| front.query("SELECT * FROM t", &[]).unwrap()[0].len();
    assert_eq!(columns(front), 1);
    front.run("ALTER TABLE t ADD COLUMN b int4");
    assert_eq!(columns(front), 2);
    front.run("DEALLOCATE ALL");
    assert_eq!(columns(front), 2);
    front.run("DISCARD ALL");
    assert_eq!(columns(front), 2);
    // The server forgets it, and the tag does not tell.
    front.run("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
    assert_eq!(columns(front), 2);
    // Within a transaction the refusal has ended the transaction: nothing can be healed.
    let result = front.transaction(super::front::End::Drop, &mut |tx| {
        assert_eq!(columns(tx), 2);
        tx.run("ALTER TABLE t ADD COLUMN c int4");
        tx.query("SELECT * FROM t", &[]).map(|_| ())
    });
    assert_eq!(result.unwrap_err().sqlstate().unwrap().as_str(), "0A000");
    assert_eq!(columns(front), 2);
}

fn simple(front: &mut dyn Front) {
    front.run("CREATE TABLE t (a int4); INSERT INTO t VALUES (1), (2); SELECT * FROM t");
    assert!(front.simple("SELECT 1; SELECT 1/0").is_err());
    assert_eq!(front.text("SELECT sum(a) FROM t"), "3");
}

fn copy(front: &mut dyn Front) {
    front.run("CREATE TABLE t (a int4); INSERT INTO t VALUES (1)");
    for (sql, instead) in [
        ("COPY t FROM STDIN", "copy_in"),
        ("COPY t (a) FROM STDIN (FORMAT csv)", "insert_many"),
        ("COPY t TO STDOUT", "run the query itself"),
        (
            "/* all */ COPY (SELECT * FROM t) TO STDOUT",
            "run the query itself",
        ),
    ] {
        let calls: [(&str, &[_]); 3] = [("SELECT 1", &[]), (sql, &[]), ("SELECT 3", &[])];
        let results = front.pipeline(&calls);
        let [Ok(first), Err(error), Ok(last)] = &results[..] else {
            panic!("{sql}: {results:?}")
        };
        assert_eq!((first[0].get::<i32>(0), last[0].get::<i32>(0)), (1, 3));
        let others = [
            front.execute(sql, &[]).unwrap_err(),
            front.batch(&calls).unwrap_err(),
            front.execute_many(sql, &[]).unwrap_err(),
            front.simple(&format!("SELECT 'COPY'; {sql}")).unwrap_err(),
        ];
        for error in others.iter().chain([error]) {
            assert_eq!(
                (error.kind(), error.outcome()),
                (Kind::Interface, Outcome::NotSent),
                "{sql}: {error}"
            );
            assert!(error.to_string().contains(instead), "{error}");
        }
    }
    // Between the server and its own files it is a statement like others.
    let file = front.text("SELECT current_setting('data_directory') || '/fronts_copy'");
    let written = front.execute(&format!("COPY t TO '{file}'"), &[]).unwrap();
    assert_eq!(written, 1);
    front.run(&format!("COPY t FROM '{file}'"));
    assert_eq!(front.text("SELECT count(*) FROM t"), "2");
}

fn terminated(front: &mut dyn Front) {
    let error = front
        .query("SELECT pg_terminate_backend(pg_backend_pid())", &[])
        .unwrap_err();
    let told = error
        .sqlstate()
        .is_some_and(|state| state.as_str() == "57P01");
    assert!(
        told || error.kind() == Kind::ConnectionLost,
        "{error:?} {:?}",
        error.source()
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
}
