"""The tables as SQLAlchemy's ORM maps them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class _Base(DeclarativeBase):
    """Maps plain annotations to the benchmark's column types."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this name
        int: sa.BigInteger,
        str: sa.Text,
        datetime: sa.DateTime(timezone=True),
        Decimal: sa.Numeric(12, 2),
    }


class _Columns:
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    score: Mapped[float]
    active: Mapped[bool]
    created: Mapped[datetime]
    amount: Mapped[Decimal]


class Item(_Columns, _Base):
    __tablename__ = "bench_items"


class Sink(_Columns, _Base):
    """The table that bulk inserts fill."""

    __tablename__ = "bench_sink"


class Upsert(_Columns, _Base):
    """The table that half exists."""

    __tablename__ = "bench_upsert"


class Single(_Columns, _Base):
    __tablename__ = "bench_single"


class Author(_Base):
    __tablename__ = "bench_authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    created: Mapped[datetime]
    posts: Mapped[list[Post]] = relationship()


_post_tags = sa.Table(
    "bench_post_tags",
    _Base.metadata,
    sa.Column("post_id", sa.ForeignKey("bench_posts.id"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("bench_tags.id"), primary_key=True),
)


class Post(_Base):
    __tablename__ = "bench_posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("bench_authors.id"))
    title: Mapped[str]
    score: Mapped[float]
    comments: Mapped[list[Comment]] = relationship()
    tags: Mapped[list[Tag]] = relationship(secondary=_post_tags)


class Comment(_Base):
    __tablename__ = "bench_comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(sa.ForeignKey("bench_posts.id"))
    writer_id: Mapped[int] = mapped_column(sa.ForeignKey("bench_authors.id"))
    body: Mapped[str]
    writer: Mapped[Author] = relationship()


class Tag(_Base):
    __tablename__ = "bench_tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Journal(_Base):
    __tablename__ = "bench_journal"
    id: Mapped[int] = mapped_column(primary_key=True)
    moment: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    level: Mapped[int] = mapped_column(sa.Integer)
    text: Mapped[str] = mapped_column(sa.String(255))


class Keyed(_Base):
    __tablename__ = "bench_keyed"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    score: Mapped[float]


class Note(_Base):
    __tablename__ = "bench_notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("bench_items.id"))
    body: Mapped[str]
    item: Mapped[Item] = relationship()
