"""A line to a real server that can fall silent, as if the network or the server had gone, and come back."""

from __future__ import annotations

import select
import socket
import threading
import urllib.parse
from typing import Self

#: Seconds after which the relay looks whether it is to be silent, or to end.
_TURN = 0.01


class Relay:
    """Passes on what client and server say, over TCP without TLS."""

    def __init__(self, url: str) -> None:
        address = urllib.parse.urlsplit(url)
        host = urllib.parse.unquote(address.netloc.rpartition("@")[2].rpartition(":")[0])
        self._server = f"{host}/.s.PGSQL.{address.port}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}{address.path}?sslmode=disable"
        #: Nothing is passed on; what was said meanwhile is when this ends.
        self.is_silent = False
        #: The relay falls silent before it passes this on to the server.
        self.silent_at: bytes | None = None
        self._peers: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._is_over = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()
        for each in (self._listener, *self._peers):
            each.close()

    def passes(self, *, from_client: bool) -> None:
        """Called for each piece that is passed on."""

    def _run(self) -> None:
        while not self._is_over:
            talking = [] if self.is_silent else self._peers
            for source in select.select([self._listener, *talking], [], [], _TURN)[0]:
                if source is self._listener:
                    self._accept()
                elif source in self._peers and not self.is_silent:
                    self._pass_on(source)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        self._peers |= {client: server, server: client}
        self._clients.add(client)

    def _pass_on(self, source: socket.socket) -> None:
        other = self._peers[source]
        from_client = source in self._clients
        try:
            data = source.recv(1 << 16, socket.MSG_PEEK)
            if from_client and self.silent_at is not None and self.silent_at in data:
                self.is_silent, self.silent_at = True, None
                return
            source.recv(len(data))
            other.sendall(data)
        except OSError:
            data = b""
        if data:
            self.passes(from_client=from_client)
            return
        for end in (source, other):
            del self._peers[end]
            self._clients.discard(end)
            end.close()
