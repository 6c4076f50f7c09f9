"""What the demo prints, and the picture that it draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

OURS = "data_bridge"
_COLOURS = {OURS: "#0f766e", "asyncpg": "#64748b", "psycopg": "#94a3b8", "SQLAlchemy": "#cbd5e1"}


@dataclass(frozen=True)
class Result:
    """One step by one contender."""

    step: str
    unit: str
    contender: str
    rows: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int

    @property
    def rate(self) -> float:
        """Rows, or what the step counts, a second."""
        return self.rows / self.seconds


def results_table(results: list[Result]) -> Table:
    """Every step with every contender, and how many times data_bridge is as fast."""
    ours = {result.step: result for result in results if result.contender == OURS}
    table = Table(title="the same steps by each, one after the other")
    table.add_column("step")
    table.add_column("by")
    for name in ("rows", "seconds", "rows/s", "client CPU s", "peak MB over start", "data_bridge is"):
        table.add_column(name, justify="right")
    previous = ""
    for result in results:
        if previous and result.step != previous:
            table.add_section()
        mine = ours.get(result.step)
        faster = f"{result.seconds / mine.seconds:.1f}x as fast" if mine and mine is not result else ""
        table.add_row(
            result.step if result.step != previous else "",
            result.contender,
            f"{result.rows:,} {result.unit}" if result.step != previous else "",
            f"{result.seconds:.3f}",
            f"{result.rate:,.0f}",
            f"{result.cpu_seconds:.3f}",
            f"{result.peak_bytes / 1e6:.1f}",
            faster,
            style="bold cyan" if result.contender == OURS else None,
        )
        previous = result.step
    return table


def report_table(rows: list[Any], most: int = 5) -> Table:
    """The first lines of the report, so that one sees that the data is real."""
    table = Table(title=f"the report: longest mean departure delays of 2013 ({most} of {len(rows)} lines)")
    table.add_column("airline")
    table.add_column("from")
    for name in ("flights", "mean delay, min", "cancelled", "mean wind, mph"):
        table.add_column(name, justify="right")
    for airline, origin, flights, delay, cancelled, wind in (tuple(row) for row in rows[:most]):
        table.add_row(airline, origin, f"{flights:,}", str(delay), f"{cancelled:,}", str(wind))
    return table


def draw(results: list[Result], folder: Path) -> list[Path]:
    """A panel per step, a bar per contender, as SVG and PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    steps = list(dict.fromkeys(result.step for result in results))
    figure, grid = plt.subplots(2, 3, figsize=(14, 5.6), squeeze=False, layout="constrained")
    for axis, step in zip(grid.flat, steps, strict=False):
        mine = [result for result in results if result.step == step][::-1]
        _panel(axis, f"{step}\n{mine[0].rows:,} {mine[0].unit}", mine)
    figure.suptitle("336,776 flights through PostgreSQL: seconds, shorter is better; darker: the client's CPU")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "demo.svg", folder / "demo.png"]
    for path in paths:
        figure.savefig(path, dpi=110)
    plt.close(figure)
    return paths


def _panel(axis: Any, title: str, results: list[Result]) -> None:
    names = [result.contender for result in results]
    colours = [_COLOURS.get(name, "#cbd5e1") for name in names]
    axis.barh(names, [result.seconds for result in results], color=colours, alpha=0.55)
    axis.barh(names, [min(result.cpu_seconds, result.seconds) for result in results], color=colours)
    for y, result in enumerate(results):
        axis.text(result.seconds, y, f" {result.seconds:.3g} s", va="center", size=8)
    axis.set_title(title, fontsize=9, loc="left")
    axis.set_xlim(0, max(result.seconds for result in results) * 1.2)
    axis.tick_params(labelsize=8)
    axis.xaxis.set_visible(False)
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)


def console() -> Console:
    """A console that is wide enough for the tables where there is no terminal to ask."""
    found = Console()
    return found if found.is_terminal else Console(width=150)
