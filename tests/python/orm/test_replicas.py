"""Reading from replicas: a primary, and a standby that streams from it."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import BackReference, Col, Column, Table, errors, select
from data_bridge.postgres._cluster import Cluster, Spec, from_wheel

_HBA = "local all all trust\nlocal replication all trust\n"
_IS_STANDBY = "SELECT pg_is_in_recovery()"
#: Seconds that the standby may take to catch up, or to start.
_PATIENCE = 20.0
#: Nobody listens there.
_NOBODY = "postgresql://postgres@127.0.0.1:1/postgres"


class Shelf(Table, table="replica_shelves"):
    id: Col[int] = Column(primary_key=True)
    name: Col[str]
    books: BackReference[Book] = BackReference("shelf_id")


class Book(Table, table="replica_books"):
    id: Col[int] = Column(primary_key=True)
    shelf_id: Col[int] = Column(foreign_key="replica_shelves.id")
    title: Col[str]


class Standby:
    """A copy of a running server, made as the manual says (section 25.3.3), that follows it."""

    def __init__(self, primary: Cluster) -> None:
        assert primary.folder is not None
        source = primary.folder / "data"
        # Within the primary's folder, so that it is deleted along with that, however this process ends.
        self.folder = primary.folder / "standby"
        self._owner = source.stat()
        # The program as the primary runs it: it may have been copied to where its account can read it.
        self._program = shlex.split((source / "postmaster.opts").read_text())[0]
        self._process: subprocess.Popen[bytes] | None = None
        with pg.connect_sync(primary.url()) as db, db.connection() as connection:
            connection.fetch_val("SELECT pg_backup_start('standby', true)::text")
            shutil.copytree(source, self.folder, ignore=shutil.ignore_patterns("postmaster.*", "pgsql_tmp*"))
            label = connection.fetch_val("SELECT labelfile FROM pg_backup_stop(false)")
        (self.folder / "backup_label").write_text(label)
        (self.folder / "standby.signal").touch()
        with (self.folder / "postgresql.conf").open("a") as settings:
            settings.write(
                f"primary_conninfo = 'host={primary.folder} port={primary.port} user=postgres'\n"
                f"unix_socket_directories = '{self.folder}'\n"
            )
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, self._owner.st_uid, self._owner.st_gid)
        self.folder.chmod(0o700)
        self.url = f"postgresql://postgres@{quote(str(self.folder), safe='')}:{primary.port}/postgres"

    def start(self) -> None:
        as_root = os.geteuid() == 0
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", self.folder],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                user=self._owner.st_uid if as_root else None,
                group=self._owner.st_gid if as_root else None,
                extra_groups=[] if as_root else None,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with pg.connect_sync(self.url) as db:
                    assert db.fetch_val(_IS_STANDBY)
                    return
            except errors.OperationalError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)  # a fast shutdown, which ends all sessions
            process.wait(_PATIENCE)


@pytest.fixture(scope="module")
def primary() -> Iterator[Cluster]:
    installed = from_wheel()
    if not installed:
        pytest.skip("the embedded PostgreSQL is not installed (it is in the extra `embedded`)")
    cluster = Cluster(installed[max(installed)], Spec(settings={"fsync": "off", "listen_addresses": ""}, hba=_HBA))
    cluster.start()
    try:
        with pg.connect_sync(cluster.url()) as db:
            db.create_all(Shelf, Book)
            db.execute("INSERT INTO replica_shelves VALUES (1, 'novels')")
            db.execute("INSERT INTO replica_books VALUES (1, 1, 'Emma'), (2, 1, 'Ulysses')")
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def standby(primary: Cluster) -> Iterator[Standby]:
    server = Standby(primary)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
async def db(primary: Cluster, standby: Standby) -> AsyncIterator[pg.Database]:
    async with await pg.connect(primary.url(), pool_max=2, replicas=[standby.url]) as database:
        await _caught_up(primary, standby)
        yield database


async def _caught_up(primary: Cluster, standby: Standby) -> None:
    async with await pg.connect(primary.url()) as one, await pg.connect(standby.url) as other:
        # A commit, so that all of the log is sent: what is not part of one may lie around for seconds.
        await one.execute("SELECT pg_logical_emit_message(true, 'test', 'flush')")
        written = await one.fetch_val("SELECT pg_current_wal_insert_lsn()::text")
        async with asyncio.timeout(_PATIENCE):
            while not await other.fetch_val("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", written):
                await asyncio.sleep(0.01)


class _Paused:
    """The standby receives what is written, and does not show it."""

    def __init__(self, standby: Standby) -> None:
        self._url = standby.url

    def __enter__(self) -> None:
        self._run("SELECT pg_wal_replay_pause()::text")
        while self._run("SELECT pg_get_wal_replay_pause_state()") != "paused":
            # It pauses before the next record, which the primary writes now and then by itself.
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self._run("SELECT pg_wal_replay_resume()::text")

    def _run(self, sql: str) -> object:
        with pg.connect_sync(self._url) as db:
            return db.fetch_val(sql)


async def test_reads_go_to_the_standby(db: pg.Database) -> None:
    assert await db.replica.fetch_val(_IS_STANDBY) is True
    assert await db.replica.fetch("SELECT id FROM replica_books ORDER BY id") == [(1,), (2,)]
    assert await db.replica.fetch_row("SELECT 1, 2") == (1, 2)
    assert await db.replica.fetch_many("SELECT $1::int", [(1,), (2,)]) == [(1,), (2,)]
    assert [row[0] async for row in db.replica.stream("SELECT * FROM generate_series(1, 5)", batch=2)] == [
        1,
        2,
        3,
        4,
        5,
    ]
    async with db.replica.transaction(isolation="repeatable_read") as tx:
        assert await tx.fetch_val(_IS_STANDBY) is True
    assert await db.fetch_val(_IS_STANDBY) is False


async def test_statements_of_the_orm_go_there_and_so_do_their_links(
    db: pg.Database, primary: Cluster, standby: Standby
) -> None:
    shelf = await Shelf.fetch_one(Shelf.id == 1, db=db.replica)
    assert await select(Book.title).order_by(Book.id).scalars().all(db=db.replica) == ["Emma", "Ulysses"]
    assert await Book.count(db=db.replica) == 2
    assert [book.id async for book in Book.select().order_by(Book.id).stream(db=db.replica)] == [1, 2]
    async with db.replica.transaction() as tx:
        in_transaction = await Shelf.fetch_one(Shelf.id == 1, db=tx)
    with _Paused(standby):
        async with await pg.connect(primary.url()) as another:
            # Not through `db`: so a replica may be behind it, and that it is shows where the links come from.
            await another.execute("INSERT INTO replica_books VALUES (4, 1, 'Kim')")
            try:
                assert len(await shelf.books.fetch()) == 2
                assert len(await in_transaction.books.fetch()) == 2
            finally:
                await another.execute("DELETE FROM replica_books WHERE id = 4")


async def test_instances_from_a_replica_are_written_to_the_primary(db: pg.Database) -> None:
    shelf = await Shelf.fetch_one(Shelf.id == 1, db=db.replica)
    shelf.name = "great novels"
    await shelf.save()
    book = Book(id=3, shelf_id=1, title="Middlemarch")
    await shelf.books.add(book)
    assert await Book.count(Book.id == 3, db=db.replica) == 1
    await book.delete()


async def test_writes_are_refused_wherever_they_would_go(db: pg.Database, primary: Cluster) -> None:
    async with await pg.connect(primary.url(), replicas=[]) as alone:
        for readers in (db.replica, alone.replica):
            with pytest.raises(errors.Error) as refused:
                await readers.execute("DELETE FROM replica_books")
            assert refused.value.sqlstate == "25006"
            with pytest.raises(errors.Error) as refused:
                await Book.insert_one({"id": 9, "shelf_id": 1, "title": "Lost"}, db=readers)
            assert refused.value.sqlstate == "25006"
            with pytest.raises(errors.Error) as refused:
                await Book.insert_many([{"id": 9, "shelf_id": 1, "title": "Lost"}], db=readers)
            assert refused.value.sqlstate == "25006"


async def test_without_replicas_there_is_nothing_to_read_from(primary: Cluster) -> None:
    async with await pg.connect(primary.url()) as plain:
        with pytest.raises(errors.InterfaceError, match="replicas="):
            _ = plain.replica
        with plain.reads_own_writes():
            assert await plain.fetch_val("SELECT 1") == 1
    with pytest.raises(TypeError, match="list of URLs"):
        await pg.connect(primary.url(), replicas="postgresql://somewhere")


async def test_a_read_is_never_older_than_the_writes_before_it(
    db: pg.Database, primary: Cluster, standby: Standby
) -> None:
    with _Paused(standby):
        assert await db.replica.fetch_val(_IS_STANDBY) is True
        await db.execute("UPDATE replica_shelves SET name = 'paused' WHERE id = 1")
        assert await db.replica.fetch_row("SELECT name, pg_is_in_recovery() FROM replica_shelves") == ("paused", False)
        async with db.replica.transaction() as tx:
            assert await tx.fetch_val("SELECT name FROM replica_shelves") == "paused"
        async with db.transaction() as writing:
            await writing.execute("UPDATE replica_shelves SET name = 'again' WHERE id = 1")
        assert (await Shelf.fetch_one(Shelf.id == 1, db=db.replica)).name == "again"
    # Once the standby has caught up it is read from again.
    await _caught_up(primary, standby)
    assert await db.replica.fetch_val(_IS_STANDBY) is True
    assert await db.replica.fetch_val("SELECT name FROM replica_shelves") == "again"


@pytest.mark.parametrize("way", ["tasks", "connection", "insert_many", "unawaited", "orm"])
async def test_every_way_of_writing_counts(db: pg.Database, standby: Standby, way: str) -> None:
    with _Paused(standby):
        async with asyncio.TaskGroup() as group:
            if way == "tasks":
                group.create_task(db.execute("INSERT INTO replica_books VALUES (5, 1, 'Persuasion')"))
        if way == "insert_many":
            await db.insert_many("replica_books", [(5, 1, "Persuasion")])
        elif way == "orm":
            await Book(id=5, shelf_id=1, title="Persuasion").save()
        elif way == "connection":
            async with db.connection() as connection:
                assert await db.replica.fetch_val("SELECT count(*) FROM replica_books") == 2
                await connection.execute("INSERT INTO replica_books VALUES (5, 1, 'Persuasion')")
                assert await db.replica.fetch_val("SELECT count(*) FROM replica_books") == 3
        elif way == "unawaited":
            # The position is asked for while this runs, and again when it has ended.
            slow = db.execute("INSERT INTO replica_books SELECT 5, 1, 'Persuasion' FROM pg_sleep(0.2)")
            assert await db.replica.fetch_val("SELECT count(*) FROM replica_books") == 2
            await slow
        try:
            assert await db.replica.fetch_val("SELECT count(*) FROM replica_books") == 3
        finally:
            await db.execute("DELETE FROM replica_books WHERE id = 5")


async def test_a_block_waits_for_its_own_writes_only(db: pg.Database, standby: Standby) -> None:
    with _Paused(standby):
        await db.execute("UPDATE replica_shelves SET name = 'of others' WHERE id = 1")
        assert await db.replica.fetch_val(_IS_STANDBY) is False
        with db.reads_own_writes():
            assert await db.replica.fetch_val(_IS_STANDBY) is True
            with db.reads_own_writes():
                await asyncio.create_task(db.execute("UPDATE replica_shelves SET name = 'own' WHERE id = 1"))
            assert await db.replica.fetch_val("SELECT name FROM replica_shelves") == "own"
        with db.reads_own_writes():
            assert await db.replica.fetch_val(_IS_STANDBY) is True


async def test_what_a_read_costs(db: pg.Database, primary: Cluster, standby: Standby) -> None:
    async def cost() -> int:
        with db.capture() as queries:
            assert await db.replica.fetch_val(_IS_STANDBY) is True
        return len(queries)

    assert await cost() == 1
    await db.execute("UPDATE replica_shelves SET name = 'dear' WHERE id = 1")
    await _caught_up(primary, standby)
    assert await cost() == 3
    assert await cost() == 1


async def test_a_replica_that_is_down_at_first_is_left_alone(primary: Cluster, standby: Standby) -> None:
    async with await pg.connect(primary.url(), replicas=[_NOBODY, standby.url]) as db:
        assert [await db.replica.fetch_val(_IS_STANDBY) for _ in range(4)] == [True] * 4
        assert repr(db.replica) == "<Replicas 1 of 2 up>"
    async with await pg.connect(primary.url(), replicas=[_NOBODY]) as db:
        assert await db.replica.fetch_val(_IS_STANDBY) is False


async def test_a_replica_that_goes_down_and_comes_back(
    db: pg.Database, primary: Cluster, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_bridge.postgres._replicas._REST", 0.2)
    assert await db.replica.fetch_val(_IS_STANDBY) is True
    reads = [asyncio.create_task(db.replica.fetch_row("SELECT pg_is_in_recovery(), pg_sleep(1)")) for _ in range(2)]
    await asyncio.sleep(0.2)
    await asyncio.to_thread(standby.stop)
    try:
        # Those that were there are answered by the primary, and so are new ones.
        assert [row[0] for row in await asyncio.gather(*reads) if row is not None] == [False, False]
        assert await db.replica.fetch_val(_IS_STANDBY) is False
        await db.execute("UPDATE replica_shelves SET name = 'alone' WHERE id = 1")
        async with db.replica.transaction() as tx:
            assert await tx.fetch_val("SELECT name FROM replica_shelves") == "alone"
    finally:
        await asyncio.to_thread(standby.start)
    await _caught_up(primary, standby)
    await asyncio.sleep(0.3)
    async with asyncio.timeout(_PATIENCE):
        while not await db.replica.fetch_val(_IS_STANDBY):
            await asyncio.sleep(0.05)
    assert await db.replica.fetch_val("SELECT name FROM replica_shelves") == "alone"


async def test_a_timeout_is_for_the_whole(db: pg.Database) -> None:
    with pytest.raises(errors.QueryTimeout):
        await db.replica.fetch_val("SELECT pg_sleep(10)", timeout=0.1)
    assert await db.replica.fetch_val(_IS_STANDBY) is True


async def test_replicas_are_not_what_is_meant_where_none_is_named(db: pg.Database) -> None:
    assert await pg.fetch_val(_IS_STANDBY) is False
    async with db.replica.transaction():
        assert await pg.fetch_val(_IS_STANDBY) is False


async def test_settings_hold_for_replicas_too(primary: Cluster, standby: Standby) -> None:
    options = "-c work_mem=7MB"
    async with await pg.connect(primary.url(), replicas=[standby.url], application_name="shop", options=options) as db:
        row = await db.replica.fetch_row("SELECT current_setting('application_name'), current_setting('work_mem')")
        assert row == ("shop", "7MB")
        assert await db.replica.fetch_val("SHOW default_transaction_read_only") == "on"
        assert await db.fetch_val("SHOW default_transaction_read_only") == "off"


# The blocking front.


@pytest.fixture
async def blocking(db: pg.Database, primary: Cluster, standby: Standby) -> AsyncIterator[pg.SyncDatabase]:
    with pg.connect_sync(primary.url(), pool_max=2, replicas=[standby.url]) as database:
        yield database


def test_threads_read_from_the_standby(blocking: pg.SyncDatabase) -> None:
    replica = blocking.replica
    assert replica.fetch_val(_IS_STANDBY) is True
    assert replica.fetch_many("SELECT $1::int", [(1,), (2,)]) == [(1,), (2,)]
    assert [row[0] for row in replica.stream("SELECT * FROM generate_series(1, 5)", batch=2)] == [1, 2, 3, 4, 5]
    with replica.transaction(isolation="repeatable_read") as tx:
        assert tx.fetch_val(_IS_STANDBY) is True
    assert Book.count(db=replica) == 2
    shelf = Shelf.fetch_one(Shelf.id == 1, db=replica)
    assert len(shelf.books.fetch()) == 2
    with pytest.raises(errors.Error) as refused:
        replica.execute("DELETE FROM replica_books")
    assert refused.value.sqlstate == "25006"
    with pytest.raises(errors.QueryTimeout):
        replica.fetch_val("SELECT pg_sleep(10)", timeout=0.1)


def test_threads_read_what_they_have_written(blocking: pg.SyncDatabase, standby: Standby) -> None:
    def others() -> None:
        blocking.execute("UPDATE replica_shelves SET name = 'of a thread' WHERE id = 1")

    with _Paused(standby):
        with blocking.reads_own_writes():
            thread = threading.Thread(target=others)
            thread.start()
            thread.join()
            assert blocking.replica.fetch_val(_IS_STANDBY) is True
            with blocking.transaction() as tx:
                tx.execute("UPDATE replica_shelves SET name = 'own' WHERE id = 1")
            assert blocking.replica.fetch_val("SELECT name FROM replica_shelves") == "own"
        with blocking.connection() as connection:
            connection.execute("UPDATE replica_shelves SET name = 'held' WHERE id = 1")
            assert blocking.replica.fetch_val("SELECT name FROM replica_shelves") == "held"
        shelf = Shelf.fetch_one(Shelf.id == 1, db=blocking.replica)
        shelf.name = "saved"
        shelf.save(db=blocking)
        assert Shelf.fetch_one(Shelf.id == 1, db=blocking.replica).name == "saved"


def test_threads_do_without_a_replica_that_is_down(primary: Cluster, standby: Standby) -> None:
    with pg.connect_sync(primary.url(), replicas=[_NOBODY]) as db:
        assert db.replica.fetch_val(_IS_STANDBY) is False
    with pg.connect_sync(primary.url(), replicas=[standby.url]) as db:
        assert db.replica.fetch_val(_IS_STANDBY) is True
        standby.stop()
        try:
            assert db.replica.fetch_val(_IS_STANDBY) is False
            assert list(db.replica.stream("SELECT 1")) == [(1,)]
        finally:
            standby.start()
