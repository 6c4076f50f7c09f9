"""What instances and loaded collections know behind a change of a collection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import BackReference, Col, Column, NoRowError, Table


class Owner(Table, table="lc_owners"):
    id: Col[int] = Column(primary_key=True)
    things: BackReference[Thing] = BackReference("owner_id")
    pages: BackReference[Page] = BackReference("owner_id")


class Thing(Table, table="lc_things"):
    id: Col[int] = Column(primary_key=True)
    owner_id: Col[int | None] = Column(foreign_key="lc_owners.id", default=None)
    version: Col[int] = Column(version=True, init=False)


class Page(Table, table="lc_pages"):
    owner_id: Col[int] = Column(primary_key=True, foreign_key="lc_owners.id")
    number: Col[int] = Column(primary_key=True)


MODELS = [Owner, Thing, Page]


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        await Owner.insert_many([{"id": 1}, {"id": 2}])
        await Thing.insert_many([{"id": 1}, {"id": 2, "owner_id": 2}])
        yield database
        await pg.drop_all(MODELS)


async def read() -> tuple[Owner, Owner, Thing, Thing]:
    first, second = await Owner.select().prefetch(Owner.things).order_by(Owner.id)
    free, taken = await Thing.select().order_by(Thing.id)
    return first, second, free, taken


async def test_a_rollback_undoes_what_instances_and_collections_know(db: pg.Database) -> None:
    first, _, free, taken = await read()
    with suppress(ZeroDivisionError):
        async with db.transaction():
            await first.things.add(free, taken)
            assert (free.owner_id, taken.owner_id) == (1, 1)
            raise ZeroDivisionError
    assert (free.owner_id, taken.owner_id, free.version, taken.version) == (None, 2, 1, 1)
    assert first.things.loaded == []
    free.owner_id = 1
    await free.save()
    assert await first.things.count() == 1


async def test_a_row_that_is_gone_cannot_be_added(db: pg.Database) -> None:
    first, _, free, taken = await read()
    await Thing.delete_many(Thing.id == 1)
    with pytest.raises(NoRowError, match="Thing"):
        await first.things.add(taken, free)
    assert (taken.owner_id, first.things.loaded) == (2, [])
    assert await first.things.count() == 0


async def test_what_belongs_to_another_is_not_removed(db: pg.Database) -> None:
    first, _, _, taken = await read()
    await first.things.remove(taken)
    assert (taken.owner_id, taken.version) == (2, 1)


async def test_the_version_is_taken_over(db: pg.Database) -> None:
    first, _, free, _ = await read()
    await first.things.add(free)
    assert free.version == 2
    await first.things.remove(free)
    assert (free.version, free.owner_id) == (3, None)
    free.owner_id = 2
    await free.save()


async def test_what_is_named_twice_is_added_once(db: pg.Database) -> None:
    first, _, free, _ = await read()
    new = Thing(id=3)
    await first.things.add(new, new, free, free)
    assert first.things.loaded == [free, new] or first.things.loaded == [new, free]
    assert await Thing.count() == 3


async def test_a_key_that_is_part_of_the_primary_key(db: pg.Database) -> None:
    _, second, _, _ = await read()
    page = await Page.insert_one(Page(owner_id=1, number=7))
    await second.pages.add(page)
    assert page.owner_id == 2
    assert await second.pages.count() == 1
