"""A small application, as somebody would write it who has read the first page: it runs, and it type-checks.

Where a comment promises how many queries a line needs, `counted` holds it to that.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from data_bridge.postgres import (
    BackReference,
    Col,
    Column,
    Database,
    ForeignKey,
    ManyToMany,
    Table,
    Transaction,
    col,
    execute,
    func,
    select,
    upsert_one,
)


class Plan(enum.Enum):
    FREE = "free"
    PRO = "pro"


class User(Table, table="users"):
    id: Col[int] = Column(primary_key=True, init=False)  # GENERATED ALWAYS AS IDENTITY
    email: Col[str] = Column(unique=True, check="email ~ '@'")
    name: Col[str | None] = Column(default=None, renamed_from="full_name")
    plan: Col[Plan] = Column(default=Plan.FREE)  # CREATE TYPE plan AS ENUM
    rev: Col[int] = Column(version=True, init=False)  # optimistic lock
    created_at: Col[datetime] = Column(server_default=func.now(), init=False)
    posts: BackReference[Post] = BackReference("author_id")
    roles: ManyToMany[Role] = ManyToMany()  # implicit join table


class Role(Table, table="roles"):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str] = Column(unique=True)


class Post(Table, table="posts"):  # bare annotations work too
    id: int = Column(primary_key=True, init=False)
    author_id: int = Column(foreign_key="users.id", on_delete="CASCADE", strict=True)
    title: str = Column(index=True)
    author: ForeignKey[User] = ForeignKey("author_id")


@asynccontextmanager
async def counted(db: Database, queries: int) -> AsyncGenerator[None]:
    """Whether the block sends as many queries as it says."""
    async with db.capture() as seen:
        yield
    assert len(seen) == queries, seen


async def transfer(tx: Transaction) -> None:
    moved = await User.update_many(User.email == "u1@x.io", {"name": "Moved"}, db=tx)
    assert moved == 1


async def main(db: Database) -> None:
    await db.create_all(User, Role, Post)  # in dependency order, join tables too
    await User.insert_one(User(email="a@x.io", plan=Plan.PRO))

    async with counted(db, 1):
        user = await User.select().where(User.email == "a@x.io").first()  # User | None
    assert user is not None
    assert user.id == 1
    await Post.insert_many([Post(author_id=user.id, title=f"Post {n}") for n in range(3)])

    async with counted(db, 1):
        top = await (
            select(User.name, func.count(Post.id).label("n"))
            .join(User.posts)
            .group_by(User.id)
            .order_by(User.name.desc().nulls_last())
            .limit(10)
        )  # list[tuple[str | None, int]]
    assert top == [(None, 3)]

    async with counted(db, 1):
        post = await Post.fetch_one(Post.id == 1, fetch_links=["author"])  # one JOIN
        assert post is not None
        print(post["author"]["name"], post.author.loaded.email)

    async with counted(db, 2):
        for u in await User.select().where(User.plan.in_([Plan.PRO])).prefetch(User.posts):
            print(len(u.posts.loaded))  # 2 queries, never N+1

    await upsert_one("users", {"email": "a@x.io", "name": "A"}, conflict_columns=["email"])
    await User.insert_many([User(email=f"u{i}@x.io") for i in range(100_000)])  # COPY
    res = await User.upsert_many(
        [{"email": "a@x.io", "name": "Ada"}, {"email": "new@x.io", "name": "New"}],
        conflict_columns=["email"],
        update_columns=["name"],
    )  # COPY to staging + ON CONFLICT
    assert (res.inserted, res.updated) == (1, 1)

    async with db.transaction(isolation="serializable"):
        u1 = await User.select().where(User.id == 1).for_update(skip_locked=True).one()
        u1.name = "Ann"
        async with counted(db, 1):
            await u1.save()  # only dirty columns, WHERE rev = (StaleRow if it moved on)
        async with counted(db, 2):
            # one INSERT for the roles, one for the links
            await u1.roles.add(Role(name="admin"), Role(name="dev"))
    ann = await User.fetch_one(User.id == 1)
    assert ann is not None
    assert (ann.name, ann.rev) == ("Ann", u1.rev)
    assert sorted(role.name for role in await ann.roles.fetch()) == ["admin", "dev"]
    await db.run(transfer, retry=3)  # the retry form: a function, not a block

    async with counted(db, 2):
        for p in await Post.select():
            await p.author.fetch()  # 2 queries: siblings load together
    rows = await execute("SELECT * FROM posts WHERE id = ANY($1)", [[1, 2]])
    assert isinstance(rows, list)
    assert len(rows) == 2
    seen = 0
    async for p in Post.select().order_by(col(Post.id).desc()).stream(batch=5_000):
        seen += p.id
    assert seen == 6
    async with db.capture() as queries:  # what ran, for tests
        await Post.count()
    assert len(queries) == 1
