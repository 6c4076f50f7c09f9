"""The tables that a person reads, on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from suite import cases, targets
from suite.results import Figure, Results

_CASES = {case.name: case for case in cases.CASES}
_BASE = {"asyncio": "asyncpg", "uvloop": "asyncpg", "rust": "tokio-postgres"}
_MARK = {True: "[green]✓ met[/]", False: "[red]✗ missed[/]", None: "[dim]not measured[/]"}
_MARK_PLAIN = {True: "✓", False: "**missed**", None: "not measured"}

# case title, unit, contender, wall, CPU, rate, wall ratio, CPU ratio
Line = tuple[str, str, str, str, str, str, str, str]


def show(results: Results, console: Console) -> None:
    """Print everything that was found."""
    for loop in results.loops:
        console.print(_figures_table(results, loop))
    if results.memory:
        console.print(_memory_table(results))
    if results.thresholds:
        console.print(_thresholds_table(results))
    outcomes = list(targets.judge(results))
    if outcomes:
        console.print(_targets_table(outcomes))
        met = sum(outcome.met is True for outcome in outcomes)
        console.print(f"{met} of {len(outcomes)} targets met")
    for name in results.about.get("missing", []):
        console.print(f"[yellow]left out:[/] {name}", highlight=False)
    for fault in results.faults:
        console.print("[red]fault:[/]", fault, highlight=False, markup=True)


def lines(results: Results, loop: str) -> Iterator[list[Line]]:
    """The printed lines of one loop, a list per case."""
    for case, figures in results.loops[loop].items():
        base = figures.get(_BASE[loop])
        yield [_line(case, name, figure, base) for name, figure in figures.items()]


def _line(case: str, name: str, figure: Figure, base: Figure | None) -> Line:
    known = _CASES[case]
    trips = "" if figure.round_trips is None else f", {figure.round_trips:g} trips"
    return (
        known.title,
        known.unit,
        name + trips,
        _number(figure.wall_us),
        _number(figure.cpu_us),
        f"{figure.per_second:,.0f}",
        f"{figure.wall_us / base.wall_us:.2f}x" if base else "",
        f"{figure.cpu_us / base.cpu_us:.2f}x" if base else "",
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _figures_table(results: Results, loop: str) -> Table:
    base = _BASE[loop]
    table = Table(
        title=f"{loop}: microseconds per operation, medians of {results.about['rounds']} "
        f"interleaved rounds, ratios to {base} (smaller is better)"
    )
    table.add_column("case")
    table.add_column("contender")
    for name in ("wall µs", "CPU µs", "per second", "wall", "CPU"):
        table.add_column(name, justify="right")
    for group in lines(results, loop):
        for i, (title, unit, name, *numbers) in enumerate(group):
            ours = name.startswith(targets.OURS)
            label = f"{title}\n[dim]per {unit}[/]" if i == 0 and len(group) == 1 else ""
            label = label or (title if i == 0 else f"[dim]per {unit}[/]" if i == 1 else "")
            table.add_row(label, name, *numbers, style="bold cyan" if ours else None)
        table.add_section()
    return table


def _targets_table(outcomes: list[targets.Outcome]) -> Table:
    table = Table(title="targets")
    for name in ("case", "loop", "what"):
        table.add_column(name)
    for name in ("target", "measured"):
        table.add_column(name, justify="right")
    table.add_column("")
    for outcome in outcomes:
        title, what, bound, value = _outcome(outcome)
        table.add_row(title, outcome.loop, what, bound, value, _MARK[outcome.met])
    return table


def _outcome(outcome: targets.Outcome) -> tuple[str, str, str, str]:
    target = outcome.target
    value = "" if outcome.value is None else f"{outcome.value:.2f}{target.unit}"
    return _CASES[target.case].title, target.what, target.text, value


def _memory_table(results: Results) -> Table:
    table = Table(
        title=f"peak memory over the start (limit for {targets.OURS} with 10 million rows: {targets.MEMORY_LIMIT_MB:g} MB)"
    )
    for name in ("case", "contender"):
        table.add_column(name)
    for name in ("rows", "peak MB", "seconds", "rows/s"):
        table.add_column(name, justify="right")
    for line in memory_lines(results):
        table.add_row(*line)
    return table


def memory_lines(results: Results) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Case, contender, rows, peak megabytes, seconds, rows a second."""
    for case, by_contender in results.memory.items():
        for name, found in by_contender.items():
            yield (
                case,
                name,
                f"{found['rows']:,}",
                f"{found['peak_mb']:.1f}",
                f"{found['seconds']:.1f}",
                f"{found['rows'] / found['seconds']:,.0f}",
            )


def _thresholds_table(results: Results) -> Table:
    table = Table(title="plans by batch size: milliseconds per call, medians")
    for name in ("call", "rows", "plan"):
        table.add_column(name)
    for name in ("wall ms", "CPU ms"):
        table.add_column(name, justify="right")
    for entry in results.thresholds:
        table.add_row(
            entry["call"],
            f"{entry['rows']:,}",
            entry["plan"],
            f"{entry['wall_ms']:.3f}",
            f"{entry['cpu_ms']:.3f}",
        )
    return table


def markdown(results: Results) -> str:
    """The recorded tables, as they stand in docs/benchmarks.md."""
    about = results.about
    kept = f" ({about['kept']})" if "kept" in about else ""
    server = ", ".join(f"{name} {value}" for name, value in about["server"].items())
    versions = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    parts = [
        f"Recorded {about['recorded']} by `{about['command']}`{kept}.\n\n"
        f"- Machine: {about['machine']}\n- Python: {about['python']}\n- Server: {server}\n"
        f"- Contenders: {versions}\n",
        "### Targets\n\n"
        + _md(
            ("case", "loop", "what", "target", "measured", "met"),
            [(_outcome(o)[0], o.loop, *_outcome(o)[1:], _MARK_PLAIN[o.met]) for o in targets.judge(results)],
        ),
    ]
    for loop in results.loops:
        rows = [
            (title, name, f"{wall} / {unit}", cpu, rate, wall_ratio, cpu_ratio)
            for group in lines(results, loop)
            for title, unit, name, wall, cpu, rate, wall_ratio, cpu_ratio in group
        ]
        head = ("case", "contender", "wall µs", "CPU µs", "per second", "wall x", "CPU x")
        parts.append(f"### {loop}, ratios to {_BASE[loop]}\n\n" + _md(head, rows))
    if results.memory:
        head = ("case", "contender", "rows", "peak MB over start", "seconds", "rows/s")
        parts.append("### Memory\n\n" + _md(head, list(memory_lines(results))))
    if results.thresholds:
        found = [
            (e["call"], f"{e['rows']:,}", e["plan"], f"{e['wall_ms']:.3f}", f"{e['cpu_ms']:.3f}")
            for e in results.thresholds
        ]
        head = ("call", "rows", "plan", "wall ms", "CPU ms")
        parts.append("### Plans by batch size\n\n" + _md(head, found))
    return "\n".join(parts)


def _md(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    table = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in table)
