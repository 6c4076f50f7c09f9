"""Many-to-many, case by case: every change is one statement, whatever the number of rows."""

from __future__ import annotations

import gc
import weakref

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import BackReference, Col, Column, ForeignKey, ForeignKeyConstraint, ManyToMany, Table, func

from .models import MODELS, Person, Role


@pytest.fixture
async def ann(world: pg.Database) -> Person:
    return await Person.select().where(Person.email == "ann@x.io").one()


def changes(queries: pg.Capture) -> list[str]:
    """What was sent, without the transaction around it."""
    return [sql for sql in queries.sql if not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]


@pytest.mark.smoke
async def test_implicit_table(world: pg.Database) -> None:
    columns = await world.fetch(
        "SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'person_roles'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert [tuple(column) for column in columns] == [("person_id", True), ("role_id", True)]
    keys = await world.fetch(
        "SELECT contype::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'person_roles'::regclass"
        " AND contype IN ('p', 'f') ORDER BY conname"
    )
    assert [tuple(key) for key in keys] == [
        ("f", "FOREIGN KEY (person_id) REFERENCES ln_people(id) ON DELETE CASCADE"),
        ("p", "PRIMARY KEY (person_id, role_id)"),
        ("f", "FOREIGN KEY (role_id) REFERENCES ln_roles(id) ON DELETE CASCADE"),
    ]
    await pg.drop_all(MODELS)
    assert await world.fetch_val("SELECT to_regclass('person_roles')") is None


async def test_explicit_table(db: pg.Database) -> None:
    class Pupil(Table, table="ln_pupils"):
        id: Col[int] = Column(primary_key=True, init=False)
        courses: ManyToMany[Course] = ManyToMany(through="Enrolment")
        enrolments: BackReference[Enrolment] = BackReference()

    class Course(Table, table="ln_courses"):
        id: Col[int] = Column(primary_key=True, init=False)
        name: Col[str]

    class Enrolment(Table, table="ln_enrolments"):
        pupil_id: Col[int] = Column(primary_key=True, foreign_key="ln_pupils.id", on_delete="CASCADE")
        course_id: Col[int] = Column(primary_key=True, foreign_key="ln_courses.id", on_delete="CASCADE")
        grade: Col[int | None] = Column(default=None)
        since: Col[int] = Column(server_default="2024")
        course: ForeignKey[Course] = ForeignKey("course_id")

    classes = [Pupil, Course, Enrolment]
    await pg.drop_all(classes)
    await pg.create_all(classes)
    pupil = await Pupil.insert_one(Pupil())
    art, law = await Course.insert_one(Course(name="art")), await Course.insert_one(Course(name="law"))
    await pupil.courses.add(art)
    await Enrolment.insert_one(Enrolment(pupil_id=pupil.id, course_id=law.id, grade=1))
    (read,) = await Pupil.select().prefetch(Pupil.courses.order_by(Course.name), "enrolments.course")
    assert [course.name for course in read.courses] == ["art", "law"]
    found = {each.course.loaded.name: (each.grade, each.since) for each in read.enrolments}
    assert found == {"art": (None, 2024), "law": (1, 2024)}
    await pg.drop_all(classes)


async def test_add(world: pg.Database, ann: Person) -> None:
    admin = await Role.insert_one(Role(name="admin"))
    with world.capture() as queries:
        await ann.roles.add(admin)
    assert len(changes(queries)) == 1
    await ann.roles.add(admin)
    assert await ann.roles.count() == 1, "what is linked already stays so"
    with pytest.raises(TypeError, match="expected an instance of Role"):
        await ann.roles.add(ann)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_add_new_rows(world: pg.Database, ann: Person) -> None:
    with world.capture() as queries:
        await ann.roles.add(Role(name="admin"), Role(name="dev"))
    assert [sql.split()[0:3] for sql in changes(queries)] == [
        ["INSERT", "INTO", '"ln_roles"'],
        ["INSERT", "INTO", '"person_roles"'],
    ]
    assert {role.name for role in await ann.roles.fetch()} == {"admin", "dev"}
    extra = Role(name="ops")
    await ann.roles.add(extra)
    assert extra.id > 0
    assert extra in ann.roles, "what was loaded follows"
    with pytest.raises(pg.errors.UniqueViolationError):
        await ann.roles.add(Role(name="new"), Role(name="dev"))
    assert not await Role.exists(Role.name == "new"), "all or nothing"


async def test_bulk_add(world: pg.Database, ann: Person) -> None:
    await Role.insert_many([Role(name=f"role {number}") for number in range(1000)])
    roles = await Role.fetch_many()
    with world.capture() as queries:
        await ann.roles.add(*roles)
    assert len(changes(queries)) == 1
    assert await ann.roles.count() == 1000


async def test_bulk_add_of_new_rows(world: pg.Database, ann: Person) -> None:
    with world.capture() as queries:
        await ann.roles.add(*(Role(name=f"role {number}") for number in range(500)))
    assert len([sql for sql in changes(queries) if "INSERT" in sql]) == 2
    assert await ann.roles.count() == 500


async def test_remove(world: pg.Database, ann: Person) -> None:
    admin = Role(name="admin")
    await ann.roles.add(admin, Role(name="dev"))
    await ann.roles.fetch()
    with world.capture() as queries:
        await ann.roles.remove(admin)
    assert len(queries) == 1
    assert [role.name for role in ann.roles] == ["dev"]
    assert await ann.roles.count() == 1
    assert await Role.count() == 2, "the row itself stays"
    with pytest.raises(ValueError, match="not inserted"):
        await ann.roles.remove(Role(name="no"))


async def test_set_and_clear(world: pg.Database, ann: Person) -> None:
    admin, dev, ops = [await Role.insert_one(Role(name=name)) for name in ("admin", "dev", "ops")]
    await ann.roles.add(admin, dev)
    with world.capture() as queries:
        await ann.roles.set([dev, ops])
    assert len(queries) == 1
    assert {role.name for role in await ann.roles.fetch(refresh=True)} == {"dev", "ops"}
    with world.capture() as queries:
        await ann.roles.clear()
    assert len(queries) == 1
    assert ann.roles.loaded == []
    assert await ann.roles.count() == 0
    await ann.roles.set([])


async def test_fetch(world: pg.Database) -> None:
    people = await Person.select().order_by(Person.id)
    admin, dev = await Role.insert_one(Role(name="admin")), await Role.insert_one(Role(name="dev"))
    await people[0].roles.add(admin, dev)
    await people[1].roles.add(admin)
    with world.capture() as queries:
        found = [
            {role.name for role in await person.roles.fetch()} for person in await Person.select().order_by(Person.id)
        ]
    assert found == [{"admin", "dev"}, {"admin"}, set()]
    assert len(queries) == 2
    with world.capture() as queries:
        loaded = await Person.select().prefetch(Person.roles.where(Role.name != "dev")).order_by(Person.id)
    assert [[role.name for role in person.roles] for person in loaded] == [["admin"], ["admin"], []]
    assert loaded[0].roles[0] is loaded[1].roles[0], "a row that several have is one instance"
    assert len(queries) == 2
    backwards = await Role.select().prefetch(Role.people.order_by(Person.id)).order_by(Role.name)
    assert [[person.email for person in role.people] for role in backwards] == [["ann@x.io", "bob@x.io"], ["ann@x.io"]]
    newest = await Person.select().prefetch(Person.roles.order_by(Role.id.desc()).limit(1)).order_by(Person.id)
    assert [[role.name for role in person.roles] for person in newest] == [["dev"], ["admin"], []]


async def test_a_change_is_seen_by_siblings_that_load_later(world: pg.Database) -> None:
    people = await Person.select().order_by(Person.id)
    assert await people[0].roles.fetch() == []
    await people[1].roles.add(Role(name="late"))
    assert [role.name for role in await people[1].roles.fetch()] == ["late"]


async def test_conditions_and_joins(world: pg.Database, ann: Person) -> None:
    await ann.roles.add(Role(name="admin"), Role(name="dev"))
    assert [person.email for person in await Person.fetch_many(Person.roles.any(Role.name == "admin"))] == ["ann@x.io"]
    assert await Person.count(~Person.roles.any()) == 2
    assert await Role.count(Role.people.any(Person.email == "ann@x.io")) == 2
    counts = (
        pg.select(Person.email, func.count(Role.id)).left_join(Person.roles).group_by(Person.id).order_by(Person.id)
    )
    assert await counts == [("ann@x.io", 2), ("bob@x.io", 0), ("cy@x.io", 0)]


async def test_symmetric(world: pg.Database, ann: Person) -> None:
    bob, cy = await Person.select().where(Person.email != "ann@x.io").order_by(Person.id)
    with world.capture() as queries:
        await ann.friends.add(bob, cy)
    assert len(queries) == 1
    assert [friend.email for friend in await bob.friends.fetch()] == ["ann@x.io"]
    await bob.friends.remove(ann)
    assert [friend.email for friend in await ann.friends.fetch(refresh=True)] == ["cy@x.io"]
    await cy.friends.set([bob])
    assert await ann.friends.count() == 0
    assert await bob.friends.count() == 1
    await bob.friends.clear()
    assert await cy.friends.count() == 0


async def test_cascade(world: pg.Database, ann: Person) -> None:
    admin = Role(name="admin")
    await ann.roles.add(admin)
    await admin.delete()
    assert await ann.roles.count() == 0
    assert await world.fetch_val("SELECT count(*) FROM person_roles") == 0


async def test_composite_keys(db: pg.Database) -> None:
    class Room(Table, table="ln_rooms"):
        house: Col[str] = Column(primary_key=True)
        number: Col[int] = Column(primary_key=True)
        tags: ManyToMany[Tag] = ManyToMany()
        beds: BackReference[Bed] = BackReference()

    class Tag(Table, table="ln_tags"):
        name: Col[str] = Column(primary_key=True)
        rooms: ManyToMany[Room] = ManyToMany(back="tags")

    class Bed(Table, table="ln_beds"):
        id: Col[int] = Column(primary_key=True, init=False)
        house: Col[str]
        room: Col[int]
        place: ForeignKey[Room] = ForeignKey("house", "room")
        __table_args__ = (ForeignKeyConstraint(["house", "room"], "ln_rooms(house, number)"),)

    classes = [Room, Tag, Bed]
    await pg.drop_all(classes)
    await pg.create_all(classes)
    await Room.insert_many([Room(house=house, number=number) for house in "ab" for number in (1, 2)])
    rooms = await Room.select().order_by(Room.house, Room.number)
    await rooms[0].tags.add(Tag(name="big"), Tag(name="red"))
    await rooms[3].tags.add(await Tag.select().where(Tag.name == "big").one())
    await Bed.insert_many([Bed(house="a", room=1), Bed(house="a", room=1), Bed(house="b", room=2)])
    with db.capture() as queries:
        loaded = await Room.select().prefetch(Room.tags.order_by(Tag.name), Room.beds).order_by(Room.house, Room.number)
    assert len(queries) == 3
    assert [[tag.name for tag in room.tags] for room in loaded] == [["big", "red"], [], [], ["big"]]
    assert [len(room.beds) for room in loaded] == [2, 0, 0, 1]
    with db.capture() as queries:
        places = [(await bed.place.fetch()).house for bed in await Bed.select().order_by(Bed.id)]
    assert places == ["a", "a", "b"]
    assert len(queries) == 2
    (bed, *_) = await Bed.fetch_many(fetch_links=["place.tags"], order_by="id")
    assert {tag.name for tag in bed.place.loaded.tags} == {"big", "red"}
    assert bed.place.ref == ("a", 1)
    assert await Bed.count(Bed.place.has(Room.tags.any(Tag.name == "red"))) == 2
    big = await Tag.select().prefetch(Tag.rooms).where(Tag.name == "big").one()
    assert {(room.house, room.number) for room in big.rooms} == {("a", 1), ("b", 2)}
    await big.rooms.remove(loaded[3])
    assert await big.rooms.count() == 1
    bed.place = rooms[1]
    assert (bed.house, bed.room) == ("a", 2)
    await bed.save()
    assert await Bed.count(Bed.place.number == 2) == 2
    await pg.drop_all(classes)


async def test_more_than_a_thousand(world: pg.Database, ann: Person) -> None:
    await Role.insert_many([Role(name=f"role {number}") for number in range(1500)])
    await ann.roles.add(*await Role.fetch_many())
    with world.capture() as queries:
        loaded = await Person.select().prefetch(Person.roles).order_by(Person.id)
    assert [len(person.roles) for person in loaded] == [1500, 0, 0]
    assert len(queries) == 2
    half = await Role.fetch_many(limit=750)
    with world.capture() as queries:
        await ann.roles.remove(*half)
        assert await ann.roles.count() == 750
        await ann.roles.set(half)
    assert len(queries) == 3
    assert await ann.roles.count() == 750


async def test_back_references_change_too(world: pg.Database, ann: Person) -> None:
    bob = await Person.select().where(Person.email == "bob@x.io").one()
    cy, new = await Person.select().where(Person.email == "cy@x.io").one(), Person(email="new@x.io")
    await bob.reports.add(cy, new)
    assert {person.email for person in await bob.reports.fetch()} == {"cy@x.io", "new@x.io"}
    assert (cy.boss_id, new.boss_id) == (bob.id, bob.id)
    await bob.reports.remove(cy)
    assert cy.boss_id is None
    assert [person.email for person in bob.reports] == ["new@x.io"]
    await bob.reports.set([cy])
    assert [person.email for person in await bob.reports.fetch(refresh=True)] == ["cy@x.io"]
    await bob.reports.clear()
    assert await bob.reports.count() == 0


def linked_classes() -> weakref.ref[type]:
    class Left(Table, table="ln_left"):
        id: Col[int] = Column(primary_key=True)
        rights: BackReference[Right] = BackReference("left_id")

    class Right(Table, table="ln_right"):
        id: Col[int] = Column(primary_key=True)
        left_id: Col[int] = Column(foreign_key="ln_left.id")

    Left.select().where(Left.rights.any(Right.id == 1)).sql()
    return weakref.ref(Left)


def test_classes_that_link_to_each_other_can_go() -> None:
    gone = linked_classes()
    gc.collect()
    assert gone() is None
