"""Clocks: wall time, CPU time of this process and all its threads, and peak memory."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Sample:
    """One timed run, in seconds."""

    wall: float
    cpu: float


async def timed(run: Callable[[], Awaitable[Any]]) -> tuple[Sample, Any]:
    """Run once. The collection of earlier garbage is not counted; the run's own is."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    result = await run()
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return Sample(wall_s, cpu_s), result


class PeakMemory:
    """Peak resident memory over the start, in bytes, of what runs inside the block.

    Linux can reset the high-water mark (proc(5), clear_refs); elsewhere the mark is that of the
    whole process, and a run in a process of its own keeps the answer right.
    """

    def __enter__(self) -> PeakMemory:
        gc.collect()
        trim()
        if _CLEAR_REFS.exists():
            _CLEAR_REFS.write_text("5")
        self.start = _high_water()
        self.over_start = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.over_start = max(0, _high_water() - self.start)


def trim() -> None:
    """Give freed heap pages back, so that one contender does not live off another's."""
    if sys.platform == "linux":
        trim_heap = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim_heap is not None:
            trim_heap(0)


def _high_water() -> int:
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
