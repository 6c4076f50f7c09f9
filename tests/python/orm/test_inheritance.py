"""Classes that share a table, and properties that are SQL in queries."""

from __future__ import annotations

import enum
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Expression, ForeignKey, Table, func, hybrid_property


class Staff(Table, table="inh_staff", discriminator="staff"):
    id: Col[int] = Column(primary_key=True, init=False)
    kind: Col[str] = Column(discriminator=True, index=True)
    first: Col[str]
    last: Col[str] = "Lee"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    @hybrid_property
    def name(self) -> str:
        return self.first + " " + self.last

    @hybrid_property
    def is_short(self) -> bool:
        return len(self.first) < 4

    @is_short.expression
    def _is_short(cls) -> Expression[bool]:  # noqa: N805
        return func.length(cls.first) < 4


class Manager(Staff, discriminator="manager"):
    level: Col[int] = Column(check="level > 0")
    boss_id: Col[int | None] = Column(foreign_key="inh_staff.id", default=None)
    boss: ForeignKey[Staff | None] = ForeignKey("boss_id")


class Engineer(Staff, discriminator="engineer"):
    language: Col[str | None] = Column(default=None, unique=True)


@pytest.fixture
async def people(db: pg.Database) -> pg.Database:
    await pg.drop_all([Staff])
    await pg.create_all([Staff])
    ann = await pg.insert_one(Manager(first="Ann", level=3))
    await pg.insert_one(Engineer(first="Robert", language="Rust"))
    await pg.insert_one(Staff(first="Cy"))
    await pg.insert_one(Manager(first="Dora", level=1, boss=ann))
    return db


async def test_inserts_set_the_kind_and_selects_ask_for_it(people: pg.Database) -> None:
    rows = await people.fetch("SELECT first, kind, level, language FROM inh_staff ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("Ann", "manager", 3, None),
        ("Robert", "engineer", None, "Rust"),
        ("Cy", "staff", None, None),
        ("Dora", "manager", 1, None),
    ]
    managers = await Manager.select().order_by(Manager.id)
    assert [(manager.first, manager.level) for manager in managers] == [("Ann", 3), ("Dora", 1)]
    assert "kind\" = 'manager'" in Manager.select().sql()
    assert (
        await Manager.count() == 2 and await Staff.count() == 4 and await Engineer.count(Engineer.first == "Ann") == 0
    )
    assert await Engineer.fetch_one(Engineer.id == 1) is None
    await pg.drop_all([Manager])


async def test_rows_of_the_base_are_instances_of_the_right_class(people: pg.Database) -> None:
    everyone = await Staff.select().order_by(Staff.id)
    assert [type(one) for one in everyone] == [Manager, Engineer, Staff, Manager]
    assert [one.first for one in everyone] == ["Ann", "Robert", "Cy", "Dora"]
    ann = everyone[0]
    assert isinstance(ann, Manager)
    with pytest.raises(pg.NotLoadedError, match="refresh"):
        _ = ann.level  # a column of its own, which the base does not read
    await ann.refresh()
    assert ann.level == 3
    ann.first = "Anna"
    await ann.save()
    assert await Staff.count(Staff.first == "Anna") == 1
    dora = await Manager.fetch_one(Manager.first == "Dora", fetch_links=["boss"])
    assert dora is not None and isinstance(dora.boss.loaded, Manager) and dora.boss.loaded.first == "Anna"
    await pg.drop_all([Staff])


async def test_writes_stay_with_their_kind(people: pg.Database) -> None:
    assert await Manager.update_many(True, {"last": "Ray"}) == 2
    assert await Engineer.delete_many(True) == 1
    assert await Staff.count() == 3
    assert await Staff.count(Staff.last == "Ray") == 2
    assert await Manager.insert_many([{"first": "E", "level": 1}, Manager(first="F", level=2)]) == 2
    assert await Manager.count() == 4
    with pytest.raises(pg.Error):
        await pg.insert_one(Manager(first="G", level=0))
    await pg.drop_all([Staff])


@pytest.mark.parametrize("more", [0, 3_001])
async def test_rows_by_key_stay_with_their_kind(people: pg.Database, more: int) -> None:
    ids = [1, 2, 3, 4, *range(1_000, 1_000 + more)]
    await Engineer.insert_many([{"id": key, "first": "Eve"} for key in ids[4:]])
    assert await Engineer.update_many([{"id": key, "first": "Taken"} for key in ids]) == 1 + more
    rows = [{"id": key, "first": "Taken", "last": "Ray"} for key in (1, 2, 3, 4, *range(5_000, 5_000 + more))]
    result = await Engineer.upsert_many(rows, conflict_columns=["id"])
    assert (result.inserted, result.updated) == (more, 1)
    firsts = await pg.select(Staff.first, Staff.last).where(Staff.id < 5).order_by(Staff.id)
    assert firsts == [("Ann", "Lee"), ("Taken", "Ray"), ("Cy", "Lee"), ("Dora", "Lee")]
    # The base is all kinds.
    assert await Staff.update_many([{"id": key, "first": "All"} for key in ids]) == 4 + more
    await pg.drop_all([Staff])


@pytest.mark.parametrize("more", [0, 3_001])
def test_rows_by_key_stay_with_their_kind_blocking(url: str, more: int) -> None:
    with pg.connect_sync(url) as db:
        pg.drop_all([Staff])
        pg.create_all([Staff])
        ids = range(1, 2 + more)
        Staff.insert_one({"first": "Cy"})
        Engineer.insert_many([{"first": "Eve"} for _ in ids[1:]])
        rows: Any = [{"id": key, "first": "Taken"} for key in ids]
        assert Engineer.update_many(rows) == more
        result: Any = Engineer.upsert_many(rows, conflict_columns=["id"])
        assert (result.inserted, result.updated) == (0, more)
        assert db.fetch_val("SELECT first FROM inh_staff WHERE id = 1") == "Cy"
        pg.drop_all([Staff])


async def test_hybrid_properties_are_values_and_sql(people: pg.Database) -> None:
    ann = await Staff.select().where(Staff.name == "Ann Lee").one()
    assert (ann.name, ann.is_short) == ("Ann Lee", True)
    assert await pg.select(Staff.name).where(Staff.is_short).order_by(Staff.name).scalars() == ["Ann Lee", "Cy Lee"]
    assert await Manager.select().where(Manager.name.like("D%")).count() == 1
    with pytest.raises(AttributeError, match="computed"):
        ann.name = "Bob Lee"  # type: ignore[misc]
    await pg.drop_all([Staff])


class Shape(enum.Enum):
    ROUND = "round"
    SQUARE = "square"


async def test_kinds_may_be_members_of_an_enum(db: pg.Database) -> None:
    class Figure(Table, table="inh_figures"):
        id: Col[int] = Column(primary_key=True)
        shape: Col[Shape] = Column(discriminator=True)

    class Disc(Figure, discriminator=Shape.ROUND):
        radius: Col[float]

    await pg.create_all([Disc])
    await pg.create_all([Figure])
    await pg.insert_one(Disc(id=1, radius=2.0))
    await pg.insert_one(Figure(id=2, shape=Shape.SQUARE))
    assert [type(one) for one in await Figure.select().order_by(Figure.id)] == [Disc, Figure]
    assert [one.radius for one in await Disc.select()] == [2.0]
    await pg.drop_all([Figure])


def test_what_cannot_share_a_table_says_why() -> None:
    class Plain(Table, table="inh_plain"):
        id: Col[int] = Column(primary_key=True)

    with pytest.raises(TypeError, match="discriminator=True"):

        class _Other(Plain):
            pass

    with pytest.raises(TypeError, match="discriminator="):

        class _Untold(Staff):
            pass

    with pytest.raises(TypeError, match="one kind itself"):

        class _Deep(Manager, discriminator="deep"):
            pass

    with pytest.raises(TypeError, match="not one"):

        class _None(Table, table="inh_none", discriminator="x"):
            id: Col[int] = Column(primary_key=True)
