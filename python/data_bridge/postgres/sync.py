"""The blocking front: the same verbs for threads. The interpreter is released while a call waits.

What takes several steps is not written again: the blocking front runs the same coroutines as the asyncio front. Over a
connection whose calls return when they are done, they never have to wait, and so run to their end in one go.
"""

from __future__ import annotations

import inspect
import math
import threading
import time
import warnings
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, Self, cast, overload

from data_bridge import _native

from . import _default, _locks, _pool, _tables, errors
from ._capture import Capture, capture
from ._events import Event, Events
from ._limits import Deadlines, checked, expired
from ._pool import CANCEL_DEADLINE, NO_REPLICAS, UNCLOSED, check_limits, log, restore, why_exhausted
from ._retry import may_succeed, pauses
from ._verbs import AsyncVerbs
from .connection import Connection, Held
from .prepared import Described

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Generator,
        Iterable,
        Iterator,
        Sequence,
    )
    from contextlib import AbstractContextManager
    from types import TracebackType

    from data_bridge._native import Record

    from ._bulk import OnDuplicate, UpsertResult
    from ._replicas_sync import SyncReplicas
    from .database import Member
    from .orm import Table
    from .transaction import Isolation, Transaction

#: Seconds for what undoes a call whose time limit has passed, before its connection is given up.
_GRACE = 0.4


def connect_sync(
    url: str | None = None,
    /,
    *,
    pool_min: int = 1,
    pool_max: int = 10,
    acquire_timeout: float | None = 30.0,
    statement_cache: int = 256,
    replicas: Sequence[str] | None = None,
    **settings: Any,
) -> SyncDatabase:
    """Opens a pool of connections for any number of threads; the arguments are those of :func:`connect`."""
    from . import _replicas, _replicas_sync

    try:
        config = _native.Config(url, statement_cache=statement_cache, **settings)
        for_reading = _replicas.configs(url, replicas, settings, statement_cache)
    finally:
        # A traceback that shows local variables must not show the password.
        del url, settings, replicas
    check_limits(pool_min, pool_max, acquire_timeout)
    if for_reading is None:
        database = SyncDatabase(config, pool_max, acquire_timeout)
    else:
        database = _replicas_sync.opened(config, for_reading, (pool_min, pool_max, acquire_timeout))
    # The first connection is awaited, so that a wrong password is known at once.
    database._warm(max(1, pool_min))
    database._is_open = True
    _default.use(database)
    return database


def is_blocking(transaction: Transaction) -> bool:
    """Whether its holder makes blocking calls."""
    return transaction._blocks


def run(work: Awaitable[Any]) -> Any:
    """Runs a coroutine that has nothing to wait for to its end."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    # Only foreign code can be waiting here.
    steps.close()
    raise errors.InterfaceError("a blocking call cannot wait for an async iterable; give it a plain one")


def iterate[T](source: AsyncIterator[T]) -> Generator[T]:
    """The items of an async generator that has nothing to wait for."""
    try:
        while True:
            try:
                item = run(source.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        run(cast("AsyncGenerator[T]", source).aclose())


class _Answer:
    """An awaitable that is done. An error is raised where it is awaited, as from a call that is still on its way."""

    __slots__ = ("_error", "_value")

    def __init__(self, call: Callable[..., Any], /, *args: Any, **options: Any) -> None:
        self._value: Any = None
        self._error: Exception | None = None
        try:
            self._value = call(*args, **options)
        except Exception as error:
            self._error = error

    def __await__(self) -> Generator[Any, None, Any]:
        return cast("Generator[Any, None, Any]", self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> None:
        if self._error is not None:
            raise self._error
        raise StopIteration(self._value)


class _Routines(_native.BlockingConnection, Deadlines, Held):
    """A blocking connection as the coroutines see it: with the methods of a ``Member``, done when they return."""

    _blocks = True

    def _run(self, sql: str, args: Any, shape: str, /, *, timeout: float | None = None, **options: Any) -> Any:
        return _Answer(super()._run, sql, args, shape, timeout=self._left(timeout), **options)

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Awaitable[Any]:
        return _Answer(super()._run_statement, statement, timeout=self._left(timeout))

    def _simple(self, sql: str, /, *, timeout: float | None = None) -> Awaitable[str]:
        return _Answer(super()._simple, sql, timeout=self._left(timeout))

    def _settle(self, sql: str) -> Awaitable[str]:
        return _Answer(self._settle_in_time, sql)

    def _settle_in_time(self, sql: str) -> str:
        try:
            tag: str = super()._simple(sql, timeout=self._patience)
        except errors.QueryTimeout:
            # What is half undone is of no use; and it is the call before this one that has failed.
            self._close()
            raise errors.ConnectionLost("the server did not answer in time; the connection is closed") from None
        return tag

    def _commit(self) -> Awaitable[str]:
        return self._simple("COMMIT", timeout=_pool.COMMIT_DEADLINE)

    def _give_up_copy(self, reason: str) -> Awaitable[int]:
        return _Answer(super()._copy_end, reason, timeout=self._patience)

    def _copy_in(self, sql: str, /, *, timeout: float | None = None) -> Awaitable[None]:
        return _Answer(super()._copy_in, sql, timeout=self._left(timeout))

    def _copy_end(self, reason: str | None = None, /, *, timeout: float | None = None) -> Awaitable[int]:
        return _Answer(super()._copy_end, reason, timeout=self._left(timeout))

    def _drained(self, *, timeout: float | None = None) -> Awaitable[None]:
        return _Answer(super()._drained, timeout=self._left(timeout))

    def _shown(self, transaction: Transaction) -> SyncTransaction:
        return SyncTransaction(transaction)

    def _turn(self) -> Awaitable[None]:
        # Nobody else waits for this thread, but the socket has to be emptied.
        return self._drained()

    @property
    def _patience(self) -> float:
        """Seconds for what undoes a call; a call with a time limit ends soon after it."""
        return CANCEL_DEADLINE if self._deadline is None else _GRACE

    def _user(self) -> threading.Thread:
        """Who opens a transaction."""
        return threading.current_thread()

    def _may_nest(self, opener: Any, user: Any) -> bool:
        """Whether ``user`` may nest a transaction in one that ``opener`` has opened."""
        return opener is user or not opener.is_alive()


class _PoolRoutines(Deadlines, AsyncVerbs):
    """The same for a pool; each call has one of its own."""

    def __init__(self, database: SyncDatabase) -> None:
        self._database = database

    def _run(self, sql: str, args: Any, shape: str, /, *, timeout: float | None = None, **options: Any) -> Any:
        return _Answer(self._database._run, sql, args, shape, timeout=self._left(timeout), **options)

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Awaitable[Any]:
        return _Answer(self._database._run_statement, statement, timeout=self._left(timeout))

    async def _exclusive(self, timeout: float | None = None) -> Member:
        connection = cast("_Routines", self._database._acquire(self._left(timeout)))
        connection._deadline = self._deadline
        connection._events = self._database._events
        return cast("Member", connection)

    async def _give_back(self, connection: Member) -> None:
        cast("_Routines", connection)._deadline = None
        try:
            if not connection.is_closed:
                await restore(connection)
        except errors.Error as error:
            # Whoever had it has got all answers already: this is nobody's failure.
            log.warning("a connection could not be cleaned and is closed: %s", error)
        finally:
            self._database._release(cast("_Routines", connection))

    @asynccontextmanager
    async def transaction(
        self,
        *,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        identity: bool = False,
    ) -> AsyncGenerator[Transaction]:
        connection = await self._exclusive()
        try:
            async with connection.transaction(
                isolation=isolation, readonly=readonly, deferrable=deferrable, identity=identity
            ) as tx:
                yield tx
        finally:
            await self._give_back(connection)


class SyncVerbs:
    """The verbs of ``AsyncVerbs``, blocking."""

    if TYPE_CHECKING:

        def _run(self, sql: str, args: Any, shape: str, /, *, timeout: float | None = None, **options: Any) -> Any: ...

        def _coroutines(self) -> AsyncVerbs: ...

    def capture(self, *, args: bool = False) -> Capture:
        """Lists what a ``with`` block runs; see :func:`capture`."""
        return capture(args=args)

    def create_all(self, *tables: type[Table] | str) -> None:
        """Creates tables, without any named all that are known, and what they need; see :func:`create_all`."""
        _tables.create_all(self, tables)

    def drop_all(self, *tables: type[Table] | str) -> None:
        """Drops tables, without any named all that are known; see :func:`drop_all`."""
        _tables.drop_all(self, tables)

    def fetch(self, sql: str, /, *args: Any, timeout: float | None = None) -> list[Record]:
        """All rows of a query."""
        rows: list[Record] = self._run(sql, args, "rows", timeout=timeout)
        return rows

    def fetch_row(self, sql: str, /, *args: Any, timeout: float | None = None) -> Record | None:
        """The first row of a query, or ``None``."""
        row: Record | None = self._run(sql, args, "row", timeout=timeout)
        return row

    def fetch_val(self, sql: str, /, *args: Any, column: int = 0, timeout: float | None = None) -> Any:
        """One value of the first row, or ``None``."""
        return self._run(sql, args, "value", column=column, timeout=timeout)

    def execute(self, sql: str, /, *args: Any, timeout: float | None = None) -> int:
        """Runs a statement; the number of rows affected."""
        count: int = self._run(sql, args, "count", timeout=timeout)
        return count

    def fetch_many(self, sql: str, args: Iterable[Sequence[Any]], /, *, timeout: float | None = None) -> list[Record]:
        """All rows of one query run with many sets of arguments; see ``AsyncVerbs.fetch_many``."""
        rows: list[Record] = run(self._coroutines().fetch_many(sql, args, timeout=timeout))
        return rows

    def execute_many(self, sql: str, rows: Iterable[Any], /, *, timeout: float | None = None) -> int:
        """Runs a statement once for each row of arguments, all or none; see ``AsyncVerbs.execute_many``."""
        count: int = run(self._coroutines().execute_many(sql, rows, timeout=timeout))
        return count

    @overload
    def insert_many(
        self,
        table: str,
        rows: Iterable[Any],
        columns: Sequence[str] | None = None,
        *,
        method: Literal["auto", "copy", "unnest"] = "auto",
        timeout: float | None = None,
    ) -> int: ...
    @overload
    def insert_many(
        self,
        table: str,
        rows: Iterable[Any],
        columns: Sequence[str] | None = None,
        *,
        returning: Sequence[str],
        method: Literal["auto", "copy", "unnest"] = "auto",
        timeout: float | None = None,
    ) -> list[Record]: ...
    def insert_many(self, table: str, rows: Iterable[Any], columns: Sequence[str] | None = None, **options: Any) -> Any:
        """Inserts rows, all or none; see ``AsyncVerbs.insert_many``."""
        verbs: Any = self._coroutines()
        return run(verbs.insert_many(table, rows, columns, **options))

    def upsert_many(
        self,
        table: str,
        rows: Iterable[Any],
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
    ) -> UpsertResult[Record]:
        """Inserts rows, and updates those that are there already; see ``AsyncVerbs.upsert_many``."""
        result: UpsertResult[Record] = run(
            self._coroutines().upsert_many(
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
                timeout=timeout,
            )
        )
        return result

    def stream(self, sql: str, /, *args: Any, batch: int = 1000, timeout: float | None = None) -> Iterator[Record]:
        """The rows of a query one by one, ``batch`` of them in memory at a time; see ``AsyncVerbs.stream``."""
        return iterate(self._coroutines().stream(sql, *args, batch=batch, timeout=timeout))


class SyncTransaction(SyncVerbs):
    """A transaction, or a savepoint within one: use it in ``with``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def transaction(self) -> SyncTransaction:
        """A nested transaction: a savepoint."""
        return SyncTransaction(self._transaction.transaction())

    def on_commit(self, function: Callable[[], Any], /) -> None:
        """Has a function called when what was written here is committed for good; see ``Transaction.on_commit``."""
        self._transaction.on_commit(function)

    def lock(self, key: _locks.Key, /, *, shared: bool = False, timeout: float | None = None) -> None:
        """Takes an advisory lock that goes with the end of the transaction; see ``Transaction.lock``."""
        run(self._transaction.lock(key, shared=shared, timeout=timeout))

    def __enter__(self) -> Self:
        run(self._transaction.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run(self._transaction.__aexit__(kind, error, trace))

    @property
    def is_open(self) -> bool:
        """Whether the block is being run; see ``Transaction.is_open``."""
        return self._transaction.is_open

    def _coroutines(self) -> AsyncVerbs:
        return self._transaction

    def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Any:
        return run(self._transaction._run(sql, args, shape, **options))

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Any:
        return run(self._transaction._run_statement(statement, timeout=timeout))


class SyncPrepared(Described):
    """A statement of one connection, to be run any number of times. ``SyncConnection.prepare()`` makes it."""

    def __init__(self, connection: SyncConnection, description: _native.Description) -> None:
        super().__init__(description)
        self._connection = connection

    def fetch(self, *args: Any, timeout: float | None = None) -> list[Record]:
        """All rows."""
        return self._connection.fetch(self.sql, *args, timeout=timeout)

    def fetch_row(self, *args: Any, timeout: float | None = None) -> Record | None:
        """The first row, or ``None``."""
        return self._connection.fetch_row(self.sql, *args, timeout=timeout)

    def fetch_val(self, *args: Any, column: int = 0, timeout: float | None = None) -> Any:
        """One value of the first row, or ``None``."""
        return self._connection.fetch_val(self.sql, *args, column=column, timeout=timeout)

    def execute(self, *args: Any, timeout: float | None = None) -> int:
        """The number of rows affected."""
        return self._connection.execute(self.sql, *args, timeout=timeout)

    def execute_many(self, rows: Iterable[Any], /, *, timeout: float | None = None) -> int:
        """Once for each row of arguments, all or none; the number of rows affected."""
        return self._connection.execute_many(self.sql, rows, timeout=timeout)


class SyncConnection(SyncVerbs):
    """One connection, in the hands of one thread at a time. ``SyncDatabase.connection()`` lends it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def transaction(
        self,
        *,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        identity: bool = False,
    ) -> SyncTransaction:
        """A transaction, or within one a savepoint.

        ``BEGIN`` travels with the first statement, so that an empty transaction costs no round trip.
        """
        modes: dict[str, Any] = {
            "isolation": isolation,
            "readonly": readonly,
            "deferrable": deferrable,
            "identity": identity,
        }
        return SyncTransaction(self._connection.transaction(**modes))

    @contextmanager
    def lock(self, key: _locks.Key, /, *, shared: bool = False, timeout: float | None = None) -> Generator[None]:
        """Holds an advisory lock of the session for one block; see ``Database.lock``."""
        lock = self._connection.lock(key, shared=shared, timeout=timeout)
        run(lock.__aenter__())
        try:
            yield
        except BaseException as error:
            run(lock.__aexit__(type(error), error, error.__traceback__))
            raise
        run(lock.__aexit__(None, None, None))

    def prepare(self, sql: str, /) -> SyncPrepared:
        """Prepares a statement and asks for its types."""
        return SyncPrepared(self, self._run(sql, (), "describe"))

    def close(self) -> None:
        """Closes the connection."""
        run(self._connection.close())

    @property
    def is_closed(self) -> bool:
        """Whether the connection is closed, or was given back."""
        return self._connection.is_closed

    @property
    def backend_pid(self) -> int | None:
        """Process id of the server's backend."""
        return self._connection.backend_pid

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS protects the connection."""
        return self._connection.is_encrypted

    def parameter(self, name: str) -> str | None:
        """A run-time parameter that the server reports, such as ``server_version``."""
        return self._connection.parameter(name)

    def _coroutines(self) -> AsyncVerbs:
        return self._connection

    def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Any:
        return _native.BlockingConnection._run(self._routines(), sql, args, shape, **options)

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Any:
        return _native.BlockingConnection._run_statement(self._routines(), statement, timeout=timeout)

    def _routines(self) -> _Routines:
        return cast("_Routines", self._connection._usable())


class SyncDatabase(_native.BlockingPool, SyncVerbs):
    """A pool of connections to one database, for any number of threads. ``connect_sync()`` opens it.

    Each call has a connection alone, and waits for one where all are in use.
    """

    _acquire_timeout: float | None
    _is_open = False
    _events: Events | None = None
    #: What makes a connection of it.
    _connections: type[_Routines] = _Routines
    #: Where it was opened with replicas.
    _replicas: SyncReplicas | None = None

    def __new__(cls, config: _native.Config, pool_max: int, acquire_timeout: float | None) -> Self:
        """Use ``connect_sync()``."""
        self = super().__new__(
            cls, config, cls._connections, pool_max, math.inf if acquire_timeout is None else acquire_timeout
        )
        self._acquire_timeout = acquire_timeout
        return self

    @contextmanager
    def connection(self) -> Generator[SyncConnection]:
        """Lends a connection to the caller alone, for session state or several transactions.

        >>> def example(db):
        ...     with db.connection() as connection:
        ...         connection.execute("SET work_mem = '64MB'")
        """
        with self._lend() as lent:
            routines = lent._usable()
            before = routines._requests
            try:
                yield SyncConnection(lent)
            finally:
                if routines._requests != before:
                    # Functions and triggers change sessions too, and nothing tells of it.
                    routines._touch()

    @contextmanager
    def transaction(
        self,
        *,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        identity: bool = False,
    ) -> Generator[SyncTransaction]:
        """A transaction on a connection of its own.

        It commits when the block ends, and rolls back when the block raises. ``BEGIN`` travels with the first
        statement. What names no database in the block runs in the transaction, if it would have run on this database.
        """
        modes: dict[str, Any] = {
            "isolation": isolation,
            "readonly": readonly,
            "deferrable": deferrable,
            "identity": identity,
        }
        with self._lend() as lent, SyncTransaction(lent.transaction(**modes)) as tx, _default.within(self, tx):
            yield tx

    def on[F: Callable[[Any], Any]](self, event: Event, /) -> Callable[[F], F]:
        """Has a function called with each transaction of this database that begins, or has been committed or rolled back.

        Savepoints do not count. What raises at ``"begin"`` keeps the transaction from being opened. It is a plain
        function, and is given a :class:`SyncTransaction`.

        >>> def example(db):
        ...     @db.on("commit")
        ...     def committed(tx):
        ...         ...
        """
        if self._events is None:
            self._events = Events()
        return self._events.on(event)

    def run[T](
        self,
        fn: Callable[[SyncTransaction], T],
        /,
        *,
        retry: int = 3,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        timeout: float | None = None,
    ) -> T:
        """Runs a function in a transaction, again after a serialization failure or a deadlock; see ``Database.run``."""
        deadline = None if checked(timeout) is None else time.monotonic() + (timeout or 0.0)
        modes: dict[str, Any] = {"isolation": isolation, "readonly": readonly, "deferrable": deferrable}
        for pause in pauses(retry):
            try:
                return self._run_once(fn, modes, deadline, timeout)
            except Exception as error:
                if not may_succeed(error) or (deadline is not None and time.monotonic() + pause > deadline):
                    raise
                log.debug("a transaction is run again: %s", error)
            time.sleep(pause)
        return self._run_once(fn, modes, deadline, timeout)

    def _run_once[T](
        self, fn: Callable[[SyncTransaction], T], modes: dict[str, Any], deadline: float | None, timeout: float | None
    ) -> T:
        with self._lend() as lent:
            routines = cast("_Routines", lent._usable())
            routines._deadline = deadline
            try:
                with SyncTransaction(lent.transaction(**modes)) as tx, _default.within(self, tx):
                    answer = fn(tx)
                    if inspect.isawaitable(answer):
                        if inspect.iscoroutine(answer):
                            answer.close()
                        raise errors.InterfaceError("a blocking database runs plain functions, not async ones")
                    # COMMIT has a limit of its own: cut short, nobody would know what became of it.
                    routines._deadline = None
                    return answer
            except errors.QueryTimeout:
                if deadline is None or timeout is None or time.monotonic() < deadline:
                    raise
                raise expired(timeout) from None
            finally:
                routines._deadline = None

    @contextmanager
    def lock(
        self, key: _locks.Key, /, *, shared: bool = False, timeout: float | None = None
    ) -> Generator[SyncConnection]:
        """Holds an advisory lock for one block, on a connection of its own, which it lends; see ``Database.lock``."""
        with self.connection() as connection, connection.lock(key, shared=shared, timeout=timeout):
            yield connection

    @property
    def replica(self) -> SyncReplicas:
        """The replicas that were named to ``connect_sync(..., replicas=[...])``, to read from; see ``Database.replica``."""
        if self._replicas is None:
            raise errors.InterfaceError(NO_REPLICAS)
        return self._replicas

    def reads_own_writes(self) -> AbstractContextManager[None]:
        """Within the block, ``replica`` shows at least what the block has written; see ``Database.reads_own_writes``."""
        return nullcontext() if self._replicas is None else self._replicas._routing._writes.block()

    @contextmanager
    def _lend(self) -> Generator[Connection]:
        routines = cast("_Routines", self._acquire())
        routines._events = self._events
        lent = Connection(cast("Member", routines))
        try:
            yield lent
        finally:
            lent._take_back()
            routines._end_transactions()
            self._restore(routines)

    def _coroutines(self) -> AsyncVerbs:
        return _PoolRoutines(self)

    def close(self) -> None:
        """Closes the idle connections, and the others as they come back; callers that wait are refused."""
        self._is_open = False
        _default.drop(self)
        self._shut()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Nobody holds the pool any more, and nobody has closed it."""
        if self._is_open:
            warning = UNCLOSED.format(self)
            self.close()
            # Last, for it may be made an error.
            _warn(warning, ResourceWarning, source=self)

    def __repr__(self) -> str:
        opening, idle, shared, exclusive, closing, waiting = self._counts()
        size = opening + idle + shared + exclusive + closing
        return f"<SyncDatabase {size} connections, {waiting} waiting>"

    def _restore(self, connection: _native.BlockingConnection) -> None:
        """Called as well by the native half for a connection that is not clean after a call."""
        run(_PoolRoutines(self)._give_back(cast("Member", connection)))

    def _exhausted(self) -> errors.PoolTimeout:
        """Called by the native half when no connection became free in time."""
        return errors.PoolTimeout(why_exhausted(self._acquire_timeout, self._counts(), self._failure))
