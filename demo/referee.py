"""Who checks: connections of its own, outside every measurement, that ask the server what it holds."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import data_bridge.postgres as pg


class Referee:
    """Creates a database per contender, and fingerprints what they put there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._databases: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._databases:
            self._ask(self._url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def new_database(self, contender: str) -> str:
        """The URL of a new, empty database; it is dropped at the end."""
        name = f"demo_{contender.lower()}"
        self._ask(self._url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._ask(self._url, f"CREATE DATABASE {name}")
        self._databases.append(name)
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def fingerprint(self, url: str, tables: list[str]) -> list[Any]:
        """For each table the number of rows and the sum of their hashes, over every column as text."""
        return [self._ask(url, f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {name} t") for name in tables]

    def tidy(self, url: str) -> None:
        """Give everyone's planner the same knowledge and everyone's tables the same shape."""
        self._ask(url, "VACUUM ANALYZE")

    @staticmethod
    def _ask(url: str, sql: str) -> Any:
        with pg.connect_sync(url, pool_max=1) as db:
            rows = db.fetch(sql)
            return tuple(rows[0]) if rows else None
