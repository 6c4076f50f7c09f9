"""Tables whose rows belong to tenants, and a schema for each tenant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, ForeignKey, Table, exists, func, select
from data_bridge.postgres.errors import InterfaceError


class Owner(Table, table="tenant_owners", tenant="org"):
    id: Col[int] = Column(primary_key=True)
    org: Col[str]
    name: Col[str]


class Note(Table, table="tenant_notes", tenant="org"):
    id: Col[int] = Column(primary_key=True)
    org: Col[str] = Column(init=False)
    owner_id: Col[int | None] = Column(foreign_key="tenant_owners.id", default=None)
    text: Col[str] = Column(default="")
    owner: ForeignKey[Owner] = ForeignKey("owner_id")


class Setting(Table, table="tenant_settings"):
    key: Col[str] = Column(primary_key=True)
    value: Col[str]


MODELS = [Owner, Note]


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=4) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        for first, org in ((10, "acme"), (20, "initech")):
            with pg.tenant(org):
                await Owner.insert_one({"id": first, "name": org})
                await Note.insert_many([{"id": first + n, "owner_id": first} for n in range(3)])
        yield database
        await pg.drop_all(MODELS)


async def test_inserts_get_the_tenant_by_themselves(db: pg.Database) -> None:
    rows = await db.fetch("SELECT org, count(*) FROM tenant_notes GROUP BY org ORDER BY org")
    assert [tuple(row) for row in rows] == [("acme", 3), ("initech", 3)]
    with pg.tenant("hooli"):
        note = Note(id=1)
        assert note.org == "hooli"
        await pg.insert_one(note)
        await Note.insert_many([Note(id=n) for n in range(2, 5)])
        await Note.upsert_many([{"id": n} for n in range(5, 7)], conflict_columns=["id"])
        await pg.insert_one("tenant_notes", {"id": 7})
        await Note.insert_many([{"id": n} for n in range(1000, 4000)])
        assert await Note.count() == 3007


@pytest.mark.smoke
async def test_every_way_of_reading_sees_one_tenant(db: pg.Database) -> None:
    with pg.tenant("acme"):
        assert await Note.count() == 3
        assert {note.org for note in await Note.fetch_many()} == {"acme"}
        assert not await Note.exists(Note.id == 20)
        assert await Note.select().where((Note.id == 20) | (Note.id == 10)).count() == 1
        assert await select(func.count()).select_from(Note).join(Owner).scalars().one() == 3
        assert await select(Note.org, func.count()).group_by(Note.org) == [("acme", 3)]
        assert await select(Note.id).where(exists(select(Owner.id).where(Owner.id == 20))).scalars() == []
        within = select(Owner.name).subquery("s")
        assert await select(within.c.name).select_from(within).scalars() == ["acme"]
        note = await Note.fetch_one(Note.id == 10, fetch_links=["owner"])
        assert note is not None
        assert note["owner"]["name"] == "acme"
        assert [row.id async for row in Note.select().order_by(Note.id).stream(batch=2)] == [10, 11, 12]
    with pg.unscoped():
        assert await Note.count() == 6
    assert await Note.select().unscoped().count() == 6


@pytest.mark.smoke
async def test_every_way_of_writing_touches_one_tenant(db: pg.Database) -> None:
    with pg.tenant("acme"):
        assert await Note.update_many(True, {"text": "mine"}) == 3
        assert await Note.update_many((Note.id == 20) | (Note.id == 10), {"text": "x"}) == 1
        assert await Note.delete_many((Note.id == 20) | (Note.id == 11)) == 1
        # Upserts that meet a row of somebody else leave it alone.
        assert await Note.upsert_one({"id": 20, "text": "taken"}, conflict_columns=["id"]) is None
        for more in (0, 5_000):
            rows = [{"id": 20, "text": "taken"}, *({"id": 100 + n, "text": "new"} for n in range(more))]
            await Note.upsert_many(rows, conflict_columns=["id"])
    assert await db.fetch_val("SELECT text FROM tenant_notes WHERE id = 20") == ""
    assert await db.fetch_val("SELECT count(*) FROM tenant_notes WHERE org = 'initech'") == 3


@pytest.mark.parametrize("count", [3, 3_001])
async def test_updates_by_key_touch_one_tenant(db: pg.Database, count: int) -> None:
    with pg.tenant("acme"):
        await Note.insert_many([{"id": 1_000 + n} for n in range(count - 3)])
        rows = [{"id": key, "text": "mine"} for key in (10, 11, 20, *range(1_000, 997 + count))]
        assert await Note.update_many(rows) == count - 1
        assert await Note.count(Note.text == "mine") == count - 1
        # Whose the row is may be said, of tuples too, and need not be among the chosen columns.
        assert (
            await Note.update_many([{"id": 12, "org": "acme", "text": "x"}, {"id": 21, "org": "acme", "text": "x"}])
            == 1
        )
        assert await Note.update_many([(12, "y"), (21, "y")], update_columns=["text"]) == 1
        assert await Note.update_many([(12, "acme", 10, "z"), (21, "acme", 10, "z")]) == 1
        for theirs in ({"id": 20, "org": "initech", "text": "x"}, (20, "initech", 20, "x")):
            with pytest.raises(InterfaceError, match="another tenant"):
                await Note.update_many([theirs])
    with pg.tenant("initech"):
        notes = await Note.fetch_many(order_by=Note.id)
        assert [note.text for note in notes] == ["", "", ""]
    for note in notes:
        note.text = "taken"
    with pg.tenant("acme"):
        assert await Note.update_many(notes) == 0
    with pg.unscoped():
        assert await Note.update_many([{"id": 10, "text": "both"}, {"id": 20, "text": "both"}]) == 2


@pytest.mark.parametrize("count", [3, 3_001])
def test_updates_by_key_touch_one_tenant_blocking(schemas: pg.SyncDatabase, count: int) -> None:
    pg.drop_all(MODELS)
    pg.create_all(MODELS)
    with pg.tenant("initech"):
        Note.insert_one({"id": 1})
    with pg.tenant("acme"):
        Note.insert_many([{"id": 2 + n} for n in range(count - 1)])
        rows: Any = [{"id": 1 + n, "text": "mine"} for n in range(count)]
        assert Note.update_many(rows) == count - 1
    with pytest.raises(InterfaceError, match=r"tenant.*unscoped\(\)"):
        Note.update_many(rows)
    assert schemas.fetch_val("SELECT text FROM tenant_notes WHERE id = 1") == ""
    pg.drop_all(MODELS)


_ASKS: list[Any] = [
    Note.fetch_many,
    Note.count,
    lambda: Note.select().all(),
    lambda: select(func.count()).select_from(Note).one(),
    lambda: Note.update_many(True, {"text": "x"}),
    lambda: Note.delete_many(True),
    lambda: Note.update_many([{"id": 10, "text": "x"}]),
    lambda: Note.update_many([{"id": 10, "org": "acme", "text": "x"}]),
    lambda: Note.upsert_many([{"id": 10, "org": "acme", "text": "x"}], conflict_columns=["id"]),
    lambda: Note.insert_one({"id": 1}),
    lambda: Note.insert_one({"id": 1, "org": "acme"}),
    lambda: Note.insert_many([{"id": 1, "org": "acme"}]),
    lambda: Note.insert_many([(1, "acme", None, "")]),
    lambda: Note(id=1),
]


@pytest.mark.parametrize("ask", _ASKS)
async def test_without_a_tenant_nothing_runs_and_the_error_names_the_cure(db: pg.Database, ask: Any) -> None:
    with pytest.raises(InterfaceError, match=r"tenant.*unscoped\(\)"):
        await ask()
    assert await db.fetch_val("SELECT count(*) FROM tenant_notes") == 6


async def test_rows_of_another_tenant_are_refused(db: pg.Database) -> None:
    with pg.tenant("acme"):
        for insert in (
            lambda: Note.insert_one({"id": 1, "org": "initech"}),
            lambda: Note.insert_many([{"id": 1, "org": "initech"}]),
            lambda: Note.insert_many([(1, "initech", None, "")]),
            lambda: Note.upsert_one({"id": 1, "org": "initech"}, conflict_columns=["id"]),
        ):
            with pytest.raises(InterfaceError, match="another tenant"):
                await insert()
        for org in ("initech", "acme"):
            with pytest.raises(InterfaceError, match=r"another tenant|is not updated"):
                await Note.update_many(True, {"org": org})
    with pg.unscoped():
        await Note.insert_many([{"id": 1, "org": "initech"}, {"id": 2, "org": "acme"}])
        assert await Note.update_many(Note.id == 1, {"org": "acme"}) == 1


async def test_tasks_keep_their_tenants_apart(db: pg.Database) -> None:
    async def work(org: str) -> set[str]:
        seen: set[str] = set()
        with pg.tenant(org):
            for _ in range(20):
                seen |= set(await select(Note.org).scalars())
                await asyncio.sleep(0)
        return seen

    assert await asyncio.gather(work("acme"), work("initech")) == [{"acme"}, {"initech"}]


async def test_one_text_serves_all_tenants(db: pg.Database) -> None:
    with db.capture(args=True) as queries:
        for org in ("acme", "initech"):
            with pg.tenant(org):
                await Note.count()
    assert len(set(queries.sql)) == 1
    assert [each.args for each in queries] == [("acme",), ("initech",)]


def test_none_is_no_tenant() -> None:
    with pytest.raises(InterfaceError, match="unscoped"), pg.tenant(None):
        pass


@pytest.fixture
def schemas(url: str) -> Iterator[pg.SyncDatabase]:
    with pg.connect_sync(url, pool_max=2) as database:
        for name in ("tenant_one", "Tenant two"):
            database.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
            database.execute(f'CREATE SCHEMA "{name}"')
        yield database
        for name in ("tenant_one", "Tenant two"):
            database.execute(f'DROP SCHEMA "{name}" CASCADE')


def test_a_schema_for_each_tenant(schemas: pg.SyncDatabase) -> None:
    for name in ("tenant_one", "Tenant two"):
        with pg.schema(name):
            pg.create_all([Setting])
            Setting.insert_one({"key": "name", "value": name})
            Setting.insert_many([{"key": str(n), "value": "x"} for n in range(3_000)])
            Setting.upsert_many([{"key": "1", "value": "y"}], conflict_columns=["key"])
            assert Setting.update_many(Setting.key == "2", {"value": "z"}) == 1
            assert Setting.delete_many(Setting.key == "3") == 1
    for name in ("tenant_one", "Tenant two"):
        with pg.schema(name):
            found: Any = Setting.fetch_one(Setting.key == "name")
            assert found.value == name
            assert Setting.count() == 3_000
        assert schemas.fetch_val(f'SELECT count(*) FROM "{name}".tenant_settings') == 3_000


@pytest.mark.parametrize("name", ["", "a.b"])
def test_a_schema_is_one_name(name: str) -> None:
    with pytest.raises(InterfaceError, match="one name"), pg.schema(name):
        pass
