"""A database that forgets: everything happens in one transaction, which is rolled back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any, Self, cast
from weakref import ref

from data_bridge.postgres import _default, errors
from data_bridge.postgres._events import Events, call_all
from data_bridge.postgres._verbs import AsyncVerbs
from data_bridge.postgres.connection import Connection
from data_bridge.postgres.database import Database
from data_bridge.postgres.sync import SyncConnection, SyncTransaction, SyncVerbs, run
from data_bridge.postgres.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from types import TracebackType

    from data_bridge import _native
    from data_bridge.postgres._events import Event
    from data_bridge.postgres._locks import Key
    from data_bridge.postgres.database import Member
    from data_bridge.postgres.sync import SyncDatabase

#: The sandbox's transactions that the running code is inside of; tasks inherit it from the task that starts them.
_inside: ContextVar[tuple[Transaction, ...]] = ContextVar("data_bridge_inside", default=())

#: Seconds that a transaction waits for another one to end, and between two looks.
_PATIENCE = 10.0
_LOOK = 0.005

_DEFERRABLE = "SELECT EXISTS (SELECT FROM pg_constraint WHERE condeferrable)"
#: Checks what COMMIT would check, and leaves the modes of the constraints as they are.
_CHECK = "SAVEPOINT checked; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO checked; RELEASE checked"


class Done(Coroutine[Any, Any, Any]):
    """A call that is over; its error is raised where it is awaited."""

    __slots__ = ("_error", "_value")

    def __init__(self, call: Callable[[], Any]) -> None:
        self._value: Any = None
        self._error: Exception | None = None
        try:
            self._value = call()
        except Exception as error:
            self._error = error

    def __await__(self) -> Generator[Any, Any, Any]:
        return cast("Generator[Any, Any, Any]", self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> None:
        self.send(None)

    def send(self, value: Any, /) -> Any:
        """The answer."""
        if self._error is not None:
            raise self._error
        raise StopIteration(self._value)

    def throw(self, *error: Any) -> Any:
        """There is nothing to end any more."""
        raise error[0] if len(error) == 1 else error[1]

    def close(self) -> None:
        """There is nothing to end any more."""


class Sandbox(AsyncVerbs):
    """Has the verbs of a :class:`Database <data_bridge.postgres.Database>`, on one connection and in one transaction.

    A transaction that the code under test opens is a savepoint, and a statement alone has one of its own, so that one that
    fails leaves the rest usable. Constraints that are checked at COMMIT are checked where the outermost of them ends.

    Calls block while the server works, instead of waiting in an event loop: so it may be used from any loop and from any
    thread, at import, in fixtures and in tests alike. Transactions that overlap in time wait for each other.
    """

    #: Whether the calls are those of a :class:`SyncSandbox`.
    _blocks = False
    _is_open = True

    def __init__(self, member: Member) -> None:
        self._member = member
        self._events = Events()
        #: What the program holds, for instances that remember where they came from.
        self._front: ref[Any] = ref(self)
        self._lock = threading.RLock()
        vars(member).update(_user=_anybody, _pool=self._front)
        self._outer = Transaction(member, "BEGIN")
        run(self._outer.__aenter__())
        # BEGIN is sent at once: from here on an idle connection is one whose transaction was ended.
        run(member._simple(""))
        self._checks: bool | None = None

    @classmethod
    @contextmanager
    def of(cls, database: SyncDatabase) -> Generator[Self]:
        """A sandbox on a connection of a blocking database; it is rolled back, and closed, when the block ends."""
        with database._lend() as lent:
            member = lent._usable()
            pool = member._pool
            sandbox = cls(member)
            _default.use(sandbox)
            try:
                yield sandbox
                sandbox._refuse_if_ended()
            finally:
                _default.drop(sandbox)
                sandbox._is_open = False
                vars(member).pop("_user", None)
                vars(member)["_pool"] = pool

    def transaction(self, **_modes: Any) -> Transaction:
        """A savepoint that behaves like a transaction. Isolation and other modes are those of the whole sandbox."""
        return _Nested(self)

    @property
    def replica(self) -> Self:
        """The sandbox itself: no other server could show what was written in it. Here writes are not refused."""
        return self

    def reads_own_writes(self) -> AbstractContextManager[None]:
        """Nothing to see to: what is read is never behind."""
        return nullcontext()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """Lends the connection. What is set for its session stays set until the test ends."""
        lent: Any = Connection(self._member)
        lent._run, lent._run_statement, lent.transaction = self._run, self._run_statement, self.transaction
        try:
            yield lent
        finally:
            lent._take_back()

    def on[F: Callable[[Any], Any]](self, event: Event, /) -> Callable[[F], F]:
        """Has a function called with the transactions of the program; see ``Database.on``."""
        return self._events.on(event)

    # These rest on what is above alone.
    run = Database.run
    _run_again = Database._run_again
    lock = Database.lock

    @property
    def blocking(self) -> SyncSandbox:
        """The same sandbox for code that does not await."""
        view = copy(self)
        view._blocks = True
        blocking = SyncSandbox(view)
        view._front = ref(blocking)
        return blocking

    async def close(self) -> None:
        """Does nothing: the program that is tested may close its database, and the test goes on."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def _refuse_if_ended(self) -> None:
        if not self._member.is_closed and self._member._status == "idle":
            raise errors.InterfaceError(
                "something has run COMMIT or ROLLBACK as a statement, so the test was not rolled back; give that code a "
                "database of its own, from the fixture pg_url"
            )

    @property
    def _checks_at_commit(self) -> bool:
        if self._checks is None:
            self._checks = bool(run(self._member._run(_DEFERRABLE, (), "value")))
        return self._checks

    def _alone(self, call: Callable[[], Awaitable[Any]]) -> Done:
        """Runs one statement in a savepoint of its own."""

        async def steps() -> Any:
            async with Transaction(self._member, "BEGIN"):
                answer = await call()
                await self._check_constraints()
                return answer

        def locked() -> Any:
            with self._lock:
                return run(steps())

        return Done(locked)

    async def _check_constraints(self) -> None:
        # Within a transaction of the program they wait for its end.
        if not self._open() and self._checks_at_commit and self._member._status == "open":
            await self._member._simple(_CHECK)

    def _open(self) -> list[Transaction]:
        """The transactions of the program that are open now."""
        return [each for each in self._member._transactions if isinstance(each, _Inner)]

    def _outermost(self) -> list[Transaction]:
        return [each for each in self._open() if isinstance(each, _Nested)]

    async def _turn(self) -> None:
        """Waits for the transactions of others to end: savepoints are a stack."""
        deadline = time.monotonic() + _PATIENCE
        while (others := self._open()) and others[-1] not in _inside.get():
            if time.monotonic() > deadline:
                raise errors.InterfaceError(
                    "two transactions of this test wait for each other: the fixture pg_db has one connection, where one of "
                    "them must end before the other begins; give the code a database of its own, from the fixture pg_url"
                )
            await _pause()

    # What the verbs build on.

    @property
    def _in_transaction(self) -> bool:
        return bool(self._open())

    def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Any:
        return self._alone(lambda: self._member._run(sql, args, shape, **options))

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Awaitable[Any]:
        return self._alone(lambda: self._member._run_statement(statement, timeout=timeout))

    def _within[T](self, timeout: float | None, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        return self._member._within(timeout, work)

    async def _exclusive(self, timeout: float | None = None) -> Member:
        return self._member

    async def _give_back(self, connection: Member) -> None:
        pass


class _Inner(Transaction):
    """A transaction of the program: its connection blocks, which the program need not know."""

    def __init__(self, sandbox: Sandbox, parent: Transaction | None = None) -> None:
        super().__init__(sandbox._member, "BEGIN", parent)
        self._sandbox = sandbox

    def transaction(self) -> Transaction:
        """A nested transaction."""
        self._check()
        return _Inner(self._sandbox, self)

    @property
    def _blocks(self) -> bool:
        return self._sandbox._blocks

    @property
    def _pool(self) -> ref[Any]:
        return self._sandbox._front


class _Nested(_Inner):
    """An outermost one, which waits for its turn."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._before: tuple[Transaction, ...] = ()
        self._as_default: Any = None

    async def __aenter__(self) -> Self:
        await self._sandbox._turn()
        await super().__aenter__()
        self._before = _inside.get()
        _inside.set((*self._before, self))
        # As within the block of a real database: what names no database runs in the transaction.
        self._as_default = _default.within(self._sandbox, self)
        self._as_default.__enter__()
        try:
            await self._tell("begin")
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._as_default.__exit__(None, None, None)
        _inside.set(self._before)
        sandbox = self._sandbox
        if error is None and sandbox._outermost() == [self] and self._connection._status == "open":
            try:
                if sandbox._checks_at_commit:
                    await self._connection._simple(_CHECK)
            except errors.Error as found:
                await super().__aexit__(type(found), found, found.__traceback__)
                await self._tell("rollback")
                raise
        await super().__aexit__(kind, error, trace)
        if error is not None:
            await self._tell("rollback")

    async def _tell_commit(self) -> None:
        # To the program it is a transaction, whatever becomes of the one around it.
        await self._tell("commit")
        await call_all([(call, None) for call in self._committed], blocking=self._blocks)

    async def _tell(self, event: Event) -> None:
        shown = SyncTransaction(self) if self._blocks else self
        await self._sandbox._events.tell(event, shown, blocking=self._blocks)


class SyncSandbox(SyncVerbs):
    """The same for code that does not await; see :class:`Sandbox`, whose transaction it shares."""

    _is_open = True

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def transaction(self, **_modes: Any) -> SyncTransaction:
        """A savepoint that behaves like a transaction. Isolation and other modes are those of the whole sandbox."""
        return SyncTransaction(self._sandbox.transaction())

    @property
    def replica(self) -> Self:
        """The sandbox itself: no other server could show what was written in it. Here writes are not refused."""
        return self

    def reads_own_writes(self) -> AbstractContextManager[None]:
        """Nothing to see to: what is read is never behind."""
        return nullcontext()

    @contextmanager
    def connection(self) -> Generator[SyncConnection]:
        """Lends the connection. What is set for its session stays set until the test ends."""
        with _blocking(self._sandbox.connection()) as lent:
            connection: Any = SyncConnection(lent)
            connection._run, connection._run_statement = self._run, self._run_statement
            yield connection

    def on[F: Callable[[Any], Any]](self, event: Event, /) -> Callable[[F], F]:
        """Has a function called with the transactions of the program; see ``Database.on``."""
        return self._sandbox.on(event)

    def run[T](self, fn: Callable[[SyncTransaction], T], /, **_modes: Any) -> T:
        """Runs a function in a transaction, once: nobody else is there for it to meet."""
        with self.transaction() as tx:
            return fn(tx)

    @contextmanager
    def lock(self, key: Key, /, *, shared: bool = False, timeout: float | None = None) -> Generator[SyncConnection]:
        """Holds an advisory lock for one block; see ``Database.lock``."""
        with self.connection() as connection, connection.lock(key, shared=shared, timeout=timeout):
            yield connection

    def close(self) -> None:
        """Does nothing: the program that is tested may close its database, and the test goes on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _coroutines(self) -> AsyncVerbs:
        return self._sandbox

    def _run(self, sql: str, args: Any, shape: str, /, **options: Any) -> Any:
        return run(self._sandbox._run(sql, args, shape, **options))

    def _run_statement(self, statement: _native.Statement, /, *, timeout: float | None = None) -> Any:
        return run(self._sandbox._run_statement(statement, timeout=timeout))


@contextmanager
def _blocking[T](block: AbstractAsyncContextManager[T]) -> Generator[T]:
    """An ``async with`` that has nothing to wait for, as ``with``."""
    entered: T = run(block.__aenter__())
    try:
        yield entered
    except BaseException as error:
        if not run(block.__aexit__(type(error), error, error.__traceback__)):
            raise
    else:
        run(block.__aexit__(None, None, None))


def _anybody() -> object:
    """Who opens transactions here: their turn is kept by the sandbox, not by who they are."""
    return _anybody


def _pause() -> Awaitable[None]:
    """Lets others go on: the tasks of this loop, or other threads."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return Done(lambda: time.sleep(_LOOK))
    return asyncio.sleep(_LOOK)
