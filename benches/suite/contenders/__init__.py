"""The contenders, in the order in which they are printed; those not installed are left out."""

from __future__ import annotations

import importlib

from suite.model import Contender

_MODULES = (
    "with_data_bridge",
    "with_asyncpg",
    "with_psycopg",
    "with_sqlalchemy",
    "with_sqlmodel",
    "with_tortoise",
    "with_piccolo",
    "with_django",
    "ceiling",
)


def load(names: list[str] | None = None) -> tuple[dict[str, list[Contender]], list[str]]:
    """The contenders by module, and what is missing for others.

    `names` are parts of the names wanted; all without any.
    """
    found: dict[str, list[Contender]] = {}
    missing: list[str] = []
    for module in _MODULES:
        try:
            contenders = contenders_of(module)
        except ImportError as error:
            missing.append(str(error))
            continue
        found[module] = [c for c in contenders if not names or any(name in c.name for name in names)]
    return found, missing


def contenders_of(module: str) -> list[Contender]:
    """The contenders of one module, which needs nothing of the others installed."""
    contenders: list[Contender] = importlib.import_module(f"{__name__}.{module}").CONTENDERS
    return contenders
