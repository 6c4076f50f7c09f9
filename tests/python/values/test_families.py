"""Ranges, addresses, bits and the types of extensions: as values, as the server prints them, in arrays and through COPY."""

from __future__ import annotations

import array
import copy
import pickle
from datetime import UTC, date, datetime, time
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING, Any

import pytest

from data_bridge.postgres import Multirange, Range, errors

if TYPE_CHECKING:
    from conftest import Here

#: Type, the text that the server prints, and the value. Multiranges are of PostgreSQL 14 and later.
TABLE: list[tuple[str, str, Any]] = [
    ("int4range", "[1,5)", Range(1, 5)),
    ("int4range", "empty", Range[int].empty()),
    ("int8range", "(,-3)", Range(None, -3)),
    ("int8range", "[7,)", Range(7)),
    ("int8range", "(,)", Range()),
    ("numrange", "(1.50,2]", Range(Decimal("1.50"), Decimal(2), "(]")),
    ("numrange", "[1,1]", Range(Decimal(1), Decimal(1), "[]")),
    ("daterange", "[2024-02-29,2024-03-01)", Range(date(2024, 2, 29), date(2024, 3, 1))),
    (
        "tsrange",
        '["2024-01-01 00:00:00","2024-01-02 00:00:00"]',
        Range(datetime(2024, 1, 1), datetime(2024, 1, 2), "[]"),
    ),
    ("tstzrange", '["2024-01-01 00:00:00+00",)', Range(datetime(2024, 1, 1, tzinfo=UTC))),
    ("int4multirange", "{}", Multirange[int]()),
    ("int4multirange", "{[1,3),[5,)}", Multirange([Range(5), Range(1, 3)])),
    (
        "nummultirange",
        "{[1,2],(3,4)}",
        Multirange([Range(Decimal(1), Decimal(2), "[]"), Range(Decimal(3), Decimal(4), "()")]),
    ),
    ("datemultirange", "{[2024-01-01,2024-01-03)}", Multirange([Range(date(2024, 1, 1), date(2024, 1, 3))])),
    ("inet", "10.0.0.1/32", IPv4Address("10.0.0.1")),
    ("inet", "10.0.0.1/24", IPv4Interface("10.0.0.1/24")),
    ("inet", "2001:db8::1/128", IPv6Address("2001:db8::1")),
    ("inet", "2001:db8::1/64", IPv6Interface("2001:db8::1/64")),
    ("cidr", "10.0.0.0/8", IPv4Network("10.0.0.0/8")),
    ("cidr", "2001:db8::/32", IPv6Network("2001:db8::/32")),
    ("macaddr", "08:00:2b:01:02:ff", "08:00:2b:01:02:ff"),
    ("macaddr8", "08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:05"),
    ("varbit", "", ""),
    ("varbit", "1011000000001", "1011000000001"),
    ("bit(3)", "101", "101"),
    ("xid8", "18446744073709551615", 2**64 - 1),
    ("pg_lsn", "16/B374D848", "16/B374D848"),
    ("pg_lsn", "0/0", "0/0"),
    ("hstore", '"a"=>"1", "é"=>NULL', {"a": "1", "é": None}),
    ("hstore", "", {}),
    ("ltree", "Top.Science.Astronomy", "Top.Science.Astronomy"),
]

ids = [f"{kind}-{at}" for at, (kind, _, _) in enumerate(TABLE)]


def has(db: Here, kind: str) -> bool:
    return bool(db.fetch_val("SELECT to_regtype($1) IS NOT NULL", kind.split("(")[0]))


@pytest.fixture(scope="module")
def servers(every: dict[int, Here]) -> dict[int, Here]:
    for db in every.values():
        db.execute("CREATE EXTENSION IF NOT EXISTS hstore")
        db.execute("CREATE EXTENSION IF NOT EXISTS ltree")
    return every


@pytest.mark.smoke
@pytest.mark.parametrize(("kind", "text", "value"), TABLE, ids=ids)
def test_there_and_back(servers: dict[int, Here], kind: str, text: str, value: object) -> None:
    for version, db in servers.items():
        if not has(db, kind):
            assert version < 14
            continue
        assert db.fetch_val(f"SELECT $1::text::{kind}", text) == value
        assert db.fetch_val(f"SELECT ($1::{kind})::text", value) == text
        back = db.fetch_val(f"SELECT $1::{kind}", value)
        assert back == value
        assert type(back) is type(value)
        several = [value, None, value]
        assert db.fetch_val(f"SELECT $1::{kind}[]", several) == several
        assert db.fetch_val(f"SELECT cardinality($1::{kind}[])", several) == 3


@pytest.mark.parametrize(("kind", "text", "value"), TABLE, ids=ids)
def test_copy(servers: dict[int, Here], kind: str, text: str, value: object) -> None:
    db = servers[max(servers)]
    db.execute(f"CREATE TEMPORARY TABLE families (v {kind}, n int)")
    try:
        db.call("insert_many", "families", [(value, n) for n in range(3)], method="unnest")
        db.call("insert_many", "families", [(None, 3), (value, 4)], method="copy")
        rows = [(text, 0), (text, 1), (text, 2), (None, 3), (text, 4)]
        assert db.fetch("SELECT v::text, n FROM families ORDER BY n") == rows
    finally:
        db.execute("DROP TABLE families")


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        ("inet", "10.1.2.3/8", "10.1.2.3/8"),
        ("cidr", "10.0.0.0/8", "10.0.0.0/8"),
        ("inet", IPv4Network("10.0.0.0/8"), "10.0.0.0/8"),
        ("macaddr", "0800.2B01-0203", "08:00:2b:01:02:03"),
        ("int4multirange", [Range(3, 4), Range(1, 3)], "{[1,4)}"),
        ("int4range", Range(1, 3, "(]"), "[2,4)"),
        ("hstore", {"a": None}, '"a"=>NULL'),
    ],
)
def test_other_forms_that_are_taken(servers: dict[int, Here], kind: str, given: object, text: str) -> None:
    assert servers[max(servers)].fetch_val(f"SELECT ($1::{kind})::text", given) == text


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("inet", "10.0.0", "not the text of an address"),
        ("cidr", "10.0.0.1/8", "not the text of a network"),
        ("cidr", IPv4Interface("10.0.0.1/8"), "no bits outside of its prefix"),
        ("inet", IPv6Address("fe80::1%eth0"), "no scope"),
        ("inet", 1, "an address or network of ipaddress"),
        ("macaddr", "08:00", "not the text of a MAC address"),
        ("macaddr", "08:00:2b:01:02:03:04", "not the text of a MAC address"),
        ("int4range", "[1,2)", "a data_bridge.postgres.Range is needed, not str"),
        ("int4range", Range("a", "b"), "is needed, not str"),
        ("int4multirange", [1], "a data_bridge.postgres.Range is needed, not int"),
        ("varbit", "012", "a str of 0 and 1"),
        ("xid8", -1, "an int from 0 up"),
        ("pg_lsn", "1/1FFFFFFFF", "not the text of a pg_lsn"),
        ("hstore", {1: "a"}, "a str as key"),
        ("hstore", [("a", "b")], "a dict of str"),
    ],
)
def test_what_is_refused_is_named(servers: dict[int, Here], kind: str, given: object, message: str) -> None:
    with pytest.raises(errors.DataError, match=message):
        servers[max(servers)].fetch_val(f"SELECT $1::{kind}", given)


@pytest.mark.smoke
def test_ranges_that_users_define(servers: dict[int, Here]) -> None:
    for db in servers.values():
        db.execute("DROP TYPE IF EXISTS times CASCADE")
        db.execute("CREATE TYPE times AS RANGE (subtype = time)")
        try:
            value = Range(time(8), time(12, 30))
            assert db.fetch_val("SELECT $1::times", value) == value
            assert db.fetch_val("SELECT '{\"[08:00,12:30)\",NULL}'::times[]") == [value, None]
            assert db.fetch_val("SELECT time '09:00' <@ $1::times", value) is True
        finally:
            db.execute("DROP TYPE times")


def test_pgvector(db: Here) -> None:
    if not db.fetch_val("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("this server has no pgvector; the codec is tested by its bytes in Rust")
    db.execute("CREATE EXTENSION IF NOT EXISTS vector")
    assert db.fetch_val("SELECT $1::vector(3)", [1, 2.5, -3]) == [1.0, 2.5, -3.0]
    assert db.fetch_val("SELECT ($1::vector)::text", array.array("f", [1, 2])) == "[1,2]"


def test_ranges_as_python_values() -> None:
    one = Range(1, 5)
    assert 1 in one and 4 in one and 5 not in one and 0 not in one
    assert 5 in Range(1, 5, "[]") and 1 not in Range(1, 5, "(]")
    assert Range(2, 3) in one and one not in Range(2, 3) and Range[int].empty() in one
    assert 10**9 in Range(1) and -5 in Range(None, 1) and 0 in Range[int]()
    assert not Range(3, 3) and Range(3, 3) == Range.empty() and Range(3, 3, "[]")
    assert one & Range(3, 9) == Range(3, 5) and (one & Range(5, 9)).is_empty
    assert one | Range(5, 9) == Range(1, 9) and one | Range(None, 2) == Range(None, 5)
    assert one - Range(3, 9) == Range(1, 3) and one - Range(0, 2) == Range(2, 5)
    assert Range(1.0, 5.0, "[]") - Range(5.0, 9.0) == Range(1.0, 5.0)
    assert one.is_adjacent(Range(5, 6)) and not one.is_adjacent(Range(6, 7)) and one.is_left_of(Range(5, 6))
    assert Range(5, 6).is_right_of(one) and not one.is_left_of(Range(4, 6)) and one.overlaps(Range(4, 9))
    assert Range(None, 1, "[]") == Range(None, 1, "(]") and Range(None, 1).lower_inf and not Range(None, 1).upper_inf
    assert {one: 1}[Range(1, 5)] == 1 and one != Range(1, 5, "[]") and one != (1, 5)
    for value in [one, Range[int].empty(), Range(None, 2, "(]"), Multirange([one])]:
        assert pickle.loads(pickle.dumps(value)) == value == copy.deepcopy(value) == eval(repr(value))
    for wrong in [lambda: Range(2, 1), lambda: Range(1, 2, "x"), lambda: one | Range(9, 10), lambda: Range(0, 9) - one]:  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"bound|touch|two ranges"):
            wrong()
    with pytest.raises(AttributeError):
        one.lower = 2  # type: ignore[misc]


def test_multiranges_as_python_values() -> None:
    ranges = Multirange([Range(5, 7), Range(1, 3), Range(3, 4), Range[int].empty()])
    assert ranges == (Range(1, 4), Range(5, 7)) and len(ranges) == 2
    assert 3 in ranges and 4 not in ranges and Range(5, 6) in ranges and Range(3, 6) not in ranges
    assert ranges.overlaps(Range(4, 6)) and not ranges.overlaps([Range(4, 5)])
