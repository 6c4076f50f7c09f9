"""One contender on one event loop, in a process of its own, told what to do line by line.

It imports that contender and nothing else, so that each is measured in the process that its users
have. Commands and answers are JSON lines on standard input and output.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from suite import contenders, data
from suite.cases import CASES
from suite.meter import timed
from suite.model import Case, Contender, Env, Op
from suite.round_trips import RoundTrips

_TRIP_OPS = 20
_FEW_ROWS = 5_000


def main() -> None:
    """Serve until standard input ends."""
    settings = json.loads(sys.stdin.readline())
    contender = next(c for c in contenders.contenders_of(settings["module"]) if c.name == settings["contender"])
    worker = Worker(contender, settings["url"], settings["bulk"])
    if settings["loop"] == "uvloop":
        import uvloop

        uvloop.run(worker.serve())
    else:
        asyncio.run(worker.serve())


class Worker:
    """Holds at most one open case."""

    def __init__(self, contender: Contender, url: str, bulk: bool) -> None:
        self._contender = contender
        # A process that asks small questions holds no large data, as its users' do not.
        tuples = list(data.rows(data.ROWS if bulk else _FEW_ROWS))
        dicts = [dict(zip(data.COLUMNS, row, strict=True)) for row in tuples]
        self._env = Env(url, 0, data.point_ids(20_000), tuples, dicts)
        self._stack = AsyncExitStack()
        self._op: Op | None = None
        gc.collect()
        gc.freeze()

    async def serve(self) -> None:
        """Answer each command; an exception is an answer too."""
        for line in sys.stdin:
            command = json.loads(line)
            try:
                answer = await getattr(self, f"do_{command.pop('do')}")(**command)
            except Exception as error:  # one contender's fault must not cost the others' results
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)

    async def do_open(self, case: str, ops: int) -> dict[str, Any]:
        """Open a case and run it once untimed: caches are filled, and the answer is compared."""
        self._env = replace(self._env, ops=ops)
        self._op = await self._stack.enter_async_context(self._contender.cases[case](self._env))
        if self._op.before is not None:
            await self._op.before()
        result = await self._op.run()
        reduce = _case(case).answer
        return {"answer": reduce(result) if reduce is not None else None}

    async def do_round(self) -> dict[str, Any]:
        """One timed round, in microseconds per operation."""
        if self._op is None:
            raise RuntimeError("no case is open")
        if self._op.before is not None:
            await self._op.before()
        sample, result = await timed(self._op.run)
        del result
        each = 1e6 / self._env.ops
        return {"wall_us": sample.wall * each, "cpu_us": sample.cpu * each}

    async def do_trips(self, case: str) -> dict[str, Any]:
        """The round trips of one operation, once everything is prepared."""
        async with RoundTrips(self._env.url) as trips:
            through = replace(self._env, url=trips.url, ops=_TRIP_OPS)
            async with self._contender.cases[case](through) as op:
                await op.run()
                before = trips.count
                await op.run()
                return {"round_trips": (trips.count - before) / _TRIP_OPS}

    async def do_close(self) -> dict[str, Any]:
        """Close the open case."""
        self._op = None
        await self._stack.aclose()
        gc.collect()
        return {}


def _case(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


if __name__ == "__main__":
    main()
