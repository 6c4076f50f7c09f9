"""How statements reach a database: the one place of the ORM that knows the fronts.

A statement alone is handed over, and what comes back is the caller's: an awaitable, or the answer itself from a blocking
database. What takes several steps is written once, as a coroutine; a blocking database runs it to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from data_bridge import _native
from data_bridge.postgres import _default

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_bridge.postgres._bulk import OnDuplicate, UpsertResult

    from ._table import Table


def run(db: Any, statement: _native.Statement) -> Awaitable[Any]:
    """Run one statement."""
    running: Awaitable[Any] = current(db)._run_statement(statement)
    return running


def answer(db: Any, value: Any) -> Awaitable[Any]:
    """An answer that needs no query."""

    async def known() -> Any:
        return value

    return _drive(current(db), known())


def then(db: Any, statement: _native.Statement, keep: Callable[[Any], None]) -> Awaitable[Any]:
    """Run one statement and do something with what it found."""
    db = current(db)

    async def steps() -> Any:
        found = await db._run_statement(statement)
        keep(found)
        return found

    return _drive(db, steps())


def script(db: Any, statements: Sequence[str]) -> Awaitable[Any]:
    """Run statements without parameters in one transaction."""
    db = current(db)

    async def steps() -> None:
        async with db.transaction() as transaction:
            for sql in statements:
                await transaction.execute(sql)

    return _drive(db, steps())


def insert_many(db: Any, cls: type[Table] | None, table: Any, rows: Any) -> Awaitable[int]:
    """Insert instances, mappings or tuples; without a class as the database takes them."""
    db = current(db)
    if cls is None:
        return cast("Awaitable[int]", db.insert_many(table, rows))
    model = cls.__model__

    async def steps() -> int:
        columns, tuples = await _tuples(model, rows)
        return int(await db.insert_many(model.qualified_name, tuples, columns=columns)) if columns else 0

    return _drive(db, steps())


def upsert_many(
    db: Any,
    cls: type[Table] | None,
    table: Any,
    rows: Any,
    conflict: list[str],
    update: list[str] | None,
    on_duplicate: OnDuplicate,
) -> Awaitable[UpsertResult]:
    """Insert instances, mappings or tuples, or update what is there."""
    db = current(db)
    options: dict[str, Any] = {"conflict_columns": conflict, "update_columns": update, "on_duplicate": on_duplicate}
    if cls is None:
        return cast("Awaitable[UpsertResult]", db.upsert_many(table, rows, **options))
    model = cls.__model__

    async def steps() -> UpsertResult:
        columns, tuples = await _tuples(model, rows)
        result: UpsertResult = await db.upsert_many(
            model.qualified_name, tuples, columns=columns or conflict, **options
        )
        return result

    return _drive(db, steps())


def insert_into(db: Any, table: str, row: Any) -> Awaitable[Any]:
    """Insert one row into a table that no class is known for; the answer is a record."""
    db = current(db)

    async def steps() -> Any:
        return (await db.insert_many(table, [row], returning=list(row)))[0]

    return _drive(db, steps())


def upsert_into(db: Any, table: str, row: Any, conflict: list[str], update: list[str] | None) -> Awaitable[Any]:
    """The same with an update of the row that is there; no answer where that stays as it is."""
    db = current(db)

    async def steps() -> Any:
        result = await db.upsert_many(
            table, [row], conflict_columns=conflict, update_columns=update, returning=list(row)
        )
        return result.rows[0] if result.rows else None

    return _drive(db, steps())


def current(db: Any) -> Any:
    """The database that is meant: the given one, else the default."""
    return _default.get() if db is None else db


def _drive[R](_db: Any, coroutine: Coroutine[Any, Any, R]) -> Awaitable[R]:
    return coroutine


async def _tuples(model: _native.Model, rows: Any) -> tuple[list[str], Any]:
    """The columns that the first row has, and every row as a tuple of them."""
    if isinstance(rows, AsyncIterable):
        following: AsyncIterator[Any] = aiter(rows)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        try:
            first = await anext(following)
        except StopAsyncIteration:
            return [], ()
        reader = _native.RowReader(model, first)
        return reader.columns, _converted(reader, first, following)
    iterator = iter(_checked(rows))
    try:
        first = next(iterator)
    except StopIteration:
        return [], ()
    reader = _native.RowReader(model, first)
    return reader.columns, map(reader, chain((first,), iterator))


async def _converted(reader: _native.RowReader, first: Any, following: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield reader(first)
    async for row in following:
        yield reader(row)


def _checked(rows: Any) -> Iterable[Any]:
    if isinstance(rows, dict | str | bytes):
        raise TypeError(f"expected an iterable of rows, not one {type(rows).__name__}")  # pyright: ignore[reportUnknownArgumentType]
    found: Iterable[Any] = rows
    return found
