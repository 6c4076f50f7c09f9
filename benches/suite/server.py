"""The server that is measured: the one that is named, else a private one for the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# Nothing may run in the background of a measurement, and a checkpoint is background.
_SETTINGS = {"autovacuum": "off", "shared_buffers": "512MB", "max_wal_size": "8GB"}


@contextmanager
def running(url: str | None) -> Iterator[str]:
    """The URL of a running server; a private one is stopped and deleted at the end."""
    if url is not None:
        yield url
        return
    try:
        from data_bridge.postgres import embedded
    except ImportError as error:
        raise SystemExit(
            f"no server to measure ({error}): run `make bench`, which builds data_bridge and "
            "brings a server, or name one with --url postgresql://..."
        ) from None
    with embedded.Server(settings=_SETTINGS) as server:
        yield server.url
