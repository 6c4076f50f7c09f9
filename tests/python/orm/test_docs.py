"""docs/orm.md does what it says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import data_bridge.postgres as pg

PAGE = Path(__file__).parents[3] / "docs" / "orm.md"


async def test_every_example_of_the_page_runs(url: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 6
    declarations, *steps = blocks
    world: dict[str, Any] = {"__name__": "page"}
    exec(declarations, world)
    body = textwrap.indent("\n".join(steps), "    ")
    exec(f"async def page(db, db_url):\n{body}", world)
    async with await pg.connect(url) as db:
        tables = [world["User"], world["Post"]]
        await pg.drop_all(tables)
        try:
            await world["page"](db, url)
        finally:
            await pg.drop_all(tables)
