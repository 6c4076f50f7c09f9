"""A guest book with FastAPI: one pool for the program, a transaction where several statements belong together.

DATABASE_URL=postgresql://localhost/app uvicorn fastapi_app:app
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from guestbook import Entry, Guest
from pydantic import BaseModel

import data_bridge.postgres as pg


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with await pg.connect(os.environ["DATABASE_URL"]) as db:
        await pg.create_all([Guest, Entry], db=db)
        app.state.db = db
        yield


app = FastAPI(lifespan=lifespan)


async def database(request: Request) -> pg.Database:
    db: pg.Database = request.app.state.db
    return db


Db = Annotated[pg.Database, Depends(database)]


class NewEntry(BaseModel):
    email: str
    name: str
    text: str


class EntryOut(BaseModel):
    id: int
    guest: str
    text: str
    written_at: datetime


@app.post("/entries", status_code=201)
async def write(new: NewEntry, db: Db) -> EntryOut:
    try:
        async with db.transaction() as tx:
            guest = await Guest.upsert_one({"email": new.email, "name": new.name}, conflict_columns=["email"], db=tx)
            assert guest is not None
            entry = await Entry.insert_one(Entry(guest_id=guest.id, text=new.text), db=tx)
    except pg.errors.CheckViolationError as error:
        raise HTTPException(422, "an entry has a text") from error
    return EntryOut(id=entry.id, guest=guest.name, text=entry.text, written_at=entry.written_at)


@app.get("/entries")
async def read(db: Db, before: int | None = None, limit: Annotated[int, Query(le=100)] = 20) -> list[EntryOut]:
    """The newest first; ``before`` is the last id of the page before."""
    query = pg.select(Entry, Guest).join(Entry.guest).order_by(Entry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Entry.id < before)
    return [
        EntryOut(id=entry.id, guest=guest.name, text=entry.text, written_at=entry.written_at)
        for entry, guest in await query.all(db=db)
    ]


@app.delete("/entries/{entry_id}", status_code=204)
async def erase(entry_id: int, db: Db) -> None:
    if not await Entry.delete_many(Entry.id == entry_id, db=db):
        raise HTTPException(404, "there is no such entry")
