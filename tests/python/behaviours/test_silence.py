"""Behaviours of every front behind a server that says nothing any more: all calls and all clean-up end in time."""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

import os
import socket
import stat
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from relay import Relay

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch, settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .fronts import Asyncio

pytestmark = pytest.mark.usefixtures("impatience")

#: Seconds that anything here may take: without a limit, it would be for ever.
BOUND = 8.0


@pytest.fixture
def relay(front: Asyncio) -> Iterator[Relay]:
    """Stands between the front and its server."""
    with Relay(front.url) as relay:
        front.url = relay.url
        yield relay


@contextmanager
def bounded() -> Iterator[None]:
    start = time.monotonic()
    yield
    taken = time.monotonic() - start
    assert taken < BOUND, f"took {taken:.1f} s"


async def assert_sound(db: Any, relay: Relay) -> None:
    """The server is back, and the pool with it."""
    relay.is_silent = False
    assert await db.fetch_val("SELECT 7") == 7
    await settled(db)


@on_every_front
async def test_a_call_with_a_limit(front: Asyncio, relay: Relay) -> None:
    async with front.open(pool_max=1) as db:
        await db.fetch("SELECT 1")
        relay.is_silent = True
        with bounded(), pytest.raises(errors.QueryTimeout):
            await db.fetch("SELECT 2", timeout=0.1)
        await assert_sound(db, relay)


@on_every_front
async def test_a_rollback(front: Asyncio, relay: Relay) -> None:
    async with front.open(pool_max=1) as db:
        with bounded(), pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await tx.fetch("SELECT 1")
                relay.is_silent = True
                raise ZeroDivisionError
        await assert_sound(db, relay)


@on_every_front
async def test_a_rollback_to_a_savepoint(front: Asyncio, relay: Relay) -> None:
    async with front.open(pool_max=1) as db:
        with bounded(), pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx, tx.transaction() as inner:
                await inner.fetch("SELECT 1")
                relay.is_silent = True
                raise ZeroDivisionError
        await assert_sound(db, relay)


@on_every_front
async def test_a_copy_that_is_given_up(front: Asyncio, relay: Relay) -> None:
    def rows() -> Iterator[tuple[int]]:
        for number in range(2000):
            yield (number,)
        relay.is_silent = True
        raise ZeroDivisionError

    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with bounded(), pytest.raises(ZeroDivisionError):
            await db.insert_many(table, rows(), ["a"], method="copy")
        await assert_sound(db, relay)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0


@on_every_front
async def test_a_connection_that_is_given_back_changed(front: Asyncio, relay: Relay) -> None:
    async with front.open(pool_max=1) as db:
        with bounded():
            async with db.connection() as connection:
                await connection.execute("SET work_mem = '7MB'")
                relay.is_silent = True
        await assert_sound(db, relay)
        assert await db.fetch_val("SHOW work_mem") != "7MB"


@on_every_front
async def test_a_stream_that_is_dropped(front: Asyncio, relay: Relay) -> None:
    async with front.open(pool_max=1) as db:
        rows = db.stream("SELECT n FROM generate_series(1, 1000) n", batch=10)
        assert (await anext(rows)).n == 1
        relay.is_silent = True
        with bounded():
            await rows.aclose()
        await assert_sound(db, relay)


@on_every_front
async def test_closing(front: Asyncio, relay: Relay) -> None:
    async with front.open(pool_max=1) as db:
        await db.fetch("SELECT 1")
        relay.is_silent = True
        with bounded():
            await db.close()


@on_every_front
async def test_connecting(front: Asyncio, relay: Relay) -> None:
    relay.is_silent = True
    with bounded(), pytest.raises(errors.ConnectTimeout):
        async with front.open(connect_timeout=0.2):
            pytest.fail("nobody answered")


@pytest.mark.skipif(sys.platform != "linux", reason="finds the socket in /proc")
@on_every_front
async def test_the_kernel_looks_after_a_peer_that_has_vanished(front: Asyncio, relay: Relay) -> None:
    """Who waits without a limit learns of it by keepalive: nothing else would ever end that wait."""
    async with front.open(pool_max=1) as db:
        await db.fetch("SELECT 1")
        with socket_to(relay.port) as found:
            assert found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert 0 < found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 60
            assert 0 < found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) <= 10
            assert found.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) <= 9


def socket_to(port: int) -> socket.socket:
    """Another handle to this process's connection to that port."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.stat(f"/proc/self/fd/{name}").st_mode):
                continue
        except OSError:
            # It was of the listing itself.
            continue
        found = socket.socket(fileno=os.dup(int(name)))
        try:
            if found.getpeername()[1:2] == (port,):
                return found
        except OSError:
            pass
        found.close()
    pytest.fail("there is no such connection")
