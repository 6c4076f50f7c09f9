"""The contenders of the demo, data_bridge first; those that are not installed are left out."""

from __future__ import annotations

import importlib

from .base import Contender

_MODULES = ("with_data_bridge", "with_asyncpg", "with_psycopg", "with_sqlalchemy")


def load() -> tuple[list[type[Contender]], list[str]]:
    """The contenders, and a sentence for each that is missing."""
    found: list[type[Contender]] = []
    missing: list[str] = []
    for module in _MODULES:
        try:
            found.append(importlib.import_module(f"{__name__}.{module}").CONTENDER)
        except ImportError as error:
            missing.append(f"{module.removeprefix('with_')} is left out: {error}")
    return found, missing
