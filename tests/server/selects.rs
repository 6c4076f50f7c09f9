//! Expressions and the clauses of SELECT: what the server answers to each.
//!
//! When these run there are the user Ann, her posts `first` and `second`, and the posts `nobody's` and `untitled` of no one.

use data_bridge_driver::Error;
use data_bridge_driver::blocking::Client;
use data_bridge_orm::query::{
    Derived, Expr, Function, IntoOperand, Join, Lock, Nulls, Operator, Param, Select, SetOperator,
    Strength, ValueType, Wait, Window,
};
use data_bridge_orm::schema::{Builtin, PgType, Table};

use super::run;

use SetOperator::{Except, ExceptAll, Intersect, IntersectAll, Union, UnionAll};

type E = Expr<Param>;

fn value(value: impl IntoOperand<Param>, builtin: Builtin) -> E {
    value.into_operand(ValueType::of(builtin))
}

fn int(number: i64) -> E {
    value(number, Builtin::Int8).cast(PgType::from(Builtin::Int8))
}

fn call(name: &str, args: impl IntoIterator<Item = E>) -> Result<Function<Param>, Error> {
    Function::new(name, args.into_iter().collect())
}

/// The first column of the rows as text, NULL as `-`.
fn answers(client: &mut Client, query: &Select) -> Result<String, Error> {
    let rows = run(client, query.render()?)?;
    let words = rows.iter().map(|row| row.get::<Option<String>>(0));
    Ok(words
        .map(|word| word.unwrap_or_else(|| "-".to_owned()))
        .collect::<Vec<_>>()
        .join(" "))
}

fn text(expr: &E) -> E {
    expr.cast(PgType::from(Builtin::Text))
}

/// The operators of JSON, arrays, ranges and full text, with what they give.
fn containers(operator: Operator) -> Result<(E, &'static str), Error> {
    // As constants, since the client asks the server for the types of parameters.
    let of = |text: &str, ty: &str| E::text(&format!("'{text}'::{ty}"), |_| None);
    let json = of(r#"{"a": 1, "b": 2}"#, "jsonb")?;
    let keys = || E::param(Param::new(vec!["a"]), ValueType::of(Builtin::Text).array());
    let (low, high) = (of("[1,3)", "int4range")?, of("[3,5)", "int4range")?);
    Ok(match operator {
        Operator::Contains => (json.contains(of(r#"{"a": 1}"#, "jsonb")?), "true"),
        Operator::ContainedBy => (low.contained_by(of("[0,5)", "int4range")?), "true"),
        Operator::Overlaps => (
            of("{1,2}", "int[]")?.overlaps(of("{2,3}", "int[]")?),
            "true",
        ),
        Operator::Adjacent | Operator::Before | Operator::EndsWithin => {
            (low.compare(operator, high), "true")
        }
        Operator::After | Operator::BeginsWithin => (low.compare(operator, high), "false"),
        Operator::Get | Operator::GetText => (json.compare(operator, "b"), "2"),
        Operator::GetPath | Operator::GetPathText => (json.compare(operator, keys()), "1"),
        Operator::DeletePath => (json.without_path(keys()), r#"{"b": 2}"#),
        Operator::HasKey => (json.has_key("c"), "false"),
        Operator::HasAny | Operator::HasAll => (json.compare(operator, keys()), "true"),
        Operator::PathExists => (json.compare(operator, of("$.c", "jsonpath")?), "false"),
        Operator::Match => (
            of("a b", "tsvector")?.compare(operator, of("b", "tsquery")?),
            "true",
        ),
        other => panic!("{other:?} has no case"),
    })
}

pub fn expressions(client: &mut Client, users: &Table, _: &Table) -> Result<(), Error> {
    let (id, email, visits) = (
        users.column("id")?,
        users.column("email")?,
        users.column("visits")?,
    );
    let mut cases: Vec<(E, &str)> = Vec::new();
    for operator in Operator::ALL {
        cases.push(match operator {
            Operator::And | Operator::Or => (id.eq(1_i64).compare(*operator, id.eq(1_i64)), "true"),
            Operator::Add => (visits.plus(1_i32), "43"),
            Operator::Sub => (visits.minus(1_i32), "41"),
            Operator::Mul => (visits.times(2_i32), "84"),
            Operator::Div => (visits.divided_by(5_i32), "8"),
            Operator::Rem => (visits.modulo(5_i32), "2"),
            Operator::Concat => (email.concat("!"), "ann@x.io!"),
            Operator::Regexp | Operator::Like | Operator::StartsWith => (
                email.compare(*operator, "ann%"),
                match operator {
                    Operator::Like => "true",
                    _ => "false",
                },
            ),
            Operator::IRegexp | Operator::ILike => (email.compare(*operator, "ANN@X.IO"), "true"),
            Operator::Eq | Operator::IsNotDistinct => {
                (email.compare(*operator, "ann@x.io"), "true")
            }
            Operator::Le | Operator::Ge => (email.compare(*operator, "ann@x.io"), "true"),
            Operator::NotLike | Operator::NotILike | Operator::NotRegexp | Operator::NotIRegexp => {
                (email.compare(*operator, "bob"), "true")
            }
            Operator::Ne | Operator::IsDistinct => (email.compare(*operator, "bob"), "true"),
            Operator::Lt => (visits.lt(43_i32), "true"),
            Operator::Gt => (visits.gt(43_i32), "false"),
            Operator::Pow => (visits.power(2.0_f64), "1764"),
            _ => containers(*operator)?,
        });
    }
    cases.extend([
        (visits.plus(1_i32).times(2_i32), "86"),
        (visits.minus(visits.minus(1_i32)), "1"),
        (visits.minus(1_i32).minus(2_i32), "39"),
        (visits.expr().negative().negative().plus(0_i32), "42"),
        (visits.plus(1_i32).gt(visits.times(2_i32)).eq(false), "true"),
        (
            email.like("b%").is_null().is_distinct_from(email.is_null()),
            "false",
        ),
        (
            visits.between(visits.minus(1_i32), visits.plus(1_i32)),
            "true",
        ),
        (E::row(vec![id.expr(), E::null()]).is_null(), "false"),
        (
            E::row_in(
                vec![visits.expr(), email.expr()],
                vec![
                    Param::new(vec![1_i32, 42]),
                    Param::new(vec!["bob", "ann@x.io"]),
                ],
                false,
            ),
            "true",
        ),
        (
            E::row_in(vec![visits.expr()], vec![Param::new(vec![1_i32])], true),
            "true",
        ),
        (
            E::case(
                vec![(visits.lt(3_i32), value("few", Builtin::Text))],
                Some(value("many", Builtin::Text)),
            ),
            "many",
        ),
        (E::case(vec![(visits.lt(3_i32), visits.expr())], None), "-"),
        (visits.expr().cast(PgType::parse("numeric(10,2)")?), "42.00"),
        (
            call("coalesce", [E::null(), email.expr()])?.into(),
            "ann@x.io",
        ),
        (call("pg_catalog.length", [email.expr()])?.into(), "8"),
        (
            E::text("visits::int8 + :n", |_| Some(Param::new(1_i64)))?,
            "43",
        ),
        (
            E::text("visits % 2 = 1", |_| None)?.compare(Operator::Or, id.is_not_null()),
            "true",
        ),
    ]);
    for (expr, expected) in cases {
        let query = Select::of([text(&expr)]).source(users);
        assert_eq!(
            answers(client, &query)?,
            expected,
            "{}",
            query.render()?.sql
        );
    }
    Ok(())
}

#[expect(
    clippy::too_many_lines,
    reason = "a table of queries and their answers"
)]
pub fn clauses(client: &mut Client, users: &Table, posts: &Table) -> Result<(), Error> {
    let (id, author, title) = (
        posts.column("id")?,
        posts.column("author_id")?,
        posts.column("title")?,
    );
    let (user, email) = (users.column("id")?, users.column("email")?);
    let titles = || Select::<Param>::of([title.expr()]).source(posts);
    let count = || call("count", []);
    let by_author = || author.eq(&user);
    let lock = |strength, wait| Lock {
        strength,
        of: vec![posts.clone()],
        wait,
    };
    let numbered = call("row_number", [])?.over(Window {
        partition: vec![author.expr()],
        order: vec![id.desc()],
        frame: None,
    });
    let list = call(
        "array_to_string",
        [
            call("array_agg", [title.expr()])?
                .order_by(title.desc())
                .into(),
            value("+", Builtin::Text),
        ],
    )?;
    let cases: Vec<(Select, &str)> = vec![
        (
            Select::of([text(&author.is_null())])
                .source(posts)
                .distinct()
                .order_by(text(&author.is_null()).asc()),
            "false true",
        ),
        (
            titles()
                .distinct_on(vec![author.expr()])
                .order_by(author.asc().nulls(Nulls::First))
                .order_by(title.desc()),
            "untitled second",
        ),
        (
            Select::of([text(&count()?.into())])
                .source(posts)
                .group_by(&author)
                .order_by(author.asc()),
            "2 2",
        ),
        (
            Select::of([text(&count()?.into())])
                .source(posts)
                .having(E::from(count()?).gt(9_i64)),
            "",
        ),
        (
            Select::of([text(&count()?.filter(author.is_null()).into())]).source(posts),
            "2",
        ),
        (
            Select::of([text(&call("count", [author.expr()])?.distinct().into())]).source(posts),
            "1",
        ),
        (
            Select::of([list.into()])
                .source(posts)
                .filter(author.is_not_null()),
            "second+first",
        ),
        (
            Select::of([text(&numbered.into())])
                .source(posts)
                .order_by(title.asc()),
            "2 2 1 1",
        ),
        (
            titles()
                .join(Join::Inner, users, by_author())
                .order_by(title.asc()),
            "first second",
        ),
        (
            titles()
                .join_by_key(Join::Left, users)?
                .filter(user.is_null())
                .order_by(title.asc()),
            "nobody's untitled",
        ),
        (
            Select::of([email.expr()]).source(posts).join(
                Join::Right,
                users,
                by_author() & title.eq("first"),
            ),
            "ann@x.io",
        ),
        (
            Select::of([text(&count()?.into())])
                .source(posts)
                .join(Join::Full, users, by_author()),
            "4",
        ),
        (
            Select::of([text(&count()?.into())])
                .source(posts)
                .source(users),
            "4",
        ),
        (
            titles()
                .join(
                    Join::Inner,
                    &posts.alias("twin")?,
                    posts.alias("twin")?.column("id")?.is_not_null(),
                )
                .limit(0_i64)
                .lock(lock(Strength::Update, Wait::Wait)),
            "lost",
        ),
        (
            titles()
                .filter(title.like("f%"))
                .lock(lock(Strength::Update, Wait::NoWait)),
            "first",
        ),
        (
            titles()
                .filter(title.like("f%"))
                .lock(lock(Strength::NoKeyUpdate, Wait::SkipLocked)),
            "first",
        ),
        (
            titles()
                .filter(title.like("f%"))
                .lock(lock(Strength::Share, Wait::Wait)),
            "first",
        ),
        (
            titles()
                .filter(title.like("f%"))
                .lock(lock(Strength::KeyShare, Wait::Wait)),
            "first",
        ),
        (
            titles().order_by(title.desc()).limit(1_i64).offset(1_i64),
            "second",
        ),
    ];
    for (query, expected) in cases {
        if expected == "lost" {
            assert!(
                query.render().is_err(),
                "the alias of the condition is another one"
            );
            continue;
        }
        assert_eq!(
            answers(client, &query)?,
            expected,
            "{}",
            query.render()?.sql
        );
    }
    let twin = posts.alias("twin")?;
    let pairs = titles().join(
        Join::Inner,
        &twin,
        twin.column("author_id")?.eq(&author) & twin.column("id")?.gt(&id),
    );
    assert_eq!(answers(client, &pairs)?, "first");
    let both = Select::<Param>::from(posts)
        .join(Join::Inner, users, by_author())
        .all_of(users)
        .filter(title.eq("first"));
    assert_eq!(run(client, both.render()?)?[0].len(), 7);

    // The same expression in three places is one parameter, or the server would not know it again.
    let initial = E::from(call("left", [title.expr(), value(1_i32, Builtin::Int4)])?);
    let grouped = Select::of([initial.clone()])
        .source(posts)
        .group_by(initial.clone())
        .order_by(initial.desc());
    assert_eq!(answers(client, &grouped)?, "u s n f");
    for (query, expected) in [
        (titles().distinct(), 4),
        (titles().order_by(title.asc()).limit(3_i64), 3),
        (titles().order_by(title.asc()), 4),
        (titles().group_by(&title).having(title.gt("n")), 3),
        (
            Select::of([call("max", [id.expr()])?.into()]).source(posts),
            1,
        ),
        (titles().combine(UnionAll, titles()), 8),
        (
            titles()
                .filter(title.eq("first"))
                .lock(lock(Strength::Update, Wait::Wait)),
            1,
        ),
    ] {
        assert_eq!(
            run(client, query.clone().count().render()?)?[0].get::<i64>(0),
            expected
        );
        assert!(run(client, query.exists().render()?)?[0].get::<bool>(0));
    }
    Ok(())
}

#[expect(
    clippy::too_many_lines,
    reason = "a table of queries and their answers"
)]
pub fn queries_in_queries(client: &mut Client, users: &Table, posts: &Table) -> Result<(), Error> {
    let (id, author, title) = (
        posts.column("id")?,
        posts.column("author_id")?,
        posts.column("title")?,
    );
    let (user, email) = (users.column("id")?, users.column("email")?);
    let emails = || Select::<Param>::of([email.expr()]).source(users);
    let titles = || Select::<Param>::of([title.expr()]).source(posts);
    let own = || titles().filter(author.eq(&user));
    let some = |limit: &'static str| titles().filter(title.lt(limit));
    let counted = Derived::subquery(
        "counted",
        Select::of([author.expr(), E::from(call("count", [])?).label("n")?])
            .source(posts)
            .group_by(&author),
    )?;
    let latest = Derived::lateral("latest", own().order_by(id.desc()).one())?;
    let authors = Derived::cte(
        "authors",
        Select::of([author.expr()])
            .source(posts)
            .filter(author.is_not_null()),
    )?;
    let once = Derived::cte(
        "once",
        Select::of([authors.column("author_id")?])
            .source(&authors)
            .distinct(),
    )?;
    let numbers = Derived::recursive(
        "numbers",
        Select::of([int(1).label("n")?]),
        false,
        |found| {
            let n = found.column("n")?;
            Ok::<_, Error>(
                Select::of([n.plus(1_i64)])
                    .source(&found)
                    .filter(n.lt(5_i64)),
            )
        },
    )?;
    let n = numbers.column("n")?;
    for (query, expected) in [
        (emails().filter(E::exists(own())), "ann@x.io"),
        (emails().filter(!E::exists(own())), ""),
        (
            titles()
                .filter(
                    author
                        .expr()
                        .in_query(Select::of([user.expr()]).source(users)),
                )
                .order_by(title.asc()),
            "first second",
        ),
        (
            titles().filter(
                author
                    .expr()
                    .not_in_query(Select::of([user.expr()]).source(users)),
            ),
            "",
        ),
        (
            Select::of([text(&E::scalar(
                Select::of([call("count", [])?.into()]).source(posts),
            ))]),
            "4",
        ),
        (
            Select::of([text(&counted.column("n")?)])
                .source(users)
                .join(Join::Left, &counted, counted.column("author_id")?.eq(&user)),
            "2",
        ),
        (
            Select::of([latest.column("title")?]).source(users).join(
                Join::Left,
                &latest,
                E::all([]),
            ),
            "second",
        ),
        (
            Select::of([text(&authors.column("author_id")?)])
                .source(&authors)
                .source(&once),
            "1 1",
        ),
        (
            Select::of([text(&n)])
                .source(&numbers)
                .filter(n.gt(2_i64))
                .order_by(n.desc()),
            "5 4 3",
        ),
        (
            titles()
                .filter(int(3).in_query(Select::of([n.clone()]).source(&numbers)))
                .order_by(title.asc())
                .one(),
            "first",
        ),
        (
            some("n")
                .combine(Union, some("o"))
                .order_by(title.desc())
                .limit(9_i64)
                .offset(1_i64),
            "first",
        ),
        (some("n").combine(UnionAll, some("n")), "first first"),
        (some("o").combine(Intersect, some("n")), "first"),
        (some("o").combine(IntersectAll, some("n")), "first"),
        (some("o").combine(Except, some("n")), "nobody's"),
        (
            some("n")
                .combine(UnionAll, some("n"))
                .combine(ExceptAll, some("n")),
            "first",
        ),
        (
            some("n").combine(UnionAll, some("n").combine(Except, some("n"))),
            "first",
        ),
        (
            some("n")
                .combine(Union, some("o"))
                .combine(Intersect, some("n")),
            "first",
        ),
        (
            some("z")
                .order_by(title.desc())
                .one()
                .combine(Union, some("n"))
                .order_by(title.asc()),
            "first untitled",
        ),
    ] {
        assert_eq!(
            answers(client, &query)?,
            expected,
            "{}",
            query.render()?.sql
        );
    }
    Ok(())
}
