"""What an instance does to its own row: save, refresh, delete, upsert.

Each builds its statement when it runs, from what the instance then holds. What the row was known to be is remembered by an
open transaction, so that a rollback has the instance know it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_bridge import _native

from . import _executor, _hooks, _rules
from ._errors import NoRowError, StaleRowError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from ._columns import Col
    from ._table import Table

    type Named = str | Col[Any]


def save[T: Table](instance: T, timeout: float | None, db: Any) -> Coroutine[Any, Any, T]:
    """Insert a new instance, else update the columns that have changed."""
    model = instance.__model__

    async def steps(holder: Any) -> T:
        kind: _hooks.Write = "insert" if model.is_new(instance) else "update"
        if kind == "update" and not model.changed(instance):
            return instance
        return await _hooks.around(holder, model, kind, [instance], write)

    async def write(holder: Any) -> T:
        # Hooks may have changed the instance.
        statement = _native.orm_save(model, instance)
        if statement is None:
            return instance
        with _executor.remembered(holder, [instance]):
            if await holder._run_statement(statement) is None:
                raise _stale(instance)
        return instance

    return _executor.in_steps(db, steps, timeout)


def refresh[T: Table](instance: T, columns: Sequence[Named], timeout: float | None, db: Any) -> Coroutine[Any, Any, T]:
    """Read the row again."""
    wanted = _executor.names(columns)

    async def steps(holder: Any) -> T:
        if await holder._run_statement(_native.orm_refresh(instance.__model__, instance, wanted)) is None:
            raise NoRowError(f"the row of this {type(instance).__name__} is gone")
        return instance

    return _executor.in_steps(db, steps, timeout)


def delete(instance: Table, timeout: float | None, db: Any) -> Coroutine[Any, Any, None]:
    """Delete the row; to save the instance then inserts it again."""
    model = instance.__model__

    async def steps(holder: Any) -> None:
        await _hooks.around(holder, model, "delete", [instance], guarded)

    async def guarded(holder: Any) -> None:
        await _rules.delete_instance(holder, instance, write)

    async def write(holder: Any) -> None:
        statement = _native.orm_remove(model, instance)
        with _executor.remembered(holder, [instance]):
            if not await holder._run_statement(statement):
                raise _stale(instance)
            model.mark_new(instance)

    return _executor.in_steps(db, steps, timeout)


def upsert[T: Table](
    instance: T,
    conflict_columns: Sequence[Named] | None,
    update_columns: Sequence[Named] | None,
    timeout: float | None,
    db: Any,
) -> Coroutine[Any, Any, T]:
    """Insert the instance, or update the row that has the same key."""
    model = instance.__model__
    conflict = model.key_names if conflict_columns is None else _executor.names(conflict_columns)
    update = None if update_columns is None else _executor.names(update_columns)

    async def steps(holder: Any) -> T:
        return await _hooks.around(holder, model, "insert", [instance], write, after=False)

    async def write(holder: Any) -> T:
        statement = _native.orm_upsert(model, instance, conflict, update)
        with _executor.remembered(holder, [instance]):
            await holder._run_statement(statement)
        return instance

    return _executor.in_steps(db, steps, timeout)


def _stale(instance: Table) -> StaleRowError:
    name = type(instance).__name__
    versioned = instance.__model__.version_name is not None
    what = "was changed or deleted" if versioned else "is gone: it was deleted, or has another key now"
    return StaleRowError(f"the row of this {name} {what} since it was read; refresh() it, and make the change again")
