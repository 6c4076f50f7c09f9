"""Sakila in a database of its own, filled once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

import data_bridge.postgres as pg

from .data import fill
from .models import MODELS

NAME = f"data_bridge_sakila_{os.getpid()}"


@pytest.fixture(scope="package")
def sakila_url(url: str) -> Iterator[str]:
    """The URL of the filled database."""
    own = url.rpartition("/")[0] + f"/{NAME}"

    async def create() -> None:
        async with await pg.connect(own, pool_max=1) as db:
            await pg.create_all(MODELS)
            await fill(db)

    with pg.connect_sync(url) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {NAME}")
        asyncio.run(create())
        yield own
        admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.fixture
async def sakila(sakila_url: str) -> AsyncIterator[pg.Database]:
    """The filled database, which tests leave as it is."""
    async with await pg.connect(sakila_url, pool_max=1) as db:
        yield db
