"""Behaviours of every front: what a pool lends is clean, comes in time and is counted."""

from __future__ import annotations

import logging
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from data_bridge.postgres import errors

from .fronts import on_every_front, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .fronts import Asyncio

pytestmark = pytest.mark.smoke

WHO = "SELECT session_user::text, current_user::text"


@on_every_front
async def test_a_role_ends_with_its_holder(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        before = await db.fetch_row(WHO)
        for change in ("SET ROLE pg_monitor", "SET SESSION AUTHORIZATION pg_monitor"):
            async with db.connection() as connection:
                await connection.execute(change)
                assert (await connection.fetch_row(WHO)).current_user == "pg_monitor"
            assert await db.fetch_row(WHO) == before, "behind a connection that was lent"
            async with db.transaction() as tx:
                await tx.execute(change)
            assert await db.fetch_row(WHO) == before, "behind a transaction"
            await db.execute(change)
            assert await db.fetch_row(WHO) == before, "behind a statement that stood alone"
        await settled(db)
        assert db._counts()[:2] == (0, 1)


@on_every_front
async def test_a_statement_waits_no_longer_than_the_pool_allows(front: Asyncio) -> None:
    async with front.open(pool_max=1, acquire_timeout=0.1) as db:
        async with db.connection():
            for _ in range(2):
                with pytest.raises(errors.PoolTimeout, match=r"0\.1 seconds: all are busy"):
                    await db.fetch("SELECT 1")
            assert db._counts() == (0, 0, 0, 1, 0, 0)
        assert await db.fetch_val("SELECT 1") == 1
        assert db._counts() == (0, 1, 0, 0, 0, 0)


@on_every_front
async def test_a_log_handler_that_raises_hinders_nothing(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, a_log_that_raises() as complaints:
        for _ in range(3):
            await db.execute("DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$")
        # The load of a statement that was never counted out would keep the connection from this.
        async with db.connection() as connection:
            assert await connection.fetch_val("SELECT 1") == 1
        assert db._counts() == (0, 1, 0, 0, 0, 0)
    assert [type(each.exc_value) for each in complaints] == [ZeroDivisionError] * 3, "nor is it hushed up"


@on_every_front
async def test_a_page_has_a_row_at_least(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for batch in (0, -1):
            with pytest.raises(errors.InterfaceError, match=f"batch must be 1 or more, not {batch}"):
                await anext(db.stream("SELECT 1", batch=batch))
        assert [row.n async for row in db.stream("SELECT n FROM generate_series(1, 3) n", batch=1)] == [1, 2, 3]
        assert db._counts() == (0, 1, 0, 0, 0, 0)


@asynccontextmanager
async def a_log_that_raises() -> AsyncIterator[list[Any]]:
    """What Python was told of exceptions that nobody could catch."""
    complaints: list[Any] = []

    class Raising(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ZeroDivisionError

    log, handler, hook = logging.getLogger("data_bridge.postgres"), Raising(), sys.unraisablehook
    log.addHandler(handler)
    sys.unraisablehook = complaints.append
    try:
        yield complaints
    finally:
        sys.unraisablehook = hook
        log.removeHandler(handler)
