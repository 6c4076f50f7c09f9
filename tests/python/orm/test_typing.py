"""mypy and pyright in strict mode accept the samples, and refuse each line of them that is marked as wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import data_bridge

from .checkers import needs

HERE = Path(__file__).parent
SAMPLES = [HERE / "typed_sample.py", *sorted((HERE / "typing").glob("*.py"))]
PACKAGE = Path(data_bridge.__file__).parent.parent
WRONG = {
    (sample.name, number)
    for sample in SAMPLES
    for number, line in enumerate(sample.read_text().splitlines(), 1)
    if line.endswith("# wrong")
}


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command, *map(str, SAMPLES)], capture_output=True, text=True, check=False, cwd=PACKAGE
    )
    assert not done.stderr.strip(), done.stderr
    return done.stdout


def test_mypy() -> None:
    needs("mypy")
    said = run(
        "mypy", "--strict", "--python-version=3.12", "--no-error-summary", "--disable-error-code=unused-coroutine"
    )
    found = {(name, int(line)) for name, line in re.findall(r"(\w+\.py):(\d+): error", said)}
    assert found == WRONG, said


def test_pyright(tmp_path: Path) -> None:
    needs("pyright")
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.12",
        "extraPaths": [str(PACKAGE)],
        "include": [sample.name for sample in SAMPLES],
        # The lines that are wrong are statements for their own sake.
        "reportUnusedExpression": False,
        "reportUnusedCoroutine": False,
    }
    for sample in SAMPLES:
        shutil.copy(sample, tmp_path)
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--project", str(project)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(done.stdout)["generalDiagnostics"]
    errors = [each for each in said if each["severity"] == "error"]
    found = {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in errors}
    assert found == WRONG, [
        each for each in errors if each["range"]["start"]["line"] + 1 not in {line for _, line in WRONG}
    ]
