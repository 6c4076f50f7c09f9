"""Behaviours of every front behind PgBouncer. In its transaction mode each transaction may have another backend.

docs/connecting.md says what works there and what does not.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from data_bridge.postgres import errors

from .fronts import Asyncio, Blocking, Uvloop, on_every_front, scratch, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
#: Seconds until it takes connections.
START = 10.0

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
server_tls_sslmode = disable
pool_mode = {mode}
default_pool_size = 3
logfile = {folder}/log
"""


@pytest.fixture(scope="module", params=["transaction"])
def bouncer(request: pytest.FixtureRequest, tcp_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed (Debian: pgbouncer)")
    folder = tmp_path_factory.mktemp("bouncer")
    address = urllib.parse.urlsplit(tcp_url)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = folder / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(server=address.port, port=port, folder=folder, mode=request.param))
    command = [PROGRAM, "-q", str(settings)]
    if os.geteuid() == 0:
        open_to_others(folder)
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command) as process:
        try:
            await_listener(port)
            yield f"postgresql://postgres@127.0.0.1:{port}{address.path}?sslmode=disable"
        finally:
            process.terminate()


def open_to_others(folder: Path) -> None:
    """It refuses to run as root, and another user has to reach its files."""
    folder.chmod(0o777)
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent.name.startswith("pytest-"):
            parent.chmod(0o755)


def await_listener(port: int) -> None:
    end = time.monotonic() + START
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


@pytest.fixture(params=[Asyncio, Uvloop, Blocking])
def front(request: pytest.FixtureRequest, bouncer: str) -> Asyncio:
    kind: type[Asyncio] = request.param
    return kind(bouncer)


@on_every_front
async def test_without_a_statement_cache_everything_works(front: Asyncio) -> None:
    await everything(front, pool_max=8, statement_cache=0)


@pytest.mark.parametrize("bouncer", ["session"], indirect=True)
@on_every_front
async def test_in_session_mode_nothing_is_different(front: Asyncio) -> None:
    await everything(front, pool_max=2)


@on_every_front
async def test_with_a_statement_cache_nobody_gets_the_answer_to_another_question(front: Asyncio) -> None:
    """PgBouncer before 1.21 knows no prepared statements: a backend may not have the one that is asked for. That is an
    error, never another statement of the same name."""
    async with front.open(pool_max=8) as db:

        async def work(number: int) -> None:
            for n in range(20):
                with suppress(errors.InvalidSQLStatementNameError, errors.DuplicatePreparedStatementError):
                    answer = (number + n) % 12
                    assert await db.fetch_val(f"SELECT $1::int4 * 0 + {answer}", n) == answer

        await asyncio.gather(*(work(number) for number in range(12)))
        await settled(db)


async def everything(front: Asyncio, **settings: Any) -> None:
    async with front.open(**settings) as db, scratch(db, "a int PRIMARY KEY, b text") as table:

        async def work(number: int) -> None:
            for n in range(10):
                assert await db.fetch_val("SELECT $1::int8", number * 100 + n) == number * 100 + n
                row = await db.fetch_row("SELECT $1::text AS x, $2::int4[] AS y", str(number), [n])
                assert tuple(row) == (str(number), [n])
            async with db.transaction() as tx:
                backend = await tx.fetch_val("SELECT pg_backend_pid()")
                await tx.execute(f"INSERT INTO {table} VALUES ($1, 'one')", number)
                assert await tx.fetch_val("SELECT pg_backend_pid()") == backend
                rows = [row.n async for row in tx.stream("SELECT n FROM generate_series(1, 5) n", batch=2)]
                assert rows == [1, 2, 3, 4, 5]

        await asyncio.gather(*(work(number) for number in range(20)))
        for start, count in ((1000, 10), (2000, 5000)):
            rows = [(n, "new") for n in range(start, start + count)]
            assert await db.insert_many(table, rows, columns=["a", "b"]) == count
            rows.append((start + count, "newer"))
            result = await db.upsert_many(table, rows, columns=["a", "b"], conflict_columns=["a"])
            assert (result.inserted, result.updated) == (1, count)
        assert await db.execute_many(f"UPDATE {table} SET b = $1 WHERE a = $2", [(str(n), n) for n in range(20)]) == 20
        with pytest.raises(errors.DivisionByZeroError):
            await db.fetch("SELECT 1 / $1::int", 0)
        with pytest.raises(errors.QueryTimeout):
            await db.fetch("SELECT pg_sleep(10)", timeout=0.1)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 20 + 11 + 5001
        await settled(db)
