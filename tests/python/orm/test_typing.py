"""mypy and pyright in strict mode accept the sample, and refuse each line of it that is marked as wrong."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import data_bridge

SAMPLE = Path(__file__).with_name("typed_sample.py")
PACKAGE = Path(data_bridge.__file__).parent.parent
WRONG = {number for number, line in enumerate(SAMPLE.read_text().splitlines(), 1) if line.endswith("# wrong")}


def needs(checker: str) -> None:
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed (it is in the extra `lint`)")


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command, str(SAMPLE)], capture_output=True, text=True, check=False, cwd=PACKAGE
    )
    assert not done.stderr.strip(), done.stderr
    return done.stdout


def test_mypy() -> None:
    needs("mypy")
    said = run(
        "mypy", "--strict", "--python-version=3.12", "--no-error-summary", "--disable-error-code=unused-coroutine"
    )
    found = {int(line) for line in re.findall(r"typed_sample.py:(\d+): error", said)}
    assert found == WRONG, said


def test_pyright(tmp_path: Path) -> None:
    needs("pyright")
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.12",
        "extraPaths": [str(PACKAGE)],
        "include": [SAMPLE.name],
        # The lines that are wrong are statements for their own sake.
        "reportUnusedExpression": False,
        "reportUnusedCoroutine": False,
    }
    shutil.copy(SAMPLE, tmp_path)
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--project", str(project)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(done.stdout)["generalDiagnostics"]
    found = {each["range"]["start"]["line"] + 1 for each in said if each["severity"] == "error"}
    assert found == WRONG, [each for each in said if each["range"]["start"]["line"] + 1 not in WRONG]
