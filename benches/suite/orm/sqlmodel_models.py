"""The tables as SQLModel maps them. SQLModel reads the annotations themselves, so there is no `from __future__` here."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Optional

import sqlalchemy as sa
from sqlmodel import Field, Relationship, SQLModel

_MOMENT: Any = sa.DateTime(timezone=True)


class _Columns(SQLModel):
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    name: str = Field(sa_type=sa.Text)
    score: float
    active: bool
    created: datetime = Field(sa_type=_MOMENT)
    amount: Decimal = Field(max_digits=12, decimal_places=2)


class Item(_Columns, table=True):
    __tablename__ = "bench_items"


class Single(_Columns, table=True):
    __tablename__ = "bench_single"


class PostTag(SQLModel, table=True):
    __tablename__ = "bench_post_tags"
    post_id: int = Field(foreign_key="bench_posts.id", primary_key=True, sa_type=sa.BigInteger)
    tag_id: int = Field(foreign_key="bench_tags.id", primary_key=True, sa_type=sa.BigInteger)


class Author(SQLModel, table=True):
    __tablename__ = "bench_authors"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    name: str
    email: str
    created: datetime = Field(sa_type=_MOMENT)
    posts: list["Post"] = Relationship()


class Post(SQLModel, table=True):
    __tablename__ = "bench_posts"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    author_id: int = Field(foreign_key="bench_authors.id", sa_type=sa.BigInteger)
    title: str
    score: float
    comments: list["Comment"] = Relationship()
    tags: list["Tag"] = Relationship(link_model=PostTag)


class Comment(SQLModel, table=True):
    __tablename__ = "bench_comments"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    post_id: int = Field(foreign_key="bench_posts.id", sa_type=sa.BigInteger)
    writer_id: int = Field(foreign_key="bench_authors.id", sa_type=sa.BigInteger)
    body: str
    writer: Optional["Author"] = Relationship()


class Tag(SQLModel, table=True):
    __tablename__ = "bench_tags"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    name: str


class Journal(SQLModel, table=True):
    __tablename__ = "bench_journal"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    moment: datetime = Field(default_factory=lambda: datetime.now(UTC), sa_type=_MOMENT)
    level: int
    text: str = Field(max_length=255)


class Keyed(SQLModel, table=True):
    __tablename__ = "bench_keyed"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    name: str
    score: float


class Note(SQLModel, table=True):
    __tablename__ = "bench_notes"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    item_id: int = Field(foreign_key="bench_items.id", sa_type=sa.BigInteger)
    body: str
    item: Item | None = Relationship()
