"""``Table``: classes whose annotations are columns."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Never, Self, dataclass_transform, overload

from data_bridge import _native
from data_bridge._native import Query
from data_bridge.postgres import _show

from . import _body, _executor, _filters, _hooks, _registry, _relations, _rules, _saving, _verbs  # pyright: ignore[reportPrivateUsage]
from ._body import Declared
from ._columns import Column
from ._instance import Instance
from ._select import from_sql

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping, Sequence

    from data_bridge.postgres._bulk import UpsertResult

    from ._constraints import TableArg
    from ._saving import Named
    from ._verbs import Links, OnDuplicate, OrderBy, Rows, Where


@dataclass_transform(kw_only_default=True, field_specifiers=(Column,))
class TableMeta(type):
    """Turns a class body into a table: slots for the values, native descriptors for the columns."""

    __declared__: Declared
    __model__: _native.Model

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        table: str | None = None,
        schema: str | None = None,
        comment: str | None = None,
        abstract: bool = False,
        naming: Mapping[str, str] | None = None,
        renamed_from: str | None = None,
        soft_delete: str | None = None,
        tenant: str | None = None,
        discriminator: Any = None,
    ) -> Any:
        """Read the body, give the class its slots, and replace their descriptors by columns."""
        is_root = not any(isinstance(base, TableMeta) for base in bases)
        shared = _body.shared_table(name, bases, discriminator)
        declared = _body.read_bases(name, bases, lambda base: isinstance(base, TableMeta))
        if not is_root:
            # The class statement's surroundings: a class may stand in a function.
            around = sys._getframe(1).f_locals  # pyright: ignore[reportPrivateUsage]
            declared.extend(_body.read_body(name, namespace, around))
        declared.take(schema, naming, soft_delete, tenant)
        concrete = not (is_root or abstract)
        kind = None
        if concrete:
            _filters.mark(name, declared.columns, declared.soft_delete, declared.tenant)
            kind = _body.kind(name, declared, discriminator, None if shared is None else shared.__declared__)
            _body.settle(name, declared, lambda link: hasattr(Table, link))
        slots = [_relations.slot(link) for link in declared.links]
        # What instances of one result share, for their links.
        batch = ("_batch",) if slots else ()
        own = (*declared.columns, *slots, "_state", *batch) if concrete else ()
        namespace["__slots__"] = own if shared is None else tuple(slot for slot in own if not hasattr(shared, slot))
        namespace["__declared__"] = declared
        cls: Any = super().__new__(mcs, name, bases, namespace)
        if concrete:
            options = _TableOptions(
                name=_table_name(name, table, shared),
                schema=declared.schema,
                comment=comment,
                base=None if shared is None else shared.__model__,
                kind=kind if shared is not None else None,
                renamed_from=renamed_from,
                naming=list(declared.naming.items()),
                args=[arg.renamed(declared.column_name) for arg in declared.args],
            )
            links = _relations.specs(cls, declared.columns, declared.links)
            cls.__model__ = _native.Model(cls, options, list(declared.columns.values()), links)
            for attribute, descriptor in cls.__model__.descriptors().items():
                setattr(cls, attribute, descriptor)
            if shared is None:
                _registry.register(cls)
            else:
                shared.__model__.adopt(discriminator, cls.__model__)
            _hooks.adopt(cls)
            _rules.declare(cls)
        return cls

    def __init__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        table: str | None = None,
        schema: str | None = None,
        comment: str | None = None,
        abstract: bool = False,
        naming: Mapping[str, str] | None = None,
        renamed_from: str | None = None,
        soft_delete: str | None = None,
        tenant: str | None = None,
        discriminator: Any = None,
    ) -> None:
        """Take the class's options, which :meth:`__new__` has used."""
        super().__init__(name, bases, namespace)


def _table_name(name: str, table: str | None, shared: type[Table] | None) -> str:
    if shared is not None:
        return shared.__model__.table_name
    return _relations.snake_case(name) if table is None else table


@dataclass(frozen=True, kw_only=True)
class _TableOptions:
    """What the native side takes beside columns and links."""

    name: str
    schema: str | None
    comment: str | None
    renamed_from: str | None
    naming: list[tuple[str, str]]
    base: _native.Model | None
    kind: tuple[str, str] | None
    args: list[TableArg]


class Table(Instance, metaclass=TableMeta):
    """A row of a table; the annotations of a derived class are its columns.

    ``class User(Table, table="users")``; without ``table`` the name is the class's in snake case. ``schema`` and ``comment``
    are further options. ``naming`` is a convention for the names of constraints and indexes: a pattern of ``{table}``,
    ``{columns}``, ``{column}`` and ``{target}`` for each of ``pk``, ``uq``, ``fk``, ``ck``, ``ix`` and ``ex``.
    ``renamed_from`` is the name that the table had before, for migrations.

    ``class Admin(User, discriminator="admin")`` shares the table of a class that has a ``Column(discriminator=True)``: its rows
    are those with that value there, and rows that are read as ``User`` are instances of ``Admin`` where they have it.

    ``abstract=True`` makes a class that is no table itself: it passes on its columns, ``__table_args__`` and options. Plain
    classes with annotations among the bases pass on their columns too.

    ``soft_delete`` names the column that says when (or, a boolean, that) a row was deleted: deleting sets it, and such rows are
    left out of whatever reads or writes the table. ``tenant`` names the column that says whose a row is: see :func:`tenant`.
    """

    __slots__ = ()
    __model__: ClassVar[_native.Model]
    __declared__: ClassVar[Declared]

    if not TYPE_CHECKING:

        def __init__(self, **values):
            self.__model__.construct(self, values)

    def __getitem__(self, name: str) -> Any:
        """A column's value, or the instance that a loaded link leads to."""
        return self.__model__.item(self, name)

    def save(self, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, Self]:
        """Insert a new instance, which takes what the server fills in; else update the columns that have changed, if any.

        :class:`StaleRowError` where the row is gone, or has another version than the instance.
        """
        return _saving.save(self, timeout, db)

    def refresh(self, *columns: Named, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, Self]:
        """Read the row again, or these columns of it; changes to them that were not saved are lost."""
        return _saving.refresh(self, columns, timeout, db)

    def delete(self, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, None]:
        """Delete the row. :class:`StaleRowError` where it is gone, or has another version than the instance."""
        return _saving.delete(self, timeout, db)

    def upsert(
        self,
        *,
        conflict_columns: Sequence[Named] | None = None,
        update_columns: Sequence[Named] | None = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, Self]:
        """Insert the instance, or update the row that has the same ``conflict_columns``, by default the primary key.

        The instance then is as the row is, unless an empty ``update_columns`` has left that as it was.
        """
        return _saving.upsert(self, conflict_columns, update_columns, timeout, db)

    def changed_columns(self) -> frozenset[str]:
        """The names of the columns that :meth:`save` would write: of a new instance all that have a value."""
        return self.__model__.changed(self)

    def mark_changed(self, *columns: Named) -> None:
        """Have :meth:`save` write columns whose values were changed in place, which an instance cannot see."""
        self.__model__.mark_changed(self, _executor.names(columns))

    @classmethod
    def select(cls) -> Query[Self]:
        """A query of this class's rows: ``await User.select().where(User.age > 30).order_by(User.name)``."""
        return Query._of((cls,), True)

    @classmethod
    def from_sql(
        cls, sql: str, args: Sequence[Any] = (), *, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, list[Self]]:
        """Run SQL of yours, whose columns are this class's by their names: all or some of them, in any order."""
        return from_sql(cls, sql, args, timeout=timeout, db=db)

    @classmethod
    def fetch_one(
        cls,
        where: Where = None,
        *,
        fetch_links: Links = (),
        order_by: OrderBy = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, Self | None]:
        """The first row for which the condition is true, or ``None``."""
        return _verbs.fetch_one(cls, where, fetch_links=fetch_links, order_by=order_by, timeout=timeout, db=db)

    @classmethod
    def fetch_many(
        cls,
        where: Where = None,
        *,
        fetch_links: Links = (),
        order_by: OrderBy = None,
        limit: int | None = None,
        offset: int | None = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, list[Self]]:
        """The rows for which the condition is true; without one, all."""
        return _verbs.fetch_many(
            cls, where, fetch_links=fetch_links, order_by=order_by, limit=limit, offset=offset, timeout=timeout, db=db
        )

    @classmethod
    def count(cls, where: Where = None, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, int]:
        """How many rows there are for which the condition is true."""
        return _verbs.count(cls, where, timeout=timeout, db=db)

    @classmethod
    def exists(cls, where: Where = None, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, bool]:
        """Whether there is a row for which the condition is true."""
        return _verbs.exists(cls, where, timeout=timeout, db=db)

    @classmethod
    def insert_one(
        cls, row: Self | Mapping[str, Any], *, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, Self]:
        """Insert a row; the answer is the given instance, or a new one, with all that the server filled in."""
        return _verbs.insert_one(cls, row, timeout=timeout, db=db)

    @overload
    @classmethod
    def insert_many(
        cls,
        rows: Rows[Self],
        *,
        returning: Literal[False] = False,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, int]: ...
    @overload
    @classmethod
    def insert_many(
        cls,
        rows: Rows[Self],
        *,
        returning: Literal[True] | Sequence[Named],
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, list[Self]]: ...
    @classmethod
    def insert_many(
        cls, rows: Any, *, returning: Any = False, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, Any]:
        """Insert rows, by COPY where they are many; the answer is how many, or with ``returning=True`` the instances."""
        verb: Any = _verbs.insert_many
        inserting: Coroutine[Any, Any, Any] = verb(cls, rows, returning=returning, timeout=timeout, db=db)
        return inserting

    @classmethod
    def upsert_one(
        cls,
        row: Self | Mapping[str, Any],
        *,
        conflict_columns: Sequence[Named],
        update_columns: Sequence[Named] | None = None,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, Self | None]:
        """Insert a row, or update the one that has the same ``conflict_columns``; ``None`` where that one is left as it is,
        because there is no column to update."""
        return _verbs.upsert_one(
            cls, row, conflict_columns=conflict_columns, update_columns=update_columns, timeout=timeout, db=db
        )

    @overload
    @classmethod
    def upsert_many(
        cls,
        rows: Rows[Self],
        *,
        conflict_columns: Sequence[Named],
        update_columns: Sequence[Named] | None = None,
        on_duplicate: OnDuplicate = "last",
        returning: Literal[False] = False,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, UpsertResult[Never]]: ...
    @overload
    @classmethod
    def upsert_many(
        cls,
        rows: Rows[Self],
        *,
        conflict_columns: Sequence[Named],
        update_columns: Sequence[Named] | None = None,
        on_duplicate: OnDuplicate = "last",
        returning: Literal[True] | Sequence[Named],
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, UpsertResult[Self]]: ...
    @classmethod
    def upsert_many(
        cls,
        rows: Any,
        *,
        conflict_columns: Sequence[Named],
        update_columns: Sequence[Named] | None = None,
        on_duplicate: OnDuplicate = "last",
        returning: Any = False,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, UpsertResult[Any]]:
        """Insert rows, and update those whose ``conflict_columns`` are there; ``.inserted`` and ``.updated`` say how many,
        and ``.rows`` are instances of them with ``returning=True``."""
        return _verbs.upsert_many(
            cls,
            rows,
            conflict_columns=conflict_columns,
            update_columns=update_columns,
            on_duplicate=on_duplicate,
            returning=returning,
            timeout=timeout,
            db=db,
        )

    @classmethod
    def update_one(
        cls, where: Where, values: Mapping[str, Any], *, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, Self]:
        """Update the one row for which the condition is true; the answer is the row as it now is."""
        return _verbs.update_one(cls, where, values, timeout=timeout, db=db)

    @classmethod
    def delete_one(cls, where: Where, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, Self]:
        """Delete the one row for which the condition is true; the answer is that row."""
        return _verbs.delete_one(cls, where, timeout=timeout, db=db)

    @overload
    @classmethod
    def update_many(
        cls, where: Where, values: Mapping[str, Any], *, timeout: float | None = None, db: Any = None
    ) -> Coroutine[Any, Any, int]: ...
    @overload
    @classmethod
    def update_many(
        cls,
        rows: Rows[Self],
        /,
        *,
        key_columns: Sequence[Named] | None = None,
        update_columns: Sequence[Named] | None = None,
        on_duplicate: OnDuplicate = "last",
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, int]: ...
    @classmethod
    def update_many(cls, where: Any, values: Any = None, **options: Any) -> Coroutine[Any, Any, int]:
        """Update the rows for which the condition is true, or the rows of these keys each to its own values; the answer is
        how many. See :func:`update_many`."""
        verb: Any = _verbs.update_many
        updating: Coroutine[Any, Any, int] = verb(cls, where, values, **options)
        return updating

    @classmethod
    def delete_many(
        cls,
        where: Where = None,
        *,
        keys: Iterable[Any] | None = None,
        hard: bool = False,
        timeout: float | None = None,
        db: Any = None,
    ) -> Coroutine[Any, Any, int]:
        """Delete the rows for which the condition is true, or that have one of these primary keys; the answer is how many.

        See :func:`delete_many`.
        """
        return _verbs.delete_many(cls, where, keys=keys, hard=hard, timeout=timeout, db=db)

    @classmethod
    def create_table(cls, *, if_not_exists: bool = False, db: Any = None) -> Coroutine[Any, Any, None]:
        """Create the table with its constraints and indexes."""
        return _verbs.create_all([cls], if_not_exists=if_not_exists, db=db)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return _show.html_of(self)
