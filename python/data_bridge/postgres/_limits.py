"""Time limits of calls that take several steps.

On the asyncio front the limit cancels the steps, and what undoes them does not hold up the caller where the server is
silent. The blocking front cannot be interrupted: there each step is given what is left of the time.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from . import errors

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any


def checked(timeout: float | None) -> float | None:
    """The timeout, if it is one."""
    if timeout is not None and math.isnan(timeout):
        raise errors.InterfaceError("a timeout is a number of seconds")
    return timeout


def expired(timeout: float) -> errors.QueryTimeout:
    """What a call of several steps raises when its time is over."""
    return errors.QueryTimeout(f"not done after {timeout:g} seconds; the call was given up")


async def in_time[T](timeout: float, work: Coroutine[Any, Any, T]) -> T:
    """The asyncio front's limit."""
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            return await work
    except TimeoutError:
        # The program's own rows may raise one too.
        if not limit.expired():
            raise
        raise expired(timeout) from None


class Deadlines:
    """The blocking front's limit: what has it gives each step what is left of the time."""

    #: When the call must be done, by ``time.monotonic()``.
    _deadline: float | None = None

    def _left(self, timeout: float | None = None) -> float | None:
        """Seconds that the next step may take."""
        if self._deadline is None:
            return timeout
        left = max(0.0, self._deadline - time.monotonic())
        return left if timeout is None else min(left, timeout)

    def _within[T](self, timeout: float | None, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        return work if timeout is None else self._in_time(timeout, work)

    async def _in_time[T](self, timeout: float, work: Coroutine[Any, Any, T]) -> T:
        before = self._deadline
        self._deadline = deadline = time.monotonic() + timeout
        try:
            return await work
        except errors.QueryTimeout:
            # The program's own rows may raise one too.
            if time.monotonic() < deadline:
                raise
            raise expired(timeout) from None
        finally:
            self._deadline = before
