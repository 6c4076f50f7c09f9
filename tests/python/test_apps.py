"""The example applications, by their own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("fastapi", "httpx", "litestar"):
    pytest.importorskip(package)

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_applications_work(url: str) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-p", "data_bridge.postgres.testing.plugin", "-o", "asyncio_mode=auto"]
    options += ["-o", "asyncio_default_fixture_loop_scope=function", "--rootdir", str(EXAMPLES), "--pg-url", url]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "."],
        cwd=EXAMPLES,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLES), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 passed" in run.stdout
