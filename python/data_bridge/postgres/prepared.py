"""Prepared statements.

Every statement is prepared by itself when it is run and kept as long as the connection's statement cache has room. A
``Prepared`` is for who wants an error in the SQL at once, or to know the types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from data_bridge._native import Description, Record

    from ._bulk import Rows
    from ._reply import Reply
    from .connection import Connection


class Described:
    """What the server says of a statement."""

    def __init__(self, description: Description) -> None:
        self._description = description

    @property
    def sql(self) -> str:
        """The SQL text."""
        return self._description.sql

    @property
    def parameters(self) -> tuple[int, ...]:
        """Type OIDs of the parameters."""
        return self._description.parameters

    @property
    def columns(self) -> tuple[tuple[str, int], ...]:
        """Name and type OID of each column."""
        return self._description.columns

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.sql!r}>"


class Prepared(Described):
    """A statement of one connection, to be run any number of times. ``Connection.prepare()`` makes it."""

    def __init__(self, connection: Connection, description: Description) -> None:
        super().__init__(description)
        self._connection = connection

    def fetch(self, *args: Any, timeout: float | None = None) -> Reply[list[Record]]:
        """All rows."""
        return self._connection.fetch(self.sql, *args, timeout=timeout)

    def fetch_row(self, *args: Any, timeout: float | None = None) -> Reply[Record | None]:
        """The first row, or ``None``."""
        return self._connection.fetch_row(self.sql, *args, timeout=timeout)

    def fetch_val(self, *args: Any, column: int = 0, timeout: float | None = None) -> Reply[Any]:
        """One value of the first row, or ``None``."""
        return self._connection.fetch_val(self.sql, *args, column=column, timeout=timeout)

    def execute(self, *args: Any, timeout: float | None = None) -> Reply[int]:
        """The number of rows affected."""
        return self._connection.execute(self.sql, *args, timeout=timeout)

    def execute_many(self, rows: Rows, /, *, timeout: float | None = None) -> Coroutine[Any, Any, int]:
        """Once for each row of arguments, all or none; the number of rows affected."""
        return self._connection.execute_many(self.sql, rows, timeout=timeout)
