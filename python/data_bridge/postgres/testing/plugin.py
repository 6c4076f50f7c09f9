"""The pytest plugin. It is loaded by its entry point; its fixtures cost nothing where no test asks for them.

The server is ``--pg-url`` or ``pg_url`` in pytest's configuration, else a private one that starts with the first test that
needs it (the extra ``embedded``). A template database is filled once for each worker of pytest-xdist: by the SQL files of
``pg_schema``, the tables of the modules in ``pg_models``, or whatever a fixture ``pg_prepare`` of your own gives.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from data_bridge.postgres.sync import SyncDatabase

    from ._factory import Maker, SyncMaker
    from ._sandbox import Sandbox, SyncSandbox
    from ._template import Template


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, on the command line and in pytest's configuration."""
    group = parser.getgroup("data-bridge")
    group.addoption("--pg-url", help="PostgreSQL server for the tests; its user may create databases")
    parser.addini("pg_url", "PostgreSQL server for the tests; its user may create databases")
    parser.addini("pg_schema", "SQL files that the test database is made from", type="paths")
    parser.addini("pg_models", "modules whose tables are created in the test database", type="args")


@pytest.fixture(scope="session")
def pg_server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The server that the test databases are made on."""
    given = request.config.getoption("--pg-url") or request.config.getini("pg_url")
    if given:
        yield str(given)
        return
    from data_bridge.postgres import embedded

    try:
        server = embedded.Server().start()
    except embedded.EmbeddedServerError as error:
        pytest.fail(f"no PostgreSQL for the tests: give --pg-url, or set pg_url; {error}", pytrace=False)
    with server:
        yield server.url


@pytest.fixture(scope="session")
def pg_prepare(request: pytest.FixtureRequest) -> Callable[[SyncDatabase], object]:
    """What fills the template database. Override it to run migrations or to load what all tests share."""
    config = request.config

    def prepare(db: SyncDatabase) -> None:
        for file in config.getini("pg_schema"):
            _run_script(db, file.read_text())
        models = config.getini("pg_models")
        for module in models:
            importlib.import_module(module)
        if models:
            from data_bridge.postgres import create_all

            create_all(db=db)  # type: ignore[unused-coroutine] # pyright: ignore[reportUnusedCoroutine] - db is blocking

    return prepare


@pytest.fixture(scope="session")
def pg_template(pg_server_url: str, pg_prepare: Callable[[SyncDatabase], object]) -> Iterator[Template]:
    """The template database of this worker."""
    from ._template import Template

    template = Template(pg_server_url, os.environ.get("PYTEST_XDIST_WORKER", "main"))
    with template.made(pg_prepare):
        yield template


@pytest.fixture(scope="session")
def _pg_database(pg_template: Template) -> Iterator[SyncDatabase]:
    """The database that sandboxes of this worker are on."""
    from data_bridge.postgres import _default, connect_sync

    with connect_sync(pg_template.copy(), pool_max=2) as database:
        _default.drop(database)  # only a sandbox is what code under test finds by itself
        yield database


@pytest.fixture
def _pg_sandbox(_pg_database: SyncDatabase) -> Iterator[Sandbox]:
    from ._sandbox import Sandbox

    with Sandbox.of(_pg_database) as sandbox:
        yield sandbox


@pytest.fixture
def pg_db(_pg_sandbox: Sandbox) -> Sandbox:
    """A database in which everything is rolled back when the test ends; in any event loop, and in none."""
    from data_bridge.postgres import _default

    _default.use(_pg_sandbox)
    return _pg_sandbox


@pytest.fixture
def pg_sync_db(_pg_sandbox: Sandbox) -> Iterator[SyncSandbox]:
    """The same transaction for code that does not await."""
    from data_bridge.postgres import _default

    blocking = _pg_sandbox.blocking
    _default.use(blocking)
    yield blocking
    _default.drop(blocking)


@pytest.fixture
def pg_make(pg_db: Sandbox) -> Maker:
    """What inserts a row of a class, and makes up the values and parents that the row must have."""
    from ._factory import Maker

    return Maker(pg_db)


@pytest.fixture
def pg_sync_make(pg_sync_db: SyncSandbox) -> SyncMaker:
    """The same for code that does not await."""
    from ._factory import SyncMaker

    return SyncMaker(pg_sync_db)


@pytest.fixture
def pg_url(pg_template: Template) -> Iterator[str]:
    """The URL of a database of the test's own, copied from the template and dropped afterwards: for code that commits, opens
    its own pool, or runs in other threads and processes."""
    url = pg_template.copy()
    yield url
    pg_template.drop(url)


def _run_script(db: Any, script: str) -> None:
    """Runs a file of statements in one go."""
    with db._lend() as lent:
        from data_bridge.postgres.sync import run

        run(lent._usable()._simple(script))
