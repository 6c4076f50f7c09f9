"""psycopg 3 with binary results, prepared statements and its own pool."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import psycopg_pool

from suite.data import (
    COLUMN_LIST,
    FETCH_SQL,
    HALF_FULL,
    INSERT_ONE_SQL,
    POINT_SQL,
    ROWS,
    STAGING_MERGE,
    STAGING_TABLE,
    TYPES,
)
from suite.model import Contender, Env, Op, from_tasks, one_by_one

PSYCOPG = Contender("psycopg", psycopg.__version__)
CONTENDERS = [PSYCOPG]

_POINT = POINT_SQL.replace("$1", "%s")
_FETCH = FETCH_SQL.replace("$1", "%s")
_INSERT_ONE = INSERT_ONE_SQL.replace("$1, $2, $3, $4, $5", "%s, %s, %s, %s, %s")
_COPY_SINK = f"COPY bench_sink ({COLUMN_LIST}) FROM STDIN (FORMAT binary)"
_COPY_STAGING = f"COPY bench_staging ({COLUMN_LIST}) FROM STDIN (FORMAT binary)"


@asynccontextmanager
async def _connection(env: Env) -> AsyncIterator[Any]:
    conn = await psycopg.AsyncConnection.connect(env.url, autocommit=True, prepare_threshold=1)
    try:
        yield conn
    finally:
        await conn.close()


async def _fetch_row(conn: Any, key: int) -> Any:
    cursor = await conn.execute(_POINT, (key,), binary=True)
    return await cursor.fetchone()


async def _copy(conn: Any, sql: str, rows: Iterable[Any]) -> None:
    async with conn.cursor().copy(sql) as copy:
        copy.set_types(TYPES)
        for row in rows:
            await copy.write_row(row)


@PSYCOPG.case("orm_fetch_one")
@PSYCOPG.case("point_select")
async def point_select(env: Env) -> AsyncGenerator[Op]:
    """execute + fetchone on one connection, prepared."""
    async with _connection(env) as conn:
        yield Op(lambda: one_by_one(lambda i: _fetch_row(conn, i), env))


@PSYCOPG.case("point_select_blocking")
async def point_select_blocking(env: Env) -> AsyncGenerator[Op]:
    """The same with the synchronous connection."""
    with psycopg.connect(env.url, autocommit=True, prepare_threshold=1) as conn:

        async def run() -> Any:
            row = None
            for i in range(env.ops):
                row = conn.execute(_POINT, (env.ids[i],), binary=True).fetchone()
            return row

        yield Op(run)


@PSYCOPG.case("tasks100_pool10")
async def tasks100_pool10(env: Env) -> AsyncGenerator[Op]:
    """100 tasks, each statement on a connection borrowed from `AsyncConnectionPool`."""
    options = {"autocommit": True, "prepare_threshold": 1}
    async with psycopg_pool.AsyncConnectionPool(env.url, min_size=10, max_size=10, kwargs=options, open=False) as pool:

        async def query(key: int) -> Any:
            async with pool.connection() as conn:
                return await _fetch_row(conn, key)

        yield Op(lambda: from_tasks(query, env))


@PSYCOPG.case("tasks100_conn1")
async def tasks100_conn1(env: Env) -> AsyncGenerator[Op]:
    """100 tasks on one connection, which locks itself per statement."""
    async with _connection(env) as conn:
        yield Op(lambda: from_tasks(lambda i: _fetch_row(conn, i), env))


@PSYCOPG.case("batch100")
async def batch100(env: Env) -> AsyncGenerator[Op]:
    """Pipeline mode, 100 statements before each wait."""
    async with _connection(env) as conn:

        async def run() -> Any:
            first = None
            for i in range(0, env.ops, 100):
                async with conn.pipeline():
                    cursors = [await conn.execute(_POINT, (key,), binary=True) for key in env.ids[i : i + 100]]
                    rows = [await cursor.fetchone() for cursor in cursors]
                first = rows[0] if first is None else first
            return first

        yield Op(run)


@PSYCOPG.case("fetch_1k")
async def fetch_1k(env: Env) -> AsyncGenerator[Op]:
    """execute + fetchall of a thousand rows, many times over."""
    async with _connection(env) as conn:

        async def run() -> Any:
            rows = None
            for _ in range(env.ops // 1_000):
                cursor = await conn.execute(_FETCH, (1_000,), binary=True)
                rows = await cursor.fetchall()
            return rows

        yield Op(run)


@PSYCOPG.case("orm_objects")
@PSYCOPG.case("fetch_100k")
async def fetch_100k(env: Env) -> AsyncGenerator[Op]:
    """execute + fetchall of every row."""
    async with _connection(env) as conn:

        async def run() -> Any:
            cursor = await conn.execute(_FETCH, (ROWS,), binary=True)
            return await cursor.fetchall()

        yield Op(run)


@PSYCOPG.case("insert_tuples")
async def insert_tuples(env: Env) -> AsyncGenerator[Op]:
    """Binary COPY by write_row."""
    async with _connection(env) as conn:
        yield Op(
            lambda: _copy(conn, _COPY_SINK, env.tuples),
            lambda: conn.execute("TRUNCATE bench_sink"),
        )


@PSYCOPG.case("insert_tuples_blocking")
async def insert_tuples_blocking(env: Env) -> AsyncGenerator[Op]:
    """The same with the synchronous connection."""
    with psycopg.connect(env.url, autocommit=True) as conn:

        async def empty() -> None:
            conn.execute("TRUNCATE bench_sink")

        async def run() -> None:
            with conn.cursor().copy(_COPY_SINK) as copy:
                copy.set_types(TYPES)
                for row in env.tuples:
                    copy.write_row(row)

        yield Op(run, empty)


@PSYCOPG.case("insert_dicts")
async def insert_dicts(env: Env) -> AsyncGenerator[Op]:
    """Binary COPY by write_row, the dicts turned into tuples on the way."""
    async with _connection(env) as conn:
        yield Op(
            lambda: _copy(conn, _COPY_SINK, (tuple(row.values()) for row in env.dicts)),
            lambda: conn.execute("TRUNCATE bench_sink"),
        )


@PSYCOPG.case("upsert")
async def upsert(env: Env) -> AsyncGenerator[Op]:
    """COPY to a staging table, then one INSERT ... ON CONFLICT, written by hand."""
    async with _connection(env) as conn:
        await conn.execute(STAGING_TABLE)

        async def run() -> None:
            async with conn.transaction():
                await _copy(conn, _COPY_STAGING, env.tuples)
                await conn.execute(STAGING_MERGE)

        yield Op(run, lambda: conn.execute(HALF_FULL.format(rows=len(env.tuples))))


@PSYCOPG.case("orm_insert_one")
async def orm_insert_one(env: Env) -> AsyncGenerator[Op]:
    """The raw INSERT ... RETURNING."""
    async with _connection(env) as conn:

        async def run() -> None:
            for i in range(env.ops):
                cursor = await conn.execute(_INSERT_ONE, env.tuples[i][1:], binary=True)
                await cursor.fetchone()

        yield Op(run, lambda: conn.execute("TRUNCATE bench_single RESTART IDENTITY"))


@PSYCOPG.case("tx_empty")
async def tx_empty(env: Env) -> AsyncGenerator[Op]:
    """A transaction in which nothing happens."""
    async with _connection(env) as conn:

        async def run() -> None:
            for _ in range(env.ops):
                async with conn.transaction():
                    pass

        yield Op(run)


@PSYCOPG.case("tx_one")
async def tx_one(env: Env) -> AsyncGenerator[Op]:
    """A transaction of one point query."""
    async with _connection(env) as conn:

        async def run() -> None:
            for i in range(env.ops):
                async with conn.transaction():
                    await _fetch_row(conn, env.ids[i])

        yield Op(run)
