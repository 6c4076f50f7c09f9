"""Every verb, cancelled at each of its awaits: the pool's counts stay exact, and nothing is left half-done.

The task is cancelled in three ways at each await: as it begins to wait, a moment later, when the server is at it, and in the
very moment that the answer comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import types
from typing import TYPE_CHECKING, Any

import pytest
from behaviours.fronts import scratch, settled

import data_bridge.postgres as pg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator

#: More awaits than any of these traces has, so that a loop that never ends is a failure.
MOST = 200


@types.coroutine
def cancelled_at(number: int, work: Coroutine[Any, Any, Any], when: str) -> Generator[Any, Any, bool]:
    """Runs ``work``, and cancels its task at the await with this number; whether it came that far."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    step: Callable[[Any], Any] = work.send
    given: Any = None
    for at in range(MOST):
        try:
            awaited = step(given)
        except StopIteration:
            return at > number
        if at == number:
            if when == "with the answer" and awaited is not None:
                # Called before the task is woken with the answer.
                awaited.add_done_callback(lambda _: task.cancel())
            elif when == "a moment later":
                loop.call_later(0.0003, task.cancel)
            else:
                loop.call_soon(task.cancel)
        try:
            given = yield awaited
            step = work.send
        except BaseException as error:
            given, step = error, work.throw
    raise AssertionError("the trace does not end")


async def transaction(db: pg.Database, table: str) -> None:
    async with db.transaction() as tx:
        await tx.execute(f"INSERT INTO {table} VALUES (1)")
        async with tx.transaction() as inner:
            await inner.execute(f"INSERT INTO {table} VALUES (2)")
        await tx.fetch(f"SELECT * FROM {table}")


async def failing_transaction(db: pg.Database, table: str) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with db.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            raise ZeroDivisionError


async def connection(db: pg.Database, table: str) -> None:
    async with db.connection() as lent:
        prepared = await lent.prepare(f"INSERT INTO {table} VALUES ($1)")
        await lent.execute("SET work_mem = '7MB'")
        async with lent.transaction():
            await prepared.execute_many([(1,), (2,)])


async def stream(db: pg.Database, table: str) -> None:
    rows = db.stream("SELECT n FROM generate_series(1, 5) n", batch=2)
    try:
        assert [row.n async for row in rows] == [1, 2, 3, 4, 5]
    finally:
        await rows.aclose()


async def waiting(db: pg.Database, table: str) -> None:
    """Others have the connection when it is wanted."""

    async def holder() -> None:
        async with db.connection():
            await asyncio.sleep(0.005)

    async with asyncio.TaskGroup() as group:
        group.create_task(holder())
        await asyncio.sleep(0)
        await transaction(db, table)
        group.create_task(holder())
        await asyncio.sleep(0)
        await db.fetch(f"SELECT * FROM {table}")


def rows(count: int) -> list[tuple[int]]:
    return [(number,) for number in range(count)]


async def arriving(count: int) -> AsyncIterator[tuple[int]]:
    for row in rows(count):
        if row[0] % 500 == 0:
            await asyncio.sleep(0)
        yield row


#: The verbs, each with the numbers of rows that it may leave in its table.
TRACES: dict[str, tuple[Callable[[pg.Database, str], Awaitable[Any]], set[int]]] = {
    "fetch": (lambda db, table: db.fetch(f"SELECT * FROM {table}"), {0}),
    "fetch, slow": (lambda db, table: db.fetch(f"SELECT * FROM {table}, pg_sleep(0.01)"), {0}),
    "execute": (lambda db, table: db.execute(f"INSERT INTO {table} VALUES ($1)", 1), {0, 1}),
    "fetch_many": (lambda db, table: db.fetch_many("SELECT $1::int", rows(3)), {0}),
    "timeout": (lambda db, table: db.fetch(f"SELECT * FROM {table}", timeout=60), {0}),
    "execute_many": (lambda db, table: db.execute_many(f"INSERT INTO {table} VALUES ($1)", rows(2500)), {0, 2500}),
    "transaction": (transaction, {0, 2}),
    "a transaction that fails": (failing_transaction, {0}),
    "connection": (connection, {0, 2}),
    "waiting": (waiting, {0, 2}),
    "stream": (stream, {0}),
    "insert_many, COPY": (lambda db, table: db.insert_many(table, rows(10), ["a"], method="copy"), {0, 10}),
    "insert_many, COPY, arriving": (lambda db, table: db.insert_many(table, arriving(1500), ["a"]), {0, 1500}),
    "insert_many, unnest": (lambda db, table: db.insert_many(table, rows(10), ["a"]), {0, 10}),
    "insert_many, staged": (
        lambda db, table: db.insert_many(table, rows(10), ["a"], method="copy", returning=["a"]),
        {0, 10},
    ),
    "upsert_many, unnest": (
        lambda db, table: db.upsert_many(table, rows(10), columns=["a"], conflict_columns=["a"]),
        {0, 10},
    ),
    "upsert_many, staged": (
        lambda db, table: db.upsert_many(table, rows(10), columns=["a"], conflict_columns=["a"], method="stage"),
        {0, 10},
    ),
}


@pytest.mark.parametrize("when", ["at once", "a moment later", "with the answer"])
@pytest.mark.parametrize("name", TRACES)
async def test_cancelled_at_every_await(url: str, name: str, when: str) -> None:
    trace, possible = TRACES[name]

    async with (
        await pg.connect(url, pool_max=1) as other,
        scratch(other, "a int PRIMARY KEY") as table,
        await pg.connect(url, pool_max=1) as db,
    ):

        async def work() -> None:
            await trace(db, table)

        async def given_up(number: int) -> bool:
            return await cancelled_at(number, work(), when)

        for number in range(MOST):
            came_that_far = True
            with contextlib.suppress(asyncio.CancelledError):
                came_that_far = await asyncio.wait_for(asyncio.create_task(given_up(number)), 20)
            await assert_sound(db, other)
            assert await other.fetch_val(f"SELECT count(*) FROM {table}") in possible, f"given up at {number}"
            if not came_that_far:
                break
            await other.execute(f"TRUNCATE {table}")
        assert number >= 1, "it awaits at least once"


async def assert_sound(db: pg.Database, other: pg.Database) -> None:
    """The pool is at rest, its connection is clean, and the server runs nothing for it any more."""
    await settled(db)
    opening, idle, *others = db._counts()
    assert (opening, idle) in {(0, 0), (0, 1)}, db._counts()
    assert not any(others)
    async with db.connection() as lent:
        assert lent._usable()._status == "idle"
        assert await lent.fetch_val("SELECT $1::int", 7) == 7
        assert await lent.fetch_val("SHOW work_mem") != "7MB"
        pid = lent.backend_pid
    # Only the last statement, and no transaction around it; what resets the session is not waited for.
    async with asyncio.timeout(5):
        while await other.fetch_val("SELECT state FROM pg_stat_activity WHERE pid = $1", pid) != "idle":
            await asyncio.sleep(0.001)
