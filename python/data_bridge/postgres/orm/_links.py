"""What the links of an instance do that takes a query: load, count, add, remove."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from data_bridge import _native
from data_bridge._native import Query
from data_bridge.postgres.errors import InterfaceError, NotSupportedError

from . import _detect, _executor, _expressions, _filters, _hooks, _loading, _rules
from ._errors import NoRowError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from data_bridge._native import Collection, Link, LinkField

    type Handle = Link[Any] | Collection[Any]


def fetch(handle: Handle, refresh: bool, db: Any, timeout: float | None) -> Coroutine[Any, Any, Any]:
    """Do what :meth:`Link.fetch` says."""
    field = handle._field
    if field._is_raising and not handle.is_loaded:
        # Reading it says how to load it.
        _ = handle.loaded
    try:
        home = _executor.database(db if db is not None else _executor.home(handle._home))
    except InterfaceError:
        if not handle.is_loaded or refresh:
            raise
        return _executor.answered(handle.loaded)
    place = _detect.caller()

    async def steps(holder: Any) -> Any:
        while not refresh and (running := handle._running) is not None:
            # Another task loads the siblings, and this one among them.
            await asyncio.wait([running])
        done, keys = handle._begin(refresh)
        if done:
            return keys
        if place is not None and len(keys) == 1:
            _detect.note(place, f"{field._model.cls.__name__}.{field._name}")
        load = None if _executor.is_blocking(home) else asyncio.get_running_loop().create_future()
        handle._set_running(load)
        try:
            statement = _loading.branch(field).statement(keys)
            found = await holder._run_statement(_executor.bound(statement, home))
            return handle._finish(keys, found)
        except BaseException:
            handle._abandon()
            raise
        finally:
            handle._set_running(None)
            if load is not None:
                load.set_result(None)

    return _executor.in_steps(home, steps, timeout)


def count(
    handle: Collection[Any], conditions: tuple[Any, ...], db: Any, timeout: float | None
) -> Coroutine[Any, Any, int]:
    """Do what :meth:`Collection.count` says."""
    home = db if db is not None else _executor.home(handle._home)
    query = _loading._of_keys(handle._field, Query._of((handle._field._ends[0].cls,), True), [handle._key])
    if conditions:
        query = query.where(*conditions)
    return _executor.run(home, query._statement("count"), timeout)


def add(handle: Collection[Any], rows: tuple[Any, ...], db: Any, timeout: float | None) -> Coroutine[Any, Any, None]:
    """Do what :meth:`Collection.add` says."""
    return _change(handle, "add", list(rows), db, timeout)


def remove(handle: Collection[Any], rows: tuple[Any, ...], db: Any, timeout: float | None) -> Coroutine[Any, Any, None]:
    """Do what :meth:`Collection.remove` says."""
    return _change(handle, "remove", list(rows), db, timeout)


def replace(handle: Collection[Any], rows: Any, db: Any, timeout: float | None) -> Coroutine[Any, Any, None]:
    """Do what :meth:`Collection.set` says."""
    return _change(handle, "replace", list(rows), db, timeout)


def clear(handle: Collection[Any], db: Any, timeout: float | None) -> Coroutine[Any, Any, None]:
    """Do what :meth:`Collection.clear` says."""
    return _change(handle, "clear", [], db, timeout)


type _Change = Literal["add", "remove", "replace", "clear"]


def _change(
    handle: Collection[Any], change: _Change, rows: list[Any], db: Any, timeout: float | None
) -> Coroutine[Any, Any, None]:
    home = db if db is not None else _executor.home_to_write(handle._home)
    target, _, _, between = handle._field._ends
    model = target
    for row in rows:
        if not isinstance(row, model.cls):
            raise TypeError(f"expected an instance of {model.cls.__name__}, not {type(row).__name__}")
    key = handle._key
    # Whoever is named twice is meant once.
    rows = list({id(row): row for row in rows}.values())
    new = [row for row in rows if model.is_new(row)]
    if new and change == "remove":
        raise ValueError(f"a {model.cls.__name__} that was not inserted cannot be removed")

    async def steps(holder: Any) -> None:
        if between is not None:
            _check_between(handle, between[0])
        if not rows and change in ("add", "remove"):
            return
        change_links = _change_between if between is not None else _change_references
        if new or (between is None and change in ("add", "replace")):
            async with holder.transaction() as transaction:
                await change_links(transaction, handle, change, key, rows, new)
        else:
            await change_links(holder, handle, change, key, rows, new)
        before = list(handle.loaded) if handle.is_loaded else None
        _remember(handle, change, rows)
        if (around := _executor._transaction_of(holder)) is not None:
            around._undone.append(lambda: handle._keep(before))

    return _executor.in_steps(home, steps, timeout)


def _check_between(handle: Collection[Any], between: _native.Model) -> None:
    """Refuses what the statements over a table between, which know of keys alone, would go past."""
    declared = between.cls.__declared__
    if (
        declared.soft_delete is not None
        or declared.tenant is not None
        or _hooks.wanted(between, "insert")
        or _hooks.wanted(between, "delete")
        or _rules.wanted(between.cls)
    ):
        name = between.cls.__name__
        raise NotSupportedError(
            f"{name} has soft_delete=, tenant=, hooks or write rules, which changes of {handle._field._model.cls.__name__}."
            f"{handle._field._name} would go past; insert and delete instances of {name} instead"
        )
    for model in (handle._field._model, handle._field._ends[0]):
        if model.cls.__declared__.tenant is not None:
            _filters.check_tenant_is_set(model)


async def _change_between(
    holder: Any, handle: Collection[Any], change: _Change, key: Any, rows: list[Any], new: list[Any]
) -> None:
    """Links over a table between: one statement, and one before it for rows that are new."""
    field = handle._field
    target, own, to, between = field._ends
    assert between is not None
    if new:
        await _insert(holder, target, new)
    model, here, there = between
    sql = _native.orm_link_statement(model, here, there, change, _is_symmetric(field))
    args = list(key) if len(own) > 1 else [key]
    if change != "clear":
        args += [[getattr(row, column) for row in rows] for column in to]
    await holder.execute(sql, *args)


async def _change_references(
    holder: Any, handle: Collection[Any], change: _Change, key: Any, rows: list[Any], new: list[Any]
) -> None:
    """Links by a foreign key of the rows: they are updated, or inserted with it."""
    target, own, to, _ = handle._field._ends
    values = tuple(key) if len(own) > 1 else (key,)
    columns = [getattr(target.cls, name) for name in to]
    mine = _expressions.and_(*(column == value for column, value in zip(columns, values, strict=True)))
    keys = [getattr(target.cls, name) for name in target.key_names]
    version = [] if target.version_name is None else [target.version_name]
    read = (*keys, *(getattr(target.cls, name) for name in version))
    old = [row for row in rows if not target.is_new(row)]
    these = _loading._among(keys, [_key(row, target.key_names) for row in old])

    async def write(given: Sequence[Any], condition: Any) -> None:
        """Updates these rows; the instances of those that were there take what was written."""
        new_values = dict(zip(to, given, strict=True))
        statement = _native.orm_update(target, new_values, (condition,), False, False, (), read)
        found: list[Any] = await holder._run_statement(statement)
        lines = [(one,) if len(read) == 1 else tuple(one) for one in found]
        written = {line[: len(keys)]: line[len(keys) :] for line in lines}
        taken: list[tuple[Any, tuple[Any, ...]]] = []
        for row in old:
            # A key that is part of the primary key has come back as it is now.
            now = tuple(new_values[name] if name in new_values else getattr(row, name) for name in target.key_names)
            held = written.get(now)
            if held is not None:
                taken.append((row, (*given, *held)))
            elif change != "remove":
                raise NoRowError(f"the row of a {type(row).__name__} that is to be linked is gone")
        _take(holder, taken, to, version)

    nothing = (None,) * len(to)
    if change == "remove":
        await write(nothing, mine & these)
    elif change != "add":
        gone = mine if change == "clear" else mine & ~these
        unset = dict.fromkeys(to)
        await holder._run_statement(_native.orm_update(target, unset, (gone,), False, False, (), None))
    if change in ("add", "replace"):
        if old:
            await write(values, these)
        for row in new:
            target.take(row, to, values)
        if new:
            await _insert(holder, target, new)


def _take(holder: Any, taken: list[tuple[Any, tuple[Any, ...]]], to: list[str], version: list[str]) -> None:
    """Has instances hold the key, and the version, that was written; until a rollback, if the program left it so."""
    before = [(row, row.__model__.values(row), values) for row, values in taken]
    with _executor.remembered(holder, [row for row, _ in taken]):
        for row, values in taken:
            row.__model__.take(row, [*to, *version], values)

    def undo() -> None:
        for row, known, values in before:
            held = row.__model__.values(row)
            names = [name for name, value in zip(to, values, strict=False) if name in known and held[name] == value]
            row.__model__.take(row, names, tuple(known[name] for name in names))

    if (around := _executor._transaction_of(holder)) is not None:
        around._undone.append(undo)


def _key(row: Any, names: Sequence[str]) -> Any:
    values = tuple(getattr(row, name) for name in names)
    return values[0] if len(values) == 1 else values


async def _insert(holder: Any, model: _native.Model, rows: list[Any]) -> None:
    """Insert instances by one statement; they take what the server fills in."""
    with _executor.remembered(holder, rows):
        if len(rows) == 1:
            await holder._run_statement(_native.orm_insert(model, rows[0]))
            return
        reader = _native.RowReader(model, rows[0])
        missing = [name for name in model.column_names if name not in reader.columns]
        options: dict[str, Any] = {"returning": missing} if missing else {}
        given = [reader(row) for row in rows]
        found = await holder.insert_many(_filters.placed(model), given, columns=reader.columns, **options)
        if missing:
            for row, record in zip(rows, found, strict=True):
                model.take(row, missing, tuple(record))
        model.mark_saved(rows)


def _is_symmetric(field: LinkField) -> bool:
    return bool(getattr(field._model.cls.__declared__.links[field._name].relation, "symmetric", False))


def _remember(handle: Collection[Any], change: _Change, rows: list[Any]) -> None:
    """Has the instance know what it is linked to now, if it knew that before."""
    if change == "clear":
        handle._keep([])
    elif change == "replace":
        handle._keep(rows)
    elif not handle.is_loaded:
        handle._keep(None)
    else:
        names = handle._field._ends[0].key_names
        changed = {_key(row, names) for row in rows}
        others = [row for row in handle.loaded if _key(row, names) not in changed]
        added = {_key(row, names): row for row in rows}
        handle._keep(others if change == "remove" else [*others, *added.values()])
