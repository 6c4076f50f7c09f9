"""A server that says why it goes, and goes while the client is still writing: the caller learns the reason."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import data_bridge.postgres as pg

if TYPE_CHECKING:
    from collections.abc import Iterator

#: More than a socket's buffers take, so that the client is still writing when the server goes.
LARGE = "x" * (64 << 20)


def frame(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack(">i", len(body) + 4) + body


GREETING = frame(b"R", struct.pack(">i", 0)) + frame(b"K", struct.pack(">ii", 1, 1)) + frame(b"Z", b"I")
#: Of ``SELECT $1::text``.
PREPARED = (
    frame(b"1", b"")
    + frame(b"t", struct.pack(">hi", 1, 25))
    + frame(b"T", struct.pack(">h", 1) + b"text\0" + struct.pack(">ihihih", 0, 0, 25, -1, -1, 0))
    + frame(b"Z", b"I")
)
FAREWELL = frame(b"E", b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0")


@contextmanager
def leaving_server() -> Iterator[str]:
    """The URL of a server that leaves in the middle of the first Bind."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.recv(1024)
        client.sendall(GREETING)
        client.recv(4096)
        client.sendall(PREPARED)
        client.recv(1)
        client.sendall(FAREWELL)
        # Closing resets the connection: the client's next write fails.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"postgresql://scripted@127.0.0.1:{listener.getsockname()[1]}/scripted?sslmode=disable"
    finally:
        thread.join()
        listener.close()


async def test_of_the_asyncio_front() -> None:
    with leaving_server() as url:
        db = await pg.connect(url, pool_max=1)
        with pytest.raises(pg.errors.AdminShutdownError):
            await db.fetch("SELECT $1::text", LARGE)
        await db.close()


def test_of_the_blocking_front() -> None:
    with leaving_server() as url, pg.connect_sync(url, pool_max=1) as db, pytest.raises(pg.errors.AdminShutdownError):
        db.fetch("SELECT $1::text", LARGE)
