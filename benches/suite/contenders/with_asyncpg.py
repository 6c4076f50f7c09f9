"""asyncpg: the driver that every ratio is taken to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from suite import memory
from suite.data import (
    COLUMNS,
    FETCH_SQL,
    HALF_FULL,
    INSERT_ONE_SQL,
    POINT_SQL,
    ROWS,
    STAGING_MERGE,
    STAGING_TABLE,
)
from suite.model import Contender, Env, Op, from_tasks, one_by_one
from suite.orm import operations
from suite.orm.by_hand import ByHand

ASYNCPG = Contender("asyncpg", asyncpg.__version__)
# asyncio's transports read into a new block of 256 KiB each time, which glibc's malloc maps and
# unmaps unless the process once freed a larger one. This is asyncpg where that has happened.
TUNED = Contender("asyncpg, tuned malloc", asyncpg.__version__, environment={"MALLOC_MMAP_THRESHOLD_": "33554432"})
CONTENDERS = [ASYNCPG, TUNED]


@asynccontextmanager
async def _connection(env: Env) -> AsyncIterator[Any]:
    conn = await asyncpg.connect(env.url)
    try:
        yield conn
    finally:
        await conn.close()


@TUNED.case("point_select")
@ASYNCPG.case("point_select")
async def point_select(env: Env) -> AsyncGenerator[Op]:
    """fetchrow on one connection, with asyncpg's own statement cache."""
    async with _connection(env) as conn:
        yield Op(lambda: one_by_one(lambda i: conn.fetchrow(POINT_SQL, i), env))


@ASYNCPG.case("tasks100_pool10")
async def tasks100_pool10(env: Env) -> AsyncGenerator[Op]:
    """100 tasks, each statement through `Pool.fetchrow`."""
    async with asyncpg.create_pool(env.url, min_size=10, max_size=10) as pool:
        yield Op(lambda: from_tasks(lambda i: pool.fetchrow(POINT_SQL, i), env))


@ASYNCPG.case("tasks100_conn1")
async def tasks100_conn1(env: Env) -> AsyncGenerator[Op]:
    """100 tasks take turns on one connection, which asyncpg asks its users to lock."""
    lock = asyncio.Lock()
    async with _connection(env) as conn:

        async def query(key: int) -> Any:
            async with lock:
                return await conn.fetchrow(POINT_SQL, key)

        yield Op(lambda: from_tasks(query, env))


@ASYNCPG.case("batch100")
async def batch100(env: Env) -> AsyncGenerator[Op]:
    """`fetchmany`: one pipelined batch per 100 keys."""
    batches = [[(key,) for key in env.ids[i : i + 100]] for i in range(0, env.ops, 100)]
    async with _connection(env) as conn:

        async def run() -> Any:
            first = None
            for batch in batches:
                rows = await conn.fetchmany(POINT_SQL, batch)
                first = rows[0] if first is None else first
            return first

        yield Op(run)


@ASYNCPG.case("fetch_1k")
async def fetch_1k(env: Env) -> AsyncGenerator[Op]:
    """`fetch` of a thousand rows, many times over."""
    async with _connection(env) as conn:

        async def run() -> Any:
            rows = None
            for _ in range(env.ops // 1_000):
                rows = await conn.fetch(FETCH_SQL, 1_000)
            return rows

        yield Op(run)


@ASYNCPG.case("orm_objects")
@ASYNCPG.case("fetch_100k")
async def fetch_100k(env: Env) -> AsyncGenerator[Op]:
    """`fetch` of every row at once."""
    async with _connection(env) as conn:
        yield Op(lambda: conn.fetch(FETCH_SQL, ROWS))


@ASYNCPG.case("insert_tuples")
async def insert_tuples(env: Env) -> AsyncGenerator[Op]:
    """`copy_records_to_table` of a list of tuples."""
    async with _connection(env) as conn:
        yield Op(
            lambda: conn.copy_records_to_table("bench_sink", records=env.tuples, columns=COLUMNS),
            lambda: conn.execute("TRUNCATE bench_sink"),
        )


@ASYNCPG.case("insert_dicts")
async def insert_dicts(env: Env) -> AsyncGenerator[Op]:
    """asyncpg copies tuples only: the caller turns the dicts into them on the way."""
    async with _connection(env) as conn:
        yield Op(
            lambda: conn.copy_records_to_table(
                "bench_sink",
                records=(tuple(row.values()) for row in env.dicts),
                columns=COLUMNS,
            ),
            lambda: conn.execute("TRUNCATE bench_sink"),
        )


@ASYNCPG.case("upsert")
async def upsert(env: Env) -> AsyncGenerator[Op]:
    """COPY to a staging table, then one INSERT ... ON CONFLICT, written by hand."""
    async with _connection(env) as conn:
        await conn.execute(STAGING_TABLE)

        async def run() -> None:
            async with conn.transaction():
                await conn.copy_records_to_table("bench_staging", records=env.tuples, columns=COLUMNS)
                await conn.execute(STAGING_MERGE)

        yield Op(run, lambda: conn.execute(HALF_FULL.format(rows=len(env.tuples))))


@TUNED.case("orm_fetch_one")
@ASYNCPG.case("orm_fetch_one")
async def orm_fetch_one(env: Env) -> AsyncGenerator[Op]:
    """The raw call that an ORM's fetch of one object is held against."""
    async with _connection(env) as conn:
        yield Op(lambda: one_by_one(lambda i: conn.fetchrow(POINT_SQL, i), env))


@TUNED.case("orm_insert_one")
@ASYNCPG.case("orm_insert_one")
async def orm_insert_one(env: Env) -> AsyncGenerator[Op]:
    """The raw call that an ORM's insert of one row is held against: it returns the new key."""
    async with _connection(env) as conn:

        async def run() -> None:
            for i in range(env.ops):
                await conn.fetchrow(INSERT_ONE_SQL, *env.tuples[i][1:])

        yield Op(run, lambda: conn.execute("TRUNCATE bench_single RESTART IDENTITY"))


@ASYNCPG.case("tx_empty")
async def tx_empty(env: Env) -> AsyncGenerator[Op]:
    """A transaction in which nothing happens."""
    async with _connection(env) as conn:

        async def run() -> None:
            for _ in range(env.ops):
                async with conn.transaction():
                    pass

        yield Op(run)


@ASYNCPG.case("tx_one")
async def tx_one(env: Env) -> AsyncGenerator[Op]:
    """A transaction of one point query."""
    async with _connection(env) as conn:

        async def run() -> None:
            for i in range(env.ops):
                async with conn.transaction():
                    await conn.fetchrow(POINT_SQL, env.ids[i])

        yield Op(run)


@ASYNCPG.case("memory_insert")
async def memory_insert(env: Env) -> AsyncGenerator[Op]:
    """copy_records_to_table from a generator."""
    async with _connection(env) as conn:

        async def run() -> int:
            tag = await conn.copy_records_to_table(memory.TABLE, records=memory.rows(env.ops), columns=COLUMNS)
            return int(tag.split()[1])

        yield Op(run)


@ASYNCPG.case("memory_stream")
async def memory_stream(env: Env) -> AsyncGenerator[Op]:
    """A cursor in a transaction, a thousand rows ahead."""
    async with _connection(env) as conn:

        async def run() -> int:
            count = 0
            async with conn.transaction():
                sql = memory.STREAM_SQL.format(rows=max(env.ops, ROWS))
                async for _ in conn.cursor(sql, prefetch=1_000):
                    count += 1
                    if count == env.ops:
                        break
            return count

        yield Op(run)


operations.register(ASYNCPG, ByHand)
