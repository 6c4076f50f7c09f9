"""The log names who holds a connection for long."""

from __future__ import annotations

import asyncio

import pytest

import data_bridge.postgres as pg


async def test_the_log_names_the_line_that_holds_a_connection(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with await pg.connect(url, pool_max=2, warn_held=0.1) as db:
        async with db.connection() as connection:
            await connection.fetch_val("SELECT 1")
        async with db.transaction() as tx:
            await tx.fetch_val("SELECT 1")
        assert not caplog.records
        async with db.transaction():
            await asyncio.sleep(0.3)
        (record,) = caplog.records
        assert "held for 0.1 seconds; it was taken at" in record.message
        assert "test_holding.py" in record.message
        assert "test_the_log_names_the_line" in record.message
