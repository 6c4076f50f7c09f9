"""Nested transactions that two tasks, or two threads, open in the same one at the same time."""

from __future__ import annotations

import asyncio
import threading

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors


async def test_of_two_tasks_the_second_is_told_to_wait(url: str) -> None:
    async with await pg.connect(url, pool_max=1) as db:
        await db.execute("CREATE TABLE nesting (a int)")
        try:
            async with db.transaction() as tx:
                entered, done = asyncio.Event(), asyncio.Event()

                async def first() -> None:
                    async with tx.transaction() as nested:
                        await nested.execute("INSERT INTO nesting VALUES (1)")
                        entered.set()
                        await done.wait()

                task = asyncio.create_task(first())
                await entered.wait()
                with pytest.raises(errors.InterfaceError, match="a transaction of its own"):
                    async with tx.transaction():
                        pass
                with pytest.raises(errors.InterfaceError, match="a transaction of its own"):
                    await tx.insert_many("nesting", [(2,)], columns=["a"], method="copy")
                done.set()
                await task
                # One after the other is fine, and so is a task within the innermost.
                async with tx.transaction() as nested:
                    await asyncio.create_task(insert(nested, 3))
            assert [row.a for row in await db.fetch("SELECT a FROM nesting ORDER BY a")] == [1, 3]
        finally:
            await db.execute("DROP TABLE nesting")


async def insert(tx: pg.Transaction, a: int) -> None:
    async with tx.transaction() as nested:
        await nested.execute("INSERT INTO nesting VALUES ($1)", a)


async def test_a_transaction_outlives_the_task_that_has_opened_it(url: str) -> None:
    """As fixtures of a test do, which run in tasks of their own."""
    async with await pg.connect(url, pool_max=1) as db, db.connection() as connection:
        outer = connection.transaction()
        await asyncio.create_task(outer.__aenter__())
        async with connection.transaction() as nested:
            assert await nested.fetch_val("SELECT 1") == 1
        await outer.__aexit__(None, None, None)


def test_of_two_threads_the_second_is_told_to_wait(url: str) -> None:
    with pg.connect_sync(url, pool_max=1) as db, db.transaction() as tx:
        entered, done = threading.Event(), threading.Event()

        def first() -> None:
            with tx.transaction() as nested:
                nested.execute("SELECT 1")
                entered.set()
                done.wait()

        thread = threading.Thread(target=first)
        thread.start()
        entered.wait()
        with pytest.raises(errors.InterfaceError, match="a transaction of its own"), tx.transaction():
            pass
        done.set()
        thread.join()
        with tx.transaction() as nested:
            assert nested.fetch_val("SELECT 1") == 1


@pytest.mark.smoke
async def test_a_nested_transaction_whose_first_statement_cannot_be_prepared_leaves_the_outer_one_alone(
    url: str,
) -> None:
    async with await pg.connect(url, pool_max=1) as db, db.transaction() as tx:
        assert await tx.fetch_val("SELECT 1") == 1
        for _ in range(2):
            with pytest.raises(errors.UndefinedTableError):
                async with tx.transaction() as nested:
                    await nested.fetch("SELECT * FROM nowhere_at_all")
            assert await tx.fetch_val("SELECT 2") == 2
        async with tx.transaction() as nested:
            assert await nested.fetch_val("SELECT 3") == 3


def test_so_it_does_on_the_blocking_front(url: str) -> None:
    with pg.connect_sync(url, pool_max=1) as db, db.transaction() as tx:
        assert tx.fetch_val("SELECT 1") == 1
        with pytest.raises(errors.UndefinedTableError), tx.transaction() as nested:
            nested.fetch("SELECT * FROM nowhere_at_all")
        assert tx.fetch_val("SELECT 2") == 2
