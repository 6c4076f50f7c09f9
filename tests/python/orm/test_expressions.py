"""Operators of arrays, JSON, ranges and full text, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Range, Table, all_, any_, cast, extract, func, literal, select, tuple_
from data_bridge.postgres.errors import InterfaceError


class Gadget(Table, table="orm_gadgets"):
    id: Col[int] = Column(primary_key=True)
    small: Col[int] = Column(type="smallint")
    name: Col[str]
    made: Col[datetime] = Column(type="timestamp")
    tags: Col[list[str]]
    grid: Col[list[list[int]] | None] = Column(type="integer[]", default=None)
    data: Col[dict[str, Any]]
    span: Col[Range[int] | None] = Column(type="int4range", default=None)


@pytest.fixture
async def gadgets(url: str) -> AsyncIterator[None]:
    async with await pg.connect(url, pool_max=2):
        await pg.drop_all([Gadget])
        await pg.create_all([Gadget])
        data = {"a": {"b": [1, 2.5, None]}, "n": 7, "s": "text", "on": True}
        row = {"id": 1, "small": 7, "name": "50% off_x", "made": datetime(2024, 2, 29, 12), "tags": ["x", "y", "z"]}
        await Gadget.insert_one(row | {"grid": [[1, 2], [3, 4]], "data": data, "span": Range(1, 5)})
        row = {"id": 2, "small": -7, "name": "The quick brown foxes", "made": datetime(2025, 1, 1), "tags": []}
        await Gadget.insert_one(row | {"data": {}, "span": Range(5, 9)})
        yield
        await pg.drop_all([Gadget])


async def check(cases: list[tuple[Any, Any]]) -> None:
    """What each expression is for the first gadget."""
    for expression, expected in cases:
        found = await select(expression).select_from(Gadget).where(Gadget.id == 1)
        assert found == [(expected,)], select(expression).select_from(Gadget).sql()


@pytest.mark.smoke
@pytest.mark.usefixtures("gadgets")
async def test_json() -> None:
    data = Gadget.data
    await check(
        [
            (data["n"], 7),
            (data["a"]["b"], [1, 2.5, None]),
            (data["a"]["b"][0], 1),
            (data["a"]["b"][-2], 2.5),
            (data["a", "b", 1], 2.5),
            (data[["a", "b", "1"]].as_text(), "2.5"),
            (data["s"], "text"),
            (data["s"].as_text(), "text"),
            (data["missing"].as_text(), None),
            (data["n"].as_int() + 1, 8),
            (data["n"].as_float(), 7.0),
            (data["n"].as_decimal(), Decimal(7)),
            (data["on"].as_bool(), True),
            (data["a"]["b"][2].as_int(), None),
            (data["s"] == "text", True),
            (data["n"] == 7, True),
            (data["n"] > 6, True),
            (data["n"].in_([6, 7]), True),
            (data["s"].as_text().like("te%"), True),
            (data.contains({"n": 7}), True),
            (data.contains({"n": 8}), False),
            (data["a"].contained_by({"b": [1, 2.5, None], "c": 1}), True),
            (data.has_key("n"), True),
            (data.has_any(["q", "n"]), True),
            (data.has_all(["q", "n"]), False),
            (data.path_exists("$.a.b[*] ? (@ > 2)"), True),
            (data.path_match("$.n > 7"), False),
            ((data - "a" - "on").op("-")("s"), {"n": 7}),
            (data["a"]["b"] - 0, [2.5, None]),
            (data.op("#-")(["a", "b"])["a"], {}),
            (data["a"].concat({"c": 1})["c"], 1),
            (func.jsonb_typeof(data["on"]), "boolean"),
            (func.jsonb_array_length(data["a"]["b"]), 3),
            (func.jsonb_build_object("k", Gadget.id), {"k": 1}),
            (func.jsonb_set(data, ["n"], literal(8, "jsonb"))["n"], 8),
        ]
    )
    keys = select(func.jsonb_object_keys(data).label("key")).where(Gadget.id == 1)
    assert sorted(await keys.scalars()) == ["a", "n", "on", "s"]


@pytest.mark.smoke
@pytest.mark.usefixtures("gadgets")
async def test_arrays() -> None:
    tags, grid = Gadget.tags, Gadget.grid
    await check(
        [
            (tags[1], "x"),
            (tags[9], None),
            (tags[2:3], ["y", "z"]),
            (tags[2:], ["y", "z"]),
            (tags[:2], ["x", "y"]),
            (tags[Gadget.id + 1], "y"),
            (grid[2][1], 3),
            (grid[1:1], [[1, 2]]),
            (tags.contains(["x", "z"]), True),
            (tags.contains(["q"]), False),
            (tags.contained_by(["x", "y", "z", "q"]), True),
            (tags.overlaps(["q", "z"]), True),
            (any_(tags) == "y", True),
            ("y" == any_(tags), True),  # noqa: SIM300 - the other way round
            (any_(tags) != "y", True),
            (all_(tags) != "y", False),
            (all_(tags) < "a", False),
            (tags.any_() == "q", False),
            (Gadget.id == any_(select(Gadget.id)), True),
            (Gadget.id >= all_(select(Gadget.id)), False),
            (Gadget.name.like(any_(literal(["50%", "x"]))), True),
            (tags.concat(["w"]), ["x", "y", "z", "w"]),
            (func.cardinality(tags) + 1, 4),
            (func.array_append(tags, "w")[4], "w"),
            (func.array_position(tags, "z"), 3),
        ]
    )
    words = select(func.unnest(tags)).where(Gadget.id == 1)
    assert sorted(await words.scalars()) == ["x", "y", "z"]


@pytest.mark.smoke
@pytest.mark.usefixtures("gadgets")
async def test_ranges() -> None:
    span = Gadget.span
    await check(
        [
            (span.contains(4), True),
            (span.contains(5), False),
            (span.contains(Range(2, 3)), True),
            (span.contained_by(Range(0, 9)), True),
            (Gadget.id.contained_by(Range(0, 9)), True),
            (cast(Gadget.small, "integer").contained_by(Range(0, 7)), False),
            (span.overlaps(Range(4, 9)), True),
            (span.adjacent_to(Range(5, 9)), True),
            (span.strictly_left_of(Range(7, 9)), True),
            (span.strictly_right_of(Range(7, 9)), False),
            (span.not_extend_right_of(Range(0, 4)), False),
            (span.not_extend_left_of(Range(0, 9)), True),
            (func.lower(span) + 1, 2),
            (func.upper(span) == 5, True),
            (func.lower(Gadget.name), "50% off_x"),
        ]
    )


@pytest.mark.smoke
@pytest.mark.usefixtures("gadgets")
async def test_full_text() -> None:
    name = Gadget.name
    document = func.to_tsvector("english", name)
    found = select(Gadget.id)
    for condition, expected in [
        (name.match("fox quick"), [2]),
        (name.match("fox -quick", "english"), []),
        (name.match('"brown fox"', "pg_catalog.english"), [2]),
        (name.match("foxes", "simple"), [2]),
        (name.match("fox", "simple"), []),
        (document.match("foxes", "english"), [2]),
        (document.op("@@")(func.to_tsquery("english", "quick & fox")), [2]),
        (document.op("@@")(func.plainto_tsquery("english", "the fox")), [2]),
    ]:
        assert await found.where(condition).scalars() == expected, found.where(condition).sql()
    rank = func.ts_rank(document, func.websearch_to_tsquery("english", "fox"))
    assert [number for number, _ in await select(Gadget.id, rank).order_by(rank.desc())] == [2, 1]
    # The configuration is a constant, so that an index over the same call is seen.
    assert """to_tsvector('"english"', """ in found.where(name.match("x", "english")).sql()


@pytest.mark.smoke
@pytest.mark.usefixtures("gadgets")
async def test_texts_numbers_and_free_operators() -> None:
    await check(
        [
            (Gadget.name.contains("% off_"), True),
            (Gadget.name.contains("0 off"), False),
            (Gadget.name.icontains("OFF"), True),
            (Gadget.name.endswith("_x"), True),
            (Gadget.name.endswith("%x"), False),
            (Gadget.name.not_like("50%"), False),
            (Gadget.name.not_ilike("A%"), True),
            (Gadget.name.collate("C") < "a", True),
            (Gadget.small**2, 49.0),
            (Gadget.small.op("#")(3), 4),
            (Gadget.small.op("+")(1) * 2, 16),
            (Gadget.small.op("|")(8), 15),
            (extract("year", Gadget.made), 2024.0),
            (func.date_trunc("month", Gadget.made), datetime(2024, 2, 1)),
            # What a column cannot hold can still be compared with it.
            (Gadget.small < 100_000, True),
            (Gadget.small > -(10**30), True),
            (Gadget.small == 2**63, False),
            (Gadget.small.in_([7, 100_000]), True),
            (Gadget.id.in_([1, 2**70]), True),
            (Gadget.small.between(-100_000, 100_000), True),
            (Gadget.small + 100_000, 100_007),
            (tuple_(Gadget.small, Gadget.id) < (100_000, 2**64), True),
            # None has the same meaning in a row as alone.
            (tuple_(Gadget.id, Gadget.name) == (1, None), False),
            (tuple_(Gadget.id, Gadget.name) != (1, None), True),
        ]
    )


@pytest.mark.usefixtures("gadgets")
async def test_frames_and_ordered_sets() -> None:
    numbers = select(func.generate_series(1, 5).label("n")).subquery("numbers")
    n = numbers.c.n

    async def sums(**window: Any) -> list[int]:
        total = func.sum(n).over(order_by=n, **window)
        return [int(row[0]) for row in await select(total).select_from(numbers).order_by(n)]

    assert await sums() == [1, 3, 6, 10, 15]
    assert await sums(rows=(-1, 1)) == [3, 6, 9, 12, 9]
    assert await sums(rows=(None, None)) == [15] * 5
    assert await sums(rows=(0, None)) == [15, 14, 12, 9, 5]
    assert await sums(groups=(-1, 0)) == [1, 3, 5, 7, 9]
    assert await sums(range_=(-2, 0)) == [1, 3, 6, 9, 12]
    days = func.count().over(order_by=Gadget.made, range_=(-timedelta(days=400), timedelta(0)))
    assert await select(Gadget.id, days).order_by(Gadget.id) == [(1, 1), (2, 2)]
    middle = func.percentile_cont(0.5).within_group(n)
    assert await select(middle, func.mode().within_group(n.desc())).select_from(numbers) == [(3.0, 5)]
    with pytest.raises(ValueError, match="one frame"):
        func.count().over(rows=(0, 0), groups=(0, 0))
    with pytest.raises(TypeError, match="pair"):
        func.count().over(rows=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="whole number"):
        func.count().over(rows=(0.5, 1))  # type: ignore[arg-type]


@pytest.mark.smoke
@pytest.mark.usefixtures("gadgets")
async def test_grouping_sets() -> None:
    a, b = Gadget.id, Gadget.small
    for grouping, rows in [
        (func.rollup(a, b), 5),
        (func.cube(a, b), 7),
        (func.grouping_sets(tuple_(a, b), tuple_(b), tuple_()), 5),
    ]:
        assert len(await select(a, b, func.count(), func.grouping(a, b)).group_by(grouping)) == rows


@pytest.mark.usefixtures("gadgets")
async def test_what_cannot_be_meant_says_what_can() -> None:
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: tuple_(Gadget.id, Gadget.name).in_([(1, None)]), ValueError, "never matches"),
        (lambda: tuple_(Gadget.id, Gadget.name) < (1, None), ValueError, "neither less nor greater"),
        (lambda: Gadget.tags.contains("x"), TypeError, "of a list"),
        (lambda: Gadget.name.contains(Gadget.name), TypeError, "strpos"),
        (lambda: Gadget.tags[1:3:2], TypeError, "no step"),
        (lambda: list(Gadget.tags), TypeError, "unnest"),
        (lambda: "x" in Gadget.tags, TypeError, r"array.contains\(\[value\]\)"),
        (lambda: Gadget.id.op("; DROP TABLE x")(1), InterfaceError, "is no operator"),
        (lambda: Gadget.id.op("--")(1), InterfaceError, "is no operator"),
        (lambda: func.grouping_sets(Gadget.id), TypeError, "takes tuples"),
    ]
    for call, error, why in cases:
        with pytest.raises(error, match=why):
            call()
