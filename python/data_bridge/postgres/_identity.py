"""One instance for each row within a transaction: the same key gives the same object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable

_NOTHING = object()


class Identities:
    """The instances that a transaction has given out, by class and primary key."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Any] = {}

    async def unified(self, answer: Awaitable[Any]) -> Any:
        """What a statement has found, with the instances that are known already in place of new ones."""
        return self._unify(await answer)

    def _unify(self, found: Any) -> Any:
        if type(found) is list:
            return list(map(self._unify, cast("Any", found)))
        if type(found) is tuple:
            return tuple(map(self._unify, cast("Any", found)))
        return self._instance(found) if hasattr(found, "__model__") else found

    def _instance(self, found: Any) -> Any:
        model: Any = found.__model__
        # Not by attributes: to read one that the query has left out is an error.
        held: dict[str, Any] = model.values(found)
        values: tuple[Any, ...] = tuple(map(held.get, model.key_names))
        if not values or None in values:
            return found
        key: tuple[Any, ...] = (model.cls, *values)
        known: Any = self._known.get(key)
        if known is None or (known is not found and model.is_new(known)):
            # The first; or the row of the one that was known is gone, so this is another.
            known = self._known[key] = found
        if known is not found:
            _renew(model, known, held)
        for name in model.link_names:
            # What a join has brought along goes to the instance that stays.
            slot = f"_linked_{name}"
            linked = getattr(found, slot, None)
            if hasattr(linked, "__model__"):
                setattr(known, slot, self._instance(linked))
        return known


def _renew(model: Any, known: Any, held: dict[str, Any]) -> None:
    """The instance that stays takes what the row holds by now, but in columns that the program has changed, and in those
    that were not read."""
    kept, before = model.changed(known), model.values(known)
    # Only what differs: a key that is set anew forgets what it was known to lead to.
    values = {name: value for name, value in held.items() if name not in kept and before.get(name, _NOTHING) != value}
    model.take(known, list(values), tuple(values.values()))
