"""The servers of the run, as `tools/servers.py` names them in the environment.

Run by `make test`; by hand: ``.venv/bin/python tools/servers.py -- .venv/bin/pytest tests/python``. Coroutines are tests as they
stand (pytest-asyncio in auto mode). Tests marked ``smoke`` run on every server version in `make test`, the others on the main
one only.
"""

from __future__ import annotations

import os
import signal

import pytest

# What a shell runs in the background ignores SIGINT, and hands that on; tests send it, to themselves and to children.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _by_version(variable: str) -> dict[int, str]:
    """Reads ``13=url,14=url``."""
    entries = (entry.partition("=") for entry in os.environ.get(variable, "").split(",") if entry)
    return {int(version): url for version, _, url in entries}


def _required(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        message = f"no test server: {variable} is not set (`make test` starts the servers)"
        if "DATA_BRIDGE_TEST_REQUIRED" in os.environ:
            pytest.fail(message)
        pytest.skip(message)
    return value


@pytest.fixture(scope="session")
def url() -> str:
    """The main server over its Unix socket, as the superuser ``postgres``."""
    return _required("DATA_BRIDGE_TEST_URL")


@pytest.fixture(scope="session")
def tcp_url() -> str:
    """The main server over TCP to localhost."""
    return _required("DATA_BRIDGE_TEST_TCP_URL")


@pytest.fixture(scope="session")
def urls(url: str) -> dict[int, str]:
    """Every server of the run over its Unix socket, by major version."""
    return _by_version("DATA_BRIDGE_TEST_URLS")


@pytest.fixture(scope="session")
def server_version(url: str, urls: dict[int, str]) -> int:
    """The major version of the main server."""
    return next(version for version, candidate in urls.items() if candidate == url)


@pytest.fixture(scope="session")
def authority() -> str:
    """The file with the authority that signed the servers' certificates."""
    value = os.environ.get("DATA_BRIDGE_TEST_CA")
    if value is None:
        pytest.skip("the servers of this run speak no TLS")
    return value
