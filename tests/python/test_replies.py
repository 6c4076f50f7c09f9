"""What a verb of the asyncio front returns, and how calls that nobody wants any more end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=1) as database:
        yield database


async def settled(db: pg.Database) -> None:
    async with asyncio.timeout(2):
        while db._counts() != (0, 1, 0, 0, 0, 0):
            await asyncio.sleep(0.01)


async def test_a_call_is_the_same_with_and_without_a_timeout(db: pg.Database) -> None:
    async with db.connection() as connection:
        await same(connection)
    await same(db)


async def same(holder: pg.Database | pg.Connection) -> None:
    plain, limited = holder.fetch_val("SELECT 1"), holder.fetch_val("SELECT 2", timeout=5)
    assert type(plain) is type(limited)
    assert isinstance(limited, asyncio.Future)
    # Both are on their way before they are awaited.
    async with asyncio.timeout(2):
        while not (plain.done() and limited.done()):  # pyright: ignore[reportAttributeAccessIssue]
            await asyncio.sleep(0.001)
    assert [await plain, await limited] == [1, 2]
    assert await asyncio.gather(holder.fetch_val("SELECT 3", timeout=5), holder.fetch_val("SELECT 4")) == [3, 4]


async def test_a_timeout_passes_while_nobody_awaits(db: pg.Database) -> None:
    slow = db.fetch("SELECT pg_sleep(10)", timeout=0.05)
    await asyncio.sleep(0.2)
    assert slow.done()
    with pytest.raises(errors.QueryTimeout, match=r"no answer after 0\.05 seconds"):
        await slow
    await settled(db)


async def test_a_statement_is_cancelled_that_is_still_being_prepared(db: pg.Database, url: str) -> None:
    async with await pg.connect(url, pool_max=1) as other:
        await other.execute("CREATE TABLE IF NOT EXISTS replies_locked (a int)")
        async with other.transaction() as tx:
            await tx.execute("LOCK TABLE replies_locked")
            for call in (db.fetch("SELECT * FROM replies_locked", timeout=0.05), in_transaction(db)):
                with pytest.raises(errors.QueryTimeout):
                    await call
                await settled(db)
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT a, % FROM replies_locked'"
            assert await db.fetch_val(waiting) == 0
        await other.execute("DROP TABLE replies_locked")


async def in_transaction(db: pg.Database) -> None:
    async with db.transaction() as tx:
        await tx.fetch("SELECT 1")
        await tx.fetch("SELECT a, 1 FROM replies_locked", timeout=0.05)


async def test_statements_of_a_transaction_that_are_given_up_together_are_cancelled(db: pg.Database) -> None:
    with pytest.raises(errors.TransactionRolledBack):
        await sleepless(db)
    await settled(db)


async def sleepless(db: pg.Database) -> None:
    async with db.transaction() as tx:
        await tx.fetch("SELECT 1")
        calls = [asyncio.ensure_future(tx.fetch("SELECT pg_sleep($1)", seconds)) for seconds in (9, 8, 7)]
        await asyncio.sleep(0.1)
        for call in calls:
            call.cancel()
        with pytest.raises(errors.InFailedSQLTransactionError):
            async with asyncio.timeout(2):
                await tx.fetch("SELECT 1")
