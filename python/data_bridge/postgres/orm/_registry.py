"""The known tables, by name, for as long as their classes live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from ._table import Table

_classes: WeakValueDictionary[str, type[Table]] = WeakValueDictionary()


def register(cls: type[Table]) -> None:
    """Keep a class under its table's name; a later one of the same name takes its place."""
    key = _key(cls.__model__.schema_name, cls.__model__.table_name)
    # So that it comes last, whatever stood there before.
    _classes.pop(key, None)
    _classes[key] = cls


def named(target: Any) -> type[Table] | None:
    """The class that a caller means, ``None`` for the name of a table without one."""
    return _classes.get(target) if isinstance(target, str) else resolve(target)


def resolve(target: Any) -> type[Table]:
    """The class that a caller means by a class or a table's name."""
    if isinstance(target, type) and hasattr(target, "__model__"):
        return target
    if isinstance(target, str):
        found = _classes.get(target)
        if found is not None:
            return found
        raise LookupError(
            f"no Table class is known for the table {target!r}; define one, or import the module that does"
        )
    raise TypeError(f"expected a Table class or a table's name, not {type(target).__name__}")


def by_class_name(name: str, beside: type[Table]) -> type[Table]:
    """The class of this name that another one means: the one that stands beside it, else in its module, else the last."""
    found = [cls for cls in every() if cls.__name__ == name]
    if not found:
        raise LookupError(f"no Table class is called {name!r}; define one, or import the module that does")

    def nearness(cls: type[Table]) -> tuple[bool, bool]:
        scope = beside.__qualname__.rpartition(".")[0]
        same = cls.__module__ == beside.__module__
        return same, same and cls.__qualname__.rpartition(".")[0] == scope

    return max(reversed(found), key=nearness)


def every() -> list[type[Table]]:
    """All known classes, in the order of their definition."""
    return list(_classes.values())


def _key(schema: str | None, table: str) -> str:
    return table if schema is None else f"{schema}.{table}"
