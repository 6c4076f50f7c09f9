//! Every form of DDL, as text.

mod common;

use data_bridge_orm::schema::{
    Builtin, Column, Existing, Fragment, Name, Reference, Rule, Table, create_all, create_table,
    drop_all, in_dependency_order,
};

fn text(statements: &[String]) -> String {
    statements.join(";\n") + ";"
}

fn column(name: &str) -> Column {
    Column::new(name, Builtin::Int4).unwrap()
}

fn refers(name: &str, to: &str) -> Column {
    column(name)
        .nullable()
        .references(Reference::parse(to).unwrap())
}

#[test]
fn a_table_with_everything_beside_its_columns() {
    insta::assert_snapshot!(text(&create_table(&common::users(), Existing::Error)));
    insta::assert_snapshot!(text(&create_table(&common::posts(), Existing::Skip)));
}

#[test]
fn constraints_of_the_whole_table() {
    let name = |text: &str| Name::new(text).unwrap();
    let seats = Table::builder("seats")
        .unwrap()
        .schema("opera")
        .unwrap()
        .column(column("row"))
        .column(column("number"))
        .column(column("show"))
        .column(column("price"))
        .constraint(
            None,
            Rule::PrimaryKey(vec![name("row"), name("number"), name("show")]),
        )
        .constraint(None, Rule::Unique(vec![name("show"), name("price")]))
        .constraint(None, Fragment::new("price > 0").unwrap().into())
        .constraint(None, Fragment::new("number > 0").unwrap().into())
        .constraint(
            Some(name("dear")),
            Fragment::new("price < 1000").unwrap().into(),
        )
        .index(None, vec![name("price"), name("show")], false)
        .index(Some(name("one per show")), vec![name("show")], true)
        .build()
        .unwrap();
    assert_eq!(seats.primary_key(), [0, 1, 2]);
    insta::assert_snapshot!(text(&create_table(&seats, Existing::Error)));
}

#[test]
fn names_are_quoted_whatever_they_hold() {
    let hostile = Table::builder("a\"; DROP TABLE users; --")
        .unwrap()
        .column(column("select"))
        .column(column("x\" int, \"y").unique().index())
        .build()
        .unwrap();
    insta::assert_snapshot!(text(&create_table(&hostile, Existing::Error)));
}

#[test]
fn tables_referred_to_come_first() {
    let leaf = Table::builder("c")
        .unwrap()
        .column(refers("b_id", "b.id"))
        .build()
        .unwrap();
    let middle = Table::builder("b")
        .unwrap()
        .column(column("id").primary_key())
        .column(refers("a_id", "a.id"))
        .build()
        .unwrap();
    let root = Table::builder("a")
        .unwrap()
        .column(column("id").primary_key())
        .column(refers("boss", "a.id"))
        .build()
        .unwrap();
    let tables = [leaf, middle, root];
    let order: Vec<_> = in_dependency_order(&tables)
        .iter()
        .map(|table| table.name().to_string())
        .collect();
    assert_eq!(order, ["a", "b", "c"]);
    assert_eq!(
        drop_all(&tables, Existing::Skip).unwrap(),
        "DROP TABLE IF EXISTS \"c\", \"b\", \"a\""
    );
    assert_eq!(drop_all(&[], Existing::Skip), None);
}

#[test]
fn a_circle_is_closed_at_the_end() {
    let hen = Table::builder("hen")
        .unwrap()
        .column(column("id").primary_key())
        .column(refers("from_egg", "egg.id"))
        .build()
        .unwrap();
    let egg = Table::builder("egg")
        .unwrap()
        .column(column("id").primary_key())
        .column(refers("from_hen", "hen.id"))
        .build()
        .unwrap();
    let tables = [hen, egg];
    insta::assert_snapshot!(text(&create_all(&tables, Existing::Error)));
    insta::assert_snapshot!(create_all(&tables, Existing::Skip).last().unwrap());
}

#[test]
fn a_reference_outside_the_list_is_kept() {
    let statements = create_all(&[common::posts()], Existing::Error);
    assert!(
        statements[0].contains("REFERENCES \"users\""),
        "{}",
        statements[0]
    );
}

#[test]
fn what_cannot_stand_is_refused() {
    let t = || Table::builder("t").unwrap();
    let key = |name: &str| Rule::PrimaryKey(vec![Name::new(name).unwrap()]);
    for (why, built) in [
        (
            "two columns named",
            t().column(column("a")).column(column("a")).build(),
        ),
        (
            "which it does not have",
            t().column(column("a")).constraint(None, key("b")).build(),
        ),
        (
            "two primary keys",
            t().column(column("a").primary_key())
                .constraint(None, key("a"))
                .build(),
        ),
        (
            "names no column",
            t().constraint(None, Rule::Unique(Vec::new())).build(),
        ),
        (
            "identity and has a default",
            t().column(
                column("a")
                    .identity(data_bridge_orm::schema::Identity::Always)
                    .default("1")
                    .unwrap(),
            )
            .build(),
        ),
        (
            "PostgreSQL allows 1600",
            (0..1601)
                .fold(t(), |t, i| t.column(column(&format!("c{i}"))))
                .build(),
        ),
    ] {
        let message = built.unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    }
    assert!(
        Column::new("ctid", Builtin::Int4)
            .unwrap_err()
            .to_string()
            .contains("system column")
    );
    assert!(Table::builder("").is_err());
    assert!(Table::builder(&"x".repeat(64)).is_err());
}
