"""Rows out of nothing: values for the columns that a row must have, parents for the keys that it must have."""

from __future__ import annotations

import itertools
import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from data_bridge.postgres import _default
from data_bridge.postgres.orm import Table, _registry, insert_one
from data_bridge.postgres.sync import SyncVerbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from data_bridge.postgres.orm._columns import ColumnSpec

_numbers = itertools.count(1)


def _false(_name: str, _number: int) -> bool:
    return False


def _small(_name: str, number: int) -> int:
    return number % 32_768


def _float(_name: str, number: int) -> float:
    return float(number)


def _digit(_name: str, number: int) -> Decimal:
    return Decimal(number % 10)


def _noon(_name: str, _number: int) -> time:
    return time(12)


def _object(_name: str, _number: int) -> dict[str, Any]:
    return {}


#: What a value is made of by its type's name: the column's name and a number that no other value has.
_VALUES: dict[str, Callable[[str, int], Any]] = {
    **dict.fromkeys(("bigint", "integer", "int", "int2", "int4", "int8", "smallint"), _small),
    **dict.fromkeys(("real", "double precision", "float4", "float8"), _float),
    **dict.fromkeys(("numeric", "decimal"), _digit),
    **dict.fromkeys(
        ("text", "varchar", "character varying", "citext"),
        lambda name, n: f"{name}-{n}@example.com" if "email" in name else f"{name}-{n}",
    ),
    **dict.fromkeys(("char", "character", "bpchar"), lambda _, n: chr(ord("a") + n % 26)),
    **dict.fromkeys(("boolean", "bool"), _false),
    "bytea": lambda name, n: f"{name}-{n}".encode(),
    "uuid": lambda _, n: uuid.UUID(int=n),
    "date": lambda _, n: date(2000, 1, 1) + timedelta(days=n),
    **dict.fromkeys(
        ("timestamptz", "timestamp with time zone"),
        lambda _, n: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=n),
    ),
    **dict.fromkeys(
        ("timestamp", "timestamp without time zone"),
        lambda _, n: datetime(2000, 1, 1) + timedelta(minutes=n),
    ),
    **dict.fromkeys(("time", "time without time zone"), _noon),
    "interval": lambda _, n: timedelta(minutes=n),
    **dict.fromkeys(("json", "jsonb"), _object),
}


def build[T: Table](cls: type[T], /, **values: Any) -> T:
    """An instance with a value for each column that must have one. Nothing is sent, and keys of other rows are not made.

    >>> from data_bridge.postgres import Column, Table
    >>> class Guest(Table):
    ...     id: int = Column(primary_key=True, init=False)
    ...     name: str
    ...     seat: int | None = Column(default=None)
    >>> guest = build(Guest, seat=3)
    >>> guest.name.startswith("name-"), guest.seat
    (True, 3)
    """
    return cls(**_filled(cls, values))


def make(cls: Any, /, *, db: Any = None, **values: Any) -> Any:
    """Inserts a row with a value for each column that must have one, and first the rows that its keys must lead to.

    To be awaited, unless the database is a blocking one. Values are as in ``make(Post, title="Hello", author=ann)``: columns,
    or the instances that links lead to. Numbers in the values that are made up differ from row to row, so unique columns
    take them; what a check demands has to be given.
    """
    db = _default.get() if db is None else db
    if isinstance(db, SyncVerbs):
        return _make_sync(cls, values, db)
    return _make(cls, values, db)


async def _make(cls: Any, values: dict[str, Any], db: Any) -> Any:
    for column, parent in _parents(cls, values):
        made = await _make(parent, {}, db)
        values[column.name] = getattr(made, _referred(column))
    return await insert_one(build(cls, **_by_columns(cls, values)), db=db)


def _make_sync(cls: Any, values: dict[str, Any], db: Any) -> Any:
    for column, parent in _parents(cls, values):
        values[column.name] = getattr(_make_sync(parent, {}, db), _referred(column))
    return insert_one(build(cls, **_by_columns(cls, values)), db=db)


class Maker:
    """:func:`make` on one database: what the fixture ``pg_make`` is."""

    def __init__(self, db: Any) -> None:
        self._db = db

    async def __call__[T: Table](self, cls: type[T], /, **values: Any) -> T:
        """Inserts one row."""
        made: T = await make(cls, db=self._db, **values)
        return made

    async def many[T: Table](self, cls: type[T], count: int, /, **values: Any) -> list[T]:
        """Inserts so many rows, which have these values in common."""
        return [await self(cls, **values) for _ in range(count)]


class SyncMaker:
    """:func:`make` on one blocking database: what the fixture ``pg_sync_make`` is."""

    def __init__(self, db: Any) -> None:
        self._db = db

    def __call__[T: Table](self, cls: type[T], /, **values: Any) -> T:
        """Inserts one row."""
        made: T = make(cls, db=self._db, **values)
        return made

    def many[T: Table](self, cls: type[T], count: int, /, **values: Any) -> list[T]:
        """Inserts so many rows, which have these values in common."""
        return [self(cls, **values) for _ in range(count)]


def _columns(cls: Any) -> dict[str, ColumnSpec]:
    columns: dict[str, ColumnSpec] = cls.__declared__.columns
    return columns


def _must_be_given(spec: ColumnSpec) -> bool:
    has_default = spec.default is not None or spec.default_factory is not None or spec.server_default is not None
    return spec.init and not (spec.nullable or has_default or spec.identity or getattr(spec, "generated", None))


def _filled(cls: Any, values: dict[str, Any]) -> dict[str, Any]:
    given = dict(values)
    for name, spec in _columns(cls).items():
        if name not in given and _must_be_given(spec):
            given[name] = _value(cls, name, spec)
    return given


def _value(cls: Any, name: str, spec: ColumnSpec) -> Any:
    if spec.sql_type.endswith("]"):
        return []
    plain = re.sub(r"\s*\([^)]*\)", "", spec.sql_type).strip().lower()
    value = _VALUES.get(plain)
    if value is not None:
        return value(name, next(_numbers))
    raise LookupError(
        f"no value is made up for {cls.__name__}.{name} of the type {spec.sql_type}; give one, as in "
        f"make({cls.__name__}, {name}=...)"
    )


def _by_columns(cls: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The values with the keys of the instances that links were given."""
    links: dict[str, Any] = cls.__declared__.links
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name in links and getattr(links[name].relation, "kind", None) == "one":
            columns = links[name].relation.columns or (f"{name}_id",)
            if len(columns) != 1:
                raise TypeError(f"{cls.__name__}.{name} has a key of several columns; give these: {', '.join(columns)}")
            spec = _columns(cls)[columns[0]]
            given[columns[0]] = None if value is None else getattr(value, _referred(spec))
        else:
            given[name] = value
    return given


def _parents(cls: Any, values: dict[str, Any]) -> list[tuple[ColumnSpec, type[Table]]]:
    """The keys that must be given and are not, and the classes of the rows that they lead to."""
    given = _by_columns(cls, values)
    return [
        (spec, _registry.resolve(spec.foreign_key.rpartition(".")[0]))
        for name, spec in _columns(cls).items()
        if spec.foreign_key and name not in given and _must_be_given(spec)
    ]


def _referred(column: ColumnSpec) -> str:
    return (column.foreign_key or "").rpartition(".")[2]
