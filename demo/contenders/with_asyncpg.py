"""asyncpg: SQL by hand, COPY for the load, COPY to a staging table for the upsert."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import asyncpg
from flights import Row, Table

from .base import DAY, POINT, POOL_SIZE, REPORT, STAGING_MERGE, STAGING_TABLE, Contender, ddl, flight_objects


class Asyncpg(Contender):
    """See `Contender`."""

    name = "asyncpg"
    version = asyncpg.__version__

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(self.url, min_size=POOL_SIZE, max_size=POOL_SIZE)

    async def close(self) -> None:
        await self._pool.close()

    async def create_tables(self, tables: list[Table]) -> None:
        for statement in ddl(tables):
            await self._pool.execute(statement)

    async def load(self, table: Table, rows: Iterable[Row]) -> None:
        async with self._pool.acquire() as conn:
            await conn.copy_records_to_table(table.name, records=rows, columns=table.column_names)

    async def upsert(self, flights: Table, rows: Iterable[Row]) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(STAGING_TABLE)
            await conn.copy_records_to_table("staging", records=rows, columns=flights.column_names)
            await conn.execute(STAGING_MERGE)

    async def report(self) -> list[Any]:
        return await self._pool.fetch(REPORT)

    async def flight(self, key: int) -> Any:
        return await self._pool.fetchrow(POINT, key)

    async def day(self, day: date) -> list[Any]:
        return flight_objects(await self._pool.fetch(DAY, day))


CONTENDER = Asyncpg
