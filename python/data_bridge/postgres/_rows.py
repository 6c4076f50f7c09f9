"""What a row that Python code gives says of itself: the names of its columns, or its values in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, cast

from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _named(attribute: str) -> Callable[[Any], Iterable[str]]:
    return lambda row: [field.name for field in getattr(row.__class__, attribute)]


def _listed(attribute: str) -> Callable[[Any], Iterable[str]]:
    return lambda row: getattr(row.__class__, attribute)


def _with_extra(attribute: str) -> Callable[[Any], Iterable[str]]:
    return lambda row: (*getattr(row.__class__, attribute), *(getattr(row, "model_extra", None) or ()))


#: Objects that declare their fields: the attribute of the class that tells the kind, its type, and the names in order.
_DECLARED: tuple[tuple[str, type, Callable[[Any], Iterable[str]]], ...] = (
    ("__dataclass_fields__", dict, lambda row: [field.name for field in dataclasses.fields(row)]),
    ("__attrs_attrs__", tuple, _named("__attrs_attrs__")),
    ("__struct_fields__", tuple, _listed("__struct_fields__")),  # msgspec
    ("model_fields", Mapping, _with_extra("model_fields")),  # Pydantic
)


def names(row: Any) -> Iterable[str] | None:
    """The columns that a row names itself; ``None`` if it has only values."""
    if hasattr(row, "keys") and hasattr(row, "__getitem__"):
        return cast("Iterable[str]", row.keys())
    kind: type = row.__class__
    if isinstance(row, Sequence):
        return cast("Iterable[str] | None", getattr(kind, "_fields", None))
    for mark, mark_type, read in _DECLARED:
        if isinstance(getattr(kind, mark, None), mark_type):
            return read(row)
    attributes = [*_slots(kind), *getattr(row, "__dict__", ())]
    return [name for name in attributes if not name.startswith("_")] or None


def _slots(kind: type) -> Iterable[str]:
    """The slots of a class, those of its bases first."""
    for base in reversed(kind.__mro__):
        slots: str | Iterable[str] = base.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def positional(rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    """The arguments of several executions, each by its position.

    Raises ``InterfaceError`` for what has no positions, such as a dict.
    """
    return [row if type(row) is tuple else arguments(row) for row in rows]


def arguments(row: Any) -> tuple[Any, ...]:
    """The arguments of one execution; see ``positional``."""
    kind: str = row.__class__.__name__
    if isinstance(row, Mapping):
        raise errors.InterfaceError(f"a {kind} has no order for $1, $2, ...: give a tuple, or use insert_many")
    if isinstance(row, Set):
        raise errors.InterfaceError(f"a {kind} has no order for $1, $2, ...: give a tuple")
    if isinstance(row, str | bytes | bytearray | memoryview) or not hasattr(row, "__iter__"):
        raise errors.InterfaceError(f"arguments are given as a tuple, not as one {kind}: write (value,)")
    return tuple(row)
