"""Behaviours of every front: a transaction block ends its transaction, and nothing else does."""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

import asyncio

import pytest

from data_bridge.postgres import errors

from .fronts import Asyncio, Blocking, on_every_front, scratch, settled

ENDS = ["COMMIT", "rollback work", "/* now */ END;", "ABORT", "COMMIT AND CHAIN", "PREPARE TRANSACTION 'blocks'"]


@on_every_front
async def test_the_end_of_a_transaction_by_hand_is_refused_in_its_block(front: Asyncio) -> None:
    words = "a transaction block ends its transaction itself: leave the block to commit"
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            for sql in ENDS:
                with pytest.raises(errors.InterfaceError, match=words):
                    await tx.execute(sql)
            with pytest.raises(errors.InterfaceError, match=words):
                await tx.execute_many("COMMIT", [()])
            async with tx.transaction() as nested:
                with pytest.raises(errors.InterfaceError, match=words):
                    await nested.execute("COMMIT")
        with pytest.raises(ZeroDivisionError):
            async with db.connection() as connection, connection.transaction():
                await connection.execute(f"INSERT INTO {table} VALUES (2)")
                with pytest.raises(errors.InterfaceError, match=words):
                    await connection.execute("COMMIT")
                raise ZeroDivisionError
        assert [tuple(row) for row in await db.fetch(f"SELECT a FROM {table}")] == [(1,)]
        await settled(db)


@on_every_front
async def test_savepoints_by_hand_are_taken_in_a_block(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.transaction() as tx:
            await tx.execute("SAVEPOINT mine")
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            await tx.execute("ROLLBACK TO SAVEPOINT mine")
            await tx.execute(f"INSERT INTO {table} VALUES (2)")
            await tx.execute("RELEASE mine")
        assert await db.fetch_val(f"SELECT a FROM {table}") == 2


@on_every_front
async def test_a_transaction_by_hand_is_ended_by_hand_after_a_block(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table, db.connection() as connection:
        async with connection.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
        await connection.execute("BEGIN")
        await connection.execute(f"INSERT INTO {table} VALUES (2)")
        await connection.execute("ROLLBACK")
        assert await connection.fetch_val(f"SELECT count(*) FROM {table}") == 1


@on_every_front
async def test_a_transaction_that_ended_behind_its_block_is_told(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, db.connection() as connection:
        raw = connection.blocking._connection._lent if isinstance(front, Blocking) else connection._lent
        with pytest.raises(
            errors.InterfaceError, match="has ended its transaction; what came after that was committed"
        ):
            async with connection.transaction() as tx:
                await tx.execute("SELECT 1")
                await raw._simple("COMMIT")
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction() as tx:
                await tx.execute("SELECT 1")
                await raw._simple("ROLLBACK")
                raise ZeroDivisionError
        assert await connection.fetch_val("SELECT 1") == 1


@pytest.mark.parametrize("method", ["copy", "stage"])
async def test_of_two_copies_at_a_time_the_second_alone_fails(url: str, method: str) -> None:
    front = Asyncio(url)
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY") as table:

        async def write(tx: object, first: int) -> int:
            rows = ((first + n,) for n in range(20_000))
            if method == "copy":
                return await tx.insert_many(table, rows, ["a"], method="copy")  # type: ignore[attr-defined, no-any-return]
            done = await tx.upsert_many(table, rows, columns=["a"], conflict_columns=["a"], method="stage")  # type: ignore[attr-defined]
            return done.inserted  # type: ignore[no-any-return]

        async with asyncio.timeout(4):
            async with db.transaction() as tx:
                written, refused = await asyncio.gather(write(tx, 0), write(tx, 100_000), return_exceptions=True)
                assert written == 20_000
                assert isinstance(refused, errors.InterfaceError)
                assert await tx.fetch_val(f"SELECT count(*) FROM {table}") == 20_000
            assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 20_000
