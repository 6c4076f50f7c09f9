"""The verbs `test` and `test-matrix`: every suite against real servers, and one table of what happened.

    .venv/bin/python tools/test.py [--matrix] [pytest arguments ...]

`test` runs everything on the main server version, the tests marked as smoke on the others, the Python suite once more on
Python 3.13 where that is installed, and the fuzz targets for 30 seconds where cargo-fuzz and the nightly toolchain are.
A Rust test is smoke when its path contains `smoke`, a Python test when it carries the marker. `test-matrix` runs all on all.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import fuzz
import servers
from common import ROOT, run, say

OTHER_PYTHON = "3.13"
FUZZ_SECONDS = 30
# The crate of the extension has a suite of its own: its tests link libpython, which the extension itself must not.
CRATES = ("--workspace", "--exclude", "data-bridge-python")
BINDINGS = ("--package", "data-bridge-python", "--no-default-features", "--lib")
CARGO = "cargo test"
PYTEST = "pytest"


@dataclass(frozen=True)
class Suite:
    """One run of one runner, and the counts in its last words."""

    name: str
    runner: str
    passed: int
    failed: int
    skipped: int
    exit_code: int
    seconds: float

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", action="store_true", help="everything on every server version")
    arguments, pytest_arguments = parser.parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    suites: list[Suite] = []
    with servers.running(list(servers.NPM_VERSIONS)) as environment:
        on_main = {**environment, "DATA_BRIDGE_TEST_REQUIRED": "1", "PYO3_PYTHON": sys.executable}
        versions = by_version(environment)
        main_version = next(v for v, (url, _) in versions.items() if url == environment["DATA_BRIDGE_TEST_URL"])
        suites += [rust(f"Rust on {main_version}", on_main), doctests(on_main), *bindings(on_main)]
        suites.append(python(f"Python on {main_version}", on_main, pytest_arguments))
        for version, (url, tcp_url) in versions.items():
            if version == main_version:
                continue
            there = {**on_main, "DATA_BRIDGE_TEST_URL": url, "DATA_BRIDGE_TEST_TCP_URL": tcp_url}
            if arguments.matrix:
                suites.append(rust(f"Rust on {version}", there))
                suites.append(python(f"Python on {version}", there, pytest_arguments))
            else:
                suites.append(rust(f"Rust smoke on {version}", there, smoke=True))
                suites.append(python(f"Python smoke on {version}", there, [*pytest_arguments, "-m", "smoke"]))
        suites += other_python(on_main, pytest_arguments)
    suites += [Suite("fuzz smoke", "fuzz", 0, 0, 0, code, seconds) for code, seconds in fuzz_smoke()]
    return report(suites)


def by_version(environment: Mapping[str, str]) -> dict[int, tuple[str, str]]:
    """Socket and TCP URL by major version."""
    sockets, tcp = (
        dict(entry.split("=", 1) for entry in environment[name].split(","))
        for name in ("DATA_BRIDGE_TEST_URLS", "DATA_BRIDGE_TEST_TCP_URLS")
    )
    return {int(version): (url, tcp[version]) for version, url in sockets.items()}


def rust(name: str, environment: Mapping[str, str], *, smoke: bool = False) -> Suite:
    if shutil.which("cargo-nextest"):
        command = ["cargo", "nextest", "run", "--locked", *CRATES]
        only = ["-E", "test(smoke)", "--no-tests=pass"]
    else:
        command = ["cargo", "test", "--locked", "--no-fail-fast", *CRATES, "--lib", "--bins", "--tests", "--examples"]
        only = ["smoke"]
    suite = watch(name, CARGO, [*command, *(only if smoke else [])], environment)
    # nextest calls skipped what the choice of smoke leaves out.
    return replace(suite, skipped=0) if smoke else suite


def bindings(environment: Mapping[str, str]) -> list[Suite]:
    """The unit tests of the extension's crate, in an interpreter of their own."""
    name = "Rust of the extension"
    library = Path(sysconfig.get_config_var("LIBDIR") or "") / (sysconfig.get_config_var("LDLIBRARY") or "none")
    if not library.exists():
        version = sysconfig.get_python_version()
        say(
            f"{name} skipped: there is no {library} to link; install it, for example with Debian's libpython{version}-dev"
        )
        return []
    found = {**environment, "LD_LIBRARY_PATH": str(library.parent)}
    return [watch(name, CARGO, ["cargo", "test", "--locked", *BINDINGS], found)]


def doctests(environment: Mapping[str, str]) -> Suite:
    return watch("Rust doc tests", CARGO, ["cargo", "test", "--locked", "--doc", *CRATES], environment)


def python(
    name: str, environment: Mapping[str, str], arguments: Sequence[str], interpreter: str = sys.executable
) -> Suite:
    return watch(name, PYTEST, [interpreter, "-m", "pytest", "-q", "tests/python", *arguments], environment)


def other_python(environment: Mapping[str, str], arguments: Sequence[str]) -> list[Suite]:
    """The Python suite on the second Python, in its own venv with its own build of the extension."""
    made = run([sys.executable, "tools/setup.py", "--python", OTHER_PYTHON, "test"])
    if made == 3:
        say(f"the Python suite on {OTHER_PYTHON} skipped: it is not installed")
        return []
    name = f"Python {OTHER_PYTHON}"
    if made != 0:
        return [Suite(f"{name}: set-up", PYTEST, 0, 0, 0, made, 0)]
    # The site is the same for every Python.
    arguments = [*arguments, "--ignore", "tests/python/site"]
    return [python(name, environment, arguments, str(ROOT / f".venv-{OTHER_PYTHON}" / "bin" / "python"))]


def fuzz_smoke() -> list[tuple[int, float]]:
    missing = fuzz.missing()
    if missing is not None:
        say(f"fuzz smoke skipped: {missing}")
        return []
    start = time.monotonic()
    return [(fuzz.fuzz(FUZZ_SECONDS // len(fuzz.TARGETS)), time.monotonic() - start)]


def watch(name: str, runner: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> Suite:
    """Run a suite in the open while counting from what it prints."""
    say(name)
    start, counts = time.monotonic(), {"passed": 0, "failed": 0, "skipped": 0}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            for kind, number in counted(line):
                counts[kind] += number
    code = process.returncode
    if runner == PYTEST and code == 5:  # no test carries this run's marker
        code = 0
    return Suite(name, runner, **counts, exit_code=code, seconds=time.monotonic() - start)


KINDS = {
    "passed": "passed",
    "xfailed": "skipped",
    "failed": "failed",
    "error": "failed",
    "errors": "failed",
    "timed out": "failed",
    "exec failed": "failed",
    "skipped": "skipped",
    "ignored": "skipped",
}
SUMMARY = (
    re.compile(r"^test result: \w+\. (.*)"),  # cargo test
    re.compile(r"^\s*Summary \[.*?\] .*?run: (.*)"),  # nextest
    re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s"),  # pytest
)
COUNT = re.compile(r"(\d+) (" + "|".join(sorted(KINDS, key=len, reverse=True)) + r")\b")


def counted(line: str) -> list[tuple[str, int]]:
    """The counts of a summary line: ``1 passed, 2 failed``; nothing for any other line."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", line)
    for summary in SUMMARY:
        if found := summary.match(plain):
            return [(KINDS[kind], int(number)) for number, kind in COUNT.findall(found[1])]
    return []


def report(suites: Sequence[Suite]) -> int:
    print(f"\n{'suite':<24}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for each in suites:
        verdict = "" if each.ok else f"  FAILED (exit code {each.exit_code})"
        print(f"{each.name:<24}{each.passed:>8}{each.failed:>8}{each.skipped:>9}{each.seconds:>9.0f}{verdict}")
    for runner in (CARGO, PYTEST):
        mine = [each for each in suites if each.runner == runner]
        passed, failed, skipped = (
            sum(getattr(each, kind) for each in mine) for kind in ("passed", "failed", "skipped")
        )
        print(f"{runner} total: {passed} passed, {failed} failed, {skipped} skipped")
    return 0 if all(each.ok for each in suites) else 1


if __name__ == "__main__":
    sys.exit(main())
