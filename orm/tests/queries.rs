//! Every form of query, as text with its parameters.

mod common;

use common::{posts, users};
use data_bridge_driver::Error;
use data_bridge_orm::{
    query::{
        Conflict, Delete, Expr, Insert, Join, Link, MAX_DEPTH, Nulls, Operator, Param, Select,
        Statement, Update,
    },
    schema::{Builtin, Column, ColumnRef, Fragment, Table},
};

/// The WHERE clause that a condition on users becomes, table names left out.
fn condition(build: impl FnOnce(&dyn Fn(&str) -> ColumnRef) -> Expr<Param>) -> String {
    let users = users();
    let column = |name: &str| users.column(name).unwrap();
    let query = Select::from(&users).filter(build(&column));
    let statement = query.render().unwrap();
    let (_, filter) = statement.sql.split_once(" WHERE ").unwrap();
    format!("{} {:?}", filter.replace("\"users\".", ""), statement.types)
}

fn shown<V>(rendered: Result<Statement<'_, V>, Error>) -> String {
    rendered.map_or_else(
        |error| format!("error: {error}"),
        |statement| format!("{}\n{:?}", statement.sql, statement.types),
    )
}

#[test]
fn conditions_one_by_one() {
    let lines = [
        condition(|c| c("id").eq(1_i64)),
        condition(|c| c("id").ne(1_i64)),
        condition(|c| c("id").lt(1_i64)),
        condition(|c| c("id").le(1_i64)),
        condition(|c| c("id").gt(1_i64)),
        condition(|c| c("id").ge(1_i64)),
        condition(|c| c("name").like("A%")),
        condition(|c| c("name").ilike("a%")),
        condition(|c| c("name").compare(Operator::NotLike, "A%")),
        condition(|c| c("name").compare(Operator::NotILike, "a%")),
        condition(|c| c("id").in_(vec![1_i64, 2])),
        condition(|c| c("id").not_in(vec![1_i64, 2])),
        condition(|c| c("id").between(1_i64, 9_i64)),
        condition(|c| c("name").is_null()),
        condition(|c| c("name").is_not_null()),
        condition(|c| c("name").eq(&c("email"))),
        condition(|c| !c("name").eq("x")),
        condition(|_| Expr::all([])),
        condition(|_| Expr::any([])),
        condition(|c| Expr::all([c("id").eq(1_i64)])),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn brackets_only_where_they_are_needed() {
    let lines = [
        condition(|c| c("id").eq(1_i64) & c("id").eq(2_i64) & c("id").eq(3_i64)),
        condition(|c| c("id").eq(1_i64) | c("id").eq(2_i64) | c("id").eq(3_i64)),
        condition(|c| c("id").eq(1_i64) | c("id").eq(2_i64) & c("id").eq(3_i64)),
        condition(|c| (c("id").eq(1_i64) | c("id").eq(2_i64)) & c("id").eq(3_i64)),
        condition(|c| !(c("id").eq(1_i64) & c("id").eq(2_i64))),
        condition(|c| !c("id").eq(1_i64) & !c("id").eq(2_i64)),
        condition(|c| !!c("id").eq(1_i64)),
        condition(|c| !(c("name").is_null() | c("id").between(1_i64, 2_i64))),
        condition(|c| c("id").between(1_i64, 2_i64) & c("name").like("A%")),
        condition(|c| {
            Expr::all([
                Expr::any([c("id").eq(1_i64)]),
                Expr::any([c("id").eq(2_i64), c("id").eq(3_i64)]),
            ])
        }),
        condition(|c| Expr::any([Expr::all([]), c("id").eq(1_i64)])),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn selects() {
    let (users, posts) = (users(), posts());
    let id = users.column("id").unwrap();
    let all = || Select::<Param>::from(&users);
    let author = || {
        Link::new(
            "author",
            posts.column("author_id").unwrap(),
            users.column("id").unwrap(),
        )
        .unwrap()
    };
    let old = || id.lt(9_i64);
    let forms = [
        shown(all().render()),
        shown(all().filter(old()).filter(id.gt(1_i64)).one().render()),
        shown(
            all()
                .order_by(id.desc())
                .order_by(users.column("name").unwrap().asc().nulls(Nulls::First))
                .render(),
        ),
        shown(
            all()
                .filter(old())
                .order_by(id.asc().nulls(Nulls::Last))
                .limit(10_i64)
                .offset(20_i64)
                .render(),
        ),
        shown(all().filter(old()).count().render()),
        shown(all().filter(old()).limit(5_i64).count().render()),
        shown(all().filter(old()).exists().render()),
        shown(
            Select::from(&posts)
                .link(&author())
                .filter(users.column("email").unwrap().eq("a@x.io"))
                .one()
                .render(),
        ),
        shown(
            Select::from(&posts)
                .filter(users.column("email").unwrap().eq("a@x.io"))
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn links_never_collide() {
    let key = || Column::new("id", Builtin::Int8).unwrap().primary_key();
    let node = Table::builder("parent")
        .unwrap()
        .column(key())
        .column(Column::new("parent_id", Builtin::Int8).unwrap().nullable())
        .column(Column::new("parent.id", Builtin::Int8).unwrap())
        .column(Column::new("x".repeat(60).as_str(), Builtin::Int8).unwrap())
        .build()
        .unwrap();
    let parent = |name| {
        Link::new(
            name,
            node.column("parent_id").unwrap(),
            node.column("id").unwrap(),
        )
        .unwrap()
    };
    let query = Select::<Param>::from(&node)
        .link(&parent("parent"))
        .link(&parent("second"));
    assert_eq!(query.link_columns(), [4..8, 8..12]);
    insta::assert_snapshot!(shown(query.render()));
}

#[test]
fn writes() {
    let users = users();
    let column = |name: &str| users.column(name).unwrap();
    let insert = || {
        Insert::<Param>::into(&users)
            .set(column("email"), "a@x.io")
            .set(column("name"), "Ann")
    };
    let sql = |text| Expr::fragment(&Fragment::new(text).unwrap());
    let email = || Conflict::columns(vec![column("email")]);
    let conflict = |conflict| insert().on_conflict(conflict);
    let forms = [
        shown(insert().render()),
        shown(insert().returning().render()),
        shown(Insert::<Param>::into(&users).returning().render()),
        shown(conflict(email()).render()),
        shown(
            conflict(email().update(column("name")))
                .returning()
                .render(),
        ),
        shown(
            conflict(
                email()
                    .set(column("name"), "Bob")
                    .set(column("created_at"), sql("now()")),
            )
            .render(),
        ),
        shown(
            Update::<Param>::table(&users)
                .set(column("name"), "Bob")
                .filter(column("id").eq(1_i64))
                .returning()
                .render(),
        ),
        shown(
            Update::<Param>::table(&users)
                .set(column("name"), sql("upper(name)"))
                .every_row()
                .render(),
        ),
        shown(
            Delete::<Param>::from(&users)
                .filter(column("id").eq(1_i64))
                .filter(column("name").is_null())
                .render(),
        ),
        shown(
            Delete::<Param>::from(&users)
                .every_row()
                .returning()
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let (users, posts) = (users(), posts());
    let column = |name: &str| users.column(name).unwrap();
    let title = posts.column("title").unwrap();
    let forms = [
        shown(
            Update::<Param>::table(&users)
                .set(column("name"), "x")
                .render(),
        ),
        shown(Update::<Param>::table(&users).every_row().render()),
        shown(Delete::<Param>::from(&users).render()),
        shown(
            Insert::<Param>::into(&users)
                .set(column("name"), "x")
                .set(column("name"), "y")
                .render(),
        ),
        shown(
            Insert::<Param>::into(&users)
                .set(title.clone(), "x")
                .render(),
        ),
        shown(
            Insert::<Param>::into(&users)
                .on_conflict(Conflict::columns(Vec::new()))
                .render(),
        ),
        shown(
            Insert::<Param>::into(&users)
                .on_conflict(vec![title.clone()])
                .render(),
        ),
        shown(Delete::<Param>::from(&users).filter(title.eq("x")).render()),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn depth_is_limited_and_length_is_not() {
    let users = users();
    let id = users.column("id").unwrap();
    let one = || id.eq::<Param>(1_i64);
    let long = (0..10_000).fold(one(), |condition, _| condition | one());
    assert_eq!(
        Select::from(&users)
            .filter(long)
            .render()
            .unwrap()
            .params
            .len(),
        10_001
    );
    let deep = (0..MAX_DEPTH).fold(one(), |condition, _| !condition);
    assert!(
        Select::from(&users)
            .filter(deep)
            .render()
            .unwrap_err()
            .to_string()
            .contains("nests")
    );
    let many = Expr::any((0..70_000).map(|_| one()));
    assert!(
        Select::from(&users)
            .filter(many)
            .render()
            .unwrap_err()
            .to_string()
            .contains("65,535")
    );
}

#[test]
fn columns_over_links() {
    let (users, posts) = (users(), posts());
    let key = || {
        let author = posts.column("author_id").unwrap();
        (author, users.column("id").unwrap())
    };
    let author = users.linked("author", [key()], false).unwrap();
    let editor = users.linked("editor", [key()], false).unwrap();
    let (from, to) = key();
    let own = posts.linked("posts", [(to, from)], true).unwrap();
    let email = |table: &Table| table.column("email").unwrap();
    let plain = email(&users).eq("u");
    let forms = [
        // A link that is named is joined, once, and the table itself means the first of them.
        shown(
            Select::from(&posts)
                .filter(email(&author).eq("a"))
                .filter(email(&editor).eq("e") & plain)
                .link(&Link::to(&author))
                .order_by(email(&author).desc())
                .render(),
        ),
        shown(Select::of([email(&author).expr::<Param>()]).render()),
        shown(
            Select::of([email(&author).expr::<Param>()])
                .only_source(&posts)
                .count()
                .render(),
        ),
        // Not over a link to many rows: that would multiply the rows behind the caller's back.
        shown(
            Select::from(&users)
                .filter(own.column("id").unwrap().eq(1_i64))
                .render(),
        ),
        shown(
            Select::from(&users)
                .join_link(Join::Inner, &own)
                .filter(posts.column("id").unwrap().eq(1_i64))
                .render(),
        ),
        shown(
            Select::from(&users)
                .filter(Expr::related(
                    &users,
                    &own,
                    Some(email(&author).eq("a") & posts.column("id").unwrap().gt(1_i64)),
                ))
                .render(),
        ),
        shown(
            Select::<Param>::from(&posts)
                .filter(Expr::related(
                    &author,
                    &posts
                        .linked(
                            "others",
                            [(
                                author.column("id").unwrap(),
                                posts.column("author_id").unwrap(),
                            )],
                            true,
                        )
                        .unwrap(),
                    None,
                ))
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn links_to_the_table_that_they_begin_at() {
    let node = Table::builder("nodes")
        .unwrap()
        .column(Column::new("id", Builtin::Int8).unwrap().primary_key())
        .column(Column::new("parent_id", Builtin::Int8).unwrap().nullable())
        .build()
        .unwrap();
    let (id, up) = (
        node.column("id").unwrap(),
        node.column("parent_id").unwrap(),
    );
    let parent = node
        .linked("parent", [(up.clone(), id.clone())], false)
        .unwrap();
    let children = node.linked("children", [(id.clone(), up)], true).unwrap();
    let forms = [
        shown(
            Select::<Param>::from(&node)
                .filter(parent.column("id").unwrap().eq(&id))
                .render(),
        ),
        shown(
            Select::<Param>::from(&node)
                .filter(Expr::related(&node, &children, Some(id.gt(3_i64))) | id.eq(4_i64))
                .render(),
        ),
        shown(
            Select::<Param>::from(&node)
                .join_link(Join::Left, &parent)
                .filter(parent.column("id").unwrap().is_null())
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}
