"""What begins an expression that begins with no column: ``case``, ``literal``, ``text`` and their like."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any, overload

from data_bridge import _native

from ._annotations import read
from ._registry import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from data_bridge._native import Query, Subquery

    from ._columns import Condition, Expression
    from ._table import Table


def and_(*conditions: Condition | bool) -> Condition:
    """All of the conditions; none at all are true."""
    return _native.orm_chain(conditions, True)


def or_(*conditions: Condition | bool) -> Condition:
    """One of the conditions; none at all are false."""
    return _native.orm_chain(conditions, False)


def not_(condition: Condition | bool) -> Condition:
    """The condition is false."""
    return ~_native.orm_chain((condition,), True)


@overload
def case[T](*branches: tuple[Condition | bool, T | Expression[T]]) -> Expression[T | None]: ...
@overload
def case[T](*branches: tuple[Condition | bool, T | Expression[T]], else_: T | Expression[T]) -> Expression[T]: ...
def case(*branches: tuple[Any, Any], else_: Any = None) -> Expression[Any]:
    """The value of the first condition that is true: ``case((User.age < 18, "young"), else_="old")``."""
    return _native.orm_case(branches, else_)


@overload
def any_[T](array: Expression[list[T]]) -> Expression[T]: ...
@overload
def any_(array: Expression[Any] | Query[Any]) -> Expression[Any]: ...
def any_(array: Expression[Any] | Query[Any]) -> Expression[Any]:
    """What is compared with it holds for one element of the array, or row of the query: ``any_(User.tags) == "x"``."""
    return _each(array).any_()


@overload
def all_[T](array: Expression[list[T]]) -> Expression[T]: ...
@overload
def all_(array: Expression[Any] | Query[Any]) -> Expression[Any]: ...
def all_(array: Expression[Any] | Query[Any]) -> Expression[Any]:
    """What is compared with it holds for each element of the array, or row of the query."""
    return _each(array).all_()


def _each(array: Expression[Any] | Query[Any]) -> Expression[Any]:
    return array.scalar_subquery() if isinstance(array, _native.Query) else array


def extract(field: str, moment: Any) -> Expression[float]:
    """A part of a date, time or span, such as ``"year"`` or ``"epoch"``."""
    return _native.orm_call("date_part", (field, moment))


def values(name: str, columns: Mapping[str, Any], rows: Iterable[tuple[Any, ...]]) -> Subquery:
    """Rows of yours to read from and join: ``values("v", {"id": int, "name": str}, [(1, "a"), (2, "b")])``.

    Types are Python's or SQL's. However many rows there are, it is one statement.
    """
    return _native.orm_values(name, [(column, _sql_type(to)) for column, to in columns.items()], rows)


@overload
def cast[T](value: Any, to: type[T]) -> Expression[T]: ...
@overload
def cast(value: Any, to: str) -> Expression[Any]: ...
def cast(value: Any, to: Any) -> Expression[Any]:
    """A value as another type: ``cast(Order.total, int)``, ``cast(Order.total, "numeric(10,2)")``."""
    return _native.orm_cast(value, _sql_type(to))


def _sql_type(to: Any) -> str:
    name = to if isinstance(to, str) else read(to).sql_type
    if name is None:
        raise TypeError(f"{to!r} has no PostgreSQL type of its own; name one, for example cast(value, 'jsonb')")
    return name


def literal[T](value: T, type: str | None = None) -> Expression[T]:  # noqa: A002 - what it is called in SQL
    """A value where an expression is needed, sent as a parameter of this type, or of its own."""
    return _native.orm_literal(value, type)


def tuple_(*parts: Any) -> Expression[Any]:
    """Several expressions as one, to compare with a tuple, or by ``in_`` with a list of tuples."""
    return _native.orm_row(parts)


def text(sql: str, /, **values: Any) -> Expression[Any]:
    """A piece of SQL with values bound by name: ``text("age % :n = 0", n=2)``. It is code: never build it from input."""
    return _native.orm_text(sql, values)


def alias[T: Table](table: type[T], name: str) -> type[T]:
    """A class under another name in a query, as a self join needs it."""
    return typing.cast("type[T]", _native.Alias(resolve(table).__model__, name))
