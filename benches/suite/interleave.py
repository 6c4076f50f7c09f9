"""Lets the contenders take turns: a worker process each, one round of each at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import contenders, tables
from suite.model import Case, Contender
from suite.round_trips import socket_of

_HERE = Path(__file__).resolve().parent
_SECONDS_TO_STOP = 20


@dataclass(frozen=True)
class Settings:
    """What a run of the suite is to do."""

    url: str
    rounds: int
    quick: bool
    cases: list[Case]
    every_loop: bool
    contender_names: list[str] | None


def run(settings: Settings, loop: str, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Every case on one loop; yields the lines that `Results.add_loop` takes in."""
    found, missing = contenders.load(settings.contender_names)
    everyone = [(module, c) for module, group in found.items() for c in group]
    yield {"versions": {c.name: c.version for _, c in everyone}, "missing": missing}
    chosen = [case for case in settings.cases if settings.every_loop or loop in case.loops]
    for group in _groups(chosen):
        with ExitStack() as stack:
            children: dict[str, _Child] = {}
            for module, contender in everyone:
                if any(case.name in contender.cases for case in group):
                    child = _Child(module, contender, settings.url, loop, group[0].bulk)
                    children[contender.name] = stack.enter_context(child)
            for case in group:
                tell(f"{loop}: {case.title}")
                able = [children[c.name] for _, c in everyone if case.name in c.cases]
                for line in _case(settings, case, able):
                    yield {"case": case.name, **line}


def _groups(chosen: list[Case]) -> list[list[Case]]:
    """The cases that share their processes: a family, the bulk ones; each other case has fresh ones.

    What a process did before changes the state of its heap, and that changes small questions more
    than most drivers differ; mappers differ by more than that.
    """
    alone = [[case] for case in chosen if not case.bulk and not case.family]
    families = dict.fromkeys(case.family for case in chosen if case.family)
    shared = [[case for case in chosen if case.family == family] for family in families]
    return alone + shared + [found for found in [[case for case in chosen if case.bulk]] if found]


def _case(settings: Settings, case: Case, able: list[_Child]) -> Iterator[dict[str, Any]]:
    ops = case.quick_ops if settings.quick else case.ops
    answers: dict[str, Any] = {}
    for child in able:
        answer = child.ask(do="open", case=case.name, ops=ops)
        if "error" in answer:
            yield {"contender": child.name, **answer}
        else:
            answers[child.name] = answer["answer"]
            if case.check_sql is not None:
                answers[child.name] = tables.content(settings.url, case.check_sql)
    if any(answer != next(iter(answers.values())) for answer in answers.values()):
        yield {"disagree": {name: repr(answer) for name, answer in answers.items()}}
    ready = [child for child in able if child.name in answers]
    for turn in range(settings.rounds):
        for i in range(len(ready)):
            child = ready[(turn + i) % len(ready)]
            yield {"contender": child.name, **child.ask(do="round")}
    for child in able:
        child.ask(do="close")
    if case.trips and socket_of(settings.url) is not None:
        for child in ready:
            yield {"contender": child.name, **child.ask(do="trips", case=case.name)}


class _Child:
    """A worker process."""

    def __init__(self, module: str, contender: Contender, url: str, loop: str, bulk: bool) -> None:
        self.name = contender.name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "suite.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_HERE.parent,
            env={**os.environ, **contender.environment},
        )
        self._send(module=module, contender=self.name, url=url, loop=loop, bulk=bulk)

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._send(**command)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return {"error": f"its process ended with status {self._process.wait()}"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _send(self, **message: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says that the process has ended

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
