//! JSON, arrays, ranges, full text, frames, groupings, and what stands in FROM besides tables, as whole statements.
//!
//! The server's tests read the snapshots of this file and prepare each statement on every version.

use data_bridge_driver::Error;
use data_bridge_orm::{
    query::{
        Bound, Derived, Expr, Frame, Function, IntoOperand, Join, Nulls, Operator, Order, Param,
        Select, Statement, Unit, ValueType, Window,
    },
    schema::{Builtin, Column, ColumnRef, PgType, Table},
};

type E = Expr<Param>;

fn gadgets() -> Table {
    let column = |name: &str, ty: &str| Column::new(name, PgType::parse(ty).unwrap()).unwrap();
    Table::builder("gadgets")
        .unwrap()
        .column(column("id", "bigint").primary_key())
        .column(column("small", "smallint"))
        .column(column("name", "text").nullable())
        .column(column("data", "jsonb"))
        .column(column("tags", "text[]"))
        .column(column("span", "int4range"))
        .column(column("body", "tsvector"))
        .column(column("made", "timestamptz"))
        .build()
        .unwrap()
}

fn shown(rendered: Result<Statement<'_, Param>, Error>) -> String {
    rendered.map_or_else(
        |error| format!("error: {error}"),
        |statement| format!("{}\n{:?}", statement.sql, statement.types),
    )
}

/// Each expression in a query of its own.
fn selected(build: impl FnOnce(&dyn Fn(&str) -> E) -> Vec<E>) -> String {
    let table = gadgets();
    let forms = build(&|name| table.column(name).unwrap().expr());
    let queries = forms
        .into_iter()
        .map(|expr| shown(Select::of([expr]).source(&table).render()));
    queries.collect::<Vec<_>>().join("\n\n")
}

fn call(name: &str, args: impl IntoIterator<Item = E>) -> Function<Param> {
    Function::new(name, args.into_iter().collect()).unwrap()
}

fn value(value: impl IntoOperand<Param>, builtin: Builtin) -> E {
    value.into_operand(ValueType::of(builtin))
}

fn words() -> Param {
    Param::new(vec!["a", "b"])
}

#[test]
fn json() {
    let forms = selected(|c| {
        let data = c("data");
        let path = || E::param(words(), ValueType::of(Builtin::Text).array());
        vec![
            data.key("a").key("b").at(0_i32),
            data.key("a").as_text(),
            data.at(-1_i32).as_text().concat("!"),
            data.as_text(),
            data.path(path()).as_text(),
            data.key("n").as_integer().plus(1_i64),
            data.key("n").as_float(),
            data.key("n").as_numeric(),
            data.key("n").as_boolean(),
            data.key_text("a").like("x%"),
            data.path_text(path()).is_null(),
            data.without_path(path()).minus("a"),
            data.concat(data.key("a")),
            data.contains(data.key("a")),
            data.contained_by(data.key("a")),
            data.has_key("a") & !data.has_any(path()) & data.has_all(path()),
            data.path_exists("$.a"),
            data.path_match("$.a > 1"),
            call("jsonb_array_length", [data.key("a")]).into(),
        ]
    });
    insta::assert_snapshot!(forms);
}

#[test]
fn arrays_and_ranges() {
    let forms = selected(|c| {
        let (tags, span) = (c("tags"), c("span"));
        let ends = (value(1_i64, Builtin::Int8), value(2_i64, Builtin::Int8));
        let longer = tags.concat(c("tags"));
        vec![
            tags.element(1_i64),
            tags.element(c("id").plus(1_i64)).concat("!"),
            longer.element(2_i64),
            tags.elements(Some(ends.0.clone()), Some(ends.1.clone())),
            tags.elements(None, Some(ends.1)).element(1_i64),
            tags.elements(Some(ends.0), None),
            tags.elements(None, None),
            tags.contains(c("tags")) & tags.contained_by(c("tags")) & tags.overlaps(c("tags")),
            tags.any_element().eq("x"),
            tags.all_elements().gt("x"),
            c("name").ne(tags.all_elements()),
            c("name").like(tags.any_element()),
            c("id").eq(E::scalar(Select::of([c("id")])).any_element()),
            call("unnest", [tags]).into(),
            span.contains(value(3_i32, Builtin::Int4)),
            span.contains(&span) & span.contained_by(&span) & span.overlaps(&span),
            span.adjacent_to(&span) | span.before(&span) | span.after(&span),
            span.compare(Operator::EndsWithin, &span) | span.compare(Operator::BeginsWithin, &span),
            call("lower", [span.clone()]).into(),
            E::from(call("upper", [span])).plus(1_i32),
        ]
    });
    insta::assert_snapshot!(forms);
}

#[test]
fn texts_and_operators() {
    let forms = selected(|c| {
        let document = E::from(call("to_tsvector", [c("name")]));
        vec![
            c("name").matches("a b", None).unwrap(),
            c("name").matches("a b", Some("english")).unwrap(),
            c("body").matches("a b", Some("pg_catalog.simple")).unwrap(),
            document.compare(
                Operator::Match,
                E::from(call("to_tsquery", [value("a", Builtin::Text)])),
            ),
            call(
                "ts_rank",
                [
                    c("body"),
                    E::from(call("to_tsquery", [value("a", Builtin::Text)])),
                ],
            )
            .into(),
            c("name").collate("C").unwrap().lt("x"),
            c("name").concat("x").collate("pg_catalog.C").unwrap(),
            c("id").op("#", 3_i64).unwrap(),
            c("id").op("+", 1_i64).unwrap().times(2_i64),
            c("id").op("|", 1_i64).unwrap().op("&", 2_i64).unwrap(),
            c("id").minus(1_i64).op("<<", 2_i32).unwrap(),
            c("name").op("like", "x").unwrap(),
            c("id").power(2.0_f64).times(3.0_f64),
            c("id").negative().power(2.0_f64),
        ]
    });
    insta::assert_snapshot!(forms);
}

fn over(unit: Unit, start: Bound<Param>, end: Bound<Param>, order: Vec<Order<Param>>) -> E {
    let frame = Some(Frame { unit, start, end });
    let partition = Vec::new();
    let window = Window {
        partition,
        order,
        frame,
    };
    call("count", []).over(window).into()
}

#[test]
fn frames_and_groupings() {
    let table = gadgets();
    let column = |name: &str| -> ColumnRef { table.column(name).unwrap() };
    let eight = |number: i64| value(number, Builtin::Int8);
    let mut forms = vec![selected(|c| {
        vec![
            over(
                Unit::Rows,
                Bound::Preceding(eight(1)),
                Bound::Following(eight(2)),
                vec![c("id").asc()],
            ),
            over(
                Unit::Rows,
                Bound::UnboundedPreceding,
                Bound::CurrentRow,
                Vec::new(),
            ),
            over(
                Unit::Groups,
                Bound::CurrentRow,
                Bound::UnboundedFollowing,
                vec![c("id").asc()],
            ),
            over(
                Unit::Range,
                Bound::Preceding(eight(5)),
                Bound::CurrentRow,
                vec![c("id").asc()],
            ),
            call("percentile_cont", [value(0.5, Builtin::Float8)])
                .within_group(c("id").asc())
                .into(),
            call("mode", [])
                .within_group(c("name").desc())
                .filter(c("id").gt(1_i64))
                .into(),
        ]
    })];
    for grouping in [
        E::rollup(vec![column("id").expr(), column("name").expr()]),
        E::cube(vec![column("id").expr(), column("name").expr()]),
        E::grouping_sets(vec![
            vec![column("id").expr(), column("name").expr()],
            vec![column("name").expr()],
            vec![],
        ]),
    ] {
        let items = [column("id").expr(), call("count", []).into()];
        forms.push(shown(
            Select::of(items).source(&table).group_by(grouping).render(),
        ));
    }
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn sources() {
    let table = gadgets();
    let column = |name: &str| -> ColumnRef { table.column(name).unwrap() };
    let ids = || Select::of([column("id").expr()]).source(&table);
    let seed = Derived::seed("found", ids()).unwrap();
    let n = seed.column("id").unwrap();
    let step = Select::of([n.plus(1_i64)])
        .source(&seed)
        .filter(n.lt(9_i64));
    let whole = seed.step(true, step.clone()).unwrap();
    let given = [
        ("id", PgType::from(Builtin::Int8), Param::new(vec![1_i64])),
        (
            "note",
            PgType::parse("varchar(3)").unwrap(),
            Param::new(vec!["a"]),
        ),
    ];
    let given = Derived::values("given", given).unwrap();
    let series = call(
        "generate_series",
        [value(1_i64, Builtin::Int8), column("id").expr()],
    );
    let series = Derived::call("series", series, &["n"], Some("place")).unwrap();
    let forms = [
        shown(Select::of([n.clone()]).source(&whole).render()),
        shown(Select::of([n.clone()]).source(&seed).render()),
        shown(
            Select::of([given.column("note").unwrap()])
                .source(&given)
                .render(),
        ),
        shown(
            ids()
                .item(series.column("n").unwrap())
                .item(series.column("place").unwrap())
                .join(Join::Left, &series, E::all([]))
                .render(),
        ),
        shown(ids().source(&given).render()),
        whole.step(false, step).unwrap_err().to_string(),
        Derived::<Param>::values("v", []).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn pages_begin_behind_a_row() {
    let table = gadgets();
    let column = |name: &str| -> ColumnRef { table.column(name).unwrap() };
    let ordered = |orders: Vec<Order<Param>>| {
        let ids = Select::of([column("id").expr()]).source(&table);
        orders.into_iter().fold(ids, Select::order_by)
    };
    let id = || value(7_i64, Builtin::Int8);
    let name = || value("x", Builtin::Text);
    let small = || value(1_i16, Builtin::Int2);
    let (by_id, by_name, by_small) = (column("id"), column("name"), column("small"));
    let after = |orders, values| match ordered(orders).after(values) {
        Ok(query) => shown(query.render()),
        Err(error) => format!("error: {error}"),
    };
    let forms = [
        after(vec![by_id.asc()], vec![id()]),
        after(vec![by_small.desc(), by_id.desc()], vec![small(), id()]),
        after(vec![by_small.desc(), by_id.asc()], vec![small(), id()]),
        after(vec![by_name.asc(), by_id.asc()], vec![name(), id()]),
        after(vec![by_name.asc(), by_id.asc()], vec![E::null(), id()]),
        after(vec![by_name.desc(), by_id.desc()], vec![name(), id()]),
        after(vec![by_name.desc(), by_id.desc()], vec![E::null(), id()]),
        after(vec![by_name.desc().nulls(Nulls::Last)], vec![E::null()]),
        after(
            vec![
                by_name.desc().nulls(Nulls::Last),
                by_small.asc(),
                by_id.asc(),
            ],
            vec![name(), small(), id()],
        ),
        after(vec![], vec![id()]),
        after(vec![by_id.asc()], vec![]),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}

#[test]
fn equal_values_are_one_parameter_where_expressions_must_be_equal() {
    let table = gadgets();
    let name = table.column("name").unwrap();
    let initial = |length: i32| {
        let length =
            E::comparable_param(Param::new(length), ValueType::of(Builtin::Int4), |_, _| {
                true
            });
        E::from(call("left", [name.expr(), length]))
    };
    let shared = value(3_i64, Builtin::Int8);
    let id = table.column("id").unwrap();
    let forms = [
        shown(
            Select::of([initial(1)])
                .source(&table)
                .group_by(initial(1))
                .order_by(initial(1).desc())
                .render(),
        ),
        shown(
            Select::of([initial(1)])
                .source(&table)
                .filter(initial(1).eq("x"))
                .render(),
        ),
        shown(
            Select::of([id.expr()])
                .source(&table)
                .filter(id.gt(&shared) | id.lt(&shared))
                .render(),
        ),
    ];
    insta::assert_snapshot!(forms.join("\n\n"));
}
