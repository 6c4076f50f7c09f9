"""The rows of every case: six mixed columns, about 80 bytes a row as binary COPY."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

ROWS = 100_000
COLUMNS = ("id", "name", "score", "active", "created", "amount")
TYPES = ("int8", "text", "float8", "bool", "timestamptz", "numeric")
COLUMN_LIST = ", ".join(COLUMNS)

POINT_SQL = f"SELECT {COLUMN_LIST} FROM bench_items WHERE id = $1"
FETCH_SQL = f"SELECT {COLUMN_LIST} FROM bench_items WHERE id <= $1 ORDER BY id"
INSERT_ONE_SQL = (
    "INSERT INTO bench_single (name, score, active, created, amount) VALUES ($1, $2, $3, $4, $5) RETURNING id"
)

# The staging plan that every contender without a bulk upsert of its own is given.
STAGING_TABLE = "CREATE TEMP TABLE bench_staging (LIKE bench_upsert INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
STAGING_MERGE = (
    f"INSERT INTO bench_upsert ({COLUMN_LIST}) SELECT {COLUMN_LIST} FROM bench_staging "
    "ON CONFLICT (id) DO UPDATE SET " + ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS[1:])
)
# Half of the rows stand already, under every second id and with other values.
HALF_FULL = (
    "TRUNCATE bench_upsert; "
    f"INSERT INTO bench_upsert ({COLUMN_LIST}) "
    "SELECT id, 'before', 0, false, created, 0 FROM bench_items WHERE id % 2 = 0 AND id <= {rows}"
)

_START = datetime(2013, 1, 1, tzinfo=UTC)


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """The same `count` rows at each call, with ids from 1."""
    rng = random.Random(13)
    for i in range(1, count + 1):
        yield (
            i,
            f"name-{i:010d}",
            rng.random() * 1000.0,
            i % 3 == 0,
            _START + timedelta(seconds=i * 61, microseconds=rng.randrange(1_000_000)),
            Decimal(rng.randrange(1_000_000_000)).scaleb(-2),
        )


def point_ids(count: int) -> list[int]:
    """`count` ids in an order that no cache can foresee."""
    rng = random.Random(7)
    return [rng.randrange(1, ROWS + 1) for _ in range(count)]
