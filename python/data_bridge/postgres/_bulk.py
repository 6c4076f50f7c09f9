"""Bulk writes: many executions, inserts and upserts in few round trips.

Each routine is written once, over the verbs of whatever runs it (see ``AsyncVerbs``): a database, a connection or a
transaction. It waits for nothing but these, so that a blocking front can run the same coroutine to its end.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterable, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, cast

from data_bridge import _native

from . import _rows, errors
from ._reply import unawaited

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator, Sequence

    from data_bridge._native import Record

    from ._verbs import AsyncVerbs
    from .database import Member

type Rows = Iterable[Any] | AsyncIterable[Any]
type OnDuplicate = Literal["last", "first", "error"]

#: Rows up to which one statement over arrays is faster than COPY; docs/bulk.md has the measurement.
INSERT_THRESHOLD = 1000
#: The same for an upsert, where COPY goes through a staging table.
UPSERT_THRESHOLD = 3000
#: Rows of one statement, where more must travel as arrays because COPY cannot carry a column's type.
_ARRAY_ROWS = 10_000
#: Executions of one Sync; while they run, the next ones are encoded.
_EXECUTIONS = 1000
#: Rows of an async iterable that are gathered before they are encoded.
_GATHERED = 500
#: Unsent bytes at which a COPY waits for the socket.
_HIGH_WATER = 256 * 1024

_UNNEST_OF_ARRAYS = (
    "unnest takes the values of array columns apart: such rows travel by COPY, which cannot carry types that travel as text; "
    "where a table has both, use execute_many"
)

#: The columns that an INSERT may give: all but those that the server always fills itself.
_INSERTABLE = """
SELECT pg_catalog.array_agg(attname ORDER BY attnum) FROM pg_catalog.pg_attribute
 WHERE attrelid = $1::pg_catalog.text::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped
   AND attgenerated = '' AND attidentity <> 'a'"""


@dataclass(frozen=True, slots=True)
class UpsertResult[R]:
    """What an upsert has done."""

    #: Rows that were not there before.
    inserted: int
    #: Rows that were there and are updated now.
    updated: int
    #: What ``returning`` asked for of each row that was inserted or updated, in no particular order.
    rows: list[R]


async def execute_many(holder: AsyncVerbs, sql: str, rows: Rows) -> int:
    """See ``AsyncVerbs.execute_many``."""
    source = await _Source.of(rows, _EXECUTIONS)
    if source.few is not None:
        return await _executed(holder._run(sql, _rows.positional(source.few), "count"), 0) if source.few else 0
    count = 0
    async with _alone(holder) as connection, _atomic(connection, holder):
        running: Any = None
        start = end = 0
        async for chunk in source.chunks(_EXECUTIONS):
            if running is not None and connection._status == "idle":
                # It has taken BEGIN along: before its answer, what follows might run outside of a transaction.
                count += await _executed(running, start)
                running = None
            following: Any = connection._run(sql, _rows.positional(chunk), "count")
            if running is not None:
                try:
                    count += await _executed(running, start)
                except asyncio.CancelledError:
                    following.cancel()
                    raise
                except BaseException:
                    # It was sent into a transaction that has failed: its own failure says nothing.
                    with suppress(Exception):
                        await following
                    raise
            running = following
            start, end = end, end + len(chunk)
        return count + await _executed(running, start)


async def _executed(running: Any, start: int) -> int:
    """The count of so many executions; a row that could not be encoded is named by its number among all."""
    try:
        return int(await running)
    except errors.Error as error:
        row: int | None = getattr(error, "row", None)
        if row is None:
            raise
        raise type(error)(f"row {start + row}, {error}", outcome=error.outcome) from error.__cause__


async def insert_many(
    holder: AsyncVerbs,
    table: str,
    rows: Rows,
    columns: Sequence[str] | None,
    returning: Sequence[str] | None,
    method: Literal["auto", "copy", "unnest"],
) -> Any:
    """See ``AsyncVerbs.insert_many``."""
    if method not in ("auto", "copy", "unnest"):
        raise errors.InterfaceError(f'method must be "auto", "copy" or "unnest", not {method!r}')
    source = await _Source.of(rows, 0 if method == "copy" else INSERT_THRESHOLD)
    if source.is_empty:
        return 0 if returning is None else []
    names, exact = await _columns(holder, table, columns, source.first)
    plan = _insert(table, names, _names("returning", returning or ()))
    shape = "count" if returning is None else "rows"
    way = _Way(holder, plan, exact, shape, source)
    if source.few is not None and method != "copy":
        result = await way.by_arrays(source.few)
        if result is not None:
            return result
    if method == "unnest":
        return await way.by_many_arrays()
    try:
        return await (way.by_copy() if returning is None else way.by_stage())
    except (errors.NotSupportedError, errors.WrongObjectTypeError, errors.InsufficientPrivilegeError):
        # Types that travel as text only, tables with row-level security, views, roles that may not make a stage.
        if method == "copy" or source.is_spent:
            raise
    return await way.by_many_arrays()


async def upsert_many(
    holder: AsyncVerbs,
    table: str,
    rows: Rows,
    *,
    conflict_columns: Sequence[str],
    update_columns: Sequence[str] | None,
    on_duplicate: OnDuplicate,
    columns: Sequence[str] | None,
    do_nothing: bool = False,
    where: str | None = None,
    returning: Sequence[str] | None = None,
    method: Literal["auto", "stage", "unnest"] = "auto",
    fixed: Sequence[tuple[str, str | None]] = (),
    fixed_values: tuple[Any, ...] = (),
    overriding: bool = False,
) -> UpsertResult[Record]:
    """See ``AsyncVerbs.upsert_many``.

    ``fixed`` are columns that updated rows are set to whatever the new rows say: to SQL, or to the next of ``fixed_values``.
    With ``overriding`` the rows give numbers that the server alone would give.
    """
    if method not in ("auto", "stage", "unnest"):
        raise errors.InterfaceError(f'method must be "auto", "stage" or "unnest", not {method!r}')
    if do_nothing and (update_columns or where is not None):
        raise errors.InterfaceError("do_nothing=True updates nothing: it takes neither update_columns nor where")
    source = await _Source.of(rows, 0 if method == "stage" else UPSERT_THRESHOLD)
    if source.is_empty:
        return UpsertResult(0, 0, [])
    names, exact = await _columns(holder, table, columns, source.first)
    update: tuple[str, ...] | None = () if do_nothing else None
    if update_columns is not None:
        update = _names("update_columns", update_columns)
    conflict = _names("conflict_columns", conflict_columns)
    given_back = _names("returning", returning or ())
    plan = _upsert(table, names, conflict, update, tuple(fixed), where, on_duplicate, given_back, overriding)
    way = _Way(holder, plan, exact, "count" if returning is None else "rows", source, plan.count, fixed_values)
    answer = await _merged(way, source, method, conflict, on_duplicate)
    written, updated = answer if plan.count is not None else (answer, 0)
    count = written if returning is None else len(written)
    # A trigger may have kept rows from being updated that were counted before.
    updated = min(updated, count)
    return UpsertResult(count - updated, updated, [] if returning is None else written)


async def update_many(
    holder: AsyncVerbs,
    table: str,
    rows: Rows,
    *,
    key_columns: Sequence[str],
    update_columns: Sequence[str],
    columns: Sequence[str] | None = None,
    on_duplicate: OnDuplicate = "last",
    where: str | None = None,
    fixed: Sequence[tuple[str, str | None]] = (),
    fixed_values: tuple[Any, ...] = (),
) -> int:
    """Updates the rows that have the same ``key_columns``: one statement over arrays, or through a staging table; the number
    of rows. ``fixed`` are as for an upsert."""
    source = await _Source.of(rows, UPSERT_THRESHOLD)
    if source.is_empty:
        return 0
    names, exact = await _columns(holder, table, columns, source.first)
    key, update = _names("key_columns", key_columns), _names("update_columns", update_columns)
    plan = _upsert(table, names, key, update, tuple(fixed), where, on_duplicate, (), False, True)
    way = _Way(holder, plan, exact, "count", source, None, fixed_values)
    return int(await _merged(way, source, "auto", key, on_duplicate))


async def _merged(way: _Way, source: _Source, method: str, conflict: tuple[str, ...], on_duplicate: OnDuplicate) -> Any:
    """The answer of a merge, by the way that suits the rows."""
    try:
        answer = None
        if source.few is not None and method != "stage":
            answer = await way.by_arrays(source.few)
        elif method == "unnest":
            answer = await way.by_arrays(await source.all())
        if answer is None:
            try:
                answer = await way.by_stage()
            except (errors.NotSupportedError, errors.InsufficientPrivilegeError):
                # Types that travel as text only, roles that may not make a stage.
                if method == "stage" or source.is_spent:
                    raise
                answer = await way.by_arrays(await source.all())
                if answer is None:
                    raise errors.NotSupportedError(_UNNEST_OF_ARRAYS) from None
    except errors.CardinalityViolationError as error:
        reason = f"several rows of the batch have the same values in {', '.join(conflict)}; remove the duplicates"
        if on_duplicate == "error":
            reason += ', or pass on_duplicate="last" or "first"'
        else:
            # Equal keys are thinned, but for those with a NULL in them. A subquery of the program's fails alike.
            reason = f"{error}; if the unique index is NULLS NOT DISTINCT, then {reason}"
        raise errors.CardinalityViolationError(
            reason,
            sqlstate=error.sqlstate,
            outcome=error.outcome,
        ) from error
    return answer


@dataclass(slots=True)
class _Way:
    """The ways of rows into a table."""

    holder: AsyncVerbs
    plan: _native.Insert | _native.Upsert
    #: Whether dicts must have the columns and no other keys.
    exact: bool
    #: What the answer is.
    shape: str
    source: _Source
    #: A statement that counts updated rows; its answer joins the first one in a pair.
    count: str | None = None
    #: Values of columns that updated rows are set to, whatever the new rows say.
    fixed: tuple[Any, ...] = ()

    async def by_arrays(self, rows: Sequence[Any]) -> Any:
        """One statement, in one round trip where it has run before; ``None`` if the types do not allow it."""
        # A description that is out of date would end a transaction; one asked for within it stays true until its end.
        for fresh in (True,) if self.holder._in_transaction else (False, True):
            statement = await self._arrays(self.holder, fresh)
            if statement is None:
                return None
            sql, arrays = statement
            try:
                arrays.extend(rows)
            except errors.DataError:
                if fresh:
                    raise
                # The table may have changed since it was described, and take the rows now.
                continue
            answer = await self._run(self.holder, sql, arrays, types=arrays.types)
            if answer is not None:
                return answer
        return None

    async def by_many_arrays(self) -> Any:
        """A statement for each so many rows, in one transaction: where COPY cannot carry a type."""
        results: list[Any] = []
        start = 0
        async with _alone(self.holder) as connection, _atomic(connection, self.holder):
            async for rows in self.source.chunks(_ARRAY_ROWS):
                statement = await self._arrays(connection, fresh=not start)
                if statement is None:
                    raise errors.NotSupportedError(_UNNEST_OF_ARRAYS)
                sql, arrays = statement
                arrays.extend(rows, start)
                start += len(arrays)
                results.append(await self._run(connection, sql, arrays, types=arrays.types))
        return sum(results) if self.shape == "count" else list(chain.from_iterable(results))

    async def by_copy(self) -> int:
        """COPY into the table itself."""
        assert isinstance(self.plan, _native.Insert)
        async with _alone(self.holder) as connection, _atomic(connection, self.holder):
            description = await self._describe(connection)
            writer = _native.CopyWriter(description, exact_keys=self.exact)
            return await _copy(connection, connection._copy_in(self.plan.copy), writer, self.source)

    async def by_stage(self) -> Any:
        """COPY into a staging table, and one statement from there."""
        async with _alone(self.holder) as connection, _atomic(connection, self.holder) as is_nested:
            description = await self._describe(connection)
            stage = self.plan.stage(description)
            writer = _native.CopyWriter(description, exact_keys=self.exact, ordinal=stage.ordinal)
            commands = [connection._stage(stage), stage.create, stage.clear if is_nested else None]
            # Both are on their way before either is awaited.
            created = connection._simple("; ".join(filter(None, commands)))
            started = connection._copy_in(stage.copy)
            try:
                await created
            except BaseException as error:
                await _give_up(connection, error)
                raise
            await _copy(connection, started, writer, self.source)
            return await self._run(connection, stage.merge, self.fixed)

    async def _describe(self, connection: Member) -> _native.Description:
        """The columns' types, which the transaction keeps from being changed until it ends: binary COPY trusts them."""
        description: _native.Description = await connection._run(self.plan.describe, (), "describe", fresh=True)
        return description

    async def _arrays(self, holder: AsyncVerbs, fresh: bool) -> tuple[str, _native.Columns] | None:
        # The statement that takes them has the server check, in the same Sync, that the description still holds: else it
        # would convert from the types that are declared, and lose digits silently. Then the answer is ``None``.
        description = await holder._run(self.plan.describe, (), "describe", fresh=fresh)
        arrays = _native.Columns.of(description, self.fixed, exact_keys=self.exact)
        return None if arrays is None else (self.plan.unnest(description), arrays)

    async def _run(self, holder: AsyncVerbs, sql: str, args: Any, **options: Any) -> Any:
        if self.count is not None:
            options["follow"] = self.count
        # The types of fixed values are the server's to say.
        typed = self.shape == "count" and not self.fixed
        return await holder._run(sql, args, self.shape, typed=typed, **options)


async def _copy(connection: Member, started: Any, writer: _native.CopyWriter, source: _Source) -> int:
    """Sends rows into a COPY; the number of rows. After an error the server has kept none."""
    try:
        await started
        async for rows in source.slices():
            has_more = True
            while has_more:
                has_more = not connection._copy_rows(writer, rows)
                if connection._unsent > _HIGH_WATER:
                    await connection._drained()
                else:
                    await connection._turn()
        connection._copy_bytes(_native.COPY_END)
    except BaseException as error:
        await _give_up(connection, error)
        raise
    count: int = await connection._copy_end()
    return count


async def _give_up(connection: Member, error: BaseException) -> None:
    """Ends a COPY so that the server drops its rows."""
    # The server's answer is that the COPY was given up; the reason is on its way to the caller.
    with suppress(Exception):
        reason = "the client has given up"
        if isinstance(error, asyncio.CancelledError):
            # Whoever was cancelled does not wait for a server that may be gone.
            unawaited(connection._copy_end(reason))
        else:
            await connection._give_up_copy(reason)


class _Source:
    """Rows from any iterable; ``few`` are all of them, if they are no more than a limit."""

    def __init__(self, limit: int, head: Sequence[Any], rest: Iterator[Any] | AsyncIterator[Any] | None = None) -> None:
        self.few = head if len(head) <= limit else None
        self.is_empty = not head
        #: Rows were taken that cannot be taken again.
        self.is_spent = False
        self.first: Any = head[0] if head else None
        self._head = head
        self._rest = rest

    @classmethod
    async def of(cls, rows: Rows, limit: int) -> _Source:
        """Looks at the first row, and at up to ``limit`` rows and one more."""
        if isinstance(rows, Mapping | str | bytes):
            kind = type(cast("object", rows)).__name__
            raise errors.InterfaceError(f"rows must be an iterable of rows, not one {kind}")
        limit = max(limit, 1)
        if isinstance(rows, AsyncIterable):
            iterator = aiter(rows)
            head: list[Any] = []
            async for row in iterator:
                head.append(row)
                if len(head) > limit:
                    return cls(limit, head, iterator)
            return cls(limit, head)
        if isinstance(rows, list | tuple):
            return cls(limit, rows)
        sync = iter(rows)
        head = list(islice(sync, limit + 1))
        return cls(limit, head, sync if len(head) > limit else None)

    async def all(self) -> list[Any]:
        """All rows, in memory."""
        return [row async for chunk in self.chunks(_ARRAY_ROWS) for row in chunk]

    async def slices(self) -> AsyncIterator[Iterator[Any]]:
        """All rows: at once where they need not be awaited, else as many as were gathered."""
        self.is_spent = self._rest is not None
        if isinstance(self._rest, AsyncIterable):
            async for chunk in self.chunks(_GATHERED):
                yield iter(chunk)
        else:
            yield chain(self._head, self._rest or ())

    async def chunks(self, size: int) -> AsyncIterator[list[Any]]:
        """All rows, so many at a time."""
        if isinstance(self._rest, AsyncIterable):
            chunk = list(self._head)
            async for row in self._rest:
                if len(chunk) >= size:
                    yield chunk
                    chunk = []
                chunk.append(row)
            yield chunk
        else:
            rows = chain(self._head, self._rest or ())
            while chunk := list(islice(rows, size)):
                yield chunk


@asynccontextmanager
async def _alone(holder: AsyncVerbs) -> AsyncGenerator[Member]:
    connection = await holder._exclusive()
    try:
        yield connection
    finally:
        await holder._give_back(connection)


@asynccontextmanager
async def _atomic(connection: Member, holder: AsyncVerbs) -> AsyncGenerator[bool]:
    """A transaction, or a savepoint where one is open; whether it is a savepoint."""
    async with connection._atomic(holder._transaction) as transaction:
        yield transaction._savepoint is not None


async def _columns(
    holder: AsyncVerbs, table: str, columns: Sequence[str] | None, first: Any
) -> tuple[tuple[str, ...], bool]:
    """The columns that the rows give, and whether dicts may have no other keys."""
    if columns is not None:
        return _names("columns", columns), False
    names = _rows.names(first)
    if names is None:
        names = await holder._run(_INSERTABLE, (_native.quoted_table(table),), "value")
        if names is None:
            raise errors.InterfaceError(f"the table {table} has no columns that rows could give")
    return tuple(names), True


def _names(argument: str, columns: Sequence[str]) -> tuple[str, ...]:
    if isinstance(columns, str):
        raise errors.InterfaceError(f"{argument} takes a list of names, not one str; write [{columns!r}]")
    return tuple(columns)


@functools.lru_cache(maxsize=256)
def _insert(table: str, columns: tuple[str, ...], returning: tuple[str, ...]) -> _native.Insert:
    with _names_checked():
        return _native.Insert(table, columns, returning)


@functools.lru_cache(maxsize=256)
def _upsert(
    table: str,
    columns: tuple[str, ...],
    conflict: tuple[str, ...],
    update: tuple[str, ...] | None,
    fixed: tuple[tuple[str, str | None], ...],
    condition: str | None,
    duplicates: OnDuplicate,
    returning: tuple[str, ...],
    overriding: bool,
    existing: bool = False,
) -> _native.Upsert:
    with _names_checked():
        return _native.Upsert(
            table,
            columns,
            conflict,
            update=update,
            fixed=fixed,
            condition=condition,
            duplicates=duplicates,
            returning=returning,
            overriding=overriding,
            existing=existing,
        )


@contextmanager
def _names_checked() -> Generator[None]:
    try:
        yield
    except UnicodeEncodeError:
        raise errors.DataError("a name holds a lone surrogate, which is no Unicode", outcome="not_sent") from None
