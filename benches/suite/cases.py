"""The cases, in the order in which they run and are printed."""

from __future__ import annotations

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


def _content(table: str) -> str:
    return (
        "SELECT count(*), count(DISTINCT id), sum(id), sum(amount), sum(score)::numeric(20,2), "
        f"min(created), max(created), min(name), max(name) FROM {table}"
    )


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
