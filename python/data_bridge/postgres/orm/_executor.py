"""How statements reach a database: the one place of the ORM that knows the fronts.

A statement alone is handed over, and what comes back is the caller's: an awaitable, or the answer itself from a blocking
database. What takes several steps is written once, as a coroutine; a blocking database runs it to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

from data_bridge import _native
from data_bridge.postgres import _default

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def insert_many(db: Any, model: _native.Model, rows: Any) -> Awaitable[Any]:
    """Insert instances or mappings."""
    db = current(db)

    async def steps() -> int:
        columns, tuples = await _tuples(model, rows)
        if not columns:
            return 0
        count: int = await db.insert_many(model.qualified_name, tuples, columns=columns)
        return count

    return _drive(db, steps())


def upsert_many(
    db: Any, model: _native.Model, rows: Any, conflict: list[str], update: Sequence[str] | None, on_duplicate: str
) -> Awaitable[Any]:
    """Insert instances or mappings, or update what is there."""
    db = current(db)

    async def steps() -> Any:
        columns, tuples = await _tuples(model, rows)
        return await db.upsert_many(
            model.qualified_name,
            tuples,
            columns=columns or conflict,
            conflict_columns=conflict,
            update_columns=update,
            on_duplicate=on_duplicate,
        )

    return _drive(db, steps())


def current(db: Any) -> Any:
    """The database that is meant: the given one, else the default."""
    return _default.get() if db is None else db


def _drive(_db: Any, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
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
