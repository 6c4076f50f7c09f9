"""Behaviours of every front: U+0000, which PostgreSQL cannot hold, is refused wherever text comes in, before it is sent.

The protocol ends its strings with it: one that slipped through would cut SQL short, or change which name is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

from .fronts import on_every_front, scratch, settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .fronts import Asyncio

NUL = "a\0b"

#: Everything that takes a text: with ``db``, the name of a table with the columns ``a int, b text``, and the text.
ENTRIES: dict[str, Callable[[Any, str, str], Awaitable[Any]]] = {
    "sql": lambda db, table, text: db.fetch(f"SELECT 1 {text}"),
    "sql of execute": lambda db, table, text: db.execute(f"SELECT 1 {text}"),
    "sql of execute_many": lambda db, table, text: db.execute_many(f"INSERT INTO {table} VALUES (1, {text})", [()]),
    "sql of fetch_many": lambda db, table, text: db.fetch_many(f"SELECT 1 {text}", [()]),
    "sql of stream": lambda db, table, text: first_of(db.stream(f"SELECT 1 {text}")),
    "sql of prepare": lambda db, table, text: prepared(db, f"SELECT 1 {text}"),
    "argument": lambda db, table, text: db.fetch("SELECT $1::text", text),
    "argument of stream": lambda db, table, text: first_of(db.stream("SELECT $1::text", text)),
    "item of an array": lambda db, table, text: db.fetch("SELECT $1::text[]", [None, text]),
    "row of execute_many": lambda db, table, text: db.execute_many(f"INSERT INTO {table} VALUES (1, $1)", [(text,)]),
    "row of unnest": lambda db, table, text: db.insert_many(table, [(1, text)], ["a", "b"], method="unnest"),
    "row of COPY": lambda db, table, text: db.insert_many(table, [(1, text)], ["a", "b"], method="copy"),
    "row of a staged insert": lambda db, table, text: db.insert_many(
        table, [(1, text)], ["a", "b"], method="copy", returning=["a"]
    ),
    "row of an upsert": lambda db, table, text: upsert(db, table, [(1, text)], method="unnest"),
    "row of a staged upsert": lambda db, table, text: upsert(db, table, [(1, text)], method="stage"),
    "table": lambda db, table, text: db.insert_many(table + text, [(1, "x")], ["a", "b"]),
    "schema": lambda db, table, text: db.insert_many(f"{text}.{table}", [(1, "x")], ["a", "b"]),
    "column": lambda db, table, text: db.insert_many(table, [(1, "x")], ["a", text]),
    "key of a dict": lambda db, table, text: db.insert_many(table, [{"a": 1, text: "x"}]),
    "returning": lambda db, table, text: db.insert_many(table, [(1, "x")], ["a", "b"], returning=[text]),
    "conflict column": lambda db, table, text: upsert(db, table, [(1, "x")], conflict_columns=[text]),
    "update column": lambda db, table, text: upsert(db, table, [(1, "x")], update_columns=[text]),
    "condition": lambda db, table, text: upsert(db, table, [(1, "x")], where=f"excluded.b = '{text}'"),
}


@pytest.mark.smoke
@on_every_front
async def test_nul_is_refused_at_every_entry(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY, b text") as table:
        pid = await db.fetch_val("SELECT pg_backend_pid()")
        for name, entry in ENTRIES.items():
            with pytest.raises(errors.DataError) as refused:
                await entry(db, table, NUL)
            assert (refused.value.outcome, refused.value.sqlstate) == ("not_sent", None), name
        # JSON writes it as \u0000, and jsonb is the server's to refuse.
        with pytest.raises(errors.UntranslatableCharacterError):
            await db.fetch("SELECT $1::jsonb", {"a": NUL})
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        assert await db.fetch_val("SELECT pg_backend_pid()") == pid, "the connection has gone through all of it"
        await settled(db)


@on_every_front
async def test_nul_is_refused_in_settings(front: Asyncio) -> None:
    secret = "hunter2"
    for key in ("host", "user", "password", "dbname", "application_name", "passfile", "options", "sslrootcert", "port"):
        with pytest.raises(errors.ConfigError, match="NUL") as refused:
            async with front.open(**{key: f"{secret}\0"}):
                pytest.fail(f"{key} was taken")
        assert secret not in str(refused.value)
    front.url = f"postgresql://user:{secret}%00@localhost/db"
    with pytest.raises(errors.ConfigError, match="NUL"):
        async with front.open():
            pytest.fail("the URL was taken")


def test_nul_is_refused_by_the_orm() -> None:
    with pytest.raises((errors.DataError, ValueError)):
        type(pg.Table)("Odd", (pg.Table,), {"__annotations__": {"id": int}, "__module__": __name__}, table=NUL)


async def first_of(rows: Any) -> Any:
    try:
        return await anext(rows)
    finally:
        await rows.aclose()


async def prepared(db: Any, sql: str) -> Any:
    async with db.connection() as connection:
        return await connection.prepare(sql)


def upsert(db: Any, table: str, rows: list[Any], **options: Any) -> Any:
    return db.upsert_many(table, rows, columns=["a", "b"], **{"conflict_columns": ["a"], **options})
