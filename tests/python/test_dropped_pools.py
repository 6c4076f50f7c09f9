"""A pool that nobody holds any more goes, with its connections, and says that it was never closed."""

# ruff: noqa: PT031 - what is dropped and collected there is what warns

from __future__ import annotations

import asyncio
import gc
import os
from uuid import uuid4

import pytest

import data_bridge.postgres as pg

WORDS = r"<{} 1 connections, 0 waiting> was never closed: call close\(\), or use it in a `with` block"


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def collect() -> None:
    # The loop holds what it has called in this turn.
    await asyncio.sleep(0.05)
    gc.collect()


async def gone(url: str, name: str) -> None:
    async with await pg.connect(url) as db:
        async with asyncio.timeout(5):
            while await db.fetch_val("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", name):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_dropped_pool_is_closed_and_warned_of(url: str, loop: str) -> None:
    name = f"dropped_{uuid4().hex[:8]}"
    factory = pytest.importorskip(loop).new_event_loop

    async def use() -> None:
        db = await pg.connect(url, pool_max=1, application_name=name)
        assert await db.fetch_val("SELECT 1") == 1
        async with db.transaction() as tx:
            await tx.execute("SELECT 1")

    async def main() -> None:
        await use()
        await collect()
        await gone(url, name)
        before = descriptors()
        for _ in range(10):
            await use()
        await collect()
        await gone(url, name)
        assert descriptors() < before + 5

    with (
        asyncio.Runner(loop_factory=factory) as runner,
        pytest.warns(ResourceWarning, match=WORDS.format("Database")) as told,
    ):
        runner.run(main())
    assert len(told) == 11


async def test_a_pool_that_is_collected_in_another_thread_is_closed_in_its_loop(url: str) -> None:
    name = f"dropped_{uuid4().hex[:8]}"
    await pg.connect(url, pool_max=1, application_name=name)
    with pytest.warns(ResourceWarning, match=WORDS.format("Database")):
        await asyncio.to_thread(gc.collect)
    await gone(url, name)


async def test_a_pool_whose_call_is_on_its_way_stays(url: str) -> None:
    with pytest.warns(ResourceWarning, match=WORDS.format("Database")):
        call = (await pg.connect(url, pool_max=1)).fetch_val("SELECT 1 FROM pg_sleep(0.1)")
        gc.collect()
        assert await call == 1
        del call
        await collect()


def test_a_pool_whose_loop_was_closed_goes(url: str) -> None:
    db = asyncio.run(pg.connect(url, pool_max=1))
    with pytest.warns(ResourceWarning, match=WORDS.format("Database")):
        del db
        gc.collect()


async def test_a_dropped_pool_of_threads_is_closed_and_warned_of(url: str) -> None:
    name = f"dropped_{uuid4().hex[:8]}"
    db = pg.connect_sync(url, pool_max=1, application_name=name)
    assert db.fetch_val("SELECT 1") == 1
    with pytest.warns(ResourceWarning, match=WORDS.format("SyncDatabase")):
        del db
        gc.collect()
    await gone(url, name)


async def test_a_pool_that_was_closed_says_nothing(url: str) -> None:
    for _ in range(3):
        db = await pg.connect(url)
        await db.close()
        pg.connect_sync(url).close()
        del db
    # Warnings are errors here, of a finalizer as well.
    gc.collect()
