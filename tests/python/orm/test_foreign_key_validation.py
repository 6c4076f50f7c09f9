"""What ``foreign_key`` takes: a table and a column, whatever their names hold, but no system catalog and nothing more.

Whether they exist is the server's to say, when the table is made; whether a class is known, when the link is followed.
"""

from __future__ import annotations

from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Column, ForeignKeyConstraint, Table
from data_bridge.postgres.errors import Error, ProgrammingError


def referring(target: str | None = None, args: Any = (), **options: Any) -> Any:
    body: dict[str, Any] = {
        "__annotations__": {"id": int, "to_id": int | None},
        "__module__": __name__,
        "id": Column(primary_key=True),
        "to_id": Column(foreign_key=target, default=None, **options),
        "__table_args__": args,
    }
    return type(Table)("Referring", (Table,), body, table="fk_referring")


@pytest.mark.parametrize(
    "target",
    [
        "pg_class.oid",
        "pg_catalog.pg_class.oid",
        "pg_catalog.anything.id",
        "information_schema.tables.table_name",
        "pg_toast.pg_toast_1.chunk_id",
        "pg_temp.t.id",
        '"pg_class".oid',
        "pg_anything.id",
    ],
)
def test_system_catalogs_are_refused(target: str) -> None:
    with pytest.raises(Error, match="system catalogs"):
        referring(target)
    table, _, column = target.rpartition(".")
    with pytest.raises(Error, match="system catalogs"):
        referring(args=(ForeignKeyConstraint(["to_id"], f"{table}({column})"),))


@pytest.mark.parametrize(
    "target", ["users", "", ".", "a.", ".id", "a.b.c.d", "a..id", '"a.id', '"a"b.id', "a.\0", "a." + "x" * 64]
)
def test_what_is_no_reference_is_refused(target: str) -> None:
    with pytest.raises(Error):
        referring(target)


@pytest.mark.parametrize("column", ["ctid", "xmin", "tableoid"])
def test_system_columns_are_refused(column: str) -> None:
    with pytest.raises(Error, match="system column"):
        referring(f"users.{column}")


@pytest.mark.parametrize(
    "target",
    [
        "users; DROP TABLE orm_users; --.id",
        "users(id); DROP TABLE orm_users; --.id",
        "orm_users.id) ON DELETE CASCADE; DROP TABLE orm_users; --",
        'orm_users".id',
        "orm_users.id--",
        "orm_users.id/*",
        "orm_users.(SELECT 1)",
        "orm_users .id",
        "orm_users. id",
        "ORM_USERS.id",
        "'orm_users'.id",
        "$1.id",
        "orm_users.id\n",
    ],
)
async def test_injected_sql_is_a_name_that_does_not_exist(db: pg.Database, target: str) -> None:
    table = referring(target)
    with pytest.raises(ProgrammingError, match="does not exist"):
        await pg.create_all([table])
    assert await db.fetch_val("SELECT to_regclass('orm_users') IS NOT NULL AND to_regclass('fk_referring') IS NULL")


async def test_a_missing_table_is_named_by_the_server(db: pg.Database) -> None:
    with pytest.raises(ProgrammingError, match='"nobody" does not exist') as caught:
        await pg.create_all([referring("nobody.id")])
    assert caught.value.sqlstate == "42P01"


async def test_a_missing_column_is_named_by_the_server(db: pg.Database) -> None:
    with pytest.raises(ProgrammingError, match=r'"nothing".*does not exist'):
        await pg.create_all([referring("orm_users.nothing")])


async def test_a_column_that_is_no_key_is_refused_by_the_server(db: pg.Database) -> None:
    with pytest.raises(ProgrammingError, match="no unique constraint"):
        await pg.create_all([referring("orm_users.name")])


async def test_a_key_of_another_type_is_refused_by_the_server(db: pg.Database) -> None:
    with pytest.raises(ProgrammingError, match="cannot be implemented"):
        await pg.create_all([referring("orm_users.email")])


async def test_a_link_to_a_table_without_a_class_says_so_when_it_is_followed(db: pg.Database) -> None:
    await db.execute("DROP TABLE IF EXISTS fk_referring, fk_unknown")
    await db.execute("CREATE TABLE fk_unknown (id bigint PRIMARY KEY)")
    table = referring("fk_unknown.id")
    await pg.create_all([table])
    await db.execute("INSERT INTO fk_unknown VALUES (1)")
    row = await pg.insert_one(table(id=1, to_id=1))
    with pytest.raises(LookupError, match=r"fk_unknown.*define one"):
        await row.to.fetch()
    with pytest.raises(pg.errors.IntegrityError):
        await pg.insert_one(table(id=2, to_id=2))
    await db.execute("DROP TABLE fk_referring, fk_unknown")


@pytest.mark.parametrize("action", ["EXPLODE", "CASCADE; DROP TABLE x", "", "SET"])
def test_actions_are_words_of_a_list(action: str) -> None:
    for option in ("on_delete", "on_update"):
        if action:
            with pytest.raises(Error, match="no referential action"):
                referring("users.id", **{option: action})


@pytest.mark.parametrize("option", ["on_delete", "on_update", "strict", "deferrable"])
def test_what_belongs_to_a_foreign_key_needs_one(option: str) -> None:
    with pytest.raises(TypeError, match="foreign_key"):
        referring(None, **{option: "CASCADE" if option.startswith("on_") else True})
