"""Upsert, case by case."""

from __future__ import annotations

from typing import Any, Literal

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


@pytest.mark.parametrize("count", [1, 2_000, 4_000])
async def test_onupdate_is_applied_in_bulk(count: int) -> None:
    def stock(amount: int) -> list[dict[str, Any]]:
        return [{"shop": "s", "item": f"{n:05}", "amount": amount} for n in range(count)]

    async def seen() -> set[tuple[int, int, bool]]:
        return {(row.amount, row.changed, row.touched_at is None) for row in await Stock.fetch_many()}

    await Stock.upsert_many(stock(1), conflict_columns=["shop", "item"])
    assert await seen() == {(1, 0, True)}, "a new row takes its defaults"
    result = await Stock.upsert_many(stock(2), conflict_columns=["shop", "item"])
    assert (result.inserted, result.updated) == (0, count)
    assert await seen() == {(2, 7, False)}
    # The column itself may be named, and is then as the rows say.
    named = [{**row, "changed": 3} for row in stock(4)]
    await Stock.upsert_many(named, conflict_columns=["shop", "item"], update_columns=["changed"])
    assert await seen() == {(2, 3, False)}
    await Stock.upsert_one(named[0] | {"changed": 5}, conflict_columns=["shop", "item"], update_columns=["changed"])
    assert {row.changed for row in await Stock.fetch_many(Stock.item == "00000")} == {5}
    # Instances have values for all columns.
    instances = [Stock(shop="s", item=f"{n:05}", amount=9) for n in range(count)]
    await Stock.upsert_many(instances, conflict_columns=["shop", "item"])
    assert await seen() == {(9, 7, False)}
    # Nothing but keys: the rows are touched all the same. No column: they are not.
    await Stock.update_many(True, {"changed": 1})
    keys = [{"shop": row["shop"], "item": row["item"]} for row in stock(0)]
    result = await Stock.upsert_many(keys, conflict_columns=["shop", "item"], update_columns=[])
    assert (result.inserted, result.updated) == (0, 0)
    assert await seen() == {(9, 1, False)}
    result = await Stock.upsert_many(keys, conflict_columns=["shop", "item"])
    assert (result.inserted, result.updated) == (0, count)
    assert await seen() == {(9, 7, False)}


def rows(start: int, count: int, name: str) -> list[dict[str, str | None]]:
    return [{"email": f"{number:06}@x.io", "name": name} for number in range(start, start + count)]


async def bulk(count: int, conflicts: int) -> None:
    """So many rows, of which so many are there."""
    assert await User.insert_many(rows(0, count, "old")) == count
    result = await User.upsert_many(rows(count - conflicts, count, "new"), conflict_columns=["email"])
    assert (result.inserted, result.updated) == (count - conflicts, conflicts)
    assert await User.count(User.name == "new") == count
    assert await User.count() == count + count - conflicts


async def test_bulk_with_no_conflicts() -> None:
    await bulk(20, 0)


async def test_bulk_where_all_rows_conflict() -> None:
    await bulk(20, 20)


async def test_bulk_with_mixed_conflicts() -> None:
    await bulk(20, 7)


@pytest.mark.parametrize("count", [50, 51, 1_500, 3_000, 3_001])
@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
async def test_fifty_rows_and_more(count: int, part: float) -> None:
    await bulk(count, int(count * part))


async def test_bulk_of_instances_and_chosen_columns() -> None:
    await User.insert_many([User(email=f"{n}@x.io", name="old", age=1) for n in range(60)])
    new = [User(email=f"{n}@x.io", name="new", age=2) for n in range(30, 90)]
    result = await User.upsert_many(new, conflict_columns=["email"], update_columns=["age"])
    assert (result.inserted, result.updated) == (30, 30)
    assert await User.count((User.name == "old") & (User.age == 2)) == 30


async def test_defaults_are_for_new_rows_only() -> None:
    await User.insert_one(User(email="a@x.io", name="A", age=1))
    await User.upsert_one({"email": "a@x.io", "name": "B"}, conflict_columns=["email"])
    await User.upsert_many(
        [{"email": "a@x.io", "name": "C"}, {"email": "b@x.io", "name": "C"}], conflict_columns=["email"]
    )
    assert [(user.name, user.age) for user in await User.fetch_many(order_by="id")] == [("C", 1), ("C", None)]


async def test_bulk_of_nothing_but_keys_updates_nothing() -> None:
    await User.insert_one(User(email="a@x.io", name="A"))
    result = await User.upsert_many([{"email": "a@x.io"}, {"email": "b@x.io"}], conflict_columns=["email"])
    assert (result.inserted, result.updated) == (1, 0)


async def test_bulk_composite_unique() -> None:
    stock = [Stock(shop=shop, item=item, amount=1) for shop in "ab" for item in "xyz"]
    assert await Stock.insert_many(stock) == 6
    changed = [{"shop": "a", "item": item, "amount": 5} for item in "xyw"]
    result = await Stock.upsert_many(changed, conflict_columns=["shop", "item"])
    assert (result.inserted, result.updated) == (1, 2)
    assert await Stock.count(Stock.amount == 5) == 3


@pytest.mark.parametrize("count", [3, 1_500])
@pytest.mark.parametrize(("on_duplicate", "kept"), [("last", "third"), ("first", "first")])
async def test_duplicate_keys_in_one_batch(count: int, on_duplicate: Literal["last", "first"], kept: str) -> None:
    batch = rows(0, count, "first") + rows(0, count, "second") + rows(0, count, "third")
    result = await User.upsert_many(batch, conflict_columns=["email"], on_duplicate=on_duplicate)
    assert result.inserted == count
    assert await User.count(User.name == kept) == count


async def test_duplicate_keys_may_be_an_error() -> None:
    with pytest.raises(Error, match="on_duplicate"):
        await User.upsert_many(rows(0, 2, "a") + rows(0, 2, "b"), conflict_columns=["email"], on_duplicate="error")
    assert await User.count() == 0


async def test_bulk_with_bad_conflict_columns_keeps_nothing() -> None:
    for columns in (["name"], ["emial"], []):
        with pytest.raises(Error):
            await User.upsert_many(rows(0, 60, "a"), conflict_columns=columns)
    assert await User.count() == 0


async def test_an_empty_batch() -> None:
    result = await User.upsert_many([], conflict_columns=["email"])
    assert (result.inserted, result.updated) == (0, 0)
    assert await User.insert_many(iter([])) == 0


async def test_by_the_name_of_a_table_without_a_class(db: pg.Database) -> None:
    await db.execute("CREATE TABLE IF NOT EXISTS orm_plain (key text PRIMARY KEY, n int)")
    await db.execute("TRUNCATE orm_plain")
    assert (await pg.insert_one("orm_plain", {"key": "a", "n": 1}))["n"] == 1
    assert (await pg.upsert_one("orm_plain", {"key": "a", "n": 2}, conflict_columns=["key"])).n == 2
    assert await pg.upsert_one("orm_plain", {"key": "a", "n": 3}, conflict_columns=["key"], update_columns=[]) is None
    assert await pg.insert_many("orm_plain", [{"key": "b", "n": 1}]) == 1
    result = await pg.upsert_many("orm_plain", [{"key": "b", "n": 2}, {"key": "c", "n": 2}], conflict_columns=["key"])
    assert (result.inserted, result.updated) == (1, 1)
    await db.execute("DROP TABLE orm_plain")
