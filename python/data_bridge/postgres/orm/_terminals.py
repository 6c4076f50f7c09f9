"""The last methods of a query: those that run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _executor, _loading
from ._errors import ManyRowsError, NoRowError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from data_bridge._native import Query


def fetch_all(query: Query[Any], timeout: float | None, db: Any) -> Coroutine[Any, Any, list[Any]]:
    """All rows."""
    if query._branches:
        return _loading.run(query, "rows", db, timeout, _same)
    return _executor.run(db, query._statement("rows"), timeout)


def first(query: Query[Any], timeout: float | None, db: Any) -> Coroutine[Any, Any, Any]:
    """The first row, or ``None``."""
    if query._branches:
        return _loading.run(query, "row", db, timeout, _same)
    return _executor.run(db, query._statement("row"), timeout)


def one(query: Query[Any], timeout: float | None, db: Any) -> Coroutine[Any, Any, Any]:
    """The one row."""
    if query._branches:
        return _loading.run(query, "two", db, timeout, exactly_one)
    return _executor.found(db, query._statement("two"), exactly_one, timeout)


def one_or_none(query: Query[Any], timeout: float | None, db: Any) -> Coroutine[Any, Any, Any]:
    """The one row, or ``None``."""
    if query._branches:
        return _loading.run(query, "two", db, timeout, one_or_nothing)
    return _executor.found(db, query._statement("two"), one_or_nothing, timeout)


def count(query: Query[Any], timeout: float | None, db: Any) -> Coroutine[Any, Any, int]:
    """How many rows there are."""
    return _executor.run(db, query._statement("count"), timeout)


def exists(query: Query[Any], timeout: float | None, db: Any) -> Coroutine[Any, Any, bool]:
    """Whether there is a row."""
    return _executor.run(db, query._statement("exists"), timeout)


def explain(query: Query[Any], analyze: bool, timeout: float | None, db: Any) -> Coroutine[Any, Any, str]:
    """What the server plans to do."""
    return _executor.explain(db, query._statement("rows"), "EXPLAIN (ANALYZE)" if analyze else "EXPLAIN", timeout)


def stream(query: Query[Any], batch: int, timeout: float | None, db: Any) -> Any:
    """The rows one by one."""
    if query._branches:
        return _loading.stream(query, batch, timeout, db)
    return _executor.stream(db, query._statement("rows"), batch, timeout)


def _same(rows: Any) -> Any:
    return rows


def exactly_one(rows: list[Any]) -> Any:
    """The one of the rows."""
    if not rows:
        raise NoRowError("one() found no row; where that can be, use one_or_none() or first()")
    return one_or_nothing(rows)


def one_or_nothing(rows: list[Any]) -> Any:
    """The one of the rows, or ``None``."""
    if len(rows) > 1:
        raise ManyRowsError("the query has more than one row; narrow it, or use first() or all()")
    return rows[0] if rows else None
