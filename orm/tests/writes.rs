//! INSERT, UPDATE and DELETE with expressions, other tables and RETURNING, as text with their parameters.

mod common;

use common::{posts, users};
use data_bridge_driver::Error;
use data_bridge_orm::{
    query::{
        Conflict, Delete, Derived, Expr, Insert, Operator, Param, Select, Statement, Update,
        ValueType,
    },
    schema::{Fragment, Name},
};

/// Names bare, then the types of the parameters, or why there is no statement.
fn shown(rendered: Result<Statement<'_, Param>, Error>) -> String {
    match rendered {
        Ok(statement) => {
            assert_eq!(statement.params.len(), statement.types.len());
            format!("{} {:?}", statement.sql.replace('"', ""), statement.types)
        }
        Err(error) => format!("error: {error}"),
    }
}

fn int(value: i64) -> Expr<Param> {
    Expr::param(
        Param::new(value),
        ValueType::of(data_bridge_orm::schema::Builtin::Int8),
    )
}

#[test]
fn inserts() {
    let (users, posts) = (users(), posts());
    let user = |name: &str| users.column(name).unwrap();
    let post = |name: &str| posts.column(name).unwrap();
    let row = || Insert::<Param>::into(&users).set(user("email"), "a@x.io");
    let excluded = users.alias("excluded").unwrap();
    let proposed = |name: &str| excluded.column(name).unwrap();
    let newer = Conflict::columns(vec![user("email")])
        .set(
            user("name"),
            proposed("name")
                .expr()
                .compare(Operator::Concat, &user("name")),
        )
        .filter(proposed("id").gt(&user("id")))
        .filter(user("name").is_not_null());
    let authors = Select::of([post("author_id").expr(), post("title").expr()]).source(&posts);
    let found = Derived::cte("found", authors.clone()).unwrap();
    let of_cte = Select::of([found.column("title").unwrap()]).source(&found);
    let forms = [
        shown(row().row().set(user("email"), "b@x.io").render()),
        shown(
            row()
                .set(user("id"), int(7))
                .overriding_system_value()
                .render(),
        ),
        shown(
            row()
                .set(user("name"), Expr::scalar(of_cte.clone()))
                .render(),
        ),
        shown(
            Insert::into(&users)
                .query(vec![user("id"), user("email")], authors)
                .on_conflict(Conflict::any())
                .returning_expr(user("id").expr())
                .render(),
        ),
        shown(
            Insert::into(&users)
                .query(vec![user("email")], of_cte)
                .render(),
        ),
        shown(
            row()
                .on_conflict(newer)
                .excluded(&excluded)
                .returning_table(&users)
                .render(),
        ),
        shown(
            row()
                .on_conflict(
                    Conflict::columns(vec![user("email")])
                        .of_index(Fragment::new("name IS NOT NULL").unwrap())
                        .update(user("name")),
                )
                .render(),
        ),
        shown(
            row()
                .on_conflict(Conflict::constraint(Name::new("users_email_key").unwrap()))
                .render(),
        ),
        shown(row().row().render()),
        shown(
            row()
                .on_conflict(Conflict::any().update(user("name")))
                .render(),
        ),
        shown(row().set(user("name"), &user("email")).render()),
        shown(
            Insert::into(&users)
                .query(vec![post("title")], Select::from(&posts))
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n"), @r"
    INSERT INTO users (email) VALUES ($1), ($2) [25, 25]
    INSERT INTO users (email, id) OVERRIDING SYSTEM VALUE VALUES ($1, $2) [25, 20]
    INSERT INTO users (email, name) VALUES ($1, (WITH found (author_id, title) AS (SELECT posts.author_id, posts.title FROM posts) SELECT found.title FROM found)) [25]
    INSERT INTO users (id, email) SELECT posts.author_id, posts.title FROM posts ON CONFLICT DO NOTHING RETURNING users.id []
    INSERT INTO users (email) WITH found (author_id, title) AS (SELECT posts.author_id, posts.title FROM posts) SELECT found.title FROM found []
    INSERT INTO users (email) VALUES ($1) ON CONFLICT (email) DO UPDATE SET name = excluded.name || users.name WHERE excluded.id > users.id AND users.name IS NOT NULL RETURNING users.id, users.email, users.name, users.created_at [25]
    INSERT INTO users (email) VALUES ($1) ON CONFLICT (email) WHERE (name IS NOT NULL) DO UPDATE SET name = EXCLUDED.name [25]
    INSERT INTO users (email) VALUES ($1) ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING [25]
    error: row 1 of an insert into users has other columns than the first, or none
    error: an upsert into users needs conflict columns: those of a unique key
    error: users.email is not part of this query, which reads nothing; join its table, or name the link to it in fetch_links
    error: posts.title is not a column of users, which this statement writes
    ");
}

#[test]
fn updates_and_deletes() {
    let (users, posts) = (users(), posts());
    let user = |name: &str| users.column(name).unwrap();
    let post = |name: &str| posts.column(name).unwrap();
    let own = post("author_id").eq(&user("id"));
    let busy = Select::of([post("author_id").expr().label("id").unwrap()])
        .source(&posts)
        .group_by(post("author_id").expr());
    let busy = Derived::cte("busy", busy).unwrap();
    let is_busy = busy
        .column("id")
        .unwrap()
        .compare(Operator::Eq, &user("id"));
    let again = users.alias("again").unwrap();
    let forms = [
        shown(
            Update::table(&posts)
                .set(
                    post("title"),
                    post("title").expr().compare(Operator::Concat, "!"),
                )
                .filter(post("id").eq(1_i64))
                .returning_expr(post("id").expr())
                .returning_expr(post("title").expr().label("now").unwrap())
                .render(),
        ),
        shown(
            Update::table(&users)
                .set(user("name"), &post("title"))
                .reading(&posts)
                .filter(own.clone())
                .returning_table(&users)
                .returning_table(&posts)
                .render(),
        ),
        shown(
            Update::table(&users)
                .set(user("name"), &again.column("name").unwrap())
                .reading(&again)
                .filter(again.column("id").unwrap().lt(&user("id")))
                .render(),
        ),
        shown(
            Update::<Param>::table(&users)
                .set(user("name"), Expr::null())
                .reading(&busy)
                .filter(is_busy.clone())
                .render(),
        ),
        shown(
            Delete::from(&users)
                .reading(&posts)
                .filter(own)
                .returning()
                .render(),
        ),
        shown(
            Delete::<Param>::from(&users)
                .reading(&busy)
                .filter(is_busy)
                .render(),
        ),
        shown(
            Update::table(&users)
                .set(user("name"), &post("title"))
                .every_row()
                .render(),
        ),
        shown(
            Update::table(&users)
                .set(post("title"), "x")
                .every_row()
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n"), @r"
    UPDATE posts SET title = posts.title || $1 WHERE posts.id = $2 RETURNING posts.id, posts.title AS now [25, 20]
    UPDATE users SET name = posts.title FROM posts WHERE posts.author_id = users.id RETURNING users.id, users.email, users.name, users.created_at, posts.id, posts.author_id, posts.title, posts.tags []
    UPDATE users SET name = again.name FROM users AS again WHERE again.id < users.id []
    WITH busy (id) AS (SELECT posts.author_id AS id FROM posts GROUP BY posts.author_id) UPDATE users SET name = NULL FROM busy WHERE busy.id = users.id []
    DELETE FROM users USING posts WHERE posts.author_id = users.id RETURNING users.id, users.email, users.name, users.created_at []
    WITH busy (id) AS (SELECT posts.author_id AS id FROM posts GROUP BY posts.author_id) DELETE FROM users USING busy WHERE busy.id = users.id []
    error: posts.title is not part of this query, which reads users; join its table, or name the link to it in fetch_links
    error: posts.title is not a column of users, which this statement writes
    ");
}
