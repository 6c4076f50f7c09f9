"""The database that is meant where none is named: the one that was opened last and is still open; inside of a transaction of
it, that transaction."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ref

from . import errors

if TYPE_CHECKING:
    from collections.abc import Generator

# Weak, so that a pool that nobody holds any more can go.
_open: list[ref[Any]] = []


# The transaction that the running code is inside of, and its database; tasks inherit it from the task that starts them.
_inside: ContextVar[tuple[Any, Any] | None] = ContextVar("data_bridge_transaction", default=None)


def use(database: Any) -> None:
    """A database was opened."""
    _open.append(ref(database, _open.remove))


def drop(database: Any) -> None:
    """A database is being closed."""
    _open[:] = [each for each in _open if each() is not database]


@contextmanager
def within[T](database: Any, transaction: T) -> Generator[T]:
    """The block is inside of a transaction of the database."""
    outer = _inside.get()
    _inside.set((database, transaction))
    try:
        yield transaction
    finally:
        _inside.set(outer)  # no token: a fixture is left in another context than it was entered in


def inside(database: Any) -> Any:
    """The transaction of the database that the running code is inside of, else the database itself."""
    inner = _inside.get()
    # A task may outlive the block that started it.
    return inner[1] if inner is not None and inner[0] is database and inner[1].is_open else database


def get() -> Any:
    """What is meant where nothing is named."""
    for each in reversed(_open):
        database = each()
        if database is not None:
            return inside(database)
    raise errors.InterfaceError("no database is open; connect first, or name one with db=")
