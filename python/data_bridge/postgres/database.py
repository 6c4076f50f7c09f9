"""The asyncio front: a pool of connections in one event loop."""

from __future__ import annotations

import asyncio
import functools
import os
import random
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from data_bridge import _native

from . import _default, _pool, errors
from ._pool import CANCEL_DEADLINE, log, log_notice, restore, why_exhausted
from ._reply import Reply
from ._verbs import AsyncVerbs
from .prepared import Prepared
from .transaction import Transaction, begin_sql

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable
    from types import TracebackType

    from .transaction import Isolation

os.register_at_fork(after_in_child=_native.forked)

#: Seconds between attempts to connect while callers wait, at first and at most.
_BACKOFF = (0.05, 2.0)
#: Such attempts after the first: a server that restarts is back within about a second.
_RETRIES = 5


class Connection(_native.AsyncConnection, AsyncVerbs):
    """One connection, alone in the hands of its holder. ``Database.connection()`` lends it."""

    _depth: int = 0
    _portals: int = 0

    def transaction(
        self, *, isolation: Isolation | None = None, readonly: bool | None = None, deferrable: bool = False
    ) -> Transaction:
        """A transaction, or within one a savepoint.

        ``BEGIN`` travels with the first statement, so that an empty transaction costs no round trip.
        """
        return Transaction(self, begin_sql(isolation, readonly, deferrable))

    async def prepare(self, sql: str, /) -> Prepared:
        """Prepares a statement and asks for its types.

        >>> async def example(connection):
        ...     prepared = await connection.prepare("SELECT * FROM users WHERE id = $1")
        ...     return [await prepared.fetch_row(user) for user in (7, 8)]
        """
        return Prepared(self, await self._run(sql, (), "describe"))

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

    async def _in_time[T](self, answer: Awaitable[T], seconds: float = CANCEL_DEADLINE) -> T:
        """The answer; or the end of the connection, if the server gives none: nobody waits for ever to clean up."""
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            self._abort("the server did not answer in time")
            raise errors.ConnectionLost("the server did not answer in time; the connection is closed") from None

    @property
    def _in_transaction(self) -> bool:
        return self._depth > 0 or self._status != "idle"

    async def _exclusive(self) -> Connection:
        return self

    async def _give_back(self, connection: Connection) -> None:
        pass

    async def close(self) -> None:
        """Closes the connection."""
        self._close()


class Database(_native.AsyncPool, AsyncVerbs):
    """A pool of connections to one database, in one event loop. ``connect()`` opens it.

    Statements from any number of tasks share its connections and are pipelined; transactions, streams, COPY and
    ``connection()`` have one alone.
    """

    _config: _native.Config
    _pool_min: int
    _acquire_timeout: float
    _tasks: set[asyncio.Task[Any]]

    def __new__(cls, config: _native.Config, pool_min: int, pool_max: int, acquire_timeout: float) -> Self:
        """Use ``connect()``."""
        loop = asyncio.get_running_loop()
        reply: Any = type("Reply", (Reply,), {"__slots__": ()})
        self = super().__new__(cls, loop, functools.partial(reply, loop=loop), pool_max)
        reply._owner = self
        self._config = config
        self._pool_min = pool_min
        self._acquire_timeout = acquire_timeout
        self._tasks = set()
        return self

    async def _start(self) -> None:
        """Opens the first connections, so that a wrong password is known at once."""
        slots: list[int] = []
        while (slot := self._warm(max(1, self._pool_min))) is not None:
            slots.append(slot)
        await asyncio.gather(*(self._dial(slot) for slot in slots))
        _default.use(self)

    async def _dial(self, slot: int, retries: int = 0) -> None:
        """Opens a connection for a place in the pool; failures that may pass are tried again with growing pauses."""
        attempt = 0
        while True:
            try:
                dialed = await asyncio.get_running_loop().run_in_executor(None, self._config.dial)
                connection = Connection(self, slot, dialed)
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

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self, connection: Connection, shared: bool) -> None:
        """Called by the native half when the only statement of a connection was given up.

        ``shared``: nobody has the connection alone, and it is lent to nobody until the statement has ended.
        """
        self._spawn(self._cancel_on_server(connection, shared))

    async def _cancel_on_server(self, connection: Connection, shared: bool) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, connection._send_cancel, CANCEL_DEADLINE)
        except errors.Error as error:
            log.warning("could not cancel a statement: %s", error)
        finally:
            connection._cancel_sent()
        deadline = loop.time() + CANCEL_DEADLINE
        while connection._outstanding and loop.time() < deadline:
            await asyncio.sleep(0.01)
        if connection._is_held:
            connection._abort("a cancelled statement did not end in time")
        elif shared:
            self._release(connection)

    def _notice(self, severity: str, code: str, message: str) -> None:
        """Called by the native half for each notice of the server."""
        log_notice(severity, code, message)

    async def _limited(self, reply: Reply, timeout: float) -> Any:
        try:
            async with asyncio.timeout(timeout):
                return await reply
        except TimeoutError:
            raise errors.QueryTimeout(f"no answer after {timeout:g} seconds; the statement was given up") from None

    def _limit_wait(self, reply: Reply) -> None:
        """Called by the native half for a statement that waits for a connection."""
        asyncio.get_running_loop().call_later(self._acquire_timeout, self._end_wait, reply)

    def _end_wait(self, reply: Reply) -> None:
        if self._withdraw(reply):
            reply.set_exception(errors.PoolTimeout(why_exhausted(self._acquire_timeout, self._counts())))

    async def _exclusive(self) -> Connection:
        acquired: asyncio.Future[Connection] = self._acquire()
        try:
            async with asyncio.timeout(self._acquire_timeout):
                return await acquired
        except TimeoutError:
            if acquired.done() and not acquired.cancelled():
                # It came in the same turn of the loop as the end of the time.
                return acquired.result()
            raise errors.PoolTimeout(why_exhausted(self._acquire_timeout, self._counts())) from None
        except asyncio.CancelledError:
            if acquired.done() and not acquired.cancelled() and acquired.exception() is None:
                self._release(acquired.result())
            raise

    async def _give_back(self, connection: Connection) -> None:
        """Returns a connection clean, or closes it; never half-used.

        What cleaning needs the server's answer goes on by itself: the caller, who may have been cancelled because the
        server is gone, does not wait for it, and the connection counts as in use until it is over.
        """
        touched = connection._take_touched()
        if connection._is_reusable and not touched:
            self._release(connection)
        elif not connection.is_closed:
            self._spawn(self._clean(connection, touched))

    def _unclean(self, connection: Connection) -> None:
        """Called by the native half when a statement has left a shared connection changed; nobody has it meanwhile."""
        self._spawn(self._clean(connection, connection._take_touched()))

    async def _clean(self, connection: Connection, touched: bool) -> None:
        try:
            async with asyncio.timeout(CANCEL_DEADLINE):
                await restore(connection, touched)
        except (errors.Error, TimeoutError) as error:
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
        connection = await self._exclusive()
        try:
            yield connection
        finally:
            await self._give_back(connection)

    @asynccontextmanager
    async def transaction(
        self, *, isolation: Isolation | None = None, readonly: bool | None = None, deferrable: bool = False
    ) -> AsyncGenerator[Transaction]:
        """A transaction on a connection of its own.

        It commits when the block ends, and rolls back when the block raises. ``BEGIN`` travels with the first
        statement.
        """
        connection = await self._exclusive()
        try:
            async with connection.transaction(isolation=isolation, readonly=readonly, deferrable=deferrable) as tx:
                yield tx
        finally:
            await self._give_back(connection)

    async def close(self) -> None:
        """Closes all connections; statements in flight may end first, those that wait are refused."""
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

    def __repr__(self) -> str:
        opening, idle, shared, exclusive, closing, waiting = self._counts()
        size = opening + idle + shared + exclusive + closing
        return f"<Database {size} connections, {waiting} waiting>"


def _backoff(attempt: int) -> float:
    """Seconds to wait before another attempt to connect, jittered so that clients do not come in step."""
    first, most = _BACKOFF
    return random.uniform(0.5, 1.0) * min(most, first * 2.0**attempt)
