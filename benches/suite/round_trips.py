"""Counts round trips: a forwarder between client and server that notes who spoke last."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

_PORT = 5432


class RoundTrips:
    """Forwards one Unix socket to another and counts the times the client spoke after the server.

    The count is exact for a client that waits for its answer, and a batch that is sent in one go
    is one trip, as on a network.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._upstream = socket_of(url)
        self._folder = tempfile.TemporaryDirectory(prefix="round-trips-")
        self._tasks: set[asyncio.Task[None]] = set()
        self._client_spoke = False
        self.count = 0

    @property
    def url(self) -> str:
        """The server's URL by way of the forwarder."""
        user = self._parts.netloc.rpartition("@")[0]
        netloc = f"{user}@{quote(self._folder.name, safe='')}:{_PORT}"
        return urlunsplit(("postgresql", netloc, self._parts.path, "", ""))

    async def __aenter__(self) -> RoundTrips:
        path = Path(self._folder.name) / f".s.PGSQL.{_PORT}"
        self._server = await asyncio.start_unix_server(self._serve, path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._upstream is None:
            raise ValueError("round trips are counted on a Unix socket only")
        from_server, to_server = await asyncio.open_unix_connection(self._upstream)
        for source, sink, is_client in (
            (reader, to_server, True),
            (from_server, writer, False),
        ):
            task = asyncio.create_task(self._pump(source, sink, is_client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, is_client: bool) -> None:
        try:
            while data := await source.read(65536):
                if is_client and not self._client_spoke:
                    self.count += 1
                self._client_spoke = is_client
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()


def socket_of(url: str) -> Path | None:
    """The Unix socket that a URL names, in its authority or its query; nothing for TCP."""
    parts = urlsplit(url)
    host, _, port = parts.netloc.rpartition("@")[2].partition(":")
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    folder = query.get("host", unquote(host))
    if not folder.startswith("/"):
        return None
    return Path(folder) / f".s.PGSQL.{query.get('port', port) or _PORT}"
