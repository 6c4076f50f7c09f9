"""A small world: people, their posts, and what awkward tables look like."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from data_bridge.postgres import Col, Column, ForeignKey, Table, func


class Company(Table, table="orm_companies"):
    code: Col[str] = Column(primary_key=True)
    name: Col[str]


class User(Table, table="orm_users"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(unique=True, check="email ~ '@'")
    name: Col[str | None] = Column(default=None)
    age: Col[int | None] = Column(default=None, type="integer")
    company_code: Col[str | None] = Column(foreign_key="orm_companies.code", default=None)
    created_at: Col[datetime] = Column(server_default=func.now(), init=False)
    company: ForeignKey[Company | None] = ForeignKey("company_code")


class Post(Table, table="orm_posts"):
    id: int = Column(primary_key=True, init=False)
    author_id: int | None = Column(foreign_key="orm_users.id", on_delete="CASCADE", default=None)
    editor_id: int | None = Column(foreign_key="orm_users.id", on_delete="SET NULL", default=None)
    parent_id: int | None = Column(foreign_key="orm_posts.id", default=None)
    title: str = Column(index=True)
    author: ForeignKey[User] = ForeignKey("author_id")


class Everything(Table, table="orm_everything", comment="One column of each kind"):
    id: Col[int] = Column(primary_key=True)
    flag: Col[bool | None] = Column(default=None)
    ratio: Col[float | None] = Column(default=None)
    price: Col[Decimal | None] = Column(default=None, comment="it's money")
    data: Col[bytes | None] = Column(default=None)
    key: Col[uuid.UUID | None] = Column(default=None)
    day: Col[date | None] = Column(default=None)
    moment: Col[datetime | None] = Column(default=None)
    clock: Col[time | None] = Column(default=None)
    span: Col[timedelta | None] = Column(default=None)
    words: Col[list[str] | None] = Column(default=None)
    settings: Col[dict[str, Any] | None] = Column(default=None)
    short: Col[str | None] = Column(default=None, type="varchar(5)")


class Stock(Table, table="orm_stock"):
    """A composite key, and columns that change with each update."""

    shop: Col[str] = Column(primary_key=True)
    item: Col[str] = Column(primary_key=True)
    amount: Col[int] = Column(default=0)
    note: Col[str | None] = Column(default=None)
    changed: Col[int] = Column(default=0, onupdate=lambda: 7)
    touched_at: Col[datetime | None] = Column(default=None, onupdate=func.now())


MODELS = [Company, User, Post, Everything, Stock]
