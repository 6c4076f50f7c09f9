"""Nothing that a program is given can become SQL: names, values, conditions."""

from __future__ import annotations

from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Column, Table
from data_bridge.postgres.errors import Error

from .models import User

# Each is stored as it is, whatever it looks like.
NAMES = [
    "users", "Users", "select", "user", "order", "a b", "a.b", 'a"b', '"', "a\\b", "a'b", "a;drop table x;--", "a--b", "/*x*/",
    "$1", "1abc", "a\nb", "é", "e\u0301", "\uff35\uff33\uff25\uff32",
    "a\u200bb", "a\u202eb", "😀", "\ufeffa", "\u212a", "pg_catalog", "%s", "{}",
    'U&"\\0041"', "x" * 63, "ÿ" * 31, "'; DROP TABLE orm_users; --", '"; DROP TABLE orm_users; --', "a\tb", "a\rb", "NULL", "*",
    "a,b", "a)b", "(", "::text", "@", "#", "`", "~", "oid", "\\x00", "--", "E'\\''", "%(x)s", ":x", "?",
]  # fmt: skip
REFUSED = ["", "a\0b", "x" * 64, "é" * 32]
TEXTS = [
    "'; DROP TABLE orm_users; --",
    "\\",
    "\\'",
    "$1",
    "%s",
    "%%",
    "'' OR 1=1",
    "\n",
    "\u202e",
    "😀",
    "{}",
    "--",
    "/*",
    '"',
    "a" * 5_000,
]


def table_of(name: str, column: str) -> type[Table]:
    body: dict[str, Any] = {
        "__annotations__": {"id": int, column: str | None},
        "__module__": __name__,
        "id": Column(primary_key=True),
        column: Column(default=None, unique=True, index=True, comment=name),
    }
    return type(Table)("Hostile", (Table,), body, table=name)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("users",)])
async def test_a_table_of_any_name(db: pg.Database, name: str) -> None:
    hostile = table_of(name, "plain")
    await pg.create_all([hostile])
    try:
        await hostile.insert_one({"id": 1, "plain": name})
        await hostile.upsert_one({"id": 1, "plain": name + "!"}, conflict_columns=["id"])
        row = await hostile.fetch_one(hostile.__dict__["plain"] == name + "!")
        assert row is not None
        assert row["plain"] == name + "!"
        assert (
            await db.fetch_val(
                "SELECT count(*) FROM pg_class WHERE relname = $1 AND relkind = 'r'",
                name,
            )
            == 1
        )
    finally:
        await pg.drop_all([hostile])
    assert await User.count() == 0


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_the_server_would_refuse_or_change(name: str) -> None:
    with pytest.raises((Error, ValueError)):
        table_of(name, "plain")
    with pytest.raises((Error, ValueError, TypeError)):
        pg.upsert_one("orm_users", {"email": "x"}, conflict_columns=[name])


async def test_hostile_names_where_names_are_given_as_text(db: pg.Database) -> None:
    for name in NAMES:
        for call in (
            lambda name=name: pg.upsert_one("orm_users", {"email": "x"}, conflict_columns=[name]),
            lambda name=name: pg.upsert_one(
                "orm_users",
                {"email": "x"},
                conflict_columns=["email"],
                update_columns=[name],
            ),
            lambda name=name: User.insert_one({"email": "x", name: 1}),
            lambda name=name: User.update_many(True, {name: 1}),
            lambda name=name: User.fetch_many(order_by=name),
            lambda name=name: User.fetch_many(order_by=f"-{name}"),
            lambda name=name: User.fetch_many(fetch_links=[name]),
        ):
            with pytest.raises((Error, TypeError, ValueError, LookupError)):
                call()
    assert await User.count() == 0


@pytest.mark.parametrize("text", TEXTS)
async def test_values_stay_values(db: pg.Database, text: str) -> None:
    user = await User.insert_one(User(email="a@x.io", name=text))
    assert user.name == text
    for condition in (
        User.name == text,
        User.name.in_([text]),
        User.name.between(text, text),
        User.name <= text,
    ):
        assert await User.count(condition) == 1
    assert await User.count((User.name != text) | User.name.is_(None)) == 0
    assert await User.update_many(User.name == text, {"name": text + "!"}) == 1
    upserted = await User.upsert_one({"email": "a@x.io", "name": text}, conflict_columns=["email"])
    assert upserted.name == text
    assert await User.count(User.name.like(text.replace("\\", "\\\\").replace("%", "\\%"))) == 1
    assert await User.delete_many(User.name == text) == 1


async def test_names_that_differ_in_their_accents_only_are_two(db: pg.Database) -> None:
    composed, decomposed = table_of("é", "plain"), table_of("e\u0301", "plain")
    await pg.create_all([composed, decomposed])
    await composed.insert_one({"id": 1})
    assert (await composed.count(), await decomposed.count()) == (1, 0)
    await pg.drop_all([composed, decomposed])


def test_sql_in_models_stays_inside_its_brackets() -> None:
    for sql in [
        "1) OR (1=1",
        "true); DROP TABLE x; --",
        "1 -- ",
        "1 /* ",
        "'",
        '"',
        "E'\\'",
        "U&'\\0041'",
        "$$",
        "$1",
        "",
        "a\0b",
        "(",
        "]",
    ]:
        for options in ({"check": sql}, {"server_default": sql}):
            with pytest.raises(Error):
                type(Table)(
                    "Bad",
                    (Table,),
                    {
                        "__annotations__": {"id": int},
                        "__module__": __name__,
                        "id": Column(**options),
                    },  # type: ignore[arg-type]
                    table="orm_bad",
                )


@pytest.mark.parametrize(
    "target",
    [
        "pg_catalog.pg_class.oid",
        "information_schema.tables.x",
        "pg_class.oid",
        "users",
        "a.b.c.d",
        ".id",
        "users.",
        "users.ctid",
        "",
    ],
)
def test_foreign_keys_refuse_catalogs_and_nonsense(target: str) -> None:
    with pytest.raises(Error):
        type(Table)(
            "Bad",
            (Table,),
            {
                "__annotations__": {"x_id": int},
                "__module__": __name__,
                "x_id": Column(foreign_key=target),
            },
            table="orm_bad",
        )
