"""The asyncio front where two things happen in one turn of the loop, or in an order that nobody planned."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from behaviours.fronts import scratch, settled

import data_bridge.postgres as pg
from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

#: Seconds that a caller waits for a connection in these tests.
PATIENCE = 0.1


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    """One connection, so that everybody meets."""
    async with await pg.connect(url, pool_max=1, acquire_timeout=PATIENCE) as db:
        yield db


async def assert_sound(db: pg.Database) -> None:
    """No place of the pool is lost: the next holder gets the connection, and it is clean."""
    await settled(db)
    assert db._counts() == (0, 1, 0, 0, 0, 0)
    async with db.connection() as connection:
        assert connection._usable()._status == "idle"
        assert await connection.fetch_val("SELECT $1::int", 7) == 7


async def taken(db: pg.Database) -> Callable[[], None]:
    """Has the connection; what gives it back at once, in the turn of the loop in which it is called."""
    lent = db.connection()
    await lent.__aenter__()

    def give_back() -> None:
        # Nothing is to be cleaned, so there is nothing to wait for.
        with pytest.raises(StopIteration):
            lent.__aexit__(None, None, None).send(None)  # type: ignore[attr-defined]

    return give_back


async def one(db: pg.Database) -> Any:
    async with db.connection() as connection:
        return await connection.fetch_val("SELECT 1")


async def test_a_connection_that_comes_as_the_time_ends_is_not_lost(db: pg.Database) -> None:
    give_back = await taken(db)
    waiting = asyncio.create_task(one(db))
    await asyncio.sleep(0)
    # Both are due when the loop looks again, the connection first: the waiter is woken with both.
    asyncio.get_running_loop().call_later(PATIENCE / 2, give_back)
    time.sleep(PATIENCE * 2)  # noqa: ASYNC251 (the loop is to be late)
    assert await waiting == 1
    await assert_sound(db)


async def test_a_connection_that_comes_as_its_waiter_is_cancelled_is_not_lost(db: pg.Database) -> None:
    give_back = await taken(db)
    waiting = asyncio.create_task(one(db))
    await asyncio.sleep(0)
    give_back()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await assert_sound(db)


async def test_a_statement_whose_turn_comes_as_its_time_ends_is_run(db: pg.Database) -> None:
    give_back = await taken(db)
    answer = db.fetch_val("SELECT 7")
    asyncio.get_running_loop().call_later(PATIENCE / 2, give_back)
    time.sleep(PATIENCE * 2)  # noqa: ASYNC251 (the loop is to be late)
    assert await answer == 7
    await assert_sound(db)


async def test_a_statement_whose_time_ends_as_it_is_cancelled_ends_once(db: pg.Database) -> None:
    give_back = await taken(db)
    answer = db.fetch_val("SELECT 7")
    asyncio.get_running_loop().call_later(PATIENCE / 2, answer.cancel)
    time.sleep(PATIENCE * 2)  # noqa: ASYNC251 (the loop is to be late)
    with pytest.raises(asyncio.CancelledError):
        await answer
    give_back()
    await assert_sound(db)


@pytest.mark.smoke
@pytest.mark.parametrize("typed", [False, True], ids=["described", "typed"])
@pytest.mark.parametrize("given_up", [{0}, {1}, {0, 1}, {0, 2}, {0, 1, 2}], ids=str)
async def test_a_call_given_up_takes_none_with_it_that_waits_for_its_statement(
    db: pg.Database, given_up: set[int], typed: bool
) -> None:
    """The first of several calls prepares the statement for all of them."""
    options: dict[str, Any] = {"typed": True, "types": (23,)} if typed else {}
    for turns in range(4):
        sql = f"SELECT $1::int4 FROM pg_sleep(0.01) /* {turns} {given_up} {typed} */"
        calls = [db._run(sql, (number,), "value", **options) for number in range(3)]
        for _ in range(turns):
            await asyncio.sleep(0)
        # On a busy machine one may be answered already.
        cancelled = {number for number in given_up if calls[number].cancel()}
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for number, answer in enumerate(answers):
            if number in cancelled:
                assert isinstance(answer, asyncio.CancelledError)
            else:
                assert answer == number
        # On a busy machine the connection may be with the canceller for a while.
        await settled(db)
        assert await db.fetch_val(sql, 9) == 9
    await assert_sound(db)


@pytest.mark.smoke
async def test_a_task_cancelled_before_its_first_step_gives_its_statement_up(db: pg.Database, url: str) -> None:
    async with await pg.connect(url, pool_max=1) as other, scratch(other, "a int") as table:
        for _ in range(2):
            task = asyncio.create_task(db.execute(f"INSERT INTO {table} SELECT 1 FROM pg_sleep(30)"))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await settled(db)
        async with db.connection() as connection:
            await connection.execute("BEGIN")
            task = asyncio.create_task(connection.execute(f"INSERT INTO {table} SELECT 2 FROM pg_sleep(30)"))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # It has failed with the statement, or the statement was never executed; it does not wait for it.
            await asyncio.wait_for(connection.execute("COMMIT"), 10)
        assert await other.fetch_val(f"SELECT count(*) FROM {table}") == 0
    await assert_sound(db)


@pytest.mark.smoke
async def test_a_statement_given_up_while_it_is_prepared_blocks_nobody(db: pg.Database, url: str) -> None:
    """Preparing waits for locks too: who gave it up must not leave its connection waiting for them."""
    async with await pg.connect(url, pool_max=1) as other, scratch(other, "a int") as table:
        async with other.transaction() as tx:
            await tx.execute(f"LOCK TABLE {table}")
            for _ in range(2):
                with pytest.raises(errors.QueryTimeout):
                    await db.fetch(f"SELECT * FROM {table}", timeout=0.05)
                assert await db.fetch_val("SELECT 7") == 7, "the lock is still held"
            with pytest.raises(errors.QueryTimeout):
                async with db.transaction() as inner:
                    await inner.fetch(f"SELECT * FROM {table}", timeout=0.05)
            await assert_sound(db)
        assert await db.fetch(f"SELECT * FROM {table}") == []


@pytest.mark.smoke
async def test_a_second_bulk_write_on_one_transaction_is_refused(db: pg.Database) -> None:
    """A transaction is for one task at a time: what comes into a COPY would become its data."""
    is_copying, may_go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[tuple[int]]:
        yield (0,)
        yield (1,)
        # More than the first two are asked for only when the COPY runs.
        is_copying.set()
        await may_go_on.wait()
        yield (2,)

    async with scratch(db, "a int") as table:
        async with db.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (100)")
            first = asyncio.create_task(tx.insert_many(table, slowly(), ["a"], method="copy"))
            await is_copying.wait()
            for second in (
                lambda: tx.insert_many(table, [(10,), (11,)], ["a"], method="copy"),
                lambda: tx.insert_many(table, [(10,), (11,)], ["a"], method="unnest"),
                lambda: tx.upsert_many(table, [(10,)], columns=["a"], conflict_columns=["a"], method="stage"),
                lambda: tx.execute_many(f"INSERT INTO {table} VALUES ($1)", [(10,)]),
                lambda: tx.fetch("SELECT 1"),
            ):
                with pytest.raises(errors.InterfaceError, match=r"a COPY is running|a transaction of its own"):
                    await second()
            may_go_on.set()
            assert await first == 3
            await tx.execute(f"INSERT INTO {table} VALUES (101)")
        rows = await db.fetch(f"SELECT a FROM {table} ORDER BY a")
        assert [row.a for row in rows] == [0, 1, 2, 100, 101]
    await assert_sound(db)


async def test_a_transaction_that_ends_while_another_task_copies_in_it(db: pg.Database) -> None:
    async with scratch(db, "a int") as table:
        is_copying = asyncio.Event()

        async def endless() -> AsyncIterator[tuple[int]]:
            yield (0,)
            yield (1,)
            is_copying.set()
            await asyncio.sleep(3600)

        async def end(*, raises: bool) -> asyncio.Task[Any]:
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (100)")
                writing = asyncio.create_task(tx.insert_many(table, endless(), ["a"], method="copy"))
                await is_copying.wait()
                if raises:
                    raise ZeroDivisionError
            return writing

        for raises in (True, False):
            is_copying.clear()
            with pytest.raises((ZeroDivisionError, errors.Error)):
                await asyncio.wait_for(end(raises=raises), 10)
            assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
    await assert_sound(db)
