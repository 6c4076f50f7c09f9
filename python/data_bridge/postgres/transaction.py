"""Transactions and savepoints."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Self

from . import _locks, errors
from ._events import call_all
from ._identity import Identities
from ._pool import log
from ._reply import unawaited
from ._verbs import AsyncVerbs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from types import TracebackType

    from data_bridge import _native

    from ._reply import Reply
    from .database import Member

type Isolation = Literal["read_uncommitted", "read_committed", "repeatable_read", "serializable"]

_LEVELS = {
    "read_uncommitted": "READ UNCOMMITTED",
    "read_committed": "READ COMMITTED",
    "repeatable_read": "REPEATABLE READ",
    "serializable": "SERIALIZABLE",
}


_OUT_OF_TURN = (
    "a transaction nested in this one is still open, so both are rolled back; end it first, and give each task a "
    "transaction of its own from the database"
)


_ENDED_WITHIN = (
    "something run in the transaction block has ended its transaction; what came after that was committed statement by "
    "statement"
)


def begin_sql(isolation: Isolation | None, readonly: bool | None, deferrable: bool) -> str:
    """The BEGIN statement for these modes."""
    modes: list[str] = []
    if isolation is not None:
        level = _LEVELS.get(isolation.lower().replace(" ", "_"))
        if level is None:
            raise errors.InterfaceError(f"isolation must be one of {', '.join(_LEVELS)}, not {isolation!r}")
        modes.append(f"ISOLATION LEVEL {level}")
    if readonly is not None:
        modes.append("READ ONLY" if readonly else "READ WRITE")
    if deferrable:
        modes.append("DEFERRABLE")
    return " ".join(["BEGIN", *modes])


class Transaction(AsyncVerbs):
    """A transaction, or a savepoint within one: use it in ``async with``.

    It has the verbs of a database. Nothing is sent before the first statement, which takes ``BEGIN`` along. Transactions
    of one connection nest: tasks that run at the same time need one each, from the database.
    """

    def __init__(
        self,
        connection: Member,
        begin: str,
        parent: Transaction | None = None,
        *,
        of_routine: bool = False,
        identity: bool = False,
    ) -> None:
        self._connection = connection
        self._begin = begin
        self._parent = parent
        #: A routine's own is a savepoint also where the program has opened a transaction by hand.
        self._of_routine = of_routine
        #: The instances that it has given out; those of the transaction around it are its own too.
        self._identities: Identities | None = Identities() if identity else None
        if parent is not None:
            self._identities = parent._identities
        self._savepoint: str | None = None
        self._user: object = None
        self._state: Literal["new", "open", "ended"] = "new"
        #: To be called when it is rolled back: what was done to objects that hold what it wrote.
        self._undone: list[Callable[[], None]] = []
        #: To be called when it is committed.
        self._committed: list[Callable[[], Any]] = []

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise errors.InterfaceError("a transaction is entered once; make another one")
        if self._parent is not None:
            self._parent._check()
        connection = self._connection
        open_ones = connection._transactions
        self._user = connection._user()
        await connection._settled()
        if open_ones or (self._of_routine and connection._status != "idle"):
            self._check_turn(open_ones)
            if self._begin != "BEGIN":
                raise errors.InterfaceError("a nested transaction is a savepoint: it takes no isolation or other mode")
            self._savepoint = f"data_bridge_{len(open_ones)}"
            connection._push_prelude(f"SAVEPOINT {self._savepoint}")
        else:
            if connection._status != "idle":
                raise errors.InterfaceError(
                    "a transaction was opened with BEGIN on this connection; end it the same way first"
                )
            connection._push_prelude(self._begin)
        open_ones.append(self)
        connection._set_in_block(True)
        self._state = "open"
        if self._savepoint is None and connection._events is not None:
            try:
                await connection._events.tell("begin", connection._shown(self), blocking=connection._blocks)
            except BaseException as error:
                await self.__aexit__(type(error), error, error.__traceback__)
                raise
        return self

    def _check_turn(self, open_ones: list[Transaction]) -> None:
        """Savepoints are a stack: of two that overlap, the one that ends first would take the other along."""
        parent = self._parent
        if parent is None and self._of_routine and open_ones:
            # On the connection itself: like a statement, it belongs to whatever transaction is open there.
            parent = open_ones[0]
        if not open_ones or open_ones[-1] is parent:
            return
        if not self._connection._may_nest(open_ones[-1]._user, self._user):
            raise errors.InterfaceError(
                "another task has a nested transaction open in this one; await it first, or give each task a transaction "
                "of its own from the database"
            )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        if self._state != "open":
            if error is None:
                raise errors.InterfaceError(
                    "what this transaction was part of has ended before it; nothing of it is kept"
                )
            return
        index = connection._transactions.index(self)
        within = connection._transactions[index + 1 :]
        del connection._transactions[index:]
        connection._set_in_block(bool(connection._transactions))
        for each in (self, *within):
            each._state, each._user = "ended", None
        out_of_turn = errors.InterfaceError(_OUT_OF_TURN) if within and error is None else None
        try:
            await self._end(error or out_of_turn, len(within))
        except BaseException as failed:
            error = error or failed
            raise
        finally:
            rolled_back = (error or out_of_turn) is not None
            self._settle_undone(self, *within, rolled_back=rolled_back)
            if rolled_back and self._savepoint is None:
                await self._tell_rollback()
        if out_of_turn is not None:
            raise out_of_turn
        if error is None:
            await self._tell_commit()

    async def _tell_rollback(self) -> None:
        connection = self._connection
        if connection._events is not None:
            try:
                await connection._events.tell("rollback", connection._shown(self), blocking=connection._blocks)
            except Exception as error:
                # What the transaction was rolled back for says more.
                log.error("a function called on rollback has failed: %r", error)

    async def _tell_commit(self) -> None:
        """Calls what waits for the commit; what a savepoint has gathered waits for that of the transaction around it."""
        connection = self._connection
        if connection._transactions:
            connection._transactions[-1]._committed.extend(self._committed)
            return
        if self._savepoint is None and connection._events is not None:
            await connection._events.tell("commit", connection._shown(self), blocking=connection._blocks)
        if self._committed:
            await call_all([(call, None) for call in self._committed], blocking=connection._blocks)

    def on_commit(self, function: Callable[[], Any], /) -> None:
        """Has a function called, or awaited, when what was written here is committed for good; on a rollback it never is.

        In a nested transaction it waits for the outermost. It is called outside of the transaction, which it cannot undo.

        >>> async def example(db):
        ...     async with db.transaction() as tx:
        ...         await tx.execute("INSERT INTO orders DEFAULT VALUES")
        ...         tx.on_commit(lambda: print("mail is sent"))
        """
        self._check()
        self._committed.append(function)

    def _settle_undone(self, *ended: Transaction, rolled_back: bool) -> None:
        """Undoes what ended in a rollback; of a savepoint that is kept the transaction around it may still do so."""
        undone = [undo for each in ended for undo in each._undone]
        around = self._connection._transactions
        if rolled_back:
            for undo in reversed(undone):
                undo()
        elif around:
            around[-1]._undone.extend(undone)

    async def _end(self, error: BaseException | None, within: int) -> None:
        """Commits, or rolls back; ``within``: so many others were open in it."""
        connection, name = self._connection, self._savepoint
        if (connection._is_held and error is not None) or isinstance(error, asyncio.CancelledError):
            # Its last statement is being cancelled, or the caller. The rollback follows that in order, ahead of all that
            # comes later; the caller does not wait for a server that may be gone.
            if connection._outstanding or not self._take_back(within):
                unawaited(connection._simple("ROLLBACK" if name is None else f"ROLLBACK TO {name}; RELEASE {name}"))
            return
        while connection._outstanding and not connection.is_closed:
            # Statements that were not awaited belong to the transaction: they end before it does.
            await (connection._simple("") if error is None else connection._settle(""))
        if self._take_back(within):
            return
        if connection.is_closed:
            # Whatever was open ended with the connection; the error on its way says so.
            if error is None:
                raise errors.ConnectionLost("the connection was lost during the transaction, which was rolled back")
            return
        if connection._status == "idle":
            # Whatever statement did that, it was none that could be seen for what it is.
            if error is None:
                raise errors.InterfaceError(_ENDED_WITHIN)
            return
        if name is not None:
            await self._end_savepoint(name, error)
        elif error is not None:
            await self._undo("ROLLBACK")
        else:
            await self._commit()

    def _take_back(self, within: int) -> bool:
        """Takes back the commands that open it and those within it; whether none was sent, so that nothing is to be
        ended."""
        return [self._connection._pop_prelude() for _ in range(within + 1)][-1]

    async def _commit(self) -> None:
        try:
            tag = await self._connection._commit()
        except errors.Error as lost:
            is_over = self._connection.is_closed or isinstance(lost, errors.QueryTimeout)
            if not is_over or lost.outcome == "not_sent":
                raise
            # Also where the server gave a reason: it may have been given after the commit.
            raise errors.CommitOutcomeUnknown(
                "COMMIT was sent, but its answer did not come: it may have taken effect or not"
            ) from lost
        if tag == "ROLLBACK":
            raise errors.TransactionRolledBack(
                "COMMIT was answered with ROLLBACK, because a statement of the transaction had failed"
            )

    async def _end_savepoint(self, name: str, error: BaseException | None) -> None:
        if error is None and self._connection._status == "open":
            await self._connection._simple(f"RELEASE {name}")
            return
        await self._undo(f"ROLLBACK TO {name}; RELEASE {name}")
        if error is None:
            raise errors.TransactionRolledBack("a statement of the nested transaction had failed")

    async def _undo(self, sql: str) -> None:
        """Rolls back. A connection that is lost meanwhile has done so too, and the error on its way says more."""
        with suppress(errors.ConnectionLost):
            await self._connection._settle(sql)

    @property
    def is_open(self) -> bool:
        """Whether its block is being run."""
        return self._state == "open"

    def transaction(self) -> Transaction:
        """A nested transaction: a savepoint."""
        return Transaction(self._usable(), "BEGIN", self)

    async def lock(self, key: _locks.Key, /, *, shared: bool = False, timeout: float | None = None) -> None:
        """Takes an advisory lock that goes with the end of the transaction; see ``Database.lock``. Where it is not to be had
        in time the transaction goes on."""
        await _locks.take(self, key, scope="xact_", shared=shared, timeout=timeout)

    def _usable(self) -> Member:
        self._check()
        return self._connection

    def _check(self) -> None:
        if self._state != "open":
            raise errors.InterfaceError("the transaction is over; nothing can be run in it")

    # What the verbs build on.

    @property
    def _blocks(self) -> bool:
        return self._connection._blocks

    @property
    def _pool(self) -> Any:
        return self._connection._pool

    @property
    def _in_transaction(self) -> bool:
        return True

    @property
    def _transaction(self) -> Transaction:
        return self

    def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Reply[Any]:
        return self._usable()._run(sql, args, shape, **options)

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Awaitable[Any]:
        running = self._usable()._run_statement(statement, timeout=timeout)
        return running if self._identities is None else self._identities.unified(running)

    def _within[T](self, timeout: float | None, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        return self._connection._within(timeout, work)

    async def _exclusive(self, timeout: float | None = None) -> Member:
        return self._usable()

    async def _give_back(self, connection: Member) -> None:
        pass
