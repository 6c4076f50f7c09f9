"""The awaitable that every asynchronous call returns."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from ._pool import log

if TYPE_CHECKING:

    class _Awaited[T](asyncio.Future[T], Coroutine[Any, Any, T]): ...

else:
    # At run time it is registered as a coroutine, below: deriving from both would cost each call.
    _Awaited = asyncio.Future


class _Owner(Protocol):
    def _abandon(self, reply: asyncio.Future[Any], /) -> None: ...


class Reply[T](_Awaited[T]):
    """A future that tells its pool when it is cancelled, and that may also be awaited as a coroutine.

    The statement is on its way when the call returns; awaiting only waits for the answer. ``asyncio.gather`` and
    ``asyncio.wait_for`` take it as the future that it is, ``asyncio.create_task`` and ``TaskGroup.create_task`` as a
    coroutine. ``asyncio.wait`` takes tasks only: give it what ``create_task`` has made.
    """

    __slots__ = ()

    # Set by a subclass for each pool: a class attribute costs nothing per call.
    _owner: _Owner

    def cancel(self, msg: Any = None) -> bool:
        """Gives the call up; what it runs on the server is cancelled too where that can hit nobody else."""
        if not super().cancel(msg):
            return False
        try:
            self._owner._abandon(self)
        except Exception as error:
            # Whoever cancels, asyncio's shutdown among them, expects no error here and has others to cancel as well.
            log.error("a call that was cancelled could not be given up: %r", error)
        return True

    def send(self, value: None, /) -> Reply[T]:
        """One step of a coroutine: waits, then returns the answer."""
        if self.done():
            raise StopIteration(self.result())
        self._asyncio_future_blocking = True
        return self

    def throw(self, *error: Any) -> Any:
        """Lets an exception, usually ``CancelledError``, end the wait.

        A task that is cancelled before its first step comes here without having cancelled what it would have waited for.
        """
        self.cancel()
        raise error[0] if len(error) == 1 else error[1]

    def close(self) -> None:
        """Ends the coroutine; the statement goes on."""


Coroutine.register(Reply)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - it is an ABC


def unawaited(answer: asyncio.Future[Any]) -> None:
    """Lets a call go on that nobody waits for; its error is one that whatever comes next on the connection tells again."""
    answer.add_done_callback(_ignore)


def _ignore(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled():
        answer.exception()
