"""One statement, executed many times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(autouse=True)
async def items(db: pg.Database) -> None:
    await db.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")


@pytest.mark.smoke
@pytest.mark.parametrize("count", [0, 1, 1000, 1001, 5500])
async def test_counts(db: pg.Database, count: int) -> None:
    assert await db.execute_many("INSERT INTO items VALUES ($1, $2)", [(n, str(n)) for n in range(count)]) == count
    assert await db.execute_many("UPDATE items SET name = $2 WHERE id = $1", ([n, "x"] for n in range(count))) == count
    assert await db.fetch_val("SELECT count(*) FROM items WHERE name = 'x'") == count


async def test_async_iterables(db: pg.Database) -> None:
    async def rows() -> AsyncIterator[tuple[int, str]]:
        for number in range(2500):
            yield number, "n"

    assert await db.execute_many("INSERT INTO items VALUES ($1, $2)", rows()) == 2500


@pytest.mark.smoke
@pytest.mark.parametrize("count", [10, 5000])
@pytest.mark.parametrize("bad", [(1, "again"), ("x", "n"), (1,)])
async def test_all_or_nothing(db: pg.Database, count: int, bad: tuple[object, ...]) -> None:
    rows = [*((n, "n") for n in range(count)), bad]
    with pytest.raises(errors.Error):
        await db.execute_many("INSERT INTO items VALUES ($1, $2)", rows)
    assert await db.fetch_val("SELECT count(*) FROM items") == 0
    async with db.transaction() as tx:
        assert await tx.execute_many("INSERT INTO items VALUES ($1, $2)", rows[:-1]) == count
    assert await db.fetch_val("SELECT count(*) FROM items") == count


async def test_bad_values_are_named(db: pg.Database) -> None:
    rows: list[tuple[int, object]] = [(n, "n") for n in range(3500)]

    async def later() -> AsyncIterator[tuple[int, object]]:
        for row in rows:
            yield row

    for bad in (3, 1000, 1001, 2500):
        rows[bad] = (bad, 2)
        for source in (rows, later()):
            with pytest.raises(
                errors.DataError, match=rf"^row {bad}, parameter \$2 \(text\): a str is needed, not int"
            ):
                await db.execute_many("INSERT INTO items VALUES ($1, $2)", source)
        rows[bad] = (bad, "n")
    assert await db.fetch_val("SELECT count(*) FROM items") == 0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": 1, "name": "Ann"}, r"a dict has no order for \$1, \$2, ...: give a tuple, or use insert_many"),
        ({1, "Ann"}, r"a set has no order for \$1, \$2, ...: give a tuple"),
        ("ab", r"as a tuple, not as one str: write \(value,\)"),
        (b"ab", r"as a tuple, not as one bytes: write \(value,\)"),
        (7, r"as a tuple, not as one int: write \(value,\)"),
    ],
    ids=["dict", "set", "str", "bytes", "int"],
)
async def test_what_has_no_positions_is_refused(db: pg.Database, row: Any, message: str) -> None:
    insert = "INSERT INTO items VALUES ($1, $2)"
    for count in (0, 1500):
        rows = [*((n, "n") for n in range(count)), row]
        with pytest.raises(errors.InterfaceError, match=message):
            await db.execute_many(insert, rows)
    with pytest.raises(errors.InterfaceError, match=message):
        await db.fetch_many("SELECT $1::text, $2::text", [row])
    with pytest.raises(errors.InterfaceError, match=message):
        await pg.execute(insert, row, db=db)
    assert await db.fetch_val("SELECT count(*) FROM items") == 0


async def test_records_and_iterators_have_positions(db: pg.Database) -> None:
    records = await db.fetch("SELECT 1, 'one'")
    assert await db.execute_many("INSERT INTO items VALUES ($1, $2)", [*records, iter((2, "two"))]) == 2
    assert [tuple(row) for row in await db.fetch("SELECT * FROM items")] == [(1, "one"), (2, "two")]
