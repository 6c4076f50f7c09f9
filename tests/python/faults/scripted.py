"""The scripted server of the Rust tests, for Python: a process that starts servers with one fault each."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
COMMAND = ["cargo", "run", "--quiet", "-p", "data-bridge-tests", "--bin", "scripted-server", "--"]
PASSWORD = "hunter2"


def table() -> list[dict[str, Any]]:
    """The fault table; empty where there is no cargo to build the server with."""
    if shutil.which("cargo") is None:
        return []
    output = subprocess.run([*COMMAND, "list"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return json.loads(output)


@dataclass
class Server:
    """One scripted server."""

    control: Control
    number: int
    port: int

    def url(self, sslmode: str = "disable") -> str:
        return f"postgresql://scripted:{PASSWORD}@127.0.0.1:{self.port}/scripted?sslmode={sslmode}"

    def open_connections(self) -> int:
        return int(self.control.ask(f"open {self.number}"))

    def sent(self, tag: str) -> int:
        """How many messages with this tag clients have sent."""
        return int(self.control.ask(f"count {self.number} {tag}"))

    def cancels(self) -> int:
        return int(self.control.ask(f"cancels {self.number}"))

    def unfinished(self) -> int:
        """Connections that ended before their script did: their test tested nothing."""
        return int(self.control.ask(f"unfinished {self.number}"))

    def stop(self) -> None:
        self.control.ask(f"stop {self.number}")


class Control:
    """The process that the servers live in."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)

    def ask(self, command: str) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        answer = self.process.stdout.readline().strip()
        assert answer not in ("", "what?"), f"the scripted server does not understand {command!r}"
        return answer

    def start(self, name: str) -> Server:
        number, port = self.ask(f"start {name}").split()
        return Server(self, int(number), int(port))
