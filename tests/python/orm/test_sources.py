"""What queries read from besides tables: recursive and lateral queries, values, functions; paging; SQL of one's own."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Query, alias, col, func, literal, select, text, values
from data_bridge.postgres.errors import DataError, InterfaceError

from .models import Post, User

post_id, title, author_id, parent_id = col(Post.id), col(Post.title), col(Post.author_id), col(Post.parent_id)


@pytest.fixture
async def threads(db: pg.Database) -> None:
    """Ann's post with two answers and one to the first of them; Bob's with none; Cy wrote nothing and has no name."""
    for email, name, age in [("ann@x.io", "Ann", 30), ("bob@x.io", "Bob", 40), ("cy@y.io", None, None)]:
        await User.insert_one({"email": email, "name": name, "age": age})
    for writer, parent, words in [(1, None, "root"), (2, 1, "b"), (1, 1, "c"), (1, 2, "d"), (2, None, "other")]:
        await Post.insert_one({"author_id": writer, "parent_id": parent, "title": words})


@pytest.mark.smoke
@pytest.mark.usefixtures("threads")
async def test_recursive_queries() -> None:
    tree = select(post_id, title, literal(0).label("depth")).where(title == "root").cte("tree", recursive=True)
    answers = select(post_id, title, tree.c.depth + 1).join(tree, parent_id == tree.c.id)
    whole = tree.union_all(answers)
    found = select(whole.c.title, whole.c.depth).order_by(whole.c.depth, whole.c.title)
    assert await found == [("root", 0), ("b", 1), ("c", 1), ("d", 2)]
    assert found.sql().startswith('WITH RECURSIVE "tree" ("id", "title", "depth") AS (SELECT')
    # Its columns are the same whichever of the two they are taken from.
    assert await select(func.max(tree.c.depth)).select_from(whole) == [(2,)]
    start = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = start.union(select(start.c.n % 3 + 1).select_from(start))
    assert sorted(await select(numbers.c.n).scalars()) == [1, 2, 3]
    for wrong, why in [
        (lambda: select(start.c.n).sql(), "no step yet"),
        (lambda: numbers.union(select(start.c.n)), "has its step already"),
    ]:
        with pytest.raises(InterfaceError, match=why):
            wrong()


@pytest.mark.smoke
@pytest.mark.usefixtures("threads")
async def test_lateral_queries() -> None:
    own = select(post_id, title).where(author_id == User.id).order_by(post_id.desc()).limit(2).lateral("latest")
    rows = select(User.name, own.c.title).order_by(User.id, own.c.id)
    assert await rows.select_from(User).join(own) == [("Ann", "c"), ("Ann", "d"), ("Bob", "b"), ("Bob", "other")]
    assert (await rows.select_from(User).left_join(own))[-1] == (None, None)
    letters = func.regexp_split_to_table(User.email, "@").table_valued("part", with_ordinality="n")
    parts = select(letters.c.n, letters.c.part).select_from(User).join(letters).where(User.id == 1)
    assert await parts.order_by(letters.c.n) == [(1, "ann"), (2, "x.io")]


@pytest.mark.smoke
@pytest.mark.usefixtures("threads")
async def test_values_and_functions_as_tables() -> None:
    wanted = values("wanted", {"id": int, "note": str}, [(2, "two"), (1, None), (9, "nine")])
    rows = select(User.name, wanted.c.note).join(wanted, wanted.c.id == User.id).order_by(User.id)
    assert await rows == [("Ann", None), ("Bob", "two")]
    assert len(await select(wanted.c.id)) == 3
    # One statement, however many rows.
    assert select(wanted.c.id).sql() == select(values("wanted", {"id": int, "note": str}, []).c.id).sql()
    assert await select(values("v", {"n": "numeric(5,1)"}, [(1.5,)]).c.n * 2).scalars() == [3]
    series = func.generate_series(1, 3).table_valued("n")
    assert await select(series.c.n).scalars() == [1, 2, 3]
    pairs = select(series.c.n, User.id).select_from(series).join(User, how="cross").where(User.id < 3)
    assert len(await pairs) == 6
    keys = func.jsonb_each_text(literal({"a": 1}, "jsonb")).table_valued("key", "value", name="entries")
    assert await select(keys.c.key, keys.c.value) == [("a", "1")]
    for wrong, error, why in [
        (lambda: values("v", {"a": int}, [(1, 2)]), TypeError, "of 1 values each"),
        (lambda: values("v", {}, []), InterfaceError, "need a column"),
        (lambda: values("v", {"a": list[int]}, []), InterfaceError, "column of arrays"),
        (lambda: User.age.table_valued("a"), TypeError, "call of a function"),
        (lambda: select(User.id).join(Post, text("true"), how="cross"), TypeError, "no condition"),
    ]:
        with pytest.raises(error, match=why):
            wrong()


async def pages(query: Query[Any], size: int) -> list[list[Any]]:
    """All rows, page by page, each begun behind the last row of the one before."""
    found: list[list[Any]] = []
    last = None
    while rows := await query.after(last).limit(size):
        found.append(rows)
        last = rows[-1]
    return found


@pytest.mark.smoke
@pytest.mark.usefixtures("threads")
async def test_pages_begin_behind_a_row() -> None:
    for number in range(20):
        name = f"N{number % 3}" if number % 4 else None
        await User.insert_one({"email": f"{number}@z.io", "name": name, "age": number % 5 or None})
    orders: list[list[Any]] = [
        [User.id],
        [User.id.desc()],
        [User.email.desc()],
        [User.name, User.id],
        [User.name.desc(), User.id.desc()],
        [User.name.desc(), User.id],
        [User.name.asc().nulls_first(), User.age.desc().nulls_last(), User.id],
        [User.name.desc().nulls_last(), User.age, User.id.desc()],
        [User.created_at, User.id],
    ]
    for order in orders:
        query = User.select().order_by(*order)
        whole = [user.id for user in await query]
        for size in (1, 4, 100):
            read = await pages(query, size)
            assert [user.id for page in read for user in page] == whole, query.sql()
    # Of a class's own columns by the instance, of anything by values.
    query = select(func.length(User.email), User.id).order_by(func.length(User.email), User.id)
    whole = await query
    assert [row for page in await pages(query, 5) for row in page] == whole
    assert await query.after(*whole[3]) == whole[4:]
    # What all keys say in one direction is one comparison, which an index answers.
    simple = User.select().order_by(User.email, User.id).after("a", 1).sql()
    assert 'WHERE ROW("orm_users"."email", "orm_users"."id") > ROW($1, $2)' in simple
    mixed = User.select().order_by(User.email, User.id.desc()).after("a", 1).sql()
    assert mixed.count("$") == 2 + mixed.count("$1") - 1 + mixed.count("$2") - 1
    assert '"email" >= $1 AND ("orm_users"."email" > $1 OR' in mixed
    for call, error, why in [
        (lambda: User.select().after(1), InterfaceError, "order_by"),
        (lambda: User.select().order_by(User.id).after(1, 2), InterfaceError, "2 values"),
        (lambda: select(post_id).order_by(post_id).after(User(email="x@y")), TypeError, "give the values"),
    ]:
        with pytest.raises(error, match=why):
            call()


@pytest.mark.usefixtures("threads")
async def test_what_is_selected_may_be_grouped_by_again() -> None:
    # Two calls are two expressions here, and one to the server.
    query = select(func.left(title, 1), func.count()).group_by(func.left(title, 1)).order_by(func.left(title, 1))
    assert (await query)[0] == ("b", 1)
    assert query.sql().count("$") == 3
    assert "$2" not in query.sql()
    other = select(func.left(title, 1)).group_by(func.left(title, 2))
    assert "$2" in other.sql()
    first = select(func.left(title, 1)).distinct(func.left(title, 1)).order_by(func.left(title, 1))
    assert len(await first) == 5


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Named:
    name: str | None
    id: int = 0


@pytest.mark.smoke
@pytest.mark.usefixtures("threads")
async def test_sql_becomes_instances(db: pg.Database, url: str) -> None:
    users = await User.from_sql("SELECT * FROM orm_users WHERE id <= $1 ORDER BY id", [2])
    assert [type(user) for user in users] == [User, User]
    assert users[0].to_dict() == (await User.select().where(User.id == 1).one()).to_dict()
    some = await User.from_sql("SELECT name, id FROM orm_users WHERE id = 2", db=db)
    assert (some[0].id, some[0].name) == (2, "Bob")
    with pytest.raises(pg.NotLoadedError, match="refresh"):
        some[0].email  # noqa: B018
    assert await pg.from_sql(Point, "SELECT 2 AS y, 1 AS x") == [Point(1, 2)]
    assert await pg.from_sql(Named, "SELECT name FROM orm_users ORDER BY id LIMIT $1", [1]) == [Named("Ann")]
    with pytest.raises(InterfaceError, match="no column"):
        await User.from_sql("SELECT 1 AS wrong")
    with pytest.raises(DataError):
        await User.from_sql("SELECT * FROM orm_users WHERE id = $1", ["x"])
    with pg.connect_sync(url) as blocking:
        found: Any = User.from_sql("SELECT id FROM orm_users ORDER BY id", db=blocking)
        assert [user.id for user in found] == [1, 2, 3]


async def test_an_alias_is_read_as_its_class(db: pg.Database) -> None:
    await User.insert_one({"email": "ann@x.io", "name": "Ann"}, db=db)
    boss = alias(User, "boss")
    pairs = await select(User, boss).join(boss, boss.id == User.id)
    assert [(type(one), type(other), one.id == other.id) for one, other in pairs] == [(User, User, True)]
