"""The same guest book with Litestar.

DATABASE_URL=postgresql://localhost/app litestar --app litestar_app:app run
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from guestbook import Entry, Guest
from litestar import Litestar, delete, get, post
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import ClientException, NotFoundException

import data_bridge.postgres as pg


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    async with await pg.connect(os.environ["DATABASE_URL"]) as db:
        await pg.create_all([Guest, Entry], db=db)
        app.state.db = db
        yield


async def database(state: State) -> pg.Database:
    db: pg.Database = state.db
    return db


@dataclass
class NewEntry:
    email: str
    name: str
    text: str


@dataclass
class EntryOut:
    id: int
    guest: str
    text: str
    written_at: datetime


@post("/entries")
async def write(data: NewEntry, db: pg.Database) -> EntryOut:
    try:
        async with db.transaction() as tx:
            guest = await Guest.upsert_one({"email": data.email, "name": data.name}, conflict_columns=["email"], db=tx)
            assert guest is not None
            entry = await Entry.insert_one(Entry(guest_id=guest.id, text=data.text), db=tx)
    except pg.errors.CheckViolationError as error:
        raise ClientException("an entry has a text", status_code=422) from error
    return EntryOut(entry.id, guest.name, entry.text, entry.written_at)


@get("/entries")
async def read(db: pg.Database, before: int | None = None, limit: int = 20) -> list[EntryOut]:
    """The newest first; ``before`` is the last id of the page before."""
    query = pg.select(Entry, Guest).join(Entry.guest).order_by(Entry.id.desc()).limit(min(limit, 100))
    if before is not None:
        query = query.where(Entry.id < before)
    return [EntryOut(entry.id, guest.name, entry.text, entry.written_at) for entry, guest in await query.all(db=db)]


@delete("/entries/{entry_id:int}")
async def erase(entry_id: int, db: pg.Database) -> None:
    if not await Entry.delete_many(Entry.id == entry_id, db=db):
        raise NotFoundException("there is no such entry")


app = Litestar([write, read, erase], lifespan=[lifespan], dependencies={"db": Provide(database)})
