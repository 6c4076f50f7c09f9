"""Behaviours of every front: COPY where it has no place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data_bridge.postgres import errors

from .fronts import on_every_front, scratch

if TYPE_CHECKING:
    from .fronts import Asyncio


@on_every_front
async def test_copy_in_a_statement_is_refused_before_it_is_sent(front: Asyncio) -> None:
    async with front.open(pool_max=1) as db, scratch(db, "a int") as table:
        for sql, instead in (
            (f"COPY {table} FROM STDIN", "insert_many"),
            (f"copy {table} (a) from stdin (format csv)", "insert_many"),
            (f"COPY {table} TO STDOUT", "run the query itself"),
            (f"/* all */ COPY (SELECT * FROM {table}) TO STDOUT", "run the query itself"),
        ):
            for verb in (db.execute, db.fetch, db.fetch_row):
                with pytest.raises(errors.InterfaceError, match=instead) as raised:
                    await verb(sql)
                assert raised.value.outcome == "not_sent"
            async with db.transaction() as tx:
                with pytest.raises(errors.InterfaceError):
                    await tx.execute(sql)
                # The transaction is not harmed.
                assert await tx.fetch_val("SELECT 7") == 7
        assert await db.fetch_val("SELECT 'COPY t FROM STDIN'") == "COPY t FROM STDIN"
