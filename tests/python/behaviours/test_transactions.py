"""Behaviours of every front: transactions, and the state of a session."""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from relay import Relay

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch, settled

if TYPE_CHECKING:
    from .fronts import Asyncio

pytestmark = pytest.mark.smoke


class Counting(Relay):
    """Counts how often the client takes its turn: a round trip each."""

    turns = 0
    _is_clients_turn = True

    def passes(self, *, from_client: bool) -> None:
        self.turns += from_client and self._is_clients_turn
        self._is_clients_turn = not from_client


@on_every_front
async def test_a_transaction_costs_two_round_trips_and_an_empty_one_none(front: Asyncio) -> None:
    with Counting(front.url) as proxy:
        front.url = proxy.url
        async with front.open(pool_max=1) as db:
            await db.fetch_val("SELECT $1::int", 1)
            for statements, wanted in ((0, 0), (1, 2), (3, 4)):
                proxy.turns = 0
                async with db.transaction() as tx:
                    for n in range(statements):
                        assert await tx.fetch_val("SELECT $1::int", n) == n
                assert proxy.turns == wanted


@on_every_front
async def test_an_empty_transaction_sends_nothing(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, front.open(pool_max=1) as other:
        pid = await db.fetch_val("SELECT pg_backend_pid()")
        look = "SELECT query_start, state_change, query FROM pg_stat_activity WHERE pid = $1"
        before = await other.fetch_row(look, pid)
        async with db.transaction() as tx, tx.transaction():
            pass
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                raise ZeroDivisionError
        assert await other.fetch_row(look, pid) == before


@on_every_front
async def test_a_transaction_commits_or_rolls_back(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db, scratch(db, "a int") as table:
        async with db.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (2)")
                raise ZeroDivisionError
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1
        with pytest.raises(errors.InterfaceError):
            await tx.execute("SELECT 1")
        await settled(db)


@on_every_front
async def test_modes_of_a_transaction_are_kept(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.transaction(isolation="serializable", readonly=True) as tx:
            assert await tx.fetch_val("SHOW transaction_isolation") == "serializable"
        with pytest.raises(errors.ReadOnlySQLTransactionError):
            async with db.transaction(readonly=True) as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
        with pytest.raises(errors.InterfaceError, match="isolation must be one of"):
            async with db.transaction(isolation="nonsense"):
                pass
        await settled(db)


@on_every_front
async def test_savepoints_nest(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY") as table:
        insert = f"INSERT INTO {table} VALUES ($1)"
        async with db.transaction() as tx:
            await tx.execute(insert, 1)
            with pytest.raises(errors.UniqueViolationError):
                async with tx.transaction() as inner:
                    await inner.execute(insert, 2)
                    async with inner.transaction() as innermost:
                        await innermost.execute(insert, 3)
                    await inner.execute(insert, 1)
            async with tx.transaction() as inner:
                await inner.execute(insert, 4)
            await tx.execute(insert, 5)
        assert [row.a for row in await db.fetch(f"SELECT a FROM {table} ORDER BY a")] == [1, 4, 5]


@on_every_front
async def test_committing_a_failed_transaction_raises(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(errors.TransactionRolledBack):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
                with pytest.raises(errors.DivisionByZeroError):
                    await tx.execute("SELECT 1 / 0")
        with pytest.raises(errors.TransactionRolledBack):
            async with db.transaction() as tx, tx.transaction() as inner:
                with pytest.raises(errors.DivisionByZeroError):
                    await inner.execute("SELECT 1 / 0")
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0


@on_every_front
async def test_a_transaction_opened_by_hand_does_not_outlive_its_holder(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.connection() as connection:
            await connection.execute("BEGIN")
            await connection.execute(f"INSERT INTO {table} VALUES (1)")
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        await settled(db)


@on_every_front
async def test_session_state_does_not_outlive_its_holder(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        before = await db.fetch_val("SHOW work_mem")
        async with db.connection() as connection:
            await connection.execute("SET work_mem = '7MB'")
            await connection.execute("SELECT pg_advisory_lock(815)")
            assert await connection.fetch_val("SHOW work_mem") == "7MB"
        assert await db.fetch_val("SHOW work_mem") == before
        assert await db.fetch_val("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 815") == 0


@on_every_front
async def test_what_a_statement_leaves_behind_is_nobody_elses(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for begin in ("BEGIN", " start transaction", "/* by hand */ BEGIN", "-- now\n; begin"):
            with pytest.raises(errors.InterfaceError, match="use transaction"):
                await db.execute(begin)
        first, second = await db.fetch_val("SELECT now()"), await db.fetch_val("SELECT now()")
        assert first < second, "each statement is its own transaction again"
        before = await db.fetch_val("SHOW work_mem")
        await db.execute("SET work_mem = '7MB'")
        assert await db.fetch_val("SHOW work_mem") == before
        await settled(db)
        assert db._counts()[:2] == (0, 1)


# Nested transactions and streams in a transaction


@on_every_front
async def test_a_stream_is_part_of_the_transaction_around_it(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.transaction() as tx:
            rows = tx.stream("SELECT generate_series(1, 100)", batch=10)
            assert (await anext(rows))[0] == 1
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            # What the loop has run is not the stream's to undo.
            await rows.aclose()
            assert await tx.fetch_val(f"SELECT count(*) FROM {table}") == 1
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1
        async with db.connection() as connection:
            await connection.execute("BEGIN")
            assert [row[0] async for row in connection.stream("SELECT generate_series(1, 5)", batch=2)] == [
                1,
                2,
                3,
                4,
                5,
            ]
            await connection.execute("COMMIT")


@on_every_front
async def test_a_stream_leaves_no_portal_open(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        await db.execute(f"INSERT INTO {table} SELECT generate_series(1, 100)")
        portals = "SELECT name FROM pg_cursors WHERE name LIKE 'data_bridge_%'"
        async with db.transaction() as tx:
            for whole in (True, False):
                rows = tx.stream(f"SELECT a FROM {table}", batch=10)
                assert (await anext(rows)).a == 1
                assert len(await tx.fetch(portals)) == 1
                if whole:
                    assert len([row async for row in rows]) == 99
                await rows.aclose()
                assert await tx.fetch(portals) == []
            # The server refuses that for a table that an open portal reads.
            await tx.execute(f"ALTER TABLE {table} ADD b int")


@on_every_front
async def test_two_streams_of_one_transaction_may_alternate(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, db.transaction() as tx:
        one = tx.stream("SELECT generate_series(1, 9)", batch=2)
        two = tx.stream("SELECT generate_series(1, 19)", batch=3)
        for n in range(1, 10):
            assert ((await anext(one))[0], (await anext(two))[0]) == (n, n)
        assert [row[0] async for row in one] == []
        assert [row[0] async for row in two] == list(range(10, 20))


@on_every_front
async def test_a_stream_ends_with_its_transaction(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        async with db.transaction() as tx:
            rows = tx.stream("SELECT generate_series(1, 100)", batch=1)
            assert (await anext(rows))[0] == 1
        with pytest.raises(errors.InterfaceError, match="is over"):
            await anext(rows)
        assert await db.fetch_val("SELECT 1") == 1


@on_every_front
async def test_a_transaction_that_ends_before_one_within_it_keeps_nothing(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        for sends in (False, True):
            outer = db.transaction()
            tx = await outer.__aenter__()
            inner = tx.transaction()
            nested = await inner.__aenter__()
            if sends:
                await nested.execute(f"INSERT INTO {table} VALUES (1)")
            with pytest.raises(errors.InterfaceError, match="nested in this one is still open"):
                await outer.__aexit__(None, None, None)
            with pytest.raises(errors.InterfaceError, match="is over"):
                await nested.execute("SELECT 1")
            with pytest.raises(errors.InterfaceError, match="nothing of it is kept"):
                await inner.__aexit__(None, None, None)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        await settled(db)


@on_every_front
async def test_an_outer_transaction_names_what_is_nested_next(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.transaction() as tx, tx.transaction(), tx.transaction() as innermost:
            await innermost.execute(f"INSERT INTO {table} VALUES (1)")
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1
