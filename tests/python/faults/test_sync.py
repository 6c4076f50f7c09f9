"""The fault table against the blocking front."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg

from .expected import CONNECT_LIMIT, FAULTS, VALUES, check, limited, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scripted import Server

    type Start = Callable[[str], Server]

#: Long enough for the end of a connection to arrive.
IDLE = 0.1


def call(db: pg.SyncDatabase, fault: dict[str, Any]) -> None:
    """Does what the fault's line says, and compares what comes back."""
    if fault["call"] == "transaction":
        with db.transaction() as tx:
            assert tx.fetch_val(fault["sql"][0], timeout=fault["limit"]) == 42
        return
    if fault["call"] == "copy_in":
        db.insert_many("words", [("a",), ("b",), ("c",)], columns=["word"], method="copy")
        return
    if fault["call"] == "idle":
        assert db.fetch_val(fault["sql"][0]) == 42
        time.sleep(IDLE)
    for sql in fault["sql"]:
        rows = db.fetch(sql, timeout=fault["limit"])
        assert [row[0] for row in rows] == VALUES[sql]


def process(db: pg.SyncDatabase) -> int | None:
    """Which backend the pool's only connection has."""
    with db.connection() as connection:
        return connection.backend_pid


def settled(db: pg.SyncDatabase) -> bool:
    """Whether the pool comes to rest with one idle connection at most."""
    for _ in range(200):
        opening, idle, shared, exclusive, closing, waiting = db._counts()
        if idle <= 1 and not opening + shared + exclusive + closing + waiting:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("name", named("connect", "connect_tls"))
def test_connecting(scripted: Start, name: str) -> None:
    fault = FAULTS[name]
    server = scripted(name)
    sslmode = "require" if fault["call"] == "connect_tls" else "disable"
    error = None
    with limited(CONNECT_LIMIT + fault["grace"]):
        try:
            pg.connect_sync(server.url(sslmode), connect_timeout=CONNECT_LIMIT, pool_max=1).close()
        except pg.Error as raised:
            error = raised
    check(fault, error)
    with pg.connect_sync(server.url(), pool_max=1) as db:
        assert db.fetch_val("SELECT 7") == 7
    assert server.unfinished() == 0


@pytest.mark.parametrize("name", named("fetch", "fetch_twice", "idle", "transaction", "copy_in"))
def test_calling(scripted: Start, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = FAULTS[name]
    server = scripted(name)
    # A COMMIT takes no limit of the caller's; its own is long.
    monkeypatch.setattr("data_bridge.postgres._pool.COMMIT_DEADLINE", fault["limit"])
    with pg.connect_sync(server.url(), pool_max=1) as db:
        before = process(db)
        error = None
        with limited(fault["limit"] + fault["grace"]):
            try:
                call(db, fault)
            except pg.Error as raised:
                error = raised
        check(fault, error)
        assert db.fetch_val("SELECT 7") == 7
        assert settled(db), repr(db)
        assert (process(db) == before) == fault["usable"]
    assert server.unfinished() == 0


def test_a_transaction_whose_connection_is_lost_is_over(scripted: Start) -> None:
    with pg.connect_sync(scripted("eof_in_a_transaction").url(), pool_max=1) as db:

        def go_on() -> None:
            with db.transaction() as tx:
                with pytest.raises(pg.errors.ConnectionLost):
                    tx.fetch("SELECT 42")
                # Nothing of it is sent again on another connection.
                tx.fetch("SELECT 43")

        with pytest.raises(pg.errors.ConnectionLost):
            go_on()
        assert db.fetch_val("SELECT 7") == 7


def test_a_transaction_that_raises_leaves_the_pool_clean(scripted: Start) -> None:
    with pg.connect_sync(scripted("honest").url(), pool_max=1) as db:
        with pytest.raises(pg.errors.DivisionByZeroError), db.transaction() as tx:
            tx.fetch("SELECT 1/0")

        def give_up() -> None:
            with db.transaction() as tx:
                tx.execute("UPDATE t SET n = 1")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            give_up()
        assert db.fetch_val("SELECT 7") == 7
        assert settled(db), repr(db)


@pytest.mark.parametrize("taken", [0, 1, 2, 5])
def test_a_stream_dropped_anywhere_leaves_the_pool_clean(scripted: Start, taken: int) -> None:
    with pg.connect_sync(scripted("honest").url(), pool_max=1) as db:
        stream = db.stream("SELECT generate_series(1, 9)", batch=2)
        assert [next(stream)[0] for _ in range(taken)] == list(range(1, taken + 1))
        stream.close()
        assert db.fetch_val("SELECT 7") == 7
        assert settled(db), repr(db)


def test_threads_queue_and_give_up_in_time(scripted: Start) -> None:
    with pg.connect_sync(scripted("honest").url(), pool_max=1, acquire_timeout=0.2) as db:
        with db.connection():
            errors: list[Exception] = []

            def work() -> None:
                try:
                    db.fetch("SELECT 1")
                except pg.Error as error:
                    errors.append(error)

            thread = threading.Thread(target=work)
            with limited(1.0):
                thread.start()
                thread.join()
            assert isinstance(errors[0], pg.errors.PoolTimeout)
        assert db.fetch_val("SELECT 7") == 7


def test_nul_in_sql_is_refused_before_anything_is_sent(scripted: Start) -> None:
    with pg.connect_sync(scripted("honest").url(), pool_max=1) as db:
        for sql in ("SELECT '\0'", "SELECT 1\0; DROP TABLE t"):
            with pytest.raises(pg.errors.DataError) as raised:
                db.fetch(sql)
            assert raised.value.outcome == "not_sent"
        assert db.fetch_val("SELECT 7") == 7


def test_a_closed_pool_says_so(scripted: Start) -> None:
    db = pg.connect_sync(scripted("honest").url())
    db.close()
    with pytest.raises(pg.errors.PoolClosed):
        db.fetch("SELECT 1")
