"""Behaviours of every front: what is lent for a block is nobody's after it, and the next holder inherits nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch, settled

if TYPE_CHECKING:
    from .fronts import Asyncio


@on_every_front
async def test_a_connection_is_lent_for_one_block(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        async with db.connection() as connection:
            prepared = await connection.prepare("SELECT 1")
            assert await connection.fetch_val("SELECT 1") == 1
            assert not connection.is_closed
        assert connection.is_closed
        for holder, args in ((connection, ("SELECT 1",)), (prepared, ())):
            for verb in ("fetch", "fetch_row", "fetch_val", "execute"):
                with pytest.raises(errors.InterfaceError, match="given back"):
                    await getattr(holder, verb)(*args)
        with pytest.raises(errors.InterfaceError, match="given back"):
            await connection.insert_many("t", [(1,)], columns=["a"], method="copy")
        with pytest.raises(errors.InterfaceError, match="given back"):
            await anext(connection.stream("SELECT 1"))
        with pytest.raises(errors.InterfaceError, match="given back"):
            async with connection.transaction():
                pass
        await settled(db)
        assert db._counts() == (0, 1, 0, 0, 0, 0)
        assert await db.fetch_val("SELECT 1") == 1


@on_every_front
async def test_a_transaction_ends_with_its_connection(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.connection() as connection:
            block = connection.transaction()
            tx = await block.__aenter__()
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
        with pytest.raises(errors.InterfaceError, match="is over"):
            await tx.execute(f"INSERT INTO {table} VALUES (2)")
        with pytest.raises(errors.InterfaceError, match="nothing of it is kept"):
            await block.__aexit__(None, None, None)
        async with db.connection() as connection:
            block = connection.transaction()
            await block.__aenter__()
        # Its BEGIN, which was never sent, does not travel with somebody else's statement.
        await db.execute(f"INSERT INTO {table} VALUES (3)")
        assert [row.a for row in await db.fetch(f"SELECT a FROM {table}")] == [3]
        await settled(db)


@on_every_front
async def test_a_stream_ends_with_its_connection(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        async with db.connection() as connection:
            rows = connection.stream("SELECT generate_series(1, 100)", batch=10)
            assert (await anext(rows))[0] == 1
        for n in range(2, 11):
            assert (await anext(rows))[0] == n, "what was read is read"
        with pytest.raises(errors.InterfaceError, match="given back"):
            await anext(rows)
        assert await db.fetch_val("SELECT 1") == 1
        await settled(db)


HIDDEN = """
CREATE OR REPLACE FUNCTION pg_temp.hide() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('work_mem', '7MB', false);
    PERFORM pg_advisory_lock(815);
    EXECUTE 'CREATE TEMPORARY TABLE IF NOT EXISTS hidden (a int)';
    EXECUTE 'LISTEN hidden';
    RETURN 1;
END $$"""


async def inherited(holder: Any) -> list[str]:
    """What a session has that a new one has not."""
    found = {
        "setting": "SELECT current_setting('work_mem') = '7MB'",
        "lock": "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())",
        "table": "SELECT to_regclass('pg_temp.hidden') IS NOT NULL",
        "channel": "SELECT EXISTS (SELECT FROM pg_listening_channels())",
        "statement": "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)",
    }
    return [what for what, sql in found.items() if await holder.fetch_val(sql)]


@on_every_front
async def test_a_connection_comes_back_as_it_was(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        async with db.connection() as connection:
            pid = connection.backend_pid
            await connection.execute(HIDDEN)
            await connection.fetch_val("SELECT pg_temp.hide()")
            await connection.execute("PREPARE by_hand AS SELECT 1")
            assert len(await inherited(connection)) == 5
        async with db.connection() as connection:
            assert await inherited(connection) == []
            assert connection.backend_pid == pid
        assert await inherited(db) == []
        await settled(db)


@on_every_front
async def test_functions_that_change_the_session_are_noticed_by_their_names(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        lock, setting = "SELECT pg_advisory_lock(815)", "SELECT set_config('work_mem', $1, false)"
        async with db.transaction() as tx:
            await tx.fetch(lock)
            await tx.fetch(setting, "7MB")
        assert await inherited(db) == []
        await db.fetch(lock)
        assert await inherited(db) == []
        await db.fetch(setting, "7MB")
        assert await inherited(db) == []
        await db.execute("PREPARE by_hand AS SELECT 1")
        await settled(db)


@on_every_front
async def test_a_lock_ends_with_its_holder(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, front.open(pool_max=1) as other:
        async with db.connection() as connection:
            await connection.fetch("SELECT pg_advisory_lock(816)")
        # Not only when somebody uses the connection again.
        await other.fetch("SELECT pg_advisory_lock(816)", timeout=5)


@on_every_front
async def test_a_reset_outlives_the_failure_of_what_follows(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        async with db.connection() as connection:
            await connection.fetch("SELECT set_config('work_mem', '7MB', false)")
        with pytest.raises(errors.DivisionByZeroError):
            await db.fetch("SELECT 1 / 0")
        assert await inherited(db) == []


@on_every_front
async def test_statements_stay_prepared_between_holders(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        query = "SELECT $1::int + 815"
        count = "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1"
        for _ in range(2):
            async with db.connection() as connection:
                assert await connection.fetch_val(query, 1) == 816
        made = "SELECT prepare_time FROM pg_prepared_statements WHERE statement = $1"
        before = await db.fetch_val(made, query)
        async with db.connection() as connection:
            await connection.fetch_val("SELECT set_config('work_mem', '7MB', false)")
            assert await connection.fetch_val(query, 1) == 816
        assert await db.fetch_val(count, query) == 1
        assert await db.fetch_val(made, query) == before
