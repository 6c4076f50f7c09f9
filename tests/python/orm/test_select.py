"""Queries of expressions and classes, on a real server."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import (
    Col,
    Column,
    Expression,
    ManyRowsError,
    NoRowError,
    Table,
    alias,
    and_,
    case,
    cast,
    col,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    tuple_,
)
from data_bridge.postgres.errors import Error, InterfaceError

from .models import Everything, Post, User

post_id, title, author_id = col(Post.id), col(Post.title), col(Post.author_id)


@pytest.fixture
async def people(db: pg.Database) -> None:
    """Ann with two posts, Bob with one, Cy with none; and a post of no one."""
    for email, name, age in [("ann@x.io", "Ann", 30), ("bob@x.io", "Bob", 40), ("cy@y.io", None, None)]:
        await User.insert_one({"email": email, "name": name, "age": age})
    for writer, words in [(1, "a one"), (1, "b two"), (2, "c three"), (None, "d lost")]:
        await Post.insert_one({"author_id": writer, "title": words})


async def only(query: Any) -> list[Any]:
    """The first values of the rows."""
    return list(await query.scalars())


@pytest.mark.smoke
@pytest.mark.usefixtures("people")
async def test_rows_are_instances_or_tuples() -> None:
    users = await User.select().where(User.age > 20).order_by(User.name.desc())
    assert [type(user) for user in users] == [User, User]
    assert [user.name for user in users] == ["Bob", "Ann"]
    rows = await select(User.name, User.age + 1).order_by(User.id)
    assert rows == [("Ann", 31), ("Bob", 41), (None, None)]
    assert all(type(row) is tuple for row in rows)
    assert await only(select(User.name).order_by(User.name)) == ["Ann", "Bob", None]
    pairs = await select(User, post_id, Post).left_join(Post.author).order_by(User.id, post_id)
    assert [(user.name, number, post and post.title) for user, number, post in pairs] == [
        ("Ann", 1, "a one"),
        ("Ann", 2, "b two"),
        ("Bob", 3, "c three"),
        (None, None, None),
    ]
    assert isinstance(pairs[0][2], Post)


@pytest.mark.smoke
@pytest.mark.usefixtures("people")
async def test_expressions() -> None:
    ann = User.id == 1
    for expression, expected in [
        (User.age + 1, 31),
        (1 + User.age, 31),
        (100 - User.age, 70),
        (User.age * 2 - 1, 59),
        (User.age / 4, 7),
        (User.age % 7, 2),
        (100 % User.age, 10),
        (-User.age, -30),
        (User.age * 1.5, 45.0),
        (User.age * Decimal("1.5"), Decimal("45.0")),
        (User.name + "!", "Ann!"),
        ("Dr " + User.name, "Dr Ann"),
        (User.name.concat(User.email), "Annann@x.io"),
        (User.age > 29.5, True),
        (User.age.is_distinct_from(None), True),
        (User.name.is_not_distinct_from("Ann"), True),
        (User.email.startswith("ann@"), True),
        (User.email.regexp("^A"), False),
        (User.email.regexp("^A", ignore_case=True), True),
        (User.created_at - timedelta(days=1) < User.created_at, True),
        (User.created_at - User.created_at, timedelta()),
        (case((User.age < 18, "young"), (User.age < 65, "grown"), else_="old"), "grown"),
        (case((User.age < 18, User.name)), None),
        (cast(User.age, str), "30"),
        (cast(User.age, "numeric(5,1)"), Decimal("30.0")),
        (literal("x"), "x"),
        (literal(7), 7),
        (literal(date(2020, 1, 1), "date").is_(None), False),
        (func.coalesce(User.name, "nobody"), "Ann"),
        (func.upper(User.name), "ANN"),
        (func.concat(User.name, 1, "x"), "Ann1x"),
        (func.pg_catalog.length(User.name), 3),
        (func.now() > User.created_at - timedelta(hours=1), True),
        (text("age + :n", n=5), 35),
        (and_(), True),
        (or_(), False),
        (and_(ann, User.age == 30, or_(User.age == 1, User.name == "Ann")), True),
        (not_(ann), False),
        (tuple_(User.age, User.name) == (30, "Ann"), True),
        (tuple_(User.age, User.name) > (30, "Amy"), True),
        (tuple_(User.age, User.name).in_([(1, "x"), (30, "Ann")]), True),
        (tuple_(User.age, User.name).not_in([(30, "Ann")]), False),
    ]:
        rows = await select(expression).select_from(User).where(ann)  # type: ignore[arg-type]
        assert rows == [(expected,)], select(expression).sql()  # type: ignore[arg-type]


@pytest.mark.smoke
@pytest.mark.usefixtures("people")
async def test_joins_and_groups() -> None:
    number = func.count(post_id).label("n")
    by_name = select(User.name, number).group_by(User.id).order_by(User.name.desc().nulls_last())
    assert await by_name.left_join(Post.author) == [("Bob", 1), ("Ann", 2), (None, 0)]
    assert await by_name.join(Post.author).having(number > 1) == [("Ann", 2)]
    assert await by_name.join(Post, author_id == User.id) == [("Bob", 1), ("Ann", 2)]
    with pytest.raises(InterfaceError, match="several foreign keys"):
        by_name.join(Post)
    titles = select(title).order_by(title)
    assert await only(titles.join(Post.author)) == ["a one", "b two", "c three"]
    assert await only(titles.join(User, User.id == author_id, how="left").where(User.id.is_(None))) == ["d lost"]
    assert len(await titles.join(User, User.id == author_id, how="full")) == 5
    assert len(await select(User.id).join(Post.author, how="right")) == 4
    twin = alias(Post, "twin")
    pairs = select(title, twin.title).join(twin, col(twin.author_id) == author_id).where(post_id < twin.id)
    assert await pairs == [("a one", "b two")]
    assert await only(select(twin.title).where(col(twin.title).startswith("d"))) == ["d lost"]
    assert [post.title for post in await select(twin).order_by(twin.id).limit(1).scalars()] == ["a one"]
    with pytest.raises(ValueError, match="unknown"):
        titles.join(User, how="sideways")
    twice = select(User.id).join(User.company).join(User.company)
    assert twice.sql().count("JOIN") == 1


@pytest.mark.usefixtures("people")
async def test_aggregates_and_windows() -> None:
    titles = func.array_agg(title).order_by(title.desc())
    assert await select(titles).where(author_id == 1) == [(["b two", "a one"],)]
    assert await select(func.count(author_id).distinct(), func.count().filter(author_id == 1)) == [(2, 2)]
    assert await select(func.sum(User.age), func.avg(User.age), func.max(User.name)) == [(70, Decimal(35), "Bob")]
    rank = func.row_number().over(partition_by=author_id, order_by=post_id.desc())
    assert await only(select(rank).order_by(post_id)) == [2, 1, 1, 1]
    assert await only(select(func.sum(User.age).over(order_by=[User.id])).where(User.age > 0)) == [30, 70]
    initial = func.left(title, 1)
    assert await select(initial, func.count()).group_by(initial).order_by(initial.desc()).limit(1) == [("d", 1)]
    with pytest.raises(TypeError, match="call of a function"):
        User.age.filter(User.id == 1)


@pytest.mark.smoke
@pytest.mark.usefixtures("people")
async def test_queries_in_queries() -> None:
    own = Post.select().where(author_id == User.id)
    names = select(User.name).order_by(User.name)
    assert await only(names.where(pg.exists(own))) == ["Ann", "Bob"]
    assert await only(names.where(~pg.exists(own))) == [None]
    assert await only(names.where(User.id.in_(select(author_id).where(title.like("c%"))))) == ["Bob"]
    assert await only(names.where(User.id.not_in(select(author_id).where(author_id > 1)))) == ["Ann", None]
    count = select(func.count()).where(author_id == User.id).scalar_subquery()
    assert await select(User.name, count).where(count > 1) == [("Ann", 2)]
    assert await only(names.where(User.age == select(func.max(User.age)))) == ["Bob"]
    counted = select(author_id, func.count().label("n")).group_by(author_id).subquery("counted")
    assert await select(User.name, counted.c.n).join(counted, counted.c.author_id == User.id).order_by(User.id) == [
        ("Ann", 2),
        ("Bob", 1),
    ]
    old = User.select().where(User.age > 35).cte("old")
    assert await only(select(old.c.email).select_from(old)) == ["bob@x.io"]
    assert await only(all_titles.join(old, old.c["id"] == author_id)) == ["c three"]
    with pytest.raises(AttributeError, match="it has author_id, n"):
        counted.c.m  # noqa: B018


all_titles = select(title)


@pytest.mark.usefixtures("people")
async def test_sets_distinct_and_locks(db: pg.Database) -> None:
    below = [select(User.id).where(User.id < limit) for limit in range(5)]
    assert await only(below[2].union(below[3]).order_by(User.id.desc())) == [2, 1]
    assert sorted(await only(below[2].union_all(below[3]))) == [1, 1, 2]
    assert await only(below[4].intersect(below[2])) == [1]
    assert await only(below[4].intersect_all(below[2])) == [1]
    assert sorted(await only(below[4].except_(below[2]))) == [2, 3]
    assert sorted(await only(below[4].except_all(below[2]))) == [2, 3]
    assert await below[2].union(below[3]).count() == 2
    young = User.select().where(User.id == 1).union(User.select().where(User.id == 2)).order_by(User.name.desc())
    assert [user.name for user in await young] == ["Bob", "Ann"]
    assert await only(select(author_id.is_(None)).distinct().order_by(author_id.is_(None))) == [False, True]
    latest = Post.select().distinct(author_id).order_by(author_id, post_id.desc())
    assert [post.title for post in await latest] == ["b two", "c three", "d lost"]
    async with db.transaction() as tx:
        assert len(await User.select().where(User.id == 1).for_update(no_key=True).all(db=tx)) == 1
        free = User.select().order_by(User.id)
        assert [user.id for user in await free.for_update(skip_locked=True).all(db=db)] == [2, 3]
        assert [user.id for user in await free.for_share(User, skip_locked=True).all(db=db)] == [2, 3]
        assert len(await free.for_share(key=True).all(db=db)) == 3
        with pytest.raises(Error, match="lock"):
            await free.for_update(nowait=True).all(db=db)
    with pytest.raises(ValueError, match="exclude"):
        free.for_update(nowait=True, skip_locked=True)


@pytest.mark.smoke
@pytest.mark.usefixtures("people")
async def test_last_methods(db: pg.Database) -> None:
    users = User.select().order_by(User.id)
    assert [user.id for user in await users.all()] == [1, 2, 3]
    first = await users.first()
    assert first is not None
    assert first.id == 1
    assert await select(User.id).where(User.id > 9).first() is None
    assert (await users.where(User.id == 2).one()).name == "Bob"
    assert await users.where(User.id == 9).one_or_none() is None
    with pytest.raises(NoRowError):
        await users.where(User.id == 9).one()
    for query in (users, users.limit(2)):
        with pytest.raises(ManyRowsError):
            await query.one_or_none()
    assert (await users.limit(2).offset(1).first() or first).id == 2
    assert await users.count() == 3
    assert await users.limit(2).count() == 2
    assert await users.where(User.id > 2).exists() is True
    assert await users.where(User.id > 3).exists() is False
    assert [user.id async for user in users.stream(batch=2)] == [1, 2, 3]
    async with db.transaction() as tx:
        assert [row async for row in select(User.id, User.name).where(User.id < 2).stream(db=tx)] == [(1, "Ann")]
    assert users.sql().startswith('SELECT "orm_users"."id"')
    assert "orm_users" in await users.explain()
    assert "actual time" in await users.where(User.id > 1).explain(analyze=True)
    assert repr(users).startswith("<query SELECT")
    # A query is never changed.
    users.where(User.id == 1)
    assert await users.count() == 3
    assert await users.order_by(None).exists()


@pytest.mark.usefixtures("people")
async def test_one_shape_is_one_statement(db: pg.Database) -> None:
    async with db.connection() as connection:
        for number in range(5):
            query = select(User.name, func.count()).where(User.id.in_(list(range(number)))).group_by(User.id)
            await query.limit(number).all(db=connection)
        names = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%count(*)%GROUP BY%'"
        found = [row for row in await connection.fetch(names) if "pg_prepared" not in row["statement"]]
        assert len(found) == 1


async def test_values_of_every_type(db: pg.Database) -> None:
    assert isinstance(db, pg.Database)
    row = await Everything.insert_one({"id": 1, "price": Decimal("1.10"), "words": ["a"], "settings": {"x": 1}})
    found = await select(Everything, Everything.words, Everything.settings, func.array_agg(Everything.price)).group_by(
        Everything.id
    )
    assert found == [(found[0][0], ["a"], {"x": 1}, [Decimal("1.10")])]
    assert found[0][0].to_dict() == row.to_dict()
    assert await only(select(literal(True), literal([1, 2]))) == [True]


def test_blocking(url: str) -> None:
    with pg.connect_sync(url) as sdb:
        numbers: Any = select(text("n").label("n")).select_from(select(func.generate_series(1, 5)).subquery("t"))
        assert "generate_series" in numbers.sql()
        ones: Any = select(literal(1))
        assert ones.all() == [(1,)]
        assert ones.scalars().one(db=sdb) == 1
        assert ones.first() == (1,)
        assert ones.count() == 1
        assert ones.exists() is True
        assert list(ones.stream(batch=1)) == [(1,)]
        assert "Result" in ones.explain()
        with sdb.transaction() as tx:
            assert list(ones.scalars().stream(db=tx)) == [1]


def test_what_cannot_be_meant_says_what_can() -> None:
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: select(), TypeError, "something to select"),
        (lambda: select(User.id).where(True).sql(), TypeError, "expected a condition"),
        (lambda: select(User.id).where("id = 1"), TypeError, "expected a condition"),  # type: ignore[arg-type]
        (lambda: select(User.id, title).sql(), InterfaceError, "join its table"),
        (lambda: select(User.id).join("posts"), TypeError, "expected a Table class"),
        (lambda: select(User.id).order_by("id"), TypeError, "order_by takes"),  # type: ignore[arg-type]
        (lambda: select(User.id).limit(-1), ValueError, "limit"),
        (lambda: bool(User.age + 1), TypeError, "only in the database"),
        (lambda: select(User.id.desc()), TypeError, "not Order"),  # type: ignore[arg-type]
        (lambda: case(), TypeError, "condition and a value"),
        (lambda: case(3), TypeError, "pairs"),  # type: ignore[arg-type]
        (lambda: text("a = :b"), InterfaceError, "no value was given for b"),
        (lambda: text("a", b=1), TypeError, "does not name"),
        (lambda: text("1; DROP TABLE x"), InterfaceError, "semicolon"),
        (lambda: cast(User.id, object), TypeError, "name one"),
        (lambda: tuple_(User.id, User.age) == (1,), ValueError, "row of 2"),
        (lambda: tuple_(User.id, User.age).in_([1]), TypeError, "list of tuples"),
        (lambda: alias(User, "u").emial, AttributeError, "no column"),  # type: ignore[attr-defined]
        (lambda: select(User.id).union(select(User.id)).where(User.id == 1).sql(), InterfaceError, "as a subquery"),
        (lambda: select(select(User.id).subquery("s")), TypeError, "one by one"),  # type: ignore[arg-type]
    ]
    for call, error, why in cases:
        with pytest.raises(error, match=why):
            call()
    assert isinstance(func.now(), Expression)


async def test_sources_of_one_name_are_never_mixed_up(db: pg.Database) -> None:
    class Left(Table, table="namesakes"):
        id: Col[int] = Column(primary_key=True)

    class Right(Table, table="namesakes", schema="elsewhere"):
        id: Col[int] = Column(primary_key=True)
        left_id: Col[int | None] = Column(default=None)

    # The subquery's own table hides the one outside: the condition would compare it with itself.
    correlated = Right.select().where(Right.left_id == Left.id)
    for call in (
        lambda: Left.delete_many(~exists(correlated), db=db),
        lambda: Left.fetch_many(exists(correlated), db=db),
        lambda: select(Left.id, Right.id).join(Right, Right.left_id == Left.id).all(db=db),
        lambda: select(User.id).where(exists(select(col(alias(User, "orm_users").id)).where(User.id > 0))).all(db=db),
    ):
        with pytest.raises(InterfaceError, match="alias"):
            await call()
    other = alias(Right, "other")
    query = select(Left.id).join(other, other.left_id == Left.id)
    assert '"namesakes"."id" = "other"."left_id"' in query.sql()
