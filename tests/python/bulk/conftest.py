"""A database with a schema of its own for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

import data_bridge.postgres as pg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_numbers = itertools.count()


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    """Up to three connections, all of which look for tables in the test's own schema."""
    admin = await pg.connect(url, pool_max=1)
    pid = await admin.fetch_val("SELECT pg_backend_pid()")
    schema = f"bulk_{pid}_{next(_numbers)}"
    await admin.execute(f"CREATE SCHEMA {schema}")
    try:
        async with await pg.connect(url, pool_max=3, options=f"-c search_path={schema},public") as database:
            yield database
    finally:
        await admin.execute(f"DROP SCHEMA {schema} CASCADE")
        await admin.close()
