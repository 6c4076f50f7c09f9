"""Inserting many rows: what rows may be, where they may go, and what comes back."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import pydantic
import pytest

from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import data_bridge.postgres as pg

type Method = Literal["copy", "unnest"]

ways = pytest.mark.parametrize("method", ["copy", "unnest"])
Point = collections.namedtuple("Point", ["x", "y"])


@dataclasses.dataclass
class Spot:
    x: int
    y: int


@dataclasses.dataclass(slots=True)
class SlottedSpot:
    x: int
    y: int


class Plain:
    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y
        self._hidden = "no column"


@pytest.fixture(autouse=True)
async def points(db: pg.Database) -> None:
    await db.execute("CREATE TABLE points (x int, y int)")


async def contents(db: Any, table: str = "points") -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await db.fetch(f"SELECT * FROM {table} ORDER BY 1")]


@ways
@pytest.mark.smoke
@pytest.mark.parametrize(
    "row",
    [(1, 2), [1, 2], {"x": 1, "y": 2}, {"y": 2, "x": 1}, Point(1, 2), Spot(1, 2), SlottedSpot(1, 2), Plain(1, 2)],
    ids=lambda row: type(row).__name__,
)
async def test_kinds_of_rows(db: pg.Database, method: Method, row: Any) -> None:
    assert await db.insert_many("points", [row, row], method=method) == 2
    assert await contents(db) == [(1, 2), (1, 2)]


@ways
async def test_records(db: pg.Database, method: Method) -> None:
    records = await db.fetch("SELECT g AS y, g + 1 AS x FROM generate_series(1, 3) g")
    assert await db.insert_many("points", records, method=method) == 3
    assert await contents(db) == [(2, 1), (3, 2), (4, 3)]


@ways
async def test_columns_choose_among_the_keys(db: pg.Database, method: Method) -> None:
    await db.insert_many("points", [{"x": 1, "y": 2, "z": 3}], columns=["y"], method=method)
    assert await contents(db) == [(None, 2)]


@ways
async def test_generators_and_async_iterables(db: pg.Database, method: Method) -> None:
    async def numbers() -> AsyncIterator[tuple[int, int]]:
        for number in range(5000, 10_000):
            yield number, -number

    assert await db.insert_many("points", ((n, -n) for n in range(5000)), method=method) == 5000
    assert await db.insert_many("points", numbers(), method=method) == 5000
    assert await contents(db) == [(n, -n) for n in range(10_000)]


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 4000])
async def test_around_the_threshold(db: pg.Database, count: int) -> None:
    assert await db.insert_many("points", [(n, n) for n in range(count)]) == count
    assert await db.insert_many("points", ((n, n) for n in range(count, 2 * count))) == count
    assert await contents(db) == [(n, n) for n in range(2 * count)]


@pytest.mark.parametrize("count", [3, 3000])
@pytest.mark.smoke
async def test_returning_generated_keys_in_order(db: pg.Database, count: int) -> None:
    await db.execute("CREATE TABLE keyed (id int GENERATED ALWAYS AS IDENTITY, name text)")
    rows = await db.insert_many("keyed", [(f"n{n}",) for n in range(count)], returning=["id", "name"])
    assert [(row.id, row.name) for row in rows] == [(n + 1, f"n{n}") for n in range(count)]
    assert await db.insert_many("keyed", [], returning=["id"]) == []


@pytest.mark.smoke
async def test_tuples_leave_out_what_the_server_fills(db: pg.Database) -> None:
    await db.execute(
        "CREATE TABLE filled (id bigint GENERATED ALWAYS AS IDENTITY, a int, gone int, "
        "twice int GENERATED ALWAYS AS (a * 2) STORED, b text)"
    )
    await db.execute("ALTER TABLE filled DROP gone")
    await db.insert_many("filled", [(1, "one"), (2, "two")])
    assert await contents(db, "filled") == [(1, 1, 2, "one"), (2, 2, 4, "two")]


@ways
@pytest.mark.smoke
async def test_values_of_many_types(db: pg.Database, method: Method) -> None:
    await db.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    await db.execute("CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
    await db.execute(
        "CREATE TABLE kinds (i int8, t text, j jsonb, u uuid, d date, ts timestamptz, n numeric, b bool, "
        "f float8, raw bytea, m mood, p positive, c citext)"
    )
    when = dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC)
    rows = [
        (1, "é\\\"{,}", {"a": [1, None]}, uuid.UUID(int=7), when.date(), when, Decimal("1.50"), True, 0.5, b"\0\xff",
         "ok", 3, "Case"),
        (2, *[None] * 12),
    ]  # fmt: skip
    assert await db.insert_many("kinds", rows, method=method) == 2
    assert await contents(db, "kinds") == rows


@pytest.mark.parametrize("count", [2, 2000])
async def test_arrays(db: pg.Database, count: int) -> None:
    await db.execute("CREATE TABLE lists (id int, tags text[], grid int[])")
    rows = [(n, ["a", None, str(n)], [[1, 2], [3, n]]) for n in range(count)]
    assert await db.insert_many("lists", rows) == count
    assert await contents(db, "lists") == rows


@pytest.mark.parametrize("count", [2, 2000, 25_000])
async def test_types_that_travel_as_text(db: pg.Database, count: int) -> None:
    await db.execute("CREATE TABLE places (id int, spot point)")
    rows = [(n, f"({n % 250},0.5)" if n % 7 else None) for n in range(count)]
    assert await db.insert_many("places", rows) == count
    assert await contents(db, "places") == rows


@pytest.mark.parametrize("count", [2, 2000])
async def test_views(db: pg.Database, count: int) -> None:
    await db.execute("CREATE VIEW window_on_points AS SELECT y, x FROM points")
    assert await db.insert_many("window_on_points", [(n, -n) for n in range(count)]) == count
    assert await contents(db) == [(-n, n) for n in reversed(range(count))]


@dataclasses.dataclass
class SpotAndMore(Spot):
    kind: ClassVar[str] = "no field"
    scale: dataclasses.InitVar[int] = 1


class Slotted:
    __slots__ = "x"


class SlottedBelow(Slotted):
    __slots__ = ("__weakref__", "_hidden", "y")

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


class SlottedWithDict(Slotted):
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


class Field(NamedTuple):
    name: str


class AsOfAttrs:
    __slots__ = ("__weakref__", "extra", "x", "y")
    __attrs_attrs__: ClassVar = (Field("x"), Field("y"))

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


class AsOfMsgspec:
    __struct_fields__: ClassVar = ("x", "y")

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y, self.extra = x, y, "no field"


class AsOfPydantic:
    model_fields: ClassVar = {"x": None, "y": None}

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y, self.extra = x, y, "no field"


class OpenModel(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    x: int

    @pydantic.computed_field
    def double(self) -> int:
        return 2 * self.x


@pytest.mark.parametrize(
    "row",
    [
        SpotAndMore(1, 2),
        SlottedBelow(1, 2),
        SlottedWithDict(1, 2),
        AsOfAttrs(1, 2),
        AsOfMsgspec(1, 2),
        AsOfPydantic(1, 2),
        OpenModel.model_validate({"x": 1, "y": 2}),
    ],
    ids=lambda row: type(row).__name__,
)
async def test_objects_give_the_fields_that_they_declare(db: pg.Database, row: Any) -> None:
    assert await db.insert_many("points", [row]) == 1
    assert await contents(db) == [(1, 2)]


@ways
@pytest.mark.smoke
@pytest.mark.parametrize("name", ["a b", 'a"b', "a;drop table x;--", "select", "é", "😀", "%s", "{}", "$1", "a'b\\"])
async def test_odd_identifiers(db: pg.Database, method: Method, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    await db.execute(f"CREATE TABLE {quoted} ({quoted} int PRIMARY KEY, ordinal int)")
    table = quoted if '"' in name else name
    await db.insert_many(table, [{name: 1, "ordinal": 7}], method=method)
    result = await db.upsert_many(table, [(1, 8), (2, 9)], conflict_columns=[name])
    assert (result.inserted, result.updated) == (1, 1)
    assert await contents(db, quoted) == [(1, 8), (2, 9)]


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "\ud800", "ctid"])
async def test_impossible_identifiers(db: pg.Database, name: str) -> None:
    with pytest.raises(errors.Error):
        await db.insert_many("points", [(1,)], columns=[name])


async def test_other_schemas(db: pg.Database) -> None:
    schema = await db.fetch_val("SELECT current_schema()")
    await db.insert_many(f"{schema}.points", [(1, 2)])
    await db.insert_many(f'"{schema}"."points"', [(n, 2) for n in range(2, 3000)])
    assert await db.fetch_val("SELECT count(*) FROM points") == 2999


async def test_on_transactions_and_connections(db: pg.Database) -> None:
    async with db.transaction() as tx:
        await tx.insert_many("points", [(1, 1)])
        await tx.insert_many("points", [(2, 2)], method="copy")
        assert await contents(tx) == [(1, 1), (2, 2)]
        assert await contents(db) == []
    async with db.connection() as connection:
        await connection.insert_many("points", [(3, 3)], method="copy")
        await connection.execute("BEGIN")
        await connection.insert_many("points", [(4, 4)], method="copy")
        assert await connection.insert_many("points", [(5, 5)], method="copy", columns=["x", "y"]) == 1
        await connection.execute("ROLLBACK")
    assert await contents(db) == [(1, 1), (2, 2), (3, 3)]


async def test_a_changed_column_type_is_noticed(db: pg.Database) -> None:
    """The bytes of an int4 are also those of some float4: a stale description would store nonsense in silence."""
    async with db.connection() as connection:
        await connection.insert_many("points", [(1, 1)], method="copy")
        await connection.execute("ALTER TABLE points ALTER y TYPE float4")
        await connection.insert_many("points", [(2, 2.5)], method="copy")
        assert await contents(connection) == [(1, 1.0), (2, 2.5)]


async def test_no_rows(db: pg.Database) -> None:
    assert await db.insert_many("points", []) == 0
    assert await db.insert_many("points", iter(()), method="copy") == 0


async def test_many_at_once(db: pg.Database) -> None:
    calls = [db.insert_many("points", [(n, m) for m in range(n * 200)]) for n in range(1, 11)]
    assert await asyncio.gather(*calls) == [n * 200 for n in range(1, 11)]
    assert await db.fetch_val("SELECT count(*) FROM points") == 11_000


@pytest.mark.parametrize("rows", [{"x": 1}, "rows", b"rows"])
async def test_what_is_not_rows(db: pg.Database, rows: Any) -> None:
    with pytest.raises(errors.InterfaceError, match="rows must be an iterable of rows"):
        await db.insert_many("points", rows)
