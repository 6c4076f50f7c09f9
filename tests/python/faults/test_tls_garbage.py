"""A server that says yes to TLS and then speaks none: an error of TLS, and never a password or a query in the clear."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

import data_bridge.postgres as pg

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
HANDSHAKE = 0x16

#: What may come instead of a ServerHello.
GARBAGE: dict[str, bytes] = {
    "noise": bytes(range(256)),
    "zeros": bytes(64),
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a postgres error": b"E\0\0\0\x11SFATAL\0C28000\0\0",
    # As if no TLS had been asked for: who takes this has logged in to anybody.
    "a login in the clear": b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I",
    "an alert": b"\x15\x03\x03\0\x02\x02\x28",
    "a record that is too long": b"\x16\x03\x03\xff\xff" + bytes(100),
    "the end": b"",
}


class Impostor:
    """Answers ``S`` to everybody, then garbage."""

    def __init__(self, garbage: bytes) -> None:
        self.garbage = garbage
        #: What each connection has sent.
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._listener.settimeout(0.02)
        self._is_over = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while not self._is_over:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            with client:
                client.settimeout(5)
                self.heard.append(self._talk(client))

    def _talk(self, client: socket.socket) -> bytes:
        heard = client.recv(8, socket.MSG_WAITALL)
        client.sendall(b"S")
        heard += client.recv(1 << 16)
        client.sendall(self.garbage)
        client.shutdown(socket.SHUT_WR)
        try:
            while more := client.recv(1 << 16):
                heard += more
        except OSError:
            pass
        return heard


async def with_asyncio(url: str, **settings: Any) -> None:
    await (await pg.connect(url, **settings)).close()


async def with_threads(url: str, **settings: Any) -> None:
    pg.connect_sync(url, **settings).close()


@pytest.mark.parametrize("connect", [with_asyncio, with_threads])
@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_behind_the_yes(
    garbage: str, sslmode: str, connect: Callable[..., Awaitable[None]], authority: str
) -> None:
    with Impostor(GARBAGE[garbage]) as impostor:
        url = f"postgresql://user:hunter2@127.0.0.1:{impostor.port}/db?sslmode={sslmode}&sslrootcert={authority}"
        start = time.monotonic()
        kind = pg.errors.ConnectionLost if garbage == "the end" else pg.errors.TlsError
        with pytest.raises(kind) as refused:
            await connect(url, connect_timeout=5)
        assert time.monotonic() - start < 4, "at once, not when the time is over"
        assert "hunter2" not in str(refused.value)
    assert len(impostor.heard) == 1, "there is no second try, least of all without TLS"
    assert impostor.heard[0].startswith(SSL_REQUEST)
    assert impostor.heard[0][8] == HANDSHAKE
    assert b"hunter2" not in impostor.heard[0]
    assert b"user" not in impostor.heard[0]
