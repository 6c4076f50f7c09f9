"""Fixtures: a scripted server with the fault that a test asks for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from .scripted import Control, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def control() -> Iterator[Control]:
    if shutil.which("cargo") is None:
        pytest.skip("the scripted server is built with cargo, which is not installed")
    with Control() as control:
        yield control


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled statement is given up sooner than in earnest: the tests wait for that."""
    monkeypatch.setattr("data_bridge.postgres.database.CANCEL_DEADLINE", 1.0)


@pytest.fixture
def scripted(control: Control) -> Iterator[Callable[[str], Server]]:
    """Starts a scripted server by the name of its fault; ``honest`` has none."""
    servers: list[Server] = []

    def start(name: str) -> Server:
        servers.append(control.start(name))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
