"""A database for tests that are plain functions, as those of Hypothesis are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

import data_bridge.postgres as pg

type Run = Callable[[Awaitable[Any]], Any]


class Here:
    """One pool with a loop of its own, whose verbs block."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._db: pg.Database = self._runner.run(pg.connect(url, pool_max=1))

    def fetch_val(self, sql: str, *args: object) -> Any:
        """The first value of the first row."""
        return self._runner.run(self._await(self._db.fetch_val, sql, *args))

    def fetch(self, sql: str, *args: object) -> list[pg.Record]:
        """All rows."""
        return self._runner.run(self._await(self._db.fetch, sql, *args))

    def execute(self, sql: str, *args: object) -> int:
        """Count of rows."""
        return self._runner.run(self._await(self._db.execute, sql, *args))

    def close(self) -> None:
        """Ends the pool and the loop."""
        self._runner.run(self._db.close())
        self._runner.close()

    async def _await(self, verb: Callable[..., Awaitable[Any]], sql: str, *args: object) -> Any:
        return await verb(sql, *args)


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
