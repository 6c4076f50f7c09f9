"""Connections that are being opened: what fails, is given up or is closed meanwhile leaves none open on the server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

#: Longest wait for the server to notice the end of a connection.
NOTICED = 10.0


class Watch:
    """The connections that a test has open, by their role: one that may have two at a time, no superuser."""

    def __init__(self, url: str, admin: pg.SyncDatabase) -> None:
        self.admin = admin
        self.role = f"opening_{random.randrange(10**9)}"
        self.url = url.replace("postgres@", f"{self.role}@", 1)

    def open(self) -> int:
        count: int = self.admin.fetch_val("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", self.role)
        return count

    def assert_none(self) -> None:
        """What is being opened is closed as soon as it is open, and the server needs a moment to see that: so there are
        none, and are none a little later."""
        end = time.monotonic() + NOTICED
        nones = 0
        while nones < 2:
            nones = 0 if self.open() else nones + 1
            assert time.monotonic() < end, f"{self.open()} connections are open"
            time.sleep(0.05)


@pytest.fixture
def watch(url: str) -> Iterator[Watch]:
    with pg.connect_sync(url, pool_max=1) as admin:
        watch = Watch(url, admin)
        admin.execute(f"CREATE ROLE {watch.role} LOGIN CONNECTION LIMIT 2")
        try:
            yield watch
        finally:
            watch.assert_none()
            admin.execute(f"DROP ROLE {watch.role}")


@contextlib.asynccontextmanager
async def opened(watch: Watch, **settings: Any) -> AsyncIterator[pg.Database]:
    async with await pg.connect(watch.url, **settings) as db:
        yield db


@pytest.mark.smoke
async def test_connect_that_fails_closes_what_it_had_opened(watch: Watch) -> None:
    with pytest.raises(errors.TooManyConnectionsError):
        await pg.connect(watch.url, pool_min=4)
    await asyncio.to_thread(watch.assert_none)
    async with opened(watch, pool_min=2) as db:
        assert db._counts() == (0, 2, 0, 0, 0, 0)
        assert watch.open() == 2


def test_connect_sync_that_fails_closes_what_it_had_opened(watch: Watch) -> None:
    with contextlib.suppress(errors.TooManyConnectionsError):
        # Its first connection decides; the others are opened behind it.
        pg.connect_sync(watch.url, pool_min=4).close()
    watch.assert_none()


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.01, 0.03])
async def test_connect_that_is_cancelled_leaves_nothing_open(watch: Watch, delay: float) -> None:
    connecting = asyncio.create_task(pg.connect(watch.url, pool_min=2))
    await asyncio.sleep(delay)
    connecting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await (await connecting).close()
    await asyncio.to_thread(watch.assert_none)


@pytest.mark.smoke
@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.01])
async def test_close_while_connections_are_opened_leaves_nothing_open(watch: Watch, delay: float) -> None:
    db = await pg.connect(watch.url, pool_max=2)
    calls = [db.fetch_val("SELECT 1 FROM pg_sleep(0.02)") for _ in range(4)]
    await asyncio.sleep(delay)
    closing = [asyncio.create_task(db.close()) for _ in range(2)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    await asyncio.gather(*closing)
    # Those in flight may end, those that waited are refused.
    assert all(answer == 1 or isinstance(answer, errors.Error) for answer in answers), answers
    await asyncio.to_thread(watch.assert_none)
    assert db._counts() == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.01])
def test_close_in_one_thread_while_others_open_connections(watch: Watch, delay: float) -> None:
    db = pg.connect_sync(watch.url, pool_max=2)
    failures: list[Exception] = []

    def work() -> None:
        try:
            while True:
                db.fetch_val("SELECT 1 FROM pg_sleep(0.001)")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(delay)
    db.close()
    for thread in threads:
        thread.join()
    assert [type(failure) for failure in failures] == [errors.PoolClosed] * 4
    watch.assert_none()
    assert db._counts()[1:] == (0, 0, 0, 0, 0)


def test_a_pool_that_nobody_closes_goes_with_its_last_reference(watch: Watch) -> None:
    db = pg.connect_sync(watch.url, pool_max=1)
    assert db.fetch_val("SELECT 1") == 1
    assert watch.open() == 1
    with pytest.warns(ResourceWarning, match="never closed"):  # noqa: PT031 - what is dropped there warns
        del db
        gc.collect()
    watch.assert_none()
