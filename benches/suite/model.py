"""What a benchmark is: cases, contenders, and the operation that one performs for the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Run = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Case:
    """One line of the results.

    `ops` operations make one round; a time is reported per operation. After each contender's
    warm-up `answer` reduces what it returned, and `check_sql` what it left in the table: they must
    be the same for all contenders, so that nobody wins by doing less. `trips` asks for the round
    trips of one operation to be counted too. Cases of one `family` share their processes, and `loops` are those on which
    a case runs unless others are asked for.
    """

    name: str
    title: str
    unit: str
    ops: int
    quick_ops: int
    bulk: bool = False
    trips: bool = False
    check_sql: str | None = None
    answer: Callable[[Any], Any] | None = None
    family: str = ""
    loops: tuple[str, ...] = ("asyncio", "uvloop")

    @property
    def of_mappers(self) -> bool:
        """Whether it compares object-relational mappers, not drivers."""
        return self.name.startswith(("orm_", "journal_"))


@dataclass(frozen=True)
class Op:
    """What is timed (`run`), and what makes it ready before each round, untimed (`before`)."""

    run: Run
    before: Run | None = None


@dataclass(frozen=True)
class Env:
    """What every contender is given: the server, the sizes and the rows, all made beforehand."""

    url: str
    ops: int
    ids: list[int]
    tuples: list[tuple[Any, ...]]
    dicts: list[dict[str, Any]]


Opener = Callable[[Env], AbstractAsyncContextManager[Op]]


@dataclass
class Contender:
    """A way to talk to PostgreSQL, with the cases that it can do.

    It runs in a process of its own, which has `environment` on top of the suite's.
    """

    name: str
    version: str
    cases: dict[str, Opener] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def case(self, name: str) -> Callable[[Callable[[Env], AsyncGenerator[Op]]], Callable[[Env], AsyncGenerator[Op]]]:
        """Register an async generator that opens what it needs, yields its `Op`, and closes."""

        def register(
            body: Callable[[Env], AsyncGenerator[Op]],
        ) -> Callable[[Env], AsyncGenerator[Op]]:
            self.cases[name] = asynccontextmanager(body)
            return body

        return register


async def from_tasks(query: Callable[[int], Awaitable[Any]], env: Env, tasks: int = 100) -> Any:
    """Ask `env.ops` point queries from `tasks` tasks at once; the answer to the first id."""

    async def one(task: int) -> Any:
        first = None
        for i in range(task, env.ops, tasks):
            row = await query(env.ids[i])
            first = row if first is None else first
        return first

    return (await asyncio.gather(*(one(task) for task in range(tasks))))[0]


async def one_by_one(query: Callable[[int], Awaitable[Any]], env: Env) -> Any:
    """Ask `env.ops` point queries in sequence; the answer to the last id."""
    row = None
    for i in range(env.ops):
        row = await query(env.ids[i])
    return row
