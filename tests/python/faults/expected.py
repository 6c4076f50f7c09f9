"""What the fault table demands, in terms of Python exceptions."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from data_bridge.postgres import errors

from .scripted import PASSWORD, table

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = {fault["name"]: fault for fault in table()}

#: The exception for each kind of the driver's errors.
CLASSES: dict[str, type[Exception]] = {
    "Auth": errors.AuthError,
    "CommitOutcomeUnknown": errors.CommitOutcomeUnknown,
    "Connect": errors.ConnectError,
    "ConnectTimeout": errors.ConnectTimeout,
    "ConnectionLost": errors.ConnectionLost,
    "Data": errors.DataError,
    "Protocol": errors.ProtocolError,
    "Server": errors.DatabaseError,
    "Timeout": errors.QueryTimeout,
    "Tls": errors.TlsError,
    "TransactionRolledBack": errors.TransactionRolledBack,
}

#: Connection strings count their timeout in whole seconds.
CONNECT_LIMIT = 1

VALUES: dict[str, list[object]] = {
    "SELECT 42": [42],
    "SELECT generate_series(1, 3)": [1, 2, 3],
    "DISCARD ALL": [],
    "DEALLOCATE ALL": [],
}


def named(*calls: str) -> list[str]:
    """The faults that such calls meet."""
    return [name for name, fault in FAULTS.items() if fault["call"] in calls]


@contextmanager
def limited(limit: float) -> Iterator[None]:
    """Insists that the block ends in time, however it ends."""
    start = time.monotonic()
    try:
        yield
    finally:
        taken = time.monotonic() - start
        assert taken < limit, f"took {taken:.2f} s"


def check(fault: dict[str, Any], error: Exception | None) -> None:
    """Insists on the right exception, and that it tells no password."""
    if error is None:
        assert not fault["kinds"] and fault["sqlstate"] is None, "nothing was raised"
        return
    assert PASSWORD not in f"{error} {error!r}"
    if fault["sqlstate"] is not None:
        said = [getattr(each, "sqlstate", None) for each in (error, error.__cause__)]
        assert fault["sqlstate"] in said, f"{error!r} because of {error.__cause__!r}"
        return
    classes = tuple(CLASSES[kind] for kind in fault["kinds"])
    assert isinstance(error, classes), f"{error!r} is none of {fault['kinds']}"
