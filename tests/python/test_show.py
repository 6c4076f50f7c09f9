"""Results as tables, in text and in notebooks."""

from __future__ import annotations

import data_bridge.postgres as pg
from data_bridge.postgres import Column, Table


class ShownGuest(Table):
    id: int = Column(primary_key=True)
    name: str | None = Column(default=None)


RECORDS = [pg.Record(("id", "name"), (1, "Ann")), pg.Record(("id", "name"), (20, None))]


def test_records_dicts_tuples_and_instances_are_lines() -> None:
    assert repr(pg.show(RECORDS)).splitlines() == ["id | name", "---+-----", " 1 | Ann", "20 | NULL"]
    assert repr(pg.show([{"id": 1}, {"name": "x"}])).splitlines() == ["id | name", "---+-----", "1  |", "   | x"]
    assert repr(pg.show([(1, "a\nb")])).splitlines()[-1] == "1 | a↵b"
    assert repr(pg.show(ShownGuest(id=3))).splitlines()[-1] == " 3 | NULL"
    assert repr(pg.show([1, 2])).splitlines()[0] == "value"
    assert repr(pg.show([])) == "no rows" and pg.show(iter(()))._repr_html_() == "<p>no rows</p>"


def test_of_many_rows_and_long_values_the_beginning_is_shown() -> None:
    assert repr(pg.show([(n,) for n in range(5)], limit=2)).splitlines()[-1] == "and 3 more rows"
    assert "and 3 more rows" in pg.show([(n,) for n in range(5)], limit=2)._repr_html_()
    assert len(repr(pg.show([("x" * 1000,)])).splitlines()[-1]) == 60


def test_two_columns_of_one_name_are_both_shown() -> None:
    assert repr(pg.show(pg.Record(("a", "a"), (1, 2)))).splitlines()[0] == "a (0) | a (1)"


def test_html_is_escaped() -> None:
    evil = "<script>alert('x')</script>&"
    escaped = "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;"
    record = pg.Record((evil,), (evil,))
    guest = ShownGuest(id=1, name=evil)
    for html in (
        record._repr_html_(),
        guest._repr_html_(),
        pg.show([record])._repr_html_(),
        pg.show([guest])._repr_html_(),
    ):
        assert "<script" not in html and escaped in html
    assert record._repr_html_().count(escaped) == 2


async def test_what_a_server_gives(url: str) -> None:
    async with await pg.connect(url, pool_max=1) as db:
        rows = await db.fetch("SELECT 1 AS n, NULL AS nothing, '{1,2}'::int[] AS list")
    assert "<th>n</th>" in pg.show(rows)._repr_html_() and "[1, 2]" in rows[0]._repr_html_()
