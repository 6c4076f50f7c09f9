"""How databases make tables: by the ORM, which builds on them and says so here when it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .orm import Table

_ways: dict[str, Callable[..., Any]] = {}


def learn(**ways: Callable[..., Any]) -> None:
    """Take in the functions ``create_all`` and ``drop_all``."""
    _ways.update(ways)


def create_all(database: Any, tables: tuple[type[Table] | str, ...]) -> Any:
    """Make tables, without any named all that are known."""
    return _ways["create_all"](tables or None, db=database)


def drop_all(database: Any, tables: tuple[type[Table] | str, ...]) -> Any:
    """Drop tables, without any named all that are known."""
    return _ways["drop_all"](tables or None, db=database)
