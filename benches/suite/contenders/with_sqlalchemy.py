"""SQLAlchemy on the asyncpg dialect: its core, and its ORM."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from suite.data import COLUMNS, HALF_FULL, ROWS
from suite.model import Contender, Env, Op, from_tasks, one_by_one
from suite.orm import operations
from suite.orm.alchemy import Alchemy
from suite.orm.alchemy_models import Item, Single, Sink, Upsert

CORE = Contender("SQLAlchemy core", sa.__version__)
ORM = Contender("SQLAlchemy ORM", sa.__version__)
CONTENDERS = [CORE, ORM]


_BY_KEY = sa.select(Item.__table__).where(Item.__table__.c.id == sa.bindparam("key"))
_OBJECT_BY_KEY = sa.select(Item).where(Item.id == sa.bindparam("key"))


def _up_to(selectable: Any, count: int) -> Any:
    return sa.select(selectable).where(Item.id <= count).order_by(Item.id)


@asynccontextmanager
async def _engine(env: Env, size: int = 1, autocommit: bool = True) -> AsyncIterator[AsyncEngine]:
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if autocommit else {}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda *_args, **_options: asyncpg.connect(env.url),
        pool_size=size,
        max_overflow=0,
        **options,
    )
    try:
        yield engine
    finally:
        await engine.dispose()


async def _script(engine: AsyncEngine, sql: str) -> None:
    async with engine.connect() as conn:
        raw = await conn.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.execute(sql)


async def _core_row(conn: Any, key: int) -> Any:
    return (await conn.execute(_BY_KEY, {"key": key})).first()


async def _orm_object(engine: AsyncEngine, key: int) -> Any:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        return (await session.execute(_OBJECT_BY_KEY, {"key": key})).scalar_one()


@CORE.case("point_select")
async def point_select(env: Env) -> AsyncGenerator[Op]:
    """One connection in autocommit, so that no BEGIN or ROLLBACK is paid."""
    async with _engine(env) as engine, engine.connect() as conn:
        yield Op(lambda: one_by_one(lambda i: _core_row(conn, i), env))


@CORE.case("tasks100_pool10")
async def tasks100_pool10(env: Env) -> AsyncGenerator[Op]:
    """100 tasks, each statement on a connection of the engine's pool."""
    async with _engine(env, size=10) as engine:

        async def query(key: int) -> Any:
            async with engine.connect() as conn:
                return await _core_row(conn, key)

        yield Op(lambda: from_tasks(query, env))


@CORE.case("tasks100_conn1")
async def tasks100_conn1(env: Env) -> AsyncGenerator[Op]:
    """100 tasks take turns on one connection behind a lock."""
    lock = asyncio.Lock()
    async with _engine(env) as engine, engine.connect() as conn:

        async def query(key: int) -> Any:
            async with lock:
                return await _core_row(conn, key)

        yield Op(lambda: from_tasks(query, env))


@CORE.case("fetch_1k")
async def fetch_1k(env: Env) -> AsyncGenerator[Op]:
    """A thousand rows, many times over."""
    statement = _up_to(Item.__table__, 1_000)
    async with _engine(env) as engine, engine.connect() as conn:

        async def run() -> Any:
            rows: Sequence[Any] = ()
            for _ in range(env.ops // 1_000):
                rows = (await conn.execute(statement)).all()
            return rows

        yield Op(run)


@CORE.case("fetch_100k")
async def fetch_100k(env: Env) -> AsyncGenerator[Op]:
    """Every row at once."""
    async with _engine(env) as engine, engine.connect() as conn:

        async def run() -> Any:
            return (await conn.execute(_up_to(Item.__table__, ROWS))).all()

        yield Op(run)


@CORE.case("insert_dicts")
async def insert_dicts(env: Env) -> AsyncGenerator[Op]:
    """Core's executemany insert in one transaction."""
    async with _engine(env, autocommit=False) as engine:

        async def run() -> None:
            async with engine.begin() as conn:
                await conn.execute(sa.insert(Sink.__table__), env.dicts)

        yield Op(run, lambda: _script(engine, "TRUNCATE bench_sink"))


@ORM.case("insert_dicts")
async def orm_insert_dicts(env: Env) -> AsyncGenerator[Op]:
    """The ORM's bulk insert of dicts in one session."""
    async with _engine(env, autocommit=False) as engine:

        async def run() -> None:
            async with AsyncSession(engine) as session:
                await session.execute(sa.insert(Sink), env.dicts)
                await session.commit()

        yield Op(run, lambda: _script(engine, "TRUNCATE bench_sink"))


@CORE.case("upsert")
async def upsert(env: Env) -> AsyncGenerator[Op]:
    """Core's insert().on_conflict_do_update(), executemany in one transaction."""
    insert = pg_insert(Upsert.__table__)
    statement = insert.on_conflict_do_update(
        index_elements=["id"], set_={name: insert.excluded[name] for name in COLUMNS[1:]}
    )
    async with _engine(env, autocommit=False) as engine:

        async def run() -> None:
            async with engine.begin() as conn:
                await conn.execute(statement, env.dicts)

        yield Op(run, lambda: _script(engine, HALF_FULL.format(rows=len(env.dicts))))


@ORM.case("point_select")
@ORM.case("orm_fetch_one")
async def orm_fetch_one(env: Env) -> AsyncGenerator[Op]:
    """One object in a session of its own, in autocommit."""
    async with _engine(env) as engine:
        yield Op(lambda: one_by_one(lambda i: _orm_object(engine, i), env))


@ORM.case("tasks100_pool10")
async def orm_tasks100_pool10(env: Env) -> AsyncGenerator[Op]:
    """100 tasks, a session per object."""
    async with _engine(env, size=10) as engine:
        yield Op(lambda: from_tasks(lambda i: _orm_object(engine, i), env))


@ORM.case("orm_insert_one")
async def orm_insert_one(env: Env) -> AsyncGenerator[Op]:
    """One new object in a session of its own, in autocommit."""
    async with _engine(env) as engine:

        async def run() -> None:
            for i in range(env.ops):
                row = dict(env.dicts[i])
                del row["id"]
                async with AsyncSession(engine, expire_on_commit=False) as session:
                    session.add(Single(**row))
                    await session.commit()

        yield Op(run, lambda: _script(engine, "TRUNCATE bench_single RESTART IDENTITY"))


@ORM.case("orm_objects")
async def orm_objects(env: Env) -> AsyncGenerator[Op]:
    """Every row as a mapped object."""
    async with _engine(env) as engine:

        async def run() -> Any:
            async with AsyncSession(engine) as session:
                return (await session.execute(_up_to(Item, ROWS))).scalars().all()

        yield Op(run)


@CORE.case("tx_empty")
async def tx_empty(env: Env) -> AsyncGenerator[Op]:
    """A transaction in which nothing happens."""
    async with _engine(env, autocommit=False) as engine, engine.connect() as conn:

        async def run() -> None:
            for _ in range(env.ops):
                async with conn.begin():
                    pass

        yield Op(run)


@CORE.case("tx_one")
async def tx_one(env: Env) -> AsyncGenerator[Op]:
    """A transaction of one point query."""
    async with _engine(env, autocommit=False) as engine, engine.connect() as conn:

        async def run() -> None:
            for i in range(env.ops):
                async with conn.begin():
                    await _core_row(conn, env.ids[i])

        yield Op(run)


operations.register(ORM, Alchemy)
