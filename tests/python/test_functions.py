"""The module-level functions: on the database that was opened last, or the one that ``db=`` names."""

from __future__ import annotations

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors


@pytest.mark.smoke
async def test_the_default_database(url: str) -> None:
    async with await pg.connect(url, pool_max=1) as db:
        await pg.execute("CREATE TEMPORARY TABLE things (id int, name text)")
        assert await pg.execute("INSERT INTO things VALUES ($1, $2)", [1, "one"]) == 1
        assert await pg.execute_many("INSERT INTO things VALUES ($1, $2)", [(2, "two"), (3, None)]) == 2
        assert await pg.insert_many("things", [{"id": 4, "name": "four"}]) == 1
        rows = await pg.execute("SELECT id FROM things WHERE name = $1", ["two"])
        assert isinstance(rows, list)
        assert [tuple(row) for row in rows] == [(2,)]
        assert await pg.execute("SELECT 1 WHERE false") == []
        bare = await pg.execute("SELECT FROM things")
        assert isinstance(bare, list), "rows without columns are rows"
        assert [tuple(row) for row in bare] == [()] * 4
        assert len(await pg.fetch("SELECT * FROM things WHERE id > $1", 1)) == 3
        row = await pg.fetch_row("SELECT * FROM things WHERE id = $1", 1)
        assert row is not None
        assert row.name == "one"
        assert await pg.fetch_val("SELECT id, name FROM things WHERE id = $1", 4, column=1) == "four"
        assert await pg.fetch_val("SELECT count(*) FROM things", db=db) == 4


async def test_the_last_one_that_is_open(url: str) -> None:
    async with await pg.connect(url, application_name="first"):
        async with await pg.connect(url, application_name="second") as second:
            assert await pg.fetch_val("SHOW application_name") == "second"
            async with second.transaction() as tx:
                assert await pg.fetch_val("SHOW application_name", db=tx) == "second"
        assert await pg.fetch_val("SHOW application_name") == "first"


def test_a_blocking_database_answers_at_once(url: str) -> None:
    with pg.connect_sync(url, pool_max=1) as db:
        assert pg.fetch_val("SELECT 1", db=db) == 1
        assert pg.execute("SELECT 1 AS one", db=db)[0].one == 1  # type: ignore[index]
        assert pg.execute("SET application_name = 'x'", db=db) == 0


async def test_none_is_open() -> None:
    with pytest.raises(errors.InterfaceError, match="no database is open"):
        await pg.execute("SELECT 1")
