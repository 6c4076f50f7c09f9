"""The steps, as data: what each contender does, and what it must answer."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from contenders.base import Contender
from flights import FLIGHT_COLUMN, Dataset, Row, changed

Progress = Callable[[int], None]

POINT_QUERIES = 10_000
_JULY = [date(2013, 7, day) for day in range(1, 32)]
_ROWS_PER_TICK = 4_096


@dataclass(frozen=True)
class Material:
    """What the steps work on, made once for all contenders."""

    data: Dataset
    changed_flights: list[Row]
    keys: list[int]

    @classmethod
    def of(cls, data: Dataset) -> Material:
        """Prepare the changes and the keys."""
        flights = data.flights.rows
        keys = random.Random(13).choices(range(1, len(flights) + 1), k=POINT_QUERIES)
        return cls(data, changed(flights), keys)


@dataclass(frozen=True)
class Step:
    """`run` is timed; `answer` makes its result comparable; `leaves` names the tables that it must leave alike."""

    title: str
    unit: str
    rows: Callable[[Material], int]
    run: Callable[[Contender, Material, Progress], Awaitable[Any]]
    answer: Callable[[Any, Contender], list[Row]]
    leaves: tuple[str, ...] = ()
    tidy: bool = False


async def _create(contender: Contender, material: Material, _: Progress) -> None:
    await contender.create_tables(material.data.tables)


async def _load(contender: Contender, material: Material, progress: Progress) -> None:
    for table in material.data.tables:
        await contender.load(table, _counted(table.rows, progress))


async def _upsert(contender: Contender, material: Material, progress: Progress) -> str | None:
    return await contender.upsert(material.data.flights, _counted(material.changed_flights, progress))


async def _report(contender: Contender, _: Material, __: Progress) -> list[Any]:
    return await contender.report()


async def _points(contender: Contender, material: Material, _: Progress) -> list[Any]:
    return await contender.points(material.keys)


async def _days(contender: Contender, _: Material, __: Progress) -> list[Any]:
    flights: list[Any] = []
    for day in _JULY:
        flights += await contender.day(day)
    return flights


def _counted(rows: list[Row], progress: Progress) -> Iterator[Row]:
    for start in range(0, len(rows), _ROWS_PER_TICK):
        batch = rows[start : start + _ROWS_PER_TICK]
        yield from batch
        progress(len(batch))


def _nothing(_: Any, __: Contender) -> list[Row]:
    return []


def _tuples(rows: Iterable[Any], _: Contender) -> list[Row]:
    return [tuple(row) for row in rows]


def _object_values(flights: Iterable[Any], contender: Contender) -> list[Row]:
    def values(flight: Any) -> Row:
        airline, plane = contender.linked(flight, "airline"), contender.linked(flight, "plane")
        columns = (getattr(flight, name) for name in FLIGHT_COLUMN)
        return *columns, airline.name, None if plane is None else (plane.model, plane.year)

    return [values(flight) for flight in flights]


def _july_flights(material: Material) -> int:
    flown_on, days = FLIGHT_COLUMN["flown_on"], set(_JULY)
    return sum(row[flown_on] in days for row in material.data.flights.rows)


_ALL = ("airlines", "airports", "planes", "weather", "flights")

STEPS = [
    Step("create five tables with keys", "tables", lambda m: len(m.data.tables), _create, _nothing),
    Step(
        "load them", "rows", lambda m: sum(len(t.rows) for t in m.data.tables), _load, _nothing, leaves=_ALL, tidy=True
    ),
    Step(
        "change half of the flights, upsert all",
        "rows",
        lambda m: len(m.changed_flights),
        _upsert,
        _nothing,
        leaves=("flights",),
        tidy=True,
    ),
    Step("report by airline and airport", "reports", lambda _: 1, _report, _tuples),
    Step("flights by key, from 100 tasks", "queries", lambda m: len(m.keys), _points, _tuples),
    Step(
        "July by day: flights with airline and plane",
        "objects",
        _july_flights,
        _days,
        _object_values,
    ),
]
