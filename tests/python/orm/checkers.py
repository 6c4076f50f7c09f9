"""The type checkers, which the extra `lint` brings and not the extra `test`."""

from __future__ import annotations

import importlib.util

import pytest


def needs(checker: str) -> None:
    """Skips the test where a checker is not installed."""
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed (it is in the extra `lint`)")
