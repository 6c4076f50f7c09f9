"""The examples of the README, the manual and the docstrings run as they stand."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres.orm import _registry

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# That page shows files of a project with tests; test_testing_plugin.py runs them.
ELSEWHERE = {ROOT / "docs" / "testing.md"}
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if page not in ELSEWHERE and BLOCK.search(page.read_text())
]

# Code for other packages, in tabs: it is not run, but it is Python.
FOREIGN = re.compile(r"^    ```python\n(.*?)^    ```$", re.DOTALL | re.MULTILINE)

# What the examples take for granted.
TABLES = """
    CREATE TABLE users (id bigint PRIMARY KEY, name text);
    CREATE TABLE flights (id bigint PRIMARY KEY, carrier text)
"""
FLIGHTS = [{"id": number, "carrier": "UA"} for number in range(3)]


@pytest.fixture
async def own_url(url: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A database of its own, so that examples can name tables as they like."""
    async with await pg.connect(url, pool_max=1) as db:
        await db.execute("DROP DATABASE IF EXISTS examples WITH (FORCE)")
        await db.execute("CREATE DATABASE examples")
        yield url.rpartition("/")[0] + "/examples"
        await db.execute("DROP DATABASE examples WITH (FORCE)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
async def test_the_blocks_of_a_page_run_one_after_another(
    page: Path, own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # create_all() is to know the classes of this page alone.
    for known in ("_classes", "_every"):
        monkeypatch.setattr(_registry, known, WeakValueDictionary())
    async with await pg.connect(own_url) as db:
        if "CREATE TABLE" not in page.read_text() and "(Table" not in page.read_text():
            for statement in TABLES.split(";"):
                await db.execute(statement)
        # A module, where pickle and dataclasses find the classes of the page.
        module = ModuleType("examples")
        monkeypatch.setitem(sys.modules, "examples", module)
        names = vars(module)
        names.update({"pg": pg, "db": db, "db_url": own_url, "flights": FLIGHTS})
        text = page.read_text()
        for block in BLOCK.finditer(text):
            # As many empty lines as there are before it, so that tracebacks name the page's lines.
            above = "\n" * text.count("\n", 0, block.start(1))
            await run(above + block[1].replace("postgresql://localhost/app", own_url), names, page)
        if (opened := names["db"]) is not db:
            await opened.close()


def test_code_for_other_packages_is_python() -> None:
    page = (ROOT / "docs" / "coming-from.md").read_text()
    blocks = FOREIGN.findall(page)
    assert len(blocks) > 100
    for block in blocks:
        compile(textwrap.dedent(block), block, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    for number in range(1, 44):
        section = re.search(rf"^## P{number}: .*?(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
        assert section is not None, number
        assert all(f'=== "{other}"' in section[0] for other in ("SQLAlchemy", "Django", "Tortoise")), number


async def run(block: str, names: dict[str, Any], page: Path) -> None:
    """Run code that may await at its top level."""
    code = compile(block, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        await result


def modules() -> list[ModuleType]:
    package = importlib.import_module("data_bridge")
    found = pkgutil.walk_packages(package.__path__, "data_bridge.")
    return [importlib.import_module(each.name) for each in found if not each.name.endswith("_native")]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_docstrings_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
