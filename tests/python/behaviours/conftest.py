"""Each behaviour is asked of every front."""

from __future__ import annotations

import pytest

from .fronts import Asyncio, Blocking, Uvloop


@pytest.fixture(params=[Asyncio, Uvloop, Blocking])
def front(request: pytest.FixtureRequest, url: str) -> Asyncio:
    kind: type[Asyncio] = request.param
    return kind(url)
