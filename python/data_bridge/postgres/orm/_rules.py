"""Write rules: what becomes of the rows that refer to those that are deleted.

``Column(foreign_key="users.id", rule="deny")`` has the deletion of a user refused while such rows are there, and ``rule="soft"``
has them deleted softly along with the user, and what refers to them in turn. What ``on_delete=`` says is the server's
business, and is about rows that are removed; rules are about rows that are marked as deleted too, of which the server knows
nothing. They hold for ``delete()`` of instances and ``delete_many`` of classes, each in one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import ref

from data_bridge import _native
from data_bridge.postgres.errors import InterfaceError

from ._errors import DeniedError
from ._select import select

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from data_bridge.postgres.transaction import Transaction

    from ._table import Table

    type Kind = Literal["deny", "soft"]
    #: Per column that is referred to: its values in the rows that are deleted.
    type Keys = dict[str, list[Any]]


@dataclass(frozen=True)
class _Rule:
    kind: Kind
    child: ref[type[Table]]
    column: str
    target: str


#: Per table that is referred to, and per referring table and column.
_rules: dict[str, dict[tuple[str, str], _Rule]] = defaultdict(dict)


def declare(cls: type[Table]) -> None:
    """Takes the rules out of a class that was made."""
    own = _key(cls)
    for spec in cls.__declared__.columns.values():
        if spec.rule is None:
            continue
        if spec.foreign_key is None:
            raise TypeError(f"{cls.__name__}.{spec.name} has a rule, which needs a foreign_key")
        if spec.rule == "soft" and cls.__declared__.soft_delete is None:
            raise TypeError(
                f'{cls.__name__}.{spec.name} has rule="soft", so the class says by which column: soft_delete="deleted_at"'
            )
        table, target = _native.orm_split_foreign_key(spec.foreign_key)
        _rules[table][own, spec.name] = _Rule(spec.rule, ref(cls), spec.name, target)
        circle = _circle(own) if spec.rule == "soft" else None
        if circle is not None:
            del _rules[table][own, spec.name]
            raise TypeError(
                f"soft deletes would go round in a circle, {' -> '.join(circle)}: of {cls.__name__}.{spec.name} and the others, "
                "one has to do without the rule"
            )


def wanted(cls: type[Table]) -> bool:
    """Whether anything refers to this class by a rule."""
    return bool(_rules) and bool(_rules.get(_key(cls)))


def check_statement(cls: type[Table]) -> None:
    """Refuses a DELETE that would go past the rules."""
    if wanted(cls):
        children = ", ".join(f"{child.__name__}.{rule.column}" for child, rule in _children(cls))
        raise InterfaceError(
            f"{children} refers to {cls.__name__} by a rule, which a statement alone cannot keep; use delete_many, or delete() "
            "of an instance"
        )


async def delete_many(holder: Any, cls: type[Table], conditions: Sequence[Any], *, hard: bool = False) -> int:
    """Deletes the rows for which the conditions are true (without one, all), as the rules say."""
    if not wanted(cls):
        statement = _native.orm_delete(cls.__model__, conditions, not conditions, False, (), None, hard)
        return int(await holder._run_statement(statement))

    model = cls.__model__

    async def remove(transaction: Transaction, keys: Keys) -> int:
        # Just the rows that were found, whatever the condition would find by now: by the key, which is never NULL.
        names = model.key_names
        if names:
            found = keys[names[0]] if len(names) == 1 else list(zip(*(keys[name] for name in names), strict=True))
            one_of = _native.orm_has_key(model, found)
        else:
            target, found = next(iter(keys.items()))
            one_of = getattr(cls, target).in_(_known(found))
        statement = _native.orm_delete(model, [one_of], False, False, (), None, hard)
        return int(await transaction._run_statement(statement))

    return await _guarded(holder, cls, _finder(cls, conditions, hard=hard), remove, hard=hard)


async def delete_one[R](
    holder: Any, cls: type[Table], conditions: Sequence[Any], work: Callable[[Any], Awaitable[R]]
) -> R:
    """Deletes the row for which the conditions are true, by ``work``, as the rules say."""
    return await _guarded(
        holder, cls, _finder(cls, conditions, hard=False), lambda transaction, _: work(transaction), hard=False
    )


async def delete_instance(holder: Any, instance: Table, work: Callable[[Any], Awaitable[None]]) -> None:
    """Deletes the row of an instance, by ``work``, as the rules say."""
    cls = type(instance)
    if not wanted(cls):
        return await work(holder)

    async def find(transaction: Transaction) -> Keys:
        model = cls.__model__
        held = model.values(instance)
        if model.key_names and any(rule.target not in held for rule in _of(cls)):
            # A query has left them out.
            key = [getattr(instance, name) for name in model.key_names]
            its_own = _native.orm_has_key(model, [tuple(key) if len(key) > 1 else key[0]])
            return await _finder(cls, [its_own], hard=False)(transaction)
        return {rule.target: [getattr(instance, rule.target)] for rule in _of(cls)}

    return await _guarded(holder, cls, find, lambda transaction, _: work(transaction), hard=False)


def _finder(
    cls: type[Table], conditions: Sequence[Any], *, hard: bool
) -> Callable[[Transaction], Coroutine[Any, Any, Keys]]:
    targets = sorted({*(rule.target for rule in _of(cls)), *cls.__model__.key_names})

    async def find(transaction: Transaction) -> Keys:
        query: Any = select(*(getattr(cls, target) for target in targets)).where(*conditions).for_update()
        rows: list[Any] = await (query.with_deleted() if hard else query).all(db=transaction)
        return {target: [row[index] for row in rows] for index, target in enumerate(targets)}

    return find


async def _guarded[R](
    holder: Any,
    cls: type[Table],
    find: Callable[[Any], Awaitable[Keys]],
    remove: Callable[[Any, Keys], Awaitable[R]],
    *,
    hard: bool,
) -> R:
    async with holder.transaction() as transaction:
        keys = await find(transaction)
        if any(keys.values()):
            await _deny(transaction, cls, keys)
        answer = await remove(transaction, keys)
        if any(keys.values()) and not hard and cls.__declared__.soft_delete is not None:
            # Behind the rows that they refer to: so a tree that bites its own tail comes to an end.
            for child, rule in _children(cls, "soft"):
                known = _known(keys[rule.target])
                if known:
                    await delete_many(transaction, child, [getattr(child, rule.column).in_(known)])
        return answer


async def _deny(transaction: Transaction, cls: type[Table], keys: Keys) -> None:
    for child, rule in _children(cls, "deny"):
        known = _known(keys[rule.target])
        if not known:
            continue
        referring = getattr(child, rule.column).in_(known)
        if child is cls:
            # Those that go along do not mind.
            referring &= getattr(cls, rule.target).not_in(known)
        count: int = await child.select().where(referring).count(db=transaction)
        if count:
            raise DeniedError(
                f"{count} rows of {child.__model__.table_name} refer to rows of {cls.__model__.table_name} that would be "
                f'deleted; {child.__name__}.{rule.column} has rule="deny"',
                sqlstate="23001",
                table_name=child.__model__.table_name,
                column_name=rule.column,
            )


def _known(values: list[Any]) -> list[Any]:
    """The values that something may refer to: nothing refers to NULL."""
    return [value for value in values if value is not None]


def _children(cls: type[Table], kind: Kind | None = None) -> list[tuple[type[Table], _Rule]]:
    found = ((rule.child(), rule) for rule in _of(cls) if kind in (None, rule.kind))
    return [(child, rule) for child, rule in found if child is not None]


def _of(cls: type[Table]) -> list[_Rule]:
    return list(_rules[_key(cls)].values())


def _circle(start: str) -> list[str] | None:
    """The tables of a circle of soft deletes that this table is part of; one that refers to itself is a tree."""

    def search(table: str, path: list[str]) -> list[str] | None:
        for (child, _), rule in _rules.get(table, {}).items():
            if rule.kind != "soft" or child == table or rule.child() is None:
                continue
            if child == start:
                return [*path, child]
            if child not in path and (circle := search(child, [*path, child])) is not None:
                return circle
        return None

    return search(start, [start])


def _key(cls: type[Table]) -> str:
    model = cls.__model__
    return model.table_name if model.schema_name is None else f"{model.schema_name}.{model.table_name}"
