"""psycopg 3: SQL by hand, binary COPY for the load, binary COPY to a staging table for the upsert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import psycopg
from flights import Row, Table

from .base import DAY, POINT, POOL_SIZE, REPORT, STAGING_MERGE, STAGING_TABLE, Contender, ddl, flight_objects


class Psycopg(Contender):
    """See `Contender`. Its pool is a package of its own; a queue of connections is enough here."""

    name = "psycopg"
    version = psycopg.__version__

    async def open(self) -> None:
        self._idle: asyncio.Queue[Any] = asyncio.Queue()
        for _ in range(POOL_SIZE):
            conn = await psycopg.AsyncConnection.connect(self.url, autocommit=True, prepare_threshold=1)
            self._idle.put_nowait(conn)

    async def close(self) -> None:
        for _ in range(POOL_SIZE):
            await (await self._idle.get()).close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        conn = await self._idle.get()
        try:
            yield conn
        finally:
            self._idle.put_nowait(conn)

    async def create_tables(self, tables: list[Table]) -> None:
        async with self._connection() as conn:
            for statement in ddl(tables):
                await conn.execute(statement)

    async def load(self, table: Table, rows: Iterable[Row]) -> None:
        async with self._connection() as conn:
            await _copy(conn, table.name, table, rows)

    async def upsert(self, flights: Table, rows: Iterable[Row]) -> None:
        async with self._connection() as conn, conn.transaction():
            await conn.execute(STAGING_TABLE)
            await _copy(conn, "staging", flights, rows)
            await conn.execute(STAGING_MERGE)

    async def report(self) -> list[Any]:
        async with self._connection() as conn:
            return await (await conn.execute(REPORT, binary=True)).fetchall()

    async def flight(self, key: int) -> Any:
        async with self._connection() as conn:
            return await (await conn.execute(_POINT, (key,), binary=True)).fetchone()

    async def day(self, day: date) -> list[Any]:
        async with self._connection() as conn:
            return flight_objects(await (await conn.execute(_DAY, (day,), binary=True)).fetchall())


async def _copy(conn: Any, name: str, table: Table, rows: Iterable[Row]) -> None:
    sql = f"COPY {name} ({', '.join(table.column_names)}) FROM STDIN (FORMAT binary)"
    async with conn.cursor().copy(sql) as copy:
        copy.set_types([_TYPE_NAMES.get(column.sql_type, column.sql_type) for column in table.columns])
        for row in rows:
            await copy.write_row(row)


_POINT = POINT.replace("$1", "%s")
_DAY = DAY.replace("$1", "%s")
_TYPE_NAMES = {"bigint": "int8", "double precision": "float8"}

CONTENDER = Psycopg
