"""Statements that write, of expressions and classes, and the verbs that write one row or rows by key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import (
    Col,
    Column,
    ManyRowsError,
    NoRowError,
    Sql,
    Table,
    alias,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
    upsert,
)
from data_bridge.postgres.errors import InterfaceError, UniqueViolationError

from .models import Company, Post, Stock, User

pytestmark = pytest.mark.usefixtures("db")


class Page(Table, table="orm_pages"):
    path: Col[str] = Column(primary_key=True)
    lang: Col[str] = Column(primary_key=True, default="en")
    visits: Col[int] = Column(default=0)
    title: Col[str | None] = Column(default=None)
    live: Col[bool] = Column(default=True)
    stamp: Col[int] = Column(server_default=Sql("0"), onupdate=Sql("41 + 1"), init=False)


@pytest.fixture(autouse=True)
async def pages(db: pg.Database) -> AsyncIterator[None]:
    await pg.drop_all([Page])
    await pg.create_all([Page])
    await db.execute("CREATE UNIQUE INDEX ON orm_pages (title) WHERE live")
    yield
    await pg.drop_all([Page])


async def visits() -> dict[str, int]:
    return dict(await select(Page.path, Page.visits).order_by(Page.path))


@pytest.mark.smoke
async def test_insert_returning() -> None:
    assert await insert(User).values(email="a@x.io") == 1
    assert await insert(User).values({"email": "b@x.io", "name": "B"}).returning(User.id) == [2]
    rows = [{"email": f"{n}@x.io"} for n in range(3)]
    assert await insert(User).values(rows).returning(User.id, func.upper(User.email)) == [
        (n + 3, f"{n}@X.IO") for n in range(3)
    ]
    user = await insert(User).values(User(email="c@x.io", age=3)).returning(User).one()
    assert (user.id, user.email, user.age, user.changed_columns()) == (6, "c@x.io", 3, frozenset())
    pairs = await insert(User).values(email="d@x.io").returning(User, User.age)
    assert [(user.id, age) for user, age in pairs] == [(7, None)]
    assert await insert("orm_users").values({User.email: "e@x.io"}).values(email="f@x.io") == 2
    assert await User.count() == 9


async def test_values_may_be_expressions() -> None:
    await Page.insert_one({"path": "a", "visits": 4})
    await insert(Page).values(path=func.lower("B"), visits=select(func.max(Page.visits)))
    assert await visits() == {"a": 4, "b": 4}
    await Page.insert_one({"path": func.concat("c", "!"), "visits": text("1 + :n", n=2)})
    assert (await visits())["c!"] == 3
    assert await Page.update_many(Page.path == "a", {"visits": Page.visits + 10}) == 1
    page = await Page.update_one(Page.path == "b", {"visits": Page.visits * 2, "title": func.upper(Page.path)})
    assert (page.visits, page.title, page.stamp) == (8, "B", 42)
    assert await visits() == {"a": 14, "b": 8, "c!": 3}


async def test_insert_from_select() -> None:
    await User.insert_many([{"email": f"{n}@x.io", "age": n} for n in range(4)])
    query = select(User.email, literal("en"), User.age, literal(True)).where(User.age > 1).order_by(User.age)
    paths = (
        await insert(Page).from_select(query, ["path", "lang", Page.visits, "live"]).returning(Page.path, Page.visits)
    )
    assert paths == [("2@x.io", 2), ("3@x.io", 3)]
    busy = select(User.email).where(User.age == 0).cte("busy")
    of_busy = select(busy.c.email, literal("de"), literal(1), literal(True)).select_from(busy)
    assert await insert(Page).from_select(of_busy, ["path", "lang", "visits", "live"]) == 1
    assert await Page.count() == 3


async def test_on_conflict_do_nothing() -> None:
    rows = [{"path": "a"}, {"path": "b"}]
    assert await insert(Page).values(rows[0]) == 1
    assert await insert(Page).values(rows).on_conflict_do_nothing() == 1
    assert await insert(Page).values(rows).on_conflict_do_nothing(["path", "lang"]).returning(Page.path) == []
    assert await insert(Page).values(rows).on_conflict_do_nothing(constraint="orm_pages_pkey") == 0
    with pytest.raises(UniqueViolationError):
        await insert(Page).values(rows)


@pytest.mark.smoke
async def test_on_conflict_do_update() -> None:
    key = [Page.path, Page.lang]
    row = {"path": "a", "visits": 1, "title": "A"}
    for _ in range(3):
        statement = insert(Page).values(row)
        await statement.on_conflict_do_update(key, set_={"visits": Page.visits + statement.excluded.visits})
    assert await visits() == {"a": 3}
    page = await insert(Page).values(row).on_conflict_do_update(key).returning(Page).one()
    assert (page.visits, page.stamp) == (1, 42), "all that were given, and onupdate"
    page = (
        await insert(Page)
        .values({**row, "visits": 9, "title": "new"})
        .on_conflict_do_update(constraint="orm_pages_pkey", set_=["title"])
        .returning(Page)
        .one()
    )
    assert (page.visits, page.title) == (1, "new")
    for proposed, written in ((5, 1), (2, 0)):
        done = insert(Page).values(path="a", visits=proposed)
        assert (
            await done.on_conflict_do_update(
                key, set_=lambda new: {"visits": new.visits, "stamp": 7}, where=lambda new: Page.visits < new.visits
            )
            == written
        )
    found = await Page.fetch_one()
    assert found is not None
    assert (found.visits, found.stamp) == (5, 7), "a column that is named is not overruled"


async def test_on_conflict_with_a_partial_index() -> None:
    await insert(Page).values(path="a", title="T")
    statement = (
        insert(Page)
        .values(path="b", title="T")
        .on_conflict_do_update(["title"], index_where="live", set_={"visits": Page.visits + 1})
    )
    assert await statement.returning(Page.path, Page.visits) == [("a", 1)]


async def test_upsert_of_few_rows() -> None:
    rows = [{"path": "a", "visits": 1}, {"path": "b", "visits": 2}]
    assert await upsert(Page, rows, conflict_columns=["path", "lang"]) == 2
    again = upsert(Page, [{**row, "visits": 9} for row in rows], conflict_columns=["path", "lang"])
    assert sorted(await again.returning(Page.path, Page.visits)) == [("a", 9), ("b", 9)]
    assert await upsert(Page, rows, conflict_columns=["path", "lang"], update_columns=[]) == 0
    assert await upsert(Page, rows[0], conflict_columns=["path", "lang"], update_columns=["title"]) == 1
    assert await visits() == {"a": 9, "b": 9}


@pytest.mark.smoke
async def test_update_from_and_delete_using() -> None:
    await Company.insert_many([Company(code="x", name="X"), Company(code="y", name="Y")])
    await User.insert_many([{"email": f"{code}@x.io", "company_code": code} for code in "xy"])
    statement = update(User).values(name=Company.name).from_(Company).where(User.company_code == Company.code)
    changed = await statement.where(Company.code != "y").returning(User.email, Company.name)
    assert changed == [("x@x.io", "X")]
    other = alias(User, "other")
    await update(User).values({User.name: other.name}).from_(other).where(User.id > other.id)
    assert [user.name for user in await User.fetch_many(order_by="id")] == ["X", "X"]
    count = select(User.company_code.label("code"), func.count(User.id).label("n")).group_by(User.company_code)
    by_code = count.subquery("counts")
    updated = update(User).values(age=by_code.c.n).from_(by_code).where(by_code.c.code == User.company_code)
    assert await updated == 2
    gone = (
        await delete(User).using(Company).where(User.company_code == Company.code, Company.name == "Y").returning(User)
    )
    assert [(user.email, user.age) for user in gone] == [("y@x.io", 1)]
    named = select(Company.code).where(Company.name == "X").cte("named")
    assert await delete(User).using(named).where(User.company_code == named.c.code) == 1


async def test_where_is_needed() -> None:
    await User.insert_many([{"email": f"{n}@x.io"} for n in range(3)])
    for statement in (update(User).values(age=1), delete(User)):
        with pytest.raises(InterfaceError, match=r"where\(True\)"):
            await statement
    with pytest.raises(ValueError, match="no row"):
        delete(User).where(False)
    with pytest.raises(InterfaceError, match="sets no column"):
        await update(User).where(True)
    assert await update(User).values(age=1).where(True) == 3
    assert await delete(User).where(True).where(User.id > 1) == 2
    assert await delete(User).where(True) == 1


async def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(TypeError, match="returning"):
        insert(User).values(email="a@x.io").one()  # type: ignore[misc, unused-ignore]
    with pytest.raises(InterfaceError, match="no column"):
        await insert(User).values(email="a@x.io").on_conflict_do_update(["email"], set_={"nmae": 1})
    with pytest.raises(InterfaceError, match="conflict columns"):
        await insert(User).values(email="a@x.io").on_conflict_do_update()
    with pytest.raises(ValueError, match="no column"):
        insert(User).values(email="a@x.io").on_conflict_do_update(["email"], set_=[])
    with pytest.raises(InterfaceError, match="not part of this query"):
        await update(User).values(name=Company.name).where(User.id == 1)
    with pytest.raises(InterfaceError, match="row 1"):
        await insert(User).values([{"email": "a@x.io"}, {"email": "a@x.io", "created_at": func.now()}])
    with pytest.raises(TypeError, match="no column nope"):
        await insert(User).values(email="a@x.io", nope=1)
    with pytest.raises(ValueError, match="no rows"):
        insert(User).values([])
    assert "INSERT INTO" in repr(insert(User).values(email="a@x.io"))


@pytest.mark.smoke
async def test_update_one_and_delete_one_write_exactly_one_row(db: pg.Database) -> None:
    await User.insert_many([{"email": f"{n}@x.io", "age": n} for n in range(3)])
    user = await User.update_one(User.age == 1, {"name": "one"})
    assert (user.email, user.name, user.changed_columns()) == ("1@x.io", "one", frozenset())
    for work in (User.update_one(User.age >= 1, {"name": "x"}), pg.delete_one("orm_users", True)):
        with pytest.raises(ManyRowsError, match="none was written"):
            await work
    for work in (User.update_one(User.age == 9, {"name": "x"}), User.delete_one(User.age == 9)):
        with pytest.raises(NoRowError):
            await work
    gone = await User.delete_one(User.name == "one")
    assert gone.email == "1@x.io"
    assert [user.name for user in await User.fetch_many()] == [None, None]
    stock = await Stock.insert_one(Stock(shop="s", item="i"))
    await Stock.insert_one(Stock(shop="s", item="j"))
    stock = await Stock.update_one((Stock.shop == "s") & (Stock.item == "i"), {"amount": Stock.amount + 2})
    assert (stock.item, stock.amount) == ("i", 2)
    with pytest.raises(ManyRowsError):
        await Stock.delete_one(Stock.shop == "s")


async def test_delete_by_keys() -> None:
    await User.insert_many([{"email": f"{n}@x.io"} for n in range(5)])
    assert await User.delete_many(keys=[1, 3, 99]) == 2
    assert await User.delete_many(User.email == "0@x.io", keys=[2]) == 0
    assert await User.delete_many(keys=[]) == 0
    assert await pg.delete_many("orm_users", keys=iter([2])) == 1
    await Stock.insert_many([Stock(shop="s", item=item) for item in "abc"])
    assert await Stock.delete_many(keys=[("s", "a"), ("s", "c"), ("t", "b")]) == 2
    with pytest.raises(TypeError, match="list of keys"):
        Stock.delete_many(keys="ab")
    with pytest.raises(InterfaceError, match="every row"):
        await Stock.delete_many()


async def test_links_and_posts_follow() -> None:
    user = await User.insert_one(User(email="a@x.io"))
    await Post.insert_many([{"title": f"{n}", "author_id": user.id} for n in range(3)])
    titles = await update(Post).values(title=Post.title + "!").where(Post.author_id == user.id).returning(Post.title)
    assert sorted(titles) == ["0!", "1!", "2!"]


@pytest.fixture
def sdb(url: str) -> Iterator[Any]:
    with pg.connect_sync(url) as database:
        yield database


def test_blocking(sdb: Any) -> None:
    assert insert(User).values(email="a@x.io").returning(User.id).run() == [1]
    assert upsert(User, {"email": "a@x.io", "age": 3}, conflict_columns=["email"]).returning(User.age).one() == 3
    user: Any = User.update_one(User.id == 1, {"age": User.age})  # type: ignore[dict-item, unused-ignore]
    assert user.age == 3
    with pytest.raises(NoRowError):
        User.delete_one(User.id == 7)
    with sdb.transaction() as tx:
        assert update(User).values(name="x").where(True).run(db=tx, timeout=5) == 1
    assert delete(User).where(True).returning(User.name).one_or_none() == "x"
    assert User.delete_many(keys=[1]) == 0
