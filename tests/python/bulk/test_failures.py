"""Bulk writes that fail or are given up: nothing is kept, and the connection goes on."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

import pytest

from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import data_bridge.postgres as pg

type Method = Literal["copy", "unnest"]

ways = pytest.mark.parametrize("method", ["copy", "unnest"])


@pytest.fixture(autouse=True)
async def items(db: pg.Database) -> None:
    await db.execute("CREATE TABLE items (id int PRIMARY KEY, name text)")


async def wait_until_clean(db: pg.Database) -> None:
    """Cleaning a connection behind a cancelled task goes on by itself."""
    async with asyncio.timeout(2):
        while db._counts()[3:] != (0, 0, 0):
            await asyncio.sleep(0.001)


async def assert_empty(db: pg.Database) -> None:
    """Nothing was kept, and every connection of the pool is free and works."""
    await wait_until_clean(db)
    assert await db.fetch_val("SELECT count(*) FROM items") == 0
    assert await asyncio.gather(*(db.fetch_val("SELECT $1::int", n) for n in range(20))) == list(range(20))


@ways
@pytest.mark.smoke
@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x", "n"), 'row 900, column "id" (int4): an int is needed, not str'),
        ((2**31, "n"), 'row 900, column "id" (int4): the integer is out of range'),
        ((1, b"n"), 'row 900, column "name" (text): a str is needed, not bytes'),
        ((1, "a\0b"), 'row 900, column "name" (text): '),
        ((1,), "row 900: the row has 1 values for 2 columns"),
        ((1, "n", 3), "row 900: the row has 3 values for 2 columns"),
        ({"id": 1}, 'row 900, column "name" (text): the row has no key of this name'),
        (None, "row 900: a row (tuple, list, dict, record, or an object"),
        (7, "row 900: a row (tuple, list, dict, record, or an object"),
    ],
    ids=lambda value: repr(value) if not isinstance(value, str) else "",
)
async def test_bad_rows_are_named(db: pg.Database, method: Method, row: Any, message: str) -> None:
    rows = [*((n, "n") for n in range(900)), row, (1000, "n")]
    with pytest.raises(errors.DataError) as caught:
        await db.insert_many("items", rows, columns=["id", "name"], method=method)
    assert str(caught.value).startswith(message)
    await assert_empty(db)


async def test_a_bad_row_behind_many_good_ones(db: pg.Database) -> None:
    rows: list[Any] = [(n, "n" * 50) for n in range(50_000)]
    rows.append((50_000, 1))
    with pytest.raises(errors.DataError, match=r'^row 50000, column "name" \(text\)'):
        await db.insert_many("items", rows)
    await assert_empty(db)
    with pytest.raises(errors.DataError, match=r'^row 50000, column "name" \(text\)'):
        await db.upsert_many("items", rows, columns=["id", "name"], conflict_columns=["id"])
    await assert_empty(db)


@ways
async def test_dicts_must_have_the_keys_of_the_first(db: pg.Database, method: Method) -> None:
    with pytest.raises(errors.DataError, match="row 1: the dict has 3 keys, the columns are 2"):
        await db.insert_many("items", [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "c": 3}], method=method)
    await assert_empty(db)


@ways
@pytest.mark.smoke
async def test_the_servers_refusal(db: pg.Database, method: Method) -> None:
    rows = [*((n, "n") for n in range(500)), (7, "again")]
    with pytest.raises(errors.UniqueViolationError) as caught:
        await db.insert_many("items", rows, method=method)
    assert caught.value.constraint_name == "items_pkey"
    await assert_empty(db)


async def test_the_servers_refusal_in_the_middle_of_a_copy(db: pg.Database) -> None:
    """The server ends the COPY while rows are still on their way: its reason must reach the caller."""
    rows = ((n % 1000, "n" * 200) for n in range(300_000))
    with pytest.raises(errors.UniqueViolationError):
        await db.insert_many("items", rows)
    await assert_empty(db)


@ways
async def test_a_generator_that_raises(db: pg.Database, method: Method) -> None:
    def rows() -> Iterator[tuple[int, str]]:
        for number in range(20_000):
            yield number, "n"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        await db.insert_many("items", rows(), method=method)
    await assert_empty(db)


async def test_a_failure_in_a_transaction_leaves_it_usable(db: pg.Database) -> None:
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO items VALUES (1, 'one')")
        with pytest.raises(errors.DataError):
            await tx.insert_many("items", [*((n, "n") for n in range(2, 2000)), ("x", "n")])
        with pytest.raises(errors.UniqueViolationError):
            await tx.insert_many("items", [(n, "n") for n in range(2000)])
        with pytest.raises(errors.DataError):
            await tx.upsert_many("items", [("x", "n")], columns=["id", "name"], conflict_columns=["id"], method="stage")
        await tx.insert_many("items", [(2, "two")])
    assert await db.fetch_val("SELECT count(*) FROM items") == 2


@pytest.mark.parametrize("table", ["nothing", "items"])
async def test_missing_tables_and_columns(db: pg.Database, table: str) -> None:
    with pytest.raises((errors.UndefinedTableError, errors.UndefinedColumnError)):
        await db.insert_many(table, [{"id": 1, "colour": "red"}])
    with pytest.raises((errors.UndefinedTableError, errors.UndefinedColumnError)):
        await db.insert_many(table, [{"id": n, "colour": "red"} for n in range(5000)])
    await assert_empty(db)


async def test_read_only_transactions(db: pg.Database) -> None:
    with pytest.raises(errors.ReadOnlySQLTransactionError):
        async with db.transaction(readonly=True) as tx:
            await tx.insert_many("items", [(1, "a")], method="copy")
    await assert_empty(db)


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.01, 0.03, 0.1])
@pytest.mark.parametrize("verb", ["copy", "stage", "execute_many"])
async def test_cancelled(db: pg.Database, delay: float, verb: str) -> None:
    async def rows() -> AsyncIterator[tuple[int, str]]:
        number = 0
        while True:
            yield number, "n" * 100
            number += 1
            if number % 10_000 == 0:
                await asyncio.sleep(0.001)

    if verb == "copy":
        work = db.insert_many("items", rows())
    elif verb == "stage":
        work = db.insert_many("items", rows(), returning=["id"])  # type: ignore[assignment]
    else:
        work = db.execute_many("INSERT INTO items VALUES ($1, $2)", rows())
    task = asyncio.create_task(work)
    await asyncio.sleep(delay)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    await assert_empty(db)


async def test_cancelled_at_every_turn(db: pg.Database) -> None:
    """A task cancelled after any number of turns of the loop leaves clean connections behind."""
    for turns in range(40):
        task = asyncio.create_task(db.insert_many("items", [(n, "n") for n in range(3000)], method="copy"))
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.done():
            await task
            await db.execute("TRUNCATE items")
            continue
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
        await wait_until_clean(db)
        if await db.fetch_val("SELECT count(*) FROM items"):
            # The commit was on its way already.
            assert await db.fetch_val("SELECT count(*) FROM items") == 3000
            await db.execute("TRUNCATE items")
        await assert_empty(db)


async def test_other_tasks_run_meanwhile(db: pg.Database) -> None:
    task = asyncio.create_task(db.insert_many("items", ((n, "n" * 50) for n in range(200_000))))
    answers = 0
    while not task.done():
        await db.fetch_val("SELECT 1")
        answers += 1
    assert await task == 200_000
    assert answers > 20


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("source", ["generator", "async generator"])
async def test_memory_is_bounded(db: pg.Database, source: str) -> None:
    await db.execute("CREATE UNLOGGED TABLE wide (id int8, a text, b float8)")
    peak = 0

    def rows() -> Iterator[tuple[int, str, float]]:
        nonlocal peak
        for number in range(1_000_000):
            if number % 50_000 == 0:
                peak = max(peak, resident())
            yield number, "some text of a usual length", 0.5

    async def later() -> AsyncIterator[tuple[int, str, float]]:
        for row in rows():
            yield row

    start = resident()
    count = await db.insert_many("wide", rows() if source == "generator" else later())
    assert count == 1_000_000
    assert peak - start < 30_000_000


@pytest.mark.parametrize("source", ["generator", "async generator"])
async def test_rows_are_taken_as_the_server_takes_them(db: pg.Database, source: str) -> None:
    await db.execute(
        "CREATE FUNCTION hold() RETURNS trigger AS 'BEGIN PERFORM pg_advisory_xact_lock(7401); RETURN NULL; END' LANGUAGE plpgsql"
    )
    await db.execute("CREATE TRIGGER hold BEFORE INSERT ON items EXECUTE FUNCTION hold()")
    taken = 0

    def rows() -> Iterator[tuple[int, str]]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield number, "n" * 200

    async def later() -> AsyncIterator[tuple[int, str]]:
        for row in rows():
            yield row

    async with db.connection() as holder:
        await holder.execute("SELECT pg_advisory_lock(7401)")
        task = asyncio.create_task(db.insert_many("items", rows() if source == "generator" else later()))
        before = -1
        while taken == 0 or taken != before:
            before = taken
            await asyncio.sleep(0.2)
        assert taken < 20_000, "rows pile up in front of a server that reads none"
        await holder.execute("SELECT pg_advisory_unlock(7401)")
    assert await task == 100_000
