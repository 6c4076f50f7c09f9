"""The same verbs on the blocking front: what they give is the answer itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import NotLoadedError
from data_bridge.postgres.errors import InterfaceError

from .models import MODELS, Company, Post, User


@pytest.fixture
def sdb(url: str) -> Iterator[Any]:
    with pg.connect_sync(url) as database:
        pg.drop_all(MODELS)
        pg.create_all(MODELS)
        yield database
        pg.drop_all(MODELS)


@pytest.mark.smoke
def test_every_verb(sdb: Any) -> None:
    company: Any = Company.insert_one(Company(code="x", name="X"))
    ann: Any = pg.insert_one(User(email="ann@x.io", company_code=company.code))
    assert ann.id == 1
    assert User.insert_many([{"email": f"{n}@x.io"} for n in range(1_500)]) == 1_500
    result: Any = User.upsert_many([{"email": f"{n}@x.io", "name": "N"} for n in (0, -1)], conflict_columns=["email"])
    assert (result.inserted, result.updated) == (1, 1)
    assert User.upsert_one({"email": "ann@x.io", "name": "Ann"}, conflict_columns=["email"]).id == 1  # type: ignore[attr-defined]
    assert User.count() == 1_502
    assert User.exists(User.name == "Ann") is True
    found: Any = User.fetch_one(User.name == "Ann", fetch_links=["company"])
    assert found["company"]["name"] == "X"
    assert User.update_many(User.name == "Ann", {"age": 3}) == 1
    assert User.delete_many(User.email.like("1%")) > 0  # type: ignore[operator]
    many: Any = User.fetch_many(User.age == 3)
    assert [user.email for user in many] == ["ann@x.io"]
    assert pg.fetch_one(User, User.id == -1) is None


def test_links(sdb: Any) -> None:
    ann: Any = User.insert_one(User(email="ann@x.io"))
    Post.insert_one(Post(title="t", author_id=ann.id))
    post: Any = Post.fetch_one()
    with pytest.raises(NotLoadedError):
        post.author.loaded  # noqa: B018
    assert post.author.fetch().email == "ann@x.io"
    assert post.author.loaded.email == "ann@x.io"
    assert post.editor.fetch() is None


def test_in_a_transaction(sdb: Any) -> None:
    class Stop(Exception):
        pass

    def fails() -> None:
        with sdb.transaction() as tx:
            User.insert_one(User(email="ann@x.io"), db=tx)
            User.insert_many([User(email="bob@x.io")], db=tx)
            assert User.count(db=tx) == 2
            raise Stop

    with pytest.raises(Stop):
        fails()
    assert User.count() == 0
    with sdb.connection() as connection:
        assert User.count(db=connection) == 0


async def test_the_default_is_the_database_that_was_opened_last_and_is_open(url: str) -> None:
    with pg.connect_sync(url) as sdb:
        sdb.create_all(*MODELS)
        async with await pg.connect(url):
            assert await User.count() == 0
        assert User.count() == 0
        sdb.drop_all(*MODELS)
    with pytest.raises(InterfaceError, match="no database is open"):
        await User.count()
