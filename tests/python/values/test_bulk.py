"""Values that travel many at a time, by COPY and as arrays, arrive as they would alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_round_trips import TYPES, same

from data_bridge.postgres import errors

if TYPE_CHECKING:
    from conftest import Here

relaxed = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("method", ["copy", "unnest"])
@pytest.mark.parametrize("kind", TYPES)
@relaxed
@given(data=st.data())
def test_one_column(db: Here, kind: str, method: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(TYPES[kind] | st.none(), min_size=1, max_size=20))
    table = f"bulk_{kind.strip('"')}"
    db.execute(f"CREATE TABLE IF NOT EXISTS {table} (at int GENERATED ALWAYS AS IDENTITY, v {kind})")
    db.execute(f"TRUNCATE {table}")
    rows = [(value,) for value in values]
    assert db.call("insert_many", table, rows, ["v"], method=method) == len(values)
    got = [row.v for row in db.fetch(f"SELECT v FROM {table} ORDER BY at")]
    assert got == values if kind.startswith("json") else same(values, got)


def test_rows_of_every_kind_at_once(db: Here) -> None:
    db.execute("DROP TABLE IF EXISTS bulk_rows")
    db.execute("CREATE TABLE bulk_rows (a int8, b text, c int4[])")
    random.seed(1)
    wanted = [(at, None if at % 7 == 0 else f"name {at}", [at, None]) for at in range(5_000)]

    class Row:
        def __init__(self, a: int, b: str | None, c: list[int | None]) -> None:
            self.a, self.b, self.c = a, b, c

    def shape(row: tuple[Any, ...]) -> object:
        match random.randrange(4):
            case 0:
                return row
            case 1:
                return list(row)
            case 2:
                return dict(zip("cba", reversed(row), strict=True))
            case _:
                return Row(*row)

    for method in ("copy", "auto"):
        db.execute("TRUNCATE bulk_rows")
        rows = [shape(row) for row in wanted]
        assert db.call("insert_many", "bulk_rows", rows, ["a", "b", "c"], method=method) == 5_000
        read = db.fetch("SELECT * FROM bulk_rows ORDER BY a")
        assert read == wanted
        # Records are rows too.
        db.execute("TRUNCATE bulk_rows")
        assert db.call("insert_many", "bulk_rows", read, method=method) == 5_000
        assert db.fetch("SELECT * FROM bulk_rows ORDER BY a") == wanted


@pytest.mark.parametrize("method", ["copy", "unnest"])
@pytest.mark.parametrize("count", [3, 3_000])
def test_a_bad_value_is_named_and_nothing_is_kept(db: Here, method: str, count: int) -> None:
    db.execute("DROP TABLE IF EXISTS bulk_bad")
    db.execute("CREATE TABLE bulk_bad (a int4, b timestamptz)")
    rows: list[tuple[object, object]] = [(at, None) for at in range(count)]
    rows[-2] = (1, "secret")
    with pytest.raises(errors.DataError) as caught:
        db.call("insert_many", "bulk_bad", rows, ["a", "b"], method=method)
    place = f'row {count - 2}, column "b" (timestamptz)'
    assert str(caught.value) == f"{place}: a datetime is needed, not str"
    assert db.fetch_val("SELECT count(*) FROM bulk_bad") == 0
    assert db.call("insert_many", "bulk_bad", rows[:-2], ["a", "b"], method=method) == count - 2


def test_types_that_have_no_binary_form_here(db: Here) -> None:
    db.execute("DROP TABLE IF EXISTS bulk_as_text")
    db.execute("CREATE TABLE bulk_as_text (place point, span xml)")
    rows = [("(1,2)", "<a/>"), (None, None), ("(3,4)", "text")]
    assert db.call("insert_many", "bulk_as_text", rows, ["place", "span"], method="unnest") == 3
    assert db.fetch("SELECT * FROM bulk_as_text") == rows
    assert db.call("insert_many", "bulk_as_text", rows, ["place", "span"]) == 3
    with pytest.raises(errors.NotSupportedError):
        db.call("insert_many", "bulk_as_text", rows, ["place", "span"], method="copy")
    assert db.fetch_val("SELECT count(*) FROM bulk_as_text") == 6
