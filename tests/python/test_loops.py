"""A pool of the asyncio front belongs to the event loop that it was opened in."""

from __future__ import annotations

import asyncio
import gc

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors


def test_another_loop_is_refused(url: str) -> None:
    async def use(db: pg.Database) -> None:
        with pytest.raises(errors.WrongLoop):
            await db.fetch("SELECT 1")
        with pytest.raises(errors.WrongLoop):
            async with db.transaction():
                pass

    async def use_at_home(db: pg.Database) -> None:
        assert await db.fetch_val("SELECT 1") == 1
        await db.close()

    with asyncio.Runner() as home:
        db = home.run(pg.connect(url))
        asyncio.run(use(db))
        home.run(use_at_home(db))


def test_a_loop_that_was_closed_is_refused(url: str) -> None:
    with asyncio.Runner() as runner:
        db = runner.run(pg.connect(url))

    async def use(db: pg.Database) -> None:
        with pytest.raises(errors.WrongLoop):
            await db.fetch("SELECT 1")

    asyncio.run(use(db))
    # Its loop is gone, so nobody can close it any more.
    with pytest.warns(ResourceWarning, match="never closed"):  # noqa: PT031 - what is dropped there warns
        del db
        gc.collect()
