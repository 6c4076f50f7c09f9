"""Behaviours of every front: values, errors, many rows."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch, settled

if TYPE_CHECKING:
    from .fronts import Asyncio

pytestmark = pytest.mark.smoke


@on_every_front
async def test_values_come_back(front: Asyncio) -> None:
    async with front.open() as db:
        row = await db.fetch_row(
            "SELECT $1::int4, $2::text, $3::numeric, $4::timestamptz, $5::int4[], $6::jsonb, NULL::bool",
            *(
                given := (
                    7,
                    "ß",
                    Decimal("1.50"),
                    datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC),
                    [1, None],
                    {"a": 1},
                )
            ),
        )
        assert tuple(row) == (*given, None)
        assert await db.fetch_val("SELECT 1 WHERE false") is None
        assert await db.fetch_row("SELECT 1 WHERE false") is None
        assert await db.fetch("SELECT 1 WHERE false") == []
        assert await db.fetch_val("SELECT 1, 2", column=1) == 2
        assert await db.execute("SELECT * FROM generate_series(1, 5)") == 5
        assert [row.n for row in await db.fetch("SELECT n FROM generate_series(1, 2000) n")] == list(range(1, 2001))


@on_every_front
async def test_types_of_the_database_are_looked_up(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        await db.execute("DROP TYPE IF EXISTS behaviours_mood")
        await db.execute("CREATE TYPE behaviours_mood AS ENUM ('sad', 'ok')")
        assert await db.fetch_val("SELECT array['ok', $1]::behaviours_mood[]", "sad") == ["ok", "sad"]
        await db.execute("DROP TYPE behaviours_mood")


@on_every_front
async def test_errors_have_their_class_and_sqlstate(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for sql, args, kind, sqlstate in [
            ("SELEC 1", (), errors.PostgresSyntaxError, "42601"),
            ("SELECT * FROM no_such_table", (), errors.UndefinedTableError, "42P01"),
            ("SELECT 1 / $1::int", (0,), errors.DivisionByZeroError, "22012"),
            ("SELECT $1::int", ("x",), errors.DataError, None),
            ("SELECT $1::int", (), errors.InterfaceError, None),
            ("SELECT $1::text", ("a\0b",), errors.DataError, None),
        ]:
            with pytest.raises(kind) as caught:
                await db.fetch(sql, *args)
            assert caught.value.sqlstate == sqlstate
            assert await db.fetch_val("SELECT 1") == 1, "the connection goes on"
        assert db._counts()[:2] == (0, 1)


@on_every_front
async def test_many_executions_are_all_or_nothing(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY") as table:
        assert await db.execute_many(f"INSERT INTO {table} VALUES ($1)", [(n,) for n in range(10)]) == 10
        with pytest.raises(errors.UniqueViolationError):
            await db.execute_many(f"INSERT INTO {table} VALUES ($1)", [(10,), (11,), (3,)])
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 10
        rows = await db.fetch_many(f"SELECT a FROM {table} WHERE a = $1", [(3,), (99,), (1,)])
        assert [row.a for row in rows] == [3, 1]


@on_every_front
async def test_rows_are_written_in_bulk(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY, b text") as table:
        for start, count in ((0, 10), (1_000, 5_000)):
            rows = ((n, str(n)) for n in range(start, start + count))
            assert await db.insert_many(table, rows, columns=["a", "b"]) == count
            rows = ((n, "new") for n in range(start, start + count + 5))
            result = await db.upsert_many(table, rows, columns=["a", "b"], conflict_columns=["a"])
            assert (result.inserted, result.updated) == (5, count)
        with pytest.raises(errors.DataError, match=r'row 4999, column "a"'):
            await db.insert_many(table, ((n if n else "bad", "") for n in range(-4_999, 9)), columns=["a", "b"])


@on_every_front
async def test_rows_of_a_failed_copy_are_not_kept(front: Asyncio) -> None:
    def rows() -> Any:
        for n in range(100_000):
            if n == 70_000:
                raise ZeroDivisionError
            yield (n,)

    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(ZeroDivisionError):
            await db.insert_many(table, rows(), columns=["a"])
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        assert db._counts() == (0, 1, 0, 0, 0, 0)


@on_every_front
async def test_streams_are_read_in_pages(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        total = 0
        async for row in db.stream("SELECT n FROM generate_series(1, $1::int) n", 2500, batch=1000):
            total += row.n
        assert total == 2500 * 2501 // 2
        rows = db.stream("SELECT n FROM generate_series(1, 100000) n", batch=10)
        assert (await anext(rows)).n == 1
        await rows.aclose()
        with pytest.raises(errors.DivisionByZeroError):
            async for _ in db.stream("SELECT 1 / (50 - n) FROM generate_series(1, 100) n", batch=10):
                pass
        assert await db.fetch_val("SELECT 1") == 1
        await settled(db)
