//! What the orm crate renders, run by the blocking client: every form of statement is SQL to every server.

use data_bridge_driver::Error;
use data_bridge_driver::blocking::{Client, Row};
use data_bridge_orm::query::{
    Conflict, Delete, Expr, Insert, Link, Nulls, Operator, Param, Select, Statement, Update,
};
use data_bridge_orm::schema::{
    Action, Builtin, Column, ColumnRef, Existing, Fragment, Identity, PgType, Reference, Table,
    create_all, drop_all,
};
use data_bridge_tests::server::TestServers;

#[path = "../../orm/tests/common/everything.rs"]
mod everything;
#[path = "selects.rs"]
mod selects;

#[test]
fn smoke_every_rendered_form_runs() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for (version, url) in servers.versions() {
        let mut client = Client::connect(url).unwrap();
        let tables = [posts(), users()];
        run_all(&mut client, drop_all(&tables, Existing::Skip));
        // The second time everything is there.
        for _ in 0..2 {
            run_all(&mut client, create_all(&tables, Existing::Skip).unwrap());
        }
        for step in [
            inserts,
            conditions,
            links_and_counts,
            selects::expressions,
            selects::clauses,
            selects::queries_in_queries,
            changes,
        ] {
            step(&mut client, &users(), &posts())
                .unwrap_or_else(|error| panic!("PostgreSQL {version}: {error}"));
        }
        run_all(&mut client, drop_all(&tables, Existing::Error));
    }
}

#[test]
fn smoke_everything_that_a_table_can_have() {
    let Some(servers) = TestServers::from_env() else {
        return;
    };
    for url in servers.versions().values() {
        let mut client = Client::connect(url).unwrap();
        let tables = everything::tables();
        run_all(&mut client, drop_all(&tables, Existing::Skip));
        for _ in 0..2 {
            run_all(&mut client, create_all(&tables, Existing::Skip).unwrap());
        }
        run_all(&mut client, drop_all(&tables, Existing::Error));
        run_all(&mut client, ["DROP SCHEMA hotel".to_owned()]);
    }
}

// Each step relies on what those before it have done.

fn inserts(client: &mut Client, users: &Table, posts: &Table) -> Result<(), Error> {
    let user = |name: &str| users.column(name);
    let post = |name: &str| posts.column(name);

    let insert = Insert::<Param>::into(users)
        .set(user("email")?, "ann@x.io")
        .set(user("full \"name\"")?, "Ann")
        .returning();
    let ann: i64 = run(client, insert.render()?)?[0].get("id");
    let row = |email: &'static str, name: &'static str| -> Result<Insert, Error> {
        let row = Insert::into(users).set(user("email")?, email);
        Ok(row.set(user("full \"name\"")?, name).returning())
    };
    let by_email = || Ok::<_, Error>(Conflict::columns(vec![user("email")?]));
    let untouched = row("ann@x.io", "Nobody")?.on_conflict(by_email()?);
    assert!(
        run(client, untouched.render()?)?.is_empty(),
        "nothing was done"
    );
    let updated = row("ann@x.io", "Anne")?.on_conflict(
        by_email()?
            .update(user("full \"name\"")?)
            .set(user("visits")?, Expr::fragment(&Fragment::new("41 + 1")?)),
    );
    let row = &run(client, updated.render()?)?[0];
    assert_eq!(
        (
            row.get::<i64>("id"),
            row.get::<&str>("full \"name\""),
            row.get::<i32>("visits")
        ),
        (ann, "Anne", 42)
    );

    for title in ["first", "second"] {
        run(
            client,
            Insert::<Param>::into(posts)
                .set(post("author_id")?, ann)
                .set(post("title")?, title)
                .render()?,
        )?;
    }
    run(
        client,
        Insert::<Param>::into(posts)
            .set(post("title")?, "nobody's")
            .render()?,
    )?;
    run(client, Insert::<Param>::into(posts).render()?)?;
    Ok(())
}

fn conditions(client: &mut Client, _: &Table, posts: &Table) -> Result<(), Error> {
    let post = |name: &str| posts.column(name);
    let (title, author): (ColumnRef, ColumnRef) = (post("title")?, post("author_id")?);
    for (condition, expected) in [
        (title.eq("first"), "first"),
        (title.in_(vec!["first", "second"]), "first second"),
        (
            title.not_in(vec!["first", "second", "untitled"]),
            "nobody's",
        ),
        (title.like("%ir%") | title.ilike("SEC%"), "first second"),
        (title.between("f", "g"), "first"),
        (author.is_null() & title.ne("untitled"), "nobody's"),
        (!(author.is_null() | title.gt("m")), "first"),
        (title.ge("nobody's") & title.lt("t"), "nobody's second"),
        (title.le("first") & author.is_not_null(), "first"),
        (Expr::all([title.eq(&title), Expr::any([])]), ""),
    ] {
        assert_eq!(titles(client, posts, condition)?, expected);
    }
    Ok(())
}

fn links_and_counts(client: &mut Client, users: &Table, posts: &Table) -> Result<(), Error> {
    let user = |name: &str| users.column(name);
    let post = |name: &str| posts.column(name);
    let linked = Select::<Param>::from(posts)
        .link(&Link::new("author", post("author_id")?, user("id")?)?)
        .filter(user("email")?.eq("ann@x.io"))
        .order_by(post("title")?.desc().nulls(Nulls::Last))
        .limit(1_i64)
        .offset(1_i64);
    assert_eq!(
        linked.link_columns().as_slice(),
        [std::ops::Range { start: 3, end: 7 }]
    );
    let rows = run(client, linked.render()?)?;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (
            rows[0].get::<&str>("title"),
            rows[0].get::<&str>("author.email")
        ),
        ("first", "ann@x.io")
    );

    let count = Select::<Param>::from(posts).filter(post("author_id")?.is_not_null());
    assert_eq!(
        run(client, count.clone().count().render()?)?[0].get::<i64>(0),
        2
    );
    assert_eq!(
        run(client, count.clone().limit(1_i64).count().render()?)?[0].get::<i64>(0),
        1
    );
    assert!(run(client, count.exists().render()?)?[0].get::<bool>(0));
    Ok(())
}

fn changes(client: &mut Client, users: &Table, posts: &Table) -> Result<(), Error> {
    let user = |name: &str| users.column(name);
    let update = Update::<Param>::table(users)
        .set(user("visits")?, 7_i32)
        .filter(user("email")?.eq("ann@x.io"))
        .returning();
    assert_eq!(run(client, update.render()?)?[0].get::<i32>("visits"), 7);
    let update = Update::<Param>::table(users)
        .set(
            user("visits")?,
            user("visits")?.expr().compare(Operator::Add, 1_i32),
        )
        .every_row();
    run(client, update.render()?)?;
    let delete = Delete::<Param>::from(users)
        .filter(user("visits")?.eq(8_i32))
        .returning();
    assert_eq!(run(client, delete.render()?)?.len(), 1);
    assert_eq!(
        titles(client, posts, Expr::all([]))?,
        "nobody's untitled",
        "the posts of a user go with the user"
    );
    Ok(())
}

/// The titles of the posts for which a condition is true, in their order.
fn titles(client: &mut Client, posts: &Table, condition: Expr<Param>) -> Result<String, Error> {
    let query = Select::from(posts)
        .filter(condition)
        .order_by(posts.column("title")?.asc())
        .order_by(posts.column("id")?.desc());
    let rows = run(client, query.render()?)?;
    Ok(rows
        .iter()
        .map(|row| row.get("title"))
        .collect::<Vec<&str>>()
        .join(" "))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "what was rendered a moment ago is used up here"
)]
fn run(client: &mut Client, statement: Statement<'_, Param>) -> Result<Vec<Row>, Error> {
    client.query(&statement.sql, &statement.values())
}

fn run_all(client: &mut Client, statements: impl IntoIterator<Item = String>) {
    for statement in statements {
        client
            .simple(&statement)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

fn users() -> Table {
    Table::builder("orm users")
        .unwrap()
        .column(
            Column::new("id", Builtin::Int8)
                .unwrap()
                .primary_key()
                .identity(Identity::Always),
        )
        .column(
            Column::new("email", Builtin::Text)
                .unwrap()
                .unique()
                .check("email ~ '@'")
                .unwrap(),
        )
        .column(
            Column::new("full \"name\"", PgType::parse("varchar(40)").unwrap())
                .unwrap()
                .nullable()
                .comment("it's \\ quoted"),
        )
        .column(
            Column::new("visits", Builtin::Int4)
                .unwrap()
                .default("0")
                .unwrap(),
        )
        .build()
        .unwrap()
}

fn posts() -> Table {
    let author = Reference::parse("orm users.id")
        .unwrap()
        .on_delete(Action::Cascade);
    Table::builder("orm posts")
        .unwrap()
        .column(
            Column::new("id", Builtin::Int8)
                .unwrap()
                .primary_key()
                .identity(Identity::ByDefault),
        )
        .column(
            Column::new("author_id", Builtin::Int8)
                .unwrap()
                .nullable()
                .references(author),
        )
        .column(
            Column::new("title", Builtin::Text)
                .unwrap()
                .index()
                .collation("C")
                .unwrap()
                .default("'untitled'")
                .unwrap(),
        )
        .build()
        .unwrap()
}
