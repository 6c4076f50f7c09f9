"""Make .venv ready for a verb: the right Python, the extension built in release, the packages of the named extras.

    python3 tools/setup.py [--python 3.13] [--no-extension] [extra ...]

Runs on any Python 3.8 or newer, and does only what is not done yet. Extras are those of python/pyproject.toml.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from common import CACHE, ROOT, give_up, need, run, say

OLDEST = (3, 12)
PYPROJECT = ROOT / "python" / "pyproject.toml"
# What the extension is built from.
SOURCES = ("Cargo.toml", "Cargo.lock", "driver", "orm", "python/Cargo.toml", "python/pyproject.toml", "python/src")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--python", default=None, help="an exact minor version, in its own .venv-X.Y; exit code 3 where absent"
    )
    parser.add_argument("--no-extension", action="store_true", help="packages only")
    parser.add_argument("extras", nargs="*")
    arguments = parser.parse_args()
    need("cargo", "install Rust from https://rustup.rs")
    need_rust()
    need("cc", "install a C compiler, such as Debian's package gcc")
    if arguments.python is None:
        venv = ROOT / ".venv"
        interpreter = find_python() or give_up(
            "no Python 3.12 or newer found on PATH or under pyenv: install it, for example with `pyenv install 3.12`"
        )
    else:
        venv = ROOT / f".venv-{arguments.python}"
        exact = tuple(int(part) for part in arguments.python.split("."))
        interpreter = find_python(exact)
        if interpreter is None:
            return 3
    python = make_venv(venv, interpreter)
    install(python, ["maturin>=1.9,<2"], "maturin")
    if not arguments.no_extension:
        build(python)
    for extra in arguments.extras:
        install(python, requirements(python, extra), extra)
    return 0


def need_rust() -> None:
    """A Rust that is too old is told before Cargo does so in its own words."""
    wanted = re.search(r'^rust-version = "([0-9.]+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    said = subprocess.run(["cargo", "--version"], cwd=ROOT, capture_output=True, text=True, check=False)
    found = re.match(r"cargo ([0-9.]+)", said.stdout)
    if wanted and found and numbers(found[1]) < numbers(wanted[1]):
        give_up(f"Rust {wanted[1]} or newer is needed and this is {found[1]}: run `rustup update stable`")


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)


def find_python(exact: tuple[int, ...] | None = None) -> str | None:
    """A Python that runs and is new enough (or exactly the minor version asked for), oldest first: it has the most wheels."""
    fitting: list[tuple[tuple[int, ...], str]] = []
    for candidate in candidates():
        version = version_of(candidate)
        if version is not None and (version[:2] == exact if exact else version >= OLDEST):
            fitting.append((version[:2], candidate))
    # Stable: among equals the first, which is the one on PATH.
    return min(fitting, key=lambda found: found[0])[1] if fitting else None


def candidates() -> Iterable[str]:
    for name in ("python3", "python", *(f"python3.{minor}" for minor in range(OLDEST[1], 20))):
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            if os.access(os.path.join(folder, name), os.X_OK):
                yield os.path.join(folder, name)
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    yield from sorted(
        glob.glob(f"{glob.escape(pyenv)}/versions/3.*/bin/python3")
    )  # silent about folders it may not read


def version_of(python: str) -> tuple[int, ...] | None:
    """Its version, by running it: a pyenv shim is on PATH and executable, yet fails when its version is not selected."""
    code = "import sys, json; print(json.dumps([sys.version_info[:3], sys.version_info[3], sys.implementation.name]))"
    try:
        said = subprocess.run(
            [python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30, check=True
        )
        numbers, level, implementation = json.loads(said.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return tuple(numbers) if implementation == "cpython" and level == "final" else None


def make_venv(venv: Path, interpreter: str) -> Path:
    python = venv / "bin" / "python"
    made_with = version_of(str(python)) if python.exists() else None
    if made_with is not None and made_with >= OLDEST:
        return python
    say(f"making {venv.name} with {interpreter}")
    shutil.rmtree(venv, ignore_errors=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run([interpreter, "-m", "venv", venv], check=False, **quiet).returncode != 0:
        # Debian splits ensurepip off; virtualenv brings its own.
        shutil.rmtree(venv, ignore_errors=True)
        tool = CACHE / "virtualenv"
        get = [interpreter, "-m", "pip", "install", "--quiet", "--target", tool, "virtualenv"]
        made = (
            run(get) == 0
            and run([interpreter, "-m", "virtualenv", "--quiet", venv], env={"PYTHONPATH": str(tool)}) == 0
        )
        if not made:
            give_up(
                f"{interpreter} cannot make a virtual environment: install its venv module, such as Debian's python3-venv"
            )
    return python


def install(python: Path, packages: Sequence[str], name: str) -> None:
    """Install packages once; the stamp remembers which."""
    stamp = python.parent.parent / f"installed-{name}"
    wanted = "\n".join(packages)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"installing into {python.parent.parent.name}: {', '.join(packages)}")
    if run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]) != 0:
        give_up(f"pip could not install the packages of {name!r}; its message stands above")
    stamp.write_text(wanted)


def requirements(python: Path, extra: str) -> list[str]:
    """The packages of an extra, read by the venv's Python (tomllib is newer than this script's own may be)."""
    code = "import json, sys, tomllib; print(json.dumps(tomllib.load(sys.stdin.buffer)))"
    with PYPROJECT.open() as file:
        said = subprocess.run([python, "-c", code], stdin=file, stdout=subprocess.PIPE, check=True).stdout
    extras = json.loads(said)["project"]["optional-dependencies"]
    if extra not in extras:
        give_up(f"python/pyproject.toml has no extra {extra!r}")
    packages: list[str] = []
    for entry in extras[extra]:
        own = re.fullmatch(r"data-bridge\[(.+)\]", entry)  # an extra that includes others
        packages += [each for other in own[1].split(",") for each in requirements(python, other)] if own else [entry]
    return list(dict.fromkeys(packages))


def build(python: Path) -> None:
    """Build the extension in release and link the package into the venv, unless its sources are those of the last time."""
    venv = python.parent.parent
    stamp, wanted = venv / "built-extension", fingerprint()
    there = any((ROOT / "python" / "data_bridge").glob("_native.*.so"))
    if there and stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"building the extension in release for {venv.name} (some minutes the first time)")
    command = [venv / "bin" / "maturin", "develop", "--release", "--locked"]
    if (
        run(command, env={"VIRTUAL_ENV": str(venv), "PYO3_PYTHON": str(python), "PIP_QUIET": "1"}, cwd=ROOT / "python")
        != 0
    ):
        give_up("the extension did not build; the compiler's message stands above")
    stamp.write_text(wanted)


def fingerprint() -> str:
    digest = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.suffix in (".rs", ".toml", ".lock"):
                digest.update(str(file.relative_to(ROOT)).encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
