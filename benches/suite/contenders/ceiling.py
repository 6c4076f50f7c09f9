"""The server's own ceiling: bytes made beforehand, handed to it as they are, and no answer decoded."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from suite import tables
from suite.data import COLUMN_LIST, HALF_FULL, POINT_SQL, STAGING_MERGE, STAGING_TABLE
from suite.model import Contender, Env, Op

PRE_MADE = Contender("pre-made bytes", f"psycopg {psycopg.__version__}")
CONTENDERS = [PRE_MADE]

_CHUNK = 256 * 1024


@asynccontextmanager
async def _connection(env: Env) -> AsyncIterator[Any]:
    conn = await psycopg.AsyncConnection.connect(env.url, autocommit=True)
    try:
        yield conn
    finally:
        await conn.close()


async def _copy(conn: Any, table: str, payload: bytes) -> None:
    sql = f"COPY {table} ({COLUMN_LIST}) FROM STDIN (FORMAT binary)"
    view = memoryview(payload)
    async with conn.cursor().copy(sql) as copy:
        for start in range(0, len(view), _CHUNK):
            await copy.write(view[start : start + _CHUNK])


@PRE_MADE.case("insert_dicts")
@PRE_MADE.case("insert_tuples")
async def insert(env: Env) -> AsyncGenerator[Op]:
    """COPY of the whole table, nothing encoded."""
    payload = tables.copy_out(env.url)
    async with _connection(env) as conn:
        yield Op(
            lambda: _copy(conn, "bench_sink", payload),
            lambda: conn.execute("TRUNCATE bench_sink"),
        )


@PRE_MADE.case("upsert")
async def upsert(env: Env) -> AsyncGenerator[Op]:
    """The staging plan, nothing encoded."""
    payload = tables.copy_out(env.url)
    async with _connection(env) as conn:
        await conn.execute(STAGING_TABLE)

        async def run() -> None:
            async with conn.transaction():
                await _copy(conn, "bench_staging", payload)
                await conn.execute(STAGING_MERGE)

        yield Op(run, lambda: conn.execute(HALF_FULL.format(rows=len(env.tuples))))


@PRE_MADE.case("batch100")
async def batch100(env: Env) -> AsyncGenerator[Op]:
    """Bind and Execute 100 times, one Sync; the answer is read to its ReadyForQuery and thrown away."""
    batches = [_batch(env.ids[i : i + 100]) for i in range(0, env.ops, 100)]
    async with _connection(env) as conn:
        sql = POINT_SQL.replace("$1", f"{env.ids[0]}")
        first = await (await conn.execute(sql)).fetchone()
        await conn.execute(f"PREPARE point (int8) AS {POINT_SQL}")
        # libpq has logged in; from here on its socket is ours.
        with socket.socket(fileno=os.dup(conn.fileno())) as wire:
            wire.setblocking(True)

            async def run() -> Any:
                for batch in batches:
                    wire.sendall(batch)
                    while not wire.recv(1 << 20).endswith(_READY):
                        pass
                return first

            yield Op(run)
            wire.setblocking(False)


_READY = b"Z\x00\x00\x00\x05I"


def _batch(keys: list[int]) -> bytes:
    """One batch of point selects by the statement `point`: parameters and results in binary."""
    key = struct.Struct("!7shhhiqhh")
    binds = (key.pack(b"\0point\0", 1, 1, 1, 8, number, 1, 1) for number in keys)
    execute = _message(b"E", bytes(5))
    return b"".join(_message(b"B", bind) + execute for bind in binds) + _message(b"S", b"")


def _message(tag: bytes, body: bytes) -> bytes:
    return tag + struct.pack("!i", len(body) + 4) + body
