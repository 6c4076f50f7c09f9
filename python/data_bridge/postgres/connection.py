"""One connection in the hands of one holder, on either front: as the routines see it, and as it is lent to the program."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast
from weakref import ref

from . import _locks, errors
from ._verbs import AsyncVerbs
from .prepared import Prepared
from .transaction import Transaction, begin_sql

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Coroutine

    from data_bridge import _native

    from ._events import Events
    from ._reply import Reply
    from .database import Member
    from .transaction import Isolation


class Held(AsyncVerbs):
    """A connection that somebody has alone."""

    #: Whether the program's calls return when they are done.
    _blocks = False

    if TYPE_CHECKING:

        @property
        def _status(self) -> Literal["idle", "open", "failed"]: ...
        @property
        def _outstanding(self) -> int: ...
        def _pop_prelude(self) -> bool: ...
        def _set_in_block(self, in_block: bool, /) -> None: ...
        def _simple(self, sql: str, /) -> Awaitable[str]: ...

    #: What the database tells of the transactions on it, if anybody listens.
    _events: Events | None = None

    def __init__(self, pool: Any = None, *_: Any) -> None:
        #: Weak, since the pool holds the connection.
        self._pool = None if pool is None else ref(pool)
        #: The transactions that are open on it, each nested in the one before.
        self._transactions: list[Transaction] = []
        self._portals = 0

    def transaction(
        self,
        *,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        identity: bool = False,
    ) -> Transaction:
        """A transaction, or within one a savepoint."""
        return Transaction(cast("Member", self), begin_sql(isolation, readonly, deferrable), identity=identity)

    def _atomic(self, parent: Transaction | None) -> Transaction:
        """A transaction of a routine's own, which is a savepoint also where one was opened by hand."""
        return Transaction(cast("Member", self), "BEGIN", parent, of_routine=True)

    @property
    def _in_transaction(self) -> bool:
        return bool(self._transactions) or self._status != "idle"

    async def _settled(self) -> None:
        """Waits for a rollback that nobody has waited for: only then does the status say what is."""
        if not self._transactions and self._status != "idle" and self._outstanding:
            await self._simple("")

    async def _exclusive(self, timeout: float | None = None) -> Member:
        await self._settled()
        return cast("Member", self)

    async def _give_back(self, connection: Member) -> None:
        pass

    def _shown(self, transaction: Transaction) -> Any:
        """A transaction as the program knows it."""
        return transaction

    def _end_transactions(self) -> bool:
        """Whoever had the connection gives it back; whether a routine still has a transaction open, and so does not know
        that it is over."""
        in_routine = any(transaction._of_routine for transaction in self._transactions)
        for transaction in self._transactions:
            transaction._state = "ended"
        self._transactions.clear()
        self._set_in_block(False)
        while self._pop_prelude():
            pass
        return in_routine


class Connection(AsyncVerbs):
    """One connection, alone in the hands of its holder. ``Database.connection()`` lends it for one block."""

    def __init__(self, member: Member) -> None:
        self._lent: Member | None = member
        # Every statement comes this way, so it goes without the step through the method below.
        self._run = member._run  # type: ignore[method-assign] # pyright: ignore[reportAttributeAccessIssue]

    def transaction(
        self,
        *,
        isolation: Isolation | None = None,
        readonly: bool | None = None,
        deferrable: bool = False,
        identity: bool = False,
    ) -> Transaction:
        """A transaction, or within one a savepoint.

        ``BEGIN`` travels with the first statement, so that an empty transaction costs no round trip.
        """
        return self._usable().transaction(
            isolation=isolation, readonly=readonly, deferrable=deferrable, identity=identity
        )

    @asynccontextmanager
    async def lock(
        self, key: _locks.Key, /, *, shared: bool = False, timeout: float | None = None
    ) -> AsyncGenerator[None]:
        """Holds an advisory lock of the session for one block; see ``Database.lock``."""
        await _locks.take(self, key, scope="", shared=shared, timeout=timeout)
        try:
            yield
        except BaseException:
            # What went wrong is the news. Should this fail, the lock goes with the connection's return to its pool.
            with suppress(errors.Error):
                await _locks.give(self, key, shared=shared)
            raise
        await _locks.give(self, key, shared=shared)

    async def prepare(self, sql: str, /) -> Prepared:
        """Prepares a statement and asks for its types.

        >>> async def example(connection):
        ...     prepared = await connection.prepare("SELECT * FROM users WHERE id = $1")
        ...     return [await prepared.fetch_row(user) for user in (7, 8)]
        """
        return Prepared(self, await self._run(sql, (), "describe"))

    async def close(self) -> None:
        """Closes the connection."""
        self._usable()._close()

    @property
    def is_closed(self) -> bool:
        """Whether the connection is closed, or was given back."""
        return self._lent is None or self._lent.is_closed

    @property
    def backend_pid(self) -> int | None:
        """Process id of the server's backend."""
        return self._usable().backend_pid

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS protects the connection."""
        return self._usable().is_encrypted

    def parameter(self, name: str) -> str | None:
        """A run-time parameter that the server reports, such as ``server_version``."""
        return self._usable().parameter(name)

    def _usable(self) -> Member:
        if self._lent is None:
            raise errors.InterfaceError("the connection was given back to its pool; it is lent for one `with` block")
        return self._lent

    def _check(self) -> None:
        self._usable()

    def _take_back(self) -> None:
        self._lent = None
        del self._run

    # What the verbs build on.

    @property
    def _in_transaction(self) -> bool:
        return self._lent is not None and self._lent._in_transaction

    def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Reply[Any]:
        return self._usable()._run(sql, args, shape, **options)

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Awaitable[Any]:
        return self._usable()._run_statement(statement, timeout=timeout)

    def _within[T](self, timeout: float | None, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        # The work itself refuses, when it is awaited, what was given back.
        return work if self._lent is None else self._lent._within(timeout, work)

    async def _exclusive(self, timeout: float | None = None) -> Member:
        return await self._usable()._exclusive()

    async def _give_back(self, connection: Member) -> None:
        pass
