"""Keeps a run in docs/: the numbers, the picture, and the tables inside the page."""

from __future__ import annotations

from pathlib import Path

from suite import picture, report
from suite.cases import CASES
from suite.results import Results

_START = "<!-- results: written by benches/run.py --record -->"
_END = "<!-- end of results -->"


def write(results: Results, docs: Path) -> list[Path]:
    """Write docs/benchmarks.json and .svg, and the tables of docs/benchmarks.md.

    Parts and cases that this run left out stay as they were recorded before.
    """
    numbers = docs / "benchmarks.json"
    if numbers.exists():
        _keep_other_parts(results, Results.read(numbers))
    results.save(numbers)
    written = [numbers]
    shown = ""
    if "asyncio" in results.loops:
        pictures = picture.draw(results, "asyncio", docs, "benchmarks", (".svg",))
        written += pictures
        if any(path.stem == "benchmarks-orm" for path in pictures):
            shown = "![Time per operation of mappers on asyncio](benchmarks-orm.svg)\n\n"
    page = docs / "benchmarks.md"
    before, marker, rest = page.read_text().partition(_START)
    _, end, after = rest.partition(_END)
    if not marker or not end:
        raise SystemExit(f"{page} has lost the markers between which the tables go")
    page.write_text(f"{before}{_START}\n\n{shown}{report.markdown(results)}\n{_END}{after}")
    return [*written, page]


def _keep_other_parts(results: Results, old: Results) -> None:
    kept = [loop for loop in old.loops if loop not in results.loops]
    for loop in kept:
        results.loops[loop] = old.loops[loop]
    for loop in results.loops:
        others = {name: found for name, found in old.loops.get(loop, {}).items() if name not in results.loops[loop]}
        if others:
            both = results.loops[loop] | others
            results.loops[loop] = {case.name: both[case.name] for case in CASES if case.name in both}
            kept.append(f"other cases of {loop}")
    for part in ("memory", "thresholds"):
        if getattr(old, part) and not getattr(results, part):
            setattr(results, part, getattr(old, part))
            kept.append(part)
    if kept:
        results.loops = {loop: results.loops[loop] for loop in sorted(results.loops, key=_ORDER.index)}
        results.about["versions"] = {**old.about.get("versions", {}), **results.about.get("versions", {})}
        results.about["rounds"] = min(old.about["rounds"], results.about["rounds"])
        results.about["kept"] = f"{', '.join(kept)} recorded {old.about['recorded']} by `{old.about['command']}`"


_ORDER = ["asyncio", "uvloop", "rust"]
