"""SQLAlchemy on asyncpg: its core for the bulk, its ORM for the objects, each where it is at its best."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date
from typing import Any

import asyncpg
import sqlalchemy as sa
from flights import AIRLINES, AIRPORTS, FLIGHTS, PLANES, WEATHER, Column, Row, Table
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, relationship

from .base import POOL_SIZE, REPORT, Contender

_TYPES: dict[str, Any] = {
    "bigint": sa.BigInteger(),
    "double precision": sa.Double(),
    "text": sa.Text(),
    "date": sa.Date(),
    "timestamptz": sa.DateTime(timezone=True),
}
_ROWS_PER_STATEMENT = 20_000


class Base(DeclarativeBase):
    """The registry of the classes below."""


def _table(name: str, columns: tuple[Column, ...]) -> sa.Table:
    return sa.Table(name, Base.metadata, *(_column(column) for column in columns))


def _column(column: Column) -> sa.Column[Any]:
    keys = [sa.ForeignKey(column.references.replace("(", ".").rstrip(")"))] if column.references else []
    return sa.Column(
        column.name,
        _TYPES[column.sql_type],
        *keys,
        primary_key=column.primary_key,
        autoincrement=False,
        nullable=column.nullable,
        index=column.index,
    )


class Airline(Base):
    """A row of airlines."""

    __table__ = _table("airlines", AIRLINES)


class Plane(Base):
    """A row of planes."""

    __table__ = _table("planes", PLANES)


class Flight(Base):
    """A row of flights, with its airline and its plane."""

    __table__ = _table("flights", FLIGHTS)
    airline: Mapped[Airline] = relationship()
    plane: Mapped[Plane | None] = relationship()


_table("airports", AIRPORTS)
_table("weather", WEATHER)
_FLIGHTS: Any = Flight.__table__
_POINT = sa.select(_FLIGHTS).where(_FLIGHTS.c.id == sa.bindparam("key"))


class SQLAlchemy(Contender):
    """See `Contender`."""

    name = "SQLAlchemy"
    version = sa.__version__

    async def open(self) -> None:
        def connect(*_args: Any, **_options: Any) -> Any:
            return asyncpg.connect(self.url)

        self._engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=connect, pool_size=POOL_SIZE, max_overflow=0
        )
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        await self._engine.dispose()

    async def create_tables(self, tables: list[Table]) -> None:
        async with self._engine.begin() as conn:
            await conn.run_sync(Base.metadata.create_all)

    async def load(self, table: Table, rows: Iterable[Row]) -> None:
        await self._in_batches(sa.insert(Base.metadata.tables[table.name]), table, rows)

    async def upsert(self, flights: Table, rows: Iterable[Row]) -> None:
        insert = pg_insert(_FLIGHTS)
        values = {name: insert.excluded[name] for name in flights.column_names[1:]}
        statement = insert.on_conflict_do_update(index_elements=["id"], set_=values)
        await self._in_batches(statement, flights, rows)

    async def _in_batches(self, statement: Any, table: Table, rows: Iterable[Row]) -> None:
        names = table.column_names
        async with self._engine.begin() as conn:
            for batch in itertools.batched(rows, _ROWS_PER_STATEMENT):
                await conn.execute(statement, [dict(zip(names, row, strict=True)) for row in batch])

    async def report(self) -> list[Any]:
        async with self._autocommit.connect() as conn:
            return list(await conn.execute(sa.text(REPORT)))

    async def flight(self, key: int) -> Any:
        async with self._autocommit.connect() as conn:
            return (await conn.execute(_POINT, {"key": key})).first()

    async def day(self, day: date) -> list[Any]:
        query = (
            sa.select(Flight)
            .where(_FLIGHTS.c.flown_on == day)
            .options(joinedload(Flight.airline), joinedload(Flight.plane))
            .order_by(_FLIGHTS.c.id)
        )
        async with AsyncSession(self._autocommit) as session:
            return list((await session.execute(query)).scalars())


CONTENDER = SQLAlchemy
