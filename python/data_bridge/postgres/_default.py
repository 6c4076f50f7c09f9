"""The database that the module-level functions mean: the one that was opened last and is still open."""

from __future__ import annotations

from typing import Any

from . import errors

_open: list[Any] = []


def use(database: Any) -> None:
    """A database was opened."""
    _open.append(database)


def drop(database: Any) -> None:
    """A database is being closed."""
    if database in _open:
        _open.remove(database)


def get() -> Any:
    """The database that is meant where none is named."""
    if not _open:
        raise errors.InterfaceError("no database is open; connect first, or name one with db=")
    return _open[-1]
