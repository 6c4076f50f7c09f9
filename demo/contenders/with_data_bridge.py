"""data_bridge: the tables as classes, one call for the load, one for the upsert, one for the objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import flights

import data_bridge
import data_bridge.postgres as pg
from data_bridge.postgres import Column, ForeignKey, Table

from .base import POINT, POOL_SIZE, REPORT, Contender


class Airline(Table, table="airlines"):
    """An airline."""

    carrier: str = Column(primary_key=True)
    name: str


class Airport(Table, table="airports"):
    """An airport of the United States."""

    faa: str = Column(primary_key=True)
    name: str
    lat: float
    lon: float
    alt: int
    tz: int
    dst: str
    tzone: str | None


class Plane(Table, table="planes"):
    """A plane by its tail number."""

    tailnum: str = Column(primary_key=True)
    year: int | None
    type: str
    manufacturer: str
    model: str
    engines: int
    seats: int
    speed: int | None
    engine: str


class Weather(Table, table="weather"):
    """An hour of weather at one of the three airports of New York City."""

    id: int = Column(primary_key=True)
    origin: str = Column(foreign_key="airports.faa")
    year: int
    month: int
    day: int
    hour: int
    temp: float | None
    dewp: float | None
    humid: float | None
    wind_dir: float | None
    wind_speed: float | None
    wind_gust: float | None
    precip: float | None
    pressure: float | None
    visib: float | None
    time_hour: datetime


class Flight(Table, table="flights"):
    """A departure, with its airline and its plane."""

    id: int = Column(primary_key=True)
    flown_on: date = Column(index=True)
    year: int
    month: int
    day: int
    dep_time: int | None
    sched_dep_time: int
    dep_delay: int | None
    arr_time: int | None
    sched_arr_time: int
    arr_delay: int | None
    carrier: str = Column(foreign_key="airlines.carrier")
    flight: int
    tailnum: str | None
    origin: str = Column(foreign_key="airports.faa")
    dest: str
    air_time: int | None
    distance: int
    hour: int
    minute: int
    time_hour: datetime
    plane_tailnum: str | None = Column(foreign_key="planes.tailnum")
    dest_airport: str | None = Column(foreign_key="airports.faa")

    airline: ForeignKey[Airline] = ForeignKey("carrier")
    plane: ForeignKey[Plane | None] = ForeignKey("plane_tailnum")


class DataBridge(Contender):
    """See `Contender`."""

    name = "data_bridge"
    version = data_bridge.__version__

    async def open(self) -> None:
        self._db = await pg.connect(self.url, pool_min=POOL_SIZE, pool_max=POOL_SIZE)

    async def close(self) -> None:
        await self._db.close()

    async def create_tables(self, tables: list[flights.Table]) -> None:
        await pg.create_all([Airline, Airport, Plane, Weather, Flight], db=self._db)

    async def load(self, table: flights.Table, rows: Iterable[flights.Row]) -> None:
        await self._db.insert_many(table.name, rows, columns=table.column_names)

    async def upsert(self, flights: flights.Table, rows: Iterable[flights.Row]) -> str:
        done = await self._db.upsert_many("flights", rows, columns=flights.column_names, conflict_columns=["id"])
        return f"upsert_many reports {done.inserted:,} flights inserted and {done.updated:,} updated"

    async def report(self) -> list[Any]:
        return await self._db.fetch(REPORT)

    async def flight(self, key: int) -> Any:
        return await self._db.fetch_row(POINT, key)

    async def day(self, day: date) -> list[Any]:
        return await Flight.fetch_many(
            Flight.flown_on == day, order_by=Flight.id, fetch_links=["airline", "plane"], db=self._db
        )

    def linked(self, flight: Any, link: str) -> Any:
        return getattr(flight, link).loaded


CONTENDER = DataBridge
