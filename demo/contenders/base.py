"""What each contender does; and the SQL and the objects that those without an ORM share."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, make_dataclass
from datetime import date
from typing import Any

from flights import AIRLINES, FLIGHTS, PLANES, Column, Row, Table

POOL_SIZE = 10
TASKS = 100

REPORT = """
    SELECT l.name AS airline, f.origin, count(*) AS flights, round(avg(f.dep_delay), 2) AS mean_delay,
           count(*) FILTER (WHERE f.dep_time IS NULL) AS cancelled, round(CAST(avg(w.wind_speed) AS numeric), 2) AS wind
    FROM flights f JOIN airlines l ON l.carrier = f.carrier
         LEFT JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
    GROUP BY l.name, f.origin ORDER BY mean_delay DESC NULLS LAST, airline, f.origin
"""

_FLIGHT_COLUMNS = ", ".join(f"f.{column.name}" for column in FLIGHTS)
_AIRLINE_COLUMNS = ", ".join(f"l.{column.name}" for column in AIRLINES)
_PLANE_COLUMNS = ", ".join(f"p.{column.name}" for column in PLANES)

POINT = f"SELECT {_FLIGHT_COLUMNS} FROM flights f WHERE id = $1"
DAY = f"""
    SELECT {_FLIGHT_COLUMNS}, {_AIRLINE_COLUMNS}, {_PLANE_COLUMNS}
    FROM flights f JOIN airlines l ON l.carrier = f.carrier LEFT JOIN planes p ON p.tailnum = f.plane_tailnum
    WHERE f.flown_on = $1 ORDER BY f.id
"""

# The staging plan, which those without a bulk upsert write by hand.
STAGING_TABLE = "CREATE TEMP TABLE staging (LIKE flights) ON COMMIT DROP"
STAGING_MERGE = "INSERT INTO flights SELECT * FROM staging ON CONFLICT (id) DO UPDATE SET " + ", ".join(
    f"{column.name} = EXCLUDED.{column.name}" for column in FLIGHTS[1:]
)


class Contender(abc.ABC):
    """One way to do the demo's steps against a database of its own."""

    name: str
    version: str

    def __init__(self, url: str) -> None:
        self.url = url

    @abc.abstractmethod
    async def open(self) -> None:
        """Connect, with a pool of POOL_SIZE connections."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abc.abstractmethod
    async def create_tables(self, tables: list[Table]) -> None:
        """Create the tables with their keys."""

    @abc.abstractmethod
    async def load(self, table: Table, rows: Iterable[Row]) -> None:
        """Put the rows into an empty table: all or none."""

    @abc.abstractmethod
    async def upsert(self, flights: Table, rows: Iterable[Row]) -> str | None:
        """Insert the flights that are new and update the others: all or none. Says what was done, where it knows."""

    @abc.abstractmethod
    async def report(self) -> list[Any]:
        """The rows of REPORT."""

    @abc.abstractmethod
    async def flight(self, key: int) -> Any:
        """One flight's row by its key, on any connection of the pool."""

    @abc.abstractmethod
    async def day(self, day: date) -> list[Any]:
        """The flights of a day as objects that have their `airline` and `plane`, in order of their ids."""

    def linked(self, flight: Any, link: str) -> Any:
        """The airline or the plane of a flight of `day`."""
        return getattr(flight, link)

    async def points(self, keys: list[int]) -> list[Any]:
        """The flights of all keys, asked one by one from TASKS tasks at once."""
        rows: list[Any] = [None] * len(keys)

        async def ask(task: int) -> None:
            for position in range(task, len(keys), TASKS):
                rows[position] = await self.flight(keys[position])

        await asyncio.gather(*(ask(task) for task in range(TASKS)))
        return rows


def ddl(tables: list[Table]) -> Iterator[str]:
    """CREATE TABLE and CREATE INDEX for those who write them by hand."""
    for table in tables:
        yield f"CREATE TABLE {table.name} ({', '.join(_column_ddl(column) for column in table.columns)})"
        for column in table.columns:
            if column.index:
                yield f"CREATE INDEX ON {table.name} ({column.name})"


def _column_ddl(column: Column) -> str:
    key = " PRIMARY KEY" if column.primary_key else ""
    null = "" if column.nullable or key else " NOT NULL"
    reference = f" REFERENCES {column.references}" if column.references else ""
    return f"{column.name} {column.sql_type}{key}{null}{reference}"


@dataclass(slots=True)
class Airline:
    """An airline, for those without an ORM."""

    carrier: str
    name: str


@dataclass(slots=True)
class Plane:
    """A plane, for those without an ORM."""

    tailnum: str
    year: int | None
    type: str
    manufacturer: str
    model: str
    engines: int
    seats: int
    speed: int | None
    engine: str


# A flight for those without an ORM: all columns of the table, its airline and its plane.
Flight = make_dataclass("Flight", [*(column.name for column in FLIGHTS), "airline", "plane"], slots=True)


def flight_objects(rows: Iterable[Any]) -> list[Any]:
    """The rows of DAY as objects, as an application without an ORM would make them."""
    flight, airline = len(FLIGHTS), len(FLIGHTS) + len(AIRLINES)
    return [
        Flight(*row[:flight], Airline(*row[flight:airline]), None if row[airline] is None else Plane(*row[airline:]))
        for row in rows
    ]
