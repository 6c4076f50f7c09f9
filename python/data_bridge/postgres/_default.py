"""The database that the module-level functions mean: the one that was opened last and is still open."""

from __future__ import annotations

from typing import Any
from weakref import ref

from . import errors

# Weak, so that a pool that nobody holds any more can go.
_open: list[ref[Any]] = []


def use(database: Any) -> None:
    """A database was opened."""
    _open.append(ref(database, _open.remove))


def drop(database: Any) -> None:
    """A database is being closed."""
    _open[:] = [each for each in _open if each() is not database]


def get() -> Any:
    """The database that is meant where none is named."""
    for each in reversed(_open):
        database = each()
        if database is not None:
            return database
    raise errors.InterfaceError("no database is open; connect first, or name one with db=")
