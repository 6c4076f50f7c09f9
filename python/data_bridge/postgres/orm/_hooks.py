"""What is called around the writing and the loading of rows.

A write whose class has hooks runs in a transaction (in one that is open, in a savepoint), which its hooks are part of: where
one of them raises, nothing is written. Classes without hooks go the way that they went before there were any.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Callable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal

from data_bridge.postgres.errors import InterfaceError
from data_bridge.postgres.sync import SyncTransaction, is_blocking

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator

    from data_bridge import _native
    from data_bridge.postgres.transaction import Transaction

    from ._table import Table

    type Write = Literal["insert", "update", "delete"]

#: Per event: the class that it was asked for, and what to call.
_hooks: dict[str, list[tuple[type, Callable[..., Any]]]] = {}
#: Per event and class: what to call, those of its bases among them. Forgotten when a hook comes or goes.
_found: dict[tuple[str, type], tuple[Callable[..., Any], ...]] = {}


def before_insert[F: Callable[..., Any]](*classes: type[Table]) -> Callable[[F], F]:
    """Has a function called with each instance of these classes before it is inserted.

    It may change the instance, or raise to keep it out. With a second parameter it is also given the transaction that it
    runs in. It may be async, but for blocking databases. Rows that are given as mappings are made instances first. An upsert
    counts as an insertion, for it may be one. What is asked for on an ``abstract`` class holds for those that derive from it.

    >>> def example():
    ...     @before_insert(User)
    ...     def normalize(user):
    ...         user.email = user.email.lower()
    """
    return _decorator("before_insert", classes)


def after_insert[F: Callable[..., Any]](*classes: type[Table]) -> Callable[[F], F]:
    """Has a function called with each instance of these classes behind its insertion; see :func:`before_insert`. It has
    what the server has filled in where one row was inserted."""
    return _decorator("after_insert", classes)


def before_update[F: Callable[..., Any]](*classes: type[Table]) -> Callable[[F], F]:
    """Has a function called with an instance of these classes before ``save()`` updates its row; see :func:`before_insert`.

    ``instance.changed_columns()`` says what has changed. Updates by a condition have no instances, and call no hooks.
    """
    return _decorator("before_update", classes)


def after_update[F: Callable[..., Any]](*classes: type[Table]) -> Callable[[F], F]:
    """The same behind the update."""
    return _decorator("after_update", classes)


def before_delete[F: Callable[..., Any]](*classes: type[Table]) -> Callable[[F], F]:
    """Has a function called with an instance of these classes before ``delete()`` deletes its row; see
    :func:`before_insert`. Deletions by a condition have no instances, and call no hooks."""
    return _decorator("before_delete", classes)


def after_delete[F: Callable[..., Any]](*classes: type[Table]) -> Callable[[F], F]:
    """The same behind the deletion."""
    return _decorator("after_delete", classes)


def after_load[F: Callable[[Any], Any]](*classes: type[Table]) -> Callable[[F], F]:
    """Has a plain function called with each instance of these classes that a query has made."""
    return _decorator("after_load", classes)


def remove_hook(function: Callable[..., Any], /) -> None:
    """Has a function not be called any more, whatever it was asked for."""
    for event, hooks in _hooks.items():
        ended = [cls for cls, hook in hooks if hook is function]
        hooks[:] = [(cls, hook) for cls, hook in hooks if hook is not function]
        _changed(event, ended)


def adopt(cls: type[Table]) -> None:
    """A class was made: hooks of its bases are its own."""
    if _hooks.get("after_load"):
        cls.__model__.on_load(_of("after_load", cls))


def wanted(model: _native.Model, write: Write) -> bool:
    """Whether anything is to be called around such a write."""
    if not _hooks:
        return False
    return bool(_of(f"before_{write}", model.cls) or _of(f"after_{write}", model.cls))


async def around_rows[R](
    holder: Any,
    model: _native.Model,
    rows: Any,
    work: Callable[[_native.Model, Any, Any, Callable[[], list[str]] | None], Coroutine[Any, Any, R]],
    *,
    after: bool = True,
) -> R:
    """The insertion of many rows; where anything is to be called they are all made instances first. An upsert, which has no
    ``after``, is told which columns these were given."""
    if not wanted(model, "insert"):
        return await work(model, holder, rows, None)
    listed: Any = [row async for row in rows] if isinstance(rows, AsyncIterable) else list(rows)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    instances = [instance(model, row) for row in listed]
    updated = None if after else given(model, listed, instances)
    return await around(
        holder,
        model,
        "insert",
        instances,
        lambda transaction: work(model, transaction, instances, updated),
        after=after,
    )


def given(model: _native.Model, rows: list[Any], instances: list[Any]) -> Callable[[], list[str]] | None:
    """What says, once hooks were called, which columns an upsert updates that is not told: those that the first row names, and
    those that a hook has changed in any. The others have defaults, which are for rows that are new.

    Nothing is to be said where the first row is an instance: that gives all that it has.
    """
    if not rows or rows[0] is instances[0]:
        return None
    named = set(rows[0])
    before: list[tuple[Any, dict[str, Any]]] = []
    for number, (row, made) in enumerate(zip(rows, instances, strict=True)):
        if row is not made and (others := sorted(set(row) - named)):
            raise ValueError(
                f"row {number} has values for {', '.join(others)}, which the first row has not; all rows of one call have the "
                "same columns"
            )
        before.append((made, {name: deepcopy(it) for name, it in model.values(made).items() if name not in named}))

    def found() -> list[str]:
        changed = {name for made, held in before for name in _differing(held, model.values(made))}
        return [name for name in model.column_names if name in named or name in changed]

    return found


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name, value in after.items() if name not in before or not _same(before[name], value)]


def _same(one: Any, other: Any) -> bool:
    # Only what is of one type is compared: a value and an expression give a condition.
    return one is other or (type(one) is type(other) and bool(one == other))


def instance(model: _native.Model, row: Any) -> Any:
    """A row as an instance."""
    if isinstance(row, model.cls):
        return row
    if isinstance(row, Mapping):
        values: dict[str, Any] = dict(row)  # pyright: ignore[reportUnknownArgumentType]
        columns = model.cls.__declared__.columns
        late = {name: values.pop(name) for name in list(values) if name in columns and not columns[name].init}
        made = model.cls(**values)
        for name, value in late.items():
            setattr(made, name, value)
        return made
    raise InterfaceError(
        f"{model.cls.__name__} has hooks, which take instances: give its rows as these, or as mappings"
    )


async def around[R](
    holder: Any,
    model: _native.Model,
    write: Write,
    rows: list[Any],
    work: Callable[[Any], Coroutine[Any, Any, R]],
    *,
    after: bool = True,
) -> R:
    """The write of these instances, with what is to be called before and behind it, all or nothing."""
    before = _of(f"before_{write}", model.cls)
    behind = _of(f"after_{write}", model.cls) if after else ()
    if not before and not behind:
        return await work(holder)
    async with holder.transaction() as transaction:
        for row in rows:
            await _call(before, row, transaction)
        answer = await work(transaction)
        for row in rows:
            await _call(behind, row, transaction)
        return answer


async def _call(hooks: tuple[Callable[..., Any], ...], row: Any, transaction: Transaction) -> None:
    blocking = is_blocking(transaction)
    for hook in hooks:
        if blocking and inspect.iscoroutinefunction(hook):
            raise InterfaceError(
                f"the hook {hook.__name__} is async, and a blocking database calls plain functions only"
            )
        args = (row, SyncTransaction(transaction) if blocking else transaction)
        answer = hook(*args[: _parameters(hook)])
        if inspect.isawaitable(answer):
            await answer


def _parameters(hook: Callable[..., Any]) -> int:
    try:
        positional = [
            each
            for each in inspect.signature(hook).parameters.values()
            if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
    except ValueError:
        return 1
    return 2 if len(positional) > 1 else 1


def _decorator(event: str, classes: tuple[type[Table], ...]) -> Callable[[Any], Any]:
    if not classes or not all(hasattr(cls, "__declared__") for cls in classes):
        raise TypeError(f"@{event}(...) names the classes that it is for")

    def register(function: Any) -> Any:
        if event == "after_load" and inspect.iscoroutinefunction(function):
            raise TypeError("after_load takes a plain function: rows are made where nothing can be awaited")
        _hooks.setdefault(event, []).extend((cls, function) for cls in classes)
        _changed(event, classes)
        return function

    return register


def _of(event: str, cls: type) -> tuple[Callable[..., Any], ...]:
    key = (event, cls)
    found = _found.get(key)
    if found is None:
        hooks = _hooks.get(event, ())
        found = _found[key] = tuple(hook for base, hook in hooks if issubclass(cls, base))
    return found


def _changed(event: str, classes: Iterable[type]) -> None:
    _found.clear()
    if event == "after_load":
        for cls in {cls for base in classes for cls in _and_derived(base)}:
            cls.__model__.on_load(_of(event, cls))


def _and_derived(base: Any) -> Iterator[type[Table]]:
    if "__model__" in vars(base):
        yield base
    for derived in base.__subclasses__():
        yield from _and_derived(derived)
