"""What only the blocking front has: threads, signals, waiting in the pool. What it shares with the other front is in
``behaviours``."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors
from data_bridge.postgres._pool import why_exhausted
from data_bridge.postgres.sync import run


@pytest.fixture
def db(url: str) -> Iterator[pg.SyncDatabase]:
    with pg.connect_sync(url, pool_max=2, acquire_timeout=5) as database:
        yield database


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Runs ``work`` in so many threads, and raises what one of them has raised."""
    failures: list[BaseException] = []

    def guarded(index: int) -> None:
        try:
            work(index)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Ctrl-C, so many seconds from now."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.join()


@pytest.mark.smoke
def test_more_threads_than_connections_take_turns(db: pg.SyncDatabase) -> None:
    def work(index: int) -> None:
        for n in range(50):
            assert db.fetch_val("SELECT $1::int8", index * 1000 + n) == index * 1000 + n

    in_threads(12, work)
    opening, idle, *others = db._counts()
    assert opening == 0
    assert 1 <= idle <= 2
    assert not any(others)


def test_threads_wait_side_by_side(db: pg.SyncDatabase) -> None:
    with db.connection() as one, db.connection() as two:
        connections = (one, two)
        start = time.monotonic()
        in_threads(2, lambda index: connections[index].execute("SELECT pg_sleep(0.3)") and None)
        assert time.monotonic() - start < 0.55, "the interpreter is released while a call waits"


def test_one_connection_is_for_one_thread(db: pg.SyncDatabase) -> None:
    with db.connection() as connection:
        thread = threading.Thread(target=connection.execute, args=("SELECT pg_sleep(0.3)",))
        thread.start()
        time.sleep(0.1)
        with pytest.raises(errors.ConcurrentUse):
            connection.fetch("SELECT 1")
        thread.join()
        assert connection.fetch_val("SELECT 1") == 1


def test_a_parameter_that_uses_the_connection_is_refused(db: pg.SyncDatabase) -> None:
    with db.connection() as connection:

        class Meddling:
            def __index__(self) -> int:
                return int(connection.fetch_val("SELECT 1"))

        with pytest.raises(errors.DataError, match="ConcurrentUse"):
            connection.fetch_val("SELECT $1::int", Meddling())
        assert connection.fetch_val("SELECT 1") == 1


@pytest.mark.smoke
def test_ctrl_c_stops_the_statement(db: pg.SyncDatabase) -> None:
    pid = db.fetch_val("SELECT pg_backend_pid()")
    start = time.monotonic()
    with interrupted_after(0.2), pytest.raises(KeyboardInterrupt):
        db.fetch("SELECT pg_sleep(10)")
    assert time.monotonic() - start < 2
    assert db.fetch_val("SELECT pg_backend_pid()") == pid, "the connection goes on"
    assert db._counts() == (0, 1, 0, 0, 0, 0)


def test_ctrl_c_rolls_a_transaction_back(db: pg.SyncDatabase) -> None:
    with interrupted_after(0.2), pytest.raises(KeyboardInterrupt), db.transaction() as tx:  # noqa: PT012
        tx.execute("CREATE TABLE interrupted (a int)")
        tx.execute("SELECT pg_sleep(10)")
    assert db.fetch_val("SELECT to_regclass('interrupted')") is None
    assert db._counts() == (0, 1, 0, 0, 0, 0)


def test_ctrl_c_ends_a_bulk_insert(db: pg.SyncDatabase) -> None:
    def endless() -> Iterator[tuple[int]]:
        while True:
            yield (1,)

    db.execute("DROP TABLE IF EXISTS sync_endless")
    db.execute("CREATE TABLE sync_endless (a int)")
    with interrupted_after(0.3), pytest.raises(KeyboardInterrupt):
        db.insert_many("sync_endless", endless(), columns=["a"])
    assert db.fetch_val("SELECT count(*) FROM sync_endless") == 0
    db.execute("DROP TABLE sync_endless")
    assert db._counts() == (0, 1, 0, 0, 0, 0)


def test_ctrl_c_ends_the_wait_for_a_connection(db: pg.SyncDatabase) -> None:
    with db.connection(), db.connection():
        with interrupted_after(0.2), pytest.raises(KeyboardInterrupt):
            db.fetch("SELECT 1")
        assert db._counts() == (0, 0, 0, 2, 0, 0)
    assert db._counts() == (0, 2, 0, 0, 0, 0)


def test_a_handler_of_a_signal_may_use_the_pool(db: pg.SyncDatabase) -> None:
    seen: list[Any] = []
    previous = signal.signal(signal.SIGUSR1, lambda *_: seen.append(db.fetch_val("SELECT 7")))
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        assert db.execute("SELECT pg_sleep(0.4)") == 1
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert seen == [7]


def test_a_timeout_covers_the_wait_for_a_connection(db: pg.SyncDatabase) -> None:
    with db.connection(), db.connection():
        start = time.monotonic()
        with pytest.raises(errors.QueryTimeout):
            db.fetch("SELECT 1", timeout=0.1)
        assert time.monotonic() - start < 0.5
    with pytest.raises(errors.InterfaceError):
        db.fetch("SELECT 1", timeout=float("nan"))
    assert db.fetch_val("SELECT 1", timeout=float("inf")) == 1


def test_callers_are_served_in_their_order(url: str) -> None:
    order: list[int] = []
    with pg.connect_sync(url, pool_max=1) as db:

        def work(index: int) -> None:
            time.sleep(index * 0.05)
            with db.connection():
                order.append(index)
                time.sleep(0.15)

        in_threads(5, work)
    assert order == sorted(order)


def test_an_exhausted_pool_says_why() -> None:
    assert "all are busy (3 in exclusive use" in why_exhausted(1, (0, 0, 0, 3, 0, 1))
    assert "the server does not answer, and opening another one failed: refused" in why_exhausted(
        1, (1, 0, 0, 0, 0, 1), "refused"
    )


def test_a_server_that_is_silent_does_not_outlast_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        start = time.monotonic()
        with pytest.raises(errors.ConnectTimeout):
            pg.connect_sync(f"postgresql://u@127.0.0.1:{port}/d?sslmode=disable", connect_timeout=0.3)
        assert time.monotonic() - start < 1


def test_a_server_that_is_not_there_is_told_to_every_waiting_thread(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(errors.ConnectError):
        pg.connect_sync(f"postgresql://u@127.0.0.1:{port}/d?sslmode=disable")


def test_a_lost_lease_makes_room(db: pg.SyncDatabase) -> None:
    for _ in range(5):
        # An exception between taking a connection and giving it back may lose it.
        db._acquire()
        gc.collect()
    assert db._counts() == (0, 0, 0, 0, 0, 0)
    assert db.fetch_val("SELECT 1") == 1


def test_a_connection_is_refused_after_it_was_given_back(db: pg.SyncDatabase) -> None:
    with db.connection() as connection, connection.transaction() as tx:
        assert tx.fetch_val("SELECT 1") == 1
        assert not connection.is_closed
        assert connection.backend_pid == tx.fetch_val("SELECT pg_backend_pid()")
        assert connection.parameter("server_encoding") == "UTF8"
        assert connection.is_encrypted is False
    assert connection.is_closed
    for use in (lambda: connection.fetch("SELECT 1"), lambda: connection.backend_pid, connection.transaction):
        with pytest.raises(errors.InterfaceError, match="given back"):
            use()


def test_closing_lets_the_statements_in_flight_end(url: str) -> None:
    db = pg.connect_sync(url, pool_max=1)
    results: list[Any] = []

    def use() -> None:
        results.append(db.fetch_val("SELECT 7 FROM pg_sleep(0.3)"))

    def wait() -> None:
        try:
            db.fetch("SELECT 1")
        except errors.PoolClosed as error:
            results.append(error)

    threads = [threading.Thread(target=use), threading.Thread(target=wait)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    db.close()
    for thread in threads:
        thread.join()
    refused, value = results
    assert isinstance(refused, errors.PoolClosed)
    assert value == 7
    assert db._counts() == (0, 0, 0, 0, 0, 0)


def test_an_async_iterable_is_refused(db: pg.SyncDatabase) -> None:
    async def rows() -> Any:
        await asyncio.sleep(0)
        yield (1,)

    with pytest.raises(errors.InterfaceError, match="plain one"):
        db.execute_many("SELECT $1::int", rows())


@pytest.mark.smoke
def test_counts_hold_under_threads_that_break_everything(url: str) -> None:
    """Timeouts, errors, lost connections and open transactions at random: nothing is lost, nothing is lent unclean."""
    with pg.connect_sync(url, pool_max=3, acquire_timeout=30) as db:

        def work(index: int) -> None:
            chance = random.Random(index)
            for _ in range(30):
                try:
                    match chance.randrange(6):
                        case 0:
                            db.fetch("SELECT pg_sleep(0.02)", timeout=chance.choice([0, 0.001, 0.02]))
                        case 1:
                            db.fetch("SELECT 1 / 0")
                        case 2:
                            db.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
                        case 3:
                            with db.connection() as connection:
                                connection.execute("BEGIN")
                                connection.execute("SELECT 1 / 0")
                        case 4:
                            for _ in db.stream("SELECT * FROM generate_series(1, 1000)", batch=100):
                                if chance.random() < 0.01:
                                    break
                        case _:
                            assert db.fetch_val("SELECT $1::int", index) == index
                            with db.connection() as connection:
                                assert connection._routines()._status == "idle"
                except (
                    errors.QueryTimeout,
                    errors.DivisionByZeroError,
                    errors.AdminShutdownError,
                    errors.ConnectionLost,
                ):
                    pass

        in_threads(6, work)
        gc.collect()
        opening, idle, *others = db._counts()
        assert idle <= 3
        assert not any(others), db._counts()
        assert opening <= 1, "at most what was wanted last is still being opened"


def test_a_copy_does_not_wait_where_the_socket_takes_everything(db: pg.SyncDatabase) -> None:
    with db.connection() as connection:
        connection.execute("CREATE TEMP TABLE taken (n int, words text)")
        start = time.monotonic()
        for _ in range(30):
            assert connection.insert_many("taken", [(1, "one"), (2, "two")], method="copy") == 2
        # Thirty waits for an answer that is not due yet took three seconds.
        assert time.monotonic() - start < 1.5


def test_the_routines_of_a_pool_open_transactions_of_any_mode(url: str) -> None:
    with pg.connect_sync(url, pool_max=1) as db:

        async def steps() -> Any:
            async with db._coroutines().transaction(isolation="serializable", readonly=True) as tx:  # type: ignore[attr-defined]
                return tuple(await tx.fetch_row("SELECT current_setting($1), current_setting($2)", *MODES))

        assert run(steps()) == ("serializable", "on")


MODES = ("transaction_isolation", "transaction_read_only")
