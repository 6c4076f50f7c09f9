"""The ORM's own errors."""

from __future__ import annotations

from data_bridge.postgres.errors import DataError, InterfaceError


class NotLoadedError(InterfaceError):
    """A link was read that no query had loaded. The message says how to load it."""


class MissingRowError(DataError):
    """A link whose column has ``strict=True`` was loaded, and the row that its key refers to is not there."""


class NoRowError(DataError):
    """``one()`` found no row."""


class ManyRowsError(DataError):
    """``one()`` or ``one_or_none()`` found more than one row."""


class StaleRowError(DataError):
    """A row that was to be saved or deleted is gone, or its version column says that it was changed meanwhile."""
