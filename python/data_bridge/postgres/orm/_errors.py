"""The ORM's own errors."""

from __future__ import annotations

from data_bridge.postgres.errors import DataError, IntegrityError, InterfaceError


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


class ValidationError(DataError, ValueError):
    """A value that a column's validators refuse; ``column`` says which column, ``reason`` why."""

    outcome = "not_sent"

    def __init__(self, table: str, column: str, reason: str) -> None:
        super().__init__(f"{table}.{column}: {reason}", table_name=table, column_name=column)
        self.table = table
        self.column = column
        self.reason = reason

    def __reduce__(self) -> tuple[type[ValidationError], tuple[str, str, str]]:
        return ValidationError, (self.table, self.column, self.reason)


class DeniedError(IntegrityError):
    """Rows were not deleted, because others refer to them by a column with ``rule="deny"``."""
