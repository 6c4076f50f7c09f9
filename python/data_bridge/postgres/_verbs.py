"""What can be run on a database, a connection and a transaction alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence

    from data_bridge._native import Record

    from .database import Connection


class AsyncVerbs:
    """The verbs, written once upon three things that each holder has: how to run one statement (``_run``), and how to
    take and give back a connection of its own (``_exclusive``, ``_give_back``)."""

    if TYPE_CHECKING:

        def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Awaitable[Any]: ...
        async def _exclusive(self) -> Connection: ...
        async def _give_back(self, connection: Connection) -> None: ...

    def fetch(self, sql: str, /, *args: Any, timeout: float | None = None) -> Awaitable[list[Record]]:
        """All rows of a query."""
        return self._run(sql, args, "rows", timeout=timeout)

    def fetch_row(self, sql: str, /, *args: Any, timeout: float | None = None) -> Awaitable[Record | None]:
        """The first row of a query, or ``None``."""
        return self._run(sql, args, "row", timeout=timeout)

    def fetch_val(self, sql: str, /, *args: Any, column: int = 0, timeout: float | None = None) -> Awaitable[Any]:
        """One value of the first row, or ``None``."""
        return self._run(sql, args, "value", column=column, timeout=timeout)

    def execute(self, sql: str, /, *args: Any, timeout: float | None = None) -> Awaitable[int]:
        """Runs a statement; the number of rows affected."""
        return self._run(sql, args, "count", timeout=timeout)

    def fetch_many(
        self, sql: str, args: Iterable[Sequence[Any]], /, *, timeout: float | None = None
    ) -> Awaitable[list[Record]]:
        """All rows of one query run with many sets of arguments, in their order: one write, one Sync, and if one of them
        fails none is answered.

        >>> async def example(db):
        ...     return await db.fetch_many("SELECT * FROM t WHERE id = $1", [(1,), (2,)])
        """
        return self._run(sql, [tuple(row) for row in args], "rows", timeout=timeout)

    async def stream(self, sql: str, /, *args: Any, batch: int = 1000) -> AsyncIterator[Record]:
        """The rows of a query one by one, ``batch`` of them in memory at a time.

        >>> async def example(db):
        ...     async for record in db.stream("SELECT * FROM flights", batch=5_000):
        ...         print(record)
        """
        connection = await self._exclusive()
        try:
            async with connection.transaction():
                connection._portals += 1
                portal = f"data_bridge_{connection._portals}"
                rows, more = await connection._run(sql, args, "page", portal=portal, page_size=batch)
                for row in rows:
                    yield row
                while more:
                    rows, more = await connection._run(sql, args, "page", portal=portal, page_size=batch, more=True)
                    for row in rows:
                        yield row
        finally:
            await self._give_back(connection)
