"""Piccolo: a pool of one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from piccolo.columns import (
    M2M,
    BigInt,
    BigSerial,
    Boolean,
    DoublePrecision,
    ForeignKey,
    Integer,
    LazyTableReference,
    Numeric,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.engine.postgres import PostgresEngine
from piccolo.table import Table

from suite.model import Env
from suite.orm import world
from suite.orm.operations import FIVE


class _Engine(PostgresEngine):
    async def check_version(self) -> None:
        """Piccolo connects at import for this, before the server is known."""


DB = _Engine(config={})


class Item(Table, tablename="bench_items", db=DB):
    id = BigInt(primary_key=True)
    name = Text()
    score = DoublePrecision()
    active = Boolean()
    created = Timestamptz()
    amount = Numeric()


class Single(Table, tablename="bench_single", db=DB):
    id = BigSerial(primary_key=True)
    name = Text()
    score = DoublePrecision()
    active = Boolean()
    created = Timestamptz()
    amount = Numeric()


class Author(Table, tablename="bench_authors", db=DB):
    id = BigInt(primary_key=True)
    name = Text()
    email = Text()
    created = Timestamptz()


class Post(Table, tablename="bench_posts", db=DB):
    id = BigInt(primary_key=True)
    author_id = ForeignKey(Author, db_column_name="author_id")
    title = Text()
    score = DoublePrecision()
    tags = M2M(LazyTableReference("PostTag", module_path=__name__))


class Tag(Table, tablename="bench_tags", db=DB):
    id = BigInt(primary_key=True)
    name = Text()
    posts = M2M(LazyTableReference("PostTag", module_path=__name__))


class PostTag(Table, tablename="bench_post_tags", db=DB):
    id = BigSerial(primary_key=True)
    post_id = ForeignKey(Post)
    tag_id = ForeignKey(Tag)


class Comment(Table, tablename="bench_comments", db=DB):
    id = BigInt(primary_key=True)
    post_id = ForeignKey(Post)
    writer_id = ForeignKey(Author)
    body = Text()


class Journal(Table, tablename="bench_journal", db=DB):
    id = BigSerial(primary_key=True)
    moment = Timestamptz(default=lambda: datetime.now(UTC))
    level = Integer()
    text = Varchar(length=255)


class Keyed(Table, tablename="bench_keyed", db=DB):
    id = BigInt(primary_key=True)
    name = Text()
    score = DoublePrecision()


class Note(Table, tablename="bench_notes", db=DB):
    id = BigInt(primary_key=True)
    item_id = ForeignKey(Item)
    body = Text()


class PiccoloOrm:
    """It loads no collections of objects (no `tree`, no `tagged`): a many-to-many is read as lists of values."""

    @classmethod
    @asynccontextmanager
    async def open(cls, env: Env) -> AsyncIterator[PiccoloOrm]:
        DB.config = {key: value for key, value in world.address(env.url).items() if value}
        await DB.start_connection_pool(min_size=1, max_size=1)
        try:
            yield cls()
        finally:
            await DB.close_connection_pool()

    async def script(self, sql: str) -> None:
        for statement in sql.split("; "):
            await DB.run_ddl(statement)

    async def get(self, key: int) -> Any:
        return await Item.objects().get(Item.id == key)

    async def objects(self, first: int, last: int) -> Any:
        return await Item.objects().where(Item.id > first, Item.id <= last).order_by(Item.id)

    async def insert(self, row: dict[str, Any]) -> Any:
        return await Single.objects().create(**row)

    async def insert_many(self, rows: list[dict[str, Any]]) -> list[int]:
        return [row["id"] for row in await Single.insert(*[Single(**row) for row in rows])]

    async def singles(self, count: int) -> Any:
        return await Single.objects().order_by(Single.id).limit(count)

    async def rename(self, item: Any, name: str) -> None:
        item.name = name
        await item.save(columns=[Single.name])

    async def joined(self) -> list[Any]:
        return [(each.body, each.writer_id.name) for each in await Comment.objects(Comment.writer_id)]

    async def writers_one_by_one(self, count: int) -> list[str]:
        found = []
        for comment in await Comment.objects().where(Comment.id <= count).order_by(Comment.id):
            writer = await comment.get_related(Comment.writer_id)
            found.append(writer.name)
        return found

    async def writers_together(self, count: int) -> list[str]:
        comments = await Comment.objects(Comment.writer_id).where(Comment.id <= count).order_by(Comment.id)
        return [comment.writer_id.name for comment in comments]

    async def upsert(self, rows: list[dict[str, Any]]) -> None:
        # A statement may have 32,767 parameters; its users batch.
        for start in range(0, len(rows), 5_000):
            insert = Keyed.insert(*[Keyed(**row) for row in rows[start : start + 5_000]])
            await insert.on_conflict(action="DO UPDATE", target=Keyed.id, values=[Keyed.name, Keyed.score])

    def five_conditions(self) -> Any:
        query = Item.objects().where(
            (Item.id < FIVE[0])
            & Item.name.like(FIVE[1])
            & (Item.score > FIVE[2])
            & (Item.active == FIVE[3])
            & (Item.amount > FIVE[4])
        )
        return query.querystrings[0].compile_string(), query

    async def rows_of(self, query: Any) -> Any:
        return await query

    async def notes(self, count: int) -> Any:
        return await Note.objects().where(Note.id <= count)

    async def notes_and_items(self, count: int) -> Any:
        return await Note.objects(Note.item_id).where(Note.id <= count)

    async def create(self, level: int, text: str) -> Any:
        return await Journal.objects().create(level=level, text=text)

    def transaction(self) -> Any:
        return DB.transaction()

    async def create_many(self, entries: list[tuple[int, str]]) -> None:
        for start in range(0, len(entries), 5_000):
            await Journal.insert(*[Journal(level=level, text=text) for level, text in entries[start : start + 5_000]])

    async def by_level(self, level: int, limit: int | None = None) -> Any:
        query = Journal.objects().where(Journal.level == level)
        return await (query if limit is None else query.order_by(Journal.id).limit(limit))

    async def entry(self, key: int) -> Any:
        return await Journal.objects().get(Journal.id == key)

    async def dicts(self, level: int) -> Any:
        return await Journal.select().where(Journal.level == level)

    async def tuples(self, level: int) -> Any:
        return [tuple(row.values()) for row in await self.dicts(level)]

    async def entries(self, count: int) -> Any:
        return await Journal.objects().order_by(Journal.id).limit(count)

    async def save(self, entry: Any, level: int, text: str) -> None:
        entry.level, entry.text = level, text
        await entry.save()

    async def save_text(self, entry: Any, text: str) -> None:
        entry.text = text
        await entry.save(columns=[Journal.text])

    async def delete(self, entry: Any) -> None:
        await entry.remove()
