"""Behaviours of every front: time limits of calls that take several steps."""

from __future__ import annotations

import asyncio
import math
import random
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from relay import Relay

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .fronts import Asyncio

#: Far more than a call needs to end behind its time, far less than what it would take without a limit.
SLACK = 2.5


@contextmanager
def in_time(limit: float) -> Iterator[None]:
    start = time.monotonic()
    with pytest.raises(errors.QueryTimeout, match=f"{limit:g} seconds"):
        yield
    assert time.monotonic() - start < limit + SLACK


@on_every_front
async def test_a_copy_into_a_locked_table_ends_in_time(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, front.open(pool_max=1) as other, scratch(other, "a int") as table:
        async with other.transaction() as tx:
            await tx.execute(f"LOCK TABLE {table}")
            for method in ("copy", "unnest", "auto"):
                with in_time(0.1):
                    await db.insert_many(table, [(1,)], columns=["a"], method=method, timeout=0.1)
                await settled(db)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0


@on_every_front
async def test_a_copy_whose_rows_are_slow_ends_in_time(front: Asyncio) -> None:
    def rows() -> Any:
        for n in range(10_000):
            time.sleep(0.01)
            yield n, "x" * 50_000

    async with front.open(pool_max=1) as db, scratch(db, "a int, b text") as table:
        pid = await db.fetch_val("SELECT pg_backend_pid()")
        for timeout in (0.3, 0.0):
            with in_time(timeout):
                await db.insert_many(table, rows(), columns=["a", "b"], method="copy", timeout=timeout)
        await settled(db)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        assert await db.fetch_val("SELECT pg_backend_pid()") == pid


@on_every_front
async def test_a_server_that_is_slow_with_the_rows_ends_in_time(front: Asyncio) -> None:
    async with (
        front.open(pool_max=1) as db,
        scratch(db, "a int PRIMARY KEY CHECK (pg_sleep(0.01) IS NOT NULL)") as table,
    ):
        pid = await db.fetch_val("SELECT pg_backend_pid()")
        rows = [(n,) for n in range(5_000)]
        with in_time(0.2):
            await db.insert_many(table, rows, columns=["a"], timeout=0.2)
        with in_time(0.2):
            await db.upsert_many(table, rows, columns=["a"], conflict_columns=["a"], timeout=0.2)
        with in_time(0.2):
            await db.upsert_many(table, rows[:50], columns=["a"], conflict_columns=["a"], timeout=0.2)
        for count in (50, 5_000):
            with in_time(0.2):
                await db.execute_many(f"INSERT INTO {table} VALUES ($1)", rows[:count], timeout=0.2)
        await settled(db)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        assert await db.fetch_val("SELECT pg_backend_pid()") == pid


@on_every_front
async def test_a_bulk_write_that_is_given_up_leaves_its_transaction_usable(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int CHECK (a < 10 OR pg_sleep(0.01) IS NOT NULL)") as table:
        rows = [(n,) for n in range(10, 5_000)]
        async with db.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            with in_time(0.2):
                await tx.insert_many(table, rows, columns=["a"], timeout=0.2)
            await tx.execute(f"INSERT INTO {table} VALUES (2)")
        assert [row.a for row in await db.fetch(f"SELECT a FROM {table} ORDER BY a")] == [1, 2]
        async with db.connection() as connection:
            with in_time(0.2):
                await connection.insert_many(table, rows, columns=["a"], timeout=0.2)
            async with connection.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (3)")
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 3
        await settled(db)


@on_every_front
async def test_a_stream_waits_so_long_for_each_batch(front: Asyncio) -> None:
    query = "SELECT n, pg_sleep(CASE n WHEN $1 THEN 10 ELSE 0 END) FROM generate_series(1, 30) n"
    async with front.open(pool_max=1) as db:
        for slow, whole in ((1, 0), (25, 20)):
            seen = 0
            with in_time(0.2):
                async for _ in db.stream(query, slow, batch=10, timeout=0.2):
                    seen += 1
                    await asyncio.sleep(0.03)
            assert seen == whole, "the loop's own time is not counted"
        async with db.connection():
            with in_time(0.1):
                await anext(db.stream("SELECT 1", timeout=0.1))
        await settled(db)


@on_every_front
async def test_a_call_is_given_up_while_it_waits_for_a_connection(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        async with db.connection():
            for call in (
                lambda: db.insert_many("t", [(1,)], columns=["a"], method="copy", timeout=0.1),
                lambda: db.execute_many("SELECT $1::int", [(1,)], timeout=0.1),
                lambda: db.fetch("SELECT 1", timeout=0.1),
            ):
                with in_time(0.1):
                    await call()
        assert db._counts()[5] == 0
        await settled(db)


@on_every_front
async def test_what_is_no_timeout_is_refused(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for call in (
            lambda: db.fetch("SELECT 1", timeout=math.nan),
            lambda: db.insert_many("t", [(1,)], timeout=math.nan),
            lambda: db.execute_many("SELECT $1::int", [(1,)], timeout=math.nan),
            lambda: anext(db.stream("SELECT 1", timeout=math.nan)),
        ):
            with pytest.raises(errors.InterfaceError, match="number of seconds"):
                await call()
        assert await db.fetch_val("SELECT 1", timeout=math.inf) == 1
        assert await db.execute_many("SELECT $1::int", [(1,)], timeout=math.inf) == 1


@on_every_front
async def test_bulk_writes_given_up_at_any_moment_keep_all_or_nothing(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db, scratch(db, "a int") as table:
        rows = [(n,) for n in range(3_000)]
        for _ in range(60):
            with suppress(errors.QueryTimeout, errors.CommitOutcomeUnknown):
                await db.insert_many(table, rows, columns=["a"], timeout=random.uniform(0, 0.01))
        await settled(db)
        assert await db.fetch_val(f"SELECT count(*) % 3000 FROM {table}") == 0


@pytest.mark.parametrize("count", [10, 200_000])
def test_a_server_that_has_fallen_silent_holds_nobody_up(
    front: Asyncio, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_bridge.postgres.database.CANCEL_DEADLINE", 0.5)

    async def case() -> None:
        async with front.open(pool_max=1) as other, scratch(other, "a int, b text") as table:
            with Relay(front.url) as relay:
                front.url = relay.url
                async with front.open(pool_max=1) as db:
                    assert await db.fetch_val("SELECT 1") == 1
                    relay.is_silent = True
                    rows = [(n, "x" * 100) for n in range(count)]
                    with in_time(0.3):
                        await db.insert_many(table, rows, columns=["a", "b"], timeout=0.3)
                    await settled(db)

    front.run(case())
