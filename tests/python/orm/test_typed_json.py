"""JSON columns of classes that bring their own way to JSON: Pydantic's and msgspec's."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

import data_bridge.postgres as pg
from data_bridge.postgres import Column, Table, errors, select

MOMENT = datetime(2024, 1, 2, tzinfo=UTC)


async def there_and_back(url: str, cls: type[Table], one: Any, other: Any) -> None:
    """Every way in and out."""
    async with await pg.connect(url, pool_max=2):
        await pg.drop_all([cls])
        await pg.create_all([cls])
        await cls.insert_one(cls(id=1, value=one, values=[one, other], by_name={"a": one}))  # type: ignore[call-arg, unused-ignore]
        await cls.insert_many([{"id": n, "value": other, "values": [], "by_name": {}} for n in range(2, 1_200)])
        await cls.upsert_many([{"id": 2, "value": one, "values": [one], "by_name": {}}], conflict_columns=["id"])
        columns: Any = cls
        rows: list[Any] = await cls.fetch_many(columns.value == one, order_by="id")
        assert [row.id for row in rows] == [1, 2]
        assert (rows[0].value, rows[0].values, rows[0].by_name) == (one, [one, other], {"a": one})
        assert type(rows[0].value) is type(one)
        assert type(rows[0].values[1]) is type(one)
        assert await select(columns.value, columns.values, columns.by_name).where(columns.id == 2) == [(one, [one], {})]
        assert await cls.count(columns.value["n"].as_int() == 1) == 2
        await cls.update_many(columns.id == 1, {"value": other})
        assert await select(columns.value).where(columns.id == 1).scalars() == [other]
        await pg.fetch('UPDATE typed_json SET value = \'{"n": "x"}\' WHERE id = 1 RETURNING id')
        with pytest.raises(errors.DataError, match=r'column "value" \(jsonb\): converting the value raised'):
            await cls.fetch_one(columns.id == 1)
        await pg.drop_all([cls])


async def test_pydantic(url: str) -> None:
    pydantic: Any = pytest.importorskip("pydantic")

    class Settings(pydantic.BaseModel):  # type: ignore[misc, unused-ignore]
        n: int = 0
        at: datetime | None = None
        size: int = pydantic.Field(default=1, alias="SIZE")

    class Row(Table, table="typed_json"):
        id: int = Column(primary_key=True)
        value: Settings = Column()
        values: list[Settings] = Column(type="jsonb")
        by_name: dict[str, Settings] = Column()

    await there_and_back(url, Row, Settings(n=1, at=MOMENT, SIZE=9), Settings(n=2))


async def test_msgspec(url: str) -> None:
    msgspec: Any = pytest.importorskip("msgspec")

    class Settings(msgspec.Struct):  # type: ignore[misc, unused-ignore]
        n: int = 0
        at: datetime | None = None

    class Row(Table, table="typed_json"):
        id: int = Column(primary_key=True)
        value: Settings = Column()
        values: list[Settings] = Column(type="jsonb")
        by_name: dict[str, Settings] = Column()

    await there_and_back(url, Row, Settings(n=1, at=MOMENT), Settings(n=2))


def test_neither_is_imported_for_nothing() -> None:

    code = "import sys, data_bridge.postgres; print([name for name in ('pydantic', 'msgspec', 'numpy') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
