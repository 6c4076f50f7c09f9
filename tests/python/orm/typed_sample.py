"""Read by mypy and pyright in strict mode, never run: what a program's editor knows of its models."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, assert_type

import data_bridge.postgres as pg
from data_bridge.postgres import (
    Col,
    Column,
    Condition,
    Expression,
    ForeignKey,
    Order,
    Query,
    Table,
    alias,
    and_,
    case,
    cast,
    col,
    exists,
    func,
    literal,
    select,
    text,
    tuple_,
)


class User(Table, table="users"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str] = Column(unique=True, check="email ~ '@'")
    name: Col[str | None] = Column(default=None)
    created_at: Col[datetime] = Column(server_default=func.now(), init=False)


class Post(Table, table="posts"):
    id: int = Column(primary_key=True, init=False)
    author_id: int = Column(foreign_key="users.id", on_delete="CASCADE")
    title: str = Column(index=True)
    author: ForeignKey[User] = ForeignKey("author_id")


async def sample() -> None:
    user = User(email="a@x.io")
    assert_type(user.id, int)
    assert_type(user.name, str | None)
    user.name = "Ann"
    assert_type(User.id, Col[int])
    assert_type(User.id == 1, Condition)
    assert_type(User.id.desc(), Order)

    assert_type(await User.fetch_one(User.id == 1), User | None)
    assert_type(await pg.fetch_one(User, User.id == 1), User | None)
    assert_type(await pg.fetch_one("users", User.id == 1), Any)
    condition = (User.id > 3) & User.name.like("A%") | ~User.email.in_(["a@x.io"])
    assert_type(await User.fetch_many(condition, order_by=[User.id.desc(), "name"], limit=3), list[User])

    posts = await Post.fetch_many(
        (Post.id == 1) & (Post.title == "x"), order_by=col(Post.id).desc(), fetch_links=["author"]
    )
    for post in posts:
        assert_type(post.author.loaded, User)
        assert_type(post["author"]["name"], Any)
        assert_type(await post.author.fetch(), User)
        post.author = user

    assert_type(await pg.insert_one(User(email="b@x.io")), User)
    assert_type(await pg.insert_one(User, {"email": "b@x.io"}), User)
    assert_type(await User.insert_many([User(email=f"u{i}@x.io") for i in range(100)]), int)
    assert_type(await User.upsert_one({"email": "a@x.io"}, conflict_columns=["email"]), User | None)
    await pg.upsert_one("users", {"email": "a@x.io", "name": "A"}, conflict_columns=["email"], update_columns=["name"])
    assert_type(await User.count(User.name.is_not(None)), int)


async def queries(db: pg.Database) -> None:
    users = User.select().where(User.email == "a@x.io").order_by(User.name.desc().nulls_last()).limit(3)
    assert_type(users, Query[User])
    assert_type(await users, list[User])
    assert_type(await users.first(), User | None)
    assert_type(await users.one(db=db), User)
    assert_type(await users.one_or_none(), User | None)
    assert_type(await users.count(), int)
    assert_type(await users.for_update(skip_locked=True).exists(), bool)
    async for user in users.stream(batch=10):
        assert_type(user, User)

    counted = select(User.name, func.count(Post.id).label("n")).join(Post.author).group_by(User.id)
    assert_type(await counted, list[tuple[str | None, int]])
    assert_type(await counted.having(func.count(Post.id) > 3).scalars(), list[str | None])
    assert_type(await select(User, Post), list[tuple[User, Post]])
    assert_type(await select(User, col(Post.id)).first(), tuple[User, int] | None)
    assert_type(await select(User.id).scalars().one(), int)
    assert_type(await select(func.max(User.id)).scalars().one(), int | None)

    boss = alias(User, "boss")
    assert_type(boss.name == User.name, Condition)
    assert_type(User.id + 1, Expression[int])
    assert_type(case((User.id < 3, "few"), else_="many"), Expression[str])
    assert_type(cast(User.id, str), Expression[str])
    assert_type(literal(3), Expression[int])
    assert_type(exists(Post.select().where(Post.author_id == User.id)), Condition)
    await users.where(
        and_(User.id.in_(select(col(Post.author_id))), tuple_(User.id, User.name) > (1, "x")) | text("id = :n", n=1),
        Post.id == 1,
        (User.id < select(func.max(User.id))) & User.name.is_distinct_from(None),
    )


def wrong_queries() -> None:
    User.select().where("id = 1")  # wrong
    User.select().order_by("id")  # wrong
    User.select().limit("3")  # wrong
    User.select().join(Post, how="sideways")  # wrong
    User.id.between("a", "b")  # wrong
    User.select().union(select(User.id))  # wrong
    User.select().scalars()  # wrong
    and_("x")  # wrong


async def wrong_results() -> None:
    print((await User.select().one()).emial)  # wrong
    (await select(User.name, func.count(), User.id).one())[3]  # wrong
    for number in await select(User.id).scalars():
        print(number.upper())  # wrong


async def calls(db: pg.Database, tx: pg.Transaction, connection: pg.Connection) -> None:
    """What is called is taken by all of asyncio that takes a coroutine, and is a future besides."""
    assert_type(await asyncio.create_task(db.fetch("SELECT 1")), list[pg.Record])
    assert_type(await asyncio.create_task(tx.fetch_row("SELECT 1")), pg.Record | None)
    assert_type(await asyncio.create_task(pg.fetch("SELECT 1")), list[pg.Record])
    assert_type(await asyncio.create_task(User.fetch_one(User.id == 1)), User | None)
    assert_type(await asyncio.create_task(db.insert_many("users", [(1,)])), int)
    assert_type(await asyncio.wait_for(connection.execute("SELECT 1"), 1), int)
    async with asyncio.TaskGroup() as group:
        counted = group.create_task(db.execute("SELECT 1"))
        found = group.create_task(User.fetch_many())
    assert_type(counted.result(), int)
    assert_type(found.result(), list[User])
    gathered = await asyncio.gather(db.fetch("SELECT 1"), tx.execute("SELECT 1"))
    assert_type(gathered, tuple[list[pg.Record], int])
    call = db.fetch("SELECT 1")
    assert_type(call.done(), bool)
    await asyncio.wait([asyncio.create_task(call)])


def mistakes(user: User, post: Post) -> None:
    User()  # wrong
    User(email=3)  # wrong
    User(email="a", id=3)  # wrong
    User(emial="a")  # wrong
    user.email = 3  # wrong
    print(user.emial)  # wrong
    print(User.id < "x")  # wrong
    User.email.in_([1])  # wrong
    User.name.like(3)  # wrong
    User.fetch_one("id = 1")  # wrong
    User.fetch_many(limit="3")  # wrong
    Column(on_delete="EXPLODE")  # wrong
    post.author = post  # wrong
    print(post.author.loaded.emial)  # wrong
