"""What is sent comes back as it was, for every type, alone and in arrays, and the server read it as the same value."""

from __future__ import annotations

import math
import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data_bridge.postgres import Interval

if TYPE_CHECKING:
    from conftest import Here

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

offsets = st.integers(-15 * 3600 - 59 * 60 - 59, 15 * 3600 + 59 * 60 + 59).map(lambda s: timezone(timedelta(seconds=s)))
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
decimals = st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits or (0,), exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), max_size=60).map(tuple),
    st.integers(-300, 0),
)


def json_with(floats: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    """What JSON can say, apart from a bare null."""
    return st.recursive(
        st.none() | st.booleans() | st.integers(-(10**30), 10**30) | floats | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    ).filter(lambda value: value is not None)


json_values = json_with(st.floats(allow_nan=False, allow_infinity=False))
# jsonb holds numbers as numeric, and prints them without an exponent: 1e16 comes back as an int.
jsonb_values = json_with(st.floats(-1e15, 1e15))
intervals = st.builds(
    Interval, st.integers(1, 2**31 - 2), st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
)

TYPES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "oid": st.integers(0, 2**32 - 1),
    "float4": st.floats(width=32),
    "float8": st.floats(),
    "numeric": decimals | st.just(Decimal("NaN")),
    "text": texts,
    "varchar": texts,
    "bytea": st.binary(),
    "uuid": st.uuids(),
    "date": st.dates(),
    "time": st.times(),
    "timetz": st.times(timezones=offsets),
    "timestamp": st.datetimes(),
    "timestamptz": st.datetimes(timezones=st.just(UTC)),
    "interval": st.timedeltas() | intervals,
    "json": json_values,
    "jsonb": jsonb_values,
    '"char"': st.characters(max_codepoint=127, exclude_characters="\0") | st.just(""),
}


def same(given: object, got: object) -> bool:
    """Equal and of one kind, to the sign of a zero and the scale of a decimal."""
    if isinstance(given, float) and isinstance(got, float):
        return (math.isnan(given) and math.isnan(got)) or struct.pack("d", given) == struct.pack("d", got)
    if isinstance(given, list) and isinstance(got, list):
        return len(given) == len(got) and all(map(same, given, got))
    if isinstance(given, Decimal) and given.is_zero():
        given = given.copy_abs()  # PostgreSQL's numeric has one zero
    if isinstance(given, datetime | time):
        given = given.replace(fold=0)  # says something only together with a zone that has two offsets
    return type(given) is type(got) and repr(given) == repr(got)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if not kind.startswith("json")])
@relaxed
@given(data=st.data())
def test_alone_and_in_arrays(db: Here, kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(TYPES[kind] | st.none(), max_size=6))
    assert same(values, db.fetch_val(f"SELECT $1::{kind}[]", values))
    for value in values:
        assert same(value, db.fetch_val(f"SELECT $1::{kind}", value))


@relaxed
@given(value=json_values)
@example(value={"a": [1, {"b": None}], "é": "\U0001f600"})
def test_json(db: Here, value: object) -> None:
    assert repr(db.fetch_val("SELECT $1::json", value)) == repr(value)


@relaxed
@given(value=jsonb_values)
def test_jsonb(db: Here, value: object) -> None:
    assert db.fetch_val("SELECT $1::jsonb", value) == value


@relaxed
@given(values=st.lists(jsonb_values, max_size=4))
def test_json_arrays_have_one_dimension(db: Here, values: list[object]) -> None:
    assert db.fetch_val("SELECT $1::jsonb[]", values) == values
    assert db.fetch_val("SELECT cardinality($1::json[])", values) == len(values)


@relaxed
@given(value=decimals)
@example(value=Decimal("1E+131071"))
@example(value=Decimal("-1E-16383"))
@example(value=Decimal(10) ** 40 + Decimal("0.1"))
def test_numeric_as_the_server_prints_it(db: Here, value: Decimal) -> None:
    wanted = format(value.copy_abs() if value.is_zero() else value, "f")
    assert db.fetch_val("SELECT $1::numeric::text", value) == wanted
    assert db.fetch_val("SELECT $1::numeric", value) == value


@relaxed
@given(value=st.floats(allow_nan=False, allow_infinity=False))
@example(value=0.1)
@example(value=5e-324)
def test_floats_become_numeric_by_their_shortest_text(db: Here, value: float) -> None:
    assert db.fetch_val("SELECT $1::numeric", value) == Decimal(repr(value))


@relaxed
@given(value=st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=offsets))
def test_moments_are_the_same_in_every_zone(db: Here, value: datetime) -> None:
    got = db.fetch_val("SELECT $1::timestamptz", value)
    assert got == value
    assert got.tzinfo is UTC
    assert db.fetch_val("SELECT $1::timestamptz = $2::text::timestamptz", value, value.isoformat())


@relaxed
@given(value=st.dates() | st.datetimes() | st.times())
def test_dates_and_times_as_the_server_reads_them(db: Here, value: date | datetime | time) -> None:
    kind = {date: "date", datetime: "timestamp", time: "time"}[type(value)]
    assert db.fetch_val(f"SELECT $1::{kind} = $2::text::{kind}", value, value.isoformat())


@relaxed
@given(value=st.timedeltas(min_value=timedelta(days=-100_000), max_value=timedelta(days=100_000)))
def test_timedeltas_as_the_server_reads_them(db: Here, value: timedelta) -> None:
    text = f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    assert db.fetch_val("SELECT $1::interval = $2::text::interval", value, text)


@relaxed
@given(data=st.data())
def test_arrays_of_many_dimensions(db: Here, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=6))
    counter = iter(range(3**6))

    def build(rest: list[int]) -> object:
        if not rest:
            return next(counter) if data.draw(st.booleans()) else None
        return [build(rest[1:]) for _ in range(rest[0])]

    value = build(sizes)
    assert db.fetch_val("SELECT $1::int4[]", value) == value
    assert db.fetch_val("SELECT array_ndims($1::int4[])", value) == len(sizes)


@pytest.mark.smoke
def test_every_type_on_every_server(every: dict[int, Here]) -> None:
    columns = {
        "b": (True, "bool"),
        "i2": (-(2**15), "int2"),
        "i4": (2**31 - 1, "int4"),
        "i8": (-(2**63), "int8"),
        "o": (2**32 - 1, "oid"),
        "f4": (1.5, "float4"),
        "f8": (5e-324, "float8"),
        "n": (Decimal("-12345.6700"), "numeric"),
        "t": ("'; DROP TABLE t; -- \\ %s $1 \u202e\U0010ffff", "text"),
        "c": ("r", '"char"'),
        "name": ("x", "name"),
        "by": (bytes(range(256)), "bytea"),
        "u": (UUID(int=2**128 - 1), "uuid"),
        "d": (date.max, "date"),
        "ti": (time.max, "time"),
        "tz": (time(1, 2, 3, tzinfo=timezone(timedelta(hours=-15, minutes=-59, seconds=-59))), "timetz"),
        "ts": (datetime.min, "timestamp"),
        "tt": (datetime.max.replace(tzinfo=UTC), "timestamptz"),
        "iv": (Interval(1, -1, 2), "interval"),
        "j": ({"a": [1, None]}, "json"),
        "jb": ([1.5, "x"], "jsonb"),
        "arr": ([["a", None], ["", '"']], "text[]"),
        "nu": (None, "int4"),
        "inet": ("::1/128", "inet"),
    }
    sql = ", ".join(f'${at}::{kind} AS "{name}"' for at, (name, (_, kind)) in enumerate(columns.items(), 1))
    for version, here in every.items():
        (row,) = here.fetch(f"SELECT {sql}", *(value for value, _ in columns.values()))
        wanted = {name: value for name, (value, _) in columns.items()} | {"inet": IPv6Address("::1")}
        assert dict(row) == wanted, version


@pytest.mark.smoke
def test_types_of_the_database(every: dict[int, Here]) -> None:
    for here in every.values():
        here.execute("DROP SCHEMA IF EXISTS values_test CASCADE")
        here.execute("CREATE SCHEMA values_test")
        here.execute("CREATE TYPE values_test.mood AS ENUM ('sad', 'ok ☺')")
        here.execute("CREATE DOMAIN values_test.positive AS int4 CHECK (VALUE > 0)")
        here.execute("CREATE DOMAIN values_test.deep AS values_test.positive")
        here.execute("CREATE DOMAIN values_test.pair AS int4[]")
        here.execute("CREATE TYPE values_test.point AS (x int4, y text)")
        for kind, value in [
            ("mood", "ok ☺"),
            ("mood[]", ["sad", None, "ok ☺"]),
            ("positive", 7),
            ("deep", 7),
            ("positive[]", [1, None]),
            ("deep[]", [[1], [2]]),
            ("pair", [1, 2]),
            ("point", "(1,a)"),
        ]:
            assert here.fetch_val(f"SELECT $1::values_test.{kind}", value) == value, kind
        here.execute("CREATE TABLE values_test.t (m values_test.mood, p values_test.deep, a values_test.deep[])")
        here.execute("INSERT INTO values_test.t VALUES ($1, $2, $3)", "sad", 1, [2])
        assert here.fetch("SELECT * FROM values_test.t") == [("sad", 1, [2])]
        here.execute("DROP SCHEMA values_test CASCADE")


def test_other_types_come_back_as_text(db: Here) -> None:
    for kind, text in [
        ("point", "(1,2)"),
        ("tsquery[]", "{'a','b'}"),
        ("jsonpath", '$."a"'),
        ("tsvector", "'a' 'b'"),
        ("regclass", "pg_class"),
    ]:
        assert db.fetch_val(f"SELECT $1::{kind}", text) == text, kind
    assert db.fetch_val("SELECT ROW(1, 'a')") == "(1,a)"
    assert db.fetch_val("SELECT pg_sleep(0)") is None
    assert db.fetch_val("SELECT relkind FROM pg_class WHERE relname = 'pg_class'") == "r"
