//! Every form of DDL, as text.

mod common;
#[path = "common/everything.rs"]
mod everything;

use data_bridge_orm::schema::{
    Builtin, Column, ExclusionOperator, Existing, Fragment, Identity, IndexForm, Name, PgType,
    Reference, Rule, Table, create_all, create_table, drop_all, in_dependency_order,
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
            Rule::primary_key(vec![name("row"), name("number"), name("show")]),
        )
        .constraint(None, Rule::unique(vec![name("show"), name("price")]))
        .constraint(None, Rule::check(Fragment::new("price > 0").unwrap()))
        .constraint(None, Rule::check(Fragment::new("number > 0").unwrap()))
        .constraint(
            Some(name("dear")),
            Rule::check(Fragment::new("price < 1000").unwrap()),
        )
        .index(None, IndexForm::columns([name("price"), name("show")]))
        .index(
            Some(name("one per show")),
            IndexForm::columns([name("show")]).unique(),
        )
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
        drop_all(&tables, Existing::Skip),
        ["DROP TABLE IF EXISTS \"c\", \"b\", \"a\""]
    );
    assert!(drop_all(&[], Existing::Skip).is_empty());
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
    insta::assert_snapshot!(text(&create_all(&tables, Existing::Error).unwrap()));
    insta::assert_snapshot!(create_all(&tables, Existing::Skip).unwrap().last().unwrap());
}

#[test]
fn a_reference_outside_the_list_is_kept() {
    let statements = create_all(&[common::posts()], Existing::Error).unwrap();
    assert!(
        statements[0].contains("REFERENCES \"users\""),
        "{}",
        statements[0]
    );
}

#[test]
fn what_cannot_stand_is_refused() {
    let t = || Table::builder("t").unwrap();
    let key = |name: &str| Rule::primary_key(vec![Name::new(name).unwrap()]);
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
            t().constraint(None, Rule::unique(Vec::new())).build(),
        ),
        (
            "identity and has a default",
            t().column(column("a").identity(Identity::Always).default("1").unwrap())
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

#[test]
fn everything_that_a_table_can_have() {
    insta::assert_snapshot!(text(
        &create_all(&everything::tables(), Existing::Skip).unwrap()
    ));
    insta::assert_snapshot!(text(&drop_all(&everything::tables(), Existing::Skip)));
}

#[test]
fn enum_types_of_one_name_agree() {
    let table = |name: &str, labels: &[&str]| {
        let ty = PgType::parse("mood")
            .unwrap()
            .with_labels(labels.iter().copied())
            .unwrap();
        Table::builder(name)
            .unwrap()
            .column(Column::new("m", ty).unwrap())
            .build()
            .unwrap()
    };
    let made = create_all(&[table("a", &["x"]), table("b", &["x"])], Existing::Error).unwrap();
    assert_eq!(
        made.iter()
            .filter(|sql| sql.starts_with("CREATE TYPE"))
            .count(),
        1
    );
    let fault = create_all(&[table("a", &["x"]), table("b", &["y"])], Existing::Error);
    assert!(fault.unwrap_err().to_string().contains("mood"));
}

#[test]
fn operators_of_exclusions_are_operators() {
    for bad in ["", "= x", "=)", "--", "OPERATOR(=)", "/*"] {
        assert!(ExclusionOperator::new(bad).is_err(), "{bad}");
    }
}
