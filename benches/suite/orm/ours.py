"""data_bridge: a pool of one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import data_bridge.postgres as pg
from data_bridge.postgres import BackReference, Col, Column, ForeignKey, ManyToMany, Table, select
from suite.model import Env
from suite.orm import world
from suite.orm.operations import FIVE


class Item(Table, table="bench_items"):
    id: Col[int] = Column(primary_key=True)
    name: Col[str]
    score: Col[float]
    active: Col[bool]
    created: Col[datetime]
    amount: Col[Decimal]


class Single(Table, table="bench_single"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]
    score: Col[float]
    active: Col[bool]
    created: Col[datetime]
    amount: Col[Decimal]


class Author(Table, table="bench_authors"):
    id: Col[int] = Column(primary_key=True)
    name: Col[str]
    email: Col[str] = Column(unique=True)
    created: Col[datetime]
    posts: BackReference[Post] = BackReference("author_id")


class Tag(Table, table="bench_tags"):
    id: Col[int] = Column(primary_key=True)
    name: Col[str]


class Post(Table, table="bench_posts"):
    id: Col[int] = Column(primary_key=True)
    author_id: Col[int] = Column(foreign_key="bench_authors.id")
    title: Col[str]
    score: Col[float]
    comments: BackReference[Comment] = BackReference("post_id")
    tags: ManyToMany[Tag] = ManyToMany(through="PostTag")


class PostTag(Table, table="bench_post_tags"):
    post_id: Col[int] = Column(primary_key=True, foreign_key="bench_posts.id")
    tag_id: Col[int] = Column(primary_key=True, foreign_key="bench_tags.id")


class Comment(Table, table="bench_comments"):
    id: Col[int] = Column(primary_key=True)
    post_id: Col[int] = Column(foreign_key="bench_posts.id")
    writer_id: Col[int] = Column(foreign_key="bench_authors.id")
    body: Col[str]
    writer: ForeignKey[Author] = ForeignKey("writer_id")


class Journal(Table, table="bench_journal"):
    id: Col[int] = Column(primary_key=True, init=False)
    moment: Col[datetime] = Column(default_factory=lambda: datetime.now(UTC))
    level: Col[int] = Column(type="integer", index=True)
    text: Col[str] = Column(type="varchar(255)", index=True)


class Keyed(Table, table="bench_keyed"):
    id: Col[int] = Column(primary_key=True)
    name: Col[str]
    score: Col[float]


class Note(Table, table="bench_notes"):
    id: Col[int] = Column(primary_key=True)
    item_id: Col[int] = Column(foreign_key="bench_items.id")
    body: Col[str]
    item: ForeignKey[Item] = ForeignKey("item_id")


class Ours:
    """Every verb runs on the pool, unless a transaction is open."""

    def __init__(self, db: pg.Database) -> None:
        self._db: Any = db

    @classmethod
    @asynccontextmanager
    async def open(cls, env: Env) -> AsyncIterator[Ours]:
        async with await pg.connect(env.url, pool_min=1, pool_max=1) as db:
            yield cls(db)

    async def script(self, sql: str) -> None:
        for statement in sql.split("; "):
            await self._db.execute(statement)

    async def get(self, key: int) -> Any:
        return await Item.fetch_one(Item.id == key)

    async def objects(self, first: int, last: int) -> Any:
        return await Item.fetch_many((Item.id > first) & (Item.id <= last), order_by=Item.id)

    async def insert(self, row: dict[str, Any]) -> Any:
        return await Single.insert_one(row)

    async def singles(self, count: int) -> Any:
        return await Single.fetch_many(order_by=Single.id, limit=count)

    async def rename(self, item: Any, name: str) -> None:
        item.name = name
        await item.save()

    async def insert_many(self, rows: list[dict[str, Any]]) -> list[int]:
        return [item.id for item in await Single.insert_many(rows, returning=True)]

    async def tree(self) -> list[str]:
        authors = await Author.select().where(Author.id <= world.BREADTH).prefetch("posts.comments")
        return [comment.body for author in authors for post in author.posts.loaded for comment in post.comments.loaded]

    async def joined(self) -> list[Any]:
        return [(each.body, each.writer.loaded.name) for each in await Comment.fetch_many(fetch_links=["writer"])]

    async def tagged(self) -> list[Any]:
        return [(post.title, tag.name) for post in await Post.select().prefetch(Post.tags) for tag in post.tags.loaded]

    async def writers_one_by_one(self, count: int) -> list[str]:
        found = []
        for comment in await Comment.fetch_many(Comment.id <= count, order_by=Comment.id):
            writer = await comment.writer.fetch()
            found.append(writer.name)
        return found

    async def writers_together(self, count: int) -> list[str]:
        comments = await Comment.select().where(Comment.id <= count).order_by(Comment.id).prefetch(Comment.writer)
        return [comment.writer.loaded.name for comment in comments]

    async def upsert(self, rows: list[dict[str, Any]]) -> None:
        await Keyed.upsert_many(rows, conflict_columns=["id"])

    def five_conditions(self) -> Any:
        query = Item.select().where(
            Item.id < FIVE[0],
            Item.name.like(FIVE[1]),
            Item.score > FIVE[2],
            Item.active == FIVE[3],
            Item.amount > FIVE[4],
        )
        return query.sql(), query

    async def rows_of(self, query: Any) -> Any:
        return await query

    async def notes(self, count: int) -> Any:
        return await Note.fetch_many(Note.id <= count)

    async def notes_and_items(self, count: int) -> Any:
        return await Note.fetch_many(Note.id <= count, fetch_links=["item"])

    async def create(self, level: int, text: str) -> Any:
        return await Journal.insert_one(Journal(level=level, text=text), db=self._db)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        db = self._db
        async with db.transaction() as self._db:
            yield
        self._db = db

    async def create_many(self, entries: list[tuple[int, str]]) -> None:
        await Journal.insert_many([Journal(level=level, text=text) for level, text in entries])

    async def by_level(self, level: int, limit: int | None = None) -> Any:
        if limit is None:
            return await Journal.fetch_many(Journal.level == level)
        return await Journal.fetch_many(Journal.level == level, order_by=Journal.id, limit=limit)

    async def entry(self, key: int) -> Any:
        return await Journal.fetch_one(Journal.id == key)

    async def dicts(self, level: int) -> Any:
        return [entry.to_dict() for entry in await self.by_level(level)]

    async def tuples(self, level: int) -> Any:
        return await select(Journal.id, Journal.moment, Journal.level, Journal.text).where(Journal.level == level)

    async def entries(self, count: int) -> Any:
        return await Journal.fetch_many(order_by=Journal.id, limit=count)

    async def save(self, entry: Any, level: int, text: str) -> None:
        entry.level, entry.text = level, text
        await entry.save()

    async def save_text(self, entry: Any, text: str) -> None:
        entry.text = text
        await entry.save()

    async def delete(self, entry: Any) -> None:
        await entry.delete()
