"""What can be run on a database, a connection and a transaction alike."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Literal, overload

from . import _bulk, _rows, _tables, errors
from ._capture import Capture, capture
from ._limits import checked, in_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence

    from data_bridge._native import Record

    from ._bulk import OnDuplicate, Rows, UpsertResult
    from ._reply import Reply
    from .database import Member
    from .orm import Table
    from .transaction import Transaction


class AsyncVerbs:
    """The verbs, written once upon three things that each holder has: how to run one statement (``_run``), and how to
    take and give back a connection of its own (``_exclusive``, ``_give_back``)."""

    if TYPE_CHECKING:

        def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Reply[Any]: ...
        async def _exclusive(self, timeout: float | None = None) -> Member: ...
        async def _give_back(self, connection: Member) -> None: ...

    def _check(self) -> None:
        """Refuses a holder that is over."""

    def _within[T](self, timeout: float | None, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """A call of several steps that must be done in time."""
        return work if timeout is None else in_time(timeout, work)

    @property
    def _in_transaction(self) -> bool:
        """Whether what is run now becomes part of a transaction."""
        return False

    @property
    def _transaction(self) -> Transaction | None:
        """The holder, if it is a transaction: what a routine opens is nested in it."""
        return None

    def capture(self, *, args: bool = False) -> Capture:
        """Lists what a ``with`` or ``async with`` block runs; see :func:`capture`."""
        return capture(args=args)

    def create_all(self, *tables: type[Table] | str) -> Coroutine[Any, Any, None]:
        """Creates tables, without any named all that are known, and what they need; see :func:`create_all`."""
        running: Coroutine[Any, Any, None] = _tables.create_all(self, tables)
        return running

    def drop_all(self, *tables: type[Table] | str) -> Coroutine[Any, Any, None]:
        """Drops tables, without any named all that are known; see :func:`drop_all`."""
        running: Coroutine[Any, Any, None] = _tables.drop_all(self, tables)
        return running

    def fetch(self, sql: str, /, *args: Any, timeout: float | None = None) -> Reply[list[Record]]:
        """All rows of a query."""
        return self._run(sql, args, "rows", timeout=timeout)

    def fetch_row(self, sql: str, /, *args: Any, timeout: float | None = None) -> Reply[Record | None]:
        """The first row of a query, or ``None``."""
        return self._run(sql, args, "row", timeout=timeout)

    def fetch_val(self, sql: str, /, *args: Any, column: int = 0, timeout: float | None = None) -> Reply[Any]:
        """One value of the first row, or ``None``."""
        return self._run(sql, args, "value", column=column, timeout=timeout)

    def execute(self, sql: str, /, *args: Any, timeout: float | None = None) -> Reply[int]:
        """Runs a statement; the number of rows affected."""
        return self._run(sql, args, "count", timeout=timeout)

    def fetch_many(
        self, sql: str, args: Iterable[Sequence[Any]], /, *, timeout: float | None = None
    ) -> Reply[list[Record]]:
        """All rows of one query run with many sets of arguments, in their order: one write, one Sync, and if one of them
        fails none is answered.

        >>> async def example(db):
        ...     return await db.fetch_many("SELECT * FROM t WHERE id = $1", [(1,), (2,)])
        """
        return self._run(sql, _rows.positional(args), "rows", timeout=timeout)

    def execute_many(self, sql: str, rows: Rows, /, *, timeout: float | None = None) -> Coroutine[Any, Any, int]:
        """Runs a statement once for each row of arguments, all or none; the number of rows affected.

        The executions are sent in one go; from 1,000 on in pieces within a transaction, the next piece encoded while
        the server works on the last. ``rows`` is any iterable or async iterable of sequences. ``timeout`` is for the
        whole call.
        """
        checked(timeout)
        return self._within(timeout, _bulk.execute_many(self, sql, rows))

    @overload
    def insert_many(
        self,
        table: str,
        rows: Rows,
        columns: Sequence[str] | None = None,
        *,
        method: Literal["auto", "copy", "unnest"] = "auto",
        timeout: float | None = None,
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
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, list[Record]]: ...
    def insert_many(
        self,
        table: str,
        rows: Rows,
        columns: Sequence[str] | None = None,
        *,
        returning: Sequence[str] | None = None,
        method: Literal["auto", "copy", "unnest"] = "auto",
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """Inserts rows, all or none; their number, or with ``returning`` a record of these columns for each.

        The records are in the rows' order.

        ``rows`` is any iterable or async iterable of tuples, lists, records, dicts, or objects with the columns as
        attributes. ``columns`` names the columns that they give; without it those are the names in the first row, or for
        plain tuples all columns of the table in their order, but those that the server always fills itself.

        Few rows travel in one statement, many by COPY, read from the iterable as they are sent. ``table`` is a name or
        ``schema.name``, taken literally. ``timeout`` is for the whole call.

        >>> async def example(db):
        ...     return await db.insert_many("points", ((x, x * x) for x in range(1_000_000)), columns=["x", "y"])
        """
        checked(timeout)
        work = _bulk.insert_many(self, table, rows, columns, returning, method)
        return self._within(timeout, work)

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
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, UpsertResult[Record]]:
        """Inserts rows, and updates those whose ``conflict_columns`` are there already; all or none.

        ``conflict_columns`` are those of a primary key or unique index. Updated are ``update_columns``, by default all
        given columns outside the key; none with ``do_nothing=True``. ``where`` is SQL, never built from foreign input:
        only rows for which it holds are updated; in it the table's name means the row that is there, and ``excluded``
        the new one. Of several rows with one key ``on_duplicate`` says which counts. For ``rows`` and ``columns`` see
        :meth:`insert_many`; many rows go by COPY through a temporary table. ``timeout`` is for the whole call.

        >>> async def example(db):
        ...     result = await db.upsert_many("points", [(1, 2), (3, 4)], columns=["x", "y"], conflict_columns=["x"])
        ...     return result.inserted, result.updated
        """
        checked(timeout)
        work = _bulk.upsert_many(
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
        return self._within(timeout, work)

    def stream(self, sql: str, /, *args: Any, batch: int = 1000, timeout: float | None = None) -> AsyncIterator[Record]:
        """The rows of a query one by one, ``batch`` of them in memory at a time.

        ``timeout`` limits each wait for itself: for a connection, and for each batch. What the loop does with the rows
        is not counted.

        >>> async def example(db):
        ...     async for record in db.stream("SELECT * FROM flights", batch=5_000):
        ...         print(record)
        """
        return self._stream(sql, args, batch, timeout)

    async def _stream(
        self, sql: str, args: Any, batch: int, timeout: float | None, **options: Any
    ) -> AsyncIterator[Any]:
        if batch < 1:
            raise errors.InterfaceError(f"batch must be 1 or more, not {batch}")
        connection = await self._exclusive(checked(timeout))
        try:
            # A portal lives in a transaction. One that is open will do: a savepoint would be rolled back with all that the
            # loop has run in it, if the loop ends early.
            inside = connection._in_transaction
            async with nullcontext() if inside else connection.transaction():
                connection._portals += 1
                options |= {
                    "portal": f"data_bridge_{connection._portals}",
                    "page_size": batch,
                    "timeout": timeout,
                }
                try:
                    rows, more = await connection._run(sql, args, "page", **options)
                    for row in rows:
                        yield row
                    while more:
                        # The holder may have come to its end while the loop ran.
                        self._check()
                        rows, more = await connection._run(sql, args, "page", more=True, **options)
                        for row in rows:
                            yield row
                finally:
                    if inside:
                        # It would hold on to its tables, and to what it has read of them, until the transaction ends.
                        with suppress(errors.InterfaceError):
                            self._check()
                            connection._close_portal(options["portal"])
        finally:
            await self._give_back(connection)
