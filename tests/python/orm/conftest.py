"""A database with the tables of ``models``, made anew for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import data_bridge.postgres as pg

from .models import MODELS


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        yield database
        await pg.drop_all(MODELS)
