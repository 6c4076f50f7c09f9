"""What can be done with tables: the module-level verbs.

Each builds one statement and hands it to a database, a connection or a transaction. What comes back is for the caller to
await, or, from a blocking one, the answer itself. Update and delete take all rows only by ``where=True``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Never, overload

from data_bridge import _native
from data_bridge._native import Expression, Query
from data_bridge.postgres import _tables

from . import _executor, _hooks, _loading, _registry, _relations, _rules, _validation

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Coroutine, Iterable, Mapping, Sequence

    from data_bridge.postgres._bulk import UpsertResult

    from ._columns import Col, Condition, Order
    from ._relations import Prefetched
    from ._saving import Named
    from ._table import Table

    type Where = Condition | bool | None
    type Links = Sequence[Prefetched]
    type OrderBy = Col[Any] | Order | str | Sequence[Col[Any] | Order | str] | None
    type Rows[R] = Iterable[R | Mapping[str, Any]] | AsyncIterable[R | Mapping[str, Any]]
    type OnDuplicate = Literal["last", "first", "error"]


@overload
def fetch_one[T: Table](
    table: type[T],
    where: Where = None,
    *,
    fetch_links: Links = (),
    order_by: OrderBy = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, T | None]: ...
@overload
def fetch_one(
    table: str,
    where: Where = None,
    *,
    fetch_links: Links = (),
    order_by: OrderBy = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, Any]: ...
def fetch_one(
    table: type[Table] | str,
    where: Where = None,
    *,
    fetch_links: Links = (),
    order_by: OrderBy = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, Any]:
    """The first row for which the condition is true, or ``None``."""
    cls = _registry.resolve(table)
    if fetch_links:
        return _loading.fetch(cls, where, _links(fetch_links), order_by, None, None, "row", db, timeout)
    return _executor.run(db, _native.orm_select(cls.__model__, where, order_by, None, None, True), timeout)


@overload
def fetch_many[T: Table](
    table: type[T],
    where: Where = None,
    *,
    fetch_links: Links = (),
    order_by: OrderBy = None,
    limit: int | None = None,
    offset: int | None = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, list[T]]: ...
@overload
def fetch_many(
    table: str,
    where: Where = None,
    *,
    fetch_links: Links = (),
    order_by: OrderBy = None,
    limit: int | None = None,
    offset: int | None = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, list[Any]]: ...
def fetch_many(
    table: type[Table] | str,
    where: Where = None,
    *,
    fetch_links: Links = (),
    order_by: OrderBy = None,
    limit: int | None = None,
    offset: int | None = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, list[Any]]:
    """The rows for which the condition is true; without one, all.

    ``order_by`` is a column, ``column.desc()``, a name (descending after a minus), or several of these. ``fetch_links`` names the
    links to load with the rows, also links of links (``"author.company"``): those to one row by a JOIN, those to many by one
    query for each.
    """
    cls = _registry.resolve(table)
    if fetch_links:
        return _loading.fetch(cls, where, _links(fetch_links), order_by, limit, offset, "rows", db, timeout)
    return _executor.run(db, _native.orm_select(cls.__model__, where, order_by, limit, offset, False), timeout)


def count(
    table: type[Table] | str, where: Where = None, *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, int]:
    """How many rows there are for which the condition is true."""
    return _executor.run(db, _native.orm_count(_registry.resolve(table).__model__, where), timeout)


@overload
def exists(
    table: type[Table] | str, where: Where = None, *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, bool]: ...
@overload
def exists(table: Query[Any]) -> Condition: ...
def exists(table: Any, where: Where = None, *, timeout: float | None = None, db: Any = None) -> Any:
    """Whether there is a row for which the condition is true; of a query, the condition that it has a row."""
    if isinstance(table, Query):
        return table._exists_condition()
    return _executor.run(db, _native.orm_exists(_registry.resolve(table).__model__, where), timeout)


@overload
def insert_one[T: Table](table: T, /, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, T]: ...
@overload
def insert_one[T: Table](
    table: type[T], row: T | Mapping[str, Any], *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, T]: ...
@overload
def insert_one(table: str, row: Any, *, timeout: float | None = None, db: Any = None) -> Coroutine[Any, Any, Any]: ...
def insert_one(
    table: Any, row: Any = None, *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, Any]:
    """Insert a row: an instance, or a mapping of column names to values.

    The answer is the given instance, or a new one for a mapping, with all that the server filled in. For a table's name that
    no class is known for, it is a record of the given columns.
    """
    model, row = _row(table, row)
    if model is None:
        return _executor.insert_into(db, table, row, timeout)
    if _hooks.wanted(model, "insert"):
        return _executor.write_with_hooks(db, model, row, lambda row, _: _native.orm_insert(model, row), timeout)
    return _executor.write(db, _instance(row), _native.orm_insert(model, row), timeout)


@overload
def upsert_one[T: Table](
    table: type[T],
    row: T | Mapping[str, Any],
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, T | None]: ...
@overload
def upsert_one(
    table: str,
    row: Any,
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, Any]: ...
def upsert_one(
    table: Any,
    row: Any,
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, Any]:
    """Insert a row, or update the one that has the same ``conflict_columns``, which must be a unique key.

    Updated are ``update_columns``, by default all given columns outside the key; columns with ``onupdate`` that are not
    among ``update_columns`` take that. With an empty
    ``update_columns`` an existing row stays as it is and the answer is ``None``.
    """
    model, row = _row(table, row)
    conflict = _executor.names(conflict_columns)
    update = None if update_columns is None else _executor.names(update_columns)
    if model is None:
        return _executor.upsert_into(db, table, row, conflict, update, timeout)
    if _hooks.wanted(model, "insert"):

        def upsert(row: Any, given: list[str] | None) -> _native.Statement:
            if update is not None or given is None:
                return _native.orm_upsert(model, row, conflict, update)
            kept = {*conflict, *(name for name, _ in model.on_update(conflict)[0])}
            # With nothing to update the key is, to what it was: only then the row that is there comes back.
            return _native.orm_upsert(
                model, row, conflict, [name for name in given if name not in kept] or conflict[:1]
            )

        return _executor.write_with_hooks(db, model, row, upsert, timeout, after=False)
    return _executor.write(db, _instance(row), _native.orm_upsert(model, row, conflict, update), timeout)


@overload
def update_one[T: Table](
    table: type[T], where: Where, values: Mapping[str, Any], *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, T]: ...
@overload
def update_one(
    table: str, where: Where, values: Mapping[str, Any], *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, Any]: ...
def update_one(
    table: type[Table] | str, where: Where, values: Mapping[str, Any], *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, Any]:
    """Update the one row for which the condition is true; the answer is the row as it now is.

    ``NoRowError`` where there is none, ``ManyRowsError`` where there are more, of which none is updated then. Values may be
    expressions: ``{"visits": User.visits + 1}``.
    """
    cls = _registry.resolve(table)
    condition, every = _rows_meant(where)
    values = _validation.as_values(values)
    statement = _native.orm_update(cls.__model__, values, condition, every, True, (), (cls,))
    return _executor.only(db, statement, timeout)


@overload
def delete_one[T: Table](
    table: type[T], where: Where, *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, T]: ...
@overload
def delete_one(
    table: str, where: Where, *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, Any]: ...
def delete_one(
    table: type[Table] | str, where: Where, *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, Any]:
    """Delete the one row for which the condition is true; the answer is that row.

    ``NoRowError`` where there is none, ``ManyRowsError`` where there are more, of which none is deleted then.
    """
    cls = _registry.resolve(table)
    condition, every = _rows_meant(where)
    statement = _native.orm_delete(cls.__model__, condition, every, True, (), (cls,))
    if not _rules.wanted(cls):
        return _executor.only(db, statement, timeout)

    async def work(holder: Any) -> Any:
        return await _executor.only_row(holder, statement)

    return _executor.in_steps(db, lambda holder: _rules.delete_one(holder, cls, condition, work), timeout)


@overload
def update_many(
    table: type[Table] | str, where: Where, values: Mapping[str, Any], *, timeout: float | None = None, db: Any = None
) -> Coroutine[Any, Any, int]: ...
@overload
def update_many(
    table: type[Table] | str,
    rows: Rows[Any],
    /,
    *,
    key_columns: Sequence[Named] | None = None,
    update_columns: Sequence[Named] | None = None,
    on_duplicate: OnDuplicate = "last",
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, int]: ...
def update_many(
    table: type[Table] | str,
    where: Any,
    values: Mapping[str, Any] | None = None,
    *,
    key_columns: Sequence[Named] | None = None,
    update_columns: Sequence[Named] | None = None,
    on_duplicate: OnDuplicate = "last",
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, int]:
    """Update the rows for which the condition is true, all of them for ``True``; the answer is how many.

    Values may be expressions: ``{"visits": User.visits + 1}``.

    Or update many rows, each to its own values: ``update_many(User, rows)`` of instances, mappings or tuples, which are found by
    ``key_columns``, by default the primary key; what is not there is left out. Updated are ``update_columns``: by default what
    has changed in any of the instances, or all other columns that the first mapping gives. One statement takes few rows, COPY
    many. Where instances have a version column and the row of one has moved on, none is updated: :class:`StaleRowError`.
    """
    if values is None:
        key = None if key_columns is None else _executor.names(key_columns)
        update = None if update_columns is None else _executor.names(update_columns)
        return _executor.update_by_key(
            db, _registry.named(table), table, _rows_given(where), key, update, on_duplicate, timeout
        )
    model = _registry.resolve(table).__model__
    condition, every = _rows_meant(where)
    given: Any = _validation.as_values(values)
    return _executor.run(db, _native.orm_update(model, given, condition, every, False, (), None), timeout)


def delete_many(
    table: type[Table] | str,
    where: Where = None,
    *,
    keys: Iterable[Any] | None = None,
    hard: bool = False,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, int]:
    """Delete the rows for which the condition is true, all of them for ``True``; the answer is how many.

    ``keys`` are primary keys, tuples where those have several columns: the rows that have one of them, in one statement.

    Where the class says ``soft_delete=`` they are marked; with ``hard=True`` they are removed all the same, and so are those
    that are marked already.
    """
    cls = _registry.resolve(table)
    condition, every = _rows_meant(where)
    if keys is not None:
        if isinstance(keys, str | bytes):
            raise TypeError(f"keys takes a list of keys, not one {type(keys).__name__}")
        condition, every = [*condition, _native.orm_has_key(cls.__model__, list(keys))], False
    if _rules.wanted(cls) and (every or condition):
        return _executor.in_steps(db, lambda holder: _rules.delete_many(holder, cls, condition, hard=hard), timeout)
    return _executor.run(db, _native.orm_delete(cls.__model__, condition, every, False, (), None, hard), timeout)


@overload
def insert_many(
    table: type[Table] | str,
    rows: Rows[Any],
    *,
    returning: Literal[False] = False,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, int]: ...
@overload
def insert_many[T: Table](
    table: type[T],
    rows: Rows[T],
    *,
    returning: Literal[True] | Sequence[Named],
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, list[T]]: ...
@overload
def insert_many(
    table: str,
    rows: Rows[Any],
    *,
    returning: Literal[True] | Sequence[Named],
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, list[Any]]: ...
def insert_many(
    table: type[Table] | str,
    rows: Rows[Any],
    *,
    returning: bool | Sequence[Named] = False,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, Any]:
    """Insert rows, by COPY where they are many: all or none. The answer is how many.

    Rows are instances, mappings, or tuples of all columns; all have the columns of the first one. With ``returning=True`` the
    answer are instances in the rows' order, with all that the server filled in: the given ones, and new ones for mappings. A
    list of columns reads only these back, such as a generated key: ``returning=["id"]``. For a table's name that no class is
    known for it names the columns of the records that come back.
    """
    return _executor.insert_many(db, _registry.named(table), table, rows, returning, timeout)


@overload
def upsert_many(
    table: type[Table] | str,
    rows: Rows[Any],
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
    on_duplicate: OnDuplicate = "last",
    returning: Literal[False] = False,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, UpsertResult[Never]]: ...
@overload
def upsert_many[T: Table](
    table: type[T],
    rows: Rows[T],
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
    on_duplicate: OnDuplicate = "last",
    returning: Literal[True] | Sequence[Named],
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, UpsertResult[T]]: ...
@overload
def upsert_many(
    table: str,
    rows: Rows[Any],
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
    on_duplicate: OnDuplicate = "last",
    returning: Literal[True] | Sequence[Named],
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, UpsertResult[Any]]: ...
def upsert_many(
    table: type[Table] | str,
    rows: Rows[Any],
    *,
    conflict_columns: Sequence[Named],
    update_columns: Sequence[Named] | None = None,
    on_duplicate: OnDuplicate = "last",
    returning: bool | Sequence[Named] = False,
    timeout: float | None = None,
    db: Any = None,
) -> Coroutine[Any, Any, UpsertResult[Any]]:
    """Insert rows, and update those whose ``conflict_columns`` are there; ``.inserted`` and ``.updated`` say how many.

    ``on_duplicate`` says which of several rows with the same key counts, or that there must be none. Columns with
    ``onupdate`` take that where a row is updated, its value for all rows of the call, unless ``update_columns`` names them.
    With ``returning=True`` ``.rows`` are new instances of the rows that were inserted or updated, in no particular order; a
    list of columns reads only these back.
    """
    conflict = _executor.names(conflict_columns)
    update = None if update_columns is None else _executor.names(update_columns)
    return _executor.upsert_many(
        db, _registry.named(table), table, rows, conflict, update, on_duplicate, returning, timeout
    )


def create_table(table: type[Table] | str, *, if_not_exists: bool = False, db: Any = None) -> Coroutine[Any, Any, None]:
    """Create a table with its constraints and indexes."""
    return create_all([_registry.resolve(table)], if_not_exists=if_not_exists, db=db)


def create_all(
    tables: Iterable[type[Table] | str] | None = None, *, if_not_exists: bool = True, db: Any = None
) -> Coroutine[Any, Any, None]:
    """Create tables, by default all that are known, those that are referred to first, in one transaction.

    The schemas and enum types that they need are created before them.
    """
    statements = _native.orm_create_statements(_models(tables), if_not_exists)
    return _executor.script(db, statements)


def drop_all(
    tables: Iterable[type[Table] | str] | None = None, *, if_exists: bool = True, db: Any = None
) -> Coroutine[Any, Any, None]:
    """Drop tables, by default all that are known, in one statement, so that references among them do not matter.

    Their enum types are dropped too, but with ``if_exists`` those that other tables use.
    """
    return _executor.script(db, _native.orm_drop_statements(_models(tables), if_exists))


def _row(table: Any, row: Any) -> tuple[_native.Model | None, Any]:
    """The model and the row that the arguments mean; no model for a table's name that no class is known for."""
    if row is None and not isinstance(table, type | str):
        return _registry.resolve(type(table)).__model__, table
    known = _registry.named(table)
    return None if known is None else known.__model__, row


def _instance(row: Any) -> Table | None:
    return None if isinstance(row, dict) or not hasattr(row, "__model__") else row


def _models(tables: Iterable[type[Table] | str] | None) -> list[_native.Model]:
    classes = _registry.every() if tables is None else [_registry.resolve(table) for table in tables]
    models = [cls.__model__ for cls in _relations.implicit_tables(classes)]
    # Classes of one kind of rows add their columns to the table that they share.
    return [model for one in models for model in (one, *one.variants())]


def _links(links: Links) -> tuple[Any, ...]:
    if isinstance(links, str):
        raise TypeError(f"fetch_links takes a list of links, not one str; write [{links!r}]")
    return tuple(links)


def _rows_given(rows: Any) -> Any:
    if rows is None or isinstance(rows, bool | Expression):
        raise TypeError(
            "update_many() with a condition needs the values to set: update_many(User, User.id == 1, {...})"
        )
    return rows


def _rows_meant(where: Where) -> tuple[list[Condition], bool]:
    if isinstance(where, bool):
        if not where:
            raise ValueError("where=False selects no row; give a condition, or True for every row")
        return [], True
    return ([] if where is None else [where]), False


_tables.learn(create_all=create_all, drop_all=drop_all)
