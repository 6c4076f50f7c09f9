"""insert_many of instances and mappings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import MappingProxyType
from typing import Any

import pytest

import data_bridge.postgres as pg
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
