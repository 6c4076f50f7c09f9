"""Names of every kind, whatever they hold, are names to the server: columns, schemas, types, labels, constraints, indexes."""

from __future__ import annotations

import enum
import unicodedata
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Check, Column, Index, Table, Unique
from data_bridge.postgres.errors import Error

from .models import User
from .test_injection import NAMES, REFUSED

SYSTEM_COLUMNS = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]


def declare(options: dict[str, Any] | None = None, args: Any = (), **columns: Any) -> Any:
    body: dict[str, Any] = {
        "__annotations__": {"id": int, **dict.fromkeys(columns, str | None)},
        "__module__": __name__,
        "id": Column(primary_key=True),
        "__table_args__": args,
        **columns,
    }
    return type(Table)("Hostile", (Table,), body, **{"table": "name_test", **(options or {})})


@pytest.mark.parametrize("name", [name for name in NAMES if name != "oid"])
async def test_a_column_of_any_name(db: pg.Database, name: str) -> None:
    hostile = declare(odd=Column(name=name, default=None, unique=True, index=True, comment=name, collation="C"))
    await pg.drop_all([hostile])
    await pg.create_all([hostile])
    try:
        row = await pg.insert_one(hostile(id=1, odd="one"))
        row.odd = "two"
        await row.save()
        assert await hostile.update_many(hostile.odd == "two", {name: "three"}) == 1
        await hostile.upsert_one({"id": 2, "odd": "four"}, conflict_columns=[name], update_columns=["id"])
        await hostile.upsert_many([{"id": 3, "odd": "four"}], conflict_columns=[name])
        assert await hostile.insert_many([{"id": number, "odd": str(number)} for number in (5, 6)]) == 2
        rows = await hostile.select().order_by(hostile.odd)
        assert [one.odd for one in rows] == ["5", "6", "four", "three"]
        assert await pg.select(hostile.odd).where(hostile.odd.in_(["5", "x"])).scalars() == ["5"]
        assert [one.odd for one in await hostile.fetch_many(order_by="-" + name, limit=1)] == ["three"]
        stored = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'name_test'::regclass AND attname = $1"
        assert await db.fetch_val(stored, name) == 1
    finally:
        await pg.drop_all([hostile])
    assert await User.count() == 0


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("pg_")])
async def test_schemas_types_labels_constraints_and_aliases_of_any_name(db: pg.Database, name: str) -> None:
    # Names of constraints and indexes share their space with tables, so each gets a letter of its own where it fits.
    named = name[:-1] if len(name.encode()) > 60 else name

    class Label(enum.Enum):
        __sql_name__ = '"' + name.replace('"', '""') + '"'
        ODD = name
        PLAIN = "plain"

    options = {"schema": "name " + named[:25]}
    body: dict[str, Any] = {
        "__annotations__": {"id": int, "label": Label},
        "__module__": __name__,
        "id": Column(primary_key=True),
        "label": Column(default=Label.ODD),
        "__table_args__": (
            Check("id > 0", name=named + "c"),
            Unique("label", name=named + "u"),
            Index("id", name=named + "i"),
        ),
    }
    hostile: Any = type(Table)("Hostile", (Table,), body, table="name_test", **options)
    quoted = '"' + options["schema"].replace('"', '""') + '"'
    try:
        for _ in range(2):  # The second time it is asked for in the catalogs.
            await pg.create_all([hostile])
        assert (await pg.insert_one(hostile(id=1))).label is Label.ODD
        with pytest.raises(pg.Error) as caught:
            await pg.insert_one(hostile(id=-1, label=Label.PLAIN))
        assert getattr(caught.value, "constraint_name", None) == named + "c"
        other = pg.alias(hostile, named)
        assert await pg.select(other.id).where(other.label == Label.ODD).scalars() == [1]
        counted = pg.select(hostile.id.label(named)).subquery(named + "s")
        assert await pg.select(counted.c[named]).select_from(counted).scalars() == [1]
        assert await db.fetch_val("SELECT count(*) FROM pg_enum WHERE enumlabel = $1", name) == 1
        await pg.drop_all([hostile])
        assert await db.fetch_val("SELECT count(*) FROM pg_enum WHERE enumlabel = $1", name) == 0
    finally:
        await db.execute(f"DROP SCHEMA IF EXISTS {quoted} CASCADE")


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_the_server_would_refuse_or_change_are_refused_everywhere(name: str) -> None:
    for build in (
        lambda: declare(odd=Column(name=name or "\0")),
        lambda: declare({"table": name}),
        lambda: declare({"schema": name or "\0"}),
        lambda: declare(odd=Column(renamed_from=name)),
        lambda: declare(args=(Check("id > 0", name=name),)),
        lambda: declare(args=(Index("id", name=name),)),
        lambda: declare(args=(Index("id", using=name),)),
        lambda: declare(odd=Column(collation=name)),
        lambda: declare(odd=Column(foreign_key=f"{name}.id")),
        lambda: pg.alias(User, name),
    ):
        with pytest.raises(Error):
            build()


@pytest.mark.parametrize("name", SYSTEM_COLUMNS)
def test_names_of_system_columns_are_refused(name: str) -> None:
    with pytest.raises(Error, match="system column"):
        declare(odd=Column(name=name))


def test_half_of_a_character_is_no_name() -> None:
    for build in (lambda: declare(odd=Column(name="a\ud800")), lambda: declare({"table": "a\ud800"})):
        with pytest.raises((Error, UnicodeEncodeError, TypeError)):
            build()


async def test_long_names_never_meet_by_being_cut(db: pg.Database) -> None:
    # The server would keep 63 bytes of each, and then they would be one.
    for name in ("x" * 63 + "a", "x" * 63 + "b", "é" * 31 + "xy"):
        with pytest.raises(Error, match="63 bytes"):
            declare({"table": name})
    # Names that follow from others are cut here, and stay apart.
    long = declare(
        {"table": "t" * 60}, first=Column(unique=True, name="c" * 60), second=Column(unique=True, name="c" * 61)
    )
    await pg.create_all([long])
    assert (
        await db.fetch_val(
            "SELECT count(*) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'u'", "t" * 60
        )
        == 2
    )
    await pg.drop_all([long])


@pytest.mark.parametrize("name", ["é", "ﬁ", "Ａ", "①", "ſ", "K", "가"])  # noqa: RUF001
async def test_names_are_not_normalised(db: pg.Database, name: str) -> None:
    forms = {name} | {unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    columns = {f"c{number}": Column(name=form, default=None) for number, form in enumerate(sorted(forms))}
    if any(form in ("ctid", "id") for form in forms):
        pytest.fail("a form of this name has a meaning of its own")
    table = declare(**columns)
    await pg.drop_all([table])
    await pg.create_all([table])
    await pg.insert_one(table(id=1, **{attribute: attribute for attribute in columns}))
    row = await table.fetch_one(table.id == 1)
    assert [getattr(row, attribute) for attribute in columns] == list(columns)
    found = await db.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'name_test'::regclass AND attnum > 1 ORDER BY attnum"
    )
    assert [record[0] for record in found] == sorted(forms)
    await pg.drop_all([table])
