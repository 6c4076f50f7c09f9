"""The exceptions of PEP 249 and those that the driver makes itself. Public as :mod:`data_bridge.postgres.errors`."""

from __future__ import annotations

import re
from typing import Literal

__all__ = [
    "AuthError",
    "Cancelled",
    "CommitOutcomeUnknown",
    "ConcurrentUse",
    "ConfigError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionLost",
    "DataError",
    "DatabaseError",
    "Error",
    "ForkedConnection",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "LockTimeout",
    "NotSupportedError",
    "OperationalError",
    "PipelineAborted",
    "PoolClosed",
    "PoolTimeout",
    "ProgrammingError",
    "ProtocolError",
    "QueryTimeout",
    "RustPanic",
    "TlsError",
    "TransactionRolledBack",
    "Warning",
    "WrongLoop",
]

_KEY = re.compile(r"\((.+?)\)=\(")

type Outcome = Literal["not_sent", "failed", "unknown"]


class _Report(Exception):
    """What errors and warnings have in common. Fields that the server did not send are ``None``.

    ``str()`` of one is its message, with SQLSTATE, detail and hint where the server gave them.
    """

    sqlstate: str | None = None
    """The five characters of the error code (PostgreSQL manual, appendix A)."""
    severity: str | None = None
    """``ERROR``, ``FATAL`` or ``PANIC``; for notices ``WARNING`` and below. Never translated."""
    message: str
    """The primary message alone."""
    detail: str | None = None
    hint: str | None = None
    position: int | None = None
    """Where in the SQL text, in characters, from 1."""
    internal_position: int | None = None
    internal_query: str | None = None
    where: str | None = None
    """The context, such as the call stack of functions."""
    schema_name: str | None = None
    table_name: str | None = None
    column_name: str | None = None
    data_type_name: str | None = None
    constraint_name: str | None = None
    routine: str | None = None
    """The function of the server's source that reported it."""
    retryable: bool = False
    """Whether the same statement, or the whole transaction it was in, may be sent again and can succeed."""
    outcome: Outcome = "unknown"
    """``not_sent``: nothing left this process. ``failed``: it has no effect. ``unknown``: it may have."""

    def __init__(self, text: str = "", /, **fields: object) -> None:
        super().__init__(text)
        self.message = text
        # Fields live in the instance's dict, which pickle and copy carry along with the text.
        self.__dict__.update(fields)


class Warning(_Report):  # noqa: A001 (the name PEP 249 asks for)
    """The server reported a warning as the end of a statement."""


class Error(_Report):
    """Base of all errors of this package."""


class InterfaceError(Error):
    """The package was used wrongly; the server is not at fault."""

    outcome: Outcome = "not_sent"


class DatabaseError(Error):
    """Base of the errors that have to do with the database."""


class DataError(DatabaseError):
    """A value is out of range, malformed, or has no counterpart on the other side."""


class OperationalError(DatabaseError):
    """Something outside of the statement went wrong: the connection, the server, a limit, a timeout."""


class IntegrityError(DatabaseError):
    """A constraint was violated."""

    @property
    def constraint(self) -> str | None:
        """The constraint's name: ``constraint_name`` by a shorter one."""
        return self.constraint_name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the constraint is about, where the server says so: of a key, and of ``NOT NULL``.

        They come from fields of the error, and are there however little its text shows.
        """
        if self.column_name is not None:
            return (self.column_name,)
        # "Key (a, b)=(1, 2) already exists.", in the server's language but for the punctuation.
        found = _KEY.search(self.detail or "")
        return tuple(name.strip('"') for name in found[1].split(", ")) if found is not None else ()


class InternalError(DatabaseError):
    """The server, or this package, met a state that should not exist."""


class ProgrammingError(DatabaseError):
    """The SQL is wrong, or names what does not exist."""


class NotSupportedError(DatabaseError):
    """The server, or this package, does not offer this."""


class ConfigError(InterfaceError):
    """A connection string, keyword or environment variable is wrong. The text never holds a password."""


class PoolClosed(InterfaceError):
    """The pool was closed before the call, or while it waited."""


class ForkedConnection(InterfaceError):
    """The connection belongs to the parent of this process."""


class WrongLoop(InterfaceError):
    """The connection belongs to another event loop, or to one that was closed."""


class ConcurrentUse(InterfaceError):
    """Two tasks used one exclusive connection at the same time."""


class ConnectError(OperationalError):
    """The server could not be reached."""

    outcome: Outcome = "not_sent"


class ConnectTimeout(OperationalError, TimeoutError):
    """The deadline for connecting passed. It covers name lookup, TCP, TLS and authentication."""

    outcome: Outcome = "not_sent"


class PoolTimeout(OperationalError, TimeoutError):
    """No connection became free in time; the message says whether the pool was busy or the server is down."""

    outcome: Outcome = "not_sent"


class QueryTimeout(OperationalError, TimeoutError):
    """The time given for a call passed. The server was asked to stop."""


class LockTimeout(OperationalError, TimeoutError):
    """An advisory lock was not free in time."""

    outcome: Outcome = "failed"


class Cancelled(OperationalError):
    """The call was given up, and the server was asked to stop."""


class ConnectionLost(OperationalError):
    """The connection ended during the call."""


class CommitOutcomeUnknown(OperationalError):
    """COMMIT was sent and its answer never came: the transaction may or may not be in effect."""


class TransactionRolledBack(OperationalError):
    """COMMIT was answered with ROLLBACK, because a statement before it had failed: nothing is in effect."""

    outcome: Outcome = "failed"


class PipelineAborted(OperationalError):
    """The statement was skipped because one before it in the same batch failed."""

    outcome: Outcome = "failed"


class TlsError(OperationalError):
    """TLS could not be agreed on, or the server's certificate was not accepted."""

    outcome: Outcome = "not_sent"


class AuthError(OperationalError):
    """Authentication failed on this side, or would have broken the policy that was asked for."""

    outcome: Outcome = "not_sent"


class ProtocolError(OperationalError):
    """What answered broke PostgreSQL's protocol, so the connection was closed."""


class RustPanic(InternalError):
    """A bug in the native part of this package; please report it. The connection was closed."""
