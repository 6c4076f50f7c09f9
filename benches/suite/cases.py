"""The cases, in the order in which they run and are printed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from suite.data import COLUMNS, ROWS
from suite.model import Case


def _values(row: Any) -> tuple[Any, ...]:
    values = [getattr(row, name) for name in COLUMNS] if hasattr(row, "amount") else row
    return tuple(_plain(value) for value in values)


def _plain(value: Any) -> Any:
    """One spelling for values that are equal but look different, such as times in other zones."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _ends(rows: Any) -> tuple[Any, ...]:
    return len(rows), _values(rows[0]), _values(rows[-1])


def _all(found: Any) -> tuple[int, str]:
    """Every row, whatever their order."""
    rows = sorted(repr(tuple(row) if isinstance(row, (list, tuple)) else row) for row in found)
    return len(rows), hashlib.md5("\n".join(rows).encode()).hexdigest()


def _keys(found: Any) -> tuple[int, ...]:
    return len(found), found[0], found[-1]


def _entry(found: Any) -> tuple[Any, ...]:
    """An entry of the journal: an object, a dict or a tuple of its columns."""
    names = ("id", "moment", "level", "text")
    if isinstance(found, tuple):
        values: list[Any] = list(found)
    else:
        values = [found[name] if hasattr(found, "keys") else getattr(found, name) for name in names]
    return tuple(_plain(value) for value in values)


def _entries(found: Any) -> tuple[Any, ...]:
    return _all([_entry(entry) for entry in found])


def _content(table: str) -> str:
    return (
        "SELECT count(*), count(DISTINCT id), sum(id), sum(amount), sum(score)::numeric(20,2), "
        f"min(created), max(created), min(name), max(name) FROM {table}"
    )


_SINGLE = "SELECT count(*), sum(amount), md5(string_agg(name, ',' ORDER BY id)) FROM bench_single"
_KEYED = "SELECT count(*), sum(score), md5(string_agg(name, ',' ORDER BY id)) FROM bench_keyed"
_JOURNAL = "SELECT count(*), sum(level), md5(string_agg(level || text, ',' ORDER BY id)) FROM bench_journal"
_ONE_LOOP = ("asyncio",)


def _orm(name: str, title: str, unit: str, ops: int, quick_ops: int, **more: Any) -> Case:
    return Case(name, title, unit, ops, quick_ops, loops=_ONE_LOOP, family="orm", **more)


def _journal(name: str, title: str, unit: str, ops: int, quick_ops: int, **more: Any) -> Case:
    return Case(f"journal_{name}", f"journal: {title}", unit, ops, quick_ops, loops=_ONE_LOOP, family="journal", **more)


# What mappers are compared by, besides fetch_one, insert_one and many objects: each is measured on asyncio's own loop,
# unless another is asked for.
ORM: list[Case] = [
    _orm("orm_filter_100", "ORM filter of 100 rows", "query", 300, 100, answer=_ends),
    _orm("orm_objects_1k", "1,000 ORM objects", "object", 20_000, 5_000, answer=_ends),
    _orm("orm_insert_1k", "ORM insert of 1,000, keys returned", "row", 5_000, 2_000, answer=_keys, check_sql=_SINGLE),
    _orm("orm_update_one", "ORM update of one", "row", 500, 200, check_sql=_SINGLE),
    _orm("orm_three_levels", "10 x 10 x 10, three levels", "load", 10, 5, answer=_all),
    _orm("orm_joined", "1,000 with what they refer to, JOIN", "load", 10, 5, answer=_all),
    _orm("orm_many_to_many", "many-to-many, 1,000 links", "load", 10, 5, answer=_all),
    _orm("orm_upsert_10", "ORM upsert by 10", "row", 1_000, 500, check_sql=_KEYED),
    _orm("orm_upsert_100", "ORM upsert by 100", "row", 5_000, 2_000, check_sql=_KEYED),
    _orm("orm_upsert_1000", "ORM upsert by 1,000", "row", 10_000, 5_000, check_sql=_KEYED),
    _orm("orm_upsert_10000", "ORM upsert of 10,000", "row", 10_000, 10_000, check_sql=_KEYED),
    _orm("orm_loop_10", "fetch in a loop over 10", "row", 200, 100, answer=_all),
    _orm("orm_loop_100", "fetch in a loop over 100", "row", 500, 200, answer=_all),
    _orm("orm_loop_1000", "fetch in a loop over 1,000", "row", 1_000, 1_000, answer=_all),
    _orm("orm_batched_1000", "the same, said beforehand", "row", 10_000, 5_000, answer=_all),
    _orm("orm_render", "build and render five conditions", "query", 5_000, 2_000, answer=_all),
    _journal("insert", "insert single", "row", 500, 200, check_sql=_JOURNAL),
    _journal("insert_atomic", "insert in a transaction", "row", 500, 200, check_sql=_JOURNAL),
    _journal("insert_bulk", "insert bulk", "row", 10_000, 5_000, check_sql=_JOURNAL),
    _journal("filter_large", "filter large", "object", 10_000, 10_000, answer=_entries),
    _journal("filter_small", "filter small, 20 rows", "query", 200, 100, answer=_entries),
    _journal("get", "get", "object", 500, 200, answer=_entry),
    _journal("dicts", "filter to dicts", "row", 10_000, 10_000, answer=_entries),
    _journal("tuples", "filter to tuples", "row", 10_000, 10_000, answer=_entries),
    _journal("update", "update whole", "row", 500, 200, check_sql=_JOURNAL),
    _journal("update_partial", "update partial", "row", 500, 200, check_sql=_JOURNAL),
    _journal("delete", "delete", "row", 500, 200, check_sql=_JOURNAL),
]

CASES: list[Case] = [
    Case("point_select", "point select, one connection", "query", 3_000, 1_500, answer=_values),
    Case("point_select_blocking", "point select, blocking", "query", 3_000, 1_500, answer=_values),
    Case("tasks100_pool10", "100 tasks, pool of 10", "query", 10_000, 4_000, answer=_values),
    Case("tasks100_conn1", "100 tasks, one connection", "query", 10_000, 4_000, answer=_values),
    Case("batch100", "batches of 100 selects", "query", 10_000, 5_000, answer=_values),
    Case("fetch_1k", "fetch 1,000 rows", "row", 1_000 * 50, 1_000 * 20, answer=_ends),
    Case("fetch_100k", "fetch 100,000 rows", "row", ROWS, ROWS, bulk=True, answer=_ends),
    Case(
        "insert_tuples",
        "insert 100,000 tuples",
        "row",
        ROWS,
        ROWS,
        bulk=True,
        check_sql=_content("bench_sink"),
    ),
    Case(
        "insert_tuples_blocking",
        "insert 100,000 tuples, blocking",
        "row",
        ROWS,
        ROWS,
        bulk=True,
        check_sql=_content("bench_sink"),
    ),
    Case(
        "insert_dicts",
        "insert 100,000 dicts",
        "row",
        ROWS,
        ROWS,
        bulk=True,
        check_sql=_content("bench_sink"),
    ),
    Case(
        "upsert",
        "upsert 100,000, half conflicting",
        "row",
        ROWS,
        ROWS,
        bulk=True,
        check_sql=_content("bench_upsert"),
    ),
    Case("orm_fetch_one", "ORM fetch_one by key", "object", 1_500, 800, answer=_values),
    Case(
        "orm_insert_one",
        "ORM insert_one",
        "row",
        1_500,
        800,
        check_sql="SELECT count(*), sum(amount), max(name) FROM bench_single",
    ),
    Case("orm_objects", "100,000 ORM objects", "object", ROWS, ROWS, bulk=True, answer=_ends),
    *ORM,
    Case("tx_empty", "empty transaction", "transaction", 1_500, 800, trips=True),
    Case("tx_one", "transaction of one statement", "transaction", 1_500, 800, trips=True),
]


def select(names: list[str] | None) -> list[Case]:
    """The cases whose name contains one of `names`; all without any."""
    if not names:
        return CASES
    found = [case for case in CASES if any(name in case.name for name in names)]
    if not found:
        known = ", ".join(case.name for case in CASES)
        raise SystemExit(f"no case is called {' or '.join(names)}; there are: {known}")
    return found
