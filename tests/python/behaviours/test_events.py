"""Behaviours of every front: what a database tells of its transactions."""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

from .fronts import on_every_front

if TYPE_CHECKING:
    from .fronts import Asyncio


def listen(db: Any, *names: Any) -> list[str]:
    """What the database tells, as it comes."""
    told: list[str] = []
    db = getattr(db, "blocking", db)
    for name in names:
        db.on(name)(lambda tx, name=name: told.append(f"{name} {tx.is_open}"))
    return told


@on_every_front
async def test_begin_commit_and_rollback_are_told_once_each(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        told = listen(db, "begin", "commit", "rollback")
        async with db.transaction() as tx:
            await tx.execute("SELECT 1")
            async with tx.transaction() as nested:
                await nested.execute("SELECT 1")
            assert told == ["begin True"]
        assert told == ["begin True", "commit False"]
        told.clear()
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await tx.execute("SELECT 1")
                raise ZeroDivisionError
        assert told == ["begin True", "rollback False"]
        told.clear()
        with pytest.raises(errors.DataError):
            async with db.transaction() as tx:
                await tx.execute("SELECT 1 / 0")
        assert told == ["begin True", "rollback False"]
        told.clear()
        async with db.connection() as connection, connection.transaction():
            pass
        assert told == ["begin True", "commit False"]


@on_every_front
async def test_what_raises_at_the_beginning_keeps_the_transaction_away(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:

        def refuse(_: Any) -> None:
            raise PermissionError

        getattr(db, "blocking", db).on("begin")(refuse)
        with pytest.raises(PermissionError):
            async with db.transaction():
                pass
        assert await db.fetch_val("SELECT 1") == 1


@on_every_front
async def test_on_commit_waits_for_the_outermost_and_never_comes_after_a_rollback(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        told: list[str] = []

        async def later(tx: Any, what: str) -> None:
            answer = tx.on_commit(lambda: told.append(what))
            if inspect.isawaitable(answer):
                await answer

        async with db.transaction() as tx:
            await tx.execute("SELECT 1")
            await later(tx, "outer")
            async with tx.transaction() as nested:
                await later(nested, "inner")
            with pytest.raises(ZeroDivisionError):
                async with tx.transaction() as nested:
                    await later(nested, "lost")
                    raise ZeroDivisionError
            assert told == []
        assert told == ["outer", "inner"]
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await later(tx, "never")
                raise ZeroDivisionError
        assert told == ["outer", "inner"]


async def test_they_may_be_async(url: str) -> None:
    async with await pg.connect(url, pool_max=2) as db:
        found: list[int] = []

        @db.on("commit")
        async def committed(_: pg.Transaction) -> None:
            found.append(await db.fetch_val("SELECT 1"))

        async def after() -> None:
            found.append(await db.fetch_val("SELECT 2"))

        async with db.transaction() as tx:
            tx.on_commit(after)
        assert found == [1, 2]


async def test_all_are_called_though_one_fails(url: str) -> None:
    async with await pg.connect(url, pool_max=2) as db:
        told: list[int] = []

        def fail() -> None:
            raise LookupError

        with pytest.raises(LookupError):
            async with db.transaction() as tx:
                tx.on_commit(fail)
                tx.on_commit(lambda: told.append(1))
        assert told == [1]


def test_a_blocking_database_calls_plain_functions(url: str) -> None:
    with pg.connect_sync(url) as db:

        async def later() -> None: ...

        with pytest.raises(errors.InterfaceError, match="later is async"), db.transaction() as tx:
            tx.on_commit(later)
        with pytest.raises(errors.InterfaceError, match="events are begin, commit, rollback"):
            db.on("end")  # type: ignore[arg-type]
