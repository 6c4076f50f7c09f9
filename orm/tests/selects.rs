//! Every form of SELECT and of expression, as text with its parameters' types.

mod common;

use common::{posts, users};
use data_bridge_driver::Error;
use data_bridge_orm::{
    query::{
        Derived, Expr, Function, IntoOperand, Join, Lock, Nulls, Operator, Param, Select,
        SetOperator, Statement, Strength, ValueType, Wait, Window,
    },
    schema::{Builtin, Column, ColumnRef, PgType, Table},
};

use SetOperator::{Except, ExceptAll, Intersect, IntersectAll, Union, UnionAll};

type E = Expr<Param>;

fn shown(rendered: Result<Statement<'_, Param>, Error>) -> String {
    rendered.map_or_else(
        |error| format!("error: {error}"),
        |statement| format!("{}\n{:?}", statement.sql, statement.types),
    )
}

/// What an expression over users becomes, table names left out.
fn expression(build: impl FnOnce(&dyn Fn(&str) -> ColumnRef) -> E) -> String {
    let users = users();
    let column = |name: &str| users.column(name).unwrap();
    let query = Select::of([build(&column)]).source(&users);
    match query.render() {
        Ok(statement) => {
            let (list, _) = statement.sql.split_once(" FROM \"users\"").unwrap();
            let list = list.strip_prefix("SELECT ").unwrap();
            format!("{} {:?}", list.replace("\"users\".", ""), statement.types)
        }
        Err(error) => format!("error: {error}"),
    }
}

fn call(name: &str, args: impl IntoIterator<Item = E>) -> Function<Param> {
    Function::new(name, args.into_iter().collect()).unwrap()
}

fn value(value: impl IntoOperand<Param>, builtin: Builtin) -> E {
    value.into_operand(ValueType::of(builtin))
}

#[test]
fn operators_one_by_one() {
    let mut lines = Vec::new();
    for operator in Operator::ALL {
        lines.push(expression(|c| match operator {
            Operator::And | Operator::Or => c("id").eq(1_i64).compare(*operator, c("id").eq(2_i64)),
            Operator::Add | Operator::Sub | Operator::Mul | Operator::Div | Operator::Rem => {
                c("id").compare(*operator, 2_i64)
            }
            _ => c("name").compare(*operator, "x"),
        }));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of expressions")]
fn expressions_one_by_one() {
    let lines = [
        expression(|c| c("id").plus(1_i64).times(2_i64)),
        expression(|c| c("id").minus(c("id").minus(1_i64))),
        expression(|c| c("id").minus(1_i64).minus(2_i64)),
        expression(|c| c("id").expr().negative().negative()),
        expression(|c| c("id").plus(1_i64).gt(c("id").times(2_i64)).eq(true)),
        expression(|c| c("name").concat("!").concat(&c("email")).like("A%")),
        expression(|c| c("name").like("A%").is_null()),
        expression(|c| {
            c("name")
                .is_null()
                .is_not_distinct_from(c("email").is_null())
        }),
        expression(|c| !(c("name").is_distinct_from("x"))),
        expression(|c| c("id").between(&c("id"), c("id").plus(1_i64))),
        expression(|c| c("created_at").minus(&c("created_at")).gt("1 day")),
        expression(|c| {
            E::row(vec![c("id").expr(), c("name").expr()]).eq(E::row(vec![E::null(), E::null()]))
        }),
        expression(|c| {
            E::row_in(
                vec![c("id").expr(), c("name").expr()],
                vec![Param::new(vec![1_i64]), Param::new(vec!["a"])],
                false,
            )
        }),
        expression(|c| {
            E::row_in(vec![c("id").expr()], vec![Param::new(vec![1_i64])], true) & c("id").gt(1_i64)
        }),
        expression(|_| E::row_in(vec![E::null()], vec![Param::new(vec![1_i64])], false)),
        expression(|c| {
            E::case(
                vec![(c("id").lt(3_i64), value("few", Builtin::Text))],
                Some(value("many", Builtin::Text)),
            )
        }),
        expression(|c| {
            E::case(
                vec![
                    (c("id").lt(3_i64), c("id").expr()),
                    (c("id").lt(9_i64), E::null()),
                ],
                None,
            )
            .plus(1_i64)
        }),
        expression(|c| {
            c("id")
                .expr()
                .cast(PgType::parse("numeric(10,2)").unwrap())
                .times(2_i64)
        }),
        expression(|c| c("id").expr().cast(PgType::parse("app.mood[]").unwrap())),
        expression(|c| c("id").plus(1_i64).label("next \"id\"").unwrap()),
        expression(|_| call("count", []).into()),
        expression(|c| {
            call("count", [c("name").expr()])
                .distinct()
                .filter(c("id").gt(1_i64))
                .filter(c("id").lt(9_i64))
                .into()
        }),
        expression(|c| {
            call("array_agg", [c("name").expr()])
                .order_by(c("id").desc().nulls(Nulls::Last))
                .order_by(c("name").asc())
                .into()
        }),
        expression(|c| E::from(call("sum", [c("id").expr()])).gt(5_i64)),
        expression(|c| call("coalesce", [c("name").expr(), value("none", Builtin::Text)]).into()),
        expression(|_| call("app.f", [value(1_i32, Builtin::Int4)]).into()),
        expression(|_| call("Weird(", []).into()),
        expression(|c| {
            call("row_number", [])
                .over(Window {
                    partition: vec![c("name").expr()],
                    order: vec![c("id").desc()],
                    frame: None,
                })
                .into()
        }),
        expression(|c| {
            call("sum", [c("id").expr()])
                .over(Window {
                    partition: Vec::new(),
                    order: vec![c("id").asc()],
                    frame: None,
                })
                .into()
        }),
        expression(|_| {
            call("rank", [])
                .over(Window {
                    partition: Vec::new(),
                    order: Vec::new(),
                    frame: None,
                })
                .into()
        }),
        expression(|c| {
            E::text("id % :n = :m", |name| {
                Some(Param::new(if name == "n" { 2_i64 } else { 1 }))
            })
            .unwrap()
                | c("id").gt(9_i64)
        }),
        expression(|c| E::text("id::text", |_| None).unwrap().concat(&c("name"))),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn clauses() {
    let (users, posts) = (users(), posts());
    let user = |name: &str| users.column(name).unwrap();
    let post = |name: &str| posts.column(name).unwrap();
    let all = || Select::<Param>::from(&users);
    let number = || {
        E::from(call("count", [post("id").expr()]))
            .label("n")
            .unwrap()
    };
    let lock = |strength, wait, of| Lock { strength, of, wait };
    let by_author = || post("author_id").eq(&user("id"));
    let forms = [
        shown(all().distinct().render()),
        shown(
            all()
                .distinct_on(vec![user("name").expr()])
                .order_by(user("name").asc())
                .order_by(user("id").desc())
                .render(),
        ),
        shown(
            Select::of([user("name").expr(), number()])
                .source(&users)
                .join(Join::Left, &posts, by_author())
                .group_by(user("id"))
                .having(number().gt(1_i64))
                .order_by(number().desc().nulls(Nulls::Last))
                .limit(10_i64)
                .render(),
        ),
        shown(all().join(Join::Inner, &posts, by_author()).render()),
        shown(all().join(Join::Right, &posts, by_author()).render()),
        shown(
            all()
                .join(Join::Full, &posts, by_author())
                .all_of(&posts)
                .render(),
        ),
        shown(all().source(&posts).render()),
        shown(
            Select::of([])
                .source(&users)
                .all_of(&users)
                .item(number())
                .join_by_key(Join::Inner, &posts)
                .unwrap()
                .group_by(user("id"))
                .render(),
        ),
        shown(
            Select::<Param>::from(&posts)
                .join_by_key(Join::Left, &users.alias("writer").unwrap())
                .unwrap()
                .render(),
        ),
        shown(
            all()
                .lock(lock(Strength::Update, Wait::Wait, vec![]))
                .render(),
        ),
        shown(
            all()
                .lock(lock(Strength::NoKeyUpdate, Wait::NoWait, vec![]))
                .render(),
        ),
        shown(
            all()
                .lock(lock(Strength::Share, Wait::SkipLocked, vec![users.clone()]))
                .render(),
        ),
        shown(
            all()
                .lock(lock(Strength::KeyShare, Wait::Wait, vec![posts.clone()]))
                .render(),
        ),
        shown(Select::of([value(1_i64, Builtin::Int8)]).render()),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn counts_keep_what_decides_the_number_of_rows() {
    let users = users();
    let (id, name) = (users.column("id").unwrap(), users.column("name").unwrap());
    let all = || Select::<Param>::from(&users).order_by(id.asc());
    let names = || Select::<Param>::of([name.expr()]).source(&users);
    let forms = [
        shown(all().count().render()),
        shown(all().limit(3_i64).count().render()),
        shown(names().distinct().count().render()),
        shown(names().group_by(&name).count().render()),
        shown(
            Select::of([call("max", [id.expr()]).into()])
                .source(&users)
                .count()
                .render(),
        ),
        shown(names().combine(Union, names()).count().render()),
        shown(
            all()
                .lock(Lock {
                    strength: Strength::Update,
                    of: Vec::new(),
                    wait: Wait::Wait,
                })
                .exists()
                .render(),
        ),
        shown(names().having(id.gt(1_i64)).exists().render()),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn subqueries() {
    let (users, posts) = (users(), posts());
    let user = |name: &str| users.column(name).unwrap();
    let post = |name: &str| posts.column(name).unwrap();
    let all = || Select::<Param>::from(&users);
    let own = || {
        Select::of([post("id").expr()])
            .source(&posts)
            .filter(post("author_id").eq(&user("id")))
    };
    let authors = || {
        Select::of([post("author_id").expr()])
            .source(&posts)
            .filter(post("title").like("A%"))
    };
    let counted = || {
        Derived::subquery(
            "counted",
            authors()
                .item(call("count", []).into())
                .group_by(post("author_id")),
        )
        .unwrap()
    };
    let forms = [
        shown(all().filter(E::exists(own())).render()),
        shown(
            all()
                .filter(!E::exists(own()) & user("id").gt(1_i64))
                .render(),
        ),
        shown(all().filter(user("id").expr().in_query(authors())).render()),
        shown(
            all()
                .filter(user("id").expr().not_in_query(authors()) | user("id").eq(1_i64))
                .render(),
        ),
        shown(
            all()
                .filter(E::scalar(Select::of([call("count", []).into()]).source(&posts)).gt(3_i64))
                .render(),
        ),
        {
            let counted = counted();
            let n = counted.column("column2").unwrap();
            let query = all()
                .join(
                    Join::Left,
                    &counted,
                    counted.column("author_id").unwrap().eq(&user("id")),
                )
                .filter(n.gt(2_i64))
                .order_by(n.desc());
            shown(query.render())
        },
        {
            let latest =
                Derived::lateral("latest", own().order_by(post("id").desc()).one()).unwrap();
            let query = all()
                .join(Join::Left, &latest, E::all([]))
                .item(latest.column("id").unwrap());
            shown(query.render())
        },
        shown(
            all()
                .filter(counted().column("column2").unwrap().gt(2_i64))
                .render(),
        ),
        counted().column("n").unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn common_table_expressions() {
    let (users, posts) = (users(), posts());
    let post = |name: &str| posts.column(name).unwrap();
    let authors = Derived::cte(
        "authors",
        Select::of([post("author_id").expr()])
            .source(&posts)
            .filter(post("id").gt(1_i64)),
    )
    .unwrap();
    let author = authors.column("author_id").unwrap();
    let prolific = Derived::cte(
        "prolific",
        Select::of([author.clone()])
            .source(&authors)
            .group_by(author.clone())
            .having(E::from(call("count", [])).gt(2_i64)),
    )
    .unwrap();
    let id = prolific.column("author_id").unwrap();
    let numbers = Derived::recursive(
        "numbers",
        Select::of([value(1_i64, Builtin::Int8).label("n").unwrap()]),
        false,
        |found| {
            let n = found.column("n")?;
            Ok::<_, Error>(
                Select::of([n.plus(1_i64)])
                    .source(&found)
                    .filter(n.lt(5_i64)),
            )
        },
    )
    .unwrap();
    let n = numbers.column("n").unwrap();
    let forms = [
        shown(
            Select::<Param>::from(&users)
                .join(Join::Inner, &prolific, id.eq(&users.column("id").unwrap()))
                .filter(users.column("id").unwrap().lt(9_i64))
                .render(),
        ),
        shown(
            Select::of([author.clone()])
                .source(&authors)
                .filter(
                    author
                        .clone()
                        .in_query(Select::of([id.clone()]).source(&prolific)),
                )
                .render(),
        ),
        shown(
            Select::of([n.clone()])
                .source(&numbers)
                .filter(n.gt(2_i64))
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn set_operations() {
    let users = users();
    let id = users.column("id").unwrap();
    let below = |limit: i64| Select::of([id.expr()]).source(&users).filter(id.lt(limit));
    let forms = [
        shown(
            below(1)
                .combine(Union, below(2))
                .order_by(id.desc())
                .limit(3_i64)
                .offset(1_i64)
                .render(),
        ),
        shown(
            below(1)
                .combine(UnionAll, below(2))
                .combine(Except, below(3))
                .render(),
        ),
        shown(
            below(1)
                .combine(UnionAll, below(2).combine(ExceptAll, below(3)))
                .render(),
        ),
        shown(
            below(1)
                .combine(Union, below(2).combine(Intersect, below(3)))
                .render(),
        ),
        shown(
            below(1)
                .combine(Union, below(2))
                .combine(IntersectAll, below(3))
                .render(),
        ),
        shown(
            below(1)
                .order_by(id.asc())
                .one()
                .combine(Union, below(2))
                .render(),
        ),
        shown(
            below(1)
                .combine(Union, below(2))
                .filter(id.gt(1_i64))
                .render(),
        ),
        shown(
            below(1)
                .combine(Union, below(2))
                .order_by(id.plus(1_i64).asc())
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn an_expression_that_stands_twice_is_one_parameter() {
    let users = users();
    let day = E::from(call(
        "date_trunc",
        [
            value("day", Builtin::Text),
            users.column("created_at").unwrap().expr(),
        ],
    ));
    let query = Select::of([day.clone(), call("count", []).into()])
        .source(&users)
        .filter(users.column("name").unwrap().eq("day"))
        .group_by(day.clone())
        .order_by(day.desc());
    insta::assert_snapshot!(shown(query.render()));
}

#[test]
fn a_self_join_needs_an_alias_and_depth_counts_subqueries() {
    let users = users();
    let other = users.alias("other").unwrap();
    let query = Select::<Param>::from(&users).join(
        Join::Inner,
        &other,
        other
            .column("name")
            .unwrap()
            .eq(&users.column("name").unwrap())
            & other.column("id").unwrap().ne(&users.column("id").unwrap()),
    );
    insta::assert_snapshot!(shown(query.all_of(&other).render()));

    let id = users.column("id").unwrap();
    let deep = (0..150).fold(
        Select::<Param>::of([id.expr()]).source(&users),
        |query, _| {
            Select::of([id.expr()])
                .source(&users)
                .filter(id.expr().in_query(query))
        },
    );
    assert!(deep.render().unwrap_err().to_string().contains("nests"));
    let unknown = Table::builder("other")
        .unwrap()
        .column(Column::new("id", Builtin::Int8).unwrap())
        .build()
        .unwrap();
    let lost = Select::<Param>::from(&users).order_by(unknown.column("id").unwrap().asc());
    assert!(
        lost.render()
            .unwrap_err()
            .to_string()
            .contains("join its table")
    );
}
