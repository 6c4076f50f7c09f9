"""Conditions, orders and windows, on a real server."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import or_
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import col
from data_bridge.postgres.errors import Error, InterfaceError

from .models import Everything, Post, User


@pytest.fixture
async def people(db: pg.Database) -> None:
    for email, name, age in [
        ("ann@x.io", "Ann", 30),
        ("bob@x.io", "Bob", 40),
        ("cy@y.io", None, None),
        ("di@y.io", "a%b", 30),
    ]:
        await User.insert_one({"email": email, "name": name, "age": age})


def emails(users: list[User]) -> str:
    return " ".join(user.email.partition("@")[0] for user in users)


@pytest.mark.smoke
@pytest.mark.usefixtures("people")
async def test_conditions() -> None:
    for condition, expected in [
        (User.age == 30, "ann di"),
        (User.age != 30, "bob"),
        (User.age < 40, "ann di"),
        (User.age <= 40, "ann bob di"),
        (User.age > 30, "bob"),
        (User.age >= 30, "ann bob di"),
        (User.age.between(35, 45), "bob"),
        (User.age.in_([40, 99]), "bob"),
        (User.age.in_([]), ""),
        (User.age.in_(iter([30])), "ann di"),
        (User.age.not_in([40]), "ann di"),
        (User.email.not_in([]), "ann bob cy di"),
        (User.name.like("A%"), "ann"),
        (User.name.ilike("a%"), "ann di"),
        (User.name == None, "cy"),  # noqa: E711
        (User.name != None, "ann bob di"),  # noqa: E711
        (User.name.is_(None), "cy"),
        (User.name.is_not(None), "ann bob di"),
        (User.name == User.name, "ann bob di"),
        ((User.age == 30) & (User.name == "Ann"), "ann"),
        ((User.age == 40) | (User.name == "Ann"), "ann bob"),
        (~(User.age == 30), "bob"),
        (~((User.age == 30) | User.name.is_(None)), "bob"),
        ((User.age == 30) & ~User.name.like("A%") | (User.email == "cy@y.io"), "cy di"),
    ]:
        found = await User.fetch_many(condition, order_by=User.id)
        assert emails(found) == expected, repr(expected)
        assert await User.count(condition) == len(found)
        assert await User.exists(condition) is bool(found)


@pytest.mark.usefixtures("people")
async def test_orders_and_windows() -> None:
    async def ordered(by: Any, **window: Any) -> str:
        return emails(await User.fetch_many(order_by=by, **window))

    assert await ordered(User.email.desc()) == "di cy bob ann"
    assert await ordered([User.age, User.email.desc()]) == "di ann bob cy"
    assert await ordered([User.age.desc().nulls_last(), "-email"]) == "bob di ann cy"
    assert (await ordered((User.name.asc().nulls_first(), "id"))).startswith("cy ")
    assert await ordered("-id", limit=2) == "di cy"
    assert await ordered("id", limit=2, offset=1) == "bob cy"
    assert await ordered("id", offset=3) == "di"
    assert await ordered("id", limit=0) == ""
    first = await User.fetch_one(order_by=col(User.id).desc())
    assert first is not None
    assert first.email == "di@y.io"


@pytest.mark.usefixtures("people")
async def test_by_table_name_and_in_a_transaction(db: pg.Database) -> None:
    assert (await pg.fetch_one("orm_users", User.name == "Ann"))["age"] == 30
    async with db.transaction() as tx:
        await User.update_many(User.name == "Ann", {"age": 31}, db=tx)
        assert await User.count(User.age == 31, db=tx) == 1
        assert await User.count(User.age == 31, db=db) == 0
    assert await User.count(User.age == 31) == 1
    async with db.connection() as connection:
        assert await User.count(db=connection) == 4
    with pytest.raises(LookupError, match="no Table class"):
        await pg.fetch_one("orm_nowhere")


@pytest.mark.usefixtures("people")
async def test_what_names_no_database_runs_in_the_transaction_around_it(db: pg.Database, url: str) -> None:
    async def ages(**where: Any) -> int:
        return await User.count(User.age == 31, **where)

    async def fails() -> None:
        async with db.transaction():
            await User.update_many(User.name == "Ann", {"age": 31})
            async with db.transaction() as other:  # a second one, on a connection of its own
                assert await ages() == await ages(db=other) == 0
            assert await ages() == await pg.fetch_val("SELECT count(*) FROM orm_users WHERE age = 31") == 1
            assert await asyncio.gather(ages(), asyncio.create_task(ages())) == [1, 1]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await ages() == 0

    ended = asyncio.Event()

    async def later() -> int:
        await ended.wait()
        return await ages()

    async with db.transaction():
        task = asyncio.create_task(later())
        await User.update_many(User.name == "Ann", {"age": 31})
    ended.set()
    assert await task == 1
    async with db.transaction(), await pg.connect(url, pool_max=1):  # what was opened last is another one
        await User.update_many(User.name == "Ann", {"age": 32})
    with pg.connect_sync(url) as sdb, sdb.transaction():
        assert User.update_many(User.name == "Ann", {"age": 33}) == 1  # type: ignore[comparison-overlap]
        assert User.count(User.age == 33) == 1  # type: ignore[comparison-overlap]
        assert User.count(User.age == 33, db=sdb) == 0  # type: ignore[comparison-overlap]
        User.update_many(User.name == "Ann", {"age": 32})
    assert await User.count(User.age == 32) == 1


@pytest.mark.usefixtures("people")
async def test_update_and_delete() -> None:
    assert await User.update_many(User.age == 30, {"name": "Old", "age": 31}) == 2
    assert await User.count((User.name == "Old") & (User.age == 31)) == 2
    assert await User.delete_many(User.age.is_(None)) == 1
    for forgetful in (User.delete_many(True), User.update_many(True, {"age": 1})):
        assert await forgetful >= 0
    with pytest.raises(InterfaceError, match="every row"):
        await User.delete_many(None)
    with pytest.raises(InterfaceError, match="every row"):
        await User.update_many(None, {"age": 1})
    with pytest.raises(ValueError, match="no row"):
        await User.delete_many(False)


def test_what_cannot_be_meant_says_what_can() -> None:
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: bool(User.id == 1), TypeError, "combine conditions with &"),
        (lambda: (User.id == 1) & True, TypeError, "brackets"),
        (lambda: User.id < None, TypeError, "None"),
        (lambda: User.id.in_("abc"), TypeError, "not one str"),  # type: ignore[arg-type]
        (lambda: User.id.in_([None]), ValueError, "never matches"),  # type: ignore[list-item]
        (lambda: User.id.in_(3), TypeError, "iterable"),  # type: ignore[arg-type]
        (lambda: Everything.words.in_([["a"]]), TypeError, "no form for arrays"),
        (lambda: User.fetch_many("id = 1"), TypeError, "expected a condition"),  # type: ignore[arg-type]
        (lambda: User.fetch_many(limit=-1), ValueError, "limit"),
        (lambda: User.fetch_many(limit="1"), ValueError, "limit"),  # type: ignore[arg-type]
        (lambda: User.fetch_many(limit=2**63), ValueError, "limit"),
        (lambda: User.fetch_many(order_by="nothing"), InterfaceError, "no column"),
        (lambda: User.fetch_many(order_by=3), TypeError, "order_by"),  # type: ignore[arg-type]
        (lambda: User.fetch_many(fetch_links=["nothing"]), ValueError, "no link"),
        (lambda: User.fetch_many(fetch_links="company"), TypeError, "not one str"),
        (
            lambda: User.fetch_many(Post.title == "x"),
            InterfaceError,
            "not part of this query",
        ),
        (lambda: col("id"), TypeError, "expected a column"),
        (
            lambda: User.upsert_one({"email": "x"}, conflict_columns="email"),
            TypeError,
            "not one str",
        ),
        (
            lambda: User.upsert_one({"email": "x"}, conflict_columns=[]),
            InterfaceError,
            "conflict columns",
        ),
        (lambda: User.insert_one({"emial": "x"}), TypeError, "no column emial"),
        (lambda: User.insert_one(3), TypeError, "mapping"),  # type: ignore[arg-type]
        (lambda: User.insert_one(Post(title="x")), TypeError, "mapping"),  # type: ignore[arg-type]
        (lambda: User.update_many(True, {}), InterfaceError, "sets no column"),
        (lambda: pg.fetch_one(3), TypeError, "Table class"),  # type: ignore[call-overload]
    ]
    for call, error, why in cases:
        with pytest.raises(error, match=why):
            call()


def test_nesting_is_bounded_and_chains_are_not() -> None:
    nested = reduce(or_, [User.id == i for i in range(2_000)])

    def nest() -> None:
        nonlocal nested
        for _ in range(300):
            nested = ~nested

    with pytest.raises(ValueError, match="in_"):
        nest()


@pytest.mark.usefixtures("people")
async def test_one_shape_is_one_statement(db: pg.Database) -> None:
    async with db.connection() as connection:
        for ids in ([1], [1, 2], list(range(500))):
            await User.fetch_many(User.id.in_(ids), limit=len(ids), db=connection)
        prepared = await connection.fetch(
            "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%orm_users%ANY%'"
        )
        assert len([row for row in prepared if "pg_prepared" not in row["statement"]]) == 1


async def test_a_bad_value_is_refused_before_it_is_sent(db: pg.Database) -> None:
    for condition in (
        User.id == "x",
        User.email == "a\0b",
        User.email == "\ud800",
        User.id.in_([1, "x"]),
    ):  # type: ignore[list-item]
        with pytest.raises((Error, TypeError, ValueError)):
            await User.fetch_many(condition)
    assert await User.count() == 0
