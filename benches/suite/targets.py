"""What data-bridge sets out to reach, as data, and whether a run reached it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from suite.results import Figure, Results

OURS = "data_bridge"
# Object-relational mappers in Python: what "the best of them" is chosen from.
MAPPERS = ("SQLAlchemy ORM", "SQLModel", "Tortoise", "Piccolo", "Django")

Measure = Callable[[Results, str, str], float | None]


@dataclass(frozen=True)
class Target:
    """One promise: `measure(results, loop, case)` must not pass `bound`."""

    case: str
    what: str
    measure: Measure
    bound: float
    at_least: bool = False
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    unit: str = "x"

    def met(self, value: float) -> bool:
        """Whether a measured value keeps the promise."""
        return value >= self.bound if self.at_least else value <= self.bound

    @property
    def text(self) -> str:
        """The bound as it is printed."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}{self.unit}"


@dataclass(frozen=True)
class Outcome:
    """A target against one loop's figures; no value where it could not be measured."""

    target: Target
    loop: str
    value: float | None

    @property
    def met(self) -> bool | None:
        """True, False, or nothing where there is no value."""
        return None if self.value is None else self.target.met(self.value)


def _ours(results: Results, loop: str, case: str) -> Figure | None:
    return results.figure(loop, case, OURS)


def _cpu(over: str = "asyncpg") -> Measure:
    def measure(results: Results, loop: str, case: str) -> float | None:
        ours, other = _ours(results, loop, case), results.figure(loop, case, over)
        return ours.cpu_us / other.cpu_us if ours and other else None

    return measure


def _wall(over: str = "asyncpg") -> Measure:
    def measure(results: Results, loop: str, case: str) -> float | None:
        ours, other = _ours(results, loop, case), results.figure(loop, case, over)
        return ours.wall_us / other.wall_us if ours and other else None

    return measure


def _speed(over: str = "asyncpg") -> Measure:
    def measure(results: Results, loop: str, case: str) -> float | None:
        ratio = _wall(over)(results, loop, case)
        return 1 / ratio if ratio else None

    return measure


def _speed_to_best_mapper(results: Results, loop: str, case: str) -> float | None:
    ours = _ours(results, loop, case)
    others = [figure for name in MAPPERS if (figure := results.figure(loop, case, name))]
    return min(figure.wall_us for figure in others) / ours.wall_us if ours and others else None


def _wall_us(results: Results, loop: str, case: str) -> float | None:
    ours = _ours(results, loop, case)
    return ours.wall_us if ours else None


def _cpu_us(results: Results, loop: str, case: str) -> float | None:
    ours = _ours(results, loop, case)
    return ours.cpu_us if ours else None


def _over_raw_fetch(results: Results, loop: str, case: str) -> float | None:
    ours, raw = _ours(results, loop, case), _ours(results, loop, "fetch_100k")
    return ours.wall_us - raw.wall_us if ours and raw else None


def _trips(results: Results, loop: str, case: str) -> float | None:
    ours = _ours(results, loop, case)
    return ours.round_trips if ours else None


_ASYNCIO, _UVLOOP, _RUST = ("asyncio",), ("uvloop",), ("rust",)
_US = " µs"
_JOURNAL = (
    "insert",
    "insert_atomic",
    "insert_bulk",
    "filter_large",
    "filter_small",
    "get",
    "dicts",
    "tuples",
    "update",
    "update_partial",
    "delete",
)
_TRIPS = " trips"

TARGETS = [
    Target("point_select", "CPU to asyncpg's", _cpu(), 0.45, loops=_ASYNCIO),
    Target("point_select", "wall to asyncpg's", _wall(), 0.75, loops=_ASYNCIO),
    Target("point_select", "CPU to asyncpg's", _cpu(), 0.65, loops=_UVLOOP),
    Target("point_select", "wall to asyncpg's", _wall(), 0.85, loops=_UVLOOP),
    Target("tasks100_pool10", "queries/s to asyncpg's pool", _speed(), 4, at_least=True),
    Target("tasks100_conn1", "queries/s to asyncpg behind a lock", _speed(), 8, at_least=True),
    Target("batch100", "wall each", _wall_us, 6.5, unit=_US),
    Target("batch100", "CPU each", _cpu_us, 1.5, unit=_US),
    Target("fetch_1k", "CPU to asyncpg's", _cpu(), 0.40),
    Target("fetch_1k", "wall to asyncpg's", _wall(), 0.40),
    Target("fetch_100k", "CPU to asyncpg's", _cpu(), 0.40),
    Target("fetch_100k", "wall to asyncpg's", _wall(), 0.40),
    Target("insert_tuples", "rows/s to pre-made bytes", _speed("pre-made bytes"), 0.85, at_least=True),
    Target("insert_tuples", "CPU a row", _cpu_us, 0.25, unit=_US),
    Target("insert_dicts", "CPU a row", _cpu_us, 0.40, unit=_US),
    Target("upsert", "rows/s to pre-made bytes", _speed("pre-made bytes"), 0.8, at_least=True),
    Target("upsert", "rows/s to SQLAlchemy core", _speed("SQLAlchemy core"), 2, at_least=True),
    Target("orm_fetch_one", "wall to asyncpg's raw call", _wall(), 1.1),
    Target("orm_fetch_one", "CPU to asyncpg's raw call", _cpu(), 1.1),
    Target("orm_fetch_one", "speed to SQLAlchemy ORM's", _speed("SQLAlchemy ORM"), 5, at_least=True),
    Target("orm_insert_one", "wall to asyncpg's raw call", _wall(), 1.1),
    Target("orm_insert_one", "CPU to asyncpg's raw call", _cpu(), 1.1),
    Target("orm_objects", "wall to asyncpg's raw records", _wall(), 0.6),
    Target("orm_objects", "over our own raw fetch, each", _over_raw_fetch, 1.0, unit=_US),
    Target("orm_render", "wall each", _wall_us, 5, unit=_US),
    Target("orm_three_levels", "speed to SQLAlchemy's selectinload", _speed("SQLAlchemy ORM"), 5, at_least=True),
    *(
        Target(f"journal_{name}", "speed to the best mapper's", _speed_to_best_mapper, 3, at_least=True)
        for name in _JOURNAL
    ),
    Target("tx_empty", "round trips", _trips, 0, unit=_TRIPS),
    Target("tx_one", "round trips", _trips, 2, unit=_TRIPS),
    Target("point_select", "CPU to tokio-postgres's", _cpu("tokio-postgres"), 0.8, loops=_RUST),
    Target("batch100", "CPU to tokio-postgres's", _cpu("tokio-postgres"), 0.5, loops=_RUST),
]

# Peak memory over the start, in megabytes, of the runs of 10 million rows.
MEMORY_LIMIT_MB = 100.0


def judge(results: Results) -> Iterator[Outcome]:
    """Every target that belongs to a loop that was run and a case that was run."""
    for target in TARGETS:
        for loop in target.loops:
            if target.case in results.loops.get(loop, {}):
                yield Outcome(target, loop, target.measure(results, loop, target.case))
