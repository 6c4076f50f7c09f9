"""Tortoise ORM: a pool of one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tortoise import Tortoise, connections, fields
from tortoise.models import Model
from tortoise.transactions import in_transaction

from suite.model import Env
from suite.orm import world
from suite.orm.operations import FIVE


class _Columns(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()
    score = fields.FloatField()
    active = fields.BooleanField()
    created = fields.DatetimeField()
    amount = fields.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        abstract = True


class Item(_Columns):
    class Meta:
        table = "bench_items"


class Single(_Columns):
    class Meta:
        table = "bench_single"


class Author(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()
    email = fields.TextField()
    created = fields.DatetimeField()
    posts: fields.ReverseRelation[Post]

    class Meta:
        table = "bench_authors"


class Tag(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()

    class Meta:
        table = "bench_tags"


class Post(Model):
    id = fields.BigIntField(primary_key=True)
    author: fields.ForeignKeyRelation[Author] = fields.ForeignKeyField("models.Author", related_name="posts")
    title = fields.TextField()
    score = fields.FloatField()
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
        "models.Tag", through="bench_post_tags", forward_key="tag_id", backward_key="post_id"
    )
    comments: fields.ReverseRelation[Comment]

    class Meta:
        table = "bench_posts"


class Comment(Model):
    id = fields.BigIntField(primary_key=True)
    post: fields.ForeignKeyRelation[Post] = fields.ForeignKeyField("models.Post", related_name="comments")
    writer: fields.ForeignKeyRelation[Author] = fields.ForeignKeyField("models.Author", related_name="written")
    body = fields.TextField()

    class Meta:
        table = "bench_comments"


class Journal(Model):
    id = fields.BigIntField(primary_key=True)
    moment = fields.DatetimeField(auto_now_add=True)
    level = fields.IntField(db_index=True)
    text = fields.CharField(max_length=255, db_index=True)

    class Meta:
        table = "bench_journal"


class Keyed(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    name = fields.TextField()
    score = fields.FloatField()

    class Meta:
        table = "bench_keyed"


class Note(Model):
    id = fields.BigIntField(primary_key=True)
    item: fields.ForeignKeyRelation[Item] = fields.ForeignKeyField("models.Item", related_name="notes")
    body = fields.TextField()

    class Meta:
        table = "bench_notes"


class TortoiseOrm:
    """`bulk_create` gives no keys back, so there is no `insert_many` here."""

    @classmethod
    @asynccontextmanager
    async def open(cls, env: Env) -> AsyncIterator[TortoiseOrm]:
        place = {**world.address(env.url), "minsize": 1, "maxsize": 1}
        await Tortoise.init(
            config={
                "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": place}},
                "apps": {"models": {"models": [__name__]}},
                "use_tz": True,
            }
        )
        try:
            yield cls()
        finally:
            await Tortoise.close_connections()

    async def script(self, sql: str) -> None:
        await connections.get("default").execute_script(sql)

    async def get(self, key: int) -> Any:
        return await Item.get(id=key)

    async def objects(self, first: int, last: int) -> Any:
        return await Item.filter(id__gt=first, id__lte=last).order_by("id")

    async def insert(self, row: dict[str, Any]) -> Any:
        return await Single.create(**row)

    async def singles(self, count: int) -> Any:
        return await Single.all().order_by("id").limit(count)

    async def rename(self, item: Any, name: str) -> None:
        item.name = name
        await item.save(update_fields=["name"])

    async def tree(self) -> list[str]:
        authors = await Author.filter(id__lte=world.BREADTH).prefetch_related("posts__comments")
        return [comment.body for author in authors for post in author.posts for comment in post.comments]

    async def joined(self) -> list[Any]:
        return [(each.body, each.writer.name) for each in await Comment.all().select_related("writer")]

    async def tagged(self) -> list[Any]:
        return [(post.title, tag.name) for post in await Post.all().prefetch_related("tags") for tag in post.tags]

    async def writers_one_by_one(self, count: int) -> list[str]:
        found = []
        for comment in await Comment.filter(id__lte=count).order_by("id"):
            writer = await comment.writer
            found.append(writer.name)
        return found

    async def writers_together(self, count: int) -> list[str]:
        comments = await Comment.filter(id__lte=count).order_by("id").prefetch_related("writer")
        return [comment.writer.name for comment in comments]

    async def upsert(self, rows: list[dict[str, Any]]) -> None:
        await Keyed.bulk_create([Keyed(**row) for row in rows], on_conflict=["id"], update_fields=["name", "score"])

    def five_conditions(self) -> Any:
        query = Item.filter(
            id__lt=FIVE[0], name__startswith=FIVE[1][:-1], score__gt=FIVE[2], active=FIVE[3], amount__gt=FIVE[4]
        )
        return query.sql(params_inline=False), query

    async def rows_of(self, query: Any) -> Any:
        return await query

    async def notes(self, count: int) -> Any:
        return await Note.filter(id__lte=count)

    async def notes_and_items(self, count: int) -> Any:
        return await Note.filter(id__lte=count).select_related("item")

    async def create(self, level: int, text: str) -> Any:
        return await Journal.create(level=level, text=text)

    def transaction(self) -> Any:
        return in_transaction()

    async def create_many(self, entries: list[tuple[int, str]]) -> None:
        await Journal.bulk_create([Journal(level=level, text=text) for level, text in entries])

    async def by_level(self, level: int, limit: int | None = None) -> Any:
        query = Journal.filter(level=level)
        return await (query if limit is None else query.order_by("id").limit(limit))

    async def entry(self, key: int) -> Any:
        return await Journal.get(id=key)

    async def dicts(self, level: int) -> Any:
        return await Journal.filter(level=level).values()

    async def tuples(self, level: int) -> Any:
        return await Journal.filter(level=level).values_list("id", "moment", "level", "text")

    async def entries(self, count: int) -> Any:
        return await Journal.all().order_by("id").limit(count)

    async def save(self, entry: Any, level: int, text: str) -> None:
        entry.level, entry.text = level, text
        await entry.save()

    async def save_text(self, entry: Any, text: str) -> None:
        entry.text = text
        await entry.save(update_fields=["text"])

    async def delete(self, entry: Any) -> None:
        await entry.delete()
