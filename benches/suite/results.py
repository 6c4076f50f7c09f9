"""Raw lines of the workers into medians, and the file that keeps them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

# What decides the server's times; recorded with every result.
_SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")


@dataclass
class Figure:
    """One contender in one case: microseconds per operation, medians over the rounds."""

    wall_us: float
    cpu_us: float
    walls_us: list[float]
    round_trips: float | None = None

    @property
    def per_second(self) -> float:
        """Operations a second."""
        return 1e6 / self.wall_us


@dataclass
class Results:
    """Everything that one run of the suite found."""

    about: dict[str, Any] = field(default_factory=dict)
    loops: dict[str, dict[str, dict[str, Figure]]] = field(default_factory=dict)
    memory: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    thresholds: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def figure(self, loop: str, case: str, contender: str) -> Figure | None:
        """The figure, or nothing where that contender did not run that case."""
        return self.loops.get(loop, {}).get(case, {}).get(contender)

    def add_loop(self, loop: str, lines: list[dict[str, Any]]) -> None:
        """Take in what the worker of one loop (or the Rust program) wrote."""
        walls: dict[tuple[str, str], list[float]] = defaultdict(list)
        cpus: dict[tuple[str, str], list[float]] = defaultdict(list)
        trips: dict[tuple[str, str], float] = {}
        for line in lines:
            key = (line.get("case", ""), line.get("contender", ""))
            if "wall_us" in line:
                walls[key].append(line["wall_us"])
                cpus[key].append(line["cpu_us"])
            elif "round_trips" in line:
                trips[key] = line["round_trips"]
            elif "error" in line:
                self.faults.append(f"{loop}, {key[0]}, {key[1]}: {line['error']}")
            elif "disagree" in line:
                told = "; ".join(f"{name}: {text}" for name, text in line["disagree"].items())
                self.faults.append(f"{loop}, {key[0]}: the answers differ: {told}")
            elif "versions" in line:
                self.about.setdefault("versions", {}).update(line["versions"])
                self.about["missing"] = line["missing"]
        figures = self.loops.setdefault(loop, {})
        for (case, contender), times in walls.items():
            figures.setdefault(case, {})[contender] = Figure(
                statistics.median(times),
                statistics.median(cpus[case, contender]),
                times,
                trips.get((case, contender)),
            )

    def as_json(self) -> dict[str, Any]:
        """The form of the file."""
        return {
            "about": self.about,
            "loops": {
                loop: {
                    case: {name: vars(figure) for name, figure in figures.items()} for case, figures in by_case.items()
                }
                for loop, by_case in self.loops.items()
            },
            "memory": self.memory,
            "thresholds": self.thresholds,
            "faults": self.faults,
        }

    def save(self, path: Path) -> None:
        """Write the file, for people too: indented."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_rounded(self.as_json()), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `save` wrote."""
        raw = json.loads(path.read_text())
        raw["loops"] = {
            loop: {
                case: {name: Figure(**figure) for name, figure in figures.items()} for case, figures in by_case.items()
            }
            for loop, by_case in raw["loops"].items()
        }
        return cls(**raw)


def about(url: str, command: str, rounds: int) -> dict[str, Any]:
    """The machine, the versions and the server's settings."""
    with psycopg.connect(url, autocommit=True) as conn:
        server = {}
        for name in _SETTINGS:
            row = conn.execute("SELECT current_setting(%s)", (name,)).fetchone()
            server[name] = row[0] if row else "?"
    return {
        "recorded": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": command,
        "rounds": rounds,
        "machine": f"{_cpu()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "server": server,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
