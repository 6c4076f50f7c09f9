"""insert_many of instances and mappings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Table
from data_bridge.postgres.errors import Error

from .models import Company, Stock, User

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.smoke
@pytest.mark.parametrize("count", [1, 60, 2_000])
async def test_any_iterable_of_any_kind_of_row(count: int) -> None:
    def instances() -> Iterator[User]:
        return (User(email=f"{n}@i.io") for n in range(count))

    async def later() -> AsyncIterator[dict[str, Any]]:
        for n in range(count):
            yield {"email": f"{n}@l.io"}

    assert await User.insert_many(instances()) == count
    assert await User.insert_many(later()) == count
    assert await pg.insert_many("orm_users", [MappingProxyType({"email": f"{n}@m.io"}) for n in range(count)]) == count
    assert await Company.insert_many((f"c{n}", "name") for n in range(count)) == count
    assert await User.count() == 3 * count
    assert await User.count(User.email.like("%@l.io")) == count
    assert await User.count(User.created_at.is_(None)) == 0


async def test_defaults_apply_to_mappings() -> None:
    await Stock.insert_many([{"shop": "s", "item": "i"}])
    stock = await Stock.fetch_one()
    assert stock is not None
    assert (stock.amount, stock.changed, stock.touched_at) == (0, 0, None)


@pytest.mark.parametrize("lead", [0, 1, 1_500])
async def test_all_or_nothing_and_the_row_is_named(lead: int) -> None:
    good = [{"email": f"{n}@x.io", "age": 1} for n in range(max(lead, 1))]
    for bad, why in [
        ({"email": "x@x.io"}, None),
        ({"age": 1}, "no value for orm_users.email"),
        ({"email": "x@x.io", "age": 1, "created_at": None}, "values for created_at, which the first row has not"),
        ({"email": "x@x.io", "emial": 1}, "emial"),
        ({"email": "x@x.io", "age": "1"}, str(len(good))),
        ({"email": "x@x.io", "age": 2**40}, str(len(good))),
        (3, "mapping"),
    ]:
        if why is None:
            assert await User.insert_many([*good, bad]) == len(good) + 1, "a default stands in"
            await User.delete_many(True)
            continue
        with pytest.raises((Error, TypeError, ValueError), match=why):
            await User.insert_many([*good, bad])
        assert await User.count() == 0


@pytest.mark.smoke
@pytest.mark.parametrize("lead", [1, 1_500, 4_000])
async def test_what_a_later_instance_alone_has_is_not_dropped(lead: int) -> None:
    """``created_at`` has a default of the server, so an instance may have a value for it or none."""

    def users() -> Iterator[User]:
        yield from (User(email=f"{n}@x.io") for n in range(lead))
        yield mine

    async def later() -> AsyncIterator[User]:
        for user in users():
            yield user

    mine = User(email="mine@x.io")
    mine.created_at = datetime(2020, 1, 1, tzinfo=UTC)
    why = rf"row {lead} has a value for orm_users\.created_at, which the first row has not.*a call of their own"
    for rows in (list(users()), users(), later(), [{"email": "m@x.io"}] * lead + [mine]):
        with pytest.raises(ValueError, match=why):
            await User.insert_many(rows)
    with pytest.raises(ValueError, match=why):
        await User.insert_many(list(users()), returning=True)
    with pytest.raises(ValueError, match=why):
        await User.upsert_many(list(users()), conflict_columns=["email"])
    assert await User.count() == 0
    assert "created_at" in mine.changed_columns(), "it is not in the database"
    for user in (rows := list(users())):
        user.created_at = mine.created_at
    assert await User.insert_many(rows) == lead + 1


async def test_what_the_server_alone_fills_may_be_there_or_not(db: pg.Database) -> None:
    class Copied(Table, table="orm_copied"):
        id: Col[int] = Column(primary_key=True, init=False)
        beds: Col[int]
        guests: Col[int] = Column(type="integer", generated="beds * 2", init=False)

    await pg.create_all([Copied])
    try:
        known = await Copied(beds=1).save()
        assert (known.id, known.guests) == (1, 2)
        assert await Copied.insert_many([Copied(beds=2), known]) == 2
        assert [(row.id, row.guests) for row in await Copied.fetch_many(order_by="id")] == [(1, 2), (2, 4), (3, 2)]
        # A number that tells the rows apart is another matter.
        with pytest.raises(ValueError, match=r"row 1 has a value for orm_copied\.id"):
            await Copied.upsert_many([Copied(beds=2), known], conflict_columns=["id"])
    finally:
        await pg.drop_all([Copied])


async def test_one_row_is_not_many() -> None:
    for rows in ({"email": "x"}, "x", b"x"):
        with pytest.raises(TypeError, match="iterable of rows"):
            await User.insert_many(rows)  # type: ignore[arg-type]


async def test_in_a_transaction_that_fails(db: pg.Database) -> None:
    async def fails() -> None:
        async with db.transaction() as tx:
            await User.insert_many([User(email=f"{n}@x.io") for n in range(1_500)], db=tx)
            assert await User.count(db=tx) == 1_500
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    assert await User.count() == 0


@pytest.mark.smoke
@pytest.mark.parametrize("count", [1, 1_000, 1_200])
async def test_generated_keys_come_back_in_the_order_of_the_rows(count: int) -> None:
    users = [User(email=f"{n}@x.io", age=n) for n in range(count)]
    answer = await User.insert_many(users, returning=True)
    assert len(answer) == count
    assert all(given is back for given, back in zip(users, answer, strict=True))
    assert [user.id for user in users] == list(range(1, count + 1))
    assert all(user.created_at is not None and not user.changed_columns() for user in users)
    rows: list[dict[str, Any]] = [{"email": f"m{n}@x.io", "age": n} for n in range(count)]
    made = await User.insert_many(iter(rows), returning=["id"])
    assert [(user.id, user.email) for user in made] == [(count + n + 1, f"m{n}@x.io") for n in range(count)]
    with pytest.raises(pg.NotLoadedError, match="created_at"):
        made[0].created_at  # noqa: B018
    made[0].name = "later"
    await made[0].save()
    found = await User.fetch_one(User.id == count + 1)
    assert found is not None
    assert (found.name, found.email) == ("later", "m0@x.io")


async def test_returning_from_any_kind_of_rows(db: pg.Database) -> None:
    async def some() -> AsyncIterator[dict[str, Any]]:
        yield {"email": "a@x.io"}
        yield {"email": "b@x.io"}

    assert [user.id for user in await User.insert_many(some(), returning=[User.id])] == [1, 2]
    assert await User.insert_many([], returning=True) == []
    rows = [("x", "X"), ("y", "Y")]
    assert [company.name for company in await Company.insert_many(rows, returning=True)] == ["X", "Y"]
    await db.execute("CREATE TABLE IF NOT EXISTS orm_plain (key serial PRIMARY KEY, n int)")
    try:
        records = await pg.insert_many("orm_plain", [{"n": 5}, {"n": 6}], returning=["key", "n"])
        assert [tuple(record) for record in records] == [(1, 5), (2, 6)]
        with pytest.raises(TypeError, match="name the columns"):
            await pg.insert_many("orm_plain", [{"n": 5}], returning=True)
    finally:
        await db.execute("DROP TABLE orm_plain")


@pytest.mark.parametrize("count", [3, 4_000])
async def test_upserts_return_what_they_wrote(count: int) -> None:
    await User.insert_many([{"email": f"{n}@x.io", "age": 7} for n in range(count // 2)])
    result = await User.upsert_many(
        [{"email": f"{n}@x.io", "name": "N"} for n in range(count)], conflict_columns=[User.email], returning=True
    )
    assert (result.inserted, result.updated) == (count - count // 2, count // 2)
    assert {(user.email, user.age, user.name) for user in result.rows} == {
        (f"{n}@x.io", 7 if n < count // 2 else None, "N") for n in range(count)
    }
    assert all(not user.changed_columns() for user in result.rows)
    again = await User.upsert_many([{"email": "0@x.io"}], conflict_columns=["email"], returning=["id"])
    assert again.rows == [] or again.rows[0].id == 1
