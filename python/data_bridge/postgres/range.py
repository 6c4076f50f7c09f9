"""Ranges and multiranges (PostgreSQL manual, section 8.17) as immutable Python values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, Self, final

__all__ = ["Bounds", "Multirange", "Range"]

#: Which of the two bounds belong to a range, ``[`` and ``]`` being those that do; an empty range has none.
Bounds = Literal["[]", "[)", "(]", "()", "empty"]

_BOUNDS = ("[]", "[)", "(]", "()", "empty")


@final
class Range[T]:
    """The values between two bounds: ``Range(1, 5)`` is 1, 2, 3, 4, and ``None`` as a bound is no bound.

    ``bounds`` says which bounds belong to the range, by default the lower one. Ranges are immutable and hashable; ``in`` takes a
    value or a range; ``&``, ``|`` and ``-`` are PostgreSQL's ``*``, ``+`` and ``-``. The server brings ranges of integers and of
    dates into the form ``[)``, so that ``Range(1, 4, "[]")`` comes back as ``Range(1, 5)``.
    """

    __slots__ = ("_bounds", "_lower", "_upper")
    _lower: T | None
    _upper: T | None
    _bounds: Bounds

    def __init__(self, lower: T | None = None, upper: T | None = None, bounds: Bounds = "[)") -> None:
        """Bounds in the wrong order are a ``ValueError``."""
        if bounds not in _BOUNDS:
            raise ValueError(f"bounds are one of {', '.join(_BOUNDS)}, not {bounds!r}")
        low: Any = lower
        high: Any = upper
        if bounds == "empty":
            if low is not None or high is not None:
                raise ValueError("an empty range has no bounds")
        elif low is not None and high is not None:
            if high < low:
                raise ValueError("the lower bound of a range must not be greater than the upper one")
            # As for the server: without both bounds nothing is between equal ones.
            if low == high and bounds != "[]":
                low, high, bounds = None, None, "empty"
        if low is None and bounds[0] == "[":
            bounds = "(]" if bounds[1] == "]" else "()"
        if high is None and bounds[-1] == "]":
            bounds = "[)" if bounds[0] == "[" else "()"
        object.__setattr__(self, "_lower", low)
        object.__setattr__(self, "_upper", high)
        object.__setattr__(self, "_bounds", bounds)

    def __setattr__(self, name: str, value: object) -> None:
        """Ranges do not change."""
        raise AttributeError("a Range does not change; make another one")

    @classmethod
    def empty(cls) -> Self:
        """The range of no values."""
        return cls(bounds="empty")

    @property
    def lower(self) -> T | None:
        """The lower bound, ``None`` where there is none."""
        return self._lower

    @property
    def upper(self) -> T | None:
        """The upper bound, ``None`` where there is none."""
        return self._upper

    @property
    def bounds(self) -> Bounds:
        """Which bounds belong to it; a bound that is not there does not."""
        return self._bounds

    @property
    def lower_inc(self) -> bool:
        """Whether the lower bound belongs to it."""
        return self.bounds[0] == "["

    @property
    def upper_inc(self) -> bool:
        """Whether the upper bound belongs to it."""
        return self.bounds[-1] == "]"

    @property
    def lower_inf(self) -> bool:
        """Whether it has no lower bound."""
        return self.lower is None and not self.is_empty

    @property
    def upper_inf(self) -> bool:
        """Whether it has no upper bound."""
        return self.upper is None and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether it has no values."""
        return self.bounds == "empty"

    def __contains__(self, value: T | Range[T]) -> bool:
        """Whether a value, or every value of another range, is in it."""
        if isinstance(value, Range):
            other: Range[Any] = value  # pyright: ignore[reportUnknownVariableType]
            if other.is_empty or self.is_empty:
                return other.is_empty
            return _starts(self, other) <= 0 and _ends(self, other) >= 0
        if self.is_empty:
            return False
        found: Any = value
        low: Any = self.lower
        high: Any = self.upper
        above = low is None or low < found or (self.lower_inc and low == found)
        below = high is None or found < high or (self.upper_inc and found == high)
        return bool(above and below)

    def overlaps(self, other: Range[T]) -> bool:
        """Whether they have values in common (``&&``)."""
        return not (self & other).is_empty

    def is_adjacent(self, other: Range[T]) -> bool:
        """Whether one begins where the other ends, with nothing between or in common (``-|-``).

        As for the server's continuous ranges; of whole numbers and dates it is only seen in the form ``[)``.
        """
        if self.is_empty or other.is_empty:
            return False
        return _meet(self, other) or _meet(other, self)

    def is_left_of(self, other: Range[T]) -> bool:
        """Whether every value is before every value of the other (``<<``)."""
        if self.is_empty or other.is_empty:
            return False
        high: Any = self.upper
        low: Any = other.lower
        if high is None or low is None:
            return False
        return bool(high < low or (high == low and not (self.upper_inc and other.lower_inc)))

    def is_right_of(self, other: Range[T]) -> bool:
        """Whether every value is after every value of the other (``>>``)."""
        return other.is_left_of(self)

    def __and__(self, other: Range[T]) -> Range[T]:
        """What both have in common."""
        if self.is_empty or other.is_empty or self.is_left_of(other) or other.is_left_of(self):
            return Range[T].empty()
        return _between(
            other if _starts(self, other) < 0 else self,
            other if _ends(self, other) > 0 else self,
        )

    def __or__(self, other: Range[T]) -> Range[T]:
        """The values of both; a ``ValueError`` where there is a gap between them."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        if not (self.overlaps(other) or self.is_adjacent(other)):
            raise ValueError("the ranges do not touch, and their union is no range; a Multirange holds both")
        return _span(self, other)

    def __sub__(self, other: Range[T]) -> Range[T]:
        """The values that the other does not have; a ``ValueError`` where those are on both sides of it."""
        if self.is_empty or other.is_empty or not self.overlaps(other):
            return self
        starts, ends = _starts(self, other) < 0, _ends(self, other) > 0
        if starts and ends:
            raise ValueError("the difference is two ranges, which a Range cannot hold")
        if starts:
            return Range(self.lower, other.lower, _bounds(self.lower_inc, not other.lower_inc))
        if ends:
            return Range(other.upper, self.upper, _bounds(not other.upper_inc, self.upper_inc))
        return Range[T].empty()

    def __bool__(self) -> bool:
        """Whether it has any values."""
        return not self.is_empty

    def __eq__(self, other: object) -> bool:
        """The same bounds of the same kind."""
        if not isinstance(other, Range):
            return NotImplemented
        return self._key() == other._key()  # pyright: ignore[reportUnknownMemberType]

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        return Range, self._key()

    def __repr__(self) -> str:
        if self.is_empty:
            return "Range.empty()"
        bounds = "" if self.bounds == _bounds(self.lower is not None, False) else f", {self.bounds!r}"
        return f"Range({self.lower!r}, {self.upper!r}{bounds})"

    def _key(self) -> tuple[T | None, T | None, Bounds]:
        return self.lower, self.upper, self.bounds


@final
class Multirange[T](tuple[Range[T], ...]):
    """Several ranges in order, without gaps of nothing: empty ranges are left out, those that touch become one."""

    __slots__ = ()

    def __new__(cls, ranges: Iterable[Range[T]] = ()) -> Self:
        """Sort and join the ranges, as the server does."""
        joined: list[Range[T]] = []
        for one in sorted((one for one in ranges if one), key=_Start):
            if joined and (joined[-1].overlaps(one) or joined[-1].is_adjacent(one)):
                joined[-1] = _span(joined[-1], one)
            else:
                joined.append(one)
        return super().__new__(cls, joined)

    def __contains__(self, value: object) -> bool:
        """Whether a value, or every value of a range, is in one of the ranges."""
        wanted: Any = value
        return (isinstance(wanted, Range) and wanted.is_empty) or any(wanted in one for one in self)  # pyright: ignore[reportUnknownMemberType]

    def overlaps(self, other: Range[T] | Iterable[Range[T]]) -> bool:
        """Whether there is a value in common."""
        return any(one.overlaps(each) for one in self for each in _ranges(other))

    def __repr__(self) -> str:
        return f"Multirange([{', '.join(map(repr, self))}])"


def _ranges[T](other: Range[T] | Iterable[Range[T]]) -> Iterator[Range[T]]:
    return iter((other,) if isinstance(other, Range) else other)


class _Start:
    """Orders ranges by where they start."""

    __slots__ = ("of",)

    def __init__(self, of: Range[Any]) -> None:
        self.of = of

    def __lt__(self, other: _Start) -> bool:
        return _starts(self.of, other.of) < 0


def _starts(one: Range[Any], other: Range[Any]) -> int:
    """Negative where ``one`` starts first, 0 where both start together."""
    if one.lower is None or other.lower is None:
        return (other.lower is None) - (one.lower is None)
    if one.lower == other.lower:
        return other.lower_inc - one.lower_inc
    return -1 if one.lower < other.lower else 1


def _ends(one: Range[Any], other: Range[Any]) -> int:
    """Negative where ``one`` ends first, 0 where both end together."""
    if one.upper is None or other.upper is None:
        return (one.upper is None) - (other.upper is None)
    if one.upper == other.upper:
        return one.upper_inc - other.upper_inc
    return -1 if one.upper < other.upper else 1


def _meet(left: Range[Any], right: Range[Any]) -> bool:
    touches = left.upper is not None and left.upper == right.lower
    return bool(touches and left.upper_inc != right.lower_inc)


def _between[T](start: Range[T], end: Range[T]) -> Range[T]:
    return Range(start.lower, end.upper, _bounds(start.lower_inc, end.upper_inc))


def _span[T](one: Range[T], other: Range[T]) -> Range[T]:
    return _between(
        one if _starts(one, other) <= 0 else other,
        one if _ends(one, other) >= 0 else other,
    )


def _bounds(lower: bool, upper: bool) -> Bounds:
    return ("[]" if upper else "[)") if lower else ("(]" if upper else "()")
