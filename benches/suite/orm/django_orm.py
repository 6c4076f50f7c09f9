"""Django: one connection that stays open, blocking calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": None}},
    INSTALLED_APPS=["suite.orm.django_app.Bench"],
    USE_TZ=True,
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402 - only after the settings are there

from suite.model import Env  # noqa: E402
from suite.orm import world  # noqa: E402
from suite.orm.operations import FIVE  # noqa: E402


class _Columns(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    score = models.FloatField()
    active = models.BooleanField()
    created = models.DateTimeField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        abstract = True


class Item(_Columns):
    class Meta:
        app_label, db_table = "bench", "bench_items"


class Single(_Columns):
    class Meta:
        app_label, db_table = "bench", "bench_single"


class Author(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.TextField()
    email = models.TextField()
    created = models.DateTimeField()

    class Meta:
        app_label, db_table = "bench", "bench_authors"


class Tag(models.Model):
    id = models.BigAutoField(primary_key=True)
    name = models.TextField()

    class Meta:
        app_label, db_table = "bench", "bench_tags"


class Post(models.Model):
    id = models.BigAutoField(primary_key=True)
    author = models.ForeignKey(Author, models.CASCADE, related_name="posts")
    title = models.TextField()
    score = models.FloatField()
    tags = models.ManyToManyField(Tag, db_table="bench_post_tags")

    class Meta:
        app_label, db_table = "bench", "bench_posts"


class Comment(models.Model):
    id = models.BigAutoField(primary_key=True)
    post = models.ForeignKey(Post, models.CASCADE, related_name="comments")
    writer = models.ForeignKey(Author, models.CASCADE, related_name="written")
    body = models.TextField()

    class Meta:
        app_label, db_table = "bench", "bench_comments"


class Journal(models.Model):
    id = models.BigAutoField(primary_key=True)
    moment = models.DateTimeField(default=lambda: datetime.now(UTC))
    level = models.IntegerField(db_index=True)
    text = models.CharField(max_length=255, db_index=True)

    class Meta:
        app_label, db_table = "bench", "bench_journal"


class Keyed(models.Model):
    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()
    score = models.FloatField()

    class Meta:
        app_label, db_table = "bench", "bench_keyed"


class Note(models.Model):
    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(Item, models.CASCADE, related_name="notes")
    body = models.TextField()

    class Meta:
        app_label, db_table = "bench", "bench_notes"


class DjangoOrm:
    """Its calls block, which is when Django is at its fastest."""

    @classmethod
    @asynccontextmanager
    async def open(cls, env: Env) -> AsyncIterator[DjangoOrm]:
        place = world.address(env.url)
        connection.settings_dict.update(
            HOST=place["host"],
            PORT=place["port"],
            USER=place["user"],
            PASSWORD=place["password"],
            NAME=place["database"],
        )
        try:
            yield cls()
        finally:
            connection.close()

    async def script(self, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    async def get(self, key: int) -> Any:
        return Item.objects.get(id=key)

    async def objects(self, first: int, last: int) -> Any:
        return list(Item.objects.filter(id__gt=first, id__lte=last).order_by("id"))

    async def insert(self, row: dict[str, Any]) -> Any:
        return Single.objects.create(**row)

    async def insert_many(self, rows: list[dict[str, Any]]) -> list[int]:
        return [item.id for item in Single.objects.bulk_create([Single(**row) for row in rows])]

    async def singles(self, count: int) -> Any:
        return list(Single.objects.order_by("id")[:count])

    async def rename(self, item: Any, name: str) -> None:
        item.name = name
        item.save(update_fields=["name"])

    async def tree(self) -> list[str]:
        authors = Author.objects.filter(id__lte=world.BREADTH).prefetch_related("posts__comments")
        return [comment.body for author in authors for post in author.posts.all() for comment in post.comments.all()]

    async def joined(self) -> list[Any]:
        return [(each.body, each.writer.name) for each in Comment.objects.select_related("writer")]

    async def tagged(self) -> list[Any]:
        return [(post.title, tag.name) for post in Post.objects.prefetch_related("tags") for tag in post.tags.all()]

    async def writers_one_by_one(self, count: int) -> list[str]:
        return [comment.writer.name for comment in Comment.objects.filter(id__lte=count).order_by("id")]

    async def writers_together(self, count: int) -> list[str]:
        comments = Comment.objects.filter(id__lte=count).order_by("id").prefetch_related("writer")
        return [comment.writer.name for comment in comments]

    async def upsert(self, rows: list[dict[str, Any]]) -> None:
        Keyed.objects.bulk_create(
            [Keyed(**row) for row in rows], update_conflicts=True, unique_fields=["id"], update_fields=["name", "score"]
        )

    def five_conditions(self) -> Any:
        query = Item.objects.filter(
            id__lt=FIVE[0], name__startswith=FIVE[1][:-1], score__gt=FIVE[2], active=FIVE[3], amount__gt=FIVE[4]
        )
        return query.query.sql_with_params(), query

    async def rows_of(self, query: Any) -> Any:
        return list(query)

    async def notes(self, count: int) -> Any:
        return list(Note.objects.filter(id__lte=count))

    async def notes_and_items(self, count: int) -> Any:
        return list(Note.objects.filter(id__lte=count).select_related("item"))

    async def create(self, level: int, text: str) -> Any:
        return Journal.objects.create(level=level, text=text)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        with transaction.atomic():
            yield

    async def create_many(self, entries: list[tuple[int, str]]) -> None:
        Journal.objects.bulk_create([Journal(level=level, text=text) for level, text in entries])

    async def by_level(self, level: int, limit: int | None = None) -> Any:
        query = Journal.objects.filter(level=level)
        return list(query if limit is None else query.order_by("id")[:limit])

    async def entry(self, key: int) -> Any:
        return Journal.objects.get(id=key)

    async def dicts(self, level: int) -> Any:
        return list(Journal.objects.filter(level=level).values())

    async def tuples(self, level: int) -> Any:
        return list(Journal.objects.filter(level=level).values_list())

    async def entries(self, count: int) -> Any:
        return list(Journal.objects.order_by("id")[:count])

    async def save(self, entry: Any, level: int, text: str) -> None:
        entry.level, entry.text = level, text
        entry.save()

    async def save_text(self, entry: Any, text: str) -> None:
        entry.text = text
        entry.save(update_fields=["text"])

    async def delete(self, entry: Any) -> None:
        entry.delete()
