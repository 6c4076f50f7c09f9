"""Behaviours of every front when its backend is killed or stopped, on a server of the test's own: whoever kills a backend
takes all others of the server with it."""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import embedded, errors

from .fronts import Asyncio, Blocking, on_every_front, scratch, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("impatience")

#: Seconds until a server whose backend was killed takes connections again; usually a tenth of one.
RECOVERY = 20.0
#: Seconds that anything here may take: without a limit, it would be for ever.
BOUND = 8.0

LOST = (errors.ConnectionLost, errors.AdminShutdownError, errors.CrashShutdownError)


@pytest.fixture(scope="module")
def private() -> Iterator[str]:
    """A server that nobody else uses."""
    # What it has committed outlives its crash.
    with embedded.Server(settings={"synchronous_commit": "on"}) as server:
        yield server.url


@pytest.fixture(params=[Asyncio, Blocking])
def front(request: pytest.FixtureRequest, private: str) -> Asyncio:
    recovered(private)
    kind: type[Asyncio] = request.param
    return kind(private)


def recovered(url: str) -> None:
    """Waits until the server takes connections."""
    end = time.monotonic() + RECOVERY
    while True:
        try:
            return pg.connect_sync(url).close()
        except errors.Error:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.005)


@contextmanager
def killed_when_busy(url: str, pid: int) -> Iterator[None]:
    """Kills a backend as soon as it runs a statement."""

    def work() -> None:
        with pg.connect_sync(url, pool_max=1) as watcher:
            busy = (
                "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%pg_sleep%'"
            )
            while not watcher.fetch_val(busy, pid):
                time.sleep(0.005)
            kill(pid)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A backend that does nothing for a while, as on a machine that hangs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        yield
        assert time.monotonic() - start < BOUND
    finally:
        os.kill(pid, signal.SIGCONT)


async def assert_recovered(front: Asyncio, db: Any) -> None:
    """The pool finds the server again by itself once that is back, and has lost no place."""
    recovered(front.url)
    assert await db.fetch_val("SELECT 7") == 7
    await settled(db)
    assert db._counts()[:2] == (0, 1)


async def pid_of(db: Any) -> int:
    pid: int = await db.fetch_val("SELECT pg_backend_pid()")
    return pid


@on_every_front
async def test_killed_in_a_statement(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        with killed_when_busy(front.url, await pid_of(db)), pytest.raises(LOST) as lost:
            await db.fetch("SELECT pg_sleep(60)")
        assert lost.value.outcome == "unknown"
        await assert_recovered(front, db)


@on_every_front
async def test_killed_in_a_transaction(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(LOST):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
                kill(await pid_of(tx))
                with pytest.raises(LOST):
                    await tx.execute(f"INSERT INTO {table} VALUES (2)")
                # Nothing of it is run again on another connection.
                await tx.execute(f"INSERT INTO {table} VALUES (3)")
        await assert_recovered(front, db)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0


@on_every_front
async def test_killed_in_a_copy(front: Asyncio) -> None:
    pids: list[int] = []

    def rows() -> Iterator[tuple[int, str]]:
        for number in range(50_000):
            if number == 20_000:
                kill(pids[0])
            yield number, "n" * 100

    async with front.open(pool_max=1) as db, scratch(db, "a int, b text") as table:
        pids.append(await pid_of(db))
        with pytest.raises(LOST):
            await db.insert_many(table, rows(), ["a", "b"], method="copy")
        await assert_recovered(front, db)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0


@on_every_front
async def test_killed_in_a_stream(front: Asyncio) -> None:
    """A stream that ends like one that is complete would be a wrong answer."""
    async with front.open(pool_max=1) as db:
        pid = await pid_of(db)
        seen = 0
        with pytest.raises(LOST):
            async for _ in db.stream("SELECT n FROM generate_series(1, 100000) n", batch=100):
                seen += 1
                if seen == 250:
                    kill(pid)
        assert 250 <= seen < 100_000
        await assert_recovered(front, db)


@on_every_front
async def test_stopped_in_a_statement(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        pid = await pid_of(db)
        with stopped(pid):
            with pytest.raises(errors.QueryTimeout):
                await db.fetch("SELECT 1", timeout=0.1)
            assert await db.fetch_val("SELECT 2") == 2, "on another connection"
        assert await pid_of(db) != pid
        await settled(db)


@on_every_front
async def test_stopped_in_a_transaction(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(errors.QueryTimeout):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
                with stopped(await pid_of(tx)):
                    await tx.execute(f"INSERT INTO {table} VALUES (2)", timeout=0.1)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        await settled(db)


@on_every_front
async def test_stopped_for_a_moment(front: Asyncio) -> None:
    """Who has set no limit gets the answer when it comes."""
    async with front.open(pool_max=1) as db:
        pid = await pid_of(db)
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(0.2, os.kill, (pid, signal.SIGCONT)).start()
        assert await pid_of(db) == pid
        await settled(db)


@on_every_front
async def test_stopped_while_the_pool_is_closed(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        with stopped(await pid_of(db)):
            await db.close()


async def test_stopped_in_a_cancelled_task(private: str) -> None:
    recovered(private)
    async with await pg.connect(private, pool_max=1) as db, scratch(db, "a int") as table:

        def endless() -> Iterator[tuple[int]]:
            while True:
                yield (1,)

        async def streamed() -> None:
            async for _ in db.stream("SELECT n FROM generate_series(1, 100000) n", batch=10):
                await asyncio.sleep(0)

        async def committed() -> None:
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
                await asyncio.sleep(0.1)

        for work in (
            lambda: db.fetch("SELECT pg_sleep(0.15)"),
            lambda: db.insert_many(table, endless(), ["a"]),
            streamed,
            committed,
        ):
            pid = await pid_of(db)
            task = asyncio.ensure_future(work())
            await asyncio.sleep(0.05)
            with stopped(pid):
                await asyncio.sleep(0.1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await db.fetch_val("SELECT 8") == 8, "on another connection"
            await settled(db)
        # Of the COPY nothing is kept; the COMMIT had left already, and may have been read.
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") in (0, 1)


async def test_neighbours_of_a_killed_backend_learn_the_reason(private: str) -> None:
    recovered(private)
    async with await pg.connect(private, pool_max=1) as db, await pg.connect(private, pool_max=1) as neighbour:
        sleeping = asyncio.ensure_future(neighbour.fetch("SELECT pg_sleep(60)"))
        await asyncio.sleep(0.1)
        kill(await pid_of(db))
        with pytest.raises(errors.OperationalError) as lost:
            await sleeping
        # The server tells them in a notice, and then hangs up.
        assert "57P02" in {getattr(each, "sqlstate", None) for each in (lost.value, lost.value.__cause__)}
        recovered(private)
        assert await neighbour.fetch_val("SELECT 7") == 7
