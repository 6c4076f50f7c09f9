"""One table of behaviours for every front of the package: each is written once and run against asyncio, uvloop and the
blocking front, with the same expectations.

A behaviour is a coroutine over a database. The blocking database takes part behind ``Awaited``, whose methods return when
the blocking ones do.
"""

# ruff: noqa: PT012 - a transaction that raises where it ends is one statement of several lines

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import random
import select
import socket
import sys
import threading
import urllib.parse
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

type Open = Callable[..., AbstractAsyncContextManager[Any]]
type Behaviour = Callable[..., Coroutine[Any, Any, None]]

BEHAVIOURS: list[Behaviour] = []


def behaviour(function: Behaviour) -> Behaviour:
    """Adds a row to the table. The function takes ``open``, which connects with the settings it is given."""
    BEHAVIOURS.append(function)
    return function


class Awaited:
    """A blocking database, connection or transaction with the looks of the asyncio ones."""

    def __init__(self, blocking: Any) -> None:
        self.blocking = blocking

    def __getattr__(self, name: str) -> Any:
        blocking = getattr(self.blocking, name)
        if not callable(blocking) or name in ("_counts", "parameter"):
            return blocking

        async def call(*args: Any, **options: Any) -> Any:
            return blocking(*args, **options)

        return call

    async def prepare(self, sql: str) -> Awaited:
        return Awaited(self.blocking.prepare(sql))

    async def stream(self, *args: Any, **options: Any) -> AsyncIterator[Any]:
        rows = self.blocking.stream(*args, **options)
        try:
            for row in rows:
                yield row
        finally:
            rows.close()

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[Awaited]:
        with self.blocking.transaction(**options) as blocking:
            yield Awaited(blocking)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Awaited]:
        with self.blocking.connection() as blocking:
            yield Awaited(blocking)


class Asyncio:
    """The asyncio front in asyncio's own loop."""

    def __init__(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[Any]:
        async with await pg.connect(self.url, **settings) as db:
            yield db

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run(work)

    async def give_up_often(self, db: Any, times: int) -> None:
        """Runs statements and gives them up at random moments."""
        tasks: set[asyncio.Task[Any]] = set()
        for _ in range(times):
            tasks.add(asyncio.create_task(self.work(db)))
            await asyncio.sleep(random.choice([0, 0, 0.001, 0.005]))
            task = random.choice(list(tasks))
            task.cancel()
            await asyncio.wait([task])
            tasks.discard(task)
        await asyncio.gather(*tasks)

    async def work(self, db: Any) -> None:
        match random.randrange(4):
            case 0:
                await db.fetch_val("SELECT pg_sleep(0.02)")
            case 1:
                async with db.transaction() as tx:
                    await tx.fetch_val("SELECT 1")
                    await tx.fetch_val("SELECT pg_sleep(0.01)")
            case 2:
                async for _ in db.stream("SELECT * FROM generate_series(1, 3000)", batch=100):
                    await asyncio.sleep(0)
            case _:
                await db.fetch("SELECT $1::int, $2::text", 1, "x")


class Uvloop(Asyncio):
    """The asyncio front in uvloop."""

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        uvloop = pytest.importorskip("uvloop")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


class Blocking(Asyncio):
    """The blocking front."""

    @asynccontextmanager
    async def open(self, **settings: Any) -> AsyncIterator[Any]:
        with pg.connect_sync(self.url, **settings) as db:
            yield Awaited(db)

    async def give_up_often(self, db: Any, times: int) -> None:
        blocking = db.blocking

        def work() -> None:
            for _ in range(times // 8):
                timeout = random.choice([0.0, 0.001, 0.005, 0.02])
                try:
                    if random.random() < 0.5:
                        blocking.fetch_val("SELECT pg_sleep(0.01)", timeout=timeout)
                    else:
                        with blocking.transaction() as tx:
                            tx.fetch_val("SELECT pg_sleep(0.01)", timeout=timeout)
                except errors.QueryTimeout:
                    pass

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Counting:
    """A proxy that counts how often the client takes its turn: a round trip each."""

    def __init__(self, url: str) -> None:
        address = urllib.parse.urlsplit(url)
        host = urllib.parse.unquote(address.netloc.rpartition("@")[2].rpartition(":")[0])
        self._server = f"{host}/.s.PGSQL.{address.port}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{port}{address.path}?sslmode=disable"
        self.turns = 0

    def __enter__(self) -> Counting:
        self._thread = threading.Thread(target=self._relay)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()

    def _relay(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            is_clients_turn = True
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    self.turns += is_clients_turn and source is client
                    is_clients_turn = source is server
                    (server if source is client else client).sendall(data)


@pytest.mark.smoke
@pytest.mark.parametrize("front", [Asyncio, Uvloop, Blocking])
@pytest.mark.parametrize("case", BEHAVIOURS, ids=lambda case: case.__name__)
def test_behaviour(case: Behaviour, front: type[Asyncio], url: str) -> None:
    this = front(url)
    this.run(case(this))


# Values and errors


@behaviour
async def values_come_back(front: Asyncio) -> None:
    async with front.open() as db:
        row = await db.fetch_row(
            "SELECT $1::int4, $2::text, $3::numeric, $4::timestamptz, $5::int4[], $6::jsonb, NULL::bool",
            *(
                given := (
                    7,
                    "ß",
                    Decimal("1.50"),
                    datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC),
                    [1, None],
                    {"a": 1},
                )
            ),
        )
        assert tuple(row) == (*given, None)
        assert await db.fetch_val("SELECT 1 WHERE false") is None
        assert await db.fetch_row("SELECT 1 WHERE false") is None
        assert await db.fetch("SELECT 1 WHERE false") == []
        assert await db.fetch_val("SELECT 1, 2", column=1) == 2
        assert await db.execute("SELECT * FROM generate_series(1, 5)") == 5
        assert [row.n for row in await db.fetch("SELECT n FROM generate_series(1, 2000) n")] == list(range(1, 2001))


@behaviour
async def types_of_the_database_are_looked_up(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        await db.execute("DROP TYPE IF EXISTS behaviours_mood")
        await db.execute("CREATE TYPE behaviours_mood AS ENUM ('sad', 'ok')")
        assert await db.fetch_val("SELECT array['ok', $1]::behaviours_mood[]", "sad") == ["ok", "sad"]
        await db.execute("DROP TYPE behaviours_mood")


@behaviour
async def errors_have_their_class_and_sqlstate(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for sql, args, kind, sqlstate in [
            ("SELEC 1", (), errors.PostgresSyntaxError, "42601"),
            ("SELECT * FROM no_such_table", (), errors.UndefinedTableError, "42P01"),
            ("SELECT 1 / $1::int", (0,), errors.DivisionByZeroError, "22012"),
            ("SELECT $1::int", ("x",), errors.DataError, None),
            ("SELECT $1::int", (), errors.InterfaceError, None),
            ("SELECT $1::text", ("a\0b",), errors.DataError, None),
        ]:
            with pytest.raises(kind) as caught:
                await db.fetch(sql, *args)
            assert caught.value.sqlstate == sqlstate
            assert await db.fetch_val("SELECT 1") == 1, "the connection goes on"
        assert db._counts()[:2] == (0, 1)


@behaviour
async def many_executions_are_all_or_nothing(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY") as table:
        assert await db.execute_many(f"INSERT INTO {table} VALUES ($1)", [(n,) for n in range(10)]) == 10
        with pytest.raises(errors.UniqueViolationError):
            await db.execute_many(f"INSERT INTO {table} VALUES ($1)", [(10,), (11,), (3,)])
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 10
        rows = await db.fetch_many(f"SELECT a FROM {table} WHERE a = $1", [(3,), (99,), (1,)])
        assert [row.a for row in rows] == [3, 1]


@behaviour
async def rows_are_written_in_bulk(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY, b text") as table:
        for start, count in ((0, 10), (1_000, 5_000)):
            rows = ((n, str(n)) for n in range(start, start + count))
            assert await db.insert_many(table, rows, columns=["a", "b"]) == count
            rows = ((n, "new") for n in range(start, start + count + 5))
            result = await db.upsert_many(table, rows, columns=["a", "b"], conflict_columns=["a"])
            assert (result.inserted, result.updated) == (5, count)
        with pytest.raises(errors.DataError, match=r'row 4999, column "a"'):
            await db.insert_many(table, ((n if n else "bad", "") for n in range(-4_999, 9)), columns=["a", "b"])


@behaviour
async def rows_of_a_failed_copy_are_not_kept(front: Asyncio) -> None:
    def rows() -> Any:
        for n in range(100_000):
            if n == 70_000:
                raise ZeroDivisionError
            yield (n,)

    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(ZeroDivisionError):
            await db.insert_many(table, rows(), columns=["a"])
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        assert db._counts() == (0, 1, 0, 0, 0, 0)


@behaviour
async def streams_are_read_in_pages(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        total = 0
        async for row in db.stream("SELECT n FROM generate_series(1, $1::int) n", 2500, batch=1000):
            total += row.n
        assert total == 2500 * 2501 // 2
        rows = db.stream("SELECT n FROM generate_series(1, 100000) n", batch=10)
        assert (await anext(rows)).n == 1
        await rows.aclose()
        with pytest.raises(errors.DivisionByZeroError):
            async for _ in db.stream("SELECT 1 / (50 - n) FROM generate_series(1, 100) n", batch=10):
                pass
        assert await db.fetch_val("SELECT 1") == 1
        await settled(db)


# Stale plans


@behaviour
async def a_stale_plan_heals(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        await db.execute(f"INSERT INTO {table} VALUES (1)")
        query = f"SELECT * FROM {table}"
        assert tuple(await db.fetch_row(query)) == (1,)
        await db.execute(f"ALTER TABLE {table} ADD b text DEFAULT 'x'")
        assert tuple(await db.fetch_row(query)) == (1, "x")
        await db.execute(f"ALTER TABLE {table} ALTER a TYPE text")
        assert tuple(await db.fetch_row(query)) == ("1", "x")


@behaviour
async def dropped_statements_are_prepared_anew(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for command in ("DISCARD ALL", "DEALLOCATE ALL"):
            for _ in range(2):
                assert await db.fetch_val("SELECT $1::int + 1", 1) == 2
            await db.execute(command)
            assert await db.fetch_val("SELECT $1::int + 1", 1) == 2


@behaviour
async def a_statement_that_somebody_dropped_is_prepared_anew(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        assert await db.fetch_val("SELECT $1::int + 2", 1) == 3
        # Behind the cache's back: the command tag of a DO block says nothing of what it did.
        await db.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
        assert await db.fetch_val("SELECT $1::int + 2", 1) == 3


@behaviour
async def a_stale_plan_in_a_transaction_is_an_error(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        query = f"SELECT * FROM {table}"
        await db.fetch(query)
        with pytest.raises(errors.FeatureNotSupportedError):
            async with db.transaction() as tx:
                await tx.execute(f"ALTER TABLE {table} ADD b text")
                await tx.fetch(query)
        assert await db.fetch(query) == []


@behaviour
async def without_a_statement_cache_nothing_is_named(front: Asyncio) -> None:
    async with front.open(pool_max=1, statement_cache=0) as db:
        for _ in range(3):
            assert await db.fetch_val("SELECT $1::int + 1", 41) == 42
        async with db.transaction() as tx:
            assert await tx.fetch_val("SELECT $1::text", "x") == "x"
        assert [row.n async for row in db.stream("SELECT n FROM generate_series(1, 5) n", batch=2)] == [1, 2, 3, 4, 5]
        assert await db.fetch_val("SELECT count(*) FROM pg_prepared_statements") == 0


@behaviour
async def a_prepared_statement_knows_its_types_and_runs_often(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, db.connection() as connection, scratch(connection, "a int") as table:
        prepared = await connection.prepare("SELECT $1::int + 1 AS x, 'ok' AS y")
        assert (prepared.parameters, prepared.columns) == ((23,), (("x", 23), ("y", 25)))
        assert [tuple(row) for n in range(3) for row in await prepared.fetch(n)] == [(1, "ok"), (2, "ok"), (3, "ok")]
        assert tuple(await prepared.fetch_row(7)) == (8, "ok")
        assert await prepared.fetch_val(7, column=1) == "ok"
        insert = await connection.prepare(f"INSERT INTO {table} VALUES ($1)")
        assert await insert.execute(1) == 1
        assert await insert.execute_many([(2,), (3,)]) == 2
        with pytest.raises(errors.PostgresSyntaxError):
            await connection.prepare("SELEC 1")


# Transactions


@behaviour
async def a_transaction_costs_two_round_trips_and_an_empty_one_none(front: Asyncio) -> None:
    with Counting(front.url) as proxy:
        front.url = proxy.url
        async with front.open(pool_max=1) as db:
            await db.fetch_val("SELECT $1::int", 1)
            for statements, wanted in ((0, 0), (1, 2), (3, 4)):
                proxy.turns = 0
                async with db.transaction() as tx:
                    for n in range(statements):
                        assert await tx.fetch_val("SELECT $1::int", n) == n
                assert proxy.turns == wanted


@behaviour
async def an_empty_transaction_sends_nothing(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, front.open(pool_max=1) as other:
        pid = await db.fetch_val("SELECT pg_backend_pid()")
        look = "SELECT query_start, state_change, query FROM pg_stat_activity WHERE pid = $1"
        before = await other.fetch_row(look, pid)
        async with db.transaction() as tx, tx.transaction():
            pass
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                raise ZeroDivisionError
        assert await other.fetch_row(look, pid) == before


@behaviour
async def a_transaction_commits_or_rolls_back(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db, scratch(db, "a int") as table:
        async with db.transaction() as tx:
            await tx.execute(f"INSERT INTO {table} VALUES (1)")
            assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (2)")
                raise ZeroDivisionError
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 1
        with pytest.raises(errors.InterfaceError):
            await tx.execute("SELECT 1")
        await settled(db)


@behaviour
async def modes_of_a_transaction_are_kept(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.transaction(isolation="serializable", readonly=True) as tx:
            assert await tx.fetch_val("SHOW transaction_isolation") == "serializable"
        with pytest.raises(errors.ReadOnlySQLTransactionError):
            async with db.transaction(readonly=True) as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
        with pytest.raises(errors.InterfaceError, match="isolation must be one of"):
            async with db.transaction(isolation="nonsense"):
                pass
        await settled(db)


@behaviour
async def savepoints_nest(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int PRIMARY KEY") as table:
        insert = f"INSERT INTO {table} VALUES ($1)"
        async with db.transaction() as tx:
            await tx.execute(insert, 1)
            with pytest.raises(errors.UniqueViolationError):
                async with tx.transaction() as inner:
                    await inner.execute(insert, 2)
                    async with inner.transaction() as innermost:
                        await innermost.execute(insert, 3)
                    await inner.execute(insert, 1)
            async with tx.transaction() as inner:
                await inner.execute(insert, 4)
            await tx.execute(insert, 5)
        assert [row.a for row in await db.fetch(f"SELECT a FROM {table} ORDER BY a")] == [1, 4, 5]


@behaviour
async def committing_a_failed_transaction_raises(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(errors.TransactionRolledBack):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
                with pytest.raises(errors.DivisionByZeroError):
                    await tx.execute("SELECT 1 / 0")
        with pytest.raises(errors.TransactionRolledBack):
            async with db.transaction() as tx, tx.transaction() as inner:
                with pytest.raises(errors.DivisionByZeroError):
                    await inner.execute("SELECT 1 / 0")
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0


@behaviour
async def a_transaction_opened_by_hand_does_not_outlive_its_holder(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        async with db.connection() as connection:
            await connection.execute("BEGIN")
            await connection.execute(f"INSERT INTO {table} VALUES (1)")
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        await settled(db)


@behaviour
async def session_state_does_not_outlive_its_holder(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        before = await db.fetch_val("SHOW work_mem")
        async with db.connection() as connection:
            await connection.execute("SET work_mem = '7MB'")
            await connection.execute("SELECT pg_advisory_lock(815)")
            assert await connection.fetch_val("SHOW work_mem") == "7MB"
        assert await db.fetch_val("SHOW work_mem") == before
        assert await db.fetch_val("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 815") == 0


@behaviour
async def what_a_statement_leaves_behind_is_nobody_elses(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        for begin in ("BEGIN", " start transaction"):
            with pytest.raises(errors.InterfaceError, match="use transaction"):
                await db.execute(begin)
        # The word may be hidden.
        await db.execute("/* by hand */ BEGIN")
        first, second = await db.fetch_val("SELECT now()"), await db.fetch_val("SELECT now()")
        assert first < second, "each statement is its own transaction again"
        before = await db.fetch_val("SHOW work_mem")
        await db.execute("SET work_mem = '7MB'")
        assert await db.fetch_val("SHOW work_mem") == before
        await settled(db)
        assert db._counts()[:2] == (0, 1)


# Trouble


@behaviour
async def calls_after_a_lost_connection_succeed(front: Asyncio) -> None:
    async with front.open(pool_min=2, pool_max=2) as db, front.open(pool_max=1) as other:
        async with db.connection() as one, db.connection() as two:
            pids = [await one.fetch_val("SELECT pg_backend_pid()"), await two.fetch_val("SELECT pg_backend_pid()")]
        await other.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", pids)
        while await other.fetch_val("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1::int[])", pids):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        for _ in range(4):
            assert await db.fetch_val("SELECT pg_backend_pid()") not in pids
        async with db.transaction() as tx:
            assert await tx.fetch_val("SELECT 1") == 1


@behaviour
async def a_connection_lost_during_a_statement_is_an_error(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        with pytest.raises((errors.AdminShutdownError, errors.ConnectionLost)):
            await db.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await db.fetch_val("SELECT 1") == 1
        with pytest.raises((errors.AdminShutdownError, errors.ConnectionLost)):
            async with db.transaction() as tx:
                await tx.fetch("SELECT 1")
                await tx.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
        assert await db.fetch_val("SELECT 1") == 1
        await settled(db)


@behaviour
async def a_commit_that_is_not_answered_has_an_unknown_outcome(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        # The server ends the session while it commits.
        await db.execute(
            """CREATE OR REPLACE FUNCTION pg_temp.die() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$;
            """
        )
        await db.execute(
            f"CREATE CONSTRAINT TRIGGER die AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION pg_temp.die()"
        )
        with pytest.raises(errors.CommitOutcomeUnknown):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
        assert await db.fetch_val("SELECT 1") == 1


@behaviour
async def a_timeout_stops_the_statement_and_keeps_the_connection(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db:
        pid = await db.fetch_val("SELECT pg_backend_pid()")
        for timeout in (0.05, 0.0):
            with pytest.raises(errors.QueryTimeout, match="no answer after"):
                await db.fetch("SELECT pg_sleep(10)", timeout=timeout)
        for _ in range(5):
            assert await db.fetch_val("SELECT pg_backend_pid()") == pid, "and no stray cancel hits what comes next"
        assert await db.fetch_val("SELECT 1", timeout=10) == 1
        await settled(db)


@behaviour
async def a_timeout_in_a_transaction_rolls_it_back(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        with pytest.raises(errors.QueryTimeout):
            async with db.transaction() as tx:
                await tx.execute(f"INSERT INTO {table} VALUES (1)")
                await tx.execute("SELECT pg_sleep(10)", timeout=0.05)
        assert await db.fetch_val(f"SELECT count(*) FROM {table}") == 0
        await settled(db)


@behaviour
async def counts_are_exact_after_many_calls_were_given_up(front: Asyncio) -> None:
    async with front.open(pool_max=3) as db, front.open(pool_max=1) as other:
        await front.give_up_often(db, 200)
        await settled(db)
        for _ in range(3):
            async with db.connection() as connection:
                assert await connection.fetch_val("SELECT 1") == 1
        running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(0.0_)'"
        assert await other.fetch_val(running) == 0


@behaviour
async def an_exhausted_pool_says_that_all_are_busy(front: Asyncio) -> None:
    async with front.open(pool_max=1, acquire_timeout=0.1) as db:
        async with db.connection():
            with pytest.raises(errors.PoolTimeout, match=r"0\.1 seconds: all are busy"):
                async with db.transaction():
                    pass
        assert await db.fetch_val("SELECT 1") == 1
        assert db._counts() == (0, 1, 0, 0, 0, 0)


@behaviour
async def a_closed_pool_refuses(front: Asyncio) -> None:
    async with front.open() as db:
        await db.close()
        with pytest.raises(errors.PoolClosed):
            await db.fetch("SELECT 1")
        with pytest.raises(errors.PoolClosed):
            async with db.transaction():
                pass
        await db.close()


@behaviour
async def a_wrong_login_is_told_at_once(front: Asyncio) -> None:
    with pytest.raises(errors.InvalidCatalogNameError):
        async with front.open(dbname="no_such_database"):
            pass


@behaviour
async def notices_are_logged(front: Asyncio) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    log = logging.getLogger("data_bridge.postgres")
    log.addHandler(handler)
    try:
        async with front.open(pool_max=1) as db:
            await db.execute("DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$")
    finally:
        log.removeHandler(handler)
    assert "WARNING: mind the gap" in [record.getMessage() for record in records]


@behaviour
async def a_fork_is_refused(front: Asyncio) -> None:
    async with front.open(pool_max=2) as db:
        async with db.connection() as connection:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                refused = 0
                for holder in (db, connection):
                    try:
                        await holder.fetch("SELECT 1")
                    except errors.ForkedConnection:
                        refused += 1
                    except BaseException as error:
                        print(repr(error), file=sys.stderr)
                os._exit(0 if refused == 2 else 1)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            assert os.waitstatus_to_exitcode(status) == 0
            assert await connection.fetch_val("SELECT 1") == 1
        assert await db.fetch_val("SELECT 1") == 1


@asynccontextmanager
async def scratch(db: Any, columns: str) -> AsyncIterator[str]:
    """A table for one test, of a name that no other run has."""
    table = f"behaviours_{os.getpid()}_{random.randrange(10**9)}"
    await db.execute(f"CREATE TABLE {table} ({columns})")
    try:
        yield table
    finally:
        await db.execute(f"DROP TABLE {table}")


async def settled(db: Any) -> None:
    """Waits until the pool has cleaned up behind what was given up: no connection is in use, and nobody waits."""
    for _ in range(600):
        opening, _, shared, exclusive, closing, waiting = db._counts()
        if (opening, shared, exclusive, closing, waiting) == (0, 0, 0, 0, 0):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"the pool did not settle: {db._counts()}")
