"""Behaviours of every front: statements that are kept, and what becomes of them when the database changes."""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch

if TYPE_CHECKING:
    from .fronts import Asyncio

pytestmark = pytest.mark.smoke


@on_every_front
async def test_a_stale_plan_heals(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        await db.execute(f"INSERT INTO {table} VALUES (1)")
        query = f"SELECT * FROM {table}"
        assert tuple(await db.fetch_row(query)) == (1,)
        await db.execute(f"ALTER TABLE {table} ADD b text DEFAULT 'x'")
        assert tuple(await db.fetch_row(query)) == (1, "x")
        await db.execute(f"ALTER TABLE {table} ALTER a TYPE text")
        assert tuple(await db.fetch_row(query)) == ("1", "x")


@on_every_front
async def test_dropped_statements_are_prepared_anew(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for command in ("DISCARD ALL", "DEALLOCATE ALL"):
            for _ in range(2):
                assert await db.fetch_val("SELECT $1::int + 1", 1) == 2
            await db.execute(command)
            assert await db.fetch_val("SELECT $1::int + 1", 1) == 2


@on_every_front
async def test_a_statement_that_somebody_dropped_is_prepared_anew(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        assert await db.fetch_val("SELECT $1::int + 2", 1) == 3
        # Behind the cache's back: the command tag of a DO block says nothing of what it did.
        await db.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
        assert await db.fetch_val("SELECT $1::int + 2", 1) == 3


@on_every_front
async def test_a_stale_plan_in_a_transaction_is_an_error(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        query = f"SELECT * FROM {table}"
        await db.fetch(query)
        with pytest.raises(errors.FeatureNotSupportedError):
            async with db.transaction() as tx:
                await tx.execute(f"ALTER TABLE {table} ADD b text")
                await tx.fetch(query)
        assert await db.fetch(query) == []


@on_every_front
async def test_without_a_statement_cache_nothing_is_named(front: Asyncio) -> None:
    async with front.open(pool_max=1, statement_cache=0) as db:
        for _ in range(3):
            assert await db.fetch_val("SELECT $1::int + 1", 41) == 42
        async with db.transaction() as tx:
            assert await tx.fetch_val("SELECT $1::text", "x") == "x"
        assert [row.n async for row in db.stream("SELECT n FROM generate_series(1, 5) n", batch=2)] == [1, 2, 3, 4, 5]
        assert await db.fetch_val("SELECT count(*) FROM pg_prepared_statements") == 0


@on_every_front
async def test_a_prepared_statement_knows_its_types_and_runs_often(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, db.connection() as connection, scratch(connection, "a int") as table:
        prepared = await connection.prepare("SELECT $1::int + 1 AS x, 'ok' AS y")
        assert (prepared.parameters, prepared.columns) == ((23,), (("x", 23), ("y", 25)))
        assert [tuple(row) for n in range(3) for row in await prepared.fetch(n)] == [(1, "ok"), (2, "ok"), (3, "ok")]
        assert tuple(await prepared.fetch_row(7)) == (8, "ok")
        assert await prepared.fetch_val(7, column=1) == "ok"
        insert = await connection.prepare(f"INSERT INTO {table} VALUES ($1)")
        assert await insert.execute(1) == 1
        assert await insert.execute_many([(2,), (3,)]) == 2
        with pytest.raises(errors.PostgresSyntaxError):
            await connection.prepare("SELEC 1")


@on_every_front
async def test_more_parameters_than_the_protocol_counts_are_refused_before_they_are_sent(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        backend = await db.fetch_val("SELECT pg_backend_pid()")
        for count in (65_535, 65_536, 70_000):
            query = f"SELECT cardinality(ARRAY[{','.join(f'${n}::int' for n in range(1, count + 1))}])"
            if count == 65_535:
                assert await db.fetch_val(query, *range(count)) == count
                continue
            with pytest.raises(errors.DataError, match="one array parameter") as caught:
                await db.fetch_val(query, *range(count))
            assert caught.value.outcome == "not_sent"
        assert await db.fetch_val("SELECT pg_backend_pid()") == backend
