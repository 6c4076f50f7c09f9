"""Reading from standby servers: what was written, who may show it, and where a statement goes.

A program must not read from a standby what is older than what it has just written. Each write leaves a mark; the first read
after it asks the primary how far its log has come (``pg_current_wal_insert_lsn()``), and a standby is read from only if it has
replayed that much (``pg_last_wal_replay_lsn()``; PostgreSQL manual, sections 9.28.3 and 9.28.4). Else the primary is.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet, ref

from data_bridge import _native

from . import _rows, errors
from ._limits import checked
from ._pool import log
from ._verbs import AsyncVerbs
from .database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable, Sequence

    from data_bridge._native import Record

    from ._reply import Reply
    from .database import Member
    from .transaction import Isolation, Transaction

#: Seconds for which a replica that could not be reached is left alone.
_REST = 5.0
#: The server is being shut down, has crashed, is starting, or takes no more connections.
_GONE = ("57P01", "57P02", "57P03", "53300")
_WRITTEN = "SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint"
_REPLAYED = "SELECT coalesce(pg_catalog.pg_last_wal_replay_lsn() - '0/0', 0)::bigint"


def configs(
    url: str | None, replicas: Sequence[str] | None, settings: dict[str, Any], statement_cache: int
) -> list[_native.Config] | None:
    """How to connect for reading only, to the primary and to each replica; ``None`` where none are asked for.

    The server refuses what writes, wherever a statement ends up. Settings hold for replicas too, but for where they are.
    """
    if replicas is None:
        return None
    if isinstance(replicas, str):
        raise TypeError("replicas is a list of URLs, not one str; write [url]")
    options = settings.get("options") or os.environ.get("PGOPTIONS", "")
    settings = {**settings, "options": f"{options} -c default_transaction_read_only=on".strip()}
    shared = {key: value for key, value in settings.items() if key not in ("host", "hostaddr", "port")}
    return [
        _native.Config(url, statement_cache=statement_cache, **settings),
        *(_native.Config(replica, statement_cache=statement_cache, **shared) for replica in replicas),
    ]


def is_gone(error: errors.Error) -> bool:
    """Whether another server may answer where this one has not."""
    unreachable = errors.ConnectError | errors.ConnectTimeout | errors.ConnectionLost
    return isinstance(error, unreachable) or error.sqlstate in _GONE


class Written:
    """How far a replica must have come to show what was written so far.

    Threads share it, so it is changed by single assignments only.
    """

    def __init__(self) -> None:
        #: Another one with each write; not a number, since ``+=`` is two steps.
        self._mark = object()
        #: The mark up to which the position is known, and the position, in bytes of log.
        self._known = (self._mark, 0)
        #: What may be writing: calls on their way, and connections that somebody holds.
        self._calls: WeakSet[asyncio.Future[Any]] = WeakSet()
        self._held: set[Any] = set()

    def mark(self) -> None:
        """Something was, or is being, written."""
        self._mark = object()

    def call(self, reply: asyncio.Future[Any]) -> None:
        """A statement is on its way."""
        self._calls.add(reply)
        self.mark()

    def held(self, connection: Any) -> None:
        """Somebody has a connection, and may write and commit at any time."""
        self._held.add(connection)
        self.mark()

    def given_back(self, connection: Any) -> None:
        """Nobody has it any more."""
        self.mark()
        self._held.discard(connection)

    async def position(self, primary: Any) -> int:
        """How much of the log there was after all that had ended before; 0 before the first write."""
        known, at = self._known
        if known is self._mark:
            return at
        mark = self._mark
        # What ends while the server is asked may come too late for its answer, and be read by the next.
        unsettled = bool(self._held) or any(not reply.done() for reply in list(self._calls))
        position: int = await primary._run(_WRITTEN, (), "value")
        self._known = (object() if unsettled else mark, position)
        return position


class Writes:
    """What is written through one database: by everybody, and by the block that the running code is in."""

    def __init__(self) -> None:
        self._everybody = Written()
        self._block: ContextVar[Written | None] = ContextVar("data_bridge_written", default=None)

    def seen_here(self) -> Written:
        """What a read of the running code must not be behind."""
        return self._block.get() or self._everybody

    def concerned(self) -> tuple[Written, ...]:
        """Whom a write of the running code is told."""
        block = self._block.get()
        return (self._everybody,) if block is None else (self._everybody, block)

    @contextmanager
    def block(self) -> Generator[None]:
        """Within, only the block's own writes count; one in another is part of it."""
        outer = self._block.get()
        self._block.set(outer or Written())
        try:
            yield
        finally:
            self._block.set(outer)  # no token: a fixture is left in another context than it was entered in


class Standby:
    """One replica: a pool, and what is known of its server."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self._down_until = 0.0
        #: How far it has come, and since when that is known: a server that was restarted may have fallen back.
        self._reached: tuple[object, int] = (None, 0)

    @property
    def is_up(self) -> bool:
        """Whether it is worth a try."""
        return time.monotonic() >= self._down_until

    @property
    def busy(self) -> int:
        """How many connections are in use, and callers waiting."""
        _opening, _idle, shared, exclusive, _closing, waiting = self.pool._counts()
        return int(shared + exclusive + waiting)

    def rest(self, error: errors.Error) -> None:
        """It could not be reached."""
        self._down_until = time.monotonic() + _REST
        log.warning("a replica is left alone for %g seconds: %s", _REST, error)

    async def has(self, position: int, holder: Any) -> bool:
        """Whether it has replayed that much."""
        epoch, reached = self._reached
        if epoch is self.pool._epoch and reached >= position:
            return True
        epoch = self.pool._epoch
        reached = await holder._run(_REPLAYED, (), "value")
        self._reached = (epoch, reached)
        return bool(reached >= position)


class Routing(AsyncVerbs):
    """Where statements go, for both fronts: a replica that is up and not behind, else the primary."""

    def __init__(
        self, writes: Writes, primary: Any, standbys: Sequence[Standby], turns: Iterable[int] | None = None
    ) -> None:
        self._writes = writes
        #: A pool of its own, for reading: there too the server refuses what writes.
        self._primary = primary
        self._standbys = standbys
        self._turns = iter(count() if turns is None else turns)
        self._home: Any = None

    def _at(self, pool: Any) -> Any:
        """The pool, as coroutines see it."""
        return pool

    def _in_turn(self) -> list[Standby]:
        """The replicas that are up, the least busy first, and equals in turn."""
        up = [standby for standby in self._standbys if standby.is_up]
        first = next(self._turns) % len(up) if up else 0
        return sorted(up[first:] + up[:first], key=lambda standby: standby.busy)

    async def _position(self) -> int:
        return await self._writes.seen_here().position(self._at(self._primary))

    async def _routed(self, call: Callable[[Any], Awaitable[Any]]) -> Any:
        """The answer of one statement. It can write nothing, so another server may be asked again."""
        position = await self._position()
        for standby in self._in_turn():
            holder, epoch = self._at(standby.pool), standby.pool._epoch
            try:
                if position and not await standby.has(position, holder):
                    break
                answer = await call(holder)
            except errors.Error as error:
                if not is_gone(error):
                    raise
                standby.rest(error)
                continue
            if not position or epoch is standby.pool._epoch:
                return answer
            # A new connection: to a server that may have been restarted, and have been behind again.
            break
        return await call(self._at(self._primary))

    def fetch_many(  # type: ignore[override]
        self, sql: str, args: Iterable[Sequence[Any]], /, *, timeout: float | None = None
    ) -> Coroutine[Any, Any, list[Record]]:
        """All rows of one query run with many sets of arguments; see ``AsyncVerbs.fetch_many``."""
        # Another server may be asked the same.
        return self._run(sql, list(_rows.positional(args)), "rows", timeout=timeout)

    def _run(self, sql: str, args: Any, shape: str, /, *, timeout: float | None = None, **options: Any) -> Reply[Any]:
        checked(timeout)
        work = self._routed(lambda holder: holder._run(sql, args, shape, **options))
        return cast("Reply[Any]", self._within(timeout, work))

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Awaitable[Any]:
        checked(timeout)
        return self._within(timeout, self._routed(lambda holder: holder._run_statement(statement)))

    async def _exclusive(self, timeout: float | None = None) -> Member:
        position = await self._position()
        for standby in self._in_turn():
            try:
                member = await self._taken(standby.pool, timeout)
                try:
                    if not position or await member._run(_REPLAYED, (), "value") >= position:
                        return member
                except BaseException:
                    await self._give_back(member)
                    raise
            except errors.Error as error:
                if not is_gone(error):
                    raise
                standby.rest(error)
                continue
            await self._give_back(member)
            break
        return await self._taken(self._primary, timeout)

    async def _taken(self, pool: Any, timeout: float | None) -> Member:
        holder = self._at(pool)
        member: Any = await holder._exclusive(timeout)
        member._lender = holder
        # What is read through it finds its links on whatever replica there is by then.
        member._pool = self._home
        return cast("Member", member)

    async def _give_back(self, connection: Member) -> None:
        await cast("Any", connection)._lender._give_back(connection)

    @asynccontextmanager
    async def transaction(
        self, *, isolation: Isolation | None = None, deferrable: bool = False, identity: bool = False
    ) -> AsyncGenerator[Transaction]:
        """A transaction on one server, for reads that see the same: ``isolation="repeatable_read"``."""
        connection = await self._exclusive()
        try:
            async with connection.transaction(isolation=isolation, deferrable=deferrable, identity=identity) as tx:
                yield tx
        finally:
            await self._give_back(connection)


class Replicas(Routing):
    """The replicas of a database, to read from: ``db.replica``. Servers refuse what writes here (SQLSTATE 25006).

    A read goes to the least busy replica that has what was written before, else to the primary. Several servers may have to be
    asked, so calls are coroutines: they start when they are awaited.
    """

    def __init__(self, writes: Writes, primary: Database, standbys: Sequence[Standby]) -> None:
        super().__init__(writes, primary, standbys)
        self._home = ref(self)
        #: Where what was read here is written to.
        self._origin: ref[Any] | None = None

    @property
    def _is_open(self) -> bool:
        return bool(self._primary._is_open)

    def _to_write(self) -> Any:
        """The database whose replicas these are."""
        return None if self._origin is None else self._origin()

    if TYPE_CHECKING:
        # What a future has more than a coroutine, these answers have not.

        def fetch(  # type: ignore[override]
            self, sql: str, /, *args: Any, timeout: float | None = None
        ) -> Coroutine[Any, Any, list[Record]]: ...
        def fetch_row(  # type: ignore[override]
            self, sql: str, /, *args: Any, timeout: float | None = None
        ) -> Coroutine[Any, Any, Record | None]: ...
        def fetch_val(  # type: ignore[override]
            self, sql: str, /, *args: Any, column: int = 0, timeout: float | None = None
        ) -> Coroutine[Any, Any, Any]: ...
        def execute(  # type: ignore[override]
            self, sql: str, /, *args: Any, timeout: float | None = None
        ) -> Coroutine[Any, Any, int]: ...

    def __repr__(self) -> str:
        up = sum(standby.is_up for standby in self._standbys)
        return f"<Replicas {up} of {len(self._standbys)} up>"


class ReadingDatabase(Database):
    """The pool of one server, for reading."""

    #: Another one with each connection that is opened.
    _epoch: object = None

    async def _dial(self, slot: int, retries: int = 0) -> None:
        # Nobody waits for a server that is down while there are others.
        await super()._dial(slot)

    def _opened(self, connection: _native.AsyncConnection) -> None:
        self._epoch = object()
        super()._opened(connection)


class RoutedDatabase(Database):
    """A database that has replicas, and so takes note of what is written."""

    if not TYPE_CHECKING:
        # The native ones would not come by here.
        fetch = AsyncVerbs.fetch
        fetch_row = AsyncVerbs.fetch_row
        fetch_val = AsyncVerbs.fetch_val
        execute = AsyncVerbs.execute

    def _run(self, sql: str, args: Any, shape: str, /, *, timeout: float | None = None, **options: Any) -> Reply[Any]:
        return self._noted(super()._run(sql, args, shape, timeout=timeout, **options))

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Reply[Any]:
        return self._noted(super()._run_statement(statement, timeout=timeout))

    def _noted(self, reply: Reply[Any]) -> Reply[Any]:
        for written in self.replica._writes.concerned():
            written.call(reply)
        return reply

    async def _exclusive(self, timeout: float | None = None) -> Member:
        member: Any = await super()._exclusive(timeout)
        member._concerned = self.replica._writes.concerned()
        for written in member._concerned:
            written.held(member)
        return cast("Member", member)

    async def _give_back(self, connection: Member) -> None:
        for written in getattr(connection, "_concerned", ()):
            written.given_back(connection)
        await super()._give_back(connection)

    async def _open_replicas(
        self, for_reading: Sequence[_native.Config], limits: tuple[int, int, float | None]
    ) -> None:
        """Opens the pools to read from. A replica that is down is no reason not to start."""
        pool_min, pool_max, acquire_timeout = limits
        primary, *pools = (ReadingDatabase(config, pool_min, pool_max, acquire_timeout) for config in for_reading)
        standbys = [Standby(pool) for pool in pools]
        self._replicas = Replicas(Writes(), primary, standbys)
        self._replicas._origin = ref(self)
        for pool in self._reading():
            pool._is_open = True
        await asyncio.gather(*map(self._warm_up, standbys))

    async def _warm_up(self, standby: Standby) -> None:
        try:
            await standby.pool._fill()
        except errors.Error as error:
            if not is_gone(error):
                raise
            standby.rest(error)

    def _reading(self) -> list[Database]:
        known = self._replicas
        return [] if known is None else [known._primary, *(standby.pool for standby in known._standbys)]

    async def close(self) -> None:
        """Closes all connections, those to replicas too."""
        await super().close()
        for pool in self._reading():
            await pool.close()
