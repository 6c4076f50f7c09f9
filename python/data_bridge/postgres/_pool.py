"""What the pools of the asyncio and of the blocking front have in common."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from . import errors

if TYPE_CHECKING:
    from .database import Member

log = logging.getLogger("data_bridge.postgres")

#: Seconds that the end of a statement may take that was cancelled or left behind, before its connection is given up.
CANCEL_DEADLINE = 5.0
#: Seconds that a COMMIT may take. It may have to wait for deferred checks and for standby servers, but not for ever for a
#: server that is gone.
COMMIT_DEADLINE = 60.0
#: What a connection is reset with after its holder has changed its session, or may have. The first command ends SET ROLE
#: too, which RESET ALL leaves alone.
RESET = (
    "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; CLOSE ALL; DISCARD TEMP; "
    "SELECT pg_catalog.pg_advisory_unlock_all()"
)

#: What is told where there is nothing else to read from.
NO_REPLICAS = "the database was opened without replicas; name them: connect(url, replicas=[...])"
#: What is told of a pool that was dropped.
UNCLOSED = "{!r} was never closed: call close(), or use it in a `with` block"


def check_limits(pool_min: int, pool_max: int, acquire_timeout: float | None) -> None:
    """Refuses what no pool can keep to."""
    if pool_max < 1:
        raise errors.InterfaceError(f"pool_max must be 1 or more, not {pool_max}")
    if not 0 <= pool_min <= pool_max:
        raise errors.InterfaceError(f"pool_min must be between 0 and pool_max, which is {pool_max}; it is {pool_min}")
    if acquire_timeout is not None and not acquire_timeout > 0:
        raise errors.InterfaceError(
            f"acquire_timeout must be a number of seconds above 0, or None to wait without limit, not {acquire_timeout:g}"
        )


def log_notice(severity: str, code: str, message: str) -> None:
    """Called for each notice of the server."""
    if code in ("42P07", "00000") and "data_bridge_stage_" in message:
        # A staging table of a bulk write is there already, as it should be; or it is gone before it was to be dropped.
        return
    level = logging.WARNING if severity == "WARNING" else logging.INFO
    log.log(level, "%s: %s", severity, message, extra={"sqlstate": code})


def why_exhausted(seconds: float | None, counts: tuple[int, int, int, int, int, int], failure: object = None) -> str:
    """Why no connection became free: that all are busy calls for another cure than a server that is down."""
    opening, _idle, shared, exclusive, _closing, waiting = counts
    held = f"{exclusive} in exclusive use, {shared} shared, {opening} being opened, {waiting} callers waiting"
    cause = "all are busy" if exclusive + shared else "the server does not answer"
    if failure is not None:
        cause += f", and opening another one failed: {failure}"
    waited = "" if seconds is None else f" in {seconds:g} seconds"
    return f"no connection became free{waited}: {cause} ({held})"


async def restore(connection: Member) -> None:
    """Ends what the holder of a connection has left open, and undoes what it has changed."""
    if connection._outstanding or connection._is_held:
        # What its holder has left behind ends first: only then is the status of the transaction known.
        await connection._settle("")
    if connection._status != "idle":
        await connection._settle("ROLLBACK")
    if connection._has_prepared:
        # The statement cache goes along, so nothing may be on its way behind this.
        await connection._settle("DEALLOCATE ALL")
    connection._reset(RESET)
