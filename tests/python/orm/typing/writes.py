"""What writes are typed as: what they return, and what they refuse."""

from __future__ import annotations

from typing import Any, assert_type

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Record, Table, UpsertResult, delete, func, insert, update, upsert


class User(Table, table="users"):
    id: Col[int] = Column(primary_key=True, init=False)
    email: Col[str]
    visits: Col[int] = Column(default=0)
    rev: Col[int] = Column(version=True, init=False)


async def instances(user: User) -> None:
    assert_type(await user.save(), User)
    assert_type(await user.refresh("email", User.visits), User)
    assert_type(await user.delete(), None)
    assert_type(await user.upsert(conflict_columns=[User.email]), User)
    assert_type(user.changed_columns(), frozenset[str])
    user.mark_changed("email")
    user.rev = "1"  # wrong
    await user.refresh(1)  # wrong


async def statements() -> None:
    assert_type(await insert(User).values(email="a"), int)
    assert_type(await insert(User).values(User(email="a")).returning(User), list[User])
    assert_type(await insert(User).values([{"email": "a"}]).returning(User.id), list[int])
    assert_type(await update(User).values(visits=User.visits + 1).where(User.id == 1), int)
    assert_type(
        await update(User).values({User.visits: 1}).where(True).returning(User.id, User.email), list[tuple[int, str]]
    )
    assert_type(await delete(User).where(User.id > 1).returning(User, func.lower(User.email)), list[tuple[User, str]])
    assert_type(await upsert(User, {"email": "a"}, conflict_columns=["email"]).returning(User).one(), User)
    assert_type(await insert(User).returning(User.id).one_or_none(), int | None)
    assert_type(await insert(User).values(email="a").on_conflict_do_nothing([User.email]).run(timeout=1), int)
    assert_type(insert(User).sql(), str)
    await insert(User).one()  # wrong
    await insert(3)  # wrong
    update(User).where("id = 1")  # wrong


async def verbs(rows: list[User], mappings: list[dict[str, Any]]) -> None:
    assert_type(await User.insert_many(rows), int)
    assert_type(await User.insert_many(rows, returning=True), list[User])
    assert_type(await User.insert_many(mappings, returning=[User.id]), list[User])
    assert_type(await pg.insert_many(User, rows, returning=["id"]), list[User])
    assert_type(await pg.upsert_many(User, rows, conflict_columns=["email"], returning=True), UpsertResult[User])
    assert_type((await User.upsert_many(rows, conflict_columns=["email"])).updated, int)
    assert_type(await User.update_one(User.id == 1, {"visits": User.visits + 1}), User)
    assert_type(await User.delete_one(User.id == 1), User)
    assert_type(await User.update_many(User.id == 1, {"visits": 2}), int)
    assert_type(await User.update_many(rows, key_columns=["email"]), int)
    assert_type(await User.delete_many(keys=[1, 2]), int)
    await User.update_one(User.id == 1)  # wrong


async def plain(db: pg.Database) -> None:
    result = await db.upsert_many("t", [(1,)], columns=["a"], conflict_columns=["a"], returning=["a"])
    assert_type(result.rows, list[Record])
