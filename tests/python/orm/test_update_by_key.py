"""update_many of rows that are found by their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import StaleRowError, select
from data_bridge.postgres.errors import CardinalityViolationError, InterfaceError

from .models import Everything, Stock, User
from .test_saving import Note

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
async def notes(db: pg.Database) -> AsyncIterator[None]:
    await pg.drop_all([Note])
    await pg.create_all([Note])
    yield
    await pg.drop_all([Note])


@pytest.mark.smoke
@pytest.mark.parametrize("count", [1, 50, 5_000])
async def test_mappings(count: int) -> None:
    await User.insert_many([{"email": f"{n}@x.io", "age": 1} for n in range(count)])
    rows = [{"id": n + 1, "name": f"N{n}"} for n in range(count)] + [{"id": 10**6, "name": "nobody"}]
    assert await User.update_many(rows) == count
    found = await select(User.id, User.name, User.age).order_by(User.id)
    assert found == [(n + 1, f"N{n}", 1) for n in range(count)]


@pytest.mark.parametrize("count", [3, 4_000])
async def test_instances_write_what_has_changed_in_any(count: int) -> None:
    users = await User.insert_many([{"email": f"{n}@x.io"} for n in range(count)], returning=True)
    await User.update_many(True, {"age": 7})
    for user in users:
        user.name = f"N{user.id}"
    assert await User.update_many(users) == count
    assert all(not user.changed_columns() for user in users)
    assert await User.count((User.age == 7) & (User.name == None)) == 0  # noqa: E711
    assert await User.count(User.age == 7) == count, "columns that did not change stay"
    assert await User.update_many(users) == 0, "nothing has changed"
    users[0].name = None
    users[1].age = 3
    assert await User.update_many(iter(users[:2])) == 2
    assert await select(User.name, User.age).order_by(User.id).limit(2) == [(None, None), ("N2", 3)]


async def test_other_keys_and_chosen_columns() -> None:
    await User.insert_many([{"email": f"{n}@x.io", "name": "old", "age": 1} for n in range(3)])
    rows = [{"email": f"{n}@x.io", "name": "new", "age": n} for n in range(2)]
    assert await User.update_many(rows, key_columns=[User.email], update_columns=["age"]) == 2
    assert await select(User.name, User.age).order_by(User.id) == [("old", 0), ("old", 1), ("old", 1)]


async def test_composite_keys_and_onupdate() -> None:
    await Stock.insert_many([Stock(shop="s", item=item) for item in "abc"])
    assert await Stock.update_many([{"shop": "s", "item": item, "amount": 4} for item in "ab"]) == 2
    rows = await select(Stock.item, Stock.amount, Stock.changed).order_by(Stock.item)
    assert rows == [("a", 4, 7), ("b", 4, 7), ("c", 0, 0)]


async def test_arrays_and_json_travel_by_copy() -> None:
    await Everything.insert_many([{"id": n} for n in range(3)])
    rows = [{"id": n, "words": [str(n)], "settings": {"n": n}} for n in range(3)]
    assert await Everything.update_many(rows) == 3
    assert await select(Everything.words, Everything.settings).order_by(Everything.id) == [
        ([str(n)], {"n": n}) for n in range(3)
    ]


async def test_duplicate_keys() -> None:
    await User.insert_many([{"email": "0@x.io"}])
    rows = [{"id": 1, "name": "first"}, {"id": 1, "name": "last"}]
    assert await User.update_many(rows) == 1
    assert await select(User.name).scalars() == ["last"]
    assert await User.update_many(rows, on_duplicate="first") == 1
    assert await select(User.name).scalars() == ["first"]
    with pytest.raises(CardinalityViolationError, match="on_duplicate"):
        await User.update_many(rows, on_duplicate="error")


@pytest.mark.smoke
async def test_versions_guard_all_of_them(db: pg.Database) -> None:
    notes = await Note.insert_many([Note(text=f"{n}") for n in range(3)], returning=True)
    for note in notes:
        note.pages = 5
    assert await Note.update_many(notes) == 3
    assert [note.rev for note in notes] == [2, 2, 2]
    await Note.update_many(Note.id == 2, {"pages": 0})
    for note in notes:
        note.pages = 6
    with pytest.raises(StaleRowError, match="1 of 3"):
        await Note.update_many(notes)
    assert await select(Note.pages, Note.rev).order_by(Note.id) == [(5, 2), (0, 3), (5, 2)]
    assert {note.changed_columns() for note in notes} == {frozenset({"pages"})}
    await notes[1].refresh()
    notes[1].pages = 6
    with pytest.raises(ZeroDivisionError):
        await rolled_back(db, notes)
    assert [note.rev for note in notes] == [2, 3, 2], "a rollback takes the count back"
    assert await Note.update_many(notes) == 3
    assert await Note.update_many([{"id": 1, "pages": 9}]) == 1, "mappings have no version to compare"
    assert await select(Note.rev).order_by(Note.id).scalars() == [4, 4, 3]


async def rolled_back(db: pg.Database, notes: list[Note]) -> None:
    async with db.transaction() as tx:
        assert await Note.update_many(notes, db=tx) == 3
        raise ZeroDivisionError


async def test_what_cannot_be_meant_is_refused(db: pg.Database) -> None:
    await User.insert_many([{"email": "0@x.io"}])
    with pytest.raises(ValueError, match=r"no value for orm_users\.id"):
        await User.update_many([{"name": "x"}])
    with pytest.raises(ValueError, match=r"no value for orm_users\.name"):
        await User.update_many([{"id": 1, "name": "x"}, {"id": 2}])
    with pytest.raises(InterfaceError, match="no column nope"):
        await User.update_many([{"id": 1, "nope": "x"}])
    with pytest.raises(TypeError, match="needs the values"):
        User.update_many(User.id == 1)  # type: ignore[call-overload, unused-ignore]
    assert await User.update_many([]) == 0
    assert await pg.update_many("orm_users", [{"id": 1, "name": "by name"}]) == 1
    await db.execute("CREATE TABLE IF NOT EXISTS orm_plain (key int, n int)")
    try:
        await db.execute("INSERT INTO orm_plain VALUES (1, 1), (2, 2)")
        rows: list[dict[str, Any]] = [{"key": 1, "n": 5}]
        assert await pg.update_many("orm_plain", rows, key_columns=["key"], update_columns=["n"]) == 1
        with pytest.raises(TypeError, match="key_columns"):
            await pg.update_many("orm_plain", rows)
        assert await db.fetch_val("SELECT sum(n) FROM orm_plain") == 7
    finally:
        await db.execute("DROP TABLE orm_plain")


def test_blocking(url: str) -> None:
    with pg.connect_sync(url):
        User.insert_many([{"email": "0@x.io"}])
        assert User.update_many([{"id": 1, "name": "x"}]) == 1
        users: Any = User.fetch_many()
        users[0].age = 4
        assert User.update_many(users) == 1
