"""The known tables, by name, for as long as their classes live."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, overload
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from ._table import Table

_classes: WeakValueDictionary[str, type[Table]] = WeakValueDictionary()
# All of them, in the order of their definition: also those whose name another has taken.
_every: WeakValueDictionary[int, type[Table]] = WeakValueDictionary()
_numbers = count()


def register(cls: type[Table]) -> None:
    """Keep a class under its table's name; a later one of the same name takes its place."""
    key = _key_of(cls)
    _classes[key] = cls
    _every[next(_numbers)] = cls


def named(target: Any) -> type[Table] | None:
    """The class that a caller means, ``None`` for the name of a table without one."""
    return _known(target) if isinstance(target, str) else resolve(target)


def resolve(target: Any) -> type[Table]:
    """The class that a caller means by a class or a table's name."""
    if isinstance(target, type) and hasattr(target, "__model__"):
        return target
    if isinstance(target, str):
        found = _known(target)
        if found is not None:
            return found
        raise LookupError(
            f"no Table class is known for the table {target!r}; define one, or import the module that does"
        )
    raise TypeError(f"expected a Table class or a table's name, not {type(target).__name__}")


@overload
def by_class_name(name: str, beside: type[Table]) -> type[Table]: ...
@overload
def by_class_name(name: str, beside: type[Table], *, table: str) -> type[Table] | None: ...
def by_class_name(name: str, beside: type[Table], *, table: str | None = None) -> type[Table] | None:
    """The class of this name that another one means: the one that stands beside it, else in its module, else the last. With
    ``table`` only classes of that table count, and there need not be one."""
    found = [cls for cls in _every.values() if cls.__name__ == name and (table is None or _key_of(cls) == table)]
    if not found and table is not None:
        return None
    if not found:
        raise LookupError(f"no Table class is called {name!r}; define one, or import the module that does")

    def nearness(cls: type[Table]) -> tuple[bool, bool]:
        scope = beside.__qualname__.rpartition(".")[0]
        same = cls.__module__ == beside.__module__
        return same, same and cls.__qualname__.rpartition(".")[0] == scope

    return max(reversed(found), key=nearness)


def every() -> list[type[Table]]:
    """All known classes, in the order of their definition."""
    return list({_key_of(cls): cls for cls in _every.values()}.values())


def _known(table: str) -> type[Table] | None:
    found = _classes.get(table)
    if found is None and (known := [cls for cls in _every.values() if _key_of(cls) == table]):
        # A later class had taken the name, and is gone.
        found = _classes[table] = known[-1]
    return found


def _key_of(cls: type[Table]) -> str:
    return _key(cls.__model__.schema_name, cls.__model__.table_name)


def _key(schema: str | None, table: str) -> str:
    return table if schema is None else f"{schema}.{table}"
