"""The sample application runs, with the number of queries that it promises. Both type checkers accept it, and the questions to
Sakila, as strictly as they can."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import data_bridge
import data_bridge.postgres as pg

from .checkers import needs

SAMPLE = Path(__file__).with_name("sample.py")
TYPED = [SAMPLE, *(SAMPLE.parent / "sakila" / f"{name}.py" for name in ("models", "data", "test_questions"))]
PACKAGE = Path(data_bridge.__file__).parent.parent
NAME = f"data_bridge_sample_{os.getpid()}"


@pytest.fixture
def own_url(url: str) -> Iterator[str]:
    """A database of its own: the sample's tables have the names that everybody's tables have."""
    with pg.connect_sync(url, pool_max=1) as admin:
        admin.execute(f"CREATE DATABASE {NAME}")
        yield url.rpartition("/")[0] + f"/{NAME}"
        admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.mark.smoke
async def test_it_runs(own_url: str) -> None:
    from . import sample

    async with await pg.connect(own_url, pool_max=20) as db:
        await sample.main(db)


def test_mypy_accepts_it() -> None:
    needs("mypy")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-version=3.12",
        "--no-error-summary",
        *map(str, TYPED),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PACKAGE)
    assert not said.stdout + said.stderr


def test_pyright_accepts_it(tmp_path: Path) -> None:
    needs("pyright")
    for path in TYPED:
        shutil.copy(path, tmp_path)
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.12",
        "extraPaths": [str(PACKAGE)],
        "include": ["*.py"],
    }
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--outputjson",
        "--project",
        str(project),
        "--pythonpath",
        sys.executable,
    ]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert said["summary"]["filesAnalyzed"] == len(TYPED)
    assert not said["generalDiagnostics"]
