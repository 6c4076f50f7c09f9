"""docs/orm/features.md names every feature once, and tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "orm" / "features.md"
COLUMNS = ["P", "feature", "spelling", "SQL", "test"]


def table() -> list[list[str]]:
    """The cells of the table's lines, head first."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    # A bar that stands for "or" is escaped within a cell.
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


HEAD, _, *ROWS = table()


def test_each_feature_has_one_row() -> None:
    assert HEAD == COLUMNS
    assert [row[0] for row in ROWS] == [f"P{number}" for number in range(1, 44)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_there_has_a_test_that_is_there(row: list[str]) -> None:
    assert len(row) == len(COLUMNS), "a bar inside a cell is written \\|"
    _, feature, spelling, _, tests = row
    assert feature
    if spelling == "not yet":
        assert not tests
        return
    named = re.findall(r"`([^`]+\.py)::(\w+)`", tests)
    assert named, "name its test: `test_file.py::test_name`, from tests/python/orm"
    for file, name in named:
        assert name in functions(HERE / file), f"{file} has no {name}"


def functions(path: Path) -> set[str]:
    """The names of the functions of a module; of none where there is no such file."""
    if not path.exists():
        return set()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)}
