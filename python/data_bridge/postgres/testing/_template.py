"""Databases for tests: a template that is filled once, and copies of it."""

from __future__ import annotations

import itertools
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from data_bridge import _native
from data_bridge.postgres.sync import SyncDatabase, connect_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

#: What the names of all databases that are made here begin with.
PREFIX = "data_bridge_test"

_LEFT_BEHIND = """
    SELECT datname FROM pg_database
    WHERE datname LIKE 'data\\_bridge\\_test\\_%' AND pg_try_advisory_lock(hashtext(split_part(datname, '-', 1)))
"""


class Template:
    """A database that is filled once and copied for whoever needs one. Its name is of this run alone.

    A session-level advisory lock is held while it is in use: what runs that were killed have left behind has none, and is
    dropped by the next run.
    """

    def __init__(self, server_url: str, worker: str = "main") -> None:
        self._server_url = server_url
        self.name = f"{PREFIX}_{worker}_{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)

    @contextmanager
    def made(self, prepare: Callable[[SyncDatabase], object]) -> Generator[Template]:
        """Makes the database, has it filled, and drops it with what is left of its copies when the block ends."""
        with connect_sync(self._server_url, pool_max=1) as admin, admin.connection() as connection:
            self._admin = connection
            self._clean_up()
            connection.execute("SELECT pg_advisory_lock(hashtext($1))", self.name)
            self._create(self.name, None)
            try:
                with connect_sync(url_of(self._server_url, self.name), pool_max=2) as database:
                    prepare(database)
                yield self
            finally:
                names = connection.fetch(
                    "SELECT datname FROM pg_database WHERE split_part(datname, '-', 1) = $1", self.name
                )
                for row in names:
                    self._drop(row[0])

    def copy(self) -> str:
        """Makes a copy; its URL."""
        name = f"{self.name}-{next(self._numbers)}"
        self._create(name, self.name)
        return url_of(self._server_url, name)

    def drop(self, copy: str) -> None:
        """Drops a copy, given by its URL, whoever is connected to it."""
        self._drop(f"{self.name}-{copy.rpartition('-')[2].rstrip("'")}")

    def _drop(self, name: str) -> None:
        self._admin.execute(f"DROP DATABASE IF EXISTS {_native.quoted_table(name)} WITH (FORCE)")

    def _create(self, name: str, template: str | None) -> None:
        source = "" if template is None else f" TEMPLATE {_native.quoted_table(template)}"
        self._admin.execute(f"CREATE DATABASE {_native.quoted_table(name)}{source}")

    def _clean_up(self) -> None:
        for row in self._admin.fetch(_LEFT_BEHIND):
            self._drop(row[0])
        self._admin.execute("SELECT pg_advisory_unlock_all()")


def url_of(server_url: str, database: str) -> str:
    """The URL, or ``key=value`` text, of another database on the same server."""
    if "://" in server_url:
        return urlsplit(server_url)._replace(path=f"/{database}").geturl()
    return f"{server_url} dbname='{database}'"
