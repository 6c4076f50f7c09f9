"""What a class can say about its table, made on a real server and looked up in its catalogs."""

from __future__ import annotations

import enum
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import (
    Check,
    Col,
    Column,
    Exclude,
    ForeignKeyConstraint,
    Identity,
    Index,
    Part,
    PrimaryKey,
    Sql,
    Table,
    Unique,
    func,
    text,
)
from data_bridge.postgres.errors import Error, IntegrityError


class Mood(enum.Enum):
    SAD = "sad"
    FINE = "it's \\ fine"


class Room(Table, table="def_rooms", schema="def hotel", comment="Where guests sleep"):
    house: Col[int] = Column(primary_key=True)
    number: Col[int] = Column(primary_key=True, comment="on the door")
    mood: Col[Mood] = Column(default=Mood.FINE)
    beds: Col[int] = Column(type="integer")
    guests: Col[int] = Column(type="integer", generated="beds * 2")


class Stay(Table, table="def_stays", schema="def hotel"):
    id: Col[int] = Column(primary_key=True, init=False, identity=Identity(start=100, increment=10))
    house: Col[int | None] = Column(default=None)
    number: Col[int | None] = Column(default=None)
    guest: Col[str]
    tags: Col[dict[str, Any] | None] = Column(default=None)
    during: Col[Any] = Column(type="tsrange", nullable=True, default=None)
    before: Col[int | None] = Column(
        foreign_key="def hotel.def_stays.id", deferrable=True, initially="DEFERRED", default=None
    )

    __table_args__ = (
        Check("guest <> ''", name="has a guest"),
        Check("house > 0"),
        Unique("guest", "house", include=["number"]),
        Unique("number", deferrable=True),
        ForeignKeyConstraint(
            ["house", "number"], "def hotel.def_rooms(house, number)", on_delete="CASCADE", match="FULL"
        ),
        Exclude(("guest", "="), using=None, where="house > 7"),
        Exclude((Sql("int8range(house, number)"), "&&"), ("during", "&&")),
        Index("-id", Part("guest", collation="C", opclass="text_pattern_ops", nulls="first"), include=["house"]),
        Index(func.lower(text("guest")), Sql("(number + 1)"), where="number IS NOT NULL", unique=True),
        Index("tags", using="gin", opclass="jsonb_path_ops", options={"fastupdate": "off"}),
    )


@pytest.mark.smoke
async def test_constraints_and_indexes_of_every_form(db: pg.Database) -> None:
    await db.execute('DROP SCHEMA IF EXISTS "def hotel" CASCADE')
    await pg.create_all([Stay, Room], db=db)
    await pg.create_all([Stay, Room], db=db)  # What exists stays.
    found = await db.fetch(
        "SELECT conname || ': ' || pg_get_constraintdef(oid) AS d FROM pg_constraint"
        " WHERE conrelid = '\"def hotel\".def_stays'::regclass AND contype <> 'n' ORDER BY conname"
    )
    assert [row["d"].replace('"def hotel".', "") for row in found] == [
        "def_stays_before_fkey: FOREIGN KEY (before) REFERENCES def_stays(id) DEFERRABLE INITIALLY DEFERRED",
        "def_stays_check: CHECK ((house > 0))",
        "def_stays_guest_excl: EXCLUDE USING btree (guest WITH =) WHERE ((house > 7))",
        "def_stays_guest_house_number_key: UNIQUE (guest, house) INCLUDE (number)",
        "def_stays_house_number_fkey: FOREIGN KEY (house, number) REFERENCES def_rooms(house, number)"
        " MATCH FULL ON DELETE CASCADE",
        "def_stays_int8range_during_excl: EXCLUDE USING gist (int8range(house, number) WITH &&, during WITH &&)",
        "def_stays_number_key: UNIQUE (number) DEFERRABLE",
        "def_stays_pkey: PRIMARY KEY (id)",
        "has a guest: CHECK ((guest <> ''::text))",
    ]
    found = await db.fetch(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'def_stays' AND indexname LIKE '%idx' ORDER BY indexname"
    )
    assert [row[0].partition(" USING ")[2] for row in found] == [
        'btree (id DESC, guest COLLATE "C" text_pattern_ops NULLS FIRST) INCLUDE (house)',
        "btree (lower(guest), ((number + 1))) WHERE (number IS NOT NULL)",
        "gin (tags jsonb_path_ops) WITH (fastupdate=off)",
    ]
    comments = await db.fetch_row(
        "SELECT obj_description(c), col_description(c, 2) FROM (SELECT '\"def hotel\".def_rooms'::regclass AS c) t"
    )
    assert comments is not None and tuple(comments) == ("Where guests sleep", "on the door")
    await pg.drop_all([Room, Stay], db=db)
    left = await db.fetch_val("SELECT count(*) FROM pg_type WHERE typname IN ('mood', 'def_stays', 'def_rooms')")
    assert left == 0
    await db.execute('DROP SCHEMA "def hotel"')


async def test_generated_numbered_and_enum_columns_read_and_write(db: pg.Database) -> None:
    await pg.create_all([Stay, Room], db=db)
    room = await pg.insert_one(Room(house=1, number=2, beds=3))
    assert (room.guests, room.mood) == (6, Mood.FINE)
    room.beds = 4
    await room.save()
    await room.refresh()
    assert room.guests == 8
    first = await pg.insert_one(Stay(guest="ann", house=1, number=2))
    second = await pg.insert_one(Stay(guest="bob"))
    assert (first.id, second.id) == (100, 110)
    assert await Room.count(Room.mood == Mood.FINE) == 1
    with pytest.raises(IntegrityError):
        await Stay.insert_one({"guest": "cy", "house": 1})  # MATCH FULL: all or none
    with pytest.raises(TypeError, match="init=False"):
        Room(house=1, number=3, beds=1, guests=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert await Room.insert_many([Room(house=2, number=n, beds=n) for n in range(3)]) == 3
    assert await Room.count(Room.guests == 4) == 1
    await pg.drop_all([Room, Stay], db=db)
    await db.execute('DROP SCHEMA "def hotel"')


async def test_deferred_keys_wait_for_the_end_of_the_transaction(db: pg.Database) -> None:
    await pg.create_all([Stay, Room], db=db)
    async with db.transaction() as tx:
        late = await pg.insert_one(Stay(guest="late", before=9), db=tx)
        await Stay.update_many(Stay.id == late.id, {"before": None}, db=tx)
    with pytest.raises(IntegrityError):
        async with db.transaction() as tx:
            await pg.insert_one(Stay(guest="never", before=9), db=tx)
    assert await Stay.count() == 1
    await pg.drop_all([Room, Stay], db=db)
    await db.execute('DROP SCHEMA "def hotel"')


class Based(
    Table, abstract=True, naming={"pk": "pk_{table}", "ix": "ix_{table}_{columns}", "fk": "fk_{table}_{target}"}
):
    id: Col[int] = Column(primary_key=True, init=False)
    __table_args__ = (Check("id > 0"),)


class Named(Based, table="def_named"):
    code: Col[str] = Column(index=True)
    other_id: Col[int | None] = Column(foreign_key="def_named.id", default=None)
    __table_args__ = Unique("code")


async def test_a_naming_convention_and_arguments_come_from_the_base(db: pg.Database) -> None:
    await pg.create_all([Named], db=db)
    names = await db.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'def_named'::regclass AND contype <> 'n'"
        " UNION SELECT indexname FROM pg_indexes WHERE tablename = 'def_named' ORDER BY 1"
    )
    assert [row[0] for row in names] == [
        "def_named_check",
        "def_named_code_key",
        "fk_def_named_def_named",
        "ix_def_named_code",
        "pk_def_named",
    ]
    await pg.drop_all([Named], db=db)


async def test_the_primary_key_may_stand_in_the_arguments(db: pg.Database) -> None:
    class Pair(Table, table="def_pairs"):
        right: Col[int]
        left: Col[int]
        __table_args__ = (PrimaryKey("left", "right", name="both"),)

    await pg.create_all([Pair], db=db)
    assert await db.fetch_val("SELECT indexdef FROM pg_indexes WHERE indexname = 'both'") == (
        'CREATE UNIQUE INDEX "both" ON public.def_pairs USING btree ("left", "right")'
    )
    pair = await pg.insert_one(Pair(left=1, right=2))
    await pair.delete()
    await pg.drop_all([Pair], db=db)


class Stamped:
    """A mixin that is no table."""

    __slots__ = ()
    created: Col[str] = Column(server_default="'now'", init=False)


class Signed(Stamped):
    signature: Col[str | None] = None


async def test_plain_classes_pass_their_columns_on(db: pg.Database) -> None:
    class One(Stamped, Table, table="def_one"):
        id: Col[int] = Column(primary_key=True)

    class Two(Signed, Table, table="def_two"):
        id: Col[int] = Column(primary_key=True)
        created: Col[str | None] = Column(default=None)  # in place of the mixin's

    await pg.create_all([One, Two], db=db)
    one = await pg.insert_one(One(id=1))
    two = await pg.insert_one(Two(id=1, signature="x"))
    assert one.created == "now" and two.created is None and two.signature == "x"
    assert await One.count(One.created == "now") == 1
    with pytest.raises(AttributeError):
        one.anything = 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    await pg.drop_all([One, Two], db=db)


def test_what_cannot_be_meant_is_refused() -> None:
    def declare(args: Any = (), **options: Any) -> Any:
        namespace = {
            "__annotations__": {"a": int, "b": int},
            "__module__": __name__,
            "a": Column(**options),
            "__table_args__": args,
        }
        return type(Table)("Bad", (Table,), namespace, table="def_bad")

    for args, why in [
        ((Unique("c"),), "does not have"),
        ((Index(),), "names no column"),
        ((PrimaryKey("a"), PrimaryKey("b")), "two primary keys"),
        ((ForeignKeyConstraint(["a"], "t(x, y)"),), "unequal numbers"),
        ((ForeignKeyConstraint(["a"], "pg_class(oid)"),), "system catalogs"),
        ((Exclude(("a", "= b")),), "is no operator"),
        ((Check("a > 0); DROP TABLE x; --"),), "SQL expression"),
        ((Index("a", where="1; x"),), "SQL expression"),
        ((Index("a", using='gin"; x'), Index("a", name="")), "is empty"),
        (("a",), "it takes Check"),
    ]:
        with pytest.raises((Error, TypeError), match=why):
            declare(args)
    for options, why in [
        ({"generated": "b", "default": 1}, "takes no value"),
        ({"generated": "b", "server_default": "1"}, "keep one"),
        ({"deferrable": True}, "need a foreign_key"),
        ({"identity": "sometimes"}, "is unknown"),
    ]:
        with pytest.raises((Error, TypeError), match=why):
            declare(**options)
    with pytest.raises(TypeError, match="ForeignKeyConstraint"):
        ForeignKeyConstraint(["a"], "users")
    with pytest.raises(Error, match="naming convention"):
        type(Table)("Bad", (Table,), {"__annotations__": {"a": int}}, table="t", naming={"zz": ""})
