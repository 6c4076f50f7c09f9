"""Upsert, case by case."""

from __future__ import annotations

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres.errors import Error, InterfaceError

from .models import Stock, User

pytestmark = pytest.mark.usefixtures("db")


async def names() -> list[tuple[str, str | None]]:
    return [(user.email, user.name) for user in await User.fetch_many(order_by=User.email)]


@pytest.mark.smoke
async def test_one_row_inserted() -> None:
    user = await User.upsert_one({"email": "a@x.io", "name": "A"}, conflict_columns=["email"])
    assert (user.name, user.id) == ("A", 1)
    assert await names() == [("a@x.io", "A")]


async def test_one_row_updated() -> None:
    first = await User.insert_one(User(email="a@x.io", name="A"))
    second = await pg.upsert_one("orm_users", {"email": "a@x.io", "name": "B"}, conflict_columns=["email"])
    assert (second.id, second.name, second.created_at) == (
        first.id,
        "B",
        first.created_at,
    )
    assert await names() == [("a@x.io", "B")]


async def test_an_instance_takes_the_row_as_it_now_is() -> None:
    await User.insert_one(User(email="a@x.io", name="A", age=3))
    user = User(email="a@x.io", name="B")
    assert await User.upsert_one(user, conflict_columns=["email"], update_columns=["name"]) is user
    assert (user.id, user.name, user.age) == (1, "B", 3)


async def test_chosen_columns() -> None:
    await User.insert_one(User(email="a@x.io", name="A", age=1))
    user = await User.upsert_one(
        {"email": "a@x.io", "name": "B", "age": 2},
        conflict_columns=["email"],
        update_columns=["age"],
    )
    assert (user.name, user.age) == ("A", 2)


async def test_no_columns_leaves_the_row_as_it_is() -> None:
    await User.insert_one(User(email="a@x.io", name="A"))
    assert (
        await User.upsert_one(
            {"email": "a@x.io", "name": "B"},
            conflict_columns=["email"],
            update_columns=[],
        )
        is None
    )
    assert await names() == [("a@x.io", "A")]


async def test_only_key_columns_still_answers_with_the_row() -> None:
    for _ in range(2):
        user = await User.upsert_one({"email": "a@x.io"}, conflict_columns=["email"])
        assert user.id == 1


async def test_composite_unique() -> None:
    for amount in (1, 2):
        await Stock.upsert_one(
            {"shop": "s", "item": "i", "amount": amount},
            conflict_columns=["shop", "item"],
        )
    await Stock.upsert_one({"shop": "s", "item": "j", "amount": 9}, conflict_columns=["shop", "item"])
    assert [(row.item, row.amount) for row in await Stock.fetch_many(order_by=["shop", "item"])] == [("i", 2), ("j", 9)]


async def test_bad_conflict_columns() -> None:
    with pytest.raises(InterfaceError, match="no column"):
        await User.upsert_one({"email": "a@x.io"}, conflict_columns=["emial"])
    with pytest.raises(Error, match="no unique or exclusion constraint"):
        await User.upsert_one({"email": "a@x.io", "name": "A"}, conflict_columns=["name"])
    assert await names() == []


async def test_onupdate_is_applied() -> None:
    stock = await Stock.upsert_one({"shop": "s", "item": "i"}, conflict_columns=["shop", "item"])
    assert (stock.changed, stock.touched_at) == (0, None)
    stock = await Stock.upsert_one({"shop": "s", "item": "i", "amount": 3}, conflict_columns=["shop", "item"])
    assert (stock.amount, stock.changed) == (3, 7)
    assert stock.touched_at is not None
    await Stock.update_many(Stock.item == "i", {"changed": 1})
    again = await Stock.fetch_one()
    assert again is not None
    assert again.changed == 1, "a column that is named is not overruled"
