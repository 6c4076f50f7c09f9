"""The verb `lint`: every check that needs no server. Each one runs even when an earlier one failed.

    .venv/bin/python tools/lint.py [name ...]

Names choose among the checks, for pre-commit; without any, all run.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from common import ROOT, give_up, run, say

PYTHON_FOLDERS = [
    name for name in ("python", "tests", "tools", "demo", "examples", "benches") if (ROOT / name).is_dir()
]
WITH_PYTHON = {"PYO3_PYTHON": sys.executable}


def rustfmt() -> bool:
    return run(["cargo", "fmt", "--all", "--check"]) == 0


def clippy() -> bool:
    return (
        run(["cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"], WITH_PYTHON) == 0
    )


def house() -> bool:
    return run(["cargo", "test", "--locked", "--quiet", "-p", "data-bridge-tests", "--test", "house"]) == 0


def deny() -> bool:
    if not shutil.which("cargo-deny"):
        say("cargo-deny skipped: install it with `cargo install --locked cargo-deny`")
        return True
    ok = run(["cargo", "deny", "--locked", "check", "bans", "licenses", "sources"]) == 0
    if run(["cargo", "deny", "--locked", "fetch", "db"]) != 0:
        say("advisories skipped: their database cannot be reached from here")
        return ok
    return run(["cargo", "deny", "--locked", "check", "advisories"]) == 0 and ok


def ruff() -> bool:
    tool = beside("ruff")
    checked = run([tool, "check", *PYTHON_FOLDERS]) == 0
    return run([tool, "format", "--check", *PYTHON_FOLDERS]) == 0 and checked


def pyright() -> bool:
    return run([beside("pyright"), "--project", "python", "--pythonpath", sys.executable]) == 0


def mypy() -> bool:
    return run([sys.executable, "-m", "mypy", "--config-file", "pyproject.toml"], cwd=ROOT / "python") == 0


def stubs() -> bool:
    """The hand-written stub says of the native module what is true of it."""
    if not (ROOT / "python" / "data_bridge" / "_native.pyi").exists():
        say("stubs skipped: there is no data_bridge/_native.pyi")
        return True
    if run([sys.executable, "tools/setup.py"]) != 0:  # only this check needs the extension itself
        return False
    command = [sys.executable, "-m", "mypy.stubtest", "--mypy-config-file", "pyproject.toml"]
    command += ["--allowlist", "stubtest-allowlist.txt", "data_bridge._native"]
    return run(command, cwd=ROOT / "python") == 0


CHECKS: tuple[Callable[[], bool], ...] = (rustfmt, clippy, house, deny, ruff, pyright, mypy, stubs)


def beside(program: str) -> Path:
    """A program of this venv."""
    return Path(sys.executable).parent / program


def main() -> int:
    by_name = {check.__name__: check for check in CHECKS}
    unknown = [name for name in sys.argv[1:] if name not in by_name]
    if unknown:
        give_up(f"there is no check {', '.join(unknown)}; the checks are {', '.join(by_name)}")
    failed = []
    for name in sys.argv[1:] or by_name:
        say(name)
        if not by_name[name]():
            failed.append(name)
    say(f"lint failed: {', '.join(failed)}" if failed else "lint is clean")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
