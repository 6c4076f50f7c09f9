"""A database for tests that are plain functions, as those of Hypothesis are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import data_bridge.postgres as pg


class Here:
    """One pool with a loop of its own, whose verbs block."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._db: pg.Database = self._runner.run(pg.connect(url, pool_max=1))

    def fetch_val(self, sql: str, *args: object) -> Any:
        """The first value of the first row."""
        return self.call("fetch_val", sql, *args)

    def fetch(self, sql: str, *args: object) -> list[pg.Record]:
        """All rows."""
        rows: list[pg.Record] = self.call("fetch", sql, *args)
        return rows

    def execute(self, sql: str, *args: object) -> int:
        """Count of rows."""
        return int(self.call("execute", sql, *args))

    def call(self, verb: str, *args: Any, **options: Any) -> Any:
        """Any verb of the database."""

        async def run() -> Any:
            return await getattr(self._db, verb)(*args, **options)

        return self._runner.run(run())

    def close(self) -> None:
        """Ends the pool and the loop."""
        self._runner.run(self._db.close())
        self._runner.close()


@pytest.fixture(scope="module")
def db(url: str) -> Iterator[Here]:
    """The main server."""
    here = Here(url)
    yield here
    here.close()


@pytest.fixture(scope="module")
def every(urls: dict[int, str]) -> Iterator[dict[int, Here]]:
    """Every server of the run, by major version."""
    opened = {version: Here(url) for version, url in urls.items()}
    yield opened
    for here in opened.values():
        here.close()
