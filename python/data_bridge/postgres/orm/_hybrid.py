"""Properties that are values on an instance and expressions on the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._columns import Expression


class hybrid_property[R]:  # noqa: N801 - it stands where ``property`` would
    """A property that works on instances and in queries: written once where both can run it, else with an SQL side.

    ::

        class User(Table):
            first: Col[str]
            last: Col[str]

            @hybrid_property
            def name(self) -> str:
                return self.first + " " + self.last

            @hybrid_property
            def is_short(self) -> bool:
                return len(self.first) < 4

            @is_short.expression
            def _is_short(cls) -> Expression[bool]:
                return func.length(cls.first) < 4

        await User.select().where(User.name == "Ann Lee", User.is_short)
    """

    def __init__(self, get: Callable[[Any], R], expression: Callable[[Any], Expression[R]] | None = None) -> None:
        self._get = get
        self._expression: Callable[[Any], Any] = expression or get
        self.__doc__ = get.__doc__

    def expression(self, function: Callable[[Any], Expression[R]]) -> Self:
        """Say what the property is in a query: a function of the class, under any name."""
        self._expression = function
        return self

    @overload
    def __get__(self, instance: None, owner: type, /) -> Expression[R]: ...
    @overload
    def __get__(self, instance: object, owner: type, /) -> R: ...
    def __get__(self, instance: object, owner: type, /) -> Any:
        """The value for an instance, the expression for a class."""
        return self._expression(owner) if instance is None else self._get(instance)

    def __set__(self, instance: object, value: Any, /) -> None:
        """Refuse a value: the property is computed."""
        raise AttributeError("a hybrid property is computed; set the columns that it is computed from")
