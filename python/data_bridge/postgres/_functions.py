"""The module-level functions: the verbs of the default database, or of what ``db=`` names.

What comes back is what the verb of that database gives: an awaitable, or from a blocking one the answer itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _default, _rows

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from data_bridge._native import Record

    from ._bulk import Rows
    from ._reply import Reply


def execute(
    sql: str, params: Iterable[Any] = (), *, timeout: float | None = None, db: Any = None
) -> Reply[list[Record] | int]:
    """Run a statement; its rows if it returns rows, else the number of rows affected.

    >>> import data_bridge.postgres as pg
    >>> async def example():
    ...     return await pg.execute("SELECT * FROM users WHERE id = $1", [7])
    """
    running: Reply[list[Record] | int] = _database(db)._run(
        sql, _rows.arguments(params), "rows_or_count", timeout=timeout
    )
    return running


def execute_many(sql: str, rows: Rows, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, int]:
    """Run a statement once for each row of arguments, all or none; the number of rows affected."""
    running: Coroutine[Any, Any, int] = _database(db).execute_many(sql, rows, timeout=timeout)
    return running


def fetch(sql: str, /, *args: Any, timeout: float | None = None, db: Any = None) -> Reply[list[Record]]:
    """All rows of a query."""
    running: Reply[list[Record]] = _database(db).fetch(sql, *args, timeout=timeout)
    return running


def fetch_row(sql: str, /, *args: Any, timeout: float | None = None, db: Any = None) -> Reply[Record | None]:
    """The first row of a query, or ``None``."""
    running: Reply[Record | None] = _database(db).fetch_row(sql, *args, timeout=timeout)
    return running


def fetch_val(sql: str, /, *args: Any, column: int = 0, timeout: float | None = None, db: Any = None) -> Reply[Any]:
    """One value of the first row of a query, or ``None``."""
    running: Reply[Any] = _database(db).fetch_val(sql, *args, column=column, timeout=timeout)
    return running


def _database(db: Any) -> Any:
    return _default.get() if db is None else db
