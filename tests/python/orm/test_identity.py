"""One instance for each row within a transaction, on request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, ForeignKey, Table, select, update
from data_bridge.postgres.orm import NotLoadedError


class Person(Table, table="identity_people"):
    id: Col[int] = Column(primary_key=True)
    name: Col[str]
    age: Col[int] = Column(default=0)


class Pet(Table, table="identity_pets"):
    id: Col[int] = Column(primary_key=True)
    owner_id: Col[int] = Column(foreign_key="identity_people.id")
    owner: ForeignKey[Person] = ForeignKey("owner_id")


class Vehicle(Table, table="identity_vehicles"):
    id: Col[int] = Column(primary_key=True)
    kind: Col[str] = Column(discriminator=True, init=False)


class Truck(Vehicle, discriminator="truck"):
    load: Col[int | None] = Column(default=None)


MODELS = [Person, Pet, Vehicle]


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        await Person.insert_many([{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}])
        await Pet.insert_many([{"id": 1, "owner_id": 1}, {"id": 2, "owner_id": 1}])
        yield database
        await pg.drop_all(MODELS)


@pytest.mark.smoke
async def test_the_same_row_is_the_same_object(db: pg.Database) -> None:
    async with db.transaction(identity=True) as tx:
        ann = await Person.fetch_one(Person.id == 1)
        assert ann is not None
        assert await Person.select().where(Person.name == "Ann").one() is ann
        assert ann in await Person.fetch_many()
        assert [row[0] is ann for row in await select(Person, Person.id).order_by(Person.id)] == [True, False]
        async with tx.transaction():
            assert await Person.fetch_one(Person.id == 1) is ann
        # Whatever way leads to it.
        pets = await Pet.fetch_many(fetch_links=["owner"])
        assert all(pet.owner.loaded is ann for pet in pets)
        pet = await Pet.fetch_one(Pet.id == 1)
        assert pet is pets[0] or pet is pets[1]
        cy = await Person.insert_one({"id": 3, "name": "Cy"})
        assert await Person.fetch_one(Person.id == 3) is cy
    assert await Person.fetch_one(Person.id == 1) is not ann


async def test_it_takes_what_the_row_holds_but_for_what_was_changed(db: pg.Database) -> None:
    async with db.transaction(identity=True):
        ann = await Person.select().where(Person.id == 1).one()
        ann.name = "Anne"
        assert await update(Person).values(age=7).where(Person.id == 1).returning(Person).one() is ann
        assert (ann.name, ann.age, ann.changed_columns()) == ("Anne", 7, {"name"})
        await ann.save()
    assert await db.fetch_row("SELECT name, age FROM identity_people WHERE id = 1") == ("Anne", 7)


async def test_columns_that_were_left_out_come_with_a_later_query_and_never_go(db: pg.Database) -> None:
    people = Person.select().where(Person.id == 1)
    async with db.transaction(identity=True):
        part = await people.only(Person.id, Person.name).one()
        with pytest.raises(NotLoadedError):
            _ = part.age
        assert await people.one() is part
        assert (part.name, part.age, part.changed_columns()) == ("Ann", 0, frozenset())
    async with db.transaction(identity=True):
        full = await people.one()
        await update(Person).values(age=7, name="Anne").where(Person.id == 1)
        assert await people.defer(Person.age).one() is full
        assert (full.name, full.age) == ("Anne", 0)


async def test_a_shared_table_gives_one_instance_whatever_class_is_asked(db: pg.Database) -> None:
    await Truck.insert_one(Truck(id=1, load=3))
    async with db.transaction(identity=True):
        truck = await Vehicle.select().where(Vehicle.id == 1).one()
        assert await Vehicle.select().where(Vehicle.id == 1).one() is truck
        assert await Truck.select().where(Truck.id == 1).one() is truck
        assert isinstance(truck, Truck) and truck.load == 3


async def test_an_instance_whose_row_was_deleted_is_given_out_no_more(db: pg.Database) -> None:
    async with db.transaction(identity=True) as tx:
        bob = await Person.select().where(Person.id == 2).one()
        await bob.delete()
        await tx.execute("INSERT INTO identity_people (id, name, age) VALUES (2, 'Ben', 1)")
        ben = await Person.select().where(Person.id == 2).one()
        assert ben is not bob
        assert (ben.name, bob.name) == ("Ben", "Bob")
        assert await Person.select().where(Person.id == 2).one() is ben
        with suppress(RuntimeError):
            async with tx.transaction():
                await ben.delete()
                raise RuntimeError
        assert await Person.select().where(Person.id == 2).one() is ben


async def test_without_it_each_reading_makes_its_own(db: pg.Database) -> None:
    async with db.transaction():
        assert await Person.fetch_one(Person.id == 1) is not await Person.fetch_one(Person.id == 1)


def test_on_the_blocking_front(url: str) -> None:
    with pg.connect_sync(url) as database:
        pg.drop_all(MODELS)
        pg.create_all(MODELS)
        Person.insert_one({"id": 1, "name": "Ann"})
        with database.transaction(identity=True) as tx:
            first: Any = Person.fetch_one(Person.id == 1, db=tx)
            second: Any = Person.fetch_one(Person.id == 1)
            assert first is second
        pg.drop_all(MODELS)
