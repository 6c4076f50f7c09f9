"""What happens around statements as type checkers see it: run, lock, capture, hooks, scopes, rules."""

from __future__ import annotations

from datetime import datetime
from typing import assert_type

import data_bridge.postgres as pg
from data_bridge.postgres import Capture, Captured, Col, Column, Database, Query, SyncDatabase, SyncTransaction, Table
from data_bridge.postgres import Transaction as Tx


class Note(Table, table="notes", soft_delete="deleted_at", tenant="org"):
    id: Col[int] = Column(primary_key=True, init=False)
    org: Col[str] = Column(init=False)
    parent_id: Col[int | None] = Column(foreign_key="notes.id", rule="soft", default=None)
    text: Col[str]
    deleted_at: Col[datetime | None] = Column(default=None, init=False)


@pg.before_insert(Note)
def strip(note: Note) -> None:
    note.text = note.text.strip()


@pg.after_update(Note)
async def journal(note: Note, tx: Tx) -> None:
    await tx.execute("SELECT $1::text", note.text)


Column(foreign_key="notes.id", rule="maybe")  # wrong


async def asynchronous(db: Database) -> None:
    async def work(tx: Tx) -> int:
        return await tx.execute("SELECT 1")

    assert_type(await db.run(work, retry=3, isolation="serializable", timeout=1.0), int)
    await db.run(work, isolation="best")  # wrong
    async with db.capture(args=True) as queries:
        assert_type(queries, Capture)
        assert_type(queries[0], Captured)
    async with db.lock("nightly", shared=True, timeout=0) as connection:
        assert_type(connection, pg.Connection)
    async with db.transaction(identity=True) as tx:
        tx.on_commit(lambda: None)
        await tx.lock((1, 2))
    assert_type(Note.select().with_deleted(), Query[Note])
    assert_type(await Note.select().only_deleted(), list[Note])
    with pg.tenant("acme"), pg.schema("acme"), pg.unscoped():
        assert_type(await Note.delete_many(True, hard=True), int)


def blocking(db: SyncDatabase) -> None:
    def work(tx: SyncTransaction) -> str:
        return str(tx.fetch_val("SELECT 1"))

    assert_type(db.run(work), str)
    with db.lock(7) as connection:
        assert_type(connection, pg.SyncConnection)
