"""The fault table against the asyncio front."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg

from .expected import CONNECT_LIMIT, FAULTS, VALUES, check, limited, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scripted import Server

    type Start = Callable[[str], Server]

#: More than any call of these tests may take: a hang is a failure, not a wait.
PATIENCE = 20.0
#: Long enough for the end of a connection to arrive.
IDLE = 0.1


async def call(db: pg.Database, fault: dict[str, Any]) -> None:
    """Does what the fault's line says, and compares what comes back."""
    limit = fault["limit"]
    if fault["call"] == "transaction":
        async with asyncio.timeout(limit):
            async with db.transaction() as tx:
                assert await tx.fetch_val(fault["sql"][0]) == 42
        return
    if fault["call"] == "copy_in":
        assert await db.insert_many("words", [("a",), ("b",), ("c",)], columns=["word"], method="copy")
        return
    if fault["call"] == "idle":
        assert await db.fetch_val(fault["sql"][0]) == 42
        await asyncio.sleep(IDLE)
    for sql in fault["sql"]:
        rows = await db.fetch(sql, timeout=limit)
        assert [row[0] for row in rows] == VALUES[sql]


async def process(db: pg.Database) -> int | None:
    """Which backend the pool's only connection has."""
    async with db.connection() as connection:
        return connection.backend_pid


async def settled(db: pg.Database) -> bool:
    """Whether the pool comes to rest with one idle connection at most."""
    for _ in range(200):
        opening, idle, shared, exclusive, closing, waiting = db._counts()
        if idle <= 1 and not opening + shared + exclusive + closing + waiting:
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("name", named("connect", "connect_tls"))
async def test_connecting(scripted: Start, name: str) -> None:
    fault = FAULTS[name]
    server = scripted(name)
    sslmode = "require" if fault["call"] == "connect_tls" else "disable"
    error = None
    with limited(CONNECT_LIMIT + fault["grace"]):
        try:
            db = await pg.connect(server.url(sslmode), connect_timeout=CONNECT_LIMIT, pool_max=1)
            await db.close()
        except pg.Error as raised:
            error = raised
    check(fault, error)
    async with await pg.connect(server.url(), pool_max=1) as db:
        assert await db.fetch_val("SELECT 7") == 7
    assert server.unfinished() == 0


@pytest.mark.parametrize("name", named("fetch", "fetch_twice", "idle", "transaction", "copy_in"))
async def test_calling(scripted: Start, name: str) -> None:
    fault = FAULTS[name]
    server = scripted(name)
    async with asyncio.timeout(PATIENCE):
        db = await pg.connect(server.url(), pool_max=1)
        before = await process(db)
        error: Exception | None = None
        with limited(fault["limit"] + fault["grace"]):
            try:
                await call(db, fault)
            except (pg.Error, TimeoutError) as raised:
                error = raised
        if isinstance(error, TimeoutError) and not isinstance(error, pg.Error):
            # The test's own clock ended the transaction; what COMMIT did is then for the caller to ask.
            assert name == "commit_hangs"
        else:
            check(fault, error)
        assert await db.fetch_val("SELECT 7") == 7
        assert await settled(db), repr(db)
        assert (await process(db) == before) == fault["usable"]
        await db.close()
    assert server.unfinished() == 0


async def test_a_commit_that_is_not_answered_ends_in_time(scripted: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_bridge.postgres._pool.COMMIT_DEADLINE", 0.3)
    async with await pg.connect(scripted("commit_hangs").url(), pool_max=1) as db:
        with limited(0.8), pytest.raises(pg.errors.CommitOutcomeUnknown):
            async with db.transaction() as tx:
                await tx.fetch("SELECT 42")
        assert await db.fetch_val("SELECT 7") == 7
        assert await settled(db), repr(db)


async def test_neighbours_of_a_failing_call_keep_their_results(scripted: Start) -> None:
    async with await pg.connect(scripted("honest").url(), pool_max=1) as db:
        answers = await asyncio.gather(
            db.fetch_val("SELECT $1::int4", 1),
            db.fetch_val("SELECT 1/0"),
            db.fetch_val("SELECT $1::int4", 2),
            return_exceptions=True,
        )
    assert answers[0] == 1
    assert isinstance(answers[1], pg.errors.DivisionByZeroError)
    assert answers[2] == 2


async def test_a_cancelled_call_is_cancelled_on_the_server(scripted: Start) -> None:
    server = scripted("honest")
    async with await pg.connect(server.url(), pool_max=1) as db:
        before = await process(db)
        task = asyncio.create_task(db.fetch("SELECT pg_sleep(60)"))
        await asyncio.sleep(0.05)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        # The cancel reaches its own statement and no other.
        answers = [await db.fetch_val("SELECT $1::int4", number) for number in range(20)]
        assert answers == list(range(20))
        assert server.cancels() == 1
        assert await process(db) == before


async def test_a_call_cancelled_among_others_takes_none_with_it(scripted: Start) -> None:
    server = scripted("honest")
    async with await pg.connect(server.url(), pool_max=1) as db:
        calls = [asyncio.ensure_future(db.fetch_val("SELECT $1::int4", number)) for number in range(9)]
        calls[4].cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(answers.pop(4), asyncio.CancelledError)
        assert answers == [0, 1, 2, 3, 5, 6, 7, 8]
        assert await settled(db), repr(db)
        assert server.cancels() == 0


@pytest.mark.parametrize("turns", range(16))
async def test_a_transaction_cancelled_anywhere_leaves_the_pool_clean(scripted: Start, turns: int) -> None:
    """Cancels after so many turns of the loop: in acquire, in BEGIN, in a statement, in COMMIT, in the return."""
    async with await pg.connect(scripted("honest").url(), pool_max=1) as db:

        async def work() -> None:
            async with db.transaction() as tx:
                await tx.fetch_val("SELECT $1::int4", 1)
                await tx.execute("UPDATE t SET n = 1")

        task = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert await db.fetch_val("SELECT 7") == 7
        assert await settled(db), repr(db)
        async with db.connection() as connection:
            assert connection._usable()._status == "idle"


@pytest.mark.parametrize("turns", range(24))
async def test_an_insert_cancelled_anywhere_leaves_the_pool_clean(scripted: Start, turns: int) -> None:
    server = scripted("honest")
    async with await pg.connect(server.url(), pool_max=1) as db:
        rows = [("a",), ("b",)]
        task = asyncio.create_task(db.insert_many("words", rows, columns=["word"], method="copy"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert await db.fetch_val("SELECT 7") == 7
        assert await settled(db), repr(db)


async def test_a_transaction_whose_connection_is_lost_is_over(scripted: Start) -> None:
    async with await pg.connect(scripted("eof_in_a_transaction").url(), pool_max=1) as db:

        async def go_on() -> None:
            async with db.transaction() as tx:
                with pytest.raises(pg.errors.ConnectionLost):
                    await tx.fetch("SELECT 42")
                # Nothing of it is sent again on another connection.
                await tx.fetch("SELECT 43")

        with pytest.raises(pg.errors.ConnectionLost):
            await go_on()
        assert await db.fetch_val("SELECT 7") == 7


@pytest.mark.parametrize("taken", [0, 1, 2, 5])
async def test_a_stream_dropped_anywhere_leaves_the_pool_clean(scripted: Start, taken: int) -> None:
    async with await pg.connect(scripted("honest").url(), pool_max=1) as db:
        stream = db.stream("SELECT generate_series(1, 9)", batch=2)
        seen = [(await anext(stream))[0] for _ in range(taken)]
        await stream.aclose()
        assert seen == list(range(1, taken + 1))
        assert await db.fetch_val("SELECT 7") == 7
        assert await settled(db), repr(db)


async def test_callers_queue_and_give_up_in_time(scripted: Start) -> None:
    async with await pg.connect(scripted("honest").url(), pool_max=1, acquire_timeout=0.2) as db:
        async with db.connection():
            with limited(1.0), pytest.raises(pg.errors.PoolTimeout, match="exclusive"):
                async with db.transaction():
                    pass
        assert await db.fetch_val("SELECT 7") == 7
        assert await settled(db), repr(db)


@pytest.mark.parametrize("sql", ["SELECT '\0'", "SELECT 1\0; DROP TABLE t"])
async def test_nul_in_sql_is_refused_before_anything_is_sent(scripted: Start, sql: str) -> None:
    server = scripted("honest")
    async with await pg.connect(server.url(), pool_max=1) as db:
        with pytest.raises(pg.errors.DataError) as raised:
            await db.fetch(sql)
        assert raised.value.outcome == "not_sent"
        with pytest.raises(pg.errors.DataError):
            await db.fetch("SELECT $1::text", "a\0b")
        assert await db.fetch_val("SELECT 7") == 7
        assert server.sent("P") <= 2


async def test_a_closed_pool_says_so(scripted: Start) -> None:
    db = await pg.connect(scripted("honest").url())
    await db.close()
    with pytest.raises(pg.errors.PoolClosed):
        await db.fetch("SELECT 1")
