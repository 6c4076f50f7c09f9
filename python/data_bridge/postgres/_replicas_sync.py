"""Reading from standby servers on the blocking front."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import ref

from . import errors
from ._limits import Deadlines
from ._replicas import Routing, Standby, Writes, is_gone
from .sync import SyncDatabase, SyncTransaction, SyncVerbs, _PoolRoutines, _Routines, run

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from data_bridge import _native

    from .transaction import Isolation


class _ReadingRoutines(_Routines):
    def __init__(self, pool: Any, *_: Any) -> None:  # pyright: ignore[reportInconsistentConstructor]
        super().__init__(pool)
        pool._epoch = object()


class SyncReadingDatabase(SyncDatabase):
    """The pool of one server, for reading."""

    _connections = _ReadingRoutines
    #: Another one with each connection that is opened.
    _epoch: object = None


class _ReplicaRoutines(Deadlines, Routing):
    """The replicas as the coroutines see them; each call has one of its own."""

    def _at(self, pool: SyncDatabase) -> _PoolRoutines:
        routines = _PoolRoutines(pool)
        routines._deadline = self._deadline
        return routines


class SyncReplicas(SyncVerbs):
    """The replicas of a database, to read from: ``db.replica``. Servers refuse what writes here (SQLSTATE 25006).

    A read goes to the least busy replica that has what was written before, else to the primary.
    """

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._home = ref(self)
        #: Where what was read here is written to.
        self._origin: ref[Any] | None = None

    @property
    def _is_open(self) -> bool:
        return bool(self._routing._primary._is_open)

    def _to_write(self) -> Any:
        """The database whose replicas these are."""
        return None if self._origin is None else self._origin()

    def _coroutines(self) -> _ReplicaRoutines:
        known = self._routing
        routines = _ReplicaRoutines(known._writes, known._primary, known._standbys, known._turns)
        routines._home = self._home
        return routines

    def _run(self, sql: str, args: Any, shape: str, /, *, timeout: float | None = None, **options: Any) -> Any:
        return run(self._coroutines()._run(sql, args, shape, timeout=timeout, **options))

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Any:
        return run(self._coroutines()._run_statement(statement, timeout=timeout))

    @contextmanager
    def transaction(
        self, *, isolation: Isolation | None = None, deferrable: bool = False, identity: bool = False
    ) -> Generator[SyncTransaction]:
        """A transaction on one server, for reads that see the same: ``isolation="repeatable_read"``."""
        routines = self._coroutines()
        connection = run(routines._exclusive())
        try:
            modes: dict[str, Any] = {"isolation": isolation, "deferrable": deferrable, "identity": identity}
            with SyncTransaction(connection.transaction(**modes)) as tx:
                yield tx
        finally:
            run(routines._give_back(connection))

    def __repr__(self) -> str:
        up = sum(standby.is_up for standby in self._routing._standbys)
        return f"<SyncReplicas {up} of {len(self._routing._standbys)} up>"


class RoutedSyncDatabase(SyncDatabase):
    """A database that has replicas, and so takes note of what is written."""

    if not TYPE_CHECKING:
        # The native ones would not come by here.
        fetch = SyncVerbs.fetch
        fetch_row = SyncVerbs.fetch_row
        fetch_val = SyncVerbs.fetch_val
        execute = SyncVerbs.execute

    def _run(self, sql: str, args: Any, shape: str, /, *, timeout: float | None = None, **options: Any) -> Any:
        try:
            return super()._run(sql, args, shape, timeout=timeout, **options)
        finally:
            self._note()

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Any:
        try:
            return super()._run_statement(statement, timeout=timeout)
        finally:
            self._note()

    def _note(self) -> None:
        for written in self.replica._routing._writes.concerned():
            written.mark()

    def _acquire(self, timeout: float | None = None) -> _native.BlockingConnection:
        connection: Any = super()._acquire(timeout)
        connection._concerned = self.replica._routing._writes.concerned()
        for written in connection._concerned:
            written.held(connection)
        return connection  # type: ignore[no-any-return]

    def _release(self, connection: _native.BlockingConnection) -> None:
        for written in getattr(connection, "_concerned", ()):
            written.given_back(connection)
        super()._release(connection)

    def _open_replicas(self, for_reading: Sequence[_native.Config], limits: tuple[int, int, float | None]) -> None:
        """Opens the pools to read from. A replica that is down is no reason not to start."""
        pool_min, pool_max, acquire_timeout = limits
        primary, *pools = (SyncReadingDatabase(config, pool_max, acquire_timeout) for config in for_reading)
        standbys = [Standby(pool) for pool in pools]
        self._replicas = SyncReplicas(Routing(Writes(), primary, standbys))
        self._replicas._origin = ref(self)
        for pool in self._reading():
            pool._is_open = True
        for standby in standbys:
            try:
                standby.pool._warm(max(1, pool_min))
            except errors.Error as error:
                if not is_gone(error):
                    raise
                standby.rest(error)

    def _reading(self) -> list[SyncDatabase]:
        if self._replicas is None:
            return []
        routing = self._replicas._routing
        return [routing._primary, *(standby.pool for standby in routing._standbys)]

    def close(self) -> None:
        """Closes the idle connections, those to replicas too, and the others as they come back."""
        super().close()
        for pool in self._reading():
            pool.close()


def opened(
    config: _native.Config, for_reading: Sequence[_native.Config], limits: tuple[int, int, float | None]
) -> RoutedSyncDatabase:
    """A database whose replicas are open."""
    database = RoutedSyncDatabase(config, limits[1], limits[2])
    try:
        database._open_replicas(for_reading, limits)
    except BaseException:
        database.close()
        raise
    return database
