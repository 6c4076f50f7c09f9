"""Intervals that no :class:`datetime.timedelta` can say."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Interval"]


class Interval(NamedTuple):
    """PostgreSQL's ``interval``: months, days and microseconds, kept apart since a month has no fixed count of days.

    Query results have a ``timedelta`` where there are no months, and an ``Interval`` where there are. Both can be sent.
    """

    months: int = 0
    days: int = 0
    microseconds: int = 0
