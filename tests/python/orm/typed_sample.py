"""Read by mypy and pyright in strict mode, never run: what a program's editor knows of its models."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_type

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Condition, ForeignKey, Order, Table, col, func


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
    assert_type(await User.upsert_one({"email": "a@x.io"}, conflict_columns=["email"]), User)
    await pg.upsert_one("users", {"email": "a@x.io", "name": "A"}, conflict_columns=["email"], update_columns=["name"])
    assert_type(await User.count(User.name.is_not(None)), int)


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
