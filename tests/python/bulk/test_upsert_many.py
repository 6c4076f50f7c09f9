"""Upserts, each test named after its case; every case by both ways that rows can take."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import pytest

from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    import data_bridge.postgres as pg

type Method = Literal["unnest", "stage"]

WAYS: tuple[Method, ...] = ("unnest", "stage")

pytestmark = [pytest.mark.parametrize("method", WAYS), pytest.mark.smoke]


@pytest.fixture(autouse=True)
async def stock(db: pg.Database) -> None:
    await db.execute("CREATE TABLE stock (id int PRIMARY KEY, name text, amount int NOT NULL DEFAULT 0)")


async def fill(db: pg.Database, ids: Iterable[int]) -> None:
    await db.insert_many("stock", [(key, "old", 0) for key in ids], columns=["id", "name", "amount"])


async def contents(db: pg.Database) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await db.fetch("SELECT id, name, amount FROM stock ORDER BY id")]


async def upsert(db: Any, rows: Iterable[Any], method: Method, **options: Any) -> pg.UpsertResult:
    options.setdefault("columns", ["id", "name", "amount"])
    options.setdefault("conflict_columns", ["id"])
    result: pg.UpsertResult = await db.upsert_many("stock", rows, method=method, **options)
    return result


async def test_one_row_inserted(db: pg.Database, method: Method) -> None:
    result = await upsert(db, [(1, "new", 5)], method)
    assert (result.inserted, result.updated, result.rows) == (1, 0, [])
    assert await contents(db) == [(1, "new", 5)]


async def test_one_row_updated(db: pg.Database, method: Method) -> None:
    await fill(db, [1])
    result = await upsert(db, [(1, "new", 5)], method)
    assert (result.inserted, result.updated) == (0, 1)
    assert await contents(db) == [(1, "new", 5)]


async def test_bulk_without_conflicts(db: pg.Database, method: Method) -> None:
    result = await upsert(db, ((key, "new", key) for key in range(200)), method)
    assert (result.inserted, result.updated) == (200, 0)
    assert await contents(db) == [(key, "new", key) for key in range(200)]


async def test_bulk_with_conflicts_only(db: pg.Database, method: Method) -> None:
    await fill(db, range(200))
    result = await upsert(db, ((key, "new", key) for key in range(200)), method)
    assert (result.inserted, result.updated) == (0, 200)
    assert await contents(db) == [(key, "new", key) for key in range(200)]


async def test_bulk_with_mixed_conflicts(db: pg.Database, method: Method) -> None:
    await fill(db, range(0, 200, 2))
    result = await upsert(db, ((key, "new", key) for key in range(200)), method)
    assert (result.inserted, result.updated) == (100, 100)
    assert await contents(db) == [(key, "new", key) for key in range(200)]


async def test_chosen_columns(db: pg.Database, method: Method) -> None:
    await fill(db, [1])
    result = await upsert(db, [(1, "new", 5), (2, "new", 6)], method, update_columns=["amount"])
    assert (result.inserted, result.updated) == (1, 1)
    assert await contents(db) == [(1, "old", 5), (2, "new", 6)]


async def test_composite_unique(db: pg.Database, method: Method) -> None:
    await db.execute("CREATE TABLE price (shop int, item text, price numeric, UNIQUE (shop, item))")
    await db.execute("INSERT INTO price VALUES (1, 'a', 1), (1, 'b', 1)")
    rows = [{"shop": 1, "item": "a", "price": 2}, {"shop": 2, "item": "a", "price": 3}]
    result = await db.upsert_many("price", rows, conflict_columns=["shop", "item"], method=method)
    assert (result.inserted, result.updated) == (1, 1)
    found = await db.fetch("SELECT shop, item, price::int FROM price ORDER BY shop, item")
    assert [tuple(row) for row in found] == [(1, "a", 2), (1, "b", 1), (2, "a", 3)]


async def test_conflict_columns_without_unique_index(db: pg.Database, method: Method) -> None:
    with pytest.raises(errors.InvalidColumnReferenceError):
        await upsert(db, [(1, "new", 5)], method, conflict_columns=["name"])
    assert await contents(db) == []


async def test_conflict_columns_that_the_rows_do_not_have(db: pg.Database, method: Method) -> None:
    with pytest.raises(errors.InterfaceError, match='"id" is not among the columns of the rows'):
        await upsert(db, [("new",)], method, columns=["name"])


@pytest.mark.parametrize("count", [50, 51, 5000])
async def test_fifty_rows_and_more(db: pg.Database, method: Method, count: int) -> None:
    await fill(db, range(0, count, 2))
    result = await upsert(db, [(key, "new", key) for key in range(count)], method)
    assert (result.inserted, result.updated) == (count // 2, count - count // 2)
    assert await contents(db) == [(key, "new", key) for key in range(count)]


@pytest.mark.parametrize(("on_duplicate", "kept"), [("last", "b"), ("first", "a")])
async def test_duplicate_keys_in_one_batch(db: pg.Database, method: Method, on_duplicate: str, kept: str) -> None:
    await fill(db, [1])
    rows = [(1, "a", 1), (2, "a", 1), (1, "b", 1), (2, "b", 1), (3, kept, 1)]
    result = await upsert(db, rows, method, on_duplicate=on_duplicate)
    assert (result.inserted, result.updated) == (2, 1)
    assert await contents(db) == [(key, kept, 1) for key in (1, 2, 3)]


@pytest.mark.parametrize("do_nothing", [False, True])
async def test_duplicate_keys_refused(db: pg.Database, method: Method, do_nothing: bool) -> None:
    with pytest.raises(errors.CardinalityViolationError, match="same values in id; remove the duplicates") as caught:
        await upsert(db, [(1, "a", 1), (1, "b", 1)], method, on_duplicate="error", do_nothing=do_nothing)
    assert caught.value.sqlstate == "21000"
    assert await contents(db) == []
    result = await upsert(db, [(1, "a", 1), (2, "b", 1)], method, on_duplicate="error", do_nothing=do_nothing)
    assert result.inserted == 2


async def test_null_keys_never_conflict(db: pg.Database, method: Method) -> None:
    await db.execute("CREATE TABLE loose (key int UNIQUE, value text)")
    rows = [(None, "a"), (None, "b"), (1, "c")]
    result = await db.upsert_many("loose", rows, columns=["key", "value"], conflict_columns=["key"], method=method)
    assert (result.inserted, result.updated) == (3, 0)


async def test_null_keys_of_an_index_that_holds_them_for_the_same(
    db: pg.Database, method: Method, server_version: int
) -> None:
    if server_version < 15:
        pytest.skip("NULLS NOT DISTINCT came with PostgreSQL 15")
    await db.execute("CREATE TABLE codes (code int UNIQUE NULLS NOT DISTINCT, word text)")

    async def upsert_codes(*rows: tuple[int | None, str]) -> pg.UpsertResult:
        return await db.upsert_many("codes", rows, columns=["code", "word"], conflict_columns=["code"], method=method)

    for updated in (0, 1):
        result = await upsert_codes((None, "a"))
        assert (result.inserted, result.updated) == (1 - updated, updated)
    with pytest.raises(errors.CardinalityViolationError, match=r"NULLS NOT DISTINCT, then several .* values in code"):
        await upsert_codes((None, "b"), (None, "c"))


async def test_do_nothing(db: pg.Database, method: Method) -> None:
    await fill(db, [1])
    result = await upsert(db, [(1, "new", 5), (2, "new", 6)], method, do_nothing=True)
    assert (result.inserted, result.updated) == (1, 0)
    assert await contents(db) == [(1, "old", 0), (2, "new", 6)]


async def test_where(db: pg.Database, method: Method) -> None:
    await fill(db, [1, 2])
    rows = [(1, "new", 5), (2, "new", -5), (3, "new", -5)]
    result = await upsert(db, rows, method, where="stock.amount < excluded.amount -- only upwards")
    assert (result.inserted, result.updated) == (1, 1)
    assert await contents(db) == [(1, "new", 5), (2, "old", 0), (3, "new", -5)]


async def test_returning(db: pg.Database, method: Method) -> None:
    await fill(db, [1])
    result = await upsert(db, [(1, "new", 5), (2, "new", 6)], method, returning=["id", "amount"])
    assert (result.inserted, result.updated) == (1, 1)
    assert sorted(map(tuple, result.rows)) == [(1, 5), (2, 6)]


async def test_returning_without_update(db: pg.Database, method: Method) -> None:
    await fill(db, [1])
    result = await upsert(db, [(1, "new", 5), (2, "new", 6)], method, do_nothing=True, returning=["id"])
    assert (result.inserted, result.updated, [row.id for row in result.rows]) == (1, 0, [2])


async def test_no_rows(db: pg.Database, method: Method) -> None:
    result = await upsert(db, iter(()), method)
    assert (result.inserted, result.updated, result.rows) == (0, 0, [])


async def test_several_in_one_transaction(db: pg.Database, method: Method) -> None:
    async with db.transaction() as tx:
        first = await upsert(tx, [(1, "a", 1), (2, "a", 1)], method)
        second = await upsert(tx, [(2, "b", 1), (3, "b", 1)], method)
        third = await upsert(tx, [(3, "c", 1)], method)
    counts = [(result.inserted, result.updated) for result in (first, second, third)]
    assert counts == [(2, 0), (1, 1), (0, 1)]
    assert await contents(db) == [(1, "a", 1), (2, "b", 1), (3, "c", 1)]


async def test_rolled_back_with_its_transaction(db: pg.Database, method: Method) -> None:
    async def fail() -> None:
        async with db.transaction() as tx:
            await upsert(tx, [(1, "a", 1)], method)
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        await fail()
    assert await contents(db) == []


async def test_nothing_is_logged(db: pg.Database, method: Method, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "data_bridge.postgres")
    async with db.connection() as connection:
        for _ in range(3):
            await upsert(connection, [(1, "a", 1)], method)
    assert caplog.messages == []


async def test_partitioned_table(db: pg.Database, method: Method) -> None:
    await db.execute("CREATE TABLE parted (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)")
    await db.execute("CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10)")
    await db.execute("CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20)")
    await db.execute("INSERT INTO parted VALUES (5, 'old'), (15, 'old')")
    rows = [{"id": key, "name": "new"} for key in (5, 6, 15, 16)]
    result = await db.upsert_many("parted", rows, conflict_columns=["id"], method=method)
    assert (result.inserted, result.updated) == (2, 2)


async def test_changed_table(db: pg.Database, method: Method) -> None:
    """A staging table or a description of the table as it was must not be used for the table as it is."""
    async with db.connection() as connection:
        await upsert(connection, [(1, "a", 1)], method)
        await connection.execute("ALTER TABLE stock ALTER amount TYPE float8")
        result = await upsert(connection, [(1, "a", 1.5 if method == "stage" else 2)], method)
        assert (result.inserted, result.updated) == (0, 1)
        assert await connection.fetch_val("SELECT amount FROM stock") == (1.5 if method == "stage" else 2.0)


@pytest.mark.parametrize("count", [10, 4000])
async def test_types_that_travel_as_text(db: pg.Database, method: Method, count: int) -> None:
    await db.execute("CREATE TABLE prices (price money PRIMARY KEY, name text)")
    rows = [(f"{n}.50", "new") for n in range(count)]
    await db.insert_many("prices", rows[::2])
    options: dict[str, Any] = {"conflict_columns": ["price"]}
    if method == "stage":
        with pytest.raises(errors.NotSupportedError, match="money"):
            await db.upsert_many("prices", rows, method="stage", **options)
    result = await db.upsert_many("prices", rows, **options)
    assert (result.inserted, result.updated) == (count // 2, count // 2)


async def test_bad_arguments(db: pg.Database, method: Method) -> None:
    with pytest.raises(errors.InterfaceError, match="on_duplicate must be"):
        await upsert(db, [(1, "a", 1)], method, on_duplicate="any")
    with pytest.raises(errors.InterfaceError, match="not one str"):
        await upsert(db, [(1, "a", 1)], method, conflict_columns="id")
    with pytest.raises(errors.InterfaceError, match="takes neither update_columns nor where"):
        await upsert(db, [(1, "a", 1)], method, do_nothing=True, where="true")
    with pytest.raises(errors.InterfaceError, match="method must be"):
        await db.upsert_many("stock", [], conflict_columns=["id"], method="copy")  # type: ignore[arg-type]


async def test_updates_that_a_trigger_suppresses(db: pg.Database, method: Method) -> None:
    await db.execute(
        "CREATE TRIGGER lazy BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    )
    rows = [(key, "new", 0) for key in range(3)]
    for returning in (None, ["id"]):
        await upsert(db, rows, method)
        result = await upsert(db, rows, method, returning=returning)
        assert (result.inserted, result.updated, result.rows) == (0, 0, [])
