"""Says who has held a connection for long: a pool runs dry by connections that somebody keeps while waiting for else."""

from __future__ import annotations

import sys
from pathlib import Path

from ._pool import log

_PACKAGE = str(Path(__file__).parent)
_STANDARD = str(Path(sys.modules["contextlib"].__file__ or "").parent)


def holder() -> str:
    """The line of the program that takes a connection."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_PACKAGE, _STANDARD)):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"


def warn(seconds: float, where: str) -> None:
    """A connection was held for so long."""
    log.warning(
        "a connection has been held for %.1f seconds; it was taken at %s", seconds, where, extra={"held_by": where}
    )
