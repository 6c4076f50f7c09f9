"""Transactions and savepoints."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Self

from . import errors
from ._verbs import AsyncVerbs

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

    from data_bridge import _native

    from .database import Connection

type Isolation = Literal["read_uncommitted", "read_committed", "repeatable_read", "serializable"]

_LEVELS = {
    "read_uncommitted": "READ UNCOMMITTED",
    "read_committed": "READ COMMITTED",
    "repeatable_read": "REPEATABLE READ",
    "serializable": "SERIALIZABLE",
}


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


def _ignore(rollback: asyncio.Future[str]) -> None:
    """Takes note of an error that the connection's next statement, or its end, will tell again."""
    if not rollback.cancelled():
        rollback.exception()


class Transaction(AsyncVerbs):
    """A transaction, or a savepoint within one: use it in ``async with``.

    It has the verbs of a database. Nothing is sent before the first statement, which takes ``BEGIN`` along.
    """

    def __init__(self, connection: Connection, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._savepoint: str | None = None
        self._state: Literal["new", "open", "ended"] = "new"

    async def __aenter__(self) -> Self:
        if self._state != "new":
            raise errors.InterfaceError("a transaction is entered once; make another one")
        connection = self._connection
        if connection._depth:
            if self._begin != "BEGIN":
                raise errors.InterfaceError("a nested transaction is a savepoint: it takes no isolation or other mode")
            self._savepoint = f"data_bridge_{connection._depth}"
            connection._push_prelude(f"SAVEPOINT {self._savepoint}")
        elif connection._status != "idle":
            raise errors.InterfaceError(
                "a transaction was opened with BEGIN on this connection; end it the same way first"
            )
        else:
            connection._push_prelude(self._begin)
        connection._depth += 1
        self._state = "open"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state = "ended"
        connection = self._connection
        connection._depth -= 1
        if error is not None and connection._is_held:
            # Its last statement is being cancelled. The rollback follows that in order, ahead of all that comes later;
            # the caller does not wait for a server that may be gone.
            name = self._savepoint
            rollback = connection._simple("ROLLBACK" if name is None else f"ROLLBACK TO {name}; RELEASE {name}")
            asyncio.ensure_future(rollback).add_done_callback(_ignore)
            return
        while connection._outstanding and not connection.is_closed:
            # Statements that were not awaited belong to the transaction: they end before it does.
            await (connection._simple("") if error is None else connection._settle(""))
        if connection._pop_prelude():
            # Nothing was sent, so there is nothing to end.
            return
        if connection.is_closed:
            # Whatever was open ended with the connection; the error on its way says so.
            if error is None:
                raise errors.ConnectionLost("the connection was lost during the transaction, which was rolled back")
            return
        if self._savepoint is not None:
            await self._end_savepoint(self._savepoint, error)
        elif error is not None:
            await self._undo("ROLLBACK")
        else:
            await self._commit()

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

    def transaction(self) -> Transaction:
        """A nested transaction: a savepoint."""
        return self._usable().transaction()

    def _usable(self) -> Connection:
        if self._state != "open":
            raise errors.InterfaceError("the transaction is over; nothing can be run in it")
        return self._connection

    # What the verbs build on.

    @property
    def _in_transaction(self) -> bool:
        return True

    def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Awaitable[Any]:
        return self._usable()._run(sql, args, shape, **options)

    def _run_statement(self, statement: _native.Statement) -> Awaitable[Any]:
        return self._usable()._run_statement(statement)

    async def _exclusive(self) -> Connection:
        return self._usable()

    async def _give_back(self, connection: Connection) -> None:
        pass
