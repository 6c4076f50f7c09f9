"""Finding loops that load row by row what one query could load for all of them."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from data_bridge.postgres.errors import InterfaceError

if TYPE_CHECKING:
    from collections.abc import Generator

#: The file and the line that a call was made from.
type Place = tuple[str, int]


class NPlusOneError(InterfaceError):
    """A loop loads a link row by row. The message names the line, and what loads all of them at once."""


class NPlusOneWarning(UserWarning):
    """The same as a warning."""


class _Watch:
    def __init__(self, limit: int, action: Literal["raise", "warn"]) -> None:
        self.limit = limit
        self.action = action
        self.seen: Counter[tuple[Place, str]] = Counter()


_watch: ContextVar[_Watch | None] = ContextVar("data_bridge_n_plus_one", default=None)


@contextmanager
def detect_n_plus_one(limit: int = 3, action: Literal["raise", "warn"] = "raise") -> Generator[None]:
    """Within the block, raise or warn when one line has loaded the same link row by row more than ``limit`` times.

    Rows of one result are loaded together and do not count. What counts is, say, a function that reads one row and loads its
    link, called in a loop.
    """
    token = _watch.set(_Watch(limit, action))
    try:
        yield
    finally:
        _watch.reset(token)


def caller() -> Place | None:
    """The line of the program that runs, where somebody watches."""
    if _watch.get() is None:
        return None
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("data_bridge."):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def note(place: Place, link: str) -> None:
    """A link was loaded for one row."""
    watch = _watch.get()
    if watch is None:
        return
    watch.seen[place, link] += 1
    if watch.seen[place, link] != watch.limit + 1:
        return
    file, line = place
    name = link.partition(".")[2]
    message = (
        f"{file}:{line} has loaded {link} row by row {watch.limit + 1} times; load it with the rows: "
        f'.prefetch({link}), or fetch_links=["{name}"]'
    )
    if watch.action == "raise":
        raise NPlusOneError(message)
    warnings.warn_explicit(message, NPlusOneWarning, file, line)
