"""Which plan pays from how many rows: unnest or COPY for inserts, unnest or staging for upserts.

The thresholds in the package are chosen from this measurement.
"""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

import data_bridge.postgres as pg
from suite.data import COLUMNS, HALF_FULL, ROWS, rows
from suite.meter import timed

SIZES = (10, 100, 1_000, 10_000, 100_000)
PLANS = {"insert_many": ("unnest", "copy"), "upsert_many": ("unnest", "stage")}
_MOST_CALLS = 100


def measure(url: str, rounds: int) -> list[dict[str, Any]]:
    """Every call at every size by every plan; milliseconds per call, medians over the rounds."""
    return asyncio.run(_measure(url, rounds))


async def _measure(url: str, rounds: int) -> list[dict[str, Any]]:
    everything = list(rows(ROWS))
    found: list[dict[str, Any]] = []
    async with await pg.connect(url, pool_min=1, pool_max=1) as db:
        for call, plans in PLANS.items():
            for size in SIZES:
                walls: dict[str, list[float]] = {plan: [] for plan in plans}
                cpus: dict[str, list[float]] = {plan: [] for plan in plans}
                for turn in range(rounds + 1):  # the first round warms up
                    for plan in plans if turn % 2 else plans[::-1]:
                        wall, cpu = await _calls(db, call, _batches(everything, size), plan)
                        if turn:
                            walls[plan].append(wall)
                            cpus[plan].append(cpu)
                found += [
                    {
                        "call": call,
                        "rows": size,
                        "plan": plan,
                        "wall_ms": statistics.median(walls[plan]),
                        "cpu_ms": statistics.median(cpus[plan]),
                    }
                    for plan in plans
                ]
    return found


def _batches(rows: list[tuple[Any, ...]], size: int) -> list[list[tuple[Any, ...]]]:
    """Enough batches to be measurable, with other rows in each."""
    return [rows[start : start + size] for start in range(0, min(len(rows), size * _MOST_CALLS), size)]


async def _calls(db: pg.Database, call: str, batches: list[list[tuple[Any, ...]]], plan: str) -> tuple[float, float]:
    """Milliseconds of wall and CPU time per call; of the rows to upsert half are there."""
    if call == "insert_many":
        await db.execute("TRUNCATE bench_sink")

        async def run() -> None:
            for batch in batches:
                await db.insert_many("bench_sink", batch, columns=COLUMNS, method=plan)
    else:
        for statement in HALF_FULL.format(rows=ROWS).split("; "):
            await db.execute(statement)

        async def run() -> None:
            for batch in batches:
                await db.upsert_many("bench_upsert", batch, columns=COLUMNS, conflict_columns=["id"], method=plan)

    sample, _ = await timed(run)
    return sample.wall / len(batches) * 1e3, sample.cpu / len(batches) * 1e3
