"""What can be run on a database, a connection and a transaction alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from . import _bulk, errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable, Sequence

    from data_bridge._native import Record

    from ._bulk import OnDuplicate, Rows, UpsertResult
    from .database import Connection


class AsyncVerbs:
    """The verbs, written once upon three things that each holder has: how to run one statement (``_run``), and how to
    take and give back a connection of its own (``_exclusive``, ``_give_back``)."""

    if TYPE_CHECKING:

        def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Awaitable[Any]: ...
        async def _exclusive(self) -> Connection: ...
        async def _give_back(self, connection: Connection) -> None: ...

    @property
    def _in_transaction(self) -> bool:
        """Whether what is run now becomes part of a transaction."""
        return False

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

    def execute_many(self, sql: str, rows: Rows, /) -> Coroutine[Any, Any, int]:
        """Runs a statement once for each row of arguments, all or none; the number of rows affected.

        The executions are sent in one go; from 1,000 on in pieces within a transaction, the next piece encoded while
        the server works on the last. ``rows`` is any iterable or async iterable of sequences.
        """
        return _bulk.execute_many(self, sql, rows)

    @overload
    def insert_many(
        self,
        table: str,
        rows: Rows,
        columns: Sequence[str] | None = None,
        *,
        method: Literal["auto", "copy", "unnest"] = "auto",
    ) -> Coroutine[Any, Any, int]: ...
    @overload
    def insert_many(
        self,
        table: str,
        rows: Rows,
        columns: Sequence[str] | None = None,
        *,
        returning: Sequence[str],
        method: Literal["auto", "copy", "unnest"] = "auto",
    ) -> Coroutine[Any, Any, list[Record]]: ...
    def insert_many(
        self,
        table: str,
        rows: Rows,
        columns: Sequence[str] | None = None,
        *,
        returning: Sequence[str] | None = None,
        method: Literal["auto", "copy", "unnest"] = "auto",
    ) -> Coroutine[Any, Any, Any]:
        """Inserts rows, all or none; their number, or with ``returning`` a record of these columns for each.

        The records are in the rows' order.

        ``rows`` is any iterable or async iterable of tuples, lists, records, dicts, or objects with the columns as
        attributes. ``columns`` names the columns that they give; without it those are the names in the first row, or for
        plain tuples all columns of the table in their order, but those that the server always fills itself.

        Few rows travel in one statement, many by COPY, read from the iterable as they are sent. ``table`` is a name or
        ``schema.name``, taken literally.

        >>> async def example(db):
        ...     return await db.insert_many("points", ((x, x * x) for x in range(1_000_000)), columns=["x", "y"])
        """
        return _bulk.insert_many(self, table, rows, columns, returning, method)

    def upsert_many(
        self,
        table: str,
        rows: Rows,
        *,
        conflict_columns: Sequence[str],
        update_columns: Sequence[str] | None = None,
        on_duplicate: OnDuplicate = "last",
        do_nothing: bool = False,
        where: str | None = None,
        returning: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        method: Literal["auto", "stage", "unnest"] = "auto",
    ) -> Coroutine[Any, Any, UpsertResult]:
        """Inserts rows, and updates those whose ``conflict_columns`` are there already; all or none.

        ``conflict_columns`` are those of a primary key or unique index. Updated are ``update_columns``, by default all
        given columns outside the key; none with ``do_nothing=True``. ``where`` is SQL, never built from foreign input:
        only rows for which it holds are updated; in it the table's name means the row that is there, and ``excluded``
        the new one. Of several rows with one key ``on_duplicate`` says which counts. For ``rows`` and ``columns`` see
        :meth:`insert_many`; many rows go by COPY through a temporary table.

        >>> async def example(db):
        ...     result = await db.upsert_many("points", [(1, 2), (3, 4)], columns=["x", "y"], conflict_columns=["x"])
        ...     return result.inserted, result.updated
        """
        return _bulk.upsert_many(
            self,
            table,
            rows,
            conflict_columns=conflict_columns,
            update_columns=update_columns,
            on_duplicate=on_duplicate,
            do_nothing=do_nothing,
            where=where,
            returning=returning,
            columns=columns,
            method=method,
        )

    async def stream(self, sql: str, /, *args: Any, batch: int = 1000) -> AsyncIterator[Record]:
        """The rows of a query one by one, ``batch`` of them in memory at a time.

        >>> async def example(db):
        ...     async for record in db.stream("SELECT * FROM flights", batch=5_000):
        ...         print(record)
        """
        if batch < 1:
            raise errors.InterfaceError(f"batch must be 1 or more, not {batch}")
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
