"""The staging tables that a connection keeps, and roles that may not make any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.smoke

STAGES = "SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relname LIKE 'data_bridge_stage%'"


async def test_a_connection_keeps_sixteen(db: pg.Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with db.connection() as connection:
        for number in [*range(40), 0, 39, 1]:
            await connection.execute(f"CREATE TABLE IF NOT EXISTS t{number} (id int PRIMARY KEY, v int)")
            for updated in (0, 1):
                await connection.execute(f"DELETE FROM t{number} WHERE {updated} = 0")
                result = await connection.upsert_many(
                    f"t{number}", [(1, number)], conflict_columns=["id"], method="stage"
                )
                assert (result.inserted, result.updated) == (1 - updated, updated)
            assert await connection.fetch_val(STAGES) <= 16
            if number == 20:
                await connection.execute("DISCARD TEMP")
    assert [record.message for record in caplog.records if "stage" in record.message] == []


@pytest.fixture
async def bare(url: str, db: pg.Database) -> AsyncIterator[pg.Database]:
    """A role without the right to make temporary tables."""
    schema = await db.fetch_val("SELECT current_schema()")
    await db.execute("CREATE TABLE stock (id int PRIMARY KEY, amount int)")
    role = f"role_{schema}"
    database = f"db_{schema}"
    await db.execute(f"CREATE ROLE {role}")
    await db.execute(f"CREATE DATABASE {database}")
    await db.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM public")
    try:
        async with await pg.connect(url, dbname=database, pool_max=1) as other:
            await other.execute("CREATE TABLE stock (id int PRIMARY KEY, amount int)")
            await other.execute("CREATE TABLE secret (id int PRIMARY KEY, amount int)")
            await other.execute(f"GRANT ALL ON stock TO {role}")
            async with await pg.connect(url, dbname=database, pool_max=2, options=f"-c role={role}") as limited:
                yield limited
            await other.execute(f"DROP OWNED BY {role}")
    finally:
        await db.execute(f"DROP DATABASE {database}")
        await db.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("count", [10, 4000])
async def test_without_the_right_to_make_one(bare: pg.Database, count: int) -> None:
    rows: list[tuple[Any, ...]] = [(n, n) for n in range(count)]
    for inserted in (count, 0):
        result = await bare.upsert_many("stock", rows, conflict_columns=["id"], columns=["id", "amount"])
        assert (result.inserted, result.updated) == (inserted, count - inserted)
    more = [(-n, n) for n in range(1, count)]
    assert len(await bare.insert_many("stock", more, ["id", "amount"], returning=["id"])) == count - 1
    async with bare.transaction() as tx:
        assert (await tx.upsert_many("stock", rows, conflict_columns=["id"], columns=["id", "amount"])).updated == count
    with pytest.raises(errors.InsufficientPrivilegeError):
        await bare.upsert_many("secret", rows, conflict_columns=["id"], columns=["id", "amount"])
    with pytest.raises(errors.InsufficientPrivilegeError):
        await bare.upsert_many("stock", rows, conflict_columns=["id"], columns=["id", "amount"], method="stage")
