"""The pictures, one of drivers and one of mappers: a panel per case, a bar per contender."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from suite import cases
from suite.model import Case
from suite.results import Figure, Results
from suite.targets import OURS

_COLOURS = {
    OURS: "#0f766e",
    "asyncpg": "#64748b",
    "asyncpg, tuned malloc": "#64748b",
    "psycopg": "#94a3b8",
    "SQLAlchemy core": "#cbd5e1",
    "SQLAlchemy ORM": "#cbd5e1",
    "SQLModel": "#cbd5e1",
    "Tortoise": "#cbd5e1",
    "Piccolo": "#cbd5e1",
    "Django": "#cbd5e1",
    "pre-made bytes": "#fbbf24",
    "tokio-postgres": "#64748b",
}
_COLUMNS = 3


def draw(
    results: Results, loop: str, folder: Path, stem: str, suffixes: tuple[str, ...] = (".svg", ".png")
) -> list[Path]:
    """Write `stem`.svg and .png, and `stem`-orm.*, into `folder`; without matplotlib, nothing."""
    try:
        import matplotlib as mpl
    except ImportError:
        return []
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "data-bridge"
    from matplotlib import pyplot as plt

    titles = {case.name: case for case in cases.CASES}
    written: list[Path] = []
    for of_mappers, name in ((False, stem), (True, f"{stem}-orm")):
        panels = {case: found for case, found in results.loops[loop].items() if titles[case].of_mappers == of_mappers}
        if panels:
            written += _draw(plt, titles, panels, loop, [folder / f"{name}{suffix}" for suffix in suffixes])
    return written


def _draw(
    plt: Any, titles: dict[str, Case], panels: dict[str, dict[str, Figure]], loop: str, paths: list[Path]
) -> list[Path]:
    rows = math.ceil(len(panels) / _COLUMNS)
    figure, grid = plt.subplots(rows, _COLUMNS, figsize=(15, 1.1 + 1.9 * rows), squeeze=False, layout="constrained")
    axes = list(grid.flat)
    for axis, (name, figures) in zip(axes, panels.items(), strict=False):
        _panel(axis, f"{titles[name].title} (µs per {titles[name].unit})", figures)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(
        f"{loop}: time per operation, smaller is better; the darker part is the client's CPU",
        fontsize=12,
    )
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=110, metadata=metadata)
    plt.close(figure)
    return paths


def _panel(axis: Any, title: str, figures: dict[str, Figure]) -> None:
    names = list(figures)[::-1]
    walls = [figures[name].wall_us for name in names]
    cpus = [min(figures[name].cpu_us, figures[name].wall_us) for name in names]
    colours = [_COLOURS.get(name, "#cbd5e1") for name in names]
    axis.barh(names, walls, color=colours, alpha=0.55)
    axis.barh(names, cpus, color=colours)
    for y, wall in enumerate(walls):
        axis.text(wall, y, f" {wall:,.2f}" if wall < 10 else f" {wall:,.0f}", va="center", size=8)
    axis.set_title(title, fontsize=9, loc="left")
    axis.set_xlim(0, max(walls) * 1.18)
    axis.tick_params(labelsize=8)
    axis.xaxis.set_visible(False)
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
