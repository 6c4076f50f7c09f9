//! The lookup of types on every version.

use data_bridge_driver::config::Config;
use data_bridge_driver::dial::Connected;
use data_bridge_driver::session::Execute;
use data_bridge_driver::types::catalog::{Entry, LOOKUP_COLUMNS, LOOKUP_SQL, encode_oids};
use data_bridge_driver::types::{Format, IsNull, Kind, TypeCatalog, oid};
use data_bridge_tests::server::TestServers;

use crate::{ask, connect, simple};

/// Types of every kind, and functions and operators that would be in the way if names were not qualified.
const SETUP: &str = "\
    CREATE SCHEMA lookup_test;
    SET search_path = lookup_test, public, pg_catalog;
    CREATE TYPE colour AS ENUM ('red', ', é', '');
    CREATE DOMAIN positive AS int4 CHECK (VALUE > 0);
    CREATE DOMAIN tiny AS positive;
    CREATE DOMAIN grid AS int4[];
    CREATE TYPE pair AS (a int, b text);
    CREATE TYPE times AS RANGE (subtype = time);
    CREATE FUNCTION unnest(oid[]) RETURNS SETOF oid LANGUAGE sql AS 'SELECT 1::oid';
    CREATE FUNCTION never(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = oid, PROCEDURE = never);";

fn oid_of(connected: &mut Connected, name: &str) -> u32 {
    let rows = simple(connected, &format!("SELECT '{name}'::regtype::oid"));
    String::from_utf8(rows[0][0].clone().unwrap())
        .unwrap()
        .parse()
        .unwrap()
}

fn look_up(connected: &mut Connected, oids: &[u32]) -> Vec<Entry> {
    let rows = ask(connected, |session| {
        let mut batch = session.batch().unwrap();
        batch.prepare(LOOKUP_SQL, &[oid::OID_ARRAY]).unwrap();
        let execute = Execute {
            parameter_formats: &[Format::Binary],
            ..Execute::default()
        };
        batch
            .execute_prepared(execute, |_, out| {
                encode_oids(oids, out)?;
                Ok(IsNull::No)
            })
            .unwrap();
        batch.finish();
    });
    let entry = |row: Vec<Option<Vec<u8>>>| {
        let row: [_; LOOKUP_COLUMNS] = row.try_into().unwrap();
        Entry::from_row(row.each_ref().map(|value| value.as_deref())).unwrap()
    };
    rows.unwrap().into_iter().map(entry).collect()
}

#[test]
fn types_are_found_with_what_they_are_made_of() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for (version, url) in servers.versions() {
        let mut connected = connect(
            &Config::builder()
                .connection_string(url)
                .unwrap()
                .build()
                .unwrap(),
        )
        .unwrap();
        simple(&mut connected, "BEGIN");
        simple(&mut connected, SETUP);
        let mut oid = |name| oid_of(&mut connected, name);
        let (colour, colours) = (oid("colour"), oid("colour[]"));
        let (positive, tinies, grid, grids) =
            (oid("positive"), oid("tiny[]"), oid("grid"), oid("grid[]"));
        let (pair, pairs) = (oid("pair"), oid("pair[]"));
        let (times, times_of) = (oid("times"), oid("times[]"));

        let mut catalog = TypeCatalog::new();
        let missing = catalog.missing([oid::TEXT, colours, tinies, grids, pairs, times_of]);
        assert_eq!(missing, [colours, tinies, grids, pairs, times_of]);
        for entry in look_up(&mut connected, &missing) {
            catalog.learn(entry);
        }
        assert!(
            catalog.missing(missing).is_empty(),
            "one query was enough on {version}"
        );

        let labels = ["red", ", é", ""].map(String::from).to_vec();
        assert_eq!(catalog.kind(colour), Some(Kind::Enum(labels)));
        assert_eq!(catalog.kind(positive), Some(Kind::Domain(oid::INT4)));
        assert_eq!(catalog.kind(grid), Some(Kind::Domain(oid::INT4_ARRAY)));
        assert_eq!(catalog.kind(pair), Some(Kind::Other));
        assert_eq!(catalog.kind(times), Some(Kind::Range(oid::TIME)));
        assert_eq!(catalog.format(times_of), Format::Binary);
        assert_eq!(catalog.codec(colours), Some(oid::TEXT_ARRAY));
        assert_eq!(catalog.codec(tinies), Some(oid::INT4_ARRAY));
        assert_eq!(catalog.format(pairs), Format::Text);
        assert_eq!(catalog.name(colours), "lookup_test.colour[]");
        simple(&mut connected, "ROLLBACK");
    }
}

#[test]
fn citext_is_text_in_binary_too() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let mut connected = connect(
        &Config::builder()
            .connection_string(servers.url())
            .unwrap()
            .build()
            .unwrap(),
    )
    .unwrap();
    if simple(
        &mut connected,
        "SELECT 1 FROM pg_extension WHERE extname = 'citext'",
    )
    .is_empty()
    {
        eprintln!("skipped: this server has no citext");
        return;
    }
    let citext = oid_of(&mut connected, "citext");
    let mut catalog = TypeCatalog::new();
    for entry in look_up(&mut connected, &[citext]) {
        catalog.learn(entry);
    }
    assert_eq!(
        (catalog.kind(citext), catalog.codec(citext)),
        (Some(Kind::TextLike), Some(oid::TEXT))
    );
}

/// The data file from which the constants are made, against each server's own catalog.
#[test]
fn built_in_types_are_what_the_servers_have() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for (version, url) in servers.versions() {
        let mut connected = connect(
            &Config::builder()
                .connection_string(url)
                .unwrap()
                .build()
                .unwrap(),
        )
        .unwrap();
        let rows = simple(
            &mut connected,
            "SELECT oid, typname, typarray FROM pg_type WHERE oid < 10000 AND typtype <> 'c'",
        );
        let text = |value: &Option<Vec<u8>>| String::from_utf8(value.clone().unwrap()).unwrap();
        let mut known = 0;
        for row in &rows {
            let (oid, name, array) = (
                text(&row[0]).parse().unwrap(),
                text(&row[1]),
                text(&row[2]).parse().unwrap(),
            );
            if let Some(built_in) = data_bridge_driver::types::builtin::BuiltIn::get(oid) {
                assert_eq!(
                    (built_in.name, built_in.array),
                    (name.as_str(), array),
                    "{version}"
                );
                known += 1;
            }
        }
        assert!(known > 60, "{version}: {known}");
    }
}
