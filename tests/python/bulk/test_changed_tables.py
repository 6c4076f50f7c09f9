"""Rows are encoded for the columns that the table has, not for those that it had when it was asked for them."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import data_bridge.postgres as pg

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    type Write = Callable[[Any, int, Decimal], Awaitable[Any]]

# What becomes of a cached plan is the server's to say.
pytestmark = pytest.mark.smoke

#: More digits than a float8 has.
EXACT = Decimal("0.12345678901234567890123456789")

WRITES: dict[str, Write] = {
    "insert": lambda to, key, value: to.insert_many("t", [(key, value)], ["id", "v"]),
    "insert_dicts": lambda to, key, value: to.insert_many("t", [{"id": key, "v": value}]),
    "insert_returning": lambda to, key, value: to.insert_many("t", [(key, value)], ["id", "v"], returning=["id"]),
    "upsert": lambda to, key, value: to.upsert_many("t", [{"id": key, "v": value}], conflict_columns=["id"]),
}


@pytest.fixture(params=WRITES.values(), ids=WRITES)
def write(request: pytest.FixtureRequest) -> Write:
    kind: Write = request.param
    return kind


async def written(holder: Any, key: int) -> Decimal:
    value: Decimal = await holder.fetch_val("SELECT v FROM t WHERE id = $1", key)
    return value


async def test_between_two_calls(db: pg.Database, write: Write) -> None:
    await db.execute("CREATE TABLE t (id int4 PRIMARY KEY, v float8)")
    # All connections get to know the table as it is.
    await asyncio.gather(*(write(db, key, Decimal("0.5")) for key in range(20)))
    await db.execute("ALTER TABLE t ALTER v TYPE numeric")
    await asyncio.gather(*(write(db, key, EXACT) for key in range(100, 120)))
    assert [await written(db, key) for key in range(100, 120)] == [EXACT] * 20
    await db.execute("DROP TABLE t")
    await db.execute("CREATE TABLE t (v text, id int8 PRIMARY KEY)")
    with pytest.raises(pg.errors.DataError):
        await write(db, 1, EXACT)
    await db.execute("ALTER TABLE t ALTER v TYPE numeric USING NULL")
    await write(db, 1, EXACT)
    assert await written(db, 1) == EXACT


async def test_within_a_transaction(db: pg.Database, write: Write) -> None:
    await db.execute("CREATE TABLE t (id int4 PRIMARY KEY, v float8)")
    await asyncio.gather(*(write(db, key, Decimal("0.5")) for key in range(20)))
    await db.execute("ALTER TABLE t ALTER v TYPE numeric")
    async with db.transaction() as tx:
        await write(tx, 100, EXACT)
        assert await written(tx, 100) == EXACT
        # By the transaction itself, too; and it is not ended by finding out.
        await tx.execute("ALTER TABLE t ALTER v TYPE float8")
        await write(tx, 101, Decimal("0.25"))
        await tx.execute("ALTER TABLE t ALTER v TYPE numeric")
        async with tx.transaction() as inner:
            await write(inner, 102, EXACT)
    assert [await written(db, key) for key in (101, 102)] == [Decimal("0.25"), EXACT]


async def test_on_a_connection(db: pg.Database, write: Write) -> None:
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE t (id int4 PRIMARY KEY, v float8)")
        await write(connection, 1, Decimal("0.5"))
        await connection.execute("ALTER TABLE t ALTER v TYPE numeric")
        await write(connection, 2, EXACT)
        assert await written(connection, 2) == EXACT
        # A transaction by hand is one, too.
        await connection.execute("ALTER TABLE t ALTER v TYPE float8")
        await connection.execute("BEGIN")
        await connection.execute("ALTER TABLE t ALTER v TYPE numeric")
        await write(connection, 3, EXACT)
        await connection.execute("COMMIT")
        assert await written(connection, 3) == EXACT


async def test_a_table_that_is_gone_says_so(db: pg.Database, write: Write) -> None:
    await db.execute("CREATE TABLE t (id int4 PRIMARY KEY, v float8)")
    await asyncio.gather(*(write(db, key, Decimal("0.5")) for key in range(20)))
    await db.execute("DROP TABLE t")
    with pytest.raises(pg.errors.UndefinedTableError):
        await write(db, 1, Decimal("0.5"))


@pytest.mark.parametrize("write", [WRITES["insert"], WRITES["insert_dicts"]])
async def test_writers_need_no_right_to_read(db: pg.Database, write: Write) -> None:
    await db.execute("CREATE TABLE t (id int4 PRIMARY KEY, v float8)")
    role = f"writer_{await db.fetch_val('SELECT pg_backend_pid()')}"
    async with db.connection() as connection:
        await connection.execute(f"CREATE ROLE {role}")
        try:
            await connection.execute(f"GRANT INSERT ON t TO {role}")
            schema = await connection.fetch_val("SELECT current_schema()")
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
            await connection.execute(f"SET ROLE {role}")
            for key in (1, 2):
                await write(connection, key, Decimal("0.5"))
            await connection.execute("RESET ROLE")
        finally:
            await connection.execute(f"DROP OWNED BY {role}")
            await connection.execute(f"DROP ROLE {role}")


async def test_with_few_statements_kept_or_none(url: str, db: pg.Database, write: Write) -> None:
    await db.execute("CREATE TABLE t (id int4 PRIMARY KEY, v float8)")
    schema = await db.fetch_val("SELECT current_schema()")
    for size in (0, 1, 2):
        await db.execute("TRUNCATE t")
        options = f"-c search_path={schema}"
        async with await pg.connect(url, pool_max=1, options=options, statement_cache=size) as other:
            await write(other, 1, Decimal("0.5"))
            await write(other, 2, Decimal("0.5"))
            await db.execute("ALTER TABLE t ALTER v TYPE numeric")
            await write(other, 3, EXACT)
            assert await written(other, 3) == EXACT
            await db.execute("ALTER TABLE t ALTER v TYPE float8")
