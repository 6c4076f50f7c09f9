"""Every verb of tables ends in time, on both fronts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from behaviours.fronts import settled

import data_bridge.postgres as pg
from data_bridge.postgres.errors import InterfaceError, QueryTimeout

from .models import Company

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("db")

ROW = {"code": "x", "name": "X"}
KEY = ["code"]
VERBS: dict[str, Callable[..., Any]] = {
    "fetch_one": lambda **options: Company.fetch_one(**options),
    "fetch_many": lambda **options: Company.fetch_many(**options),
    "count": lambda **options: Company.count(**options),
    "exists": lambda **options: Company.exists(**options),
    "insert_one": lambda **options: Company.insert_one(ROW, **options),
    "insert_many": lambda **options: Company.insert_many([ROW], **options),
    "insert_many by COPY": lambda **options: Company.insert_many([ROW] * 2_000, **options),
    "upsert_one": lambda **options: Company.upsert_one(ROW, conflict_columns=KEY, **options),
    "upsert_many": lambda **options: Company.upsert_many([ROW], conflict_columns=KEY, **options),
    "update_many": lambda **options: Company.update_many(True, {"name": "Y"}, **options),
    "delete_many": lambda **options: Company.delete_many(True, **options),
    "insert_one by name": lambda **options: pg.insert_one("public.orm_companies", ROW, **options),
    "upsert_one by name": lambda **options: pg.upsert_one("public.orm_companies", ROW, conflict_columns=KEY, **options),
}


async def ends_in_time(url: str, call: Callable[..., Any]) -> None:
    """Makes a call on a table that is locked, on both fronts."""
    async with await pg.connect(url, pool_max=1) as other, await pg.connect(url, pool_max=1) as db:
        async with other.transaction() as tx:
            await tx.execute("LOCK TABLE orm_companies")
            with pytest.raises(QueryTimeout):
                await call(db=db, timeout=0.05)
            # It ends behind the caller's back.
            await settled(db)
            with pg.connect_sync(url, pool_max=1) as blocking, pytest.raises(QueryTimeout):
                call(db=blocking, timeout=0.05)
        with pytest.raises(InterfaceError, match="number of seconds"):
            await call(db=db, timeout=float("nan"))


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_ends_in_time(url: str, verb: str) -> None:
    await ends_in_time(url, VERBS[verb])
    assert await Company.count() == 0


LAST: dict[str, Callable[..., Any]] = {
    name: getattr(Company.select(), name) for name in ("all", "first", "one", "one_or_none", "count", "exists")
}
LAST["explain"] = lambda **options: Company.select().explain(analyze=True, **options)


@pytest.mark.parametrize("method", LAST)
async def test_a_query_ends_in_time(url: str, method: str) -> None:
    await ends_in_time(url, LAST[method])


async def test_a_stream_ends_in_time(url: str) -> None:
    async with (
        await pg.connect(url, pool_max=1) as other,
        await pg.connect(url, pool_max=1) as db,
        other.transaction() as tx,
    ):
        await tx.execute("LOCK TABLE orm_companies")
        with pytest.raises(QueryTimeout):
            async for _ in Company.select().stream(db=db, timeout=0.05):
                pass
