"""Transactions that are run again when the server asks for it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from . import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Serialization failure and deadlock (PostgreSQL manual, section 13.5): the transaction was rolled back, and may well
#: succeed the next time.
_MAY_SUCCEED = ("40001", "40P01")
#: Seconds before the second attempt at most, and before any later one.
_FIRST, _LONGEST = 0.02, 1.0


def pauses(retry: int) -> Iterator[float]:
    """Seconds to wait before each further attempt: growing, and drawn by lot, so that those that have met do not meet
    again."""
    if retry < 0:
        raise errors.InterfaceError(f"retry is the number of further attempts, 0 or more, not {retry}")
    return (random.uniform(0.0, min(_LONGEST, _FIRST * 2.0**attempt)) for attempt in range(retry))


def may_succeed(error: BaseException) -> bool:
    """Whether the transaction that this has ended is worth another attempt. One whose outcome is unknown is not: it may be
    in effect."""
    known: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in known:
        if isinstance(cause, errors.CommitOutcomeUnknown):
            return False
        if isinstance(cause, errors.Error) and cause.sqlstate in _MAY_SUCCEED:
            return True
        known.add(id(cause))
        # What an `except` block of the program has made of it.
        cause = cause.__cause__
    return False
