"""``func``: SQL functions by their names. The stub beside this file says what is known of their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_bridge import _native

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._columns import Expression


class _Function:
    """A function by its name; an attribute is the function of that name in the schema of this one's name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any) -> Expression[Any]:
        return _native.orm_call(self._name, args)

    def __getattr__(self, name: str) -> _Function:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Function(f"{self._name}.{name}")


class _Functions:
    """``func.name(...)`` calls the SQL function of that name, ``func.schema.name(...)`` that of a schema."""

    def __getattr__(self, name: str) -> Callable[..., Expression[Any]]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Function(name)


func = _Functions()
