"""Each behaviour is asked of every front."""

from __future__ import annotations

import sys

import pytest

from .fronts import Asyncio, Blocking, Uvloop


@pytest.fixture(params=[Asyncio, Uvloop, Blocking])
def front(request: pytest.FixtureRequest, url: str) -> Asyncio:
    kind: type[Asyncio] = request.param
    return kind(url)


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is cancelled or left behind is given up sooner than in earnest: the tests wait for that."""
    for name, module in list(sys.modules.items()):
        if name.startswith("data_bridge.postgres.") and hasattr(module, "CANCEL_DEADLINE"):
            monkeypatch.setattr(module, "CANCEL_DEADLINE", 0.3)
