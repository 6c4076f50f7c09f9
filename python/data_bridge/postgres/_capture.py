"""What ran in a block: for tests that count queries, and to see what the ORM sends."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, overload

from data_bridge import _native

if TYPE_CHECKING:
    from types import TracebackType

#: The innermost block that listens. The native half reads it, for each statement that is run while any block does.
current: ContextVar[Capture | None] = ContextVar("data_bridge_capture", default=None)


@dataclass(frozen=True, slots=True)
class Captured:
    """One statement that has ended, well or not."""

    sql: str
    #: What it was run with: a tuple, or for several executions a list of them; only with ``capture(args=True)``, for values
    #: do not belong into logs. ``None`` also where rows travelled by COPY or as arrays.
    args: Any = field(repr=False)
    #: How many executions were sent as one.
    executions: int
    #: Rows that came back, or were affected.
    rows: int
    #: Seconds from the call to the answer, the wait for a connection included.
    seconds: float
    error: BaseException | None


class Capture(Sequence[Captured]):
    """The statements of a ``with`` or ``async with`` block, in the order in which they ended; a sequence.

    It hears of what the block's own context runs, and of the tasks that are started in it; on any connection, whichever
    object was asked to capture. What opens and ends transactions is not listed.
    """

    def __init__(self, *, args: bool = False) -> None:
        self._args = args
        self._captured: list[Captured] = []
        self._around: Capture | None = None
        self._is_entered = False
        self._is_over = False

    def tell(
        self, sql: str, args: Any, executions: int, rows: int, seconds: float, error: BaseException | None, /
    ) -> None:
        """Called by the native half when a statement has ended."""
        if not self._is_over:
            given = args if self._args else None
            self._captured.append(Captured(sql, given, executions, rows, seconds, error))
        if self._around is not None:
            self._around.tell(sql, args, executions, rows, seconds, error)

    @property
    def sql(self) -> list[str]:
        """The texts alone."""
        return [each.sql for each in self._captured]

    @overload
    def __getitem__(self, index: int) -> Captured: ...
    @overload
    def __getitem__(self, index: slice) -> list[Captured]: ...
    def __getitem__(self, index: int | slice) -> Captured | list[Captured]:
        return self._captured[index]

    def __len__(self) -> int:
        return len(self._captured)

    def __repr__(self) -> str:
        lines = (f"\n  {each.seconds * 1000:.1f} ms, {each.rows} rows: {each.sql}" for each in self._captured)
        return f"<{len(self)} statements{''.join(lines)}>"

    def __enter__(self) -> Self:
        if self._is_entered:
            raise RuntimeError("a capture is entered once; make another one")
        self._around = current.get()
        self._is_entered = True
        current.set(self)
        _native.capturing(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Tasks that were started in the block and outlive it go on with its context: what they run is not heard any more.
        self._is_over = True
        _native.capturing(-1)
        # No token: a fixture is left in another context than it was entered in.
        current.set(self._around)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def capture(*, args: bool = False) -> Capture:
    """Lists what runs in a ``with`` or ``async with`` block; with ``args=True`` with the values it was run with.

    >>> async def example(db):
    ...     async with db.capture() as queries:
    ...         await db.fetch("SELECT 1")
    ...     assert queries.sql == ["SELECT 1"]
    """
    return Capture(args=args)
