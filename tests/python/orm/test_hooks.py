"""What is called around the writing and loading of rows, and around transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Table
from data_bridge.postgres.errors import IntegrityError, InterfaceError


class Named(Table, abstract=True):
    id: Col[int] = Column(primary_key=True, init=False)
    name: Col[str]


class Person(Named, table="hooked_people"):
    seen: Col[int] = Column(default=0)


class Entry(Table, table="hooked_entries"):
    id: Col[int] = Column(primary_key=True, init=False)
    text: Col[str] = Column(unique=True)


MODELS = [Person, Entry]


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        yield database
        await pg.drop_all(MODELS)


@pytest.fixture
def hook() -> Iterator[Callable[..., None]]:
    """Registers functions for the time of a test."""
    known: list[Any] = []

    def register(event: Any, function: Any, *classes: type[Table]) -> None:
        known.append(event(*(classes or (Person,)))(function))

    yield register
    for function in known:
        pg.remove_hook(function)


@pytest.mark.smoke
async def test_hooks_are_called_around_what_an_instance_does(db: pg.Database, hook: Any) -> None:
    told: list[str] = []

    def listen(event: Any) -> None:
        hook(event, lambda person: told.append(f"{event.__name__} {person.name}"))

    for event in (
        pg.before_insert,
        pg.after_insert,
        pg.before_update,
        pg.after_update,
        pg.before_delete,
        pg.after_delete,
        pg.after_load,
    ):
        listen(event)
    ann = await Person(name="Ann").save()
    ann.name = "Anne"
    await ann.save()
    await ann.save()  # nothing has changed
    await ann.delete()
    assert told == [
        "before_insert Ann",
        "after_insert Ann",
        "before_update Anne",
        "after_update Anne",
        "before_delete Anne",
        "after_delete Anne",
    ]
    told.clear()
    await pg.insert_one(Person(name="Bob"))
    await Person.insert_one({"name": "Cy"})
    await Person.insert_many([{"name": "Di"}, Person(name="Ed")])
    assert told == [f"{when}_insert {name}" for name in ("Bob", "Cy") for when in ("before", "after")] + [
        f"{when}_insert {name}" for when in ("before", "after") for name in ("Di", "Ed")
    ]
    told.clear()
    assert len(await Person.fetch_many(order_by="id")) == 4
    assert len(await Person.select()) == 4
    assert told == ["after_load Bob", "after_load Cy", "after_load Di", "after_load Ed"] * 2


async def test_a_hook_may_change_what_is_written(db: pg.Database, hook: Any) -> None:
    def shout(person: Person) -> None:
        person.name = person.name.upper()

    hook(pg.before_insert, shout)
    hook(pg.before_update, shout)
    ann = await Person.insert_one({"name": "ann"})
    assert (ann.name, ann.id) == ("ANN", 1)
    ann.name = "anne"
    await ann.save()
    await Person.insert_many({"name": f"n{n}"} for n in range(3_000))
    await Person.upsert_one({"id": 1, "name": "x"}, conflict_columns=["id"])
    await Person.upsert_many([{"id": 2, "name": "y"}], conflict_columns=["id"])
    assert await db.fetch_val("SELECT count(*) FROM hooked_people WHERE name <> upper(name)") == 0
    assert await db.fetch_val("SELECT name FROM hooked_people WHERE id = 1") == "X"


async def test_an_upsert_leaves_alone_what_neither_the_row_nor_a_hook_has_given(db: pg.Database, hook: Any) -> None:
    await Person.insert_many([{"name": f"n{n}", "seen": 5} for n in (1, 2, 3)])
    told: list[str] = []
    hook(pg.before_insert, lambda person: told.append(person.name))
    await Person.upsert_many([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], conflict_columns=["id"])
    found = await Person.upsert_one({"id": 3, "name": "c"}, conflict_columns=["id"])
    assert found is not None
    assert (found.seen, told) == (5, ["a", "b", "c"])
    assert [(each.name, each.seen) for each in await Person.fetch_many(order_by="id")] == [("a", 5), ("b", 5), ("c", 5)]
    with pytest.raises(ValueError, match="row 1 has values for seen"):
        await Person.upsert_many([{"id": 1, "name": "a"}, {"id": 2, "name": "b", "seen": 1}], conflict_columns=["id"])
    await Person.upsert_one(Person(name="new"), conflict_columns=["id"])

    def see(person: Person) -> None:
        person.seen += 1

    hook(pg.before_insert, see)
    await Person.upsert_many([{"id": 1, "name": "a"}], conflict_columns=["id"])
    await Person.upsert_one({"id": 2, "name": "b"}, conflict_columns=["id"])
    assert [each.seen for each in await Person.fetch_many(order_by="id")] == [1, 1, 5, 0]


async def test_hooks_may_be_async_and_write_in_the_same_transaction(db: pg.Database, hook: Any) -> None:
    async def note(person: Person, tx: pg.Transaction) -> None:
        await Entry.insert_one({"text": person.name}, db=tx)

    async def note_by_default(person: Person) -> None:
        await Entry.insert_one({"text": f"{person.name} again"})

    hook(pg.after_insert, note)
    hook(pg.after_insert, note_by_default)
    await Person(name="Ann").save()
    assert await Entry.count() == 2
    # The second hook fails, and takes all along.
    await Entry.delete_many(Entry.text == "Ann")
    with pytest.raises(IntegrityError):
        await Person(name="Ann").save()
    assert (await Person.count(), await Entry.count()) == (1, 1)
    # In a transaction it is a savepoint that goes.
    async with db.transaction() as tx:
        with pytest.raises(IntegrityError):
            await Person(name="Ann").save()
        await Person(name="Bob").save(db=tx)
    assert (await Person.count(), await Entry.count()) == (2, 3)


async def test_a_hook_that_raises_keeps_the_row_out(db: pg.Database, hook: Any) -> None:
    def refuse(person: Person) -> None:
        if person.name == "Eve":
            raise PermissionError(person.name)

    hook(pg.before_insert, refuse)
    hook(pg.before_delete, refuse)
    with pytest.raises(PermissionError):
        await Person.insert_many([Person(name="Ann"), Person(name="Eve")])
    assert await Person.count() == 0


async def test_hooks_of_an_abstract_class_hold_for_those_that_derive_from_it(db: pg.Database, hook: Any) -> None:
    told: list[str] = []
    hook(pg.after_load, lambda row: told.append(type(row).__name__), Named)
    hook(pg.before_insert, lambda row: told.append(row.name), Named)

    class Late(Named, table="hooked_people"):
        pass

    await Person(name="Ann").save()
    await Late.fetch_one()
    await Person.fetch_one()
    assert told == ["Ann", "Late", "Person"]


async def test_an_error_of_after_load_is_that_of_the_query(db: pg.Database, hook: Any) -> None:
    await Person(name="Ann").save()

    def fail(person: Person) -> None:
        raise LookupError(person.name)

    hook(pg.after_load, fail)
    with pytest.raises(LookupError, match="Ann"):
        await Person.fetch_one()
    pg.remove_hook(fail)
    assert await Person.count() == 1
    assert await Person.fetch_one() is not None


async def test_classes_without_hooks_go_the_way_they_went(db: pg.Database, hook: Any) -> None:
    hook(pg.before_insert, lambda _: None)
    with db.capture() as queries:
        await Entry.insert_many([{"text": str(n)} for n in range(2_000)])
    assert [each.rows for each in queries if "COPY" in each.sql] == [2_000]


def test_blocking_databases_call_plain_hooks(url: str, hook: Any) -> None:
    with pg.connect_sync(url) as db:
        pg.drop_all(MODELS, db=db)
        pg.create_all(MODELS, db=db)

        def note(person: Person, tx: pg.SyncTransaction) -> None:
            tx.execute("INSERT INTO hooked_entries (text) VALUES ($1)", person.name)

        hook(pg.after_insert, note)
        Person.insert_one({"name": "Ann"})
        assert db.fetch_val("SELECT text FROM hooked_entries") == "Ann"

        async def later(_: Person) -> None: ...

        hook(pg.before_insert, later)
        with pytest.raises(InterfaceError, match="hook later is async"):
            Person.insert_one({"name": "Bob"})
        assert Person.count() == 1
        pg.drop_all(MODELS)


def test_what_is_no_hook_is_refused() -> None:
    with pytest.raises(TypeError, match="names the classes"):
        pg.before_insert()
    with pytest.raises(TypeError, match="names the classes"):
        pg.before_insert(lambda row: row)  # type: ignore[arg-type]

    async def load(_: Person) -> None: ...

    with pytest.raises(TypeError, match="plain function"):
        pg.after_load(Person)(load)
