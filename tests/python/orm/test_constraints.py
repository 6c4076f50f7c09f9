"""Errors of constraints say which it was, in fields."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Col, Column, Table
from data_bridge.postgres.errors import IntegrityError


class Seat(Table, table="constraint_seats"):
    id: Col[int] = Column(primary_key=True)
    code: Col[str] = Column(unique=True, check="code <> ''")
    next_id: Col[int | None] = Column(foreign_key="constraint_seats.id", default=None)


@pytest.fixture
async def db(url: str) -> AsyncIterator[pg.Database]:
    async with await pg.connect(url, pool_max=1) as database:
        await pg.drop_all([Seat])
        await pg.create_all([Seat])
        await Seat.insert_one({"id": 1, "code": "a"})
        yield database
        await pg.drop_all([Seat])


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("row", "sqlstate", "constraint", "columns"),
    [
        ({"id": 2, "code": "a"}, "23505", "constraint_seats_code_key", ("code",)),
        ({"id": 1, "code": "b"}, "23505", "constraint_seats_pkey", ("id",)),
        ({"id": 2, "code": "b", "next_id": 9}, "23503", "constraint_seats_next_id_fkey", ("next_id",)),
        ({"id": 2, "code": ""}, "23514", "constraint_seats_code_check", ()),
        ({"id": 2, "code": None}, "23502", None, ("code",)),
    ],
)
async def test_constraint_columns_and_sqlstate(
    db: pg.Database, row: dict[str, object], sqlstate: str, constraint: str | None, columns: tuple[str, ...]
) -> None:
    with pytest.raises(IntegrityError) as raised:
        await Seat.insert_one(row)
    error = raised.value
    assert (error.sqlstate, error.constraint, error.columns) == (sqlstate, constraint, columns)
    assert error.table_name == "constraint_seats"
    assert await db.fetch_val("SELECT 1") == 1


def test_columns_of_several_and_of_none() -> None:
    assert IntegrityError(detail='Key (shop, "Item no")=(1, 2) already exists.').columns == ("shop", "Item no")
    assert IntegrityError(detail="Key (lower(email))=(x) already exists.").columns == ("lower(email)",)
    assert IntegrityError().columns == ()
