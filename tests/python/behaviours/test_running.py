"""Behaviours of every front: transactions that are run again, and advisory locks."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

from .fronts import on_every_front, scratch

if TYPE_CHECKING:
    from .fronts import Asyncio

_FAILS = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '%s'; END $$"


@on_every_front
async def test_run_gives_the_answer_of_its_function_and_commits(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db, scratch(db, "id int") as table:

        async def work(tx: Any) -> str:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            return str(await tx.fetch_val("SHOW transaction_isolation"))

        assert await db.run(work, isolation="serializable") == "serializable"
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
@on_every_front
async def test_run_tries_serialization_failures_and_deadlocks_again(front: Asyncio, sqlstate: str) -> None:
    async with front.open(pool_max=2) as db, scratch(db, "id int") as table:
        attempts = 0

        async def work(tx: Any) -> None:
            nonlocal attempts
            attempts += 1
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            if attempts < 3:
                await tx.execute(_FAILS % sqlstate)

        await db.run(work)
        assert attempts == 3
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1


@on_every_front
async def test_run_tries_nothing_else_again_and_not_for_ever(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        attempts = 0

        async def work(tx: Any) -> None:
            nonlocal attempts
            attempts += 1
            await tx.execute(_FAILS % state)

        state = "40001"
        with pytest.raises(errors.OperationalError, match="no"):
            await db.run(work, retry=2)
        assert attempts == 3
        attempts, state = 0, "23505"
        with pytest.raises(errors.IntegrityError):
            await db.run(work)
        assert attempts == 1

        async def unknown(_: Any) -> None:
            nonlocal attempts
            attempts += 1
            raise errors.CommitOutcomeUnknown("?") from errors.OperationalError("x", sqlstate="40001")

        attempts = 0
        with pytest.raises(errors.CommitOutcomeUnknown):
            await db.run(unknown)
        assert attempts == 1
        with pytest.raises(errors.InterfaceError, match="further attempts"):
            await db.run(work, retry=-1)


@on_every_front
async def test_run_ends_in_time(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:

        async def work(tx: Any) -> None:
            await tx.execute("SELECT pg_sleep(5)")

        start = time.monotonic()
        with pytest.raises(errors.QueryTimeout, match=r"0\.2"):
            await db.run(work, timeout=0.2)
        assert time.monotonic() - start < 3
        assert await db.fetch_val("SELECT 1") == 1


async def test_transfers_that_meet_all_succeed(url: str) -> None:
    async with await pg.connect(url, pool_max=6) as db, scratch(db, "id int primary key, amount int") as table:
        await db.execute(f"INSERT INTO {table} VALUES (1, 0), (2, 0)")

        async def move(tx: pg.Transaction) -> None:
            amount = await tx.fetch_val(f"SELECT amount FROM {table} WHERE id = 1")
            await tx.execute(f"UPDATE {table} SET amount = $1 WHERE id = 1", amount + 1)

        await asyncio.gather(*(db.run(move, retry=50, isolation="serializable") for _ in range(12)))
        assert await db.fetch_val(f"SELECT amount FROM {table} WHERE id = 1") == 12


def test_a_blocking_database_runs_plain_functions_only(url: str) -> None:
    async def work(tx: Any) -> None: ...

    with (
        pg.connect_sync(url) as db,
        pytest.raises(errors.InterfaceError, match="plain functions"),
    ):
        db.run(work)


@pytest.mark.parametrize("key", ["nightly", 7, -(2**63), (1, -2)])
@on_every_front
async def test_a_lock_keeps_others_out_until_its_block_ends(front: Asyncio, key: Any) -> None:
    async with front.open(pool_max=3) as db:
        async with db.lock(key) as connection:
            assert await connection.fetch_val("SELECT 1") == 1
            with pytest.raises(errors.LockTimeout, match="held by somebody else"):
                async with db.lock(key, timeout=0):
                    pass
            start = time.monotonic()
            with pytest.raises(errors.LockTimeout):
                async with db.lock(key, timeout=0.1):
                    pass
            assert 0.08 < time.monotonic() - start < 3
        async with db.lock(key, timeout=0):
            pass


@on_every_front
async def test_shared_locks_keep_out_only_those_that_are_not(front: Asyncio) -> None:
    async with front.open(pool_max=3) as db, db.lock("x", shared=True):
        async with db.lock("x", shared=True, timeout=0):
            pass
        with pytest.raises(errors.LockTimeout):
            async with db.lock("x", timeout=0):
                pass


@on_every_front
async def test_a_lock_goes_with_a_block_that_raises(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        with pytest.raises(ZeroDivisionError):
            async with db.lock("y"):
                raise ZeroDivisionError
        async with db.lock("y", timeout=0):
            pass


@on_every_front
async def test_a_lock_of_a_transaction_lasts_as_long_as_it_does(front: Asyncio) -> None:
    async with front.open(pool_max=3) as db:
        async with db.transaction() as tx:
            await tx.lock("z")
            async with db.transaction() as other:
                with pytest.raises(errors.LockTimeout):
                    await other.lock("z", timeout=0.05)
                with pytest.raises(errors.LockTimeout):
                    await other.lock("z", timeout=0)
                assert await other.fetch_val("SELECT 1") == 1
        async with db.transaction() as other:
            await other.lock("z", timeout=0)


@pytest.mark.parametrize("key", [2**63, (2**31, 0), (1, 2, 3), 1.5, True, None])
async def test_what_is_no_key_is_refused(url: str, key: Any) -> None:
    async with await pg.connect(url) as db, db.transaction() as tx:
        with pytest.raises(errors.InterfaceError, match="the key of a lock"):
            await tx.lock(key)
