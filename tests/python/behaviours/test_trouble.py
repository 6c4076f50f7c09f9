"""Behaviours of every front: lost connections, timeouts, pools that are full or closed, forks."""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

import asyncio
import logging
import os
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch, settled

if TYPE_CHECKING:
    from .fronts import Asyncio

pytestmark = pytest.mark.smoke


@on_every_front
async def test_calls_after_a_lost_connection_succeed(front: Asyncio) -> None:
    async with front.open(pool_min=2, pool_max=2) as db, front.open(pool_max=1) as other:
        async with db.connection() as one, db.connection() as two:
            pids = [await one.fetch_val("SELECT pg_backend_pid()"), await two.fetch_val("SELECT pg_backend_pid()")]
        await other.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", pids)
        while await other.fetch_val("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1::int[])", pids):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        for _ in range(4):
            assert await db.fetch_val("SELECT pg_backend_pid()") not in pids
        async with db.transaction() as tx:
            assert await tx.fetch_val("SELECT 1") == 1


@on_every_front
async def test_a_connection_lost_during_a_statement_is_an_error(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        with pytest.raises((errors.AdminShutdownError, errors.ConnectionLost)):
            await db.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await db.fetch_val("SELECT 1") == 1
        with pytest.raises((errors.AdminShutdownError, errors.ConnectionLost)):
            async with db.transaction() as tx:
                await tx.fetch("SELECT 1")
                await tx.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await db.fetch_val("SELECT 1") == 1
        await settled(db)


@on_every_front
async def test_a_commit_that_is_not_answered_has_an_unknown_outcome(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        # The server ends the session while it commits.
        await db.execute(
            """CREATE OR REPLACE FUNCTION pg_temp.die() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$;
            """
        )
        await db.execute(
            f"CREATE CONSTRAINT TRIGGER die AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION pg_temp.die()"
        )
        with pytest.raises(errors.CommitOutcomeUnknown):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
        assert await db.fetch_val("SELECT 1") == 1


@on_every_front
async def test_a_timeout_stops_the_statement_and_keeps_the_connection(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        pid = await db.fetch_val("SELECT pg_backend_pid()")
        for timeout in (0.05, 0.0):
            with pytest.raises(errors.QueryTimeout, match="no answer after"):
                await db.fetch("SELECT pg_sleep(10)", timeout=timeout)
        for _ in range(5):
            assert await db.fetch_val("SELECT pg_backend_pid()") == pid, "and no stray cancel hits what comes next"
        assert await db.fetch_val("SELECT 1", timeout=10) == 1
        await settled(db)


@on_every_front
async def test_a_timeout_in_a_transaction_rolls_it_back(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(errors.QueryTimeout):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
                await tx.execute("SELECT pg_sleep(10)", timeout=0.05)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        await settled(db)


@on_every_front
async def test_counts_are_exact_after_many_calls_were_given_up(front: Asyncio) -> None:
    async with front.open(pool_max=3) as db, front.open(pool_max=1) as other:
        await front.give_up_often(db, 200)
        await settled(db)
        for _ in range(3):
            async with db.connection() as connection:
                assert await connection.fetch_val("SELECT 1") == 1
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(0.0_)'"
        assert await other.fetch_val(running) == 0


@on_every_front
async def test_an_exhausted_pool_says_that_all_are_busy(front: Asyncio) -> None:
    async with front.open(pool_max=1, acquire_timeout=0.1) as db:
        async with db.connection():
            with pytest.raises(errors.PoolTimeout, match=r"0\.1 seconds: all are busy"):
                async with db.transaction():
                    pass
        assert await db.fetch_val("SELECT 1") == 1
        assert db._counts() == (0, 1, 0, 0, 0, 0)


@on_every_front
async def test_a_closed_pool_refuses(front: Asyncio) -> None:
    async with front.open() as db:
        await db.close()
        with pytest.raises(errors.PoolClosed):
            await db.fetch("SELECT 1")
        with pytest.raises(errors.PoolClosed):
            async with db.transaction():
                pass
        await db.close()


@on_every_front
async def test_a_wrong_login_is_told_at_once(front: Asyncio) -> None:
    with pytest.raises(errors.InvalidCatalogNameError):
        async with front.open(dbname="no_such_database"):
            pass


@on_every_front
async def test_notices_are_logged(front: Asyncio) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    log = logging.getLogger("data_bridge.postgres")
    log.addHandler(handler)
    try:
        async with front.open(pool_max=1) as db:
            await db.execute("DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$")
    finally:
        log.removeHandler(handler)
    assert "WARNING: mind the gap" in [record.getMessage() for record in records]


@on_every_front
async def test_a_fork_is_refused(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        async with db.connection() as connection:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                refused = 0
                for holder in (db, connection):
                    try:
                        await holder.fetch("SELECT 1")
                    except errors.ForkedConnection:
                        refused += 1
                    except BaseException as error:
                        print(repr(error), file=sys.stderr)
                os._exit(0 if refused == 2 else 1)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            assert os.waitstatus_to_exitcode(status) == 0
            assert await connection.fetch_val("SELECT 1") == 1
        assert await db.fetch_val("SELECT 1") == 1
