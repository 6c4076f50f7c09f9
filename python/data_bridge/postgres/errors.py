"""Every exception of this package: the classes of PEP 249, one class per SQLSTATE below them, and the driver's own.

``except IntegrityError`` catches all constraint violations, ``except UniqueViolationError`` one kind of them. The classes for
SQLSTATEs have the names that asyncpg made known.
"""

from __future__ import annotations

from . import _errors, _sqlstates
from ._errors import *  # noqa: F403
from ._sqlstates import *  # noqa: F403

__all__ = [*_errors.__all__, *_sqlstates.__all__]  # pyright: ignore[reportUnsupportedDunderAll]

for _name in __all__:
    globals()[_name].__module__ = __name__  # what tracebacks show and pickles name


def class_for(sqlstate: str) -> type[_errors.Error | _errors.Warning]:
    """The class for an SQLSTATE: its own, else that of the longest prefix that PEP 249 has a class for."""
    found = _sqlstates.BY_SQLSTATE.get(sqlstate)
    if found is not None:
        return found
    for end in (5, 2, 1):
        found = _sqlstates.BY_PREFIX.get(sqlstate[:end])
        if found is not None:
            return found
    return _errors.DatabaseError
