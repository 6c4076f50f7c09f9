"""data_bridge itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import data_bridge
import data_bridge.postgres as pg
from suite import memory
from suite.data import COLUMNS, FETCH_SQL, HALF_FULL, POINT_SQL, ROWS
from suite.model import Contender, Env, Op, from_tasks, one_by_one
from suite.orm import operations
from suite.orm.ours import Item, Ours, Single

DATA_BRIDGE = Contender("data_bridge", data_bridge.__version__)
CONTENDERS = [DATA_BRIDGE]


async def _script(db: pg.Database, sql: str) -> None:
    for statement in sql.split("; "):
        await db.execute(statement)


@DATA_BRIDGE.case("point_select")
async def point_select(env: Env) -> AsyncGenerator[Op]:
    """fetch_row on one connection."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db, db.connection() as conn:
        yield Op(lambda: one_by_one(lambda i: conn.fetch_row(POINT_SQL, i), env))


@DATA_BRIDGE.case("point_select_blocking")
async def point_select_blocking(env: Env) -> AsyncGenerator[Op]:
    """The same on the blocking front."""
    with pg.connect_sync(env.url) as db, db.connection() as conn:

        async def run() -> Any:
            row = None
            for i in range(env.ops):
                row = conn.fetch_row(POINT_SQL, env.ids[i])
            return row

        yield Op(run)


@DATA_BRIDGE.case("tasks100_pool10")
async def tasks100_pool10(env: Env) -> AsyncGenerator[Op]:
    """100 tasks that share ten connections."""
    async with await pg.connect(env.url, pool_min=10, pool_max=10) as db:
        yield Op(lambda: from_tasks(lambda i: db.fetch_row(POINT_SQL, i), env))


@DATA_BRIDGE.case("tasks100_conn1")
async def tasks100_conn1(env: Env) -> AsyncGenerator[Op]:
    """100 tasks that share one connection."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:
        yield Op(lambda: from_tasks(lambda i: db.fetch_row(POINT_SQL, i), env))


@DATA_BRIDGE.case("batch100")
async def batch100(env: Env) -> AsyncGenerator[Op]:
    """`fetch_many`: one query with 100 sets of arguments."""
    batches = [[(key,) for key in env.ids[i : i + 100]] for i in range(0, env.ops, 100)]
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:

        async def run() -> Any:
            first = None
            for batch in batches:
                rows = await db.fetch_many(POINT_SQL, batch)
                first = rows[0] if first is None else first
            return first

        yield Op(run)


@DATA_BRIDGE.case("fetch_1k")
async def fetch_1k(env: Env) -> AsyncGenerator[Op]:
    """Fetch of a thousand rows, many times over."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:

        async def run() -> Any:
            rows = None
            for _ in range(env.ops // 1_000):
                rows = await db.fetch(FETCH_SQL, 1_000)
            return rows

        yield Op(run)


@DATA_BRIDGE.case("fetch_100k")
async def fetch_100k(env: Env) -> AsyncGenerator[Op]:
    """Fetch of every row at once."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:
        yield Op(lambda: db.fetch(FETCH_SQL, ROWS))


@DATA_BRIDGE.case("insert_tuples")
async def insert_tuples(env: Env) -> AsyncGenerator[Op]:
    """insert_many of a list of tuples."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:
        yield Op(
            lambda: db.insert_many("bench_sink", env.tuples, columns=COLUMNS),
            lambda: db.execute("TRUNCATE bench_sink"),
        )


@DATA_BRIDGE.case("insert_tuples_blocking")
async def insert_tuples_blocking(env: Env) -> AsyncGenerator[Op]:
    """The same on the blocking front."""
    with pg.connect_sync(env.url) as db:

        async def empty() -> None:
            db.execute("TRUNCATE bench_sink")

        async def run() -> None:
            db.insert_many("bench_sink", env.tuples, columns=COLUMNS)

        yield Op(run, empty)


@DATA_BRIDGE.case("insert_dicts")
async def insert_dicts(env: Env) -> AsyncGenerator[Op]:
    """insert_many of a list of dicts."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:
        yield Op(
            lambda: db.insert_many("bench_sink", env.dicts),
            lambda: db.execute("TRUNCATE bench_sink"),
        )


@DATA_BRIDGE.case("upsert")
async def upsert(env: Env) -> AsyncGenerator[Op]:
    """upsert_many of a list of tuples."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:
        yield Op(
            lambda: db.upsert_many("bench_upsert", env.tuples, columns=COLUMNS, conflict_columns=["id"]),
            lambda: _script(db, HALF_FULL.format(rows=len(env.tuples))),
        )


@DATA_BRIDGE.case("orm_fetch_one")
async def orm_fetch_one(env: Env) -> AsyncGenerator[Op]:
    """fetch_one by key."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1):
        yield Op(lambda: one_by_one(lambda i: Item.fetch_one(Item.id == i), env))


@DATA_BRIDGE.case("orm_insert_one")
async def orm_insert_one(env: Env) -> AsyncGenerator[Op]:
    """insert_one of a dict."""
    rows = [{name: row[name] for name in COLUMNS[1:]} for row in env.dicts[: env.ops]]
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:

        async def run() -> None:
            for row in rows:
                await Single.insert_one(row)

        yield Op(run, lambda: db.execute("TRUNCATE bench_single RESTART IDENTITY"))


@DATA_BRIDGE.case("orm_objects")
async def orm_objects(env: Env) -> AsyncGenerator[Op]:
    """fetch_many of every row."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1):
        yield Op(lambda: Item.fetch_many(Item.id <= ROWS, order_by=Item.id))


@DATA_BRIDGE.case("tx_empty")
async def tx_empty(env: Env) -> AsyncGenerator[Op]:
    """A transaction in which nothing happens."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:

        async def run() -> None:
            for _ in range(env.ops):
                async with db.transaction():
                    pass

        yield Op(run)


@DATA_BRIDGE.case("tx_one")
async def tx_one(env: Env) -> AsyncGenerator[Op]:
    """A transaction of one point query."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:

        async def run() -> None:
            for i in range(env.ops):
                async with db.transaction() as tx:
                    await tx.fetch_row(POINT_SQL, env.ids[i])

        yield Op(run)


@DATA_BRIDGE.case("memory_insert")
async def memory_insert(env: Env) -> AsyncGenerator[Op]:
    """insert_many from a generator."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:
        yield Op(lambda: db.insert_many(memory.TABLE, memory.rows(env.ops), columns=COLUMNS))


@DATA_BRIDGE.case("memory_stream")
async def memory_stream(env: Env) -> AsyncGenerator[Op]:
    """Stream, a thousand rows ahead."""
    async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:

        async def run() -> int:
            count = 0
            async for _ in db.stream(memory.STREAM_SQL.format(rows=max(env.ops, ROWS)), batch=1_000):
                count += 1
                if count == env.ops:
                    break
            return count

        yield Op(run)


operations.register(DATA_BRIDGE, Ours)
