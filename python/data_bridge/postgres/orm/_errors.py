"""The ORM's own errors."""

from __future__ import annotations

from data_bridge.postgres.errors import InterfaceError


class NotLoadedError(InterfaceError):
    """A link was read that no query had loaded. The message says how to load it."""
