"""Columns of types that one of the two ways cannot carry, or that hold other values than were given."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pytest

from data_bridge.postgres import errors

if TYPE_CHECKING:
    import data_bridge.postgres as pg

type UpsertMethod = Literal["unnest", "stage"]

pytestmark = pytest.mark.smoke

upsert_ways = pytest.mark.parametrize("method", ["unnest", "stage"])


@pytest.mark.parametrize("count", [2, 4000])
async def test_composite_columns(db: pg.Database, count: int) -> None:
    await db.execute("CREATE TYPE pair AS (number int, word text)")
    await db.execute("CREATE DOMAIN small_pair AS pair CHECK ((VALUE).number < 10000)")
    await db.execute("CREATE TABLE pairs (id int PRIMARY KEY, value pair, small small_pair, note text)")
    rows: list[tuple[Any, ...]] = [(n, f'({n},"a, b")', f"({n},)", "n") for n in range(count)]
    rows.append((count, None, None, None))
    assert await db.insert_many("pairs", rows) == count + 1
    assert await db.fetch("SELECT value, small FROM pairs WHERE id = 1") == [('(1,"a, b")', "(1,)")]
    assert await db.fetch_val("SELECT count(*) FROM pairs WHERE (value).number = id AND (small).number = id") == count
    assert await db.fetch_val(f"SELECT value IS NULL FROM pairs WHERE id = {count}")
    result = await db.upsert_many("pairs", [*rows, (-1, "(0,x)", "(0,y)", "z")], conflict_columns=["id"])
    assert (result.inserted, result.updated) == (1, count + 1)
    keys = await db.insert_many("pairs", [(-n, "(,)", None, "") for n in range(2, count)], returning=["id", "value"])
    assert [tuple(row) for row in keys] == [(-n, "(,)") for n in range(2, count)]


@pytest.mark.parametrize("count", [1, 4000])
async def test_arrays_beside_types_that_travel_as_text_name_what_works(db: pg.Database, count: int) -> None:
    await db.execute("CREATE TABLE spots (id int PRIMARY KEY, numbers int[], place point)")
    rows = [(n, [n], "(1,2)") for n in range(count)]
    for work in (
        db.insert_many("spots", rows),
        db.insert_many("spots", rows, method="unnest"),
        db.upsert_many("spots", rows, conflict_columns=["id"]),
    ):
        with pytest.raises(errors.NotSupportedError, match="use execute_many"):
            await work
    assert await db.execute_many("INSERT INTO spots VALUES ($1, $2, $3)", rows) == count


@upsert_ways
@pytest.mark.parametrize(
    ("column", "first", "last", "held"),
    [
        ("numeric(5,1)", Decimal("1.01"), Decimal("1.04"), Decimal("1.0")),
        ("varchar(3)", "abc", "abc  ", "abc"),
        ("char(3)", "a", "a    ", "a  "),
        ("time(0)", dt.time(1, 2, 3, 1), dt.time(1, 2, 3), dt.time(1, 2, 3)),
        ("timestamp(0)", dt.datetime(2024, 1, 1, 0, 0, 0, 1), dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1)),
        (
            "timestamptz(0)",
            dt.datetime(2024, 1, 1, 0, 0, 0, 1, dt.UTC),
            dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
            dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        ),
        ("interval(0)", dt.timedelta(seconds=1, microseconds=1), dt.timedelta(seconds=1), dt.timedelta(seconds=1)),
        ("rounded", Decimal("1.01"), Decimal("1.04"), Decimal("1.0")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("on_duplicate", ["first", "last"])
async def test_keys_that_are_the_same_once_the_column_holds_them(
    db: pg.Database,
    method: UpsertMethod,
    column: str,
    first: object,
    last: object,
    held: object,
    on_duplicate: Literal["first", "last"],
) -> None:
    await db.execute("CREATE DOMAIN rounded AS numeric(5,1)")
    await db.execute(f"CREATE TABLE held (key {column} PRIMARY KEY, word text)")
    for inserted, updated in ((1, 0), (0, 1)):
        result = await db.upsert_many(
            "held",
            [(first, "first"), (last, "last")],
            conflict_columns=["key"],
            on_duplicate=on_duplicate,
            method=method,
        )
        assert (result.inserted, result.updated) == (inserted, updated)
        assert await db.fetch("SELECT key, word FROM held") == [(held, on_duplicate)]
    with pytest.raises(errors.CardinalityViolationError, match="several rows of the batch"):
        await db.upsert_many(
            "held",
            [(first, "first"), (last, "last")],
            conflict_columns=["key"],
            on_duplicate="error",
            do_nothing=True,
            method=method,
        )


@upsert_ways
async def test_keys_that_are_too_long_are_not_cut_off(db: pg.Database, method: UpsertMethod) -> None:
    await db.execute("CREATE TABLE short (key varchar(3) PRIMARY KEY)")
    with pytest.raises(errors.StringDataRightTruncationError):
        await db.upsert_many("short", [("abcd",)], conflict_columns=["key"], method=method)


@upsert_ways
async def test_a_column_that_has_become_wider(db: pg.Database, method: UpsertMethod) -> None:
    await db.execute("CREATE TABLE held (key numeric(5,1) PRIMARY KEY, value numeric(5,1))")
    async with db.connection() as connection:
        for scale, value in ((1, "1.1"), (3, "1.125")):
            await connection.execute(
                f"ALTER TABLE held ALTER key TYPE numeric(9,{scale}), ALTER value TYPE numeric(9,{scale})"
            )
            await connection.execute("DELETE FROM held")
            row = (Decimal("1.125"), Decimal("1.125"))
            await connection.upsert_many("held", [row], conflict_columns=["key"], method=method)
            assert await connection.fetch("SELECT * FROM held") == [(Decimal(value), Decimal(value))]
