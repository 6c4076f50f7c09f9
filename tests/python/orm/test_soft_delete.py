"""Rows that are deleted softly: marked, and left out wherever their table is read or written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, ForeignKey, Table, alias, exists, func, select
from data_bridge.postgres.errors import InterfaceError


class Folder(Table, table="soft_folders", soft_delete="deleted_at"):
    id: Col[int] = Column(primary_key=True)
    name: Col[str] = Column(unique=True)
    size: Col[int] = Column(default=0)
    deleted_at: Col[datetime | None] = Column(default=None, init=False)


class File(Table, table="soft_files", soft_delete="gone"):
    id: Col[int] = Column(primary_key=True)
    folder_id: Col[int] = Column(foreign_key="soft_folders.id")
    gone: Col[bool] = Column(default=False)
    folder: ForeignKey[Folder] = ForeignKey("folder_id")


MODELS = [Folder, File]


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    """Folders a (1), b (2, deleted) and c (3); files 1 in a, 2 in b, 3 (deleted) in c."""
    async with await pg.connect(url, pool_max=2) as database:
        await pg.drop_all(MODELS)
        await pg.create_all(MODELS)
        await Folder.insert_many([{"id": n, "name": name} for n, name in enumerate("abc", 1)])
        await File.insert_many([{"id": n, "folder_id": n} for n in (1, 2, 3)])
        assert await Folder.delete_many(Folder.name == "b") == 1
        assert await File.delete_many(File.id == 3) == 1
        yield database
        await pg.drop_all(MODELS)


async def test_deleting_marks_the_rows(db: pg.Database) -> None:
    marks = await db.fetch("SELECT id, deleted_at IS NOT NULL FROM soft_folders ORDER BY id")
    assert [tuple(row) for row in marks] == [(1, False), (2, True), (3, False)]
    assert [tuple(row) for row in await db.fetch("SELECT id, gone FROM soft_files ORDER BY id")] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    # What is deleted is not deleted again.
    assert await Folder.delete_many(True) == 2


@pytest.mark.smoke
async def test_every_way_of_reading_leaves_them_out(db: pg.Database) -> None:
    def ids(rows: list[Any]) -> list[int]:
        return sorted(row.id for row in rows)

    assert ids(await Folder.fetch_many()) == [1, 3]
    assert await Folder.fetch_one(Folder.id == 2) is None
    assert (await Folder.count(), await Folder.exists(Folder.id == 2)) == (2, False)
    assert ids(await Folder.select()) == [1, 3]
    assert await Folder.select().where((Folder.id == 2) | (Folder.id == 1)).count() == 1
    assert await select(func.count(Folder.id)).where(Folder.id > 0).scalars().one() == 2
    assert sorted(await select(Folder.id, func.count(File.id)).left_join(File).group_by(Folder.id)) == [(1, 1), (3, 0)]
    assert [row.id async for row in File.select().order_by(File.id).stream(batch=1)] == [1, 2]
    # Joins, of both kinds and an alias.
    assert await select(File.id, Folder.name).join(Folder) == [(1, "a")]
    assert await select(File.id, Folder.name).left_join(Folder).order_by(File.id) == [(1, "a"), (2, None)]
    other = alias(Folder, "other")
    assert await select(File.id, other.name).join(other, other.id == File.folder_id, how="right").order_by(
        other.id
    ) == [
        (1, "a"),
        (None, "c"),
    ]
    full = await select(File.id, Folder.id).join(Folder, how="full")
    assert sorted(full, key=str) == [(1, 1), (2, None), (None, 3)]
    # Links.
    file = await File.fetch_one(File.id == 2, fetch_links=["folder"])
    assert file is not None
    assert file.folder.loaded is None
    plain = await File.fetch_one(File.id == 2)
    assert plain is not None
    assert await plain.folder.fetch() is None
    # Subqueries, CTEs, unions.
    in_folder = select(Folder.id).where(Folder.id == File.folder_id)
    assert await select(File.id).where(exists(in_folder)).scalars() == [1]
    assert await select(File.id).where(File.folder_id.in_(select(Folder.id))).scalars() == [1]
    within = select(Folder.id).subquery("s")
    assert sorted(await select(within.c.id).select_from(within).scalars()) == [1, 3]
    cte = select(Folder.id).cte("t")
    assert sorted(await select(cte.c.id).select_from(cte).scalars()) == [1, 3]
    assert await select(Folder.id).union(select(File.id)).order_by(Folder.id).scalars() == [1, 2, 3]


@pytest.mark.smoke
async def test_every_way_of_writing_leaves_them_alone(db: pg.Database) -> None:
    assert await Folder.update_many(True, {"size": 9}) == 2
    assert await Folder.update_many((Folder.id == 2) | (Folder.id == 3), {"size": 8}) == 1
    # An upsert meets the row that was deleted, and lets it be.
    assert await Folder.upsert_one({"id": 2, "name": "B"}, conflict_columns=["id"]) is None
    changed = await Folder.upsert_one({"id": 3, "name": "C"}, conflict_columns=["id"])
    assert changed is not None
    for size in (2, 5_000):
        rows = [{"id": n, "name": f"n{n}"} for n in range(2, size + 2)]
        await Folder.upsert_many(rows, conflict_columns=["id"])
    assert await db.fetch_val("SELECT name FROM soft_folders WHERE id = 2") == "b"
    assert await db.fetch_val("SELECT name FROM soft_folders WHERE id = 3") == "n3"


async def test_the_ways_out_are_asked_for_by_name(db: pg.Database) -> None:
    assert await Folder.select().with_deleted().count() == 3
    assert [row.id for row in await Folder.select().only_deleted()] == [2]
    assert [row.id for row in await File.select().only_deleted()] == [3]
    assert await Folder.select().unscoped().count() == 3
    # A subquery speaks for itself.
    files = select(File.id).where(File.folder_id.in_(select(Folder.id))).scalars()
    assert await files.with_deleted().order_by(File.id) == [1, 3]
    both = select(File.id).where(File.folder_id.in_(select(Folder.id).with_deleted())).scalars()
    assert await both.order_by(File.id) == [1, 2]
    with pg.with_deleted():
        assert await files.order_by(File.id) == [1, 2, 3]
        assert await Folder.count() == 3
        assert await Folder.update_many(Folder.id == 2, {"deleted_at": None}) == 1
    assert await Folder.count() == 3


async def test_hard_deletion_removes_them_for_good(db: pg.Database) -> None:
    assert await File.delete_many(File.gone, hard=True) == 1
    assert await db.fetch_val("SELECT count(*) FROM soft_files") == 2


async def test_a_block_holds_for_its_own_context_only(db: pg.Database) -> None:
    with pytest.raises(ZeroDivisionError), pg.with_deleted():
        raise ZeroDivisionError
    assert await Folder.count() == 2
    with pg.unscoped(), pg.with_deleted():
        pass
    assert await Folder.count() == 2


async def test_what_cannot_be_is_said(db: pg.Database) -> None:
    with pytest.raises(TypeError, match="no column 'nothing', which soft_delete= names"):

        class Wrong(Table, soft_delete="nothing"):
            id: Col[int] = Column(primary_key=True)

    with pytest.raises(InterfaceError, match="must be nullable; or a boolean"):

        class Never(Table, soft_delete="at"):
            id: Col[int] = Column(primary_key=True)
            at: Col[datetime]

    class Plain(Table, table="soft_plain"):
        id: Col[int] = Column(primary_key=True)

    with pytest.raises(TypeError, match="deleted softly"):
        Plain.select().only_deleted()


async def test_an_abstract_class_passes_it_on() -> None:
    class Base(Table, abstract=True, soft_delete="deleted_at"):
        deleted_at: Col[datetime | None] = Column(default=None)

    class Leaf(Base, table="soft_leaf"):
        id: Col[int] = Column(primary_key=True)

    assert Leaf.select().sql().endswith('WHERE "soft_leaf"."deleted_at" IS NULL')
