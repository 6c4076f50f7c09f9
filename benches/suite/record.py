"""Keeps a run in docs/: the numbers, the picture, and the tables inside the page."""

from __future__ import annotations

from pathlib import Path

from suite import picture, report
from suite.results import Results

_START = "<!-- results: written by benches/run.py --record -->"
_END = "<!-- end of results -->"


def write(results: Results, docs: Path) -> list[Path]:
    """Write docs/benchmarks.json and .svg, and the tables of docs/benchmarks.md."""
    numbers = docs / "benchmarks.json"
    results.save(numbers)
    written = [numbers]
    if "asyncio" in results.loops:
        written += picture.draw(results, "asyncio", docs, "benchmarks")[:1]
    page = docs / "benchmarks.md"
    before, marker, rest = page.read_text().partition(_START)
    _, end, after = rest.partition(_END)
    if not marker or not end:
        raise SystemExit(f"{page} has lost the markers between which the tables go")
    page.write_text(f"{before}{_START}\n\n{report.markdown(results)}\n{_END}{after}")
    return [*written, page]
