"""The asyncio front: a pool of connections in one event loop."""

from __future__ import annotations

import asyncio
import functools
import os
import random
import warnings
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Self

from data_bridge import _native

from . import _default, _holding, _locks, _pool, errors
from ._events import Event, Events
from ._limits import checked, expired
from ._pool import (
    CANCEL_DEADLINE,
    NO_REPLICAS,
    RESET,
    UNCLOSED,
    check_limits,
    log,
    log_notice,
    restore,
    why_exhausted,
)
from ._reply import Reply
from ._retry import may_succeed, pauses
from ._verbs import AsyncVerbs
from .connection import Connection, Held

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
    from contextlib import AbstractContextManager
    from types import TracebackType

    from ._replicas import Replicas
    from .transaction import Isolation, Transaction

os.register_at_fork(after_in_child=_native.forked)

#: Seconds between attempts to connect while callers wait, at first and at most.
_BACKOFF = (0.05, 2.0)
#: Such attempts after the first: a server that restarts is back within about a second.
_RETRIES = 5
#: Seconds after which a statement that still runs is cancelled once more.
_CANCEL_AGAIN = 0.25


class Member(_native.AsyncConnection, Held):
    """A connection of the pool, as the routines see it that have it alone. Users hold a ``Connection``."""

    #: What is said if it is not given back in time.
    _warning: asyncio.TimerHandle | None = None

    async def _turn(self) -> None:
        """Lets other tasks run, and the answers of the server be read."""
        await asyncio.sleep(0)

    async def _settle(self, sql: str) -> str:
        """Sends what ends or undoes what a holder of the connection has left behind."""
        return await self._in_time(self._simple(sql))

    async def _commit(self) -> str:
        """Ends a transaction with all it did; the command tag says whether that was done."""
        return await self._in_time(self._simple("COMMIT"), _pool.COMMIT_DEADLINE)

    async def _give_up_copy(self, reason: str) -> None:
        """Ends a COPY so that the server drops its rows."""
        await self._in_time(self._copy_end(reason))

    async def _in_time[T](self, answer: Awaitable[T], seconds: float | None = None) -> T:
        """The answer; or the end of the connection, if the server gives none: nobody waits for ever to clean up."""
        limit = asyncio.timeout(CANCEL_DEADLINE if seconds is None else seconds)
        try:
            async with limit:
                return await answer
        except TimeoutError:
            if not limit.expired():
                raise
            self._abort("the server did not answer in time")
            raise errors.ConnectionLost("the server did not answer in time; the connection is closed") from None

    def _user(self) -> asyncio.Task[Any] | None:
        """Who opens a transaction."""
        return asyncio.current_task()

    def _may_nest(self, opener: Any, user: Any) -> bool:
        """Whether ``user`` may nest a transaction in one that ``opener`` has opened: the two do not run at the same
        time."""
        return opener is user or opener is None or opener.done()


class Database(_native.AsyncPool, AsyncVerbs):
    """A pool of connections to one database, in one event loop. ``connect()`` opens it.

    Statements from any number of tasks share its connections and are pipelined; transactions, streams, COPY and
    ``connection()`` have one alone.
    """

    _loop: asyncio.AbstractEventLoop
    _config: _native.Config
    _pool_min: int
    _acquire_timeout: float | None
    _tasks: set[asyncio.Task[Any]]
    _is_open = False
    _events: Events | None = None
    _warn_held: float | None = None
    #: Where it was opened with replicas.
    _replicas: Replicas | None = None

    def __new__(cls, config: _native.Config, pool_min: int, pool_max: int, acquire_timeout: float | None) -> Self:
        """Use ``connect()``."""
        check_limits(pool_min, pool_max, acquire_timeout)
        loop = asyncio.get_running_loop()
        reply: Any = type("Reply", (Reply,), {"__slots__": ()})
        self = super().__new__(cls, loop, functools.partial(reply, loop=loop), pool_max)
        reply._owner = self
        self._loop = loop
        self._config = config
        self._pool_min = pool_min
        self._acquire_timeout = acquire_timeout
        self._tasks = set()
        return self

    async def _start(self) -> None:
        """Opens the first connections, so that a wrong password is known at once."""
        await self._fill()
        self._is_open = True
        _default.use(self)

    async def _fill(self) -> None:
        slots: list[int] = []
        while (slot := self._warm(max(1, self._pool_min))) is not None:
            slots.append(slot)
        await asyncio.gather(*(self._dial(slot) for slot in slots))

    async def _dial(self, slot: int, retries: int = 0) -> None:
        """Opens a connection for a place in the pool; failures that may pass are tried again with growing pauses."""
        attempt = 0
        while True:
            try:
                dialed = await asyncio.get_running_loop().run_in_executor(None, self._config.dial)
                connection = Member(self, slot, dialed)
                break
            except BaseException as error:
                if attempt >= retries or not (isinstance(error, errors.Error) and error.retryable):
                    failure = error if isinstance(error, Exception) else errors.PoolClosed("the pool is closed")
                    self._open_failed(slot, failure)
                    raise
                log.info("could not open a connection, trying again: %s", error)
            await asyncio.sleep(_backoff(attempt))
            attempt += 1
        connection._attach()
        self._opened(connection)

    def _open(self, slot: int) -> None:
        """Called by the native half when another connection is wanted."""
        self._spawn(self._dial_for_waiters(slot))

    async def _dial_for_waiters(self, slot: int) -> None:
        try:
            await self._dial(slot, _RETRIES)
        except errors.Error as error:
            log.warning("could not open a connection: %s", error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop.is_closed():
            work.close()
            return
        # The loop need not be running: `asyncio.run` cancels what is left behind when it has come to its end. It does not
        # wait for what that leads to, and nobody needs to hear of it.
        task = self._loop.create_task(work)
        task._log_destroy_pending = False  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self, connection: Member, shared: bool) -> None:
        """Called by the native half when the only statement of a connection was given up.

        ``shared``: nobody has the connection alone, and it is lent to nobody until the statement has ended.
        """
        self._spawn(self._cancel_on_server(connection, shared))

    async def _cancel_on_server(self, connection: Member, shared: bool) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CANCEL_DEADLINE
        while True:
            try:
                await loop.run_in_executor(None, connection._send_cancel, CANCEL_DEADLINE)
            except errors.Error as error:
                log.warning("could not cancel a statement: %s", error)
            except RuntimeError:
                # The loop is being shut down, and its threads take no more work.
                connection._abort("the event loop ended before a statement was cancelled")
                return
            finally:
                connection._cancel_sent()
            again = min(deadline, loop.time() + _CANCEL_AGAIN)
            while connection._is_held and loop.time() < again:
                await asyncio.sleep(0.01)
            # The server overlooks a request that comes while it goes from one command to the next.
            if again == deadline or not connection._hold_again():
                break
        if connection._is_held:
            connection._abort("a cancelled statement did not end in time")
        elif shared:
            self._release(connection)

    def _notice(self, severity: str, code: str, message: str) -> None:
        """Called by the native half for each notice of the server."""
        log_notice(severity, code, message)

    def _limit(self, reply: Reply[Any], timeout: float) -> None:
        """Called by the native half for a statement that was called with a timeout."""
        timer = self._loop.call_later(timeout, self._expire, reply, timeout)
        reply.add_done_callback(lambda _: timer.cancel())

    def _expire(self, reply: Reply[Any], timeout: float) -> None:
        if not reply.done():
            reply.set_exception(errors.QueryTimeout(f"no answer after {timeout:g} seconds; the statement was given up"))
            self._abandon(reply)

    def _limit_wait(self, reply: Reply[Any]) -> None:
        """Called by the native half for a statement that waits for a connection."""
        if self._acquire_timeout is not None:
            self._loop.call_later(self._acquire_timeout, self._end_wait, reply)

    def _end_wait(self, reply: Reply[Any]) -> None:
        if self._withdraw(reply):
            reply.set_exception(errors.PoolTimeout(why_exhausted(self._acquire_timeout, self._counts())))

    async def _exclusive(self, timeout: float | None = None) -> Member:
        connection = await self._alone(timeout)
        connection._events = self._events
        if self._warn_held is not None:
            held = self._warn_held
            connection._warning = self._loop.call_later(held, _holding.warn, held, _holding.holder())
        return connection

    async def _alone(self, timeout: float | None) -> Member:
        acquired: asyncio.Future[Member] = self._acquire()
        limits = [limit for limit in (timeout, self._acquire_timeout) if limit is not None]
        try:
            async with asyncio.timeout(min(limits, default=None)):
                return await acquired
        except TimeoutError:
            if acquired.done() and not acquired.cancelled():
                # It came in the same turn of the loop as the end of the time.
                return acquired.result()
            if timeout is not None and min(limits) != self._acquire_timeout:
                raise expired(timeout) from None
            raise errors.PoolTimeout(why_exhausted(self._acquire_timeout, self._counts())) from None
        except asyncio.CancelledError:
            if acquired.done() and not acquired.cancelled() and acquired.exception() is None:
                self._release(acquired.result())
            raise

    async def _give_back(self, connection: Member) -> None:
        """Returns a connection clean, or closes it; never half-used.

        What resets its session is sent ahead of whatever comes next, and nobody waits for it. What else cleaning needs
        the server's answer for goes on by itself: the caller, who may have been cancelled because the server is gone,
        does not wait for that either, and the connection counts as in use until it is over.
        """
        if connection._warning is not None:
            connection._warning.cancel()
            connection._warning = None
        if connection._is_reusable and not connection._has_prepared:
            connection._reset(RESET)
            self._release(connection)
        else:
            self._unclean(connection)

    def _unclean(self, connection: Member) -> None:
        """Called as well by the native half when a statement has left a shared connection changed; nobody has it
        meanwhile."""
        if not connection.is_closed:
            self._spawn(self._clean(connection))

    async def _clean(self, connection: Member) -> None:
        try:
            await restore(connection)
        except errors.Error as error:
            log.warning("a connection could not be cleaned and is closed: %s", error)
        finally:
            if connection._is_reusable:
                self._release(connection)
            elif not connection.is_closed:
                self._closing(connection)
                connection._close()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Lends a connection to the caller alone, for session state, prepared statements or several transactions.

        >>> async def example(db):
        ...     async with db.connection() as connection:
        ...         await connection.execute("SET work_mem = '64MB'")
        """
        member = await self._exclusive()
        before = member._requests
        lent = Connection(member)
        try:
            yield lent
        finally:
            lent._take_back()
            if member._requests != before:
                # Functions and triggers change sessions too, and nothing tells of it.
                member._touch()
            if member._end_transactions():
                # It would go on with whoever comes next.
                member._close()
            await self._give_back(member)

    @asynccontextmanager
    async def transaction(
        self,
        *,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        identity: bool = False,
    ) -> AsyncGenerator[Transaction]:
        """A transaction on a connection of its own.

        It commits when the block ends, and rolls back when the block raises. ``BEGIN`` travels with the first
        statement. What names no database in the block runs in the transaction, if it would have run on this database.

        With ``identity=True`` the same row is the same object, however often and by whatever way it is read in the
        transaction. It then takes what the row holds by now, but for what the program has changed and not saved.
        """
        connection = await self._exclusive()
        try:
            async with connection.transaction(
                isolation=isolation, readonly=readonly, deferrable=deferrable, identity=identity
            ) as tx:
                with _default.within(self, tx):
                    yield tx
        finally:
            await self._give_back(connection)

    def on[F: Callable[[Any], Any]](self, event: Event, /) -> Callable[[F], F]:
        """Has a function called with each transaction of this database that begins, or has been committed or rolled back.

        Savepoints do not count. What raises at ``"begin"`` keeps the transaction from being opened. The function may be async.

        >>> def example(db):
        ...     @db.on("commit")
        ...     async def committed(tx):
        ...         ...
        """
        if self._events is None:
            self._events = Events()
        return self._events.on(event)

    def run[T](
        self,
        fn: Callable[[Transaction], Awaitable[T]],
        /,
        *,
        retry: int = 3,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        timeout: float | None = None,
    ) -> Coroutine[Any, Any, T]:
        """Runs a function in a transaction, which it is given; its answer, when that is committed.

        After a serialization failure or a deadlock, wherever in it or at COMMIT, the whole is run again in a new transaction:
        ``retry`` more times at most, behind pauses that grow and are drawn by lot. So what else the function does must
        bear repeating. Nothing else is tried again, least of all a COMMIT without an answer
        (:class:`errors.CommitOutcomeUnknown`). ``timeout`` is for the whole.

        >>> async def example(db):
        ...     async def transfer(tx):
        ...         await tx.execute("UPDATE accounts SET balance = balance - 10 WHERE id = 1")
        ...         await tx.execute("UPDATE accounts SET balance = balance + 10 WHERE id = 2")
        ...
        ...     await db.run(transfer, retry=5, isolation="serializable")
        """
        checked(timeout)
        modes: dict[str, Any] = {"isolation": isolation, "readonly": readonly, "deferrable": deferrable}
        return self._within(timeout, self._run_again(fn, retry, modes))

    async def _run_again[T](self, fn: Callable[[Transaction], Awaitable[T]], retry: int, modes: dict[str, Any]) -> T:
        for pause in pauses(retry):
            try:
                async with self.transaction(**modes) as tx:
                    return await fn(tx)
            except Exception as error:
                if not may_succeed(error):
                    raise
                log.debug("a transaction is run again: %s", error)
            await asyncio.sleep(pause)
        async with self.transaction(**modes) as tx:
            return await fn(tx)

    @asynccontextmanager
    async def lock(
        self, key: _locks.Key, /, *, shared: bool = False, timeout: float | None = None
    ) -> AsyncGenerator[Connection]:
        """Holds an advisory lock for one block, on a connection of its own, which it lends.

        ``key`` is a text or a number, that mean the same lock to everybody who uses this database; ``shared`` locks keep out
        only those that are not. ``timeout`` is for getting it, 0 to try only: then :class:`errors.LockTimeout`.

        >>> async def example(db):
        ...     async with db.lock("nightly report", timeout=0):
        ...         ...
        """
        async with self.connection() as connection, connection.lock(key, shared=shared, timeout=timeout):
            yield connection

    @property
    def replica(self) -> Replicas:
        """The replicas that were named to ``connect(..., replicas=[...])``, to read from.

        >>> async def example(db):
        ...     return await db.replica.fetch("SELECT * FROM users WHERE id = $1", 7)
        """
        if self._replicas is None:
            raise errors.InterfaceError(NO_REPLICAS)
        return self._replicas

    def reads_own_writes(self) -> AbstractContextManager[None]:
        """Within the block, ``replica`` shows at least what the block has written, and waits for no writes of others.

        Outside of such blocks it shows what anybody has written through this object.

        >>> async def example(db):
        ...     with db.reads_own_writes():
        ...         await db.execute("INSERT INTO logs DEFAULT VALUES")
        ...         return await db.replica.fetch("SELECT * FROM logs")
        """
        return nullcontext() if self._replicas is None else self._replicas._writes.block()

    async def close(self) -> None:
        """Closes all connections; statements in flight may end first, those that wait are refused."""
        self._is_open = False
        _default.drop(self)
        members = self._shut(errors.PoolClosed("the pool is closed"))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CANCEL_DEADLINE
        for connection in members:
            while connection._outstanding and not connection.is_closed and loop.time() < deadline:
                await asyncio.sleep(0.005)
            connection._close()
        for task in list(self._tasks):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Nobody holds the pool any more, and nobody has closed it."""
        if not self._is_open:
            return
        self._is_open = False
        warning = UNCLOSED.format(self)
        close_all = functools.partial(_close_all, self._shut(errors.PoolClosed("the pool is closed")))
        if self._loop.is_running() and asyncio._get_running_loop() is not self._loop:
            # Garbage is collected in any thread; the sockets are the loop's.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(close_all)
        else:
            close_all()
        # Last, for it may be made an error.
        _warn(warning, ResourceWarning, source=self)

    def __repr__(self) -> str:
        opening, idle, shared, exclusive, closing, waiting = self._counts()
        size = opening + idle + shared + exclusive + closing
        return f"<Database {size} connections, {waiting} waiting>"


def _close_all(members: list[Member]) -> None:
    for connection in members:
        connection._close()


def _backoff(attempt: int) -> float:
    """Seconds to wait before another attempt to connect, jittered so that clients do not come in step."""
    first, most = _BACKOFF
    return random.uniform(0.5, 1.0) * min(most, first * 2.0**attempt)
