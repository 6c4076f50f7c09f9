"""The server's own ceiling for bulk loads: bytes made beforehand, handed to libpq as they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from suite import tables
from suite.data import COLUMN_LIST, HALF_FULL, STAGING_MERGE, STAGING_TABLE
from suite.model import Contender, Env, Op

PRE_MADE = Contender("pre-made bytes", f"psycopg {psycopg.__version__}")
CONTENDERS = [PRE_MADE]

_CHUNK = 256 * 1024


@asynccontextmanager
async def _connection(env: Env) -> AsyncIterator[Any]:
    conn = await psycopg.AsyncConnection.connect(env.url, autocommit=True)
    try:
        yield conn
    finally:
        await conn.close()


async def _copy(conn: Any, table: str, payload: bytes) -> None:
    sql = f"COPY {table} ({COLUMN_LIST}) FROM STDIN (FORMAT binary)"
    view = memoryview(payload)
    async with conn.cursor().copy(sql) as copy:
        for start in range(0, len(view), _CHUNK):
            await copy.write(view[start : start + _CHUNK])


@PRE_MADE.case("insert_dicts")
@PRE_MADE.case("insert_tuples")
async def insert(env: Env) -> AsyncGenerator[Op]:
    """COPY of the whole table, nothing encoded."""
    payload = tables.copy_out(env.url)
    async with _connection(env) as conn:
        yield Op(
            lambda: _copy(conn, "bench_sink", payload),
            lambda: conn.execute("TRUNCATE bench_sink"),
        )


@PRE_MADE.case("upsert")
async def upsert(env: Env) -> AsyncGenerator[Op]:
    """The staging plan, nothing encoded."""
    payload = tables.copy_out(env.url)
    async with _connection(env) as conn:
        await conn.execute(STAGING_TABLE)

        async def run() -> None:
            async with conn.transaction():
                await _copy(conn, "bench_staging", payload)
                await conn.execute(STAGING_MERGE)

        yield Op(run, lambda: conn.execute(HALF_FULL.format(rows=len(env.tuples))))
