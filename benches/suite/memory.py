"""Peak memory of 10 million rows in and out, and of objects that are held: each run in a process of its own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg

from suite import contenders
from suite.data import COLUMN_LIST, ROWS
from suite.meter import PeakMemory
from suite.model import Env
from suite.orm.world import NOTES

# Case name -> what it is called in the report. Contenders register these names as they do others.
CASES = {
    "memory_insert": "insert from a generator",
    "memory_stream": "stream",
    "memory_lazy": "100,000 objects, links unloaded",
    "memory_eager": "100,000 objects and 100,000 by one JOIN",
}
# Rows of those that are not asked for 10 million.
SIZES = {"memory_lazy": NOTES, "memory_eager": NOTES}

TABLE = "bench_big"
STREAM_SQL = (
    "SELECT i.id, i.name, i.score, i.active, i.created, i.amount "
    f"FROM generate_series(1, {{rows}} / {ROWS}) CROSS JOIN bench_items i"
)
_SCHEMA = (
    f"DROP TABLE IF EXISTS {TABLE}; CREATE UNLOGGED TABLE {TABLE} AS SELECT {COLUMN_LIST} FROM bench_items LIMIT 0"
)


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Fresh tuples, made as they are asked for."""
    created, amount = datetime(2013, 1, 1, tzinfo=UTC), Decimal("12.34")
    for i in range(count):
        yield i, f"name-{i:010d}", i * 0.5, i % 3 == 0, created, amount


def pairs(names: list[str] | None) -> list[tuple[str, str]]:
    """Every (case, contender) that can be run."""
    found, _ = contenders.load(names)
    everyone = [c for group in found.values() for c in group]
    return [(case, c.name) for case in CASES for c in everyone if case in c.cases]


def measure(url: str, case: str, contender: str, count: int) -> None:
    """Run one of the pairs here; one JSON line on standard output."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(_SCHEMA)
    print(json.dumps(asyncio.run(_measure(url, case, contender, count))), flush=True)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"DROP TABLE {TABLE}")


async def _measure(url: str, case: str, contender: str, count: int) -> dict[str, Any]:
    found, _ = contenders.load([contender])
    open_case = next(c.cases[case] for group in found.values() for c in group if case in c.cases)
    env = Env(url, 1_000, [], [], [])
    async with open_case(env) as op:  # what is loaded once is not counted
        await op.run()
    with PeakMemory() as memory:
        async with open_case(replace(env, ops=count)) as op:
            start = time.perf_counter()
            seen = await op.run()
            seconds = time.perf_counter() - start
    if seen != count:
        raise SystemExit(f"{contender}, {case}: {seen} rows instead of {count}")
    return {"peak_mb": memory.over_start / 1e6, "seconds": seconds, "rows": count}
