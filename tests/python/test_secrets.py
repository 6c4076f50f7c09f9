"""Passwords show up nowhere: not in messages, and not in a traceback that prints local variables."""

from __future__ import annotations

import asyncio
import pickle
import socket
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "hunter2-in-the-clear"

#: What goes wrong, and how: a URL with the password, and keywords.
FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "refused": (f"postgresql://user:{PASSWORD}@127.0.0.1:1/db?sslmode=disable", {}),
    "silent": (f"postgresql://user:{PASSWORD}@127.0.0.1:{{silent}}/db?sslmode=disable", {"connect_timeout": 0.1}),
    "no such host": (f"postgresql://user:{PASSWORD}@host.invalid/db", {}),
    "unknown key": (f"postgresql://user:{PASSWORD}@localhost/db?colour=red", {}),
    "stray @": (f"postgresql://user:x@{PASSWORD}@localhost/db", {}),
    "bad port": (f"postgresql://user:{PASSWORD}@localhost:99999/db", {}),
    "unknown keyword": (f"password={PASSWORD} host=localhost", {"colour": "red"}),
    "bad keyword": (f"password={PASSWORD} host=localhost", {"connect_timeout": "soon"}),
    "unfinished quote": (f"host=localhost password='{PASSWORD}", {}),
    "in a keyword": ("postgresql://user@127.0.0.1:1/db?sslmode=disable", {"password": PASSWORD}),
    "in a bad keyword": ("postgresql://user@127.0.0.1:1/db?sslmode=disable", {"password": PASSWORD + "\0"}),
}


async def with_asyncio(url: str, settings: dict[str, Any]) -> None:
    await pg.connect(url, **settings)


async def with_threads(url: str, settings: dict[str, Any]) -> None:
    pg.connect_sync(url, **settings)


@pytest.mark.parametrize("connect", [with_asyncio, with_threads])
@pytest.mark.parametrize("failure", FAILURES)
async def test_no_password_in_a_failure_to_connect(connect: Callable[..., Any], failure: str) -> None:
    url, settings = FAILURES[failure]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = url.replace("{silent}", str(silent.getsockname()[1]))
        with pytest.raises((pg.Error, TypeError)) as caught:
            await connect(url, settings)
    assert_secret_kept(caught.value)


@pytest.mark.parametrize("connect", [with_asyncio, with_threads])
async def test_no_password_in_a_refused_login(connect: Callable[..., Any], tcp_url: str) -> None:
    url = tcp_url.replace("postgres@", f"scram_user:{PASSWORD}@", 1)
    with pytest.raises(errors.InvalidPasswordError) as caught:
        await connect(url + "?sslmode=disable", {})
    assert_secret_kept(caught.value)


async def test_no_password_where_connecting_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://user:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/db?sslmode=disable"
        connecting = asyncio.create_task(with_asyncio(url, {"connect_timeout": 1}))
        await asyncio.sleep(0.1)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await connecting
    assert_secret_kept(caught.value)


async def test_no_password_in_what_a_pool_says_of_itself(tcp_url: str) -> None:
    url = tcp_url.replace("postgres@", "scram_user:scram-secret@", 1) + "?sslmode=disable"
    async with await pg.connect(url) as db:
        assert "scram-secret" not in f"{db!r} {vars(db)} {db._config!r}"
        with pytest.raises(errors.UndefinedTableError) as caught:
            await db.fetch("SELECT * FROM no_such_table")
        assert "scram-secret" not in shown(caught.value)


def assert_secret_kept(error: BaseException) -> None:
    assert PASSWORD not in f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
    assert PASSWORD not in shown(error)
    if isinstance(error, pg.Error):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def shown(error: BaseException) -> str:
    """The traceback with its local variables, without the frames of the test, which know the password."""
    said = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts: list[str] = []
    while said is not None:
        parts += [str(frame.locals) for frame in said.stack if frame.filename != __file__]
        parts += said.format_exception_only()
        said = said.__cause__ or said.__context__  # type: ignore[assignment]
    return "\n".join(parts)
