"""``select``: a query of expressions and classes, whose rows are typed tuples; and SQL whose rows are instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from data_bridge._native import Model, Query, orm_from_sql

from . import _executor

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from ._columns import Expression

    type Item[T] = Expression[T] | type[T]


@overload
def select[T1](i1: Item[T1], /) -> Query[tuple[T1]]: ...
@overload
def select[T1, T2](i1: Item[T1], i2: Item[T2], /) -> Query[tuple[T1, T2]]: ...
@overload
def select[T1, T2, T3](i1: Item[T1], i2: Item[T2], i3: Item[T3], /) -> Query[tuple[T1, T2, T3]]: ...
@overload
def select[T1, T2, T3, T4](
    i1: Item[T1], i2: Item[T2], i3: Item[T3], i4: Item[T4], /
) -> Query[tuple[T1, T2, T3, T4]]: ...
@overload
def select[T1, T2, T3, T4, T5](
    i1: Item[T1], i2: Item[T2], i3: Item[T3], i4: Item[T4], i5: Item[T5], /
) -> Query[tuple[T1, T2, T3, T4, T5]]: ...
@overload
def select[T1, T2, T3, T4, T5, T6](
    i1: Item[T1], i2: Item[T2], i3: Item[T3], i4: Item[T4], i5: Item[T5], i6: Item[T6], /
) -> Query[tuple[T1, T2, T3, T4, T5, T6]]: ...
@overload
def select[T1, T2, T3, T4, T5, T6, T7](
    i1: Item[T1], i2: Item[T2], i3: Item[T3], i4: Item[T4], i5: Item[T5], i6: Item[T6], i7: Item[T7], /
) -> Query[tuple[T1, T2, T3, T4, T5, T6, T7]]: ...
@overload
def select[T1, T2, T3, T4, T5, T6, T7, T8](
    i1: Item[T1], i2: Item[T2], i3: Item[T3], i4: Item[T4], i5: Item[T5], i6: Item[T6], i7: Item[T7], i8: Item[T8], /
) -> Query[tuple[T1, T2, T3, T4, T5, T6, T7, T8]]: ...
@overload
def select(*items: Any) -> Query[tuple[Any, ...]]: ...
def select(*items: Any) -> Query[Any]:
    """A query of columns, expressions and classes; each row is a tuple of them.

    It reads from the first class or column's table; others are joined::

        await select(User.name, func.count(Post.id)).join(Post.author).group_by(User.id)
    """
    return Query._of(items, False)


def from_sql[T](
    target: type[T], sql: str, args: Sequence[Any] = (), *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, list[T]]:
    """Run SQL of yours and make instances of its rows.

    ``await from_sql(User, "SELECT * FROM users WHERE id = $1", [1])``. Of a :class:`Table` class the columns are those of the
    same names, in any order and not necessarily all. Any other class, such as a dataclass or ``NamedTuple``, is called with
    them as keyword arguments.
    """
    model = getattr(target, "__model__", None)
    if isinstance(model, Model):
        return _executor.run(db, orm_from_sql(model, sql, tuple(args)), timeout)

    async def steps(holder: Any) -> list[T]:
        return [target(**row) for row in await holder.fetch(sql, *args)]

    return _executor.in_steps(db, steps, timeout)
