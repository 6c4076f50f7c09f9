"""Benchmarks of data_bridge beside asyncpg, psycopg and SQLAlchemy, in turns, in one run.

    python benches/run.py                         everything
    python benches/run.py --quick                 both event loops, under five minutes
    python benches/run.py --only fetch,upsert --loop uvloop
    python benches/run.py --parts rust,memory     the Rust client; the runs of 10 million rows
    python benches/run.py --only orm,journal      the mappers, on asyncio's own loop
    python benches/run.py --record                everything, kept in docs/

Wall and client CPU time per operation (user and system, all threads), medians of interleaved rounds. Each contender on
each event loop has a process of its own. See docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

try:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from suite import cases, contenders, interleave, memory, picture, record, report, results, server, tables, targets
except ImportError as missing:
    sys.exit(
        f"{missing}. The benchmarks need: pip install asyncpg 'psycopg[binary]' psycopg-pool "
        "sqlalchemy uvloop rich matplotlib; `make bench` does it."
    )

_LOOPS = ["asyncio", "uvloop"]
_PARTS = ["loops", "rust", "thresholds", "memory"]
_RUST = ["cargo", "run", "--release", "--quiet", "-p", "data-bridge-benches", "--example", "rust_client"]


def main() -> int:
    """Run what was asked for, print it, keep it; 1 where a contender failed or answers differ."""
    args = _arguments()
    if args.measure_memory:
        memory.measure(*args.measure_memory[:3], int(args.measure_memory[3]))
        return 0
    console = Console(width=None if sys.stdout.isatty() else 130)
    rounds = args.rounds or (3 if args.quick else 5)
    found = results.Results()
    with server.running(args.url) as url:
        command = shlex.join(["python", "benches/run.py", *sys.argv[1:]])
        found.about = results.about(url, command, rounds)
        with _progress(console) as progress:
            task = progress.add_task("filling the tables")
            tables.create(url)
            try:
                _run(args, url, rounds, found, lambda text: progress.update(task, description=text))
            finally:
                progress.update(task, description="removing the tables")
                tables.drop(url)
    report.show(found, console)
    _keep(args, found, console)
    return 1 if found.faults else 0


def _run(args: argparse.Namespace, url: str, rounds: int, found: results.Results, tell: Any) -> None:
    settings = interleave.Settings(
        url, rounds, args.quick, cases.select(args.only), args.loop is not None, args.contender
    )
    for loop in (args.loop or _LOOPS) if "loops" in args.parts else []:
        found.add_loop(loop, list(interleave.run(settings, loop, tell)))
    if "rust" in args.parts:
        tell("rust: building and measuring the client")
        found.add_loop("rust", list(_lines([*_RUST, "--", url, str(rounds)])))
    if "thresholds" in args.parts:
        from suite import thresholds  # needs data_bridge itself

        tell("thresholds of insert_many and upsert_many")
        found.thresholds = thresholds.measure(url, rounds)
    if "memory" in args.parts:
        for case, contender in memory.pairs(args.contender):
            rows = memory.SIZES.get(case, args.rows)
            tell(f"memory: {memory.CASES[case]} ({rows:,} rows), {contender}")
            command = [sys.executable, __file__, "--measure-memory", url, case, contender]
            for line in _lines([*command, str(rows)]):
                found.memory.setdefault(memory.CASES[case], {})[contender] = line


def _lines(command: list[str]) -> Iterator[dict[str, Any]]:
    """The JSON lines that a child writes; a failing child ends the run with its own words."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode != 0:
        raise SystemExit(f"{shlex.join(command[:4])} ... failed with status {child.returncode}")


def _keep(args: argparse.Namespace, found: results.Results, console: Console) -> None:
    folder = HERE / "results"
    found.save(folder / "latest.json")
    kept = [folder / "latest.json"]
    for loop in found.loops:
        kept += picture.draw(found, loop, folder, f"latest-{loop}")
    if args.record:
        kept += record.write(found, ROOT / "docs")
    for path in kept:
        console.print(f"written: {path.relative_to(ROOT)}", highlight=False)


def _progress(console: Console) -> Progress:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def names(text: str) -> list[str]:
        return [part for part in text.replace(",", " ").split() if part]

    parser.add_argument("--url", help="a server to use (default: a private one for the run)")
    parser.add_argument("--quick", action="store_true", help="three rounds of fewer operations")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (default 5; 3 with --quick)")
    parser.add_argument("--only", type=names, help="cases, by parts of their names")
    parser.add_argument("--contender", type=names, help="contenders, by parts of their names")
    parser.add_argument("--loop", type=names, help="asyncio, uvloop (default: both, for mappers asyncio)")
    parser.add_argument(
        "--parts", type=names, help=f"of {', '.join(_PARTS)} (default: all; loops with --quick or --only)"
    )
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of --memory")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.*")
    parser.add_argument("--list", action="store_true", help="list the cases and contenders")
    parser.add_argument("--measure-memory", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.list:
        _list()
        parser.exit()
    args.parts = args.parts or (["loops"] if args.quick or args.only else _PARTS)
    for known, given in ((_LOOPS, args.loop or []), (_PARTS, args.parts)):
        if unknown := set(given) - set(known):
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return args


def _list() -> None:
    found, missing = contenders.load()
    for case in cases.CASES:
        everyone = [c for group in found.values() for c in group]
        able = ", ".join(c.name for c in everyone if case.name in c.cases)
        goals = sum(target.case == case.name for target in targets.TARGETS)
        print(f"{case.name:24} {case.title:34} {goals} targets; {able}")
    for text in missing:
        print(f"left out: {text}")


if __name__ == "__main__":
    sys.exit(main())
