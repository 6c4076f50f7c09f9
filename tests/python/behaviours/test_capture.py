"""Behaviours of every front: what `capture()` lists."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

from .fronts import on_every_front, scratch

if TYPE_CHECKING:
    from .fronts import Asyncio


@on_every_front
async def test_what_ran_in_a_block_is_listed_with_its_rows_and_time(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        await db.fetch_val("SELECT 0")
        with db.capture() as queries:
            await db.fetch("SELECT generate_series(1, $1::int)", 3)
            assert await db.fetch_row("SELECT 1 AS one") == (1,)
            await db.fetch_val("SELECT pg_sleep(0.02)")
        await db.fetch_val("SELECT 0")
        assert queries.sql == ["SELECT generate_series(1, $1::int)", "SELECT 1 AS one", "SELECT pg_sleep(0.02)"]
        assert [each.rows for each in queries] == [3, 1, 1]
        assert 0.015 < queries[2].seconds < 5
        assert [each.args for each in queries] == [None] * 3
        assert "3 rows: SELECT generate_series" in repr(queries)


@on_every_front
async def test_values_are_listed_on_request_only(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        with db.capture(args=True) as queries, db.capture() as within:
            await db.execute("SELECT $1::text", "secret")
        assert [each.args for each in queries] == [("secret",)]
        assert [each.args for each in within] == [None]
        assert "secret" not in repr(queries)


@on_every_front
async def test_every_verb_is_listed_and_what_opens_transactions_is_not(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db, scratch(db, "id int primary key, name text") as table:
        with db.capture() as queries:
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1, 'a')")
                async with tx.transaction() as nested:
                    assert await nested.fetch_val(f"SELECT name FROM {table}") == "a"
        assert [each.rows for each in queries] == [1, 1]

        with db.capture() as queries:
            await db.insert_many(table, [(n, "x") for n in range(10, 5010)], columns=["id", "name"])
        assert [each.rows for each in queries if "COPY" in each.sql] == [5000]

        with db.capture() as queries:
            await db.execute_many(f"INSERT INTO {table} VALUES ($1, $2)", [(6000 + n, "y") for n in range(3)])
        assert [(each.executions, each.rows) for each in queries] == [(3, 3)]

        with db.capture() as queries:
            assert len([row async for row in db.stream(f"SELECT id FROM {table} LIMIT 25", batch=10)]) == 25
        assert sum(each.rows for each in queries) == 25


@on_every_front
async def test_a_statement_that_fails_is_listed_with_its_error(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        with db.capture() as queries, pytest.raises(errors.ProgrammingError) as raised:
            await db.execute("SELECT nothing_of_that_name")
        assert [each.sql for each in queries] in (["SELECT nothing_of_that_name"], [])
        with db.capture() as queries, pytest.raises(errors.DataError) as raised:
            await db.execute("SELECT 1 / $1::int", 0)
        assert [each.error for each in queries] == [raised.value]


async def test_other_tasks_are_not_heard_and_those_of_the_block_are(url: str) -> None:
    async with await pg.connect(url, pool_max=3) as db:
        started = asyncio.Event()

        async def other() -> None:
            await started.wait()
            for _ in range(5):
                await db.fetch_val("SELECT 'other'")

        elsewhere = asyncio.create_task(other())
        async with db.capture() as queries:
            started.set()
            late = asyncio.create_task(_later(db))
            await asyncio.gather(*(_one(db) for _ in range(3)), elsewhere)
        assert queries.sql == ["SELECT 'mine'"] * 3
        await late
        assert len(queries) == 3


async def _one(db: pg.Database) -> None:
    await db.fetch_val("SELECT 'mine'")


async def _later(db: pg.Database) -> None:
    await asyncio.sleep(0.1)
    await db.fetch_val("SELECT 'late'")


def test_other_threads_are_not_heard(url: str) -> None:
    with pg.connect_sync(url, pool_max=2) as db, pg.capture() as queries:
        thread = threading.Thread(target=db.fetch_val, args=("SELECT 'other'",))
        thread.start()
        thread.join()
        db.fetch_val("SELECT 'mine'")
        assert queries.sql == ["SELECT 'mine'"]


def test_a_capture_is_entered_once() -> None:
    capture = pg.capture()
    with capture:
        pass
    with pytest.raises(RuntimeError, match="make another"), capture:
        pass
