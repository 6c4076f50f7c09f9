"""What the tools share: where things are, how to speak, how to load a file of the package without its extension."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"


def say(text: str) -> None:
    """One line of progress, on stderr, so that stdout stays for results."""
    print(f"\033[1m== {text}\033[0m" if sys.stderr.isatty() else f"== {text}", file=sys.stderr, flush=True)


def give_up(text: str) -> NoReturn:
    """End with one sentence that names the cure."""
    say(text)
    sys.exit(1)


def need(program: str, cure: str) -> str:
    """The path of a program, or the end with the sentence that says what to install."""
    return shutil.which(program) or give_up(f"{program} is missing: {cure}")


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> int:
    """Run a command in the open, with ``env`` added to the environment; gives its exit code."""
    return subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, check=False).returncode


def load(path: Path) -> ModuleType:
    """Import one file by its path."""
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up here
    spec.loader.exec_module(module)
    return module
