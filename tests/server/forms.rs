//! The statements in the snapshots of the orm crate's forms are prepared and run by every server.

use std::fs;
use std::path::Path;

use data_bridge_driver::blocking::Client;
use data_bridge_tests::server::TestServers;

/// The table of `orm/tests/forms.rs`.
const SETUP: &str = "\
    CREATE TEMPORARY TABLE gadgets (id bigint PRIMARY KEY, small smallint NOT NULL, name text, data jsonb NOT NULL,
        tags text[] NOT NULL, span int4range NOT NULL, body tsvector NOT NULL, made timestamptz NOT NULL);
    INSERT INTO gadgets VALUES (1, 1, 'a', '{\"a\": [1]}', '{x,y}', '[1,5)', 'a', now())";

/// The types by the ids that stand in the snapshots.
const TYPES: [(&str, &str); 10] = [
    ("0", "unknown"),
    ("20", "bigint"),
    ("21", "smallint"),
    ("23", "integer"),
    ("25", "text"),
    ("701", "float8"),
    ("1009", "text[]"),
    ("1015", "varchar[]"),
    ("1016", "bigint[]"),
    ("1700", "numeric"),
];

/// Each statement with the types of its parameters.
fn statements() -> Vec<(String, Vec<&'static str>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../orm/tests/snapshots");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("forms__") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (_, forms) = text[3..].split_once("\n---\n").unwrap();
        for form in forms.split("\n\n") {
            let Some((sql, types)) = form.trim_end().rsplit_once("\n[") else {
                // What is refused instead.
                continue;
            };
            let oids = types.trim_end_matches(']').split(", ");
            let types = oids.filter(|oid| !oid.is_empty()).map(|oid| {
                let known = TYPES.iter().find(|(known, _)| *known == oid);
                known.unwrap_or_else(|| panic!("{oid} in {name}")).1
            });
            found.push((sql.to_owned(), types.collect()));
        }
    }
    found
}

#[test]
fn smoke_every_form_is_sql() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    let statements = statements();
    assert!(statements.len() > 70, "{}", statements.len());
    for (version, url) in servers.versions() {
        let mut client = Client::connect(url).unwrap();
        client.simple(SETUP).unwrap();
        for (sql, types) in &statements {
            let (declared, nulls) = if types.is_empty() {
                (String::new(), String::new())
            } else {
                let nulls = vec!["NULL"; types.len()].join(", ");
                (format!("({})", types.join(", ")), format!("({nulls})"))
            };
            let prepared = client.simple(&format!("PREPARE form {declared} AS {sql}"));
            prepared.unwrap_or_else(|error| panic!("PostgreSQL {version}: {sql}: {error}"));
            // A frame has no end at NULL.
            if !sql.contains("BETWEEN $1 PRECEDING") {
                let ran = client.simple(&format!("EXECUTE form {nulls}"));
                ran.unwrap_or_else(|error| panic!("PostgreSQL {version}: {sql}: {error}"));
            }
            client.simple("DEALLOCATE form").unwrap();
        }
    }
}
