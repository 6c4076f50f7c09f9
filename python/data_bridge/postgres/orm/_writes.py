"""``insert``, ``update``, ``delete`` and ``upsert``: statements that write, of expressions and classes.

Each is immutable: a method gives a new one, and nothing is sent before it is awaited or :meth:`Write.run`. It answers with the
number of rows, or with what ``returning`` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, overload

from data_bridge import _native
from data_bridge._native import Query

from . import _executor, _registry, _rules
from ._executor import names
from ._terminals import exactly_one, one_or_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence

    from ._columns import Condition
    from ._saving import Named
    from ._select import Item
    from ._table import Table

    type Values = Mapping[str, Any] | Mapping[Any, Any]


@dataclass(frozen=True)
class Write[R]:
    """A statement that writes; ``await`` it, or call :meth:`run`."""

    _model: _native.Model
    _returning: tuple[Any, ...] | None = field(default=None, kw_only=True)

    def _statement(self) -> _native.Statement:
        raise NotImplementedError

    def __await__(self) -> Generator[Any, None, R]:
        return self.run().__await__()

    def run(self, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, R]:
        """Run it. From a blocking database this is the answer itself."""
        return _executor.run(db, self._statement(), timeout)

    def one[X](self: Write[list[X]], *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, X]:
        """Run it for the one row that it returns; ``NoRowError`` or ``ManyRowsError`` where that is not one."""
        return self._found(exactly_one, timeout, db)

    def one_or_none[X](
        self: Write[list[X]], *, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, X | None]:
        """Run it for the one row that it returns, if it returns one."""
        return self._found(one_or_nothing, timeout, db)

    def _found(self, make: Callable[[Any], Any], timeout: float | None, db: Any) -> Coroutine[Any, Any, Any]:
        if self._returning is None:
            raise TypeError("the statement returns no rows; say what is wanted of them with returning()")
        return _executor.found(db, self._statement(), make, timeout)

    def sql(self) -> str:
        """The SQL."""
        return self._statement().sql

    def __repr__(self) -> str:
        return f"<{self._statement()!r}>"

    @overload
    def returning[T](self, item: Item[T], /) -> Write[list[T]]: ...
    @overload
    def returning[T1, T2](self, i1: Item[T1], i2: Item[T2], /) -> Write[list[tuple[T1, T2]]]: ...
    @overload
    def returning[T1, T2, T3](self, i1: Item[T1], i2: Item[T2], i3: Item[T3], /) -> Write[list[tuple[T1, T2, T3]]]: ...
    @overload
    def returning[T1, T2, T3, T4](
        self, i1: Item[T1], i2: Item[T2], i3: Item[T3], i4: Item[T4], /
    ) -> Write[list[tuple[T1, T2, T3, T4]]]: ...
    @overload
    def returning(self, *items: Any) -> Write[list[Any]]: ...
    def returning(self, *items: Any) -> Any:
        """Answer with a row for each that was written: of one class instances, of one expression its values, of several
        tuples."""
        return replace(self, _returning=items)


@dataclass(frozen=True)
class _Reaction:
    """What the native side calls by these names."""

    columns: list[str]
    constraint: str | None
    index_where: str | None
    updates: bool
    set: dict[str, Any] | None
    take: list[str]
    conditions: tuple[Any, ...]
    excluded: Any


@dataclass(frozen=True, repr=False)
class Insert[R](Write[R]):
    """``INSERT``; :func:`insert` begins it."""

    _rows: tuple[Any, ...] = ()
    _columns: tuple[str, ...] = ()
    _query: Query[Any] | None = None
    _reaction: _Reaction | None = None
    #: The proposed row, once somebody has named it: one object for all that come from one ``insert()``.
    _proposed: list[Any] = field(default_factory=list[Any], compare=False)

    def values(self, rows: Table | Values | Iterable[Table | Values] | None = None, /, **values: Any) -> Self:
        """Add a row, or several: instances, mappings, or keywords. Values may be expressions."""
        given: Any = rows
        if given is None or isinstance(given, Mapping):
            added: list[Any] = [_named({**(given or {}), **values})]
        elif isinstance(given, self._model.cls):
            added = [given]
        else:
            added = [_named(row) if isinstance(row, Mapping) else row for row in given]
            if not added:
                raise ValueError("values() was given no rows; where there may be none, insert_many() does nothing then")
        return replace(self, _rows=(*self._rows, *added))

    def from_select(self, query: Query[Any], columns: Sequence[Named]) -> Self:
        """Insert what a query finds, as these columns."""
        return replace(self, _query=query, _columns=tuple(names(columns)))

    @property
    def excluded(self) -> Any:
        """The row that was proposed, for ``set_`` and ``where`` of a conflict: ``insert(User).excluded.name``."""
        if not self._proposed:
            self._proposed.append(_native.Alias(self._model, "excluded"))
        return self._proposed[0]

    def on_conflict_do_nothing(
        self, columns: Sequence[Named] = (), *, constraint: str | None = None, index_where: str | None = None
    ) -> Self:
        """Leave a row as it is that is there already: by these columns, this constraint, or any unique key."""
        reaction = _Reaction(names(columns), constraint, index_where, False, None, [], (), None)
        return replace(self, _reaction=reaction)

    def on_conflict_do_update(
        self,
        columns: Sequence[Named] = (),
        *,
        constraint: str | None = None,
        index_where: str | None = None,
        set_: Values | Sequence[Named] | Callable[[Any], Values] | None = None,
        where: Condition | Callable[[Any], Condition] | None = None,
    ) -> Self:
        """Update a row that is there already, as the unique ``columns`` or the ``constraint`` tell.

        ``set_`` maps columns to values or expressions, or is a list of columns that take what was proposed: without it all
        that were given. ``where`` says which rows are updated. Either may be a function, which is called with the proposed row::

            insert(User).values(row).on_conflict_do_update(
                ["email"], set_=lambda new: {"visits": User.visits + new.visits}, where=lambda new: User.seen < new.seen
            )

        Columns with ``onupdate`` that are not in ``set_`` take that. ``index_where`` is the SQL condition of a partial index.
        """
        excluded = self.excluded
        wanted: Any = set_(excluded) if callable(set_) else set_
        condition: Any = where(excluded) if callable(where) else where
        is_mapping = isinstance(wanted, Mapping)
        chosen = _named(wanted) if is_mapping else None
        take = [] if wanted is None or is_mapping else names(wanted)
        if chosen == {} or (set_ is not None and chosen is None and not take):
            raise ValueError("set_ names no column; to leave rows as they are say on_conflict_do_nothing()")
        conditions = () if condition is None else (condition,)
        reaction = _Reaction(names(columns), constraint, index_where, True, chosen, take, conditions, excluded)
        return replace(self, _reaction=reaction)

    def _statement(self) -> _native.Statement:
        rows = self._rows or ({},)
        return _native.orm_insert_statement(
            self._model, rows, self._columns, self._query, self._reaction, self._returning
        )


@dataclass(frozen=True, repr=False)
class _Changing[R](Write[R]):
    """What update and delete share: which rows are meant."""

    _conditions: tuple[Any, ...] = ()
    _every: bool = False
    _reading: tuple[Any, ...] = ()

    def where(self, *conditions: Condition | bool) -> Self:
        """The rows for which all conditions are true; ``where(True)`` for every row."""
        if any(condition is False for condition in conditions):
            raise ValueError("where(False) means no row; leave the statement out")
        real = tuple(condition for condition in conditions if condition is not True)
        return replace(self, _conditions=(*self._conditions, *real), _every=self._every or bool(conditions))


@dataclass(frozen=True, repr=False)
class Update[R](_Changing[R]):
    """``UPDATE``; :func:`update` begins it."""

    _values: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def values(self, values: Values | None = None, /, **more: Any) -> Self:
        """What columns are set to: values, or expressions such as ``User.visits + 1``."""
        return replace(self, _values={**self._values, **_named({**(values or {}), **more})})

    def from_(self, *sources: Any) -> Self:
        """Read other classes, aliases, subqueries or CTEs as well; ``where`` says which of their rows belong to which."""
        return replace(self, _reading=(*self._reading, *sources))

    def _statement(self) -> _native.Statement:
        return _native.orm_update(
            self._model, self._values, self._conditions, self._every, False, self._reading, self._returning
        )


@dataclass(frozen=True, repr=False)
class Delete[R](_Changing[R]):
    """``DELETE``; :func:`delete` begins it."""

    _hard: bool = False

    def using(self, *sources: Any) -> Self:
        """Read other classes, aliases, subqueries or CTEs as well; ``where`` says which of their rows belong to which."""
        return replace(self, _reading=(*self._reading, *sources))

    def hard(self) -> Self:
        """Remove rows that would else be marked as deleted, those that are marked already too."""
        return replace(self, _hard=True)

    def _statement(self) -> _native.Statement:
        _rules.check_statement(self._model.cls)
        return _native.orm_delete(
            self._model, self._conditions, self._every, False, self._reading, self._returning, self._hard
        )


def insert(table: type[Table] | str) -> Insert[int]:
    """Begin an INSERT; without values it is a row of defaults.

    ``await insert(User).values(email="a@x.io").returning(User.id).one()``
    """
    return Insert(_registry.resolve(table).__model__)


def update(table: type[Table] | str) -> Update[int]:
    """Begin an UPDATE; without ``where`` it is an error.

    ``await update(User).values(visits=User.visits + 1).where(User.id == 1)``

    Columns with ``onupdate`` that are not named take that.
    """
    return Update(_registry.resolve(table).__model__)


def delete(table: type[Table] | str) -> Delete[int]:
    """Begin a DELETE; without ``where`` it is an error.

    ``await delete(User).where(User.seen < long_ago).returning(User.email)``
    """
    return Delete(_registry.resolve(table).__model__)


def upsert(
    table: type[Table] | str,
    rows: Table | Values | Iterable[Table | Values],
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
) -> Insert[int]:
    """Begin an INSERT that updates the rows that are there; for many rows :func:`upsert_many` is faster.

    Updated are ``update_columns``, by default all given columns outside the key; none with an empty list.
    """
    statement = insert(table).values(rows)
    if update_columns is not None and not names(update_columns):
        return statement.on_conflict_do_nothing(conflict_columns)
    return statement.on_conflict_do_update(conflict_columns, set_=update_columns)


def _named(values: Any) -> dict[str, Any]:
    return {key if isinstance(key, str) else key.name: value for key, value in values.items()}
