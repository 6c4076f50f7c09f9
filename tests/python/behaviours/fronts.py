"""The fronts of the package, with the looks of one: a behaviour is written once and expected of each.

It is a coroutine over a database. The blocking database takes part behind ``Awaited``, whose methods return when the
blocking ones do.
"""

from __future__ import annotations

import asyncio
import functools
import os
import random
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors, sync


def on_every_front(case: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a test of a behaviour, run in the way of each front (fixture ``front``)."""

    @functools.wraps(case)
    def test(front: Asyncio, **fixtures: Any) -> None:
        front.run(case(front, **fixtures))

    return test


class Awaited:
    """A blocking database, connection or transaction with the looks of the asyncio ones."""

    def __init__(self, blocking: Any) -> None:
        self.blocking = blocking

    def __getattr__(self, name: str) -> Any:
        blocking = getattr(self.blocking, name)
        if not callable(blocking) or name in ("_counts", "parameter"):
            return blocking

        async def call(*args: Any, **options: Any) -> Any:
            return blocking(*args, **options)

        return call

    async def prepare(self, sql: str) -> Awaited:
        return Awaited(self.blocking.prepare(sql))

    async def stream(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        rows = self.blocking.stream(*args, **options)
        try:
            for row in rows:
                yield row
        finally:
            rows.close()

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[Awaited]:
        with self.blocking.transaction(**options) as blocking:
            yield Awaited(blocking)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Awaited]:
        with self.blocking.connection() as blocking:
            yield Awaited(blocking)

    def capture(self, **options: Any) -> pg.Capture:
        capture: pg.Capture = self.blocking.capture(**options)
        return capture

    async def run(self, fn: Any, **options: Any) -> Any:
        return self.blocking.run(lambda tx: sync.run(fn(Awaited(tx))), **options)

    def lock(self, key: Any, **options: Any) -> Any:
        if not hasattr(self.blocking, "connection") and not hasattr(self.blocking, "prepare"):
            return self.__getattr__("lock")(key, **options)
        return self._locked(key, **options)

    @asynccontextmanager
    async def _locked(self, key: Any, **options: Any) -> AsyncIterator[Any]:
        with self.blocking.lock(key, **options) as blocking:
            yield blocking and Awaited(blocking)


class Asyncio:
    """The asyncio front in asyncio's own loop."""

    def __init__(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[Any]:
        async with await pg.connect(self.url, **settings) as db:
            yield db

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run(work)

    async def give_up_often(self, db: Any, times: int) -> None:
        """Runs statements and gives them up at random moments."""
        tasks: set[asyncio.Task[Any]] = set()
        for _ in range(times):
            tasks.add(asyncio.create_task(self.work(db)))
            await asyncio.sleep(random.choice([0, 0, 0.001, 0.005]))
            task = random.choice(list(tasks))
            task.cancel()
            await asyncio.wait([task])
            tasks.discard(task)
        await asyncio.gather(*tasks)

    async def work(self, db: Any) -> None:
        match random.randrange(4):
            case 0:
                await db.fetch_val("SELECT pg_sleep(0.02)")
            case 1:
                async with db.transaction() as tx:
                    await tx.fetch_val("SELECT 1")
                    await tx.fetch_val("SELECT pg_sleep(0.01)")
            case 2:
                async for _ in db.stream("SELECT * FROM generate_series(1, 3000)", batch=100):
                    await asyncio.sleep(0)
            case _:
                await db.fetch("SELECT $1::int, $2::text", 1, "x")


class Uvloop(Asyncio):
    """The asyncio front in uvloop."""

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        uvloop = pytest.importorskip("uvloop")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


class Blocking(Asyncio):
    """The blocking front."""

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[Any]:
        with pg.connect_sync(self.url, **settings) as db:
            yield Awaited(db)

    async def give_up_often(self, db: Any, times: int) -> None:
        blocking = db.blocking

        def work() -> None:
            for _ in range(times // 8):
                timeout = random.choice([0.0, 0.001, 0.005, 0.02])
                try:
                    if random.random() < 0.5:
                        blocking.fetch_val("SELECT pg_sleep(0.01)", timeout=timeout)
                    else:
                        with blocking.transaction() as tx:
                            tx.fetch_val("SELECT pg_sleep(0.01)", timeout=timeout)
                except errors.QueryTimeout:
                    pass

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@asynccontextmanager
async def scratch(db: Any, columns: str) -> AsyncIterator[str]:
    """A table for one test, of a name that no other run has."""
    table = f"behaviours_{os.getpid()}_{random.randrange(10**9)}"
    await db.execute(f"CREATE TABLE {table} ({columns})")
    try:
        yield table
    finally:
        await db.execute(f"DROP TABLE {table}")


async def settled(db: Any) -> None:
    """Waits until the pool has cleaned up behind what was given up: no connection is in use, and nobody waits."""
    for _ in range(600):
        opening, _, shared, exclusive, closing, waiting = db._counts()
        if (opening, shared, exclusive, closing, waiting) == (0, 0, 0, 0, 0):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"the pool did not settle: {db._counts()}")
