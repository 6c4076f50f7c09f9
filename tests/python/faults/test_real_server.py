"""Faults that a real server can be made to have."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

import data_bridge.postgres as pg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.smoke


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as db:
        yield db


@pytest.fixture
async def other(url: str) -> AsyncIterator[pg.Database]:
    """Another client, that ends the backends of the first."""
    async with await pg.connect(url, pool_max=1) as other:
        yield other


async def terminate(other: pg.Database, process: int | None) -> None:
    assert await other.fetch_val("SELECT pg_terminate_backend($1::int4)", process)


async def test_terminated_while_idle(db: pg.Database, other: pg.Database) -> None:
    await terminate(other, await db.fetch_val("SELECT pg_backend_pid()"))
    await asyncio.sleep(0.1)
    assert [await db.fetch_val("SELECT $1::int4", number) for number in range(20)] == list(range(20))


async def test_terminated_in_a_query(db: pg.Database, other: pg.Database) -> None:
    async with db.connection() as connection:
        sleeping = asyncio.ensure_future(connection.fetch("SELECT pg_sleep(60)"))
        await asyncio.sleep(0.1)
        await terminate(other, connection.backend_pid)
        with pytest.raises(pg.errors.AdminShutdownError) as raised:
            await sleeping
        assert raised.value.sqlstate == "57P01"
        assert connection.is_closed
    assert await db.fetch_val("SELECT 7") == 7


async def test_terminated_in_a_transaction(db: pg.Database, other: pg.Database) -> None:
    async def work() -> None:
        async with db.transaction() as tx:
            process = await tx.fetch_val("SELECT pg_backend_pid()")
            await terminate(other, process)
            await asyncio.sleep(0.1)
            await tx.fetch("SELECT 1")

    with pytest.raises(pg.errors.OperationalError):
        await work()
    assert await db.fetch_val("SELECT 7") == 7


async def test_terminated_in_a_copy(db: pg.Database, other: pg.Database) -> None:
    await other.execute("DROP TABLE IF EXISTS faults_copy")
    await other.execute("CREATE TABLE faults_copy (n int4)")

    async def rows() -> AsyncIterator[tuple[int]]:
        for n in range(100_000):
            if n == 50_000:
                await other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY %faults_copy%'"
                )
                await asyncio.sleep(0.2)
            yield (n,)

    with pytest.raises(pg.errors.OperationalError):
        await db.insert_many("faults_copy", rows(), columns=["n"], method="copy")
    assert await db.fetch_val("SELECT count(*) FROM faults_copy") == 0
    await other.execute("DROP TABLE faults_copy")


async def test_a_copy_cancelled_keeps_nothing(db: pg.Database) -> None:
    await db.execute("DROP TABLE IF EXISTS faults_cancelled")
    await db.execute("CREATE TABLE faults_cancelled (n int4)")

    async def rows() -> AsyncIterator[tuple[int]]:
        for n in range(50_000):
            yield (n,)
        await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await db.insert_many("faults_cancelled", rows(), columns=["n"], method="copy")
    assert await db.fetch_val("SELECT count(*) FROM faults_cancelled") == 0
    await db.execute("DROP TABLE faults_cancelled")


async def test_a_commit_that_rolls_back_raises(db: pg.Database) -> None:
    async def work() -> None:
        async with db.transaction() as tx:
            with contextlib.suppress(pg.Error):
                await tx.fetch("SELECT 1/0")

    with pytest.raises(pg.errors.TransactionRolledBack):
        await work()
    assert await db.fetch_val("SELECT 7") == 7


async def test_a_cancel_hits_its_own_statement_only(db: pg.Database) -> None:
    for number in range(30):
        sleeping = asyncio.ensure_future(db.fetch("SELECT pg_sleep(0.01)"))
        await asyncio.sleep(number / 2000)
        sleeping.cancel()
        answers = await asyncio.gather(*(db.fetch_val("SELECT $1::int4", n) for n in range(5)))
        assert answers == list(range(5))
    running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(0.01)%'"
    assert await db.fetch_val(running) == 0


async def test_changed_tables_and_dropped_statements_heal(db: pg.Database, url: str) -> None:
    await db.execute("DROP TABLE IF EXISTS faults_plan")
    await db.execute("CREATE TABLE faults_plan (a int4)")
    await db.execute("INSERT INTO faults_plan VALUES (1)")
    async with await pg.connect(url, pool_max=1) as one:
        sql = "SELECT * FROM faults_plan"
        assert [tuple(row) for row in await one.fetch(sql)] == [(1,)]
        await db.execute("ALTER TABLE faults_plan ADD COLUMN b text DEFAULT 'x'")
        assert [tuple(row) for row in await one.fetch(sql)] == [(1, "x")]
        for drop in ("DISCARD ALL", "DEALLOCATE ALL"):
            await one.execute(drop)
            assert [tuple(row) for row in await one.fetch(sql)] == [(1, "x")]

        async def inside() -> None:
            async with one.transaction() as tx:
                await tx.fetch(sql)
                await db.execute("SELECT 1")
                await tx.execute("ALTER TABLE faults_plan DROP COLUMN b")
                await tx.fetch(sql)

        with pytest.raises(pg.errors.NotSupportedError):
            await inside()
        assert [tuple(row) for row in await one.fetch(sql)] == [(1, "x")]
    await db.execute("DROP TABLE faults_plan")
