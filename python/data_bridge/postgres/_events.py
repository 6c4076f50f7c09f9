"""What a database tells of its transactions."""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal, get_args

from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

type Event = Literal["begin", "commit", "rollback"]

_EVENTS = get_args(Event.__value__)


class Events:
    """The functions that a database calls, by event."""

    def __init__(self) -> None:
        self._called: dict[str, list[Callable[[Any], Any]]] = defaultdict(list)

    def on[F: Callable[[Any], Any]](self, event: Event) -> Callable[[F], F]:
        """See ``Database.on``."""
        if event not in _EVENTS:
            raise errors.InterfaceError(f"the events are {', '.join(_EVENTS)}, not {event!r}")

        def register(function: F) -> F:
            self._called[event].append(function)
            return function

        return register

    async def tell(self, event: Event, transaction: Any, *, blocking: bool) -> None:
        """Calls them with the transaction."""
        await call_all([(function, transaction) for function in self._called.get(event, ())], blocking=blocking)


async def call_all(calls: Iterable[tuple[Callable[..., Any], Any]], *, blocking: bool) -> None:
    """Calls functions, all of them; then raises what the first has raised that failed."""
    failed: Exception | None = None
    for function, argument in calls:
        try:
            if blocking and inspect.iscoroutinefunction(function):
                name = getattr(function, "__name__", repr(function))
                raise errors.InterfaceError(f"{name} is async, and a blocking database calls plain functions only")
            answer = function() if argument is None else function(argument)
            if inspect.isawaitable(answer):
                await answer
        except Exception as error:
            failed = failed or error
    if failed is not None:
        raise failed
