"""The SQL that the page of queries shows below its examples is what they become."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import data_bridge.postgres as pg

PAGE = Path(__file__).resolve().parents[3] / "docs" / "orm" / "queries.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```sql\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


@pytest.fixture
async def cookbook(url: str) -> AsyncIterator[pg.Database]:
    """A database of its own, since the page's tables are called ``users`` and ``posts``."""
    async with await pg.connect(url, pool_max=1) as db:
        await db.execute("DROP DATABASE IF EXISTS cookbook WITH (FORCE)")
        await db.execute("CREATE DATABASE cookbook")
        async with await pg.connect(url.rpartition("/")[0] + "/cookbook") as own:
            yield own
        await db.execute("DROP DATABASE cookbook WITH (FORCE)")


def words(sql: str) -> str:
    return " ".join(sql.replace('"', "").split())


async def test_the_sql_of_the_page(cookbook: pg.Database) -> None:
    names: dict[str, Any] = {"pg": pg, "db": cookbook, "__name__": "examples"}
    shown = 0
    for code, sql in EXAMPLE.findall(PAGE.read_text()):
        names.pop("query", None)
        result = eval(compile(code, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(result):
            await result
        if sql:
            assert words(names["query"].sql()) == words(sql)
            shown += 1
    assert shown > 25
