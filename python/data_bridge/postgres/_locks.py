"""Advisory locks: what they are called, and how they are taken (PostgreSQL manual, section 13.3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from .connection import Connection
    from .transaction import Transaction

type Key = int | str | tuple[int, int]

#: The limit for the rest of the transaction.
_LIMIT = "SELECT pg_catalog.set_config('lock_timeout', $1, true)"
_LONGEST_MS = 2**31 - 1
#: SQLSTATE ``lock_not_available``.
_NOT_AVAILABLE = "55P03"
_INT8 = (-(2**63), 2**63)
_INT4 = (-(2**31), 2**31)


async def take(holder: Connection | Transaction, key: Key, *, scope: str, shared: bool, timeout: float | None) -> None:
    """Takes a lock of the session (``scope`` is empty) or of the transaction (``xact_``); within the time, if there is a
    limit, which may be 0."""
    expression, args = _named(key)
    suffix = "_shared" if shared else ""
    if timeout is not None and timeout <= 0:
        taken = await holder.fetch_val(f"SELECT pg_catalog.pg_try_advisory_{scope}lock{suffix}({expression})", *args)
        if not taken:
            raise _taken(key)
        return
    statement = f"SELECT pg_catalog.pg_advisory_{scope}lock{suffix}({expression})"
    if timeout is None:
        await holder.execute(statement, *args)
        return
    # The server's own limit: one that cancels from here may come too late, when the lock is nobody's any more. A failure
    # takes its transaction along, so it has one of its own; the lock of a session stays all the same.
    milliseconds = str(max(1, min(round(timeout * 1000), _LONGEST_MS)))
    try:
        async with holder.transaction() as within:
            before = await within.fetch_val("SELECT pg_catalog.current_setting('lock_timeout')")
            await within.execute(_LIMIT, milliseconds)
            await within.execute(statement, *args)
            await within.execute(_LIMIT, before)
    except errors.OperationalError as error:
        if error.sqlstate != _NOT_AVAILABLE:
            raise
        raise _taken(key) from error


async def give(holder: Connection, key: Key, *, shared: bool) -> None:
    """Gives a lock of the session back."""
    expression, args = _named(key)
    suffix = "_shared" if shared else ""
    await holder.execute(f"SELECT pg_catalog.pg_advisory_unlock{suffix}({expression})", *args)


def _named(key: Key) -> tuple[str, tuple[Any, ...]]:
    """The key as the functions take it. A text is hashed by the server, so that SQL can name the same lock."""
    match key:
        case bool():
            pass
        case int() if _INT8[0] <= key < _INT8[1]:
            return "$1::bigint", (key,)
        case str():
            return "pg_catalog.hashtextextended($1::text, 0)", (key,)
        case (int() as first, int() as second) if all(_INT4[0] <= part < _INT4[1] for part in (first, second)):
            return "$1::integer, $2::integer", (first, second)
        case _:
            pass
    raise errors.InterfaceError(f"the key of a lock is a text, an int of 64 bits or two of 32 bits, not {key!r}")


def _taken(key: Key) -> errors.LockTimeout:
    return errors.LockTimeout(f"the lock {key!r} is held by somebody else", sqlstate=_NOT_AVAILABLE)
