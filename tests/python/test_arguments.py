"""Arguments that make no sense are refused at once, in words that name the cure; ``None`` is an argument not given."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

POOLS: list[tuple[dict[str, Any], str]] = [
    ({"pool_max": 0}, "pool_max must be 1 or more, not 0"),
    ({"pool_max": -3}, "pool_max must be 1 or more, not -3"),
    ({"pool_min": -1}, "pool_min must be between 0 and pool_max, which is 10; it is -1"),
    ({"pool_min": 3, "pool_max": 2}, "pool_min must be between 0 and pool_max, which is 2; it is 3"),
    (
        {"acquire_timeout": 0},
        "acquire_timeout must be a number of seconds above 0, or None to wait without limit, not 0",
    ),
    ({"acquire_timeout": -0.5}, "acquire_timeout must be .* not -0.5"),
    ({"acquire_timeout": float("nan")}, "acquire_timeout must be .* not nan"),
]


@pytest.mark.parametrize(("arguments", "words"), POOLS)
async def test_a_pool_that_cannot_be(url: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.InterfaceError, match=words):
        await pg.connect(url, **arguments)
    with pytest.raises(errors.InterfaceError, match=words):
        pg.connect_sync(url, **arguments)


async def test_no_limit_for_the_wait_for_a_connection(url: str) -> None:
    async with await pg.connect(url, pool_max=1, acquire_timeout=None) as db:
        async with db.connection():
            waiting = db.fetch_val("SELECT 1")
            with pytest.raises(errors.QueryTimeout):
                await db.insert_many("nothing", [(1,)], ["a"], method="copy", timeout=0.05)
        assert await waiting == 1
    with (
        pg.connect_sync(url, pool_max=1, acquire_timeout=None) as db,
        db.connection(),
        pytest.raises(errors.QueryTimeout),
    ):
        db.fetch_val("SELECT 1", timeout=0.05)


SETTINGS = ["host", "port", "user", "password", "dbname", "sslmode", "connect_timeout", "allow_cleartext_password"]


async def test_none_is_a_setting_that_is_not_given(url: str) -> None:
    nothing: dict[str, Any] = dict.fromkeys(SETTINGS)
    async with await pg.connect(url, **nothing) as db:
        assert await db.fetch_val("SELECT current_user") == "postgres"
    with pg.connect_sync(url, **nothing) as db:
        assert db.fetch_val("SELECT current_user") == "postgres"


async def test_columns_are_counted_from_the_first(url: str) -> None:
    words = "column is counted from 0, it cannot be -1"
    async with await pg.connect(url) as db, db.transaction() as tx:
        for holder in (db, tx):
            assert await holder.fetch_val("SELECT 1, 2", column=1) == 2
            with pytest.raises(errors.InterfaceError, match=words):
                await holder.fetch_val("SELECT 1", column=-1)
    with pg.connect_sync(url) as db, pytest.raises(errors.InterfaceError, match=words):
        db.fetch_val("SELECT 1", column=-1)


async def test_a_thread_without_the_loop_is_told_so(url: str) -> None:
    async with await pg.connect(url) as db:
        with pytest.raises(errors.WrongLoop, match=r"this thread runs none; use asyncio\.run_coroutine_threadsafe"):
            await asyncio.to_thread(db.fetch, "SELECT 1")
